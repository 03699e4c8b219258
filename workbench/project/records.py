"""What a project holds, as plain values, and how they become columns and come back checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, cast, get_args

import numpy as np
from numpy.typing import NDArray

from workbench import toml
from workbench.project.declared import (
    LARGEST_ID,
    LONGEST_LINE,
    MOST_ITERATIONS,
    Check,
    colour,
    flag,
    in_json,
    line,
    lines,
    listed,
    named,
    one_of,
    optional,
    plain,
    real,
    text,
    to_json,
    whole,
)
from workbench.summaries import TestSummary
from workbench.words import LONGEST_NAME

Status = Literal["queued", "running", "paused", "stopped", "interrupted", "failed", "finished"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class ExperimentRecord:
    """A configuration that yields runs; ``created`` in seconds since 1970."""

    id: int
    name: str
    toml: str
    config_hash: str
    created: float


@dataclass(frozen=True)
class RunRecord:
    """One algorithm × one seed.

    Attributes
    ----------
    position : place in the queue; runs are listed by it.
    algorithm, label : the kind (``maml``) and how the run's algorithm is shown (``MAML, 5 steps``).
    failure : why it failed, one line; empty otherwise.
    iterations, iterations_planned : meta-iterations done and asked for.
    seconds : training time so far, pauses left out.
    environment : versions, device, threads, chunk and the like.
    created, started, ended : seconds since 1970.
    deleted : put aside by the user, not listed, and restored by setting it back.
    """

    id: int
    experiment_id: int
    position: int
    name: str
    algorithm: str
    label: str
    task: str
    seed: int
    status: Status
    failure: str
    iterations: int
    iterations_planned: int
    seconds: float
    meta_iterations_per_second: float | None
    config_hash: str
    data_hash: str
    environment: dict[str, Any]
    created: float
    started: float | None
    ended: float | None
    notes: str
    tags: tuple[str, ...]
    colour: str
    visible: bool
    deleted: bool


class RunFields(TypedDict, total=False):
    """What ``add_run`` and ``update_run`` take: the fields of :class:`RunRecord`, all optional."""

    position: int
    name: str
    algorithm: str
    label: str
    task: str
    seed: int
    status: Status
    failure: str
    iterations: int
    iterations_planned: int
    seconds: float
    meta_iterations_per_second: float | None
    config_hash: str
    data_hash: str
    environment: Mapping[str, object]
    created: float
    started: float | None
    ended: float | None
    notes: str
    tags: Sequence[str]
    colour: str
    visible: bool
    deleted: bool


@dataclass(frozen=True)
class Damaged:
    """A run that is not as it was written, and is in no list: its id, and in one line why."""

    id: int
    why: str

    @property
    def left_out(self) -> str:
        """The sentence for a person."""
        return f"run {self.id} is damaged and left out: {self.why}"


def sentences(damaged: Sequence[Damaged], most: int = 20) -> list[str]:
    """What a person is told of damaged runs: so many by name, and how many more there are."""
    more = len(damaged) - most
    return [each.left_out for each in damaged[:most]] + [f"and {more:,} more; verify names all"] * (more > 0)


@dataclass(frozen=True)
class Checkpoint:
    """A trainer's whole state after ``iteration`` meta-iterations; ``tensors`` as they were given."""

    iteration: int
    state: dict[str, object]
    tensors: bytes
    created: float


@dataclass(frozen=True)
class Result:
    """What a run reached on the frozen episodes of a split."""

    split: str
    episodes_hash: str
    summary: TestSummary
    arrays: dict[str, NDArray[np.generic]]


def of_domain(name: str) -> str:
    """What the result on another domain is stored under: beside the splits, which have no such names."""
    return f"domain {name}"


def _environment(value: object) -> dict[str, Any]:
    """What is only told is plain; of what a run goes on by, values that cannot be are left out."""
    found = cast("dict[str, Any]", plain(value))
    for name, check in (("threads", _threads), ("chunk", _threads), ("device", _name)):
        if name in found:
            try:
                check(found[name])
            except ValueError:
                del found[name]
    return found


def _tags(value: object) -> tuple[str, ...]:
    return tuple(listed(_name, 1000)(value))


_name = line(LONGEST_NAME)
_threads = optional(whole(1, 1_000_000))
_id = whole(1, LARGEST_ID)
_count = whole(0, MOST_ITERATIONS)
_seconds = real(0, 1e12)
_moment = real(0, 1e11)

EXPERIMENT: dict[str, Check] = {
    "id": _id,
    "name": _name,
    "toml": text(toml.LONGEST),
    "config_hash": _name,
    "created": _moment,
}
"""What the columns of an experiment may be."""

RUN: dict[str, Check] = {
    "id": _id,
    "experiment_id": _id,
    "position": whole(0, LARGEST_ID),
    "name": _name,
    "algorithm": _name,
    "label": _name,
    "task": _name,
    "seed": whole(0, 2**32 - 1),
    "status": one_of(STATUSES),
    "failure": line(LONGEST_LINE),
    "iterations": _count,
    "iterations_planned": _count,
    "seconds": _seconds,
    "meta_iterations_per_second": optional(_seconds),
    "config_hash": _name,
    "data_hash": _name,
    "environment": in_json(_environment, dict),
    "created": _moment,
    "started": optional(_moment),
    "ended": optional(_moment),
    "notes": lines,
    "tags": in_json(_tags, list),
    "colour": colour,
    "visible": flag,
    "deleted": flag,
}
"""What the columns of a run may be."""

_UNCHANGEABLE = {"id", "experiment_id"}


def run_columns(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields of a run as what SQLite stores.

    Raises
    ------
    ValueError
        For an unknown field, or a value that the field cannot take.
    """
    columns: dict[str, object] = {}
    for name, value in fields.items():
        if name not in RUN or name in _UNCHANGEABLE:
            raise ValueError(f"{name!r} is no field of a run that can be set")
        columns[name] = _stored(name, named(name, RUN[name], _stored(name, value)))
    return columns


def _stored(name: str, value: Any) -> object:
    match name:
        case "environment":
            return to_json(dict(value))
        case "tags":
            return to_json([str(tag) for tag in value])
        case "visible" | "deleted":
            return int(value)
    return value


def run_record(row: Sequence[object]) -> RunRecord:
    """A run from its row, every field checked.

    Raises
    ------
    ValueError
        If a field cannot be what was written; one line.
    """
    return RunRecord(**_checked(RUN, row))


def experiment_record(row: Sequence[object]) -> ExperimentRecord:
    """An experiment from its row, checked as in :func:`run_record`."""
    return ExperimentRecord(**_checked(EXPERIMENT, row))


def _checked(columns: Mapping[str, Check], row: Sequence[object]) -> dict[str, Any]:
    return {
        name: named(name, check, value) for (name, check), value in zip(columns.items(), row, strict=True)
    }
