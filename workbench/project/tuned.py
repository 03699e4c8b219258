"""What a sweep made of a run, as its record keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.project.records import RunRecord

KEY = "sweep"
"""Of the run's environment, where it is kept."""


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
