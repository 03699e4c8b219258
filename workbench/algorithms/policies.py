"""What a network says of an action, as a distribution: logits of moves, or a mean and the logarithm of a
standard deviation for each number."""

from __future__ import annotations

import math

from torch import Tensor


def log_probability(said: Tensor, action: Tensor) -> Tensor:
    """log p of actions, ``[…]``.

    Parameters
    ----------
    said : ``[…, moves]`` logits, or ``[…, 2 · numbers]``: means, then log σ.
    action : int64 ``[…]``, or float ``[…, numbers]``.
    """
    if not action.dtype.is_floating_point:
        chosen: Tensor = said.log_softmax(-1).gather(-1, action[..., None])[..., 0]
        return chosen
    mean, log_std = said.chunk(2, -1)
    standard = (action - mean) / log_std.exp()
    return (-0.5 * standard.square() - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)


def entropy(said: Tensor, *, discrete: bool) -> Tensor:
    """Entropy in nats, ``[…]``."""
    if discrete:
        logs = said.log_softmax(-1)
        return -(logs.exp() * logs).sum(-1)
    _, log_std = said.chunk(2, -1)
    return (log_std + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)


def divergence(old: Tensor, new: Tensor, *, discrete: bool) -> Tensor:
    """KL(old ‖ new) at each step, ``[…]``, of what two policies say (see :func:`log_probability`)."""
    if discrete:
        old, new = old.log_softmax(-1), new.log_softmax(-1)
        return (old.exp() * (old - new)).sum(-1)
    (old_mean, before), (new_mean, after) = old.chunk(2, -1), new.chunk(2, -1)
    spread = (2 * (before - after)).exp() + (old_mean - new_mean).square() * (-2 * after).exp()
    return (after - before + 0.5 * (spread - 1)).sum(-1)
