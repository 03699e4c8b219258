"""The multi-class support vector machine of Crammer, Singer, "On the Algorithmic Implementation of Multiclass
Kernel-based Vector Machines", JMLR 2001, solved in its dual so that the solution can be differentiated.

Of n examples with the kernel K and labels Y, one-hot, the weights are w_k = Σ_i α_ik x_i, where α makes
½ Σ_k α_kᵀ K α_k − Σ_ik α_ik Y_ik least among α ≤ C Y with Σ_k α_ik = 0. With β = C Y − α, each β_i lies in a
simplex: β ≥ 0, Σ_k β_ik = C.

A primal-dual interior-point method (as in Boyd, Vandenberghe, "Convex Optimization", 2004, section 11.7)
takes Newton's steps towards Y − K α + ν − z = 0 and β z = μ for smaller and smaller μ. What couples the
classes is ν alone, so that a step is a system of n × n for each class and one more. At the solution a last
such step, in which K alone is differentiated, gives the derivative of α by the implicit function theorem.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CENTRING = 0.1
"""What μ becomes in a step, as a part of what it is."""

LEAST = 1e-9
"""The smallest μ, as a part of C: below it, what a kernel leaves open hangs on rounding."""

WITHIN = 0.99
"""Part of the way to the nearest bound that a step may go."""


class Point(NamedTuple):
    """β and its multipliers z, both above 0, ``[n, ways]``, and ν ``[n]``."""

    beta: Tensor
    z: Tensor
    nu: Tensor

    def moved(self, by: Point, length: Tensor | float) -> Point:
        return Point(*(each + length * change for each, change in zip(self, by, strict=True)))


def dual(K: Tensor, Y: Tensor, C: float, steps: int) -> Tensor:
    """α ``[n, ways]``, which can be differentiated by K, after so many steps.

    Parameters
    ----------
    K, Y : ``[n, n]`` and ``[n, ways]``
    """
    with torch.no_grad():
        at = _interior(K, Y, C, steps)
    return C * Y - (at.beta + _direction(K, Y, C, at, at.beta * at.z).beta)


def gap(K: Tensor, Y: Tensor, C: float, alpha: Tensor) -> Tensor:
    """How far α is from the optimum: the loss of its weights minus the dual's bound of it, as a part of the
    former (a scalar, 0 at the optimum)."""
    scores = K @ alpha
    square, known = (alpha * scores).sum(), (alpha * Y).sum()
    slack = (scores + 1 - Y).amax(1) - (scores * Y).sum(1)
    primal = square / 2 + C * slack.sum()
    return ((primal - (known - square / 2)) / primal).clamp_min(0)  # but for rounding


def _interior(K: Tensor, Y: Tensor, C: float, steps: int) -> Point:
    beta = torch.full_like(Y, C / Y.shape[1])
    start = Y - K @ (C * Y - beta)
    at = Point(beta, torch.ones_like(Y) + start.abs().amax(), torch.zeros_like(Y[:, 0]))
    for _ in range(steps):
        target = (CENTRING * (at.beta * at.z).mean()).clamp_min(LEAST * C)
        by = _direction(K, Y, C, at, target)
        # each as a part of what there is left until it would be 0
        fall = torch.stack([-by.beta / at.beta, -by.z / at.z]).amax().clamp_min(WITHIN)
        at = at.moved(by, WITHIN / fall)
    return at


def _direction(K: Tensor, Y: Tensor, C: float, at: Point, target: Tensor) -> Point:
    """Newton's step towards the point where β z is the target; of its matrix nothing is differentiated."""
    beta, z, nu = at
    own = K.detach() + torch.diag_embed((z / beta).T)  # [ways, n, n]
    inverse = torch.linalg.inv(own)
    right = K @ (C * Y - beta) - Y - nu[:, None] + target / beta
    alone = torch.einsum("kij,jk->ik", inverse, right)
    change = torch.linalg.solve(inverse.sum(0), alone.sum(1) + beta.sum(1) - C)
    by = alone - torch.einsum("kij,j->ik", inverse, change)
    return Point(by, (target - z * by) / beta - z, change)
