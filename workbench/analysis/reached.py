"""What an evaluation tells, as numbers: the one way to ask what a run reached in a measure after a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import reports
from workbench.engine.intervals import mean_interval
from workbench.measures import LOSS, SHIFTED
from workbench.problems import rows_of
from workbench.summaries import ByStep, Numbers, Summary, TestSummary

Array = NDArray[np.float64]
Arrays = Mapping[str, NDArray[np.generic]]
"""The per-task values of a test, by measure or by the key of a report's entry."""


class Reached(NamedTuple):
    """A measure by its name, its mean over tasks, and the half-width of its 95% interval; None where there is
    no number."""

    measure: str
    mean: float | None
    half: float | None


def place(steps: Sequence[int], step: int | None) -> int | None:
    """Where an inner step (None: the last) stands among those that were measured; None where it was not.

    A learner that adapts in closed form adapts once, so that its value stands for every step from 1.
    """
    if step is None:
        return len(steps) - 1
    if list(steps) == [1] and step > 1:
        step = 1
    return steps.index(step) if step in steps else None


def measures(summary: Summary) -> dict[str, ByStep]:
    """Every measure by inner step, the one that sums a run up first."""
    known = summary["measures"]
    return {row.name: known[row.name] for row in rows_of(summary) if row.name in known} | known


def everywhere(summary: Summary) -> dict[str, ByStep]:
    """The same, and by the keys of its report what was measured of shifted tasks, by inner step too."""
    shift = cast("TestSummary", summary).get("shift")
    found = shift["measures"] if shift else {}
    return measures(summary) | {reports.key(SHIFTED, name): each for name, each in found.items()}


def reached(summary: Summary | None, measure: str = "", step: int | None = None) -> Reached:
    """What a run reached in a measure after an inner step.

    Parameters
    ----------
    summary : a test or a validation; None where there is none yet.
    measure : empty: the one that sums the run up. Or the key of a report's entry, such as
        ``robust/accuracy``, which is measured after the last step only (but for shifted tasks).
    step : None: the last.
    """
    if summary is None:
        return Reached("", None, None)
    known = everywhere(summary)
    if (key := reports.parts(measure)) is not None and measure not in known:
        return Reached(measure, *reports.entry(summary, *key))
    name = measure or next(iter(known), "")
    index = place(summary["inner_steps"], step)
    if name not in known or index is None:
        return Reached(name, None, None)
    return Reached(name, known[name]["mean"][index], known[name]["ci95"][index])


class OverSeeds(NamedTuple):
    """A measure by its name, its mean over so many seeds that have a value, and the half-width of Student's
    95% interval; None where there is no number."""

    measure: str
    mean: float | None
    half: float | None
    seeds: int


def over_seeds(tests: Sequence[Summary], measure: str = "", step: int | None = None) -> OverSeeds:
    """What the seeds of one algorithm reached on the same episodes; one counts where seeds change nothing."""
    counted = tests[:1] if without_chance(tests) else tests
    finals = [reached(test, measure, step) for test in counted]
    means = [each.mean for each in finals if each.mean is not None]
    mean, half = mean_interval(np.array(means))
    name = finals[0].measure if finals else measure
    return OverSeeds(name, mean if means else None, half if len(means) > 1 else None, len(means))


def operations(test: TestSummary | None) -> float | None:
    """Floating-point operations of a meta-iteration of a run that is over; None where nobody counted."""
    counted = (test or {}).get("cost", {}).get("operations") or {}
    return counted.get("iteration")


def energy(test: TestSummary | None) -> float | None:
    """Joules that the processors took while a run trained; None where the platform did not tell."""
    return (test or {}).get("cost", {}).get("joules", {}).get("training")


def by_step(summary: Summary, measure: str) -> tuple[Array, Array, Array]:
    """Inner steps, means, and half-widths of the 95% intervals over tasks; empty where not measured."""
    found = everywhere(summary).get(measure)
    if found is None:
        return np.empty(0), np.empty(0), np.empty(0)
    return numbers(summary["inner_steps"]), numbers(found["mean"]), numbers(found["ci95"])


def by_task(summary: Summary, arrays: Arrays, measure: str, step: int | None) -> Array | None:
    """The values of a measure after an inner step (None: the last), ``[tasks]``; None if there are none, or
    it is not known of this learner."""
    values, index = arrays.get(measure), place(summary["inner_steps"], step)
    if values is None or (_nothing_in(values) and not _nothing_in(arrays.get(LOSS.name))):
        return None
    if values.dtype.kind not in "fiub" or index is None:
        return None
    if values.ndim == 1:  # a report's entry, measured after the last step
        return values.astype(np.float64)
    return values[index].astype(np.float64) if index < len(values) and values.ndim == 2 else None


def _nothing_in(values: NDArray[np.generic] | None) -> bool:
    """Whether there is no number in the values."""
    return values is None or (values.dtype.kind == "f" and bool(np.isnan(values).all()))


def lost_tasks(summaries: Iterable[Summary | None], step: int | None = None) -> tuple[int, int]:
    """How many tasks diverged by an inner step (None: the last), and of how many, as far as that is known."""
    diverged = total = 0
    for summary in summaries:
        lost = summary.get("diverged") if summary else None
        index = place(summary["inner_steps"], step) if summary and lost else None
        if summary and lost and index is not None and "tasks" in summary:
            diverged, total = diverged + lost[index], total + summary["tasks"]
    return diverged, total


def without_chance(summaries: Sequence[Summary | None]) -> bool:
    """Whether seeds change nothing: several summaries that agree in every value to a millionth."""
    curves = [
        [numbers(each["mean"]) for each in measures(summary).values()]
        + [numbers(summary.get("loss_median", ()))]
        for summary in summaries
        if summary
    ]
    if len(curves) < 2 or not any(np.isfinite(each).any() for each in curves[0]):
        return False
    return all(
        len(a) == len(b) and np.allclose(a, b, rtol=1e-6, atol=0.0, equal_nan=True)
        for other in curves[1:]
        for a, b in zip(curves[0], other, strict=False)
    )


def numbers(values: Numbers | Sequence[int]) -> Array:
    """A list as floats, NaN where there is no number."""
    return np.array(values, dtype=np.float64)
