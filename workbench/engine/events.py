"""What a trainer tells: a closed set of immutable events; exactly one of the last three ends a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.summaries import Summary, TestSummary


@dataclass(frozen=True)
class MetaSteps:
    """Meta-iterations done since the last such event.

    Attributes
    ----------
    first : number of meta-iterations done before these.
    values : what was measured at each, by measure; the mean outer loss among it.
    seconds : training time (evaluations left out) at the end of each.
    """

    first: int
    values: Mapping[str, NDArray[np.float64]]
    seconds: NDArray[np.float64]

    @property
    def iteration(self) -> int:
        """Meta-iterations done so far."""
        return self.first + len(self.seconds)


@dataclass(frozen=True)
class Evaluated:
    """Frozen meta-validation episodes were measured after ``iteration`` meta-iterations."""

    iteration: int
    split: str
    summary: Summary


@dataclass(frozen=True)
class CheckpointDue:
    """Time to keep the trainer's state, which stays as it is until the next event is asked for."""

    iteration: int


@dataclass(frozen=True)
class Abandoned:
    """A measurement was given up since somebody asked; it is begun anew when the next event is asked for."""

    iteration: int


@dataclass(frozen=True)
class Finished:
    """The run is over; ``summary`` is the "test" of a result file, ``arrays`` hold every task, ``domains``
    every task of the other domains, by name."""

    iteration: int
    seconds: float
    summary: TestSummary
    arrays: Mapping[str, NDArray[np.generic]]
    domains: Mapping[str, Mapping[str, NDArray[np.generic]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A trial is over: it was trained, or given up, and nothing is tested."""

    iteration: int
    seconds: float
    given_up: bool


@dataclass(frozen=True)
class Failed:
    """The run cannot go on; ``message`` says in one line why and what to change."""

    iteration: int
    message: str


Event = MetaSteps | Evaluated | CheckpointDue | Abandoned | Finished | Trained | Failed
