"""What a sweep made of a run, as its record keeps it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.problems import rows_of
from workbench.project.records import RunRecord
from workbench.summaries import Summary

KEY = "sweep"
"""Of the run's environment, where it is kept."""

OVER = "finished", "failed"
"""How a trial may have ended."""


@dataclass(frozen=True)
class Tuned:
    """Which trial of a sweep a run is, or that it tests what was chosen.

    Attributes
    ----------
    algorithm : place of its algorithm in the experiment.
    trial : from 1; of a run that tests, the one that was chosen.
    tests : whether it tests it.
    values : of settings, by their paths in the experiment.
    limits : by meta-iterations, what its validation had to reach; see :class:`~workbench.engine.best.Trial`.
    given_up : whether it did not.
    """

    algorithm: int
    trial: int
    tests: bool
    values: Mapping[str, Any]
    limits: Mapping[int, float] = field(default_factory=dict)
    given_up: bool = False

    @classmethod
    def of(cls, record: RunRecord) -> Tuned | None:
        """What a record says; None for a run that belongs to no sweep, or where a stranger wrote nonsense."""
        match record.environment.get(KEY):
            case {"algorithm": int(algorithm), "trial": int(trial), "values": dict(values), **rest}:
                limits = rest.get("limits")
                return cls(
                    algorithm,
                    trial,
                    rest.get("tests") is True,
                    values,
                    _limits(limits) if isinstance(limits, dict) else {},
                    rest.get("given_up") is True,
                )
        return None

    @property
    def kept(self) -> dict[str, object]:
        """What the record is to say."""
        limits = {str(at): value for at, value in self.limits.items()}
        return {
            KEY: {
                "algorithm": self.algorithm,
                "trial": self.trial,
                "tests": self.tests,
                "values": dict(self.values),
                "limits": limits,
                "given_up": self.given_up,
            }
        }


def _limits(said: Mapping[str, Any]) -> dict[int, float]:
    return {
        int(at): float(value)
        for at, value in said.items()
        if at.isdecimal() and isinstance(value, int | float)
    }


@dataclass(frozen=True)
class Tried:
    """A trial that is over.

    Attributes
    ----------
    number : from 1.
    values : of settings, by their paths.
    value : of validation; None where it failed.
    validations : by meta-iterations.
    given_up : whether it was not trained to its end.
    sign : 1 where more is better, -1 where less is; 0 where nothing was measured.
    measure : what the values are of, by its name.
    """

    number: int
    values: Mapping[str, Any]
    value: float | None
    validations: Mapping[int, float] = field(default_factory=dict)
    given_up: bool = False
    sign: int = 0
    measure: str = ""

    @classmethod
    def of(
        cls,
        record: RunRecord,
        evaluations: Sequence[tuple[int, Summary]],
        tables: Mapping[str, Any],
    ) -> Tried | None:
        """What a run that is over came to; None for one that is no trial, or is not over.

        Parameters
        ----------
        evaluations : its validations.
        tables : of its experiment; they say what is chosen by, and whether the best validation counts or the
            last.
        """
        tuned = Tuned.of(record)
        if tuned is None or tuned.tests or record.status not in OVER:
            return None
        objective = tables.get("sweep", {}).get("objective")
        best = tables.get("evaluation", {}).get("checkpoint") == "best"
        found: dict[int, float] = {}
        sign, measure = 0, ""
        for iteration, summary in evaluations:
            rows = [row for row in rows_of(summary) if row.sign]
            row = next((row for row in rows if objective in (None, row.name)), None)
            if row is None:
                continue
            sign, measure = row.sign, row.name
            reached = summary["measures"][row.name]["mean"][-1]
            if reached is not None and math.isfinite(reached):
                found[iteration] = reached
        value: float | None = None
        if found and record.status == "finished":
            value = max(found.values(), key=lambda each: sign * each) if best else found[max(found)]
        return cls(tuned.trial, tuned.values, value, found, tuned.given_up, sign, measure)

    @property
    def whole(self) -> bool:
        """Whether it was trained to its end and came to a number."""
        return self.value is not None and not self.given_up


def best_of(tried: Iterable[Tried]) -> Tried | None:
    """The best whole trial, the first of equals; None where there is none."""
    whole = [each for each in tried if each.whole]
    return max(whole, key=lambda each: (each.sign * (each.value or 0.0), -each.number), default=None)
