"""Hidden parameters that are numbers between two limits, each made from one uniform number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.worlds.base import Tensors


@dataclass(frozen=True)
class Span:
    """The numbers between two limits, all equally likely.

    Attributes
    ----------
    low, high : the limits.
    logarithmic : whether their logarithms are equally likely instead.
    whole : whether only whole numbers are meant, both limits among them.
    signed : whether the number or its negative is meant, one as likely as the other.
    """

    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False
    signed: bool = False

    def drawn(self, uniform: Tensor) -> Tensor:
        """The numbers that uniform ones in [0, 1) stand for, in their order where none is negative."""
        if self.signed:
            side = 2 * uniform - 1
            size = self.low + (self.high - self.low) * side.abs()
            return size.where(side >= 0, -size)
        if self.whole:
            return (self.low + uniform * (self.high - self.low + 1)).floor().clamp(max=self.high)
        if self.logarithmic:
            return (math.log(self.low) + math.log(self.high / self.low) * uniform).exp()
        return self.low + (self.high - self.low) * uniform

    def scaled(self, value: Tensor) -> Tensor:
        """Numbers of the span as −1 to 1."""
        low, high = (-self.high if self.signed else self.low), self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), value.log()
        return (value - (low + high) / 2) * (2 / (high - low))


Spans = Mapping[str, Span]
"""The spans of hidden parameters, by name."""


def drawn(spans: Spans, uniform: Tensors) -> Tensors:
    """Hidden parameters ``[…]`` from uniform numbers ``[…, 1]``, both by name."""
    return {name: span.drawn(uniform[name][..., 0]) for name, span in spans.items()}


def scaled(spans: Spans, task: Tensors) -> Tensor:
    """Hidden parameters as numbers from −1 to 1, ``[…, n]`` in the order of the spans."""
    import torch

    return torch.stack([span.scaled(task[name]) for name, span in spans.items()], -1)
