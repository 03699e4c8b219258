"""Where curves come from, and which runs are the same algorithm with other seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.export.arrangement import Arrangement
from workbench.project import ExperimentRecord, Project, RunRecord
from workbench.project.declared import tables

Series = tuple[NDArray[np.int64], NDArray[np.float64]]

DEFAULT_META_BATCH = 25
# what a run's results do not mean anything else by
_INCIDENTAL = ("seeds", "device", "threads", "chunk", "compile", "checkpoint_every")


class Source(Protocol):
    """What the curves are made of: the window's ``RunData``, or a :class:`ProjectSource`.

    Attributes
    ----------
    arrangement : the order and names of the algorithms, wherever the seeds of one stand together.
    """

    arrangement: Arrangement

    def shown(self) -> list[RunRecord]:
        """The runs to draw."""

    def colour(self, run: RunRecord) -> str:
        """``#rrggbb`` of a run."""

    def series(self, run: int, name: str) -> Series:
        """Meta-iterations and values of a series so far."""

    def evaluations(self, run: int) -> list[tuple[int, dict[str, Any]]]:
        """The validations of a run, as (meta-iteration, summary), in order."""

    def result(self, run: int) -> dict[str, Any] | None:
        """What a run reached on the meta-test episodes."""

    def experiment(self, run: RunRecord) -> ExperimentRecord:
        """The experiment that a run belongs to."""


class ProjectSource:
    """The runs of a project file, for figures without a window.

    Parameters
    ----------
    project : an open project.
    colours : given out to the algorithms' labels in the order in which they first appear.
    runs : the ids of the runs to draw; None: those that are visible.
    arrangement : the order and names of the algorithms.
    """

    def __init__(
        self,
        project: Project,
        colours: tuple[str, ...],
        runs: Iterable[int] | None = None,
        arrangement: Arrangement | None = None,
    ) -> None:
        self.arrangement = arrangement or Arrangement()
        self._project, self._colours = project, colours
        wanted = None if runs is None else set(runs)
        records = project.runs()
        self._shown = [each for each in records if (each.visible if wanted is None else each.id in wanted)]
        self._labels = list(dict.fromkeys(each.label for each in sorted(records, key=lambda r: r.id)))
        self._experiments = {each.id: each for each in project.experiments()}

    def shown(self) -> list[RunRecord]:
        """The runs to draw."""
        return self._shown

    def colour(self, run: RunRecord) -> str:
        """The person's choice, or the colour of the run's algorithm."""
        return run.colour or self._colours[self._labels.index(run.label) % len(self._colours)]

    def series(self, run: int, name: str) -> Series:
        """Meta-iterations and values of a series."""
        return self._project.series(run, name)

    def evaluations(self, run: int) -> list[tuple[int, dict[str, Any]]]:
        """The validations of a run."""
        return self._project.evaluations(run, "validation")

    def result(self, run: int) -> dict[str, Any] | None:
        """What a run reached on the meta-test episodes."""
        found = self._project.result(run, "test", arrays=False)
        return found.summary if found else None

    def experiment(self, run: RunRecord) -> ExperimentRecord:
        """The experiment that a run belongs to."""
        return self._experiments[run.experiment_id]


# --- runs that differ in the seed only -------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Runs of one algorithm that differ in the seed only (or a single run).

    Attributes
    ----------
    key : stays the same while runs are added.
    label : tells the group from all others of the picture.
    again : how many groups before it have the same colour: those of the same algorithm label, and others
        where there are more algorithms than colours.
    meta_batch : tasks in one meta-iteration.
    """

    key: str
    label: str
    runs: tuple[RunRecord, ...]
    meta_batch: int
    again: int = 0


class Grouping:
    """Puts the runs of a source together; what it read of each configuration is kept.

    Parameters
    ----------
    source : where the runs are.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tables: dict[tuple[int, str], dict[str, Any]] = {}
        self._entries: dict[tuple[int, str], tuple[str, int]] = {}

    def groups(self, *, joined: bool) -> list[Group]:
        """The runs to draw: the seeds of one algorithm together, or each by itself.

        Runs belong together where their configurations are equal but for the seed. A seed counts once:
        a run that repeats one stands in a group of its own, since it says nothing new about the seeds.
        """
        found: dict[str, list[RunRecord]] = {}
        batches: dict[str, int] = {}
        for run in self._source.shown():
            same, meta_batch = self._entry(run)
            stem, copy = (same if joined else f"run {run.id}"), 0
            while any(each.seed == run.seed for each in found.get(f"{stem} {copy}", ())):
                copy += 1
            found.setdefault(f"{stem} {copy}", []).append(run)
            batches[f"{stem} {copy}"] = meta_batch
        heads = [members[0] for members in found.values()]
        labels = _distinct(self._source, heads) if joined else _distinct_names(heads)
        seen: dict[str, int] = {}
        result = []
        for (key, members), label in zip(found.items(), labels, strict=True):
            colour = self._source.colour(members[0])
            again = seen.get(colour, 0)
            seen[colour] = again + 1
            result.append(Group(key, label, tuple(members), batches[key], again if joined else 0))
        if not joined:
            return result
        return self._source.arrangement.placed(
            result, lambda group: group.label, lambda group, name: replace(group, label=name)
        )

    def _entry(self, run: RunRecord) -> tuple[str, int]:
        """What runs that differ in the seed only have in common, and the tasks in a meta-batch."""
        experiment = self._source.experiment(run)
        known = (run.id, experiment.toml)
        if known not in self._entries:
            if (experiment.id, experiment.toml) not in self._tables:
                self._tables[experiment.id, experiment.toml] = _table(experiment.toml)
            self._entries[known] = _entry_of(self._tables[experiment.id, experiment.toml], run)
        return self._entries[known]


def configuration(experiment: ExperimentRecord, run: RunRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a run was configured by: the experiment's tables, and the run's own under ``[[algorithm]]``.

    Both are empty where the text cannot be read; needs no torch.
    """
    table = _table(experiment.toml)
    entry, _ = _configured(table, run)
    return table, entry


def _distinct(source: Source, heads: list[RunRecord]) -> list[str]:
    labels = [each.label for each in heads]
    named = [
        f"{each.label}, {source.experiment(each).name}" if labels.count(each.label) > 1 else each.label
        for each in heads
    ]
    return _numbered(named)


def _distinct_names(heads: list[RunRecord]) -> list[str]:
    names = [each.name for each in heads]
    return [f"{each.name} (run {each.id})" if names.count(each.name) > 1 else each.name for each in heads]


def _numbered(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _configured(table: dict[str, Any], run: RunRecord) -> tuple[dict[str, Any], bool]:
    """The run's own table, and whether its hash says that it is that one."""
    listed = table.get("algorithm")
    kinds = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    training = _training(table)
    exact = next((each for each in kinds if _hash(table, training, each, run.seed) == run.config_hash), None)
    return (_by_name(kinds, run), False) if exact is None else (exact, True)


def _training(table: dict[str, Any]) -> dict[str, Any]:
    training = table.get("training")
    return dict(training) if isinstance(training, dict) else {}


def _entry_of(table: dict[str, Any], run: RunRecord) -> tuple[str, int]:
    training = _training(table)
    entry, exact = _configured(table, run)
    meta_batch = entry.get("meta_batch") or training.get("meta_batch") or DEFAULT_META_BATCH
    if not isinstance(meta_batch, int) or meta_batch < 1:  # a stranger's file
        meta_batch = DEFAULT_META_BATCH
    if not exact:
        return f"{run.experiment_id} {run.algorithm} {run.label}", meta_batch
    for name in _INCIDENTAL:
        training.pop(name, None)
    rest = {key: value for key, value in table.items() if key != "name"}
    rest |= {"algorithm": entry, "training": training, "data": run.data_hash}
    return f"{run.label} {_digest(rest)}", meta_batch


def _table(toml: str) -> dict[str, Any]:
    try:
        return tables(toml)
    except ValueError:
        return {}


def _hash(table: dict[str, Any], training: dict[str, Any], entry: dict[str, Any], seed: int) -> str:
    """As ``Experiment.single(entry, seed).hash()``, which needs torch for its kinds."""
    single = table | {"algorithm": [entry], "training": training | {"seeds": [seed]}}
    return _digest({key: value for key, value in single.items() if key != "name"})


def _digest(table: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(table, sort_keys=True, default=str).encode()).hexdigest()


def _by_name(kinds: list[dict[str, Any]], run: RunRecord) -> dict[str, Any]:
    fitting = [each for each in kinds if each.get("kind") == run.algorithm]
    named = [each for each in fitting if each.get("label") == run.label]
    return next(iter(named or fitting), {})
