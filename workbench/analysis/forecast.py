"""How long a queue of runs still takes, from what finished runs took and how fast the present one is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.analysis.numerals import duration
from workbench.project import RunRecord
from workbench.summaries import TestSummary

NEWEST = 5
"""So many finished runs of an algorithm tell what another one takes."""


@dataclass(frozen=True)
class Left:
    """The time that is left.

    Attributes
    ----------
    seconds : None where nothing is known.
    guessed : whether some of it comes from other algorithms, or is not known.
    """

    seconds: float | None = None
    guessed: bool = False

    @property
    def words(self) -> str:
        """``3 min left``, ``about 3 min left``; empty where nothing is known."""
        if self.seconds is None:
            return ""
        return f"{'about ' * self.guessed}{duration(self.seconds)} left"


@dataclass(frozen=True)
class Present:
    """The run that is running.

    Attributes
    ----------
    run : its record.
    speed : its meta-iterations per second, validations included; 0 where it is not known yet.
    tested : seconds that its test has taken so far.
    """

    run: RunRecord
    speed: float = 0.0
    tested: float = 0.0

    @property
    def testing(self) -> bool:
        """Whether training is over."""
        return self.run.iterations >= self.run.iterations_planned


class _Taken(NamedTuple):
    """Seconds of a whole run: all but its test, and its test, where it is known apart."""

    training: float
    test: float | None


class Known:
    """What finished runs took, by experiment and algorithm.

    Parameters
    ----------
    runs : of the project.
    result : reads what a run reached, with what its phases took; only asked of runs that matter.
    measured : seconds from the beginning of a run to its end, pauses left out, where somebody saw both.
    """

    def __init__(
        self,
        runs: Iterable[RunRecord],
        result: Callable[[int], TestSummary | None],
        measured: Mapping[int, float],
    ) -> None:
        self._finished: dict[int, dict[str, list[RunRecord]]] = {}
        for run in runs:
            if run.status == "finished":
                self._finished.setdefault(run.experiment_id, {}).setdefault(run.label, []).append(run)
        self._result, self._measured = result, measured
        self._told: dict[tuple[int, str], _Taken | None] = {}

    def like(self, run: RunRecord) -> _Taken | None:
        """What runs of the same algorithm in the same experiment took; None where there are none."""
        key = run.experiment_id, run.label
        if key not in self._told:
            found = self._finished.get(run.experiment_id, {}).get(run.label, [])
            self._told[key] = _mean([each for one in found[-NEWEST:] if (each := self._taken(one))])
        return self._told[key]

    def beside(self, run: RunRecord) -> _Taken | None:
        """What the algorithms beside it in the experiment took, as a guess."""
        others = [found[-1] for found in self._finished.get(run.experiment_id, {}).values()]
        return _mean([each for one in others if (each := self.like(one))])

    def _taken(self, run: RunRecord) -> _Taken | None:
        cost = (self._result(run.id) or {}).get("cost")
        wall = self._measured.get(run.id)
        if cost is not None:
            test = cost["seconds"]["test"]
            whole = wall or sum(cost["seconds"].values())
            return _Taken(max(0.0, whole - test), test)
        if wall is None and run.started is not None and run.ended is not None:
            wall = run.ended - run.started
        return None if wall is None else _Taken(max(0.0, wall), None)


def left(present: Present | None, waiting: Sequence[RunRecord], known: Known) -> Left:
    """The time until the present run and all that wait are over, tests and validations included."""
    seconds, guessed, missing = 0.0, False, 0
    usual = None
    if present is not None:
        here = _of_present(present, known)
        seconds, guessed, missing = here.seconds or 0.0, here.guessed, here.seconds is None
        if present.speed:
            usual = _Taken(present.run.iterations_planned / present.speed, None)
    for run in waiting:
        taken = known.like(run)
        guessed = guessed or taken is None
        taken = taken or known.beside(run) or usual
        missing += taken is None
        if taken is not None:
            part = run.iterations / run.iterations_planned if run.iterations_planned else 0.0
            seconds += taken.training * (1 - part) + (taken.test or 0.0)
    if missing == len(waiting) + (present is not None):
        return Left()
    return Left(seconds, guessed or bool(missing))


def _of_present(present: Present, known: Known) -> Left:
    run, like = present.run, known.like(present.run)
    taken = like or known.beside(run)
    test = taken.test if taken is not None else None
    if present.testing and run.iterations_planned:
        return Left() if test is None else Left(max(0.0, test - present.tested), like is None)
    if present.speed:
        training = (run.iterations_planned - run.iterations) / present.speed
        return Left(training + (test or 0.0), like is None or test is None)
    if taken is None:
        return Left()
    part = run.iterations / run.iterations_planned if run.iterations_planned else 0.0
    return Left(taken.training * (1 - part) + (test or 0.0), like is None)


def _mean(taken: Sequence[_Taken]) -> _Taken | None:
    if not taken:
        return None
    tests = [each.test for each in taken if each.test is not None]
    training = sum(each.training for each in taken) / len(taken)
    return _Taken(training, sum(tests) / len(tests) if tests else None)
