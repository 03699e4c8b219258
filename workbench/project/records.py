"""What a project holds, as plain values, and how they become columns and come back checked."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

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
    environment: Mapping[str, Any]
    created: float
    started: float | None
    ended: float | None
    notes: str
    tags: Sequence[str]
    colour: str
    visible: bool
    deleted: bool


@dataclass(frozen=True)
class Checkpoint:
    """A trainer's whole state after ``iteration`` meta-iterations; ``tensors`` as they were given."""

    iteration: int
    state: dict[str, Any]
    tensors: bytes
    created: float


@dataclass(frozen=True)
class Result:
    """What a run reached on the frozen episodes of a split."""

    split: str
    episodes_hash: str
    summary: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def to_json(value: Any) -> str:
    """Compact JSON; numpy arrays and numbers as lists and numbers, NaN and infinity kept."""
    return json.dumps(value, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def from_json(text: object, kind: type) -> Any:
    """Read JSON whose outermost value must be of that kind.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(text, str):
        raise ValueError("a text is missing")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("a text is nested too deeply") from None
    if not isinstance(value, kind):
        raise ValueError(f"a {kind.__name__} is missing")
    return value


RUN_COLUMNS = tuple(field.name for field in dataclasses.fields(RunRecord))
_TEXTS = {"name", "algorithm", "label", "task", "failure", "config_hash", "data_hash", "notes", "colour"}
_NUMBERS = {"seconds", "meta_iterations_per_second", "created", "started", "ended"}
_OPTIONAL = {"meta_iterations_per_second", "started", "ended"}
_FLAGS = {"visible", "deleted"}
_UNCHANGEABLE = {"id", "experiment_id"}


def run_columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a run as what SQLite stores.

    Raises
    ------
    ValueError
        For an unknown field, or a value that the field cannot take.
    """
    columns: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in RUN_COLUMNS or name in _UNCHANGEABLE:
            raise ValueError(f"{name!r} is no field of a run that can be set")
        columns[name] = _checked(name, _stored(name, value))
    return columns


def _stored(name: str, value: Any) -> Any:
    if name == "environment":
        return to_json(dict(value))
    if name == "tags":
        return to_json([str(tag) for tag in value])
    if name in _NUMBERS and value is not None:
        return float(value)
    return int(value) if name in _FLAGS else value


def run_record(row: Sequence[Any]) -> RunRecord:
    """A run from its row, every field checked: the file may come from anywhere.

    Raises
    ------
    ValueError
        If a field cannot be what was written.
    """
    values = {name: _checked(name, value) for name, value in zip(RUN_COLUMNS, row, strict=True)}
    values["environment"] = from_json(values["environment"], dict)
    values["tags"] = tuple(str(tag) for tag in from_json(values["tags"], list))
    return RunRecord(**values | {name: bool(values[name]) for name in _FLAGS})


def experiment_record(row: Sequence[Any]) -> ExperimentRecord:
    """An experiment from its row, checked as in :func:`run_record`."""
    identifier, name, toml, config_hash, created = row
    texts = all(isinstance(text, str) for text in (name, toml, config_hash))
    if not (isinstance(identifier, int) and texts and isinstance(created, float)):
        raise ValueError("a field has the wrong type")
    return ExperimentRecord(identifier, name, toml, config_hash, created)


def _checked(name: str, value: Any) -> Any:
    if value is None and name in _OPTIONAL:
        return value
    if name == "status":
        right = value in STATUSES
    elif name in _TEXTS or name in ("environment", "tags"):
        right = isinstance(value, str)
    elif name in _NUMBERS:
        right = isinstance(value, float) and math.isfinite(value)
    else:
        right = isinstance(value, int) and abs(value) < 2**63
    if not right:
        raise ValueError(f"{name} cannot be {str(value)[:40]!r}")
    return value
