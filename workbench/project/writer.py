"""Collects what a run produces and writes it in batches, off the training's critical path."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.project.records import Checkpoint, ExperimentRecord, RunFields, RunRecord
from workbench.summaries import Summary, TestSummary

Arrays = Mapping[str, NDArray[np.generic]]


class Store(Protocol):
    """What a run needs of its project: to read what it goes on from, and to write what it does."""

    @property
    def path(self) -> Path: ...
    @property
    def in_transaction(self) -> bool: ...
    def transaction(self) -> AbstractContextManager[None]: ...
    def run(self, run: int) -> RunRecord: ...
    def experiments(self) -> list[ExperimentRecord]: ...
    def checkpoint(self, run: int, most: int | None = None) -> Checkpoint | None: ...
    def checkpoint_iterations(self, run: int) -> list[int]: ...
    def series_names(self, run: int) -> list[str]: ...
    def series(self, run: int, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
    def append_series(self, run: int, name: str, x: ArrayLike, y: ArrayLike) -> None: ...
    def add_evaluation(self, run: int, iteration: int, split: str, values: Summary) -> None: ...
    def save_checkpoint(self, run: int, iteration: int, state: dict[str, object], tensors: bytes) -> None: ...
    def save_result(
        self, run: int, split: str, summary: TestSummary, arrays: Arrays, episodes_hash: str
    ) -> None: ...
    def update_run(self, run: int, **fields: Unpack[RunFields]) -> None: ...
    def rewind(self, run: int, iteration: int) -> None: ...


@dataclass
class _Waiting:
    """What has not been written yet."""

    series: dict[str, tuple[array[int], array[float]]] = field(default_factory=dict)
    evaluations: list[tuple[int, str, Summary]] = field(default_factory=list)
    fields: RunFields = field(default_factory=RunFields)
    checkpoint: tuple[int, dict[str, object], bytes] | None = None
    results: list[tuple[str, TestSummary, Arrays, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any((self.series, self.evaluations, self.fields, self.checkpoint, self.results))


class RunWriter:
    """Buffers the points, evaluations and results of one run; writes them in one commit.

    Nothing leaves the buffer before its commit has succeeded: if :meth:`flush` (or a method that
    flushes) raises :class:`~workbench.project.StorageError`, the run can pause, and a later flush
    writes everything, once.

    Parameters
    ----------
    project : a writable project, opened by the thread that uses this.
    run : the run's id.
    interval : the most seconds that a point waits in memory, as far as points arrive steadily.
    """

    def __init__(
        self,
        project: Store,
        run: int,
        *,
        interval: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._project = project
        self._run = run
        self._interval = interval
        self._clock = clock
        self._previous = clock()
        self._due = self._previous + interval
        self._waiting = _Waiting()

    def points(self, iteration: int, values: Mapping[str, float]) -> None:
        """Add a point to each named series; writes when a flush is due.

        Raises
        ------
        StorageError
            If a flush was due and failed; the points are kept.
        """
        series = self._waiting.series
        for name, value in values.items():
            if name not in series:
                series[name] = (array("q"), array("d"))
            x, y = series[name]
            y.append(value)
            x.append(iteration)
        now = self._clock()
        # The next point is expected as much later as this one came: if it would be late, write now.
        expected, self._previous = 2 * now - self._previous, now
        if expected >= self._due:
            self.flush()

    def evaluation(self, iteration: int, split: str, values: Summary) -> None:
        """Add an evaluation, and write."""
        self._waiting.evaluations.append((iteration, split, values))
        self.flush()

    def update(self, **fields: Unpack[RunFields]) -> None:
        """Change fields of the run (``iterations``, ``seconds``, ``status``…) with the next flush."""
        self._waiting.fields.update(fields)

    def checkpoint(self, iteration: int, state: dict[str, object], tensors: bytes) -> None:
        """Add a checkpoint, and write it together with every point up to it."""
        self._waiting.checkpoint = (iteration, state, tensors)
        self.flush()

    def result(self, split: str, summary: TestSummary, arrays: Arrays, episodes_hash: str) -> None:
        """Add a result with the next flush."""
        self._waiting.results.append((split, summary, arrays, episodes_hash))

    def flush(self) -> None:
        """Write everything that is waiting, in one commit.

        Raises
        ------
        StorageFull, StorageError
            If the disk or the folder refuses; nothing was written then and everything is kept.
        """
        project, run, waiting = self._project, self._run, self._waiting
        if project.in_transaction:  # whose failure would come after the buffer is emptied
            raise RuntimeError("a writer makes its own transaction")
        self._due = self._clock() + self._interval
        if not waiting:
            return
        with project.transaction():
            for name, (x, y) in waiting.series.items():
                project.append_series(run, name, np.array(x), np.array(y))
            for evaluation in waiting.evaluations:
                project.add_evaluation(run, *evaluation)
            if waiting.checkpoint is not None:
                project.save_checkpoint(run, *waiting.checkpoint)
            for result in waiting.results:
                project.save_result(run, *result)
            if waiting.fields:
                project.update_run(run, **waiting.fields)
        self._waiting = _Waiting()
