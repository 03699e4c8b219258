"""Algorithms side by side on identical meta-test episodes: over tasks and over seeds, kept apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from workbench.analysis import quantities, remarks, reports, results
from workbench.analysis.reached import measures, reached
from workbench.analysis.results import Outcome, Row
from workbench.analysis.source import Grouping, Source
from workbench.measures import Measure
from workbench.pictures import Array, Curve, Figure, Panel
from workbench.project import RunRecord
from workbench.summaries import AttackSummary, TestSummary

SEEDS_AT, SEEDS_APART, MEAN_AT = -0.22, 0.3, 0.22
"""Where the seeds' points and their mean stand beside an algorithm's position."""

Points = tuple[Array, Array, Array, Array]
"""x, y, low and high."""

ATTACKED = "robust"
"""The group of a report that is measured on attacked queries."""


def _attack(attack: AttackSummary | None) -> str:
    """How queries were attacked, in words."""
    if not attack:
        return ""
    kind, epsilon = str(attack.get("kind")), attack.get("epsilon")
    size = "None" if epsilon is None else f"{epsilon:.3g}"
    return f"{kind.upper()}, ε = {size}" + (f", {attack.get('steps')} steps" if kind == "pgd" else "")


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
            for group in sorted(reports.groups(tests), key=lambda group: group != ATTACKED)
            for name in reports.names(tests, group)
        ]
        return tuple(dict.fromkeys([*(name for test in tests for name in measures(test)), *own]))

    def row(self, measure: str) -> Measure:
        """A measure, in the words of the problem that the episodes are of."""
        return quantities.row_of(measure, [each.test for each in self.entries])

    def attacked(self, measure: str) -> str:
        """How the queries were attacked that a measure is of, in a sentence; a warning where that differs
        between runs."""
        key = reports.parts(measure)
        found = (_attack(each.test.get("attack")) for each in self.entries)
        attacks = list(dict.fromkeys(each for each in found if each))
        if not attacks or not key or key[0] != ATTACKED:
            return ""
        if len(attacks) > 1:
            return f"The runs were not attacked alike, so do not compare them: {'; '.join(attacks)}."
        return f"Queries attacked with {attacks[0]}."

    @property
    def steps(self) -> tuple[int, ...]:
        """The inner steps that at least one run was measured after."""
        return tuple(sorted({step for each in self.entries for step in each.test["inner_steps"]}))

    def told(self, measure: str, step: int | None) -> str:
        """What is measured after which step on which episodes, at the beginning of a caption."""
        when = "the last inner step" if step is None or reports.parts(measure) else f"inner step {step}"
        return f"{self.row(measure).title} after {when}"

    @property
    def named(self) -> str:
        """How many episodes they are, and which."""
        return f"{self.test['episodes']} identical meta-test episodes (SHA-256 {self.hash[:12]})"


@dataclass(frozen=True)
class Compared:
    """One algorithm.

    Attributes
    ----------
    run : one of its runs.
    seeds, means, halves : of each run with a finite value: its seed, mean and 95% half-width over tasks.
    row : sums them up.
    """

    run: RunRecord
    seeds: tuple[int, ...]
    means: Array
    halves: Array
    row: Row

    @property
    def name(self) -> str:
        """Tells it from the others."""
        return self.row.algorithm

    def named(self, name: str) -> Compared:
        """The same under another name."""
        return replace(self, row=replace(self.row, algorithm=name))

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


def compare(runs: Source, met: Episodes, measure: str, step: int | None = None) -> list[Compared]:
    """Each algorithm after an inner step (None: the last), over the seeds that met the episodes."""
    entries = {each.run.id: each for each in met.entries}
    compared = []
    for each in Grouping(runs).groups(joined=True):
        group = each.among(entries)
        if group is None:
            continue
        members = [entries[run.id] for run in group.runs]
        copies = [entries[run.id] for run in group.copies]
        row = results.table_row(group.label, members, measure, step, copies)
        counted = members[:1] if row.deterministic else members
        values = [(each.run.seed, reached(each.test, measure, step)) for each in counted]
        known = [(seed, value.mean, value.half) for seed, value in values if value.mean is not None]
        compared.append(
            Compared(
                group.runs[0],
                tuple(seed for seed, _, _ in known),
                np.array([mean for _, mean, _ in known], dtype=float),
                np.array([half for _, _, half in known], dtype=float),  # NaN for None
                row,
            )
        )
    return compared


def figure(
    runs: Source, met: Episodes, compared: list[Compared], measure: str, step: int | None = None
) -> Figure:
    """Points with whiskers for each algorithm, and the table of their numbers."""
    curves = []
    for position, each in enumerate(compared):
        colour, count = runs.colour(each.run), len(each.seeds)
        if count:
            label, n = "each seed, 95% over tasks", np.ones(count, np.int64)
            points = each.seed_points(position)
            names = tuple(f"{each.name}, seed {seed}" for seed in each.seeds)
            curves.append(Curve(label, colour, *points, n, kind="markers", faint=True, points=names))
        mean = each.mean_point(position)
        if mean is not None:
            label, said = "mean over seeds, 95% over seeds", (f"{each.name}, mean over seeds",)
            curves.append(Curve(label, colour, *mean, np.array([count]), kind="markers", points=said))
    shown = met.row(measure)
    panel = Panel(
        y_label=quantities.axis(shown, "Meta-test", percent=False),
        y_percent=shown.share,
        x_names=tuple(f"{each.name} ({each.said})" for each in compared),
        curves=tuple(curves),
    )
    table = tuple(each.row.cells() for each in compared)
    return Figure("comparison", (panel,), _caption(met, compared, measure, step), table=table)


def _caption(met: Episodes, compared: list[Compared], measure: str, step: int | None) -> str:
    ways, shots = met.test.get("ways", 1), met.test.get("shots")
    size = f"{ways}-way {shots}-shot " if ways > 1 else ""
    text = (
        f"{met.told(measure, step)} on {met.test['episodes']} identical {size}meta-test episodes "
        f"(SHA-256 {met.hash[:12]}). Small points: single seeds with 95% intervals over tasks. Large "
        "points: means over n seeds with 95% intervals over seeds (both Student's t)."
    )
    single = any(len(each.seeds) == 1 and not each.row.deterministic for each in compared)
    one = "A single seed (n = 1) has no interval over seeds." if single else ""
    said = [*remarks.episodes(met.test), *remarks.of([each.row for each in compared])]
    return " ".join(filter(None, [text, met.attacked(measure), one, *said]))
