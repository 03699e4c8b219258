"""Time to adapt against error: which learners nobody beats in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import quantities
from workbench.analysis.beyond import framed
from workbench.analysis.comparison import Episodes
from workbench.analysis.reached import reached
from workbench.analysis.source import Source
from workbench.analysis.sweep import Setup
from workbench.engine.intervals import mean_interval
from workbench.measures import Measure
from workbench.pictures import INK, Array, Curve, Figure, Panel
from workbench.summaries import TestSummary
from workbench.words import listed, marked, tr

TIMES = marked({
    "steps": "Inner steps",
    "milliseconds": "Time to adapt to a task (ms)",
    "examples": "Support examples gone through",
})  # fmt: skip
"""What time to adapt is counted in."""


def times(test: TestSummary, unit: str) -> list[float] | None:
    """The time that a learner has taken after each place of its curve, in one of :data:`TIMES`; None where it
    is not known. A closed form, which has one place alone, goes through its support set once."""
    places = [float(each) for each in test["inner_steps"]]
    if unit == "milliseconds":
        known = [each for each in test.get("milliseconds_by_step", ()) if each is not None]
        return known if len(known) == len(places) else None
    if unit == "examples" and test.get("environment_steps"):
        return [float(each) for each in test["environment_steps"]]
    passes = places if len(places) > 1 else [1.0]
    support = test.get("ways", 1) * test["shots"] if test.get("shots") else None
    factor = 1.0 if unit == "steps" else support
    return None if factor is None else [factor * each for each in passes]


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The places of the points that no other is better than in one and at least as good as in the other; both
    are to be small. In the order of the first."""
    best, found = np.inf, []
    for place in sorted(range(len(points)), key=lambda each: points[each]):
        if points[place][1] < best:
            best = points[place][1]
            found.append(place)
    return found


def figure(
    source: Source, found: Sequence[Setup], met: Episodes, unit: str, measure: str = ""
) -> Figure | None:
    """A line for each learner through what it has reached after each time, and the front of all; None without
    points.

    Parameters
    ----------
    met : only runs that met these episodes can stand beside each other.
    unit : one of :data:`TIMES`.
    """
    measure = measure or met.measures[0]
    row = met.row(measure)
    curves, table, unknown = [], [], []
    points: list[tuple[float, float]] = []
    for each in (setup for setup in found if setup.hash == met.hash):
        known = _curve(each, unit, measure, row)
        if known is None:
            unknown.append(each.name)
            continue
        x, mean, half, n = known
        runs = tuple(run.id for run in each.runs)
        colour = source.colour(each.runs[0])
        label = f"{each.name} (n = {n.max()})"
        low, high = mean - half, mean + half
        curves.append(Curve(label, colour, x, mean, low, high, n, runs=runs))
        curves.append(Curve(label, colour, x, mean, kind="markers", small=True, runs=runs))
        points += zip(x, -(row.sign or -1) * mean, strict=True)
        table += [
            {"algorithm": each.name, "step": step, unit: at, measure: value / row.scale, "runs": int(count)}
            for step, at, value, count in zip(each.tests[0]["inner_steps"], x, mean, n, strict=True)
        ]
    if not curves:
        return None
    best = front(points)
    for place, entry in enumerate(table):
        entry["on_front"] = place in best
    corners = np.array([points[place] for place in best])
    x, y = np.repeat(corners[:, 0], 2)[1:], np.repeat(-(row.sign or -1) * corners[:, 1], 2)[:-1]
    curves.append(Curve(tr("front"), INK, x, y, dashed=1))
    panel = Panel(x_label=TIMES[unit], y_label=quantities.axis(row, "Meta-test"), curves=tuple(curves))
    ahead = list(dict.fromkeys(str(table[place]["algorithm"]) for place in best))
    against = TIMES[unit][:1].lower() + TIMES[unit][1:]
    caption = (
        f"{row.title} on {met.named(measure)} against {against}: a point for each inner step, means over n "
        "seeds with 95% intervals over seeds (Student's t; none for n = 1). The front joins what nobody "
        f"beats in both: {listed(ahead)}."
    )
    if unit == "milliseconds":
        caption += " Milliseconds are medians over tasks adapted to one by one, on the machine of each run."
    if unknown:
        caption += f" Not drawn, since it is not known: {listed(unknown)}."
    return framed(Figure("pareto", (panel,), caption, table=tuple(table)))


def _curve(
    setup: Setup, unit: str, measure: str, row: Measure
) -> tuple[Array, Array, Array, NDArray[np.int64]] | None:
    """Times, means and half-widths over seeds, and how many seeds, at each place; None where not known."""
    by_seed = [times(test, unit) for test in setup.tests]
    known = [each for each in by_seed if each is not None]
    places = setup.tests[0]["inner_steps"]
    if len(known) < len(by_seed) or any(test["inner_steps"] != places for test in setup.tests):
        return None
    reach = [[reached(test, measure, step).mean for test in setup.counted] for step in places]
    finite = [np.array([each for each in column if each is not None], dtype=float) for column in reach]
    intervals = [mean_interval(each * row.scale) for each in finite]
    mean, half = (np.array(each) for each in zip(*intervals, strict=True))
    if not np.isfinite(mean).all():
        return None
    return np.mean(np.array(known), axis=0), mean, half, np.array([len(each) for each in finite])
