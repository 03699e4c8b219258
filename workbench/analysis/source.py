"""Where curves come from, and which runs are the same algorithm with other seeds."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.arrangement import Arrangement
from workbench.analysis.experiments import Experiments
from workbench.analysis.naming import Settings, flat, incidental, told_apart, training_fields
from workbench.pictures import RUNS, SOLID
from workbench.project import ExperimentRecord, Project, RunRecord, Tuned
from workbench.project.declared import sound, tables
from workbench.summaries import Summary, TestSummary
from workbench.toml import assign, digest
from workbench.words import numbered

Series = tuple[NDArray[np.int64], NDArray[np.float64]]

DATA_LETTERS = 8


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
        """The role of a run (or the ``#rrggbb`` that a person chose)."""

    def series(self, run: int, name: str) -> Series:
        """Meta-iterations and values of a series so far."""

    def series_names(self, run: int) -> list[str]:
        """The series that a run has so far."""

    def evaluations(self, run: int) -> list[tuple[int, Summary]]:
        """The validations of a run, as (meta-iteration, summary), in order."""

    def result(self, run: int) -> TestSummary | None:
        """What a run reached on the meta-test episodes."""

    def experiment(self, run: RunRecord) -> ExperimentRecord:
        """The experiment that a run belongs to."""


class ProjectSource:
    """The runs of a project file, for figures without a window.

    Parameters
    ----------
    project : an open project.
    colours : roles, given out to the algorithms of each experiment.
    runs : the ids of the runs to draw; None: those that are visible.
    arrangement : the order and names of the algorithms.
    """

    def __init__(
        self,
        project: Project,
        colours: tuple[str, ...] = RUNS,
        runs: Iterable[int] | None = None,
        arrangement: Arrangement | None = None,
    ) -> None:
        self.arrangement = arrangement or Arrangement()
        self._project = project
        self._runs, put_aside = project.runs(), project.runs(deleted=True)
        self._shown = [each for each in self._runs if each.visible] if runs is None else self._of(runs)
        self._records = {each.id: each for each in project.experiments()}
        self._results: dict[int, TestSummary | None] = {}
        self.experiments = Experiments(self.experiment, colours)
        self.experiments.give_colours([*self._runs, *put_aside])

    def of(self, runs: Iterable[int]) -> ProjectSource:
        """The same for other runs to draw; what was read of the project is read no more."""
        other = copy(self)
        other._shown = self._of(runs)
        return other

    def _of(self, runs: Iterable[int]) -> list[RunRecord]:
        wanted = set(runs)
        return [each for each in self._runs if each.id in wanted]

    def shown(self) -> list[RunRecord]:
        """The runs to draw."""
        return self._shown

    def colour(self, run: RunRecord) -> str:
        """The colour that the person chose, or the role of the run's algorithm."""
        return self.experiments.colour(run)

    def series(self, run: int, name: str) -> Series:
        """Meta-iterations and values of a series."""
        return self._project.series(run, name)

    def series_names(self, run: int) -> list[str]:
        """The series of a run."""
        return self._project.series_names(run)

    def evaluations(self, run: int) -> list[tuple[int, Summary]]:
        """The validations of a run."""
        return self._project.evaluations(run, "validation")

    def result(self, run: int) -> TestSummary | None:
        """What a run reached on the meta-test episodes."""
        if run not in self._results:
            found = self._project.result(run, "test", arrays=False)
            self._results[run] = found.summary if found else None
        return self._results[run]

    def experiment(self, run: RunRecord) -> ExperimentRecord:
        """The experiment that a run belongs to."""
        return self._records[run.experiment_id]


# --- which runs are one algorithm ------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Runs of one algorithm that differ in the seed only (or a single run).

    Attributes
    ----------
    key : stays the same while runs are added.
    label : tells the group from all others of the picture: where settings differ, by what differs.
    runs : one for each seed, by seed.
    meta_batch : tasks that one meta-iteration learns from.
    again : how many groups before it have the same colour: those of the same algorithm label, and others
        where there are more algorithms than colours; one more where the colour is of the later ones.
    copies : runs of the same settings and seed as one of ``runs``. They say nothing new, so they count
        nowhere; of several, the first that has finished is the one that counts.
    learner : the label, told apart by settings of the algorithm only: the same on every task family.
    own_name : the label before a person gave it another.
    entry : what it was configured by under ``[[algorithm]]``.
    """

    key: str
    label: str
    runs: tuple[RunRecord, ...]
    meta_batch: int
    again: int = 0
    copies: tuple[RunRecord, ...] = ()
    learner: str = ""
    own_name: str = ""
    entry: Settings = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def new_tasks(self) -> int:
        """Tasks that one meta-iteration has drawn, which may be more or fewer than it learns from; imports
        torch, for which the kinds of algorithms are written."""
        import workbench.algorithms  # noqa: F401 (it declares the kinds)
        from workbench.config import AlgorithmConfig

        try:
            config: AlgorithmConfig = AlgorithmConfig.resolve(self.entry)
        except ValueError:  # of another program
            return self.meta_batch
        return config.new_tasks(self.meta_batch)

    @property
    def ids(self) -> tuple[int, ...]:
        """Of all its runs, the copies last."""
        return tuple(run.id for run in (*self.runs, *self.copies))

    def named(self, name: str) -> Group:
        """The same under another label."""
        return replace(self, label=name)

    def among(self, runs: Container[int]) -> Group | None:
        """As if only the runs of these ids were there; None where none of them is."""
        kept = [run for run in (*self.runs, *self.copies) if run.id in runs]
        members = _counted(kept)
        return replace(self, runs=members, copies=_others(kept, members)) if members else None


class Grouping:
    """Says which runs of a source are one algorithm; what it read of each configuration is kept.

    Everything that counts seeds or algorithms asks here: charts, tables, tests, the report.

    Parameters
    ----------
    source : where the runs are.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tables: dict[tuple[int, str], dict[str, Any]] = {}
        self._entries: dict[tuple[int, str], _Entry] = {}
        self._alike: dict[tuple[object, ...], _Entry] = {}
        self._named: tuple[object, list[str], list[str]] = (None, [], [])

    def groups(self, *, joined: bool, runs: Sequence[RunRecord] | None = None) -> list[Group]:
        """The seeds of one algorithm together, or each run by itself: these runs, or (None) those to draw.

        Runs are one algorithm where their configurations are equal but for the seed and the machine, in
        whichever experiment. A seed counts once: what repeats one is a copy.
        """
        arrangement = self._source.arrangement if runs is None else self._source.arrangement.whole
        runs = self._source.shown() if runs is None else runs
        if not joined:
            return [
                Group(f"run {run.id} 0", label, (run,), entry.meta_batch, own_name=label, entry=entry.table)
                for run, label in zip(runs, _distinct_names(runs), strict=True)
                for entry in [self._entry(run)]
            ]
        found: dict[str, list[RunRecord]] = {}
        for run in runs:
            entry, place = self._entry(run), 0
            while not entry.exact and _another(found.get(f"{entry.stem} {place}", ()), run):
                place += 1
            found.setdefault(f"{entry.stem} {place}", []).append(run)
        counted = [_counted(members) for members in found.values()]
        heads = [members[0] for members in counted]
        seen = dict.fromkeys(RUNS[SOLID:], 1)
        result = []
        for key, members, label, learner in zip(found, counted, *self._names(heads), strict=True):
            colour = self._source.colour(members[0])
            again = seen.get(colour, 0)
            seen[colour] = again + 1
            copies = _others(found[key], members)
            entry = self._entry(members[0])
            result.append(
                Group(key, label, members, entry.meta_batch, again, copies, learner, label, entry.table)
            )
        return arrangement.apply(result)

    def settings(self, run: RunRecord) -> Settings:
        """What a run was configured by, by dotted names, its data by the first letters of their hash."""
        return self._entry(run).settings

    def _entry(self, run: RunRecord) -> _Entry:
        experiment = self._source.experiment(run)
        known = (run.id, experiment.toml)
        if known not in self._entries:
            if (experiment.id, experiment.toml) not in self._tables:
                self._tables[experiment.id, experiment.toml] = _table(experiment.toml)
            common = self._tables[experiment.id, experiment.toml]
            table = _tried(common, run)
            entry, exact = _configured(table, run)
            if table is common and exact:  # the same for every seed
                alike = *known[1:], experiment.id, table["algorithm"].index(entry), run.label, run.data_hash
                if alike not in self._alike:
                    self._alike[alike] = _entry_of(table, entry, exact, run)
                self._entries[known] = self._alike[alike]
            else:
                self._entries[known] = _entry_of(table, entry, exact, run)
        return self._entries[known]

    def _names(self, heads: list[RunRecord]) -> tuple[list[str], list[str]]:
        """Labels and learners; made anew only where the runs are others, since live charts ask often."""
        known = [(run.id, run.label, id(self._entry(run))) for run in heads]
        if self._named[0] != known:
            self._named = known, self._labels(heads), self._learners(heads)
        return self._named[1:]

    def _labels(self, heads: list[RunRecord]) -> list[str]:
        """Each run's label; where several share one, with the settings in which they differ."""
        named = self._told(heads, lambda run: self._entry(run).settings)
        twice = {each for each in named if named.count(each) > 1}
        return numbered(
            [
                f"{name}, {self._source.experiment(run).name}" if name in twice else name
                for name, run in zip(named, heads, strict=True)
            ]
        )

    def _learners(self, heads: list[RunRecord]) -> list[str]:
        return self._told(
            heads,
            lambda run: {
                name: value
                for name, value in self._entry(run).settings.items()
                if name.startswith("algorithm.")
            },
        )

    def _told(self, heads: list[RunRecord], settings: Callable[[RunRecord], Settings]) -> list[str]:
        words: dict[int, str] = {}
        for label in dict.fromkeys(run.label for run in heads):
            same = [run for run in heads if run.label == label]
            words |= dict(zip([run.id for run in same], told_apart(list(map(settings, same))), strict=True))
        return [f"{run.label} ({words[run.id]})" if words[run.id] else run.label for run in heads]


def tested(source: Source) -> list[tuple[Group, tuple[TestSummary, ...]]]:
    """The groups by the frozen episodes that their finished runs met, with what each run reached."""
    found = []
    for group in Grouping(source).groups(joined=True):
        tests = {}
        for run in (*group.runs, *group.copies):
            test = source.result(run.id)
            if test is not None and run.status == "finished":
                tests[run.id] = test
        hashes = {run: test["episodes_hash"] for run, test in tests.items()}
        for each in dict.fromkeys(hashes.values()):
            same = group.among([run for run, met in hashes.items() if met == each])
            if same is not None:
                found.append((same, tuple(tests[run.id] for run in same.runs)))
    return found


@dataclass(frozen=True)
class _Entry:
    """What a run was configured by.

    Attributes
    ----------
    stem : what runs that differ in the seed only have in common.
    exact : whether the run's hash says that the settings are its own; if not, they are a guess.
    table : its own under ``[[algorithm]]``.
    """

    stem: str
    meta_batch: int
    settings: Settings
    exact: bool
    table: Settings


def _counted(runs: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """One run for each seed, by seed: the first that has finished, or the first."""
    seeds: dict[int, RunRecord] = {}
    for run in sorted(runs, key=lambda run: (run.seed, run.status != "finished", run.id)):
        seeds.setdefault(run.seed, run)
    return tuple(seeds.values())


def _others(runs: Iterable[RunRecord], members: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The runs that are not among the members."""
    ids = {run.id for run in members}
    return tuple(run for run in runs if run.id not in ids)


def _another(found: Iterable[RunRecord], run: RunRecord) -> bool:
    """Whether the seed is taken by what is not known to be the same configuration on the same data."""
    taken = next((each for each in found if each.seed == run.seed), None)
    known = run.config_hash, run.data_hash
    return taken is not None and (not run.config_hash or known != (taken.config_hash, taken.data_hash))


def configuration(experiment: ExperimentRecord, run: RunRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a run was configured by: the experiment's tables, and the run's own under ``[[algorithm]]``.

    Both are empty where the text cannot be read; needs no torch.
    """
    table = _tried(_table(experiment.toml), run)
    entry, _ = _configured(table, run)
    return table, entry


def _distinct_names(heads: Sequence[RunRecord]) -> list[str]:
    names = [each.name for each in heads]
    return [f"{each.name} (run {each.id})" if names.count(each.name) > 1 else each.name for each in heads]


def _configured(table: dict[str, Any], run: RunRecord) -> tuple[dict[str, Any], bool]:
    """The run's own table, and whether its hash says that it is that one."""
    kinds, training = table.get("algorithm", []), table.get("training", {})
    likely = _by_name(kinds, run)
    asked = [likely] * (likely in kinds) + kinds
    exact = next((each for each in asked if _hash(table, training, each, run.seed) == run.config_hash), None)
    return (likely, False) if exact is None else (exact, True)


def _entry_of(table: dict[str, Any], entry: dict[str, Any], exact: bool, run: RunRecord) -> _Entry:
    training = dict(table.get("training", {}))
    settings = flat(table, entry) | {"data": run.data_hash[:DATA_LETTERS]}
    usual = training_fields()["meta_batch"].default
    assert isinstance(usual, int)
    meta_batch: int = entry.get("meta_batch") or training.get("meta_batch") or usual
    if not exact:
        stem = f"{run.experiment_id} {run.algorithm} {run.label}"
        return _Entry(stem, meta_batch, settings, exact, entry)
    for name in incidental():
        training.pop(name, None)
    rest = {key: value for key, value in table.items() if key != "name"}
    rest |= {"algorithm": entry, "training": training, "data": run.data_hash}
    return _Entry(f"{run.label} {digest(rest)}", meta_batch, settings, exact, entry)


def _table(text: str) -> dict[str, Any]:
    try:
        return tables(text)
    except ValueError:
        return {}


def _tried(table: dict[str, Any], run: RunRecord) -> dict[str, Any]:
    """The tables of a run's experiment with what a sweep has set in them for the run."""
    tuned = Tuned.of(run)
    if tuned is None or "sweep" not in table:
        return table
    tried = deepcopy({name: each for name, each in table.items() if name != "sweep"})
    try:
        for path, value in tuned.values.items():
            assign(tried, path, value)
        return sound(tried)
    except (LookupError, ValueError):  # a stranger's
        return table


def _hash(table: dict[str, Any], training: dict[str, Any], entry: dict[str, Any], seed: int) -> str:
    """As :meth:`Experiment.hash` of ``single(entry, seed)``, whose kinds need torch."""
    single = table | {"algorithm": [entry], "training": training | {"seeds": [seed]}}
    return digest({key: value for key, value in single.items() if key != "name"})


def _by_name(kinds: list[dict[str, Any]], run: RunRecord) -> dict[str, Any]:
    fitting = [each for each in kinds if each.get("kind") == run.algorithm]
    named = [each for each in fitting if each.get("label") == run.label]
    return next(iter(named or fitting), {})
