"""3×3 convolution that stays quick on a CPU when ``vmap`` gives every task filters of its own.

PyTorch turns such a call into one grouped convolution, for which all activations change their order in
memory, there and back, forwards and backwards. Here each task's convolution is a call of its own and
tasks stay one after the other in memory: 9 to 24% less CPU time for a meta-step with Conv4.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from workbench.networks.autograd import Context, InDims, Mapped


def convolve(x: Tensor, filters: Tensor, stride: int) -> Tensor:
    """``[n, C, h, w]`` and ``[O, C, 3, 3]`` to ``[n, O, h', w']``, with padding 1 and no bias."""
    if not x.is_cpu or torch.compiler.is_compiling():
        return F.conv2d(x, filters, None, stride, padding=1)
    y: Tensor = _Convolve.apply(x[None], filters[None], stride)  # type: ignore[no-untyped-call]
    return y.squeeze(0)


def _stack(tensors: list[Tensor]) -> Tensor:
    return torch.stack(tensors) if len(tensors) > 1 else tensors[0][None]  # one alone is not copied


def _tasks_first(value: Tensor, dim: int | None, tasks: int) -> Tensor:
    """The dimension of ``vmap`` joins the leading one, which the functions below loop over."""
    batched = value.expand(tasks, *value.shape) if dim is None else value.movedim(dim, 0)
    return batched.flatten(0, 1)


def _images_joined(value: Tensor, dim: int | None, tasks: int) -> Tensor:
    """The dimension of ``vmap`` joins the images', where the tasks share their filters."""
    batched = value[:, None].expand(-1, tasks, *value.shape[1:]) if dim is None else value.movedim(dim, 1)
    return batched.flatten(1, 2)


class _Kept(Context, Protocol):
    stride: int
    needs_x: bool
    needs_filters: bool


class _Convolve(Function):
    """``x [T, n, C, h, w]`` with ``filters [T, O, C, 3, 3]``, task by task."""

    @staticmethod
    def forward(x: Tensor, filters: Tensor, stride: int) -> Tensor:
        return _stack([F.conv2d(*task, None, stride, padding=1) for task in zip(x, filters, strict=True)])

    @staticmethod
    def setup_context(ctx: _Kept, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        x, filters, ctx.stride = inputs
        ctx.save_for_backward(x, filters)

    @staticmethod
    def backward(ctx: _Kept, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        needs_x, needs_filters, _ = ctx.needs_input_grad
        by_x, by_filters = _ConvolveBackward.apply(  # type: ignore[no-untyped-call]
            cotangents[0], *ctx.saved_tensors, ctx.stride, needs_x, needs_filters
        )
        return by_x if needs_x else None, by_filters if needs_filters else None, None

    @staticmethod
    def vmap(info: Mapped, in_dims: InDims, x: Tensor, filters: Tensor, stride: int) -> tuple[Tensor, int]:
        tasks = info.batch_size
        if in_dims[1] is None:  # as in the first inner step: one large batch
            y = _Convolve.apply(_images_joined(x, in_dims[0], tasks), filters, stride)  # type: ignore[no-untyped-call]
            return y.unflatten(1, (tasks, -1)), 1
        joined = [_tasks_first(v, dim, tasks) for v, dim in zip((x, filters), in_dims, strict=False)]
        y = _Convolve.apply(*joined, stride)  # type: ignore[no-untyped-call]
        return y.unflatten(0, (tasks, -1)), 0


class _ConvolveBackward(Function):
    """g, the loss's derivative by y, to those by x and by the filters (empty where not asked for).

    Both are linear in g and in the other factor, so its own derivatives are convolutions again.
    """

    @staticmethod
    def forward(
        g: Tensor, x: Tensor, filters: Tensor, stride: int, needs_x: bool, needs_filters: bool
    ) -> tuple[Tensor, Tensor]:
        settings = (None, [stride, stride], [1, 1], [1, 1], False, [0, 0], 1, [needs_x, needs_filters, False])
        by_x, by_filters, _ = zip(
            *(
                torch.ops.aten.convolution_backward(*task, *settings)
                for task in zip(g, x, filters, strict=True)
            ),
            strict=True,
        )
        return (
            _stack(list(by_x)) if needs_x else g.new_empty(0),
            _stack(list(by_filters)) if needs_filters else g.new_empty(0),
        )

    @staticmethod
    def setup_context(
        ctx: _Kept, inputs: tuple[Tensor, Tensor, Tensor, int, bool, bool], output: tuple[Tensor, Tensor]
    ) -> None:
        g, x, filters, ctx.stride, ctx.needs_x, ctx.needs_filters = inputs
        ctx.save_for_backward(g, x, filters)

    @staticmethod
    def backward(ctx: _Kept, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        g, x, filters = ctx.saved_tensors
        of_x, of_filters = cotangents
        by_g = by_x = by_filters = None
        if ctx.needs_x:
            by_g = _Convolve.apply(of_x, filters, ctx.stride)  # type: ignore[no-untyped-call]
            if ctx.needs_input_grad[2]:
                by_filters = _derivative(g, of_x, filters, ctx.stride, by_x=False)
        if ctx.needs_filters:
            more = _Convolve.apply(x, of_filters, ctx.stride)  # type: ignore[no-untyped-call]
            by_g = more if by_g is None else by_g + more
            if ctx.needs_input_grad[1]:
                by_x = _derivative(g, x, of_filters, ctx.stride, by_x=True)
        return by_g, by_x, by_filters, None, None, None

    @staticmethod
    def vmap(
        info: Mapped, in_dims: InDims, g: Tensor, x: Tensor, filters: Tensor, stride: int, *needs: bool
    ) -> tuple[tuple[Tensor, Tensor], InDims]:
        tasks, tensors, dims = info.batch_size, (g, x, filters), in_dims[:3]
        needs_x, needs_filters = needs
        joined = [_tasks_first(v, dim, tasks) for v, dim in zip(tensors, dims, strict=True)]
        by_x = by_filters = g.new_empty(0)
        if needs_x and dims[2] is None:
            g, x = (_images_joined(v, dim, tasks) for v, dim in zip((g, x), dims[:2], strict=True))
            by_x = _derivative(g, x, filters, stride, by_x=True)
            by_x = by_x.unflatten(1, (tasks, -1)).movedim(1, 0)  # type: ignore[no-untyped-call]
            needs_x = False
        if needs_x or needs_filters:
            results = _ConvolveBackward.apply(*joined, stride, needs_x, needs_filters)  # type: ignore[no-untyped-call]
            by_x = results[0].unflatten(0, (tasks, -1)) if needs_x else by_x
            by_filters = results[1].unflatten(0, (tasks, -1)) if needs_filters else by_filters
        return (by_x, by_filters), (0 if needs[0] else None, 0 if needs[1] else None)


def _derivative(g: Tensor, x: Tensor, filters: Tensor, stride: int, *, by_x: bool) -> Tensor:
    """One of the two."""
    result: Tensor = _ConvolveBackward.apply(g, x, filters, stride, by_x, not by_x)[not by_x]  # type: ignore[no-untyped-call]
    return result
