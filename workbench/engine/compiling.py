"""A meta-step that is compiled where that is possible, and says so in one line where it is not."""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from workbench.algorithms.base import Algorithm, Params
from workbench.engine.meta_step import MetaStep
from workbench.tasks.base import Episode

log = logging.getLogger(__name__)


class CompiledOrNot:
    """A :class:`MetaStep` that tries to compile itself on its first call.

    Attributes
    ----------
    compiled : whether it is compiled.
    note : why it is not, in one line, where that was asked for.
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
        self._plain = MetaStep(algorithm, chunk=chunk, threads=threads, autocast=autocast)
        self._step = self._plain
        if compile:
            self._step = MetaStep(algorithm, chunk=chunk, compile=True, autocast=autocast)
        self.compiled = compile
        self.note: str | None = None

    def close(self) -> None:
        """End the threads, if there are any."""
        self._plain.close()

    def gradient(self, meta: Params, episode: Episode) -> tuple[Params, Tensor]:
        """As :meth:`MetaStep.gradient`."""
        if self._step is self._plain:
            return self._plain.gradient(meta, episode)
        try:
            return self._step.gradient(meta, episode)
        except (torch._dynamo.exc.TorchDynamoException, RuntimeError, OSError, ImportError) as error:
            result = self._plain.gradient(meta, episode)  # an error of the algorithm itself is raised here
            self._step, self.compiled = self._plain, False
            lines = [line for line in str(error).splitlines() if line and not line.startswith("Set TORCH")]
            reason = " ".join(lines[:2])
            self.note = f"not compiled, runs as it is: {type(error).__name__}: {reason}"[:300]
            log.warning(self.note)
            return result
