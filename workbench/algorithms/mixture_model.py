"""Gaussians of a set, and the steps of expectation maximisation that improve them (Dempster, Laird, Rubin,
JRSS B 1977), in torch, so that the sets of many tasks can be batched.

A mixture is a dict: ``mean`` ``[K, d]``; ``root`` ``[K, d, d]``, the Cholesky factors of the covariances;
``log_weight`` ``[K]``, ``NONE`` for a group that the set does not have.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Params

Covariance = Literal["full", "tied", "diag", "spherical"]

RIDGE = 1e-6
"""Added to variances, in parts of the whole set's: a group of one point has a covariance, too."""

NONE = -1e4
"""The logarithm of no weight."""


def log_joint(mixture: Params, x: Tensor) -> Tensor:
    """log π_k + log N(x | μ_k, Σ_k), ``[…, n, K]``: logits of the groups."""
    apart = (x[..., :, None, :] - mixture["mean"][..., None, :, :]).movedim(-3, -1)  # […, K, d, n]
    white = torch.linalg.solve_triangular(mixture["root"], apart, upper=False)
    volume = mixture["root"].diagonal(dim1=-2, dim2=-1).log().sum(-1)
    squared = white.square().sum(-2) + x.shape[-1] * math.log(2 * math.pi)
    found: Tensor = (mixture["log_weight"] - volume)[..., None, :] - squared.transpose(-1, -2) / 2
    return found


def negative_log_likelihood(mixture: Params, x: Tensor) -> Tensor:
    """Of a point, on average, ``[…]``."""
    return -log_joint(mixture, x).logsumexp(-1).mean(-1)


def em_step(mixture: Params, x: Tensor, covariance: Covariance) -> Params:
    """The mixture after one step: every point is shared out among the groups, then each group takes the mean
    and the covariance of its share. A group without points stays as it is.

    Parameters
    ----------
    x : ``[…, n, d]``.
    covariance : how groups may be stretched, as scikit-learn calls it.
    """
    share = log_joint(mixture, x).softmax(-1)
    points = x.shape[-2]
    held, few = share.sum(-2), 1e-8 * points
    taken = held + few
    mean = (share.transpose(-1, -2) @ x + few * mixture["mean"]) / taken[..., None]
    apart = x[..., :, None, :] - mean[..., None, :, :]
    products = torch.einsum("...nk,...nki,...nkj->...kij", share, apart, apart)
    eye = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    if covariance == "tied":
        found = (products.sum(-3, keepdim=True) / points).expand_as(products)
    else:
        before = mixture["root"] @ mixture["root"].transpose(-1, -2)
        found = (products + few * before) / taken[..., None, None]
    if covariance == "diag":
        found = found * eye
    elif covariance == "spherical":
        found = found.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * eye
    ridge = RIDGE * x.var(-2, correction=0).mean(-1)[..., None, None, None] + torch.finfo(x.dtype).eps ** 2
    weight = (taken / taken.sum(-1, keepdim=True)).log()
    return {
        "mean": mean,
        "root": torch.linalg.cholesky(found + ridge * eye),
        "log_weight": torch.where(mixture["log_weight"] > NONE / 2, weight, NONE),
    }
