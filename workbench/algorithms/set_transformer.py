"""The Set Transformer: Lee, Lee, Kim, Kosiorek, Choi, Teh, "Set Transformer: a framework for attention-based
permutation-invariant neural networks", ICML 2019, arXiv 1810.00825.

Points look at each other by way of a few inducing points; K seeds then look at the points, and at each other.
Its output does not depend on the order of the points, and its cost grows with their number, not its square.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

HEADS = 4


class Attending(nn.Module):
    """What attends to something else, each a list of vectors ``[…, n, width]`` (the paper's MAB); all others
    count the same, or each as much as is said, ``[…, n]``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.mixed = nn.Linear(width, width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.further = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, others: Tensor, counts: Tensor | None = None) -> Tensor:
        query = _heads(self.query(x))
        key, value = (_heads(each) for each in self.key_value(others).chunk(2, -1))
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        weights = (scores if counts is None else scores + counts.log()[..., None, None, :]).softmax(-1)
        found = self.mixed((weights @ value).transpose(-2, -3).flatten(-2))
        x = self.first(x + found)
        out: Tensor = self.second(x + self.further(x))
        return out


def _heads(x: Tensor) -> Tensor:
    """``[…, n, width]`` as ``[…, heads, n, width / heads]``."""
    return torch.unflatten(x, -1, (HEADS, -1)).transpose(-2, -3)


class SetTransformer(nn.Module):
    """A set as so many vectors.

    Parameters
    ----------
    inputs : numbers of a point.
    seeds : K, vectors that come out.
    outputs : numbers of each.
    width, layers, inducing : of the network.
    """

    def __init__(
        self, inputs: int, seeds: int, outputs: int, *, width: int, layers: int, inducing: int
    ) -> None:
        super().__init__()
        self.points = nn.Linear(inputs, width)
        self.inducing = nn.ParameterList(torch.zeros(inducing, width) for _ in range(layers))
        self.gather = nn.ModuleList(Attending(width) for _ in range(layers))
        self.spread = nn.ModuleList(Attending(width) for _ in range(layers))
        self.seeds = nn.Parameter(torch.zeros(seeds, width))
        self.pool, self.between = Attending(width), Attending(width)
        self.out = nn.Linear(width, outputs)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """``[…, n, inputs]`` to ``[…, K, outputs]``.

        Parameters
        ----------
        told : what else is known of the set, added to the seeds, ``[…, K, width]``.
        """
        points = self.points(x)
        for inducing, gather, spread in zip(self.inducing, self.gather, self.spread, strict=True):
            points = spread(points, gather(inducing.expand(*points.shape[:-2], -1, -1), points))
        found = self.pool(self.seeds + told, points)
        out: Tensor = self.out(self.between(found, found))
        return out
