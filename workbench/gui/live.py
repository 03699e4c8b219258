"""What the running run tells, on its way from the run thread to the window.

The run thread puts notices in, up to some twenty a second; a timer in the GUI thread takes them out a few
times a second, already put together for each run. No signal is sent for a meta-iteration.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.summaries import Summary, TestSummary

Values = NDArray[np.float64]


@dataclass
class News:
    """What one run told since the last look.

    Attributes
    ----------
    first : meta-iterations done before those of ``points``.
    points : the new points of each series, piece by piece.
    seconds_trained, iterations : as of the newest notice; None where there was none.
    evaluations : validations, as (meta-iteration, summary).
    result : the meta-test summary, at the end.
    predictions : the newest, with its meta-iteration; for the view that asked for them.
    begun : the run has (again) begun, maybe from a checkpoint: what was shown after it is void.
    status, message : a change of state, and what is to be said of it.
    preparing : what is being prepared, in words (reading images …).
    ended : the run is over or held for good; nothing follows.
    """

    first: int = 0
    points: list[Mapping[str, Values]] = field(default_factory=list)
    iterations: int | None = None
    evaluations: list[tuple[int, Summary]] = field(default_factory=list)
    result: TestSummary | None = None
    predictions: tuple[int, object] | None = None
    begun: bool = False
    status: str | None = None
    message: str | None = None
    preparing: str | None = None
    ended: bool = False

    def series(self) -> dict[str, Values]:
        """The new points by the name of their series."""
        names = self.points[0] if self.points else ()
        return {name: np.concatenate([each[name] for each in self.points]) for name in names}


class Live:
    """A letter box between the run thread and the GUI thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news: dict[int, News] = {}

    def take(self) -> dict[int, News]:
        """Everything since the last call, by run."""
        with self._lock:
            news, self._news = self._news, {}
        return news

    def steps(self, run: int, first: int, points: Mapping[str, Values]) -> None:
        """Meta-iterations were done: each series has a new point for each."""
        with self._lock:
            news = self._of(run)
            if not news.points:
                news.first = first
            news.points.append(points)
            news.iterations = first + len(next(iter(points.values())))

    def evaluated(self, run: int, iteration: int, summary: Summary) -> None:
        """Frozen validation episodes were measured."""
        with self._lock:
            self._of(run).evaluations.append((iteration, summary))

    def finished(self, run: int, summary: TestSummary) -> None:
        """The meta-test result is there."""
        with self._lock:
            self._of(run).result = summary

    def predicted(self, run: int, iteration: int, predictions: object) -> None:
        """A view's predictions were computed."""
        with self._lock:
            self._of(run).predictions = (iteration, predictions)

    def state(
        self,
        run: int,
        status: str | None = None,
        *,
        message: str | None = None,
        preparing: str | None = None,
        begun: bool = False,
        ended: bool = False,
    ) -> None:
        """The run's state has changed, or there is something to say."""
        with self._lock:
            news = self._of(run)
            if begun:
                news = self._news[run] = News(begun=True)
            news.status = status or news.status
            news.message = news.message if message is None else message
            news.preparing = news.preparing if preparing is None else preparing
            news.ended = news.ended or ended

    def _of(self, run: int) -> News:
        return self._news.setdefault(run, News())
