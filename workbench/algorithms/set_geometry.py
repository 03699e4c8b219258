"""What the places of a set's points say of each point and of each pair, for a network that groups them.

Sets are ``[T, n, d]``, in units in which the points of a family have mean 0 and variance 1. All of it is a
function of the points alone and has no gradient.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

WIDTHS = (0.09, 0.18, 0.36)
"""Of the neighbourhoods in which a point has a density and directions; the last two for pairs, too."""

KERNELS = (0.09, 0.18, 0.36, 0.72, 1.44)
FREQUENCIES = (1.25, 2.5, 5.0, 10.0)
FRAME = 19
"""Numbers that say where a point is in the frame of a group."""

FRAME_KINDS = 4
"""Numbers that say what a group's frame is like."""


class Geometry(NamedTuple):
    """Features of points ``[T, n, F]`` and of pairs ``[E, T, n, n]``: what a network begins with is one
    matrix product over the first dimension."""

    points: Tensor
    pairs: Tensor


def point_features(dimensions: int) -> int:
    """F."""
    local = 2 + dimensions + dimensions * (dimensions + 1) // 2
    return dimensions * (1 + 2 * len(FREQUENCIES)) + len(WIDTHS) * local


PAIR_FEATURES = len(KERNELS) + 1 + 2 * (len(WIDTHS) - 1) + 2


def geometry(x: Tensor) -> Geometry:
    """Where points are, how dense it is about them, along which directions others lie near them; of a pair,
    how near it is, and whether both points' directions fit one curve.

    The direction at a point is the covariance of its neighbourhood in parts of its trace, S, so that no
    eigenvectors are needed. S_i and S_j agree by tr(S_i S_j); they fit one circle, or line, by the same when
    one is mirrored across the middle of the pair (Parent, Zucker, "Trace inference, curvature consistency,
    and curve detection", IEEE PAMI 1989), for which c is the direction from one point to the other.
    """
    with torch.no_grad():
        x = x - x.mean(1, keepdim=True)
        apart = x[:, None] - x[:, :, None]  # [T, i, j, d]: from i to j
        squared = apart.square().sum(-1)
        points = [x, *(wave(x * each) for each in FREQUENCIES for wave in (torch.sin, torch.cos))]
        pairs = [torch.exp(-squared / (2 * each * each)) for each in KERNELS]
        pairs.append(torch.log(squared + 0.004) / 2)
        chord = apart / (squared + 4e-5).sqrt()[..., None]
        for width, near in zip(WIDTHS, pairs, strict=False):
            density, shift, spread, direction = _neighbourhood(near, x, width)
            entries = torch.triu_indices(x.shape[-1], x.shape[-1])
            points += [density, shift, spread, direction[..., entries[0], entries[1]]]
            if width == WIDTHS[0]:
                continue
            across = chord @ direction  # S_i c_ij
            along = (across * chord).sum(-1)
            flat = direction.flatten(2)
            agreeing = flat @ flat.transpose(-1, -2)
            both = along * along.transpose(-1, -2)
            mixed = (across * across.transpose(1, 2)).sum(-1)  # −c S_i S_j c
            pairs += [agreeing, agreeing + 4 * mixed + 4 * both]
            if width == WIDTHS[1]:
                pairs += [along + along.transpose(-1, -2), both]
        return Geometry(torch.cat(points, -1), torch.stack(pairs))


def _neighbourhood(near: Tensor, x: Tensor, width: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of each point, by weights of its neighbours ``[T, n, n]``: log density, shift of their mean, spread,
    and direction ``[T, n, d, d]``."""
    mass = near.sum(-1, keepdim=True)
    weights = near / mass
    mean = weights @ x
    products = (x[..., :, None] * x[..., None, :]).flatten(2)
    second = (weights @ products).view(*x.shape, x.shape[-1])
    covariance = second - mean[..., :, None] * mean[..., None, :]
    spread = covariance.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None] + 4e-4
    density = (mass * (120 / x.shape[1])).log() - 2
    return density, (mean - x) / width, spread / width**2, covariance / spread[..., None]


def frames(x: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Where every point is in every group's own frame: from its centre, along its axes, by its size, turned
    so that it bends to one side.

    Parameters
    ----------
    x : ``[T, n, d]``.
    share : of the groups in each point, ``[T, n, K]``.

    Returns
    -------
    places : ``[T, n, K, FRAME]``.
    kinds : size, stretch, bend and share of each group, ``[T, K, FRAME_KINDS]``.
    """
    with torch.no_grad():
        x = x - x.mean(1, keepdim=True)
        if x.shape[-1] == 1:
            x = torch.cat([x, torch.zeros_like(x)], -1)
        weights = share / (share.sum(1, keepdim=True) + 1e-3)
        centre = weights.transpose(1, 2) @ x
        apart = x[:, :, None] - centre[:, None]  # [T, n, K, d]
        covariance = torch.einsum("tnk,tnki,tnkj->tkij", weights, apart, apart)
        values, axes = torch.linalg.eigh(covariance + 1e-9 * torch.eye(x.shape[-1], device=x.device))
        size = (values.sum(-1) + 3e-4).sqrt()
        turned = torch.einsum("tnki,tkij->tnkj", apart, axes) / size[:, None, :, None]
        u, v = turned[..., -1], turned[..., -2]
        beyond = (apart / size[:, None, :, None]).square().sum(-1) - u * u - v * v
        bend = torch.einsum("tnk,tnk->tk", weights, v * u * u)
        lean = torch.einsum("tnk,tnk->tk", weights, u**3)
        v = v * torch.where(bend < 0, -1.0, 1.0)[:, None]
        u = u * torch.where(lean < 0, -1.0, 1.0)[:, None]
        powers = [u, v, u * u, u * v, v * v, u**3, u * u * v, u * v * v, v**3]
        waves = [wave(f * each) for f in (2, 4) for each in (u, v) for wave in (torch.sin, torch.cos)]
        places = torch.stack([*powers, *waves, beyond.clamp_min(0), beyond.clamp_min(0).sqrt()], -1)
        stretch = (values[..., -1] - values[..., -2]) / (values.sum(-1) + 3e-4)
        kinds = torch.stack([size.log(), stretch, bend.abs(), share.mean(1)], -1)
        return places.clamp(-8, 8), kinds
