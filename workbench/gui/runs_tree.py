"""The runs as a tree: experiment, algorithm, seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.analysis.naming import Settings, worded
from workbench.analysis.source import Grouping
from workbench.gui.run_data import ARCHIVED, RunData
from workbench.project import RunRecord
from workbench.words import tr

STAR = "star"
"""The tag of runs that somebody wants to find again."""


@dataclass(eq=False)
class Node:
    """A row: an experiment, an algorithm with its seeds, or a run.

    Attributes
    ----------
    key : stays the same while runs come and go.
    title : of an experiment or an algorithm; empty for a run below its algorithm.
    runs : the ids of its runs, those that repeat another one last.
    counted : how many of an algorithm's runs say something new.
    row : its place among its parent's children.
    number : its place among all.
    """

    key: str
    title: str
    runs: tuple[int, ...]
    counted: int = 0
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    row: int = 0
    number: int = 0

    @property
    def run(self) -> int | None:
        """The run that the row is: one below its algorithm, or the only one of an algorithm."""
        return self.runs[0] if self.parent is not None and len(self.runs) == 1 else None

    @property
    def experiment(self) -> str:
        """The key of the experiment that it belongs to."""
        node = self
        while node.parent is not None:
            node = node.parent
        return node.key


class RunsTree:
    """What is in the tree, and what was read of each run's configuration."""

    def __init__(self, data: RunData) -> None:
        self._data = data
        self.forget()

    def forget(self) -> None:
        """Another project is open."""
        self._groupings: dict[str, Grouping] = {}
        self._experiment_of: dict[int, tuple[str, str]] = {}

    def look(self) -> None:
        """The runs are others, or of other experiments."""
        self._experiment_of = {
            run.id: (each.key, each.name) for each in self._data.experiments() for run in each.runs
        }

    def roots(self) -> list[Node]:
        """The experiments of the runs that pass the filter, newest first."""
        place = {run.id: number for number, run in enumerate(self._data.runs())}
        found = []
        for together in reversed(self._data.experiments()):
            known = [run for each in together.runs if (run := self._data.run(each.id))]
            runs = sorted(known, key=lambda run: place[run.id])
            passing = {run.id for run in runs if self._data.passes(run)}
            if not passing:
                continue
            root = Node(together.key, together.name, tuple(run.id for run in runs if run.id in passing))
            for group in self._grouping(together.key).groups(joined=True, runs=runs):
                if (kept := group.among(passing)) is None:
                    continue
                ids = tuple(run.id for run in (*kept.runs, *kept.copies))
                node = Node(f"{root.key}/{group.key}", kept.label, ids, len(kept.runs), root)
                root.children.append(node)
                if len(ids) > 1:
                    node.children = [Node(tr("run {}", each), "", (each,), 1, node) for each in ids]
            found.append(root)
        return found

    def settings(self, run: RunRecord) -> Settings:
        """What a run was configured by."""
        return self._grouping(self.experiment_of(run)).settings(run)

    def experiment_of(self, run: RunRecord) -> str:
        """The key of a run's experiment."""
        return self._experiment_of[run.id][0]

    def _grouping(self, key: str) -> Grouping:
        return self._groupings.setdefault(key, Grouping(self._data))

    def passing(self, text: str) -> list[int] | None:
        """The ids of the runs in which all words are found; None where none is asked for.

        A word is part of what a run is called, or ``setting=value``; ``archived`` looks into the archive.
        """
        words = text.casefold().replace("★", " starred ").split()
        if not words:
            return None
        archive = ARCHIVED in words
        return [
            run.id for run in self._data.runs() if (ARCHIVED in run.tags) == archive and self._has(run, words)
        ]

    def _has(self, run: RunRecord, words: Sequence[str]) -> bool:
        experiment = self._experiment_of[run.id][1]
        starred = ("starred",) * (STAR in run.tags)
        told = " ".join(
            (run.name, run.label, experiment, run.status, *run.tags, *starred, run.notes)
        ).casefold()
        return all(
            word in told
            or self._is_set(run, word)
            or (word == "diverged" and self._data.diverged_at(run) is not None)
            for word in words
        )

    def _is_set(self, run: RunRecord, word: str) -> bool:
        name, sign, value = word.partition("=")
        return bool(sign) and any(
            worded(each).casefold() == value
            for known, each in self.settings(run).items()
            if name in (known, known.rpartition(".")[2])
        )


def differing(settings: Sequence[Settings]) -> list[str]:
    """The names of settings in which some differ, but for the hash of the data."""
    names = dict.fromkeys(name for each in settings for name in each if name != "data")
    return [name for name in names if len({worded(each.get(name)) for each in settings}) > 1]


def laid_out(roots: list[Node], ordered: Callable[[list[Node]], list[Node]]) -> list[Node]:
    """Every row, each before its children, which are brought in order."""
    found: list[Node] = []

    def add(nodes: list[Node]) -> None:
        for row, node in enumerate(nodes):
            node.row, node.number = row, len(found)
            found.append(node)
            node.children = ordered(node.children)
            add(node.children)

    add(ordered(roots))
    return found
