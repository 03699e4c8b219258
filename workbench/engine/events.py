"""What a trainer tells: a closed set of immutable events; exactly one of the last two ends a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MetaSteps:
    """Meta-iterations done since the last such event.

    Attributes
    ----------
    first : number of meta-iterations done before these.
    losses : mean outer loss of each.
    seconds : training time (evaluations left out) at the end of each.
    """

    first: int
    losses: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @property
    def iteration(self) -> int:
        """Meta-iterations done so far."""
        return self.first + len(self.losses)


@dataclass(frozen=True)
class Evaluated:
    """Frozen meta-validation episodes were measured after ``iteration`` meta-iterations."""

    iteration: int
    split: str
    summary: Mapping[str, Any]


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
    """The run is over; ``summary`` is the "test" of a result file, ``arrays`` hold every task."""

    iteration: int
    seconds: float
    summary: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Failed:
    """The run cannot go on; ``message`` says in one line why and what to change."""

    iteration: int
    message: str


Event = MetaSteps | Evaluated | CheckpointDue | Abandoned | Finished | Failed
