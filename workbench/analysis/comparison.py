"""Algorithms side by side on identical meta-test episodes: over tasks and over seeds, kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.analysis import remarks, reports, results
from workbench.analysis.source import Grouping, Source
from workbench.pictures import Array, Curve, Figure, Panel
from workbench.project import RunRecord

SEEDS_AT, SEEDS_APART, MEAN_AT = -0.22, 0.3, 0.22
"""Where the seeds' points and their mean stand beside an algorithm's position."""

Points = tuple[Array, Array, Array, Array]
"""x, y, low and high."""


def title(measure: str) -> str:
    """A measure's name: ``loss``, ``accuracy``, or a key of the runs' reports."""
    key = reports.parts(measure)
    return reports.title(*key) if key else {"accuracy": "Accuracy"}.get(measure, "Query loss")


def axis_title(measure: str) -> str:
    """A measure's name beside an axis."""
    name = title(measure)
    return f"Meta-test {name[:1].lower()}{name[1:]}"


def is_share(measure: str) -> bool:
    """Whether a measure is shown in percent."""
    return reports.is_share(*(reports.parts(measure) or (measure,)))


def told_of_attacks(met: Episodes) -> str:
    """How the queries were attacked, in a sentence; a warning where that differs between runs."""
    if len(met.attacks) > 1:
        return f"The runs were not attacked alike, so do not compare them: {'; '.join(met.attacks)}."
    return f"Queries attacked with {met.attacks[0]}." if met.attacks else ""


def _attack(attack: Any) -> str:
    if not isinstance(attack, Mapping):
        return ""
    kind, epsilon, steps = (attack.get(name) for name in ("kind", "epsilon", "steps"))
    size = f"{epsilon:.3g}" if isinstance(epsilon, int | float) else str(epsilon)
    return f"{str(kind).upper()}, ε = {size}" + (f", {steps} steps" if kind == "pgd" else "")


@dataclass(frozen=True)
class Episodes:
    """Finished runs that met the same frozen meta-test episodes.

    Attributes
    ----------
    entries : the runs, as :func:`workbench.analysis.results.entry` gives them.
    """

    hash: str
    entries: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        """The experiments or the task, and the hash."""
        names = list(dict.fromkeys(each["experiment"] for each in self.entries))
        name = names[0] if len(names) == 1 else f"{self.entries[0]['task']}, {len(names)} experiments"
        return f"{name} · episodes {self.hash[:8]}"

    @property
    def test(self) -> Mapping[str, Any]:
        """A test on them, for what all of them share: number and size of the episodes."""
        shared: Mapping[str, Any] = self.entries[0]["test"]
        return shared

    @property
    def measures(self) -> tuple[str, ...]:
        """What can be compared, the most telling first: of all runs, then what only some measure."""
        tests = [each["test"] for each in self.entries]
        classified = any(each.get("accuracy") is not None for each in tests)
        own = [
            reports.key(group, name)
            for group in sorted(reports.groups(tests), key=lambda group: group != "robust")
            for name in reports.names(tests, group)
        ]
        return (*(("accuracy", "loss") if classified else ("loss",)), *own)

    @property
    def attacks(self) -> tuple[str, ...]:
        """How queries were attacked, in words: more than one where the runs are not alike in that."""
        found = (_attack(each["test"].get("attack")) for each in self.entries)
        return tuple(dict.fromkeys(each for each in found if each))

    @property
    def steps(self) -> tuple[int, ...]:
        """The inner steps that at least one run was measured after."""
        return tuple(sorted({step for each in self.entries for step in each["test"]["inner_steps"]}))


@dataclass(frozen=True)
class Compared:
    """One algorithm.

    Attributes
    ----------
    name : tells it from the others.
    run : one of its runs.
    seeds, means, halves : of each run with a finite value: its seed, mean and 95% half-width over tasks.
    row : sums them up, as :func:`workbench.analysis.results.table_row`.
    """

    name: str
    run: RunRecord
    seeds: tuple[int, ...]
    means: Array
    halves: Array
    row: dict[str, Any]

    @property
    def said(self) -> str:
        """Of how many seeds it is a mean; or that nothing finite is left."""
        if not self.seeds and self.row["diverged"]:
            return results.diverged(self.row["diverged"], self.row["tasks"], none_left=True)
        n = f"n\u00a0=\u00a0{len(self.seeds)}"
        return f"{n}, deterministic" if self.row["deterministic"] else n

    def seed_points(self, position: int) -> Points:
        """A point for each seed, with its interval over tasks."""
        count = len(self.seeds)
        apart = SEEDS_APART / max(3, count - 1)
        x = position + (SEEDS_AT if count > 1 else 0.0) + apart * np.arange(count, dtype=float)
        return x, self.means, self.means - self.halves, self.means + self.halves

    def mean_point(self, position: int) -> Points | None:
        """The mean over seeds with its interval; None for fewer than two seeds."""
        half = self.row["ci95_over_seeds"]
        if half is None:
            return None
        x, y = np.array([position + MEAN_AT]), np.array([self.row["mean"]])
        return x, y, y - half, y + half


def episodes(runs: Source) -> tuple[list[Episodes], list[RunRecord]]:
    """The finished runs by the episodes they met, most runs first, and the runs that are not finished."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    unfinished = []
    for run in runs.shown():
        test = runs.result(run.id)
        if test is None or run.status != "finished":
            unfinished.append(run)
        else:
            entry = results.entry(run, runs.experiment(run).name, test)
            found.setdefault(str(test["episodes_hash"]), []).append(entry)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [Episodes(name, tuple(entries)) for name, entries in ordered], unfinished


def compare(runs: Source, met: Episodes, measure: str, step: int | None = None) -> list[Compared]:
    """Each algorithm after an inner step (None: the last), over the seeds that met the episodes."""
    entries = {each["id"]: each for each in met.entries}
    compared = []
    for each in Grouping(runs).groups(joined=True):
        group = each.among(entries)
        if group is None:
            continue
        members = [entries[run.id] for run in group.runs]
        copies = [entries[run.id] for run in group.copies]
        row = results.table_row(members, measure, step, copies) | {"algorithm": group.label}
        values = [
            (each["seed"], mean, np.nan if half is None else half)
            for each in (members[:1] if row["deterministic"] else members)
            for _, mean, half in [results.measured(each["test"], measure, step)]
            if mean is not None
        ]
        compared.append(
            Compared(
                group.label,
                group.runs[0],
                tuple(seed for seed, _, _ in values),
                np.array([mean for _, mean, _ in values], dtype=float),
                np.array([half for _, _, half in values], dtype=float),
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
    panel = Panel(
        y_label=axis_title(measure),
        y_percent=is_share(measure),
        x_names=tuple(f"{each.name} ({each.said})" for each in compared),
        curves=tuple(curves),
    )
    table = tuple(each.row for each in compared)
    return Figure("comparison", (panel,), _caption(met, compared, measure, step), table=table)


def _caption(met: Episodes, compared: list[Compared], measure: str, step: int | None) -> str:
    if reports.parts(measure):
        step = None
    when = "the last inner step" if step is None else f"inner step {step}"
    ways, shots = met.test.get("ways", 1), met.test.get("shots")
    size = f"{ways}-way {shots}-shot " if ways > 1 else ""
    text = (
        f"{title(measure)} after {when} on {met.test['episodes']} identical {size}meta-test episodes "
        f"(SHA-256 {met.hash[:12]}). Small points: single seeds with 95% intervals over tasks. Large "
        "points: means over n seeds with 95% intervals over seeds (both Student's t)."
    )
    if measure.startswith("robust/"):
        text += f" {told_of_attacks(met)}"
    if any(len(each.seeds) == 1 and not each.row["deterministic"] for each in compared):
        text += " A single seed (n = 1) has no interval over seeds."
    return " ".join([text, *remarks.episodes(met.test), *remarks.of([each.row for each in compared])])
