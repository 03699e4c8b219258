"""A transformer over the points of a set that is told the geometry of every pair: it says how likely each
pair belongs together, and improves groups round by round.

Attention is biased by what is known of a pair. Each round describes every group in its own frame (centre,
size, axes) by the points that it has, and lets the points choose again; a round corrects what it was given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.algorithms.set_geometry import (
    FRAME,
    FRAME_KINDS,
    PAIR_FEATURES,
    frames,
    point_features,
)
from workbench.problems.clustering import NEVER

HEADS, DOTS, HIDDEN = 4, 4, 8
SOFT_STEPS, SHARPNESS = 5, 8.0


class Layer(nn.Module):
    """Attention with a bias for each pair, then a perceptron."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.further = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """``[T, n, width]``, with biases ``[HEADS, T, n, n]``."""
        sets, points, width = x.shape
        parts = self.attend(self.first(x)).view(sets, points, 3, HEADS, width // HEADS)
        query, key, value = parts.permute(2, 3, 0, 1, 4)
        weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias).softmax(-1)
        x = x + self.mixed((weights @ value).permute(1, 2, 0, 3).reshape(sets, points, width))
        out: Tensor = x + self.further(self.second(x))
        return out


class Affinities(nn.Module):
    """What points look like among the others ``[T, n, width]``, and the log-odds that a pair belongs together
    ``[T, n, n]``."""

    def __init__(self, dimensions: int, width: int, layers: int) -> None:
        super().__init__()
        self.points = nn.Sequential(
            nn.Linear(point_features(dimensions), width), nn.GELU(), nn.Linear(width, width)
        )
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))
        self.bias = nn.Linear(PAIR_FEATURES, HEADS * layers, bias=False)
        self.norm = nn.LayerNorm(width)
        self.dots = nn.Linear(width, DOTS * 16)
        self.own = nn.Linear(width, HIDDEN)
        self.pair = nn.Linear(PAIR_FEATURES + DOTS, HIDDEN, bias=False)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, points: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        sets, number = points.shape[:2]
        flat = pairs.flatten(1)
        biases = (self.bias.weight @ flat).view(len(self.layers), HEADS, sets, number, number)
        hidden = self.points(points)
        for layer, bias in zip(self.layers, biases.unbind(0), strict=True):
            hidden = layer(hidden, bias)
        hidden = self.norm(hidden)
        of_dots = self.dots(hidden).view(sets, number, DOTS, 16).permute(2, 0, 1, 3)
        dots = (of_dots @ of_dots.transpose(-1, -2) / 4).flatten(1)
        own = self.own(hidden).permute(2, 0, 1)
        of_pair = (self.pair.weight @ torch.cat([flat, dots])).view(HIDDEN, sets, number, number)
        of_pair = F.relu(of_pair + own[..., None] + own[:, :, None]).flatten(1)
        return hidden, (self.out.weight @ of_pair).view(sets, number, number) + self.out.bias


class Round(nn.Module):
    """New logits of the groups from the present ones, ``[T, n, K]``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.place, self.point = nn.Linear(FRAME, width), nn.Linear(width, width)
        self.group = nn.Sequential(
            nn.Linear(width + FRAME_KINDS, width), nn.GELU(), nn.Linear(width, 2 * width)
        )
        self.place_again, self.point_again = nn.Linear(FRAME + 2, width), nn.Linear(width, width)
        self.out = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.keep = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor, hidden: Tensor, affinity: Tensor, logits: Tensor) -> Tensor:
        share = logits.softmax(-1)
        places, kinds = frames(x, share)
        log_share = share.clamp_min(1e-4).log()
        weights = share / (share.sum(1, keepdim=True) + 1e-3)
        said = F.gelu(self.place(places) + self.point(hidden)[:, :, None])
        pooled = torch.einsum("tnk,tnkw->tkw", weights, said)
        shift, gain = self.group(torch.cat([pooled, kinds], -1)).chunk(2, -1)
        drawn = (affinity @ weights)[..., None]
        again = self.place_again(torch.cat([places, drawn, log_share[..., None]], -1))
        again = again + self.point_again(hidden)[:, :, None] * (1 + gain[:, None]) + shift[:, None]
        out: Tensor = self.keep * log_share + self.out(again)[..., 0]
        return out


def without(logits: Tensor, groups: Tensor) -> Tensor:
    """Logits ``[T, n, K]`` without those beyond the number of groups of each set, ``[T]``."""
    beyond = torch.arange(logits.shape[-1], device=logits.device) >= groups[:, None, None]
    return logits.masked_fill(beyond, NEVER)


def likeliest_number(affinity: Tensor, most: int) -> Tensor:
    """The number of groups, ``[T]``, whose first groups make the pairs likeliest under the affinities."""
    with torch.no_grad():
        scores = []
        for number in range(1, most + 1):
            groups = torch.full_like(affinity[:, 0, 0], number).long()
            found = F.one_hot(first_groups(affinity, groups, most).argmax(-1), most).to(affinity.dtype)
            same = found @ found.transpose(-1, -2)
            scores.append(F.logsigmoid(affinity * (2 * same - 1)).mean((1, 2)))
        return torch.stack(scores).argmax(0) + 1


def first_groups(affinity: Tensor, groups: Tensor, most: int) -> Tensor:
    """Logits of the groups ``[T, n, most]`` from affinities alone: anchors that are sure of their neighbours
    and foreign to each other, then a few soft steps in which points follow those they belong with.

    Parameters
    ----------
    affinity : log-odds ``[T, n, n]``.
    groups : how many each set has, ``[T]``; the logits of others are ``NEVER``.
    """
    with torch.no_grad():
        together = affinity.sigmoid()
        sure = (2 * together - 1).square().mean(-1)
        drawn = []
        for _ in range(most):
            anchor = sure.argmax(-1)[:, None, None].expand(-1, 1, affinity.shape[-1])
            drawn.append(affinity.gather(1, anchor)[:, 0])
            sure = sure * (1 - together.gather(1, anchor)[:, 0]).clamp_min(1e-6)
        logits = without(torch.stack(drawn, -1), groups)
        for _ in range(SOFT_STEPS):
            share = logits.softmax(-1)
            logits = without(SHARPNESS * together @ (share / (share.sum(1, keepdim=True) + 1)), groups)
        return logits
