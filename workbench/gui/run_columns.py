"""What the tree of runs says in each column: of a run, and summed up of the runs of an algorithm."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from workbench.analysis import quantities
from workbench.analysis.naming import NONE, worded
from workbench.analysis.numerals import duration
from workbench.analysis.reached import OverSeeds, over_seeds, reached
from workbench.gui.run_data import RunData
from workbench.gui.run_queue import RunQueue
from workbench.gui.runs_tree import Node, RunsTree, differing
from workbench.problems import measure_of
from workbench.project import RunRecord
from workbench.summaries import Summary
from workbench.words import listed, marked, plural, tr

SIGNS = {
    "running": "▶", "paused": "‖", "interrupted": "⚠", "stopped": "■", "queued": "○", "failed": "✗",
    "finished": "✓",
}  # fmt: skip
"""Of each status, the most urgent first."""

ACTIVE = ("running", "paused", "stopped", "interrupted")
LISTED = 3
"""Different values of a group that are told."""

DIVERGED = marked(
    "from there on its loss is not finite, or over ten times what it was before training. "
    "A lower learning rate, or clipped gradients, may hold it."
)

VALUE = marked(
    "Meta-test; before the end the newest validation. "
    "Of an algorithm, the mean over its tested seeds with its 95% interval."
)
LEFT = marked("Training time that is left at the present speed.")
RATE = marked("Meta-iterations per second; of several runs the mean.")
TIME = marked("Training time; of several runs the mean.")


class Column(NamedTuple):
    """A column: its name and heading, what it says of a row and is sorted by (None: last), what it means."""

    name: str
    title: str
    text: Callable[[Node], str]
    key: Callable[[Node], Any]
    tip: str


class RunColumns:
    """The columns, and what they say."""

    def __init__(self, data: RunData, queue: RunQueue, tree: RunsTree) -> None:
        self._data, self._queue, self._tree = data, queue, tree
        self._values: dict[str, tuple[object, tuple[OverSeeds, Summary | None]]] = {}
        number, words = self._number, self._words
        self._fixed = (
            Column("Run", "Run", self.name, self._name_key, "Tick to show it in the charts."),
            Column("State", "State", self.state, self._state_key, "What the run does, and how far it is."),
            Column("Value", "Value", self.value, lambda node: self.reached(node)[0].mean, VALUE),
            number("Time left", LEFT, lambda run: self._queue.seconds_left(run.id), duration),
            words("Seed", "Seed of weights and training episodes.", lambda r: str(r.seed), lambda r: r.seed),
            number("Per second", RATE, lambda run: run.meta_iterations_per_second or None, rounded),
            number("Duration", TIME, lambda run: run.seconds or None, duration),
            words("Started", "When it was begun.", lambda run: moment(run.started), lambda run: run.started),
            words("Tags", "What it was tagged with.", lambda r: ", ".join(r.tags), lambda r: r.tags or None),
            words("Notes", "The first line of its notes.", _first_line, lambda r: _first_line(r) or None),
        )

    def all(self, roots: Sequence[Node]) -> tuple[Column, ...]:
        """The columns for these experiments: one for each setting that differs between algorithms as well."""
        heads = [self.records(node)[0] for root in roots for node in root.children]
        names = differing([self._tree.settings(run) for run in heads])
        short = Counter(name.rpartition(".")[2] for name in names)

        def column(name: str) -> Column:
            def said(run: RunRecord) -> object:
                return self._tree.settings(run).get(name)

            last = name.rpartition(".")[2]
            title = last if short[last] == 1 else name
            made = self._words(title, tr("The setting {}.", name), lambda run: worded(said(run)), said)
            return made._replace(name=name)

        return (*self._fixed, *map(column, names))

    def forget(self, keys: Iterable[str] | None = None) -> None:
        """Compute the values of these rows (None: of all) anew when they are next asked for."""
        for key in list(self._values) if keys is None else keys:
            self._values.pop(key, None)

    def records(self, node: Node) -> list[RunRecord]:
        """The runs of a row as they are now."""
        return [run for each in node.runs if (run := self._data.run(each)) is not None]

    # --- what they say -----------------------------------------------------------------------------

    def name(self, node: Node) -> str:
        """An algorithm's or an experiment's name; a run's seed, unless it has a name of its own."""
        run = self._data.run(node.run) if node.run is not None else None
        if run is None or (node.title and run.name == usual_name(run)):
            return node.title
        return tr("seed {}", run.seed) if run.name == usual_name(run) else run.name

    def _name_key(self, node: Node) -> Any:
        run = self._data.run(node.run) if node.run is not None and not node.title else None
        return self.name(node).casefold() if run is None else run.seed

    def state(self, node: Node) -> str:
        """A run's state; of several runs, how many are over, and what went wrong."""
        runs = self.records(node)
        if node.run is not None:
            return self.state_of(runs[0]) if runs else ""
        seeds = plural(len(runs), "run" if node.parent is None else "seed")
        told = Counter(run.status for run in runs)
        lost = [] if node.parent is None else [run for run in runs if self._data.diverged_at(run) is not None]
        if lost:
            return tr("⚠ {} of {} diverged", len(lost), len(runs))
        if told["failed"]:
            return tr("✗ {} of {} failed", told["failed"], len(runs))
        if len(told) == 1 and told["finished"]:
            return f"✓ {seeds}"
        if len(told) == 1 and told["queued"]:
            return tr("○ queued")
        sign = next(sign for status, sign in SIGNS.items() if status in told)
        left = max((self._queue.seconds_left(run.id) or 0.0 for run in runs), default=0.0)
        return tr("{} {} of {}", sign, told["finished"], len(runs)) + (f" · {duration(left)}" if left else "")

    def state_of(self, run: RunRecord) -> str:
        """What a run does, how far it is, and whether it diverged."""
        doing = self._queue.doing(run)
        if doing and run.status != "paused":
            return doing
        diverged = self._data.divergence([run])
        if diverged and run.status in ("finished", "failed"):
            return f"⚠ {diverged}"
        state = f"{SIGNS[run.status]} {tr(run.status)}"
        if run.status == "running":
            left = self._queue.seconds_left(run.id)
            state = f"{SIGNS[run.status]} {part(run):.0%}" + (f" · {duration(left)}" if left else "")
        return f"{state} · ⚠ {diverged}" if diverged else state

    def _state_key(self, node: Node) -> tuple[object, ...]:
        runs = self.records(node)
        urgent = min((list(SIGNS).index(run.status) for run in runs), default=0)
        lost = node.parent is not None and bool(self._data.divergence(runs))
        return urgent, lost, -sum(map(part, runs)) / max(1, len(runs))

    def progress(self, node: Node) -> float | None:
        """Part done, 0 to 1, of what has begun and is not over."""
        runs = self.records(node)
        if not any(run.status in ACTIVE and run.iterations_planned for run in runs):
            return None
        return sum(1.0 if run.status == "finished" else part(run) for run in runs) / len(runs)

    def went_wrong(self, node: Node) -> bool:
        """Whether a run of the row failed or diverged."""
        runs = self.records(node)
        return any(run.failure if node.parent is None else self.is_wrong(run) for run in runs)

    def is_wrong(self, run: RunRecord) -> bool:
        """Whether a run failed or diverged."""
        return bool(run.failure) or self._data.diverged_at(run) is not None

    def newest(self, run: RunRecord) -> Summary | None:
        """The newest evaluation of a run."""
        result: Summary | None = self._data.result(run.id) if run.status == "finished" else None
        evaluations = self._data.evaluations(run.id) if result is None else []
        return evaluations[-1][1] if evaluations else result

    def reached(self, node: Node) -> tuple[OverSeeds, Summary | None]:
        """What a row reached, and an evaluation that says in which words."""
        now = [(run.id, run.status) for run in self.records(node)]
        known = self._values.get(node.key)
        if known is None or known[0] != now:
            known = self._values[node.key] = now, self._reached(node)
        return known[1]

    def _reached(self, node: Node) -> tuple[OverSeeds, Summary | None]:
        nothing = OverSeeds("", None, None, 0)
        if node.parent is None:  # algorithms have no mean; what the first of them is measured in
            known = next((told for each in node.children if (told := self.reached(each)[1])), None)
            return nothing._replace(measure=reached(known).measure), known
        runs = self.records(node)[: node.counted]
        if len(runs) == 1:
            summary = self.newest(runs[0])
            measure, mean, _ = reached(summary)
            return OverSeeds(measure, mean, None, int(mean is not None)), summary
        tests = [test for run in runs if run.status == "finished" and (test := self._data.result(run.id))]
        if not tests:
            return nothing, next((told for run in runs if (told := self.newest(run))), None)
        often = Counter(test["episodes_hash"] for test in tests).most_common(1)[0][0]
        same = [test for test in tests if test["episodes_hash"] == often]
        return over_seeds(same), same[0]

    def value(self, node: Node) -> str:
        """A mean with its interval; of an experiment, what its values are."""
        (measure, mean, half, _), summary = self.reached(node)
        if summary is None:
            return "" if node.parent is None else NONE
        row = measure_of(measure, summary) if measure else None
        if node.parent is None:
            return row.axis if row is not None else ""
        return quantities.text(row, mean, half, digits=3) if row is not None and mean is not None else NONE

    # --- columns by what they are made of ----------------------------------------------------------

    def _words(
        self, title: str, means: str, text: Callable[[RunRecord], str], key: Callable[[RunRecord], Any]
    ) -> Column:
        """Different texts of the runs one behind the other; sorted by the least of the runs."""

        def said(node: Node) -> str:
            return listed([*dict.fromkeys(filter(None, map(text, self.records(node))))], LISTED)

        def least(node: Node) -> Any:
            keys = [each for run in self.records(node) if (each := key(run)) is not None]
            plain = [each if isinstance(each, int | float | tuple) else worded(each) for each in keys]
            return min(plain, key=_sortable, default=None)

        return Column(title, title, said, least, means)

    def _number(
        self, title: str, means: str, of: Callable[[RunRecord], float | None], text: Callable[[float], str]
    ) -> Column:
        """The mean over the runs that have one."""

        def mean(node: Node) -> float | None:
            known = [each for run in self.records(node) if (each := of(run)) is not None]
            return statistics.fmean(known) if known else None

        def said(node: Node) -> str:
            return "" if (found := mean(node)) is None else text(found)

        return Column(title, title, said, mean, means)


def in_order(column: Column | None, *, falling: bool) -> Callable[[list[Node]], list[Node]]:
    """What sorts rows by a column; those without a value come last."""
    if column is None:
        return lambda nodes: nodes

    def ordered(nodes: list[Node]) -> list[Node]:
        keys = {node.key: column.key(node) for node in nodes}
        known = [node for node in nodes if keys[node.key] is not None]
        known.sort(key=lambda node: _sortable(keys[node.key]), reverse=falling)
        return known + [node for node in nodes if keys[node.key] is None]

    return ordered


def _sortable(key: object) -> tuple[bool, Any]:
    """Numbers before words, whatever a column holds."""
    return not isinstance(key, int | float), key


def _first_line(run: RunRecord) -> str:
    return run.notes.strip().partition("\n")[0]


def usual_name(run: RunRecord) -> str:
    """What a run is called that nobody has given a name."""
    return f"{run.label}, seed {run.seed}"


def part(run: RunRecord) -> float:
    """How much of a run's training is done, 0 to 1."""
    return run.iterations / run.iterations_planned if run.iterations_planned else 0.0


def moment(seconds: float | None) -> str:
    """A moment in local time, down to the minute."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def rounded(rate: float) -> str:
    """A rate with the digits that mean something: ``412``, ``5.3``, ``0.42``."""
    return f"{rate:.0f}" if rate >= 20 else f"{rate:.2g}"
