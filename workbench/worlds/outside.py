"""The seam between torch and what is computed outside it, as by a simulator that is not written in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor
from torch.autograd import Function

Compute = Callable[..., tuple[Tensor, ...]]
"""Tensors ``[…, *]`` to others, over any leading dimensions, which all have in common."""


class _Context(Protocol):
    def mark_non_differentiable(self, *tensors: Tensor) -> None: ...


class _Mapped(Protocol):
    batch_size: int


class _Outside(Function):
    @staticmethod
    def forward(compute: Compute, *inputs: Tensor) -> tuple[Tensor, ...]:
        return compute(*inputs)

    @staticmethod
    def setup_context(ctx: _Context, inputs: object, output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output)

    @staticmethod
    def vmap(
        info: _Mapped, in_dims: tuple[int | None, ...], compute: Compute, *inputs: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        whole = [
            each.expand(info.batch_size, *each.shape) if dim is None else each.movedim(dim, 0)
            for each, dim in zip(inputs, in_dims[1:], strict=True)
        ]
        found = outside(compute, *whole)
        return found, (0,) * len(found)


def outside(compute: Compute, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Compute something outside torch: under ``vmap`` all at once, in a single call, and with no gradient.

    Parameters
    ----------
    compute : is given plain tensors, with the dimensions of every ``vmap`` in front.
    """
    found: tuple[Tensor, ...] = _Outside.apply(compute, *inputs)  # type: ignore[no-untyped-call]
    return found
