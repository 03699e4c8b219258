"""The outer step's gradient over a meta-batch: one vmapped call for each chunk of tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, vmap

from workbench.algorithms.base import Algorithm, Params
from workbench.engine.crew import Crew
from workbench.tasks.base import Episode

ChunkGradient = Callable[[Params, Episode], tuple[Params, Tensor]]


class MetaStep:
    """Computes the mean meta-gradient of T tasks in chunks, so that memory is bounded by the chunk.

    Parameters
    ----------
    algorithm : whose outer step it is.
    chunk : tasks computed at once.
    threads : chunks computed at the same time.
    compile : compile the computation of a chunk with ``torch.compile``; raises on the first call where
        that is not possible.
    autocast : dtype for mixed precision, or None.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        *,
        chunk: int,
        threads: int = 1,
        compile: bool = False,
        autocast: torch.dtype | None = None,
    ) -> None:
        self.chunk = chunk
        self._autocast = autocast
        make = _directed if algorithm.outer.direction else _functional if compile else _recorded
        compute = torch.compile(make(algorithm), fullgraph=True, dynamic=False) if compile else None

        def of_part(copy: Algorithm) -> Callable[[tuple[Params, Episode]], tuple[Params, Tensor]]:
            of_chunk = compute or make(copy)
            return lambda part: self._compute(of_chunk, *part)

        self._crew = Crew(algorithm, of_part, threads)

    def gradient(self, meta: Params, episode: Episode) -> tuple[Params, Tensor]:
        """The direction of the outer step.

        Parameters
        ----------
        meta : meta-parameters.
        episode : T tasks.

        Returns
        -------
        gradient : mean over the tasks, by name.
        losses : outer loss of each task, ``[T]``.
        """
        count = episode.count
        meta = {name: value.detach() for name, value in meta.items()}  # or a compiled chunk records itself
        parts = [(meta, episode.tasks(start, start + self.chunk)) for start in range(0, count, self.chunk)]
        total: Params = {}
        losses = []
        for part, part_losses in self._crew.map(parts):
            losses.append(part_losses)
            total = {name: total[name] + part[name] for name in part} if total else part
        # contiguous: torch's fused Adam reads memory in order and takes no notice of strides
        return {name: (each / count).contiguous() for name, each in total.items()}, torch.cat(losses)

    def close(self) -> None:
        """End the threads, if there are any."""
        self._crew.close()

    def _compute(self, of_chunk: ChunkGradient, meta: Params, part: Episode) -> tuple[Params, Tensor]:
        if self._autocast is None:
            return of_chunk(meta, part)
        with torch.autocast(part.device.type, self._autocast):
            return of_chunk(meta, part)


def _recorded(algorithm: Algorithm) -> ChunkGradient:
    """Sum of the tasks' gradients, the outer one by recording: a quarter quicker than ``torch.func.grad``."""
    losses_of = vmap(algorithm.loss, in_dims=(None, 0))

    def compute(meta: Params, part: Episode) -> tuple[Params, Tensor]:
        leaves = {name: value.detach().requires_grad_() for name, value in meta.items()}
        losses = losses_of(leaves, part)
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True)), losses.detach()

    return compute


def _functional(algorithm: Algorithm) -> ChunkGradient:
    """The same by ``torch.func.grad``, which can be compiled as a whole."""
    losses_of = vmap(algorithm.loss, in_dims=(None, 0))

    def total(meta: Params, part: Episode) -> tuple[Tensor, Tensor]:
        losses = losses_of(meta, part)
        return losses.sum(), losses

    compute: Any = grad(total, has_aux=True)
    return lambda meta, part: compute(meta, part)


def _directed(algorithm: Algorithm) -> ChunkGradient:
    """Sum of the tasks' own directions."""
    direction = algorithm.outer.direction
    assert direction is not None
    directions_of = vmap(direction, in_dims=(None, 0))

    def compute(meta: Params, part: Episode) -> tuple[Params, Tensor]:
        with torch.no_grad():
            directions, losses = directions_of(meta, part)
            return {name: each.sum(0) for name, each in directions.items()}, losses

    return compute
