"""The outer step's gradient over a meta-batch: one vmapped call for each chunk of tasks."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from pathlib import Path

import torch
from torch import Tensor

from workbench.algorithms.base import Algorithm, Params
from workbench.engine.chunk_gradient import COUNTED, ChunkGradient, Result, chunk_gradient
from workbench.engine.crew import Crew
from workbench.paths import cache_folder
from workbench.tasks.base import Episode

log = logging.getLogger(__name__)

Part = tuple[Params, Episode]


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

    Where each task's is clipped, it is the sum instead.

    Parameters
    ----------
    algorithm : whose outer step it is.
    chunk : tasks computed at once.
    threads : chunks computed at the same time.
    compile : compile the computation of a chunk with ``torch.compile``, on the first call.
    autocast : dtype for mixed precision, or None.
    warm : learn without adapting, as a learner does that warms up.
    clip : norm to which the gradient of each task is clipped; None: no task is looked at by itself.

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
        clip: float | None = None,
    ) -> None:
        self.chunk = chunk
        self._clip = clip
        self.compiled = compile
        self.note: str | None = None
        self._autocast = autocast
        make = partial(chunk_gradient, warm=warm, clip=clip)

        def of_part(copy: Algorithm) -> Callable[[Part], Result]:
            of_chunk = make(copy, compile=False)
            return lambda part: self._compute(of_chunk, part)

        self._crew: Crew[Part, Result] = Crew(algorithm, of_part, threads)
        if compile:
            _keep_apart()
            self._of_chunk = torch.compile(make(algorithm, compile=True), fullgraph=True, dynamic=False)

    def gradient(self, meta: Params, episode: Episode) -> tuple[Params, Tensor]:
        """The direction of the outer step.

        Parameters
        ----------
        meta : meta-parameters.
        episode : T tasks.

        Returns
        -------
        gradient : mean over the tasks, by name; where each is clipped, the sum.
        losses : outer loss of each task, ``[T]``.
        """
        count = episode.count
        meta = {name: value.detach() for name, value in meta.items()}  # or a compiled chunk records itself
        parts = [(meta, episode.tasks(start, start + self.chunk)) for start in range(0, count, self.chunk)]
        if not self.compiled:
            return self._joined(self._crew.map(parts), count)
        if self._clip is not None:  # tasks are drawn by lot, as many as there are; one size is compiled
            parts = [(meta, _filled(part, self.chunk)) for _, part in parts]
        try:
            return self._joined((self._compute(self._of_chunk, part) for part in parts), count)
        except (torch._dynamo.exc.TorchDynamoException, RuntimeError, OSError, ImportError) as error:
            result = self._joined(self._crew.map(parts), count)  # an error of the algorithm is raised here
            self.compiled = False
            self.note = f"not compiled, runs as it is: {type(error).__name__}: {_said(error)}"[:300]
            log.warning(self.note)
            return result

    def _joined(self, parts: Iterable[Result], count: int) -> Result:
        """The gradient by so many tasks, and the loss of each, from those of their chunks."""
        total: Params = {}
        losses = []
        for part, part_losses in parts:
            losses.append(part_losses)
            total = {name: total[name] + part[name] for name in part} if total else part
        if self._clip is None:
            total = {name: each / count for name, each in total.items()}
        # contiguous: torch's fused Adam reads memory in order and takes no notice of strides
        return {name: each.contiguous() for name, each in total.items()}, torch.cat(losses)[:count]

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


def _filled(part: Episode, size: int) -> Episode:
    """So many tasks, of which those do not count that it is filled up with."""
    rows = torch.arange(size, device=part.device)
    filled = part.map(itemgetter(rows.clamp_max(part.count - 1)))
    return filled._replace(extra=filled.extra | {COUNTED: (rows < part.count).float()})
