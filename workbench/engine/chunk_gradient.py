"""The outer gradient of a chunk of tasks, by one vmapped call: summed over them, or each clipped before."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad, vmap

from workbench.algorithms.base import Algorithm, Params
from workbench.tasks.base import Episode

Result = tuple[Params, Tensor]
ChunkGradient = Callable[[Params, Episode], Result]
LossesOf = Callable[[Params, Episode], Tensor]

COUNTED = "counted"
"""Among what is added to tasks, ``[T]``: 0 of those that do not count, else 1; without it all do."""


def chunk_gradient(
    algorithm: Algorithm,
    *,
    compile: bool,
    warm: bool = False,
    clip: float | None = None,
    stacked: bool = False,
) -> ChunkGradient:
    """What computes the sum of the tasks' gradients, and the loss of each.

    Parameters
    ----------
    compile : whether torch is to compile it as a whole.
    warm : learn without adapting.
    clip : norm to which the gradient of each task is clipped; None: no task is looked at by itself.
    stacked : of several runs, ``[runs, …]`` of everything.
    """
    direction = None if warm else algorithm.outer.direction
    record = _recording if warm or not compile else _functional
    if clip is not None:  # every task has meta-parameters of its own, all alike
        one = _warm_loss(algorithm) if warm else algorithm.loss
        return _clipping(record(vmap(one)) if direction is None else torch.no_grad()(vmap(direction)), clip)
    several = vmap if stacked else lambda compute: compute
    if direction is not None:
        return torch.no_grad()(several(_summing(vmap(direction, in_dims=(None, 0)))))
    return record(several(algorithm.warm_losses if warm else algorithm.losses))


def _recording(losses_of: LossesOf) -> ChunkGradient:
    """The outer gradient by recording: a quarter quicker than ``torch.func.grad``."""

    def compute(meta: Params, part: Episode) -> Result:
        leaves = {name: value.detach().requires_grad_() for name, value in meta.items()}
        losses = losses_of(leaves, part)
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True)), losses.detach()

    return compute


def _functional(losses_of: LossesOf) -> ChunkGradient:
    """The same by ``torch.func.grad``, which can be compiled as a whole."""

    def total(meta: Params, part: Episode) -> tuple[Tensor, Tensor]:
        losses = losses_of(meta, part)
        return losses.sum(), losses

    compute: ChunkGradient = grad(total, has_aux=True)
    return lambda meta, part: compute(meta, part)


def _summing(directions_of: ChunkGradient) -> ChunkGradient:
    """Sum of the tasks' own directions."""

    def compute(meta: Params, part: Episode) -> Result:
        directions, losses = directions_of(meta, part)
        return {name: each.sum(0) for name, each in directions.items()}, losses

    return compute


def _clipping(gradients_of: ChunkGradient, bound: float) -> ChunkGradient:
    """Sum of the tasks' gradients, each scaled down to a norm over all meta-parameters where it is larger."""

    def compute(meta: Params, part: Episode) -> Result:
        own = {name: value.expand(part.count, *value.shape) for name, value in meta.items()}
        gradients, losses = gradients_of(own, part)
        squares = torch.stack([each.reshape(part.count, -1).square().sum(1) for each in gradients.values()])
        scale = (bound / squares.sum(0).sqrt()).clamp(max=1)
        if COUNTED in part.extra:
            scale = scale * part.extra[COUNTED]
        return {name: torch.tensordot(scale, each, 1) for name, each in gradients.items()}, losses

    return compute


def _warm_loss(algorithm: Algorithm) -> LossesOf:
    """The loss of one task while an algorithm warms up."""
    return lambda meta, task: algorithm.warm_losses(meta, task.map(lambda each: each[None]))[0]
