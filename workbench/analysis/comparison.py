"""Algorithms side by side on identical meta-test episodes: over tasks and over seeds, kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.analysis import consumed, published, quantities, remarks, reports, results
from workbench.analysis.reached import measures, reached
from workbench.analysis.results import Outcome, Row
from workbench.analysis.source import Group, Grouping, Source
from workbench.engine.intervals import mean_interval
from workbench.measures import SHIFTED, Measure
from workbench.pictures import MUTED, Array, Curve, Figure, Panel
from workbench.project import RunRecord
from workbench.summaries import AttackSummary, ShiftSummary, TestSummary

MOST_WHISKERS = 5
"""So many seeds are drawn with their intervals over tasks: those of more would cover all else."""

SEEDS_AT, SEEDS_APART, MEAN_AT, PUBLISHED_AT = -0.22, 0.3, 0.22, 0.36
"""Where the seeds' points, their mean and what is published stand beside an algorithm's position."""

Points = tuple[Array, Array, Array, Array]
"""x, y, low and high."""

ATTACKED = "robust"
"""The group of a report that is measured on attacked queries."""


SEVERAL = {
    ATTACKED: ("The runs were not attacked alike", "Queries attacked with"),
    SHIFTED: ("The runs were not shifted alike", "Tasks of the shift"),
}
"""What is said of a group of a report where its conditions differ between runs, and where they do not."""


def _attack(attack: AttackSummary | None) -> str:
    """How queries were attacked, in words."""
    if not attack:
        return ""
    kind, epsilon = str(attack.get("kind")), attack.get("epsilon")
    size = "None" if epsilon is None else f"{epsilon:.3g}"
    return f"{kind.upper()}, ε = {size}" + (f", {attack.get('steps')} steps" if kind == "pgd" else "")


def _shift(shift: ShiftSummary | None) -> str:
    """Which tasks are from a shifted distribution, in words."""
    if not shift:
        return ""
    words = f" ({shift['words']})" if shift.get("words") else ""
    return f"{shift['name']}{words}"


@dataclass(frozen=True)
class Episodes:
    """Finished runs that met the same frozen meta-test episodes."""

    hash: str
    entries: tuple[Outcome, ...]

    @property
    def title(self) -> str:
        """The experiments or the task, and the hash."""
        names = list(dict.fromkeys(each.experiment for each in self.entries))
        name = names[0] if len(names) == 1 else f"{self.entries[0].run.task}, {len(names)} experiments"
        return f"{name} · episodes {self.hash[:8]}"

    @property
    def test(self) -> TestSummary:
        """A test on them, for what all of them share: number and size of the episodes."""
        return self.entries[0].test

    @cached_property
    def tests(self) -> dict[int, TestSummary]:
        """What each run reached, by its id."""
        return {each.run.id: each.test for each in self.entries}

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """What can be compared, the most telling first: of all runs, then what only some measure."""
        tests = [each.test for each in self.entries]
        own = [
            reports.key(group, name)
            for group in sorted(reports.groups(tests), key=lambda group: group not in SEVERAL)
            for name in reports.names(tests, group)
        ]
        return tuple(dict.fromkeys([*(name for test in tests for name in measures(test)), *own]))

    def row(self, measure: str) -> Measure:
        """A measure, in the words of the problem that the episodes are of."""
        return quantities.row_of(measure, [each.test for each in self.entries])

    def conditions(self, measure: str, step: int | None) -> list[str]:
        """What else a measure after a step (None: the last) depends on, a sentence each: an attack, a shift,
        what was acted in before; a warning where that differs between runs."""
        tests = ((each.run.label, each.test) for each in self.entries)
        last = None if reports.last_only(measure) else step
        return list(filter(None, [self._special(measure), consumed.unlike(tests, last)]))

    def _special(self, measure: str) -> str:
        """Which attack or which shift a measure is of."""
        group = self._group(measure)
        if group not in SEVERAL:
            return ""
        tests = [each.test for each in self.entries]
        said = [
            _attack(each.get("attack")) if group == ATTACKED else _shift(each.get("shift")) for each in tests
        ]
        known = list(dict.fromkeys(filter(None, said)))
        several, one = SEVERAL[group]
        if len(known) > 1:
            return f"{several}, so do not compare them: {'; '.join(known)}."
        return f"{one} {known[0]}." if known else ""

    @property
    def steps(self) -> tuple[int, ...]:
        """The inner steps that at least one run was measured after."""
        return tuple(sorted({step for each in self.entries for step in each.test["inner_steps"]}))

    def told(self, measure: str, step: int | None) -> str:
        """What is measured after which step on which episodes, at the beginning of a caption."""
        when = "the last inner step" if step is None or reports.last_only(measure) else f"inner step {step}"
        return f"{self.row(measure).title} after {when}"

    def named(self, measure: str, *, sized: bool = False) -> str:
        """How many episodes a measure is of, and which; of how many ways and shots too, if that is wanted."""
        shift = self.test.get("shift") if self._group(measure) == SHIFTED else None
        kind, digest = ("shifted", shift["episodes_hash"]) if shift else ("meta-test", self.hash)
        size = self._size if sized else ""
        return f"{self.test['episodes']} identical {size}{kind} episodes (SHA-256 {digest[:12]})"

    @property
    def _size(self) -> str:
        ways, shots = self.test.get("ways", 1), self.test.get("shots")
        return f"{ways}-way {shots}-shot " if ways > 1 else ""

    @staticmethod
    def _group(measure: str) -> str:
        """The group of a report that a measure is in; empty for none."""
        return (reports.parts(measure) or ("", ""))[0]


@dataclass(frozen=True)
class Compared:
    """One algorithm.

    Attributes
    ----------
    group : its runs.
    seeds, means, halves : of each run with a finite value: its seed, mean and 95% half-width over tasks.
    row : sums them up.
    """

    group: Group
    seeds: tuple[int, ...]
    means: Array
    halves: Array
    row: Row

    @property
    def name(self) -> str:
        """Tells it from the others."""
        return self.row.algorithm

    @property
    def run(self) -> RunRecord:
        """One of its runs."""
        return self.group.runs[0]

    @property
    def said(self) -> str:
        """Of how many seeds it is a mean; or that nothing finite is left."""
        if not self.seeds and self.row.diverged:
            return results.diverged(self.row.diverged, self.row.tasks, none_left=True)
        n = f"n\u00a0=\u00a0{len(self.seeds)}"
        return f"{n}, deterministic" if self.row.deterministic else n

    def seed_points(self, position: int) -> Points:
        """A point for each seed, with its interval over tasks."""
        count = len(self.seeds)
        apart = SEEDS_APART / max(3, count - 1)
        x = position + (SEEDS_AT if count > 1 else 0.0) + apart * np.arange(count, dtype=float)
        return x, self.means, self.means - self.halves, self.means + self.halves

    def mean_point(self, position: int) -> Points | None:
        """The mean over seeds with its interval; None for fewer than two seeds."""
        half = self.row.ci95_over_seeds
        if half is None or self.row.mean is None:
            return None
        x, y = np.array([position + MEAN_AT]), np.array([self.row.mean])
        return x, y, y - half, y + half

    def published_point(self, position: int) -> Curve | None:
        """What is published of the same protocol, or nearly the same."""
        found = self.row.published
        if found is None:
            return None
        x, y = np.array([position + PUBLISHED_AT]), np.array([found.published.share])
        half = found.published.half_share
        low, high = (None, None) if half is None else (y - half, y + half)
        words = f"{found.words[0].upper()}{found.words[1:]}."
        otherwise = f" Otherwise than in the paper: {found.departs}" if found.departs else ""
        said = (f"{words}{otherwise} {self.name} in {found.published.title}",)  # followed by the value
        return Curve("published", MUTED, x, y, low, high, kind="markers", points=said, sign="square")


def episodes(runs: Source) -> tuple[list[Episodes], list[RunRecord]]:
    """The finished runs by the episodes they met, most runs first, and the runs that are not finished."""
    found: dict[str, list[Outcome]] = {}
    unfinished = []
    for run in runs.shown():
        test = runs.result(run.id)
        if test is None or run.status != "finished":
            unfinished.append(run)
        else:
            tested = Outcome(run, runs.experiment(run).name, test)
            found.setdefault(test["episodes_hash"], []).append(tested)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [Episodes(name, tuple(entries)) for name, entries in ordered], unfinished


def compare(
    runs: Source, met: Episodes, measure: str, step: int | None = None, grouping: Grouping | None = None
) -> list[Compared]:
    """Each algorithm after an inner step (None: the last), over the seeds that met the episodes.

    Parameters
    ----------
    grouping : of these runs, where one is kept, with what it has read of them.
    """
    entries = {each.run.id: each for each in met.entries}
    compared = []
    for each in (grouping or Grouping(runs)).groups(joined=True):
        group = each.among(entries)
        if group is None:
            continue
        members = [entries[run.id] for run in group.runs]
        copies = [entries[run.id] for run in group.copies]
        row = results.table_row(group.label, members, measure, step, copies)
        row = replace(row, published=published.beside(runs, group, members[0].test, measure, step))
        counted = members[:1] if row.deterministic else members
        values = [(each.run.seed, reached(each.test, measure, step)) for each in counted]
        known = [(seed, value.mean, value.half) for seed, value in values if value.mean is not None]
        compared.append(
            Compared(
                group,
                tuple(seed for seed, _, _ in known),
                np.array([mean for _, mean, _ in known], dtype=float),
                np.array([half for _, _, half in known], dtype=float),  # NaN for None
                row,
            )
        )
    return compared


def leader(runs: Source, grouping: Grouping) -> str:
    """Which algorithm has the best mean on the test episodes that most shown runs met, of those that know no
    more than others, and that mean in words, which by itself claims nothing. Empty where there are not two.

    Parameters
    ----------
    grouping : of these runs; it keeps what it has read of them.
    """
    met = next(iter(episodes(runs)[0]), None)
    if met is None:
        return ""
    name, measure = met.measures[0], met.row(met.measures[0])
    found = []
    for group in grouping.groups(joined=True):
        values = [reached(met.tests[run.id], name) for run in group.runs if run.id in met.tests]
        known = [(each.mean, each.half) for each in values if each.mean is not None]
        if known and not results.privilege(group.runs[0].environment):
            over_seeds = mean_interval(np.array([mean for mean, _ in known]))
            half = known[0][1] if len(known) == 1 else over_seeds.half_width
            found.append((measure.sign * over_seeds.mean, group.label, over_seeds.mean, half))
    if len(found) < 2 or not measure.sign:
        return ""
    _, label, mean, half = max(found)
    return f"{label}, {measure.quantity} {quantities.text(measure, mean, half)}"


def figure(
    runs: Source, met: Episodes, compared: list[Compared], measure: str, step: int | None = None
) -> Figure:
    """Points with whiskers for each algorithm, and the table of their numbers."""
    curves, many = [], max((len(each.seeds) for each in compared), default=0) > MOST_WHISKERS
    for position, each in enumerate(compared):
        colour, count = runs.colour(each.run), len(each.seeds)
        if count:
            label, n = "each seed, 95% over tasks", np.ones(count, np.int64)
            x, y, low, high = each.seed_points(position)
            names = tuple(f"{each.name}, seed {seed}" for seed in each.seeds)
            ids = {run.seed: run.id for run in each.group.runs}
            curve = Curve(label, colour, x, y, low, high, n, kind="markers", faint=True, points=names)
            curve = replace(curve, runs=tuple(ids[seed] for seed in each.seeds))
            if many:
                curve = replace(curve, label="each seed", low=None, high=None)
            curves.append(curve)
        mean = each.mean_point(position)
        if mean is not None:
            label, said = "mean over seeds, 95% over seeds", (f"{each.name}, mean over seeds",)
            of = np.array([count])
            curves.append(Curve(label, colour, *mean, of, kind="markers", points=said, runs=each.group.ids))
    curves += filter(None, (each.published_point(position) for position, each in enumerate(compared)))
    shown, alike = met.row(measure), len({each.said for each in compared}) == 1
    panel = Panel(
        y_label=quantities.axis(shown, "Meta-test", percent=False),
        y_percent=shown.share,
        x_names=tuple(each.name if alike else f"{each.name} ({each.said})" for each in compared),
        curves=tuple(curves),
    )
    table = tuple(each.row.cells() for each in compared)
    return Figure("comparison", (panel,), _caption(met, compared, measure, step), table=table)


def marks(compared: Sequence[Compared]) -> str:
    """What the points are, and of how many seeds."""
    counts = {len(each.seeds) for each in compared}
    whiskers = "" if max(counts, default=0) > MOST_WHISKERS else " with 95% intervals over tasks"
    n = f"n = {counts.pop()}" if len(counts) == 1 else "n"
    return (
        f"Small points: single seeds{whiskers}. Large points: means over {n} seeds with 95% intervals over "
        "seeds (Student's t)."
        + (" Grey squares: published." if any(each.row.published for each in compared) else "")
    )


def _caption(met: Episodes, compared: list[Compared], measure: str, step: int | None) -> str:
    text = f"{met.told(measure, step)} on {met.named(measure, sized=True)}. {marks(compared)}"
    single = any(len(each.seeds) == 1 and not each.row.deterministic for each in compared)
    one = "A single seed (n = 1) has no interval over seeds." if single else ""
    said = [*remarks.episodes(met.test), *remarks.of([each.row for each in compared])]
    return " ".join(filter(None, [text, *met.conditions(measure, step), one, *said]))
