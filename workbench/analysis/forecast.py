"""How long a queue of runs still takes, from what finished runs took and how fast the present one is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from workbench.analysis.numerals import duration
from workbench.project import RunRecord
from workbench.summaries import TestSummary

NEWEST = 5
"""So many finished runs of an algorithm tell what another one takes."""


class Left(NamedTuple):
    """The seconds that are left, None where nothing is known; and whether some of it is a guess."""

    seconds: float | None = None
    guessed: bool = False

    @property
    def words(self) -> str:
        """``3 min left``, ``about 3 min left``; empty where nothing is known."""
        return "" if self.seconds is None else f"{'about ' * self.guessed}{duration(self.seconds)} left"


class Taken(NamedTuple):
    """Seconds of a whole run: all but its test, and its test, where that is known apart."""

    training: float
    test: float | None = None


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
        self._told: dict[tuple[int, str], Taken | None] = {}

    def like(self, run: RunRecord) -> Taken | None:
        """What runs of the same algorithm in the same experiment took; None where there are none."""
        key = run.experiment_id, run.label
        if key not in self._told:
            found = self._finished.get(run.experiment_id, {}).get(run.label, [])
            self._told[key] = _mean(map(self._taken, found[-NEWEST:]))
        return self._told[key]

    def beside(self, run: RunRecord) -> Taken | None:
        """What the algorithms beside it in the experiment took, for as many meta-iterations, as a guess."""
        planned = run.iterations_planned
        others = (found[-1] for found in self._finished.get(run.experiment_id, {}).values())
        alike = [each for each in others if bool(each.iterations_planned) == bool(planned)]
        taken = [(each.iterations_planned, self.like(each)) for each in alike]
        return _mean(
            known._replace(training=known.training * (planned / before if before else 1.0))
            for before, known in taken
            if known is not None
        )

    def _taken(self, run: RunRecord) -> Taken | None:
        cost, wall = (self._result(run.id) or {}).get("cost"), self._measured.get(run.id)
        if cost is not None:
            test = cost["seconds"]["test"]
            return Taken(max(0.0, (wall or sum(cost["seconds"].values())) - test), test)
        if wall is None and run.started is not None and run.ended is not None:
            wall = run.ended - run.started
        return None if wall is None else Taken(max(0.0, wall))


def left(runs: Sequence[RunRecord], known: Known, speed: float = 0.0, tested: float = 0.0) -> Left:
    """The time until all of these are over, tests and validations included.

    Parameters
    ----------
    speed : meta-iterations per second of the first, if it is running and that is known.
    tested : seconds that its test has taken so far.
    """
    total, guessed, found = 0.0, False, False
    usual = known.like(runs[0]) if runs else None
    if usual is None and speed:
        usual = Taken(runs[0].iterations_planned / speed)
    for run in runs:
        like = known.like(run)
        if like is None and run.iterations and not speed:
            speed = run.meta_iterations_per_second or 0.0  # its own, before it was stopped
        rest = _rest(run, like or known.beside(run) or usual, speed, tested)
        guessed = guessed or rest is None or like is None or bool(speed and like.test is None)
        found = found or rest is not None
        total += rest or 0.0
        speed = tested = 0.0
    return Left(total, guessed) if found else Left()


def _rest(run: RunRecord, taken: Taken | None, speed: float, tested: float) -> float | None:
    planned, test = run.iterations_planned, taken.test if taken is not None else None
    if planned and run.iterations >= planned:
        return None if test is None else max(0.0, test - tested)
    if speed:
        return (planned - run.iterations) / speed + (test or 0.0)
    if taken is None:
        return None
    return taken.training * (1 - (run.iterations / planned if planned else 0.0)) + (test or 0.0)


def _mean(all_taken: Iterable[Taken | None]) -> Taken | None:
    taken = [each for each in all_taken if each is not None]
    tests = [each.test for each in taken if each.test is not None]
    if not taken:
        return None
    training = sum(each.training for each in taken) / len(taken)
    return Taken(training, sum(tests) / len(tests) if tests else None)
