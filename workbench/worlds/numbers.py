"""Uniform numbers to others, and draws of what is believed; over any leading dimensions."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALLEST = 2.0**-25
"""Half the step between uniform numbers of 32 bits: none becomes infinite."""


def normal(uniform: Tensor) -> Tensor:
    """Standard normal numbers, by the inverse of their distribution function."""
    numbers: Tensor = torch.special.ndtri(uniform.clamp(_SMALLEST, 1 - _SMALLEST))
    return numbers


def exponential(uniform: Tensor) -> Tensor:
    """Numbers of the exponential distribution of mean 1."""
    return -uniform.clamp_min(_SMALLEST).log()


def choice(uniform: Tensor, count: int) -> Tensor:
    """One of ``count`` things each, all equally likely: int64 from 0."""
    return (uniform * count).long().clamp_max(count - 1)


def entry(table: Tensor, index: Tensor) -> Tensor:
    """The entry of each table ``[…, n]`` at an index ``[…]``."""
    return table.gather(-1, index[..., None])[..., 0]


def beta_sample(one: Tensor, other: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers drawn from Beta distributions, by their two parameters."""
    # the only way to draw them from a generator of one's own
    drawn: Tensor = torch._sample_dirichlet(torch.stack([one, other], -1), generator=generator)
    return drawn[..., 0]


def start_size(numbers: int, horizon: int) -> tuple[int, int]:
    """The last dimensions of a chance that only the start needs: so many numbers, spread over the steps."""
    return horizon, -(-numbers // horizon)


def start(chance: Tensor, numbers: int) -> list[Tensor]:
    """The numbers ``[…]`` that are spread over a chance of such a size, ``[…, horizon, *]``."""
    return list(chance.flatten(-2)[..., :numbers].unbind(-1))
