"""Runs that differ in the seed alone, whose outer gradients are computed together.

Small networks leave a processor waiting for calls, not for arithmetic: one call for ten seeds takes about as
long as three. Each run keeps its own weights, tasks and optimiser. The numbers are those of the run by itself
but for the last bits, since sums are made in another order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workbench.algorithms import Params
from workbench.algorithms.base import Algorithm
from workbench.engine.chunk_gradient import Result, chunk_gradient
from workbench.tasks.base import Episode


@dataclass
class _Asked:
    """What a run wants computed, and what came of it."""

    meta: Mapping[str, Tensor]
    part: Episode
    result: Result | None = None
    error: Exception | None = None
    answered: threading.Lock = field(default_factory=threading.Lock)
    """Held until there is an answer: cheaper than a condition on which all wait."""


@dataclass
class Stack:
    """Computes the outer gradients of several runs of an algorithm by one call; each has a thread of its own.

    A call waits until every run that has joined and not left has called.

    Attributes
    ----------
    making : held while a run's trainer is made, which sets torch's threads.
    """

    making: threading.Lock = field(default_factory=threading.Lock)
    _algorithm: Algorithm | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _members: int = 0
    _asked: list[_Asked] = field(default_factory=list)

    def join(self, algorithm: Algorithm) -> None:
        """Another run of the algorithm takes part from now on."""
        with self._lock:
            if self._algorithm is None:  # a copy: its network is not called by two threads at a time
                self._algorithm = deepcopy(algorithm)
            self._members += 1

    def leave(self) -> None:
        """A run does not take part any more; nobody waits for it."""
        with self._lock:
            self._members -= 1
            self._compute_if_all_have_asked()

    def gradient(self, meta: Params, part: Episode) -> Result:
        """As :meth:`~workbench.engine.meta_step.MetaStep.gradient`, called by each run's thread."""
        asked = _Asked({name: each.detach() for name, each in meta.items()}, part)
        asked.answered.acquire()
        with self._lock:
            self._asked.append(asked)
            self._compute_if_all_have_asked()
        asked.answered.acquire()
        if asked.result is None:
            assert asked.error is not None
            raise asked.error
        return asked.result

    def _compute_if_all_have_asked(self) -> None:
        if not self._asked or len(self._asked) < self._members:
            return
        asked, self._asked = self._asked, []
        try:
            for one, result in zip(asked, self._computed(asked), strict=True):
                one.result = result
        except Exception as error:
            for one in asked:
                one.error = error
        for one in asked:
            one.answered.release()

    def _computed(self, asked: list[_Asked]) -> list[Result]:
        if len({one.part.count for one in asked}) > 1:
            raise ValueError("runs that are computed together have meta-batches of one size")
        assert self._algorithm is not None
        metas = {name: torch.stack([one.meta[name] for one in asked]) for name in asked[0].meta}
        parts = _stacked([one.part for one in asked])
        gradients, losses = chunk_gradient(self._algorithm, compile=False, stacked=True)(metas, parts)
        tasks = asked[0].part.count
        # contiguous, as a meta-step's are: torch's fused Adam takes no notice of strides
        return [
            ({name: (each[at] / tasks).contiguous() for name, each in gradients.items()}, losses[at])
            for at in range(len(asked))
        ]


def _stacked(parts: list[Episode]) -> Episode:
    """Meta-batches of several runs: ``[runs, T, …]``."""

    def together(*tables: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: torch.stack([table[name] for table in tables]) for name in tables[0]}

    return Episode(*(together(*tables) for tables in zip(*parts, strict=True)))
