"""Attacks on a learner's inputs within an ℓ∞ ball.

FGSM: Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015, arXiv
1412.6572. PGD: Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards Deep Learning Models Resistant to
Adversarial Attacks", ICLR 2018, arXiv 1706.06083.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad


def fgsm(
    loss: Callable[[Tensor], Tensor], x: Tensor, *, epsilon: float, bounds: tuple[float, float]
) -> Tensor:
    """x + ε · sign(∇L), within the valid values.

    Parameters
    ----------
    loss : what the adversary raises, a scalar function of the inputs.
    x : ``[n, …]``, un-normalised.
    epsilon : largest change of a value.
    bounds : smallest and largest valid value.

    Returns
    -------
    Tensor
        Of the shape of ``x``; no gradient flows through it.
    """
    return _step(loss, x, x, epsilon, epsilon, bounds)


def pgd(
    loss: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    epsilon: float,
    steps: int,
    step_size: float,
    bounds: tuple[float, float],
    noise: Tensor,
) -> Tensor:
    """Several steps of sign(∇L), each projected back into the ball, from a random start in it.

    Parameters
    ----------
    loss, x, epsilon, bounds : as in :func:`fgsm`.
    steps, step_size : how many, and how far each goes.
    noise : of the shape of ``x``, uniform in 0 to 1: the start.
    """
    attacked = (x + epsilon * (2 * noise - 1)).clamp(*bounds)
    for _ in range(steps):
        attacked = _step(loss, attacked, x, step_size, epsilon, bounds)
    return attacked


def _step(
    loss: Callable[[Tensor], Tensor],
    at: Tensor,
    x: Tensor,
    size: float,
    epsilon: float,
    bounds: tuple[float, float],
) -> Tensor:
    with torch.no_grad():  # the outer step must not differentiate through the adversary
        x, at = x.detach(), at.detach()
        moved = at + size * grad(loss)(at).sign()
        return torch.clamp(moved, x - epsilon, x + epsilon).clamp(*bounds).detach()
