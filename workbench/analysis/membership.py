"""What losses tell of who was trained on: ROC curves, and how private the training was at the most.

A task whose loss is low is taken for one of training (see :mod:`workbench.engine.membership`). Intervals of
areas: DeLong, DeLong, Clarke-Pearson, Biometrics 1988. The bound of ε: Jagielski, Ullman, Oprea, "Auditing
Differentially Private Machine Learning", NeurIPS 2020, arXiv 2006.07709, which has a trained model for each
trial; here the trials are the tasks of one run, as if they were independent (for what that takes: Steinke,
Nasr, Jagielski, NeurIPS 2023, arXiv 2305.08846).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import results
from workbench.analysis.diagnosis import EQUAL, MARGIN, thinned
from workbench.analysis.numerals import count, number
from workbench.analysis.tables import Cells, Column, Table, number_in
from workbench.pictures import INK, MUTED, RUNS, Array, Curve, Figure, Panel
from workbench.problems.diagnosis import Looked, Roc, roc
from workbench.project import RunRecord
from workbench.words import plural

if TYPE_CHECKING:  # it imports torch, which is not awaited here
    from workbench.engine.membership import Membership

Counts = NDArray[np.signedinteger]
SURE = 0.95
NORMAL = 1.959964
"""Standard deviations to either side that hold 95% of a normal distribution."""

MOST_STEPS = 6
"""Inner steps that are drawn."""


class Area(NamedTuple):
    """An area under the ROC curve with the ends of its 95% interval; NaN where the losses are wholly apart or
    all the same, which tells none."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.low):
            return f"{self.value:.2f}"
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


@dataclass(frozen=True)
class Audit:
    """What can be told of the training tasks of a run.

    Attributes
    ----------
    run : whose, and ``iteration`` how long it was trained.
    tasks : how many training tasks it has.
    found : the losses.
    """

    run: RunRecord
    iteration: int
    tasks: int
    found: Membership

    @property
    def name(self) -> str:
        return f"{self.run.name}: {results.privacy(self.run.environment).partition(',')[0]}"

    @property
    def delta(self) -> float:
        """δ; 0 where none is told."""
        told = self.run.environment.get("privacy")
        return number_in(told, "delta") or 0.0 if isinstance(told, Mapping) else 0.0

    def area(self, step: int) -> Area:
        """How well training tasks are told from fresh ones, after the step of that place."""
        return area(self.found.members[step], self.found.fresh[step])

    def rows(self) -> tuple[dict[str, object], ...]:
        """A row for each inner step; ε is none where it is infinite."""
        found, spent = self.found, results.epsilon(self.run.environment)
        return tuple(
            {
                "run": self.run.id,
                "learner": self.run.name,
                "meta_iterations": self.iteration,
                "inner_step": step,
                "training_tasks": found.members.shape[1],
                "fresh_tasks": found.fresh.shape[1],
                "shadow_runs": found.shadows,
                **_cells("area", self.area(at)),
                **_cells("area_of_fresh", area(found.others[at], found.fresh[at])),
                "epsilon_at_least": epsilon_at_least(found.members[at], found.fresh[at], self.delta),
                "epsilon_accounted": spent if math.isfinite(spent) else None,
                "delta": self.delta,
            }
            for at, step in enumerate(found.steps)
        )


def _cells(name: str, found: Area) -> dict[str, object]:
    low, high = (None if math.isnan(each) else each for each in found[1:])
    return {name: found.value, f"{name}_low": low, f"{name}_high": high}


# --- what is told ------------------------------------------------------------------------------------


def curve(members: Array, fresh: Array) -> Roc:
    """The ROC curve of taking what has a low loss for a training task."""
    losses = np.concatenate([members, fresh])
    _, rank = np.unique(losses, return_inverse=True)  # as good, and never infinite
    truth = np.arange(len(losses)) < len(members)
    found = roc(Looked(-rank[None, :, None].astype(np.float64), truth[None, :, None], np.ones(1)))
    assert found is not None
    return found


def area(members: Array, fresh: Array) -> Area:
    """The area under it (equal losses count half), with an interval by DeLong's variance: on the logit scale,
    on which it covers the truth as often as it says also far from 1/2."""
    higher, lower = _part_above(members, fresh), 1 - _part_above(fresh, members)
    value = float(higher.mean())
    spread = math.sqrt(higher.var(ddof=1) / len(higher) + lower.var(ddof=1) / len(lower))
    if not spread or not 0 < value < 1:
        return Area(value, math.nan, math.nan)
    middle, half = math.log(value / (1 - value)), NORMAL * spread / (value * (1 - value))
    return Area(value, *(1 / (1 + math.exp(-middle + side * half)) for side in (1, -1)))


def _part_above(values: Array, others: Array) -> Array:
    """Of each value: the part of the others that is above it; equal ones count half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values) + np.searchsorted(ordered, values, side="right")
    return 1 - below / (2 * len(others))


def epsilon_at_least(members: Array, fresh: Array, delta: float) -> float:
    """An ε below which training cannot have stayed at δ, by the rates of right and false alarms: 95% sure, if
    tasks are independent; 0 where nothing is told.

    The threshold, and whether losses below or above it tell more, is chosen by every other task, and judged
    by the rest: chosen and judged by the same ones it would seem too sure.
    """
    (chosen, judged) = ((members[at::2], fresh[at::2]) for at in (0, 1))
    thresholds = np.unique(np.concatenate(chosen))
    by_side = _bounds(*chosen, thresholds, delta)
    side, at = np.unravel_index(np.argmax(by_side), by_side.shape)
    return max(0.0, float(_bounds(*judged, thresholds[at : at + 1], delta)[side, 0]))


def _bounds(members: Array, fresh: Array, thresholds: Array, delta: float) -> Array:
    """ε at least, ``[2, thresholds]``: by members whose loss is not above, and by fresh ones whose is."""
    caught, alarms = (np.searchsorted(np.sort(each), thresholds, side="right") for each in (members, fresh))
    return np.stack(
        [
            _ratio(caught, len(members), alarms, len(fresh), delta),
            _ratio(len(fresh) - alarms, len(fresh), len(members) - caught, len(members), delta),
        ]
    )


def _ratio(hits: Counts, of: int, misses: Counts, of_misses: int, delta: float) -> Array:
    """ln((p − δ) / q), p at its least and q at its most by the bounds of Clopper and Pearson, each of which
    holds with half of what may go wrong."""
    from scipy.special import betaincinv  # takes a third of a second to import: not before it is needed

    wrong = (1 - SURE) / 2
    least = np.where(hits > 0, betaincinv(np.maximum(hits, 1), of - hits + 1, wrong), 0.0)
    rest = np.maximum(of_misses - misses, 1)
    most = np.where(misses < of_misses, betaincinv(misses + 1, rest, 1 - wrong), 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.maximum(least - delta, 0.0) / most), np.float64)


# --- shown -------------------------------------------------------------------------------------------


def figure(audits: Sequence[Audit]) -> Figure:
    """ROC curves by inner step, and areas under them, for each run."""
    said = "ROC curves of telling training tasks from fresh ones, and areas under them, by inner step."
    return Figure(
        "membership",
        tuple(panel for each in audits for panel in (_curves(each), _areas(each))),
        f"{said} {caption(audits)}",
        columns=2,
        table=tuple(row for each in audits for row in each.rows()),
    )


def _drawn(audit: Audit) -> list[int]:
    """The places of the inner steps that are drawn."""
    last = len(audit.found.steps) - 1
    spread = np.linspace(0, last, MOST_STEPS).round().astype(int).tolist()
    return sorted({*spread, min(1, last)})


def _least(audit: Audit) -> str:
    """What ε must have been by inner step."""
    rows = [audit.rows()[at] for at in _drawn(audit)]
    told = [f"{row['epsilon_at_least']:.2f}" for row in rows]
    if len(set(told)) == 1:
        return f"ε at least {told[0]} after each inner step"
    steps = [f"{each} after {row['inner_step']}" for each, row in zip(told, rows, strict=True)]
    return f"ε at least {', '.join(steps)} inner steps"


def _areas(audit: Audit) -> Panel:
    found, rows = audit.found, audit.rows()
    steps = np.array(found.steps, np.float64)
    ends = np.array([steps[0] - 0.3, steps[-1] + 0.3])
    curves = [Curve("chance", MUTED, ends, np.full(2, 0.5), dashed=1)]
    told = tuple(f"ε at least {row['epsilon_at_least']:.2f}" for row in rows)
    for name, label, colour, aside in (
        ("area_of_fresh", "fresh against fresh tasks", MUTED, 0.08),
        ("area", "training against fresh tasks", INK, -0.08),
    ):
        value, low, high = (
            np.array([number_in(row, f"{name}{end}") for row in rows], np.float64)
            for end in ("", "_low", "_high")
        )
        points = told if colour == INK else ()
        curves.append(Curve(label, colour, steps + aside, value, low, high, kind="markers", points=points))
    return Panel("Area under ROC", "inner step", "area (95% interval)", y_range=MARGIN, curves=tuple(curves))


def _curves(audit: Audit) -> Panel:
    found, drawn = audit.found, _drawn(audit)
    curves = [Curve("chance", MUTED, EQUAL, EQUAL, dashed=1)]
    for at in drawn:
        x, y = thinned(curve(found.members[at], found.fresh[at]))
        curves.append(Curve(_after(found.steps[at]), RUNS[at % len(RUNS)], x, y))
    return Panel(
        title=audit.name,
        x_label="Fresh tasks taken for training tasks",
        y_label="Training tasks that are found",
        x_range=MARGIN,
        y_range=MARGIN,
        curves=tuple(curves),
        ratio=1.0,
    )


def _after(step: int) -> str:
    return plural(step, "inner step")


def table(audits: Sequence[Audit]) -> Table:
    """A row for each run and inner step."""
    columns = (
        Column("learner", "Learner", number=False),
        Column("inner_step", "Inner step"),
        Column("area", "Area under ROC", _shown("area")),
        Column("area_of_fresh", "Fresh against fresh", _shown("area_of_fresh")),
        Column("epsilon_at_least", "ε at least", ".2f"),
        Column("epsilon_accounted", "ε accounted", _accounted),
    )
    rows = tuple(row for each in audits for row in each.rows())
    return Table("membership", columns, rows, caption(audits))


def _shown(name: str) -> Callable[[Cells], str]:
    def shown(row: Cells) -> str:
        found = [number_in(row, f"{name}{end}") for end in ("", "_low", "_high")]
        return str(Area(*(math.nan if each is None else each for each in found)))

    return shown


def _accounted(row: Cells) -> str:
    found = number_in(row, "epsilon_accounted")
    return "∞" if found is None else number(found)


def caption(audits: Sequence[Audit]) -> str:
    """What was done, and what it does not prove."""
    said = [
        *map(_of, audits),
        "A low loss is taken for a training task. Areas with DeLong's 95% intervals over tasks (logit); 0.5",
        "is chance, where fresh tasks against fresh ones should be. ε at least: by Clopper–Pearson bounds of",
        "right and false alarms (95%), the threshold chosen by half of the tasks and judged by the others,",
        "as if tasks were independent. A better attack may find what this one does not.",
    ]
    return " ".join(said)


def _of(audit: Audit) -> str:
    found = audit.found
    members, fresh = found.members.shape[1], found.fresh.shape[1]
    some = "" if members == audit.tasks else f" of {count(audit.tasks)}"
    left_out = f", {plural(found.left_out, 'task')} left out that repeat others" if found.left_out else ""
    beside = (
        f", each loss beside those of {plural(found.shadows, 'shadow run')} (log likelihood ratio)"
        if found.shadows
        else ""
    )
    return (
        f"{audit.run.name}, after {count(audit.iteration)} meta-iterations "
        f"({results.privacy(audit.run.environment)}): {count(members)}{some} training tasks, "
        f"{count(fresh)} fresh ones{left_out}{beside}; {_least(audit)}."
    )
