"""Experiments out of TOML, with overrides."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench import toml
from workbench.config.domains import Domain
from workbench.config.experiment import Experiment, admitted
from workbench.config.kinds import AlgorithmConfig, TaskConfig
from workbench.settings import (
    Complaint,
    ConfigError,
)
from workbench.words import visible


def parse(text: str, overrides: Sequence[str] = (), source: str = "") -> Experiment:
    """Read an experiment from TOML text, stored or new (see :func:`admitted`).

    ``algorithm = "all"`` stands for every algorithm that can do the task.

    Parameters
    ----------
    text : the TOML document.
    overrides : assignments such as ``training.iterations=100`` or ``algorithm.0.inner_lr=0.1``.
    source : where the text came from, for error messages.

    Raises
    ------
    ConfigError
        If the text is not TOML, or not an experiment.
    """
    try:
        table = toml.read(text)
    except ValueError as error:
        raise ConfigError([Complaint((), f"{error}{_hint(text, str(error))}")], source) from None
    if table.get("algorithm") == "all":
        table["algorithm"] = _all_that_fit(table.get("task"))
    for override in overrides:
        _assign(table, override)
    return Experiment.from_table(table, source)


def _all_that_fit(task: object) -> list[dict[str, object]]:
    """Every algorithm, with its defaults, that a task gives what it needs."""
    family = TaskConfig.kinds.get(str(task.get(TaskConfig.selector))) if isinstance(task, Mapping) else None
    gives = family.gives() if family else frozenset()
    return [{"kind": name} for name, kind in sorted(AlgorithmConfig.kinds.items()) if kind.needs <= gives]


def load(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read an experiment from a TOML file; paths in it are relative to the file's folder.

    Raises
    ------
    ConfigError
        If there is no such file, or it is not an experiment.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([Complaint((), "not a text file in UTF-8; save it as one")], str(path)) from None
    except OSError as error:
        why = f"{error.strerror or error}; name an experiment, a file in TOML"
        raise ConfigError([Complaint((), why)], str(path)) from None
    experiment = admitted(parse(text, overrides, source=str(path)), str(path))
    task = experiment.task
    changed: dict[str, object] = {}
    if isinstance(own := getattr(task, "path", None), str) and own:
        changed["path"] = _absolute(own, path, ("task", "path"))
    if task.domain is not None:
        changed["domain"] = tuple(_with_path(each, path, at) for at, each in enumerate(task.domain))
    return experiment.model_copy(update={"task": task.model_copy(update=changed)}) if changed else experiment


def _with_path(domain: Domain, source: Path, index: int) -> Domain:
    """A domain whose path, if it has one, is relative to nothing."""
    data = domain.settings.get("path")
    if not isinstance(data, str) or not data:
        return domain
    place = ("task", "domain", index, "path")
    return Domain.model_validate(domain.model_dump() | {"path": _absolute(data, source, place)})


def _absolute(data: str, source: Path, place: tuple[int | str, ...]) -> str:
    """A path that a file says, which is relative to that file's folder."""
    if visible(data) != data and not os.path.lexists(source.parent / data):
        wrong = f"there is no {visible(data)!r}{_BACKSLASH}"
        raise ConfigError([Complaint(place, wrong)], str(source))
    return str((source.parent / Path(data).expanduser()).resolve())


_BACKSLASH = """; in "…" a backslash begins a special letter: write a path as 'C:\\data', or with /"""


def _hint(text: str, error: str) -> str:
    """What may help where TOML cannot be read."""
    place = re.search(r"at line (\d+)", error)
    line = text.splitlines()[int(place[1]) - 1 :][:1] if place else []
    return _BACKSLASH if line and "\\" in line[0] else ""


def _assign(table: dict[str, object], override: str) -> None:
    """Carry out one ``a.b=c``; c is TOML, or a plain string where it is not."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError([Complaint((override,), "an override looks like training.iterations=100")], "--set")
    try:
        value = toml.read(f"value = {text}")["value"]
    except ValueError:
        value = text.strip()
    try:
        toml.assign(table, key.strip(), value)
    except LookupError as error:
        raise ConfigError([Complaint((key,), str(error.args[0]))], "--set") from None
