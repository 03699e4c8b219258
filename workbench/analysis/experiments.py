"""Which runs a person takes for one experiment, what it is called, and the colours of its algorithms.

Each press of Run writes an experiment's record. What is set up under one name on one task is one experiment
to whoever looks at it, however often Run was pressed: another algorithm joins, a rate is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workbench.analysis.naming import Settings, flat, told_apart
from workbench.pictures import RUNS
from workbench.project import ExperimentRecord, RunRecord
from workbench.project.declared import tables
from workbench.toml import digest
from workbench.words import numbered


@dataclass(frozen=True)
class Together:
    """The runs of one experiment.

    Attributes
    ----------
    key : stays the same while runs are added, and from one start of the program to the next.
    name : told apart from others of the same name by what differs in the task.
    runs : in the order in which they were queued.
    """

    key: str
    name: str
    runs: tuple[RunRecord, ...]


class Experiments:
    """The experiments of a project's runs.

    Parameters
    ----------
    record_of : the experiment's record that a run belongs to.
    colours : roles of algorithms, in the order in which they are given out.
    """

    def __init__(
        self, record_of: Callable[[RunRecord], ExperimentRecord], colours: Sequence[str] = RUNS
    ) -> None:
        self._record_of, self._colours = record_of, colours
        self._known: dict[tuple[int, str], tuple[str, str, Settings]] = {}
        self._given: dict[tuple[str, str], str] = {}

    def key(self, run: RunRecord) -> str:
        """The experiment that a run belongs to."""
        return self._read(run)[0]

    def all(self, runs: Iterable[RunRecord]) -> list[Together]:
        """The experiments of these runs, in the order in which they were begun."""
        found: dict[str, list[RunRecord]] = {}
        for run in sorted(runs, key=lambda run: run.id):
            found.setdefault(self.key(run), []).append(run)
        heads = [self._read(members[0]) for members in found.values()]
        names = [name for _, name, _ in heads]
        apart = {
            name: iter(told_apart([task for _, other, task in heads if other == name])) for name in {*names}
        }
        told = [f"{name} ({words})" if (words := next(apart[name])) else name for name in names]
        return [
            Together(key, name, tuple(members))
            for (key, members), name in zip(found.items(), numbered(told), strict=True)
        ]

    def colour(self, run: RunRecord) -> str:
        """The colour that a person chose, or the role of the run's algorithm in its experiment."""
        return run.colour or self._given.get((self.key(run), run.label), self._colours[0])

    def give_colours(self, runs: Iterable[RunRecord]) -> None:
        """Give each algorithm its role, for all of a project's runs, those that were put aside as well.

        An algorithm has the same in every experiment where that can be had; in one experiment no two
        share one before all are given out. What comes later changes nothing that was given.
        """
        self._given = {}
        usual: dict[str, str] = {}
        taken: dict[str, list[str]] = {}
        for run in sorted(runs, key=lambda run: run.id):
            place = self.key(run), run.label
            if place in self._given:
                continue
            here = taken.setdefault(place[0], [])
            free = [each for each in self._colours if each not in here]
            unused = [each for each in free if each not in usual.values()]
            wanted = usual.get(run.label)
            if wanted not in free:
                wanted = next(iter(unused or free), self._colours[len(here) % len(self._colours)])
            usual.setdefault(run.label, wanted)
            here.append(wanted)
            self._given[place] = wanted

    def _read(self, run: RunRecord) -> tuple[str, str, Settings]:
        """Key, name and task of a run's experiment."""
        record = self._record_of(run)
        known = record.id, record.toml
        if known not in self._known:
            try:
                task = dict(tables(record.toml).get("task", {}))
            except (ValueError, TypeError):
                task = {}
            task.pop("domain", None)
            self._known[known] = (
                digest({"name": record.name, "task": task}),
                record.name,
                flat({"task": task}, {}),
            )
        return self._known[known]
