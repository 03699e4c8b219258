"""The outer step's gradient over a meta-batch: one vmapped call for each chunk of tasks."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor
from torch.func import grad, vmap

from workbench.algorithms.base import Algorithm, Params
from workbench.engine.crew import Crew
from workbench.paths import cache_folder
from workbench.tasks.base import Episode

log = logging.getLogger(__name__)

Part = tuple[Params, Episode]
Result = tuple[Params, Tensor]
ChunkGradient = Callable[[Params, Episode], Result]


def _keep_apart() -> None:
    """Keep compiled code by the vector instructions that it was made for: torch's own cache takes that of
    others for its own, whose numbers are wrong then."""
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir  # slow, and only compiling needs it

    folder = cache_folder() / "compiled" / torch.backends.cpu.get_cpu_capability()
    chosen = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    # torch names its own place there once it is imported, which is nobody's choice
    if chosen is None or Path(chosen) == Path(default_cache_dir()).absolute():
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)


class MetaStep:
    """Computes the mean meta-gradient of T tasks in chunks, so that memory is bounded by the chunk.

    Parameters
    ----------
    algorithm : whose outer step it is.
    chunk : tasks computed at once.
    threads : chunks computed at the same time.
    compile : compile the computation of a chunk with ``torch.compile``, on the first call.
    autocast : dtype for mixed precision, or None.
    warm : learn without adapting, as a learner does that warms up.

    Attributes
    ----------
    compiled : whether it is compiled; no more, once that was not possible.
    note : why, in one line, where that was asked for or considered.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        *,
        chunk: int,
        threads: int = 1,
        compile: bool = False,
        autocast: torch.dtype | None = None,
        warm: bool = False,
    ) -> None:
        self.chunk = chunk
        self.compiled = compile
        self.note: str | None = None
        self._autocast = autocast
        make, compilable = (_recorded, _functional) if not warm else (_recorded_warm, _recorded_warm)
        if algorithm.outer.direction is not None and not warm:
            make = compilable = _directed

        def of_part(copy: Algorithm) -> Callable[[Part], Result]:
            of_chunk = make(copy)
            return lambda part: self._compute(of_chunk, part)

        self._crew: Crew[Part, Result] = Crew(algorithm, of_part, threads)
        if compile:
            _keep_apart()
            self._of_chunk = torch.compile(compilable(algorithm), fullgraph=True, dynamic=False)

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
        if not self.compiled:
            return _mean(self._crew.map(parts), count)
        try:
            return _mean((self._compute(self._of_chunk, part) for part in parts), count)
        except (torch._dynamo.exc.TorchDynamoException, RuntimeError, OSError, ImportError) as error:
            result = _mean(self._crew.map(parts), count)  # an error of the algorithm itself is raised here
            self.compiled = False
            self.note = f"not compiled, runs as it is: {type(error).__name__}: {_said(error)}"[:300]
            log.warning(self.note)
            return result

    def close(self) -> None:
        """End the threads, if there are any."""
        self._crew.close()

    def _compute(self, of_chunk: ChunkGradient, part: Part) -> Result:
        if self._autocast is None:
            return of_chunk(*part)
        with torch.autocast(part[1].device.type, self._autocast):
            return of_chunk(*part)


def _said(error: Exception) -> str:
    """What an error of compiling says in one line, with the first error of the C++ compiler."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Set TORCH")]
    found = re.search(r"\berror\b[^:\n]*: .*", "\n".join(lines[2:]))
    return " ".join([*lines[:2], *([found[0]] if found else [])])


def _mean(parts: Iterable[Result], count: int) -> Result:
    """The mean gradient of so many tasks, and the loss of each, from those of their chunks."""
    total: Params = {}
    losses = []
    for part, part_losses in parts:
        losses.append(part_losses)
        total = {name: total[name] + part[name] for name in part} if total else part
    # contiguous: torch's fused Adam reads memory in order and takes no notice of strides
    return {name: (each / count).contiguous() for name, each in total.items()}, torch.cat(losses)


def _recorded_warm(algorithm: Algorithm) -> ChunkGradient:
    return _recording(algorithm.warm_losses)


def _recorded(algorithm: Algorithm) -> ChunkGradient:
    return _recording(algorithm.losses)


def _recording(losses_of: Callable[[Params, Episode], Tensor]) -> ChunkGradient:
    """Sum of the tasks' gradients, the outer one by recording: a quarter quicker than ``torch.func.grad``."""

    def compute(meta: Params, part: Episode) -> tuple[Params, Tensor]:
        leaves = {name: value.detach().requires_grad_() for name, value in meta.items()}
        losses = losses_of(leaves, part)
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True)), losses.detach()

    return compute


def _functional(algorithm: Algorithm) -> ChunkGradient:
    """The same by ``torch.func.grad``, which can be compiled as a whole."""

    def total(meta: Params, part: Episode) -> tuple[Tensor, Tensor]:
        losses = algorithm.losses(meta, part)
        return losses.sum(), losses

    compute: ChunkGradient = grad(total, has_aux=True)
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
