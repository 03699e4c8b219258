"""What is drawn of a run's evaluations: numbers out of summaries that may come from a stranger's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from workbench.analysis.numerals import number
from workbench.analysis.source import Source, configuration
from workbench.engine.intervals import Array
from workbench.project import RunRecord

Quantity = Literal["loss", "accuracy"]

LOSS_UNITS: dict[str, str] = {
    "regression": "mean squared error",
    "classification": "cross-entropy, nats",
}
_STANDARDISED = "mean squared error of standardised values"


def numbers(summary: Mapping[str, Any], name: str) -> Array:
    """A list of a summary as floats, NaN where there is no number; empty where there is no list."""
    values = summary.get(name)
    if not isinstance(values, list | tuple):
        return np.empty(0)
    return np.array([_number(each) for each in values])


def _number(value: Any) -> float:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and abs(value) < 1e300 else float("nan")


def by_step(summary: Mapping[str, Any], quantity: Quantity) -> tuple[Array, Array, Array]:
    """Inner steps, means and half-widths of the 95% intervals over tasks; accuracies in percent."""
    steps, means = numbers(summary, "inner_steps"), numbers(summary, quantity)
    halves = numbers(summary, f"{quantity}_ci95")
    if not len(steps) == len(means) == len(halves):
        return np.empty(0), np.empty(0), np.empty(0)
    scale = 100.0 if quantity == "accuracy" else 1.0
    return steps, means * scale, halves * scale


def after(summary: Mapping[str, Any], quantity: Quantity, step: int | None) -> float:
    """The mean after an inner step (None: the last); NaN where that was not measured.

    A learner that adapts in closed form has one value, which stands for any step but 0.
    """
    steps, means, _ = by_step(summary, quantity)
    if not len(steps):
        return float("nan")
    if step is None or (len(steps) == 1 and steps[0] == 1 and step > 0):
        return float(means[-1])
    found = np.flatnonzero(steps == step)
    return float(means[found[0]]) if len(found) else float("nan")


def problem_of(source: Source, run: RunRecord) -> str | None:
    """Whether a run regresses or classifies, as its evaluations tell; None before anything was measured."""
    evaluations = source.evaluations(run.id)
    summary = evaluations[0][1] if evaluations else source.result(run.id)
    if summary is None:
        return None
    return "regression" if summary.get("accuracy") is None else "classification"


def units(source: Source, runs: Iterable[RunRecord]) -> str:
    """The unit of the runs' losses, in brackets; empty before anything was measured."""
    found = {_unit(source, run) for run in runs}
    named = [unit for unit in (*LOSS_UNITS.values(), _STANDARDISED) if unit in found]
    return f" ({' or '.join(named)})" if named else ""


def _unit(source: Source, run: RunRecord) -> str | None:
    problem = problem_of(source, run)
    if problem == "regression" and run.task == "functions":
        table, _ = configuration(source.experiment(run), run)
        if table.get("task", {}).get("standardise", True):
            return _STANDARDISED
    return LOSS_UNITS[problem] if problem is not None else None


def count(number: int) -> str:
    """A whole number with thin groups of three digits."""
    return f"{number:,}".replace(",", "\u202f")


def span(low: int, high: int) -> str:
    """One number, or a range of them."""
    return count(low) if low == high else f"{count(low)}–{count(high)}"


def value(mean: float, half: float = float("nan")) -> str:
    """A number and its interval, rounded to what can be read."""
    if not np.isfinite(mean):
        return "–"
    return number(mean) + (f" ± {number(half, 2)}" if np.isfinite(half) else "")
