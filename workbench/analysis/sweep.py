"""Finished runs by what they were configured by: as a pivot table, as points, as parallel lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.analysis import quantities, remarks, results
from workbench.analysis.comparison import Episodes
from workbench.analysis.naming import NONE, flat, worded
from workbench.analysis.quantities import row_of, text
from workbench.analysis.reached import energy, lost_tasks, operations, reached, without_chance
from workbench.analysis.source import Source, configuration, tested
from workbench.analysis.tables import Cells, Column, Table, number_in
from workbench.engine.intervals import mean_interval
from workbench.engine.tensor_file import StateError, listing
from workbench.measures import EPSILON, Measure
from workbench.pictures import MUTED, Curve, Figure, Panel, Text
from workbench.project import Project, ProjectError, RunRecord
from workbench.summaries import TestSummary
from workbench.words import listed, marked, plural, tr

Weights = Callable[[int], int | None]
"""How many meta-parameters a run has; see :func:`weights_of`."""

COSTS = marked({
    "seconds": "Training time (s)",
    "milliseconds": "Adaptation time of a task (ms)",
    "operations": "Floating-point operations of training",
    "memory": "Memory at its most (MiB)",
    "energy": "Energy of training (J)",
    "parameters": "Meta-parameters",
    "tasks": "Tasks seen in training",
    EPSILON.name: "ε spent",
})  # fmt: skip
NOTES = {"energy": "Energy is that of whole processors, other programs' included."}
"""What must be known of a cost, where that is."""

BEYOND = 1.3
"""Times what is farthest on the axis, up to where what has no place there is drawn."""


def weights_of(project: Project) -> Weights:
    """Counts the meta-parameters in a run's newest checkpoint; None where there is none."""

    def count(run: int) -> int | None:
        try:
            checkpoint = project.checkpoint(run)
            return meta_parameters(checkpoint.tensors) if checkpoint else None
        except (ProjectError, StateError):
            return None  # damaged, or a stranger's

    return count


def meta_parameters(tensors: bytes) -> int:
    """Numbers in the tensors ``meta.…`` of a safetensors file, by its header alone."""
    return sum(math.prod(each.shape) for name, each in listing(tensors).items() if name.startswith("meta."))


@dataclass(frozen=True)
class Setup:
    """Runs that differ in the seed only, and what they were configured by.

    Attributes
    ----------
    key : of the group of the runs.
    tests : what each run reached.
    settings : by a dotted name such as ``algorithm.inner_lr``; also ``algorithm`` (the label) and ``task``.
    costs : mean over the runs of each of :data:`COSTS`; None where it is not known, infinite where it has no
        bound.
    """

    key: str
    name: str
    runs: tuple[RunRecord, ...]
    tests: tuple[TestSummary, ...]
    settings: Mapping[str, object]
    costs: Mapping[str, float | None]

    @property
    def hash(self) -> str:
        """Of the episodes that the runs met."""
        return self.tests[0]["episodes_hash"]

    def means(self, measure: str, step: int | None = None) -> list[float | None]:
        """What each run reached; one value where seeds change nothing."""
        return [reached(test, measure, step).mean for test in self.counted]

    def lost(self, step: int | None = None) -> tuple[int, int]:
        """How many tasks diverged, of how many, summed over the runs that count."""
        return lost_tasks(self.counted, step)

    @property
    def counted(self) -> tuple[TestSummary, ...]:
        """The tests; one where seeds change nothing."""
        return self.tests[:1] if without_chance(self.tests) else self.tests


def setups(source: Source, weights: Weights | None = None) -> list[Setup]:
    """The finished runs, those that differ in the seed only together."""
    found = []
    for group, tests in tested(source):
        runs = group.runs
        table, entry = configuration(source.experiment(runs[0]), runs[0])
        settings = {"algorithm": group.label, "task": runs[0].task, **flat(table, entry)}
        settings.pop("algorithm.kind", None)  # the label says it
        costs = {
            "seconds": _mean([each.seconds for each in runs]),
            "milliseconds": _mean([_milliseconds(each) for each in tests]),
            "operations": _mean([_operations(*each) for each in zip(tests, runs, strict=True)]),
            "memory": _mean([_memory(each) for each in tests]),
            "energy": _mean([energy(each) for each in tests]),
            "parameters": _mean([weights(each.id) for each in runs]) if weights else None,
            "tasks": _mean([each.iterations * group.new_tasks for each in runs]),
            EPSILON.name: _mean([_epsilon(each) for each in runs]),
        }
        found.append(Setup(group.key, group.label, runs, tests, settings, costs))
    return found


def costs(found: Sequence[Setup]) -> dict[str, str]:
    """Those of :data:`COSTS` that are known of some setup."""
    known = {name for each in found for name, value in each.costs.items() if value is not None}
    return {name: tr(title) for name, title in COSTS.items() if name in known}


def _epsilon(run: RunRecord) -> float | None:
    """What a run's training spent; infinite where it was not private, None where nothing is trained."""
    return results.epsilon(run.environment) if run.iterations_planned else None


def _milliseconds(test: TestSummary) -> float | None:
    times = test.get("milliseconds_by_step")
    return times[-1] if times else None


def _operations(test: TestSummary, run: RunRecord) -> float | None:
    counted = operations(test)
    return None if counted is None else counted * run.iterations


def _memory(test: TestSummary) -> float | None:
    took = test.get("cost")
    held = took["peak_memory"] if took else None
    return None if held is None else held / 2**20


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def names(found: Sequence[Setup]) -> list[str]:
    """Every setting that some run has, ``algorithm`` and ``task`` first, those that vary before others."""
    every = list(dict.fromkeys(name for each in found for name in each.settings))
    vary = set(varying(found))
    return sorted(every, key=lambda name: (name not in ("algorithm", "task"), name not in vary))


def varying(found: Sequence[Setup]) -> list[str]:
    """The settings in which the runs differ; the task family, episodes and algorithm's label left out."""
    every = dict.fromkeys(name for each in found for name in each.settings)
    return [
        name
        for name in every
        if name not in ("algorithm", "task") and len({worded(each.settings.get(name)) for each in found}) > 1
    ]


# --- pivot -----------------------------------------------------------------------------------------


def pivot(
    found: Sequence[Setup], rows: str, columns: str, measure: str = "", step: int | None = None
) -> Table:
    """Means by two settings.

    A cell is the mean over its runs; where they met different episodes there is none, since it would mix
    what cannot be compared. Each cell says how many runs it is a mean of.

    Parameters
    ----------
    rows, columns : names of settings, such as ``algorithm`` and ``task.shots``.
    """
    measure = measure or (reached(found[0].tests[0]).measure if found else "")
    shown = row_of(measure, [each.tests[0] for each in found])
    cells: dict[tuple[str, str], list[Setup]] = {}
    for each in found:
        key = worded(each.settings.get(rows)), worded(each.settings.get(columns))
        cells.setdefault(key, []).append(each)
    heads = _in_order(found, columns)
    written, mixed = [], 0
    for head in _in_order(found, rows):
        row: dict[str, object] = {rows: head}
        for column in heads:
            members = cells.get((head, column), [])
            values = _once(members, measure, step)
            unlike = len({each.hash for each in members}) > 1
            mixed += unlike
            interval = mean_interval(np.array(values if not unlike else []))
            row[column] = interval.mean if math.isfinite(interval.mean) else None
            row[f"{column}, ci95"] = interval.half_width if math.isfinite(interval.half_width) else None
            row[f"{column}, runs"] = len(values)
            row[f"{column}, mixed"] = unlike
            lost = [each.lost(step) for each in members]
            row[f"{column}, diverged"] = sum(each for each, _ in lost)
            row[f"{column}, tasks"] = sum(each for _, each in lost)
        written.append(row)
    written_as = (
        Column(rows, rows, number=False),
        *(Column(head, f"{columns} = {head}", _pivot_cell(head, shown)) for head in heads),
    )
    caption = (
        f"{shown.title} on the meta-test episodes by {rows} and {columns}: mean over runs ± 95% "
        "(Student's t over runs), number of runs in brackets."
    )
    caption += _comparable(cells, rows, columns)
    if mixed:
        caption += f" {plural(mixed, 'cell')} left empty: their runs met different episodes."
    return Table("pivot", written_as, tuple(written), caption)


def _comparable(cells: Mapping[tuple[str, str], Sequence[Setup]], rows: str, columns: str) -> str:
    """In words, which cells met the same episodes; empty where all did."""
    unlike = []
    for axis, name in enumerate((rows, columns)):
        hashes: dict[str, set[str]] = {}
        for key, members in cells.items():
            hashes.setdefault(key[axis], set()).update(each.hash for each in members)
        unlike += [name] * any(len(each) > 1 for each in hashes.values())
    if not unlike:
        return ""
    if len(unlike) == 2:
        return " Cells met different episodes, in rows and in columns: not all of them can be compared."
    other = columns if unlike == [rows] else rows
    return f" Only cells of the same {other} met the same episodes, and can be compared."


def _once(members: Sequence[Setup], measure: str, step: int | None) -> list[float]:
    """What the runs reached; one that repeats another's settings and seed says nothing new."""
    found: dict[tuple[object, ...], float] = {}
    for each in members:
        settings = tuple(sorted((k, str(v)) for k, v in each.settings.items() if k != "algorithm"))
        for run, value in zip(each.runs, each.means(measure, step), strict=False):
            if value is not None:
                found.setdefault((run.algorithm, settings, run.seed), value)
    return list(found.values())


def _pivot_cell(head: str, measure: Measure) -> Callable[[Cells], str]:
    def shown(row: Cells) -> str:
        mean, half = number_in(row, head), number_in(row, f"{head}, ci95")
        if row[f"{head}, mixed"]:
            return "different episodes"
        lost = int(number_in(row, f"{head}, diverged") or 0), int(number_in(row, f"{head}, tasks") or 0)
        if mean is None:
            return results.diverged(*lost, none_left=True) or NONE
        said = f"{text(measure, mean, half)} ({row[f'{head}, runs']})"
        return ", ".join(filter(None, [said, results.diverged(*lost)]))

    return shown


def _in_order(found: Sequence[Setup], name: str) -> list[str]:
    """The values of a setting: numbers by size, others as they come."""
    values = {worded(each.settings.get(name)): each.settings.get(name) for each in found}
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values()):
        return sorted(values, key=lambda text: float(str(values[text])))
    return list(values)


# --- points ----------------------------------------------------------------------------------------


def scatter(
    source: Source, found: Sequence[Setup], met: Episodes, x: str, measure: str = "", step: int | None = None
) -> Figure | None:
    """What was reached against what it took (one of :data:`COSTS`) or against a setting; None without points.

    Parameters
    ----------
    met : only runs that met these episodes can stand beside each other.
    """
    measure = measure or met.measures[0]
    row = met.row(measure)
    chosen = [each for each in found if each.hash == met.hash]
    places, ticks = _places(chosen, x)
    bounded = [place for place in places if place is not None and math.isfinite(place)]
    curves, table, unknown = [], [], []
    for each, place in zip(chosen, places, strict=True):
        values = np.array([v for v in each.means(measure, step) if v is not None], dtype=float)
        if place is None or not len(values) or not bounded:
            unknown.append(each.name)
            continue
        values = values * row.scale
        interval = mean_interval(values)
        # what has no place on the axis is a line across all of it
        ends = [place] if math.isfinite(place) else [min(bounded) / BEYOND, max(bounded) * BEYOND]
        colour, at = source.colour(each.runs[0]), np.array(ends)
        half = np.full(len(ends), interval.half_width)
        label = f"{each.name} (n = {len(values)})"
        if len(values) > 1 and math.isfinite(place):
            spots = np.full(len(values), place)
            curves.append(Curve("", colour, spots, values, kind="markers", faint=True))
        mean, n = np.full(len(ends), interval.mean), np.full(len(ends), len(values))
        kind, dashed = ("line", 1) if len(ends) > 1 else ("markers", 0)
        runs = tuple(run.id for run in each.runs)
        low, high = mean - half, mean + half
        curves.append(Curve(label, colour, at, mean, low, high, n, kind, dashed=dashed, runs=runs))
        entry = {"algorithm": each.name, x: place, measure: interval.mean, "runs": len(values)}
        table.append(entry | dict(zip(("diverged", "tasks"), each.lost(step), strict=True)))
    if not curves:
        return None
    wide = not ticks and _spans_decades([float(each.x[0]) for each in curves])
    panel = Panel(
        x_label=COSTS.get(x, x),
        y_label=quantities.axis(row, "Meta-test"),
        x_names=ticks,
        x_log=wide,
        curves=tuple(curves),
    )
    against = COSTS.get(x, x)
    caption = (
        f"{row.title} on {met.named(measure)} against {against[:1].lower()}{against[1:]}. Large points: "
        "means over n seeds with 95% intervals over seeds (Student's t; none for n = 1); small points: "
        "single seeds."
        f"{_astray(chosen, step)}"
    )
    if x in NOTES:
        caption += f" {NOTES[x]}"
    if any(place is not None and math.isinf(place) for place in places):
        caption += " Dashed across: what has no bound."
    if unknown:
        caption += f" Not drawn, since it is not known: {listed(unknown)}."
    return Figure("scatter", (panel,), caption, table=tuple(table))


def _places(found: Sequence[Setup], x: str) -> tuple[list[float | None], tuple[str, ...]]:
    """Where each stands on the axis, and the names of the places where they are no numbers."""
    if x in COSTS:
        return [each.costs[x] for each in found], ()
    values = [each.settings.get(x) for each in found]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return [float(value) for value in values], ()  # type: ignore[arg-type]
    heads = _in_order(found, x)
    return [float(heads.index(worded(value))) for value in values], tuple(heads)


def _spans_decades(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) >= 30


# --- parallel lines --------------------------------------------------------------------------------


def parallel(
    source: Source, found: Sequence[Setup], met: Episodes, measure: str = "", step: int | None = None
) -> Figure | None:
    """A line for each setup through its settings (those that vary) to what it reached; None without any."""
    measure = measure or met.measures[0]
    chosen = [each for each in found if each.hash == met.hash]
    scored = []
    for each in chosen:
        values = [v for v in each.means(measure, step) if v is not None]
        if values:
            scored.append((each, sum(values) / len(values), len(values)))
    if not scored:
        return None
    axes = varying([each for each, _, _ in scored]) or ["algorithm"]
    columns = [scaled([each.settings.get(name) for each, _, _ in scored]) for name in axes]
    row = met.row(measure)
    columns.append(scaled([mean * row.scale for _, mean, _ in scored]))
    x = np.arange(len(columns), dtype=float)
    curves = [Curve("", MUTED, np.array([at, at]), np.array([0.0, 1.0]), faint=True) for at in x] + [
        Curve(
            f"{each.name} (n = {runs})",
            source.colour(each.runs[0]),
            x,
            np.array([column.places[index] for column in columns]),
            n=np.full(len(x), runs),
            kind="both",
            runs=tuple(run.id for run in each.runs),
        )
        for index, (each, _, runs) in enumerate(scored)
    ]
    texts = [text for at, column in zip(x, columns, strict=True) for text in column.texts(at)]
    panel = Panel(
        x_names=(*short(axes), row.axis),
        y_range=(-0.14, 1.14),
        curves=tuple(curves),
        texts=tuple(texts),
        y_hidden=True,
    )
    table = tuple(
        {"algorithm": each.name, "runs": runs}
        | {name: worded(each.settings.get(name)) for name in axes}
        | {measure: mean}
        | dict(zip(("diverged", "tasks"), each.lost(step), strict=True))
        for each, mean, runs in scored
    )
    caption = (
        "Each line: one configuration, through the settings in which they differ, to its "
        f"{row.quantity} (mean over n seeds) on {met.named(measure)}. Each axis runs from its "
        "smallest to its largest value; settings that a learner does not have stand at –."
        f"{_astray(chosen, step)}"
    )
    return Figure("parallel", (panel,), caption, table=table)


def _astray(found: Sequence[Setup], step: int | None) -> str:
    """What diverged, in a sentence; empty for nothing."""
    said = remarks.astray((each.name, *each.lost(step)) for each in found)
    return f" {said}" if said else ""


def short(names: Sequence[str]) -> list[str]:
    """Names without their section, where they are still told apart."""
    last = [name.rpartition(".")[2] for name in names]
    return [
        short.replace("_", " ") if last.count(short) == 1 else name
        for short, name in zip(last, names, strict=True)
    ]


@dataclass(frozen=True)
class Axis:
    """Places from 0 to 1, and what stands at some of them."""

    places: list[float]
    ends: list[tuple[float, str]]

    def texts(self, x: float) -> list[Text]:
        """What stands there, where the axis is at x."""
        return [
            Text(x, at + (0.03 if at >= 0.5 else -0.03), name, "center", over=at >= 0.5, under=at < 0.5)
            for at, name in self.ends
        ]


def scaled(values: Sequence[object], *, log: bool = False) -> Axis:
    """Values on an axis of parallel coordinates: numbers from the smallest to the largest, words apart."""
    numeric = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numeric) == len(values):
        low, high = min(numeric), max(numeric)
        if low == high:
            return Axis([0.5] * len(values), [(0.5, f"{low:.4g}")])
        if log and low > 0:
            places = [math.log(v / low) / math.log(high / low) for v in numeric]
        else:
            places = [(v - low) / (high - low) for v in numeric]
        return Axis(places, [(0.0, f"{low:.4g}"), (1.0, f"{high:.4g}")])
    heads = sorted({worded(v) for v in values}, key=_by_number)
    at = {head: index / max(1, len(heads) - 1) for index, head in enumerate(heads)}
    return Axis([at[worded(v)] for v in values], [(place, head) for head, place in at.items()])


def _by_number(text: str) -> tuple[int, float, str]:
    """What is not there first, then numbers by size, then words."""
    try:
        return 1, float(text), ""
    except ValueError:
        return (0 if text == NONE else 2), 0.0, text
