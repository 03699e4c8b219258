"""Which runs and tasks went out of all bounds: when training diverged, and how many tasks of a test did."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.reached import measures, numbers
from workbench.analysis.source import Series, Source
from workbench.measures import LOSS
from workbench.problems import measure_of
from workbench.problems.base import DIVERGED_FACTOR
from workbench.project import RunRecord
from workbench.summaries import Summary

Evaluations = Sequence[tuple[int, Summary]]


def training_diverged_at(source: Source, run: RunRecord) -> int | None:
    """The meta-iteration at which a run of a source diverged; see :func:`diverged_at`."""
    return diverged_at(run, source.evaluations(run.id), lambda: source.series(run.id, "loss"))


def diverged_at(run: RunRecord, evaluations: Evaluations, losses: Callable[[], Series]) -> int | None:
    """The meta-iteration at which training diverged for good; None where it did not, or recovered.

    It is the first at which the training loss is out of bounds and mostly stays so, or a validation is, or
    the failure for a loss that is not finite; what a later validation is free of does not count. Out of
    bounds is what is not finite, or over ten times the loss before training (where a loss may be below zero,
    only what is not finite). A validation is so where more than half of its tasks are, or have diverged,
    after every inner step.

    Parameters
    ----------
    evaluations : the run's validations as (meta-iteration, summary), in order.
    losses : reads its training losses; asked only where they matter.
    """
    if ended_well(run, evaluations):
        return None
    failed = run.iterations + 1 if _failed(run) else None
    signed, start = _signed(evaluations), _start(evaluations)
    bad = [_lost(summary, DIVERGED_FACTOR * start) for _, summary in evaluations]
    well = max((at for (at, _), each in zip(evaluations, bad, strict=True) if not each), default=-1)
    found = [at for (at, _), each in zip(evaluations, bad, strict=True) if each and at > well]
    iterations, values = losses()
    if len(values):
        first = [] if signed else [start, abs(float(values[0]))]
        level = max((each for each in first if np.isfinite(each)), default=np.inf)
        later = iterations > well
        at = _first_lasting(_out_of_bounds(values[later], DIVERGED_FACTOR * level))
        found += [] if at is None else [int(iterations[later][at])]
    found += [] if failed is None else [failed]
    return min(found, default=None)


def ended_well(run: RunRecord, evaluations: Evaluations) -> bool:
    """Whether the last validation is of all that was trained, and within bounds: what was before does not
    count then.

    Parameters
    ----------
    evaluations : at least the first and the last.
    """
    if _failed(run) or not evaluations or evaluations[-1][0] < run.iterations:
        return False
    return not _lost(evaluations[-1][1], DIVERGED_FACTOR * _start(evaluations))


def _failed(run: RunRecord) -> bool:
    return run.status == "failed" and "not finite" in run.failure


def _signed(evaluations: Evaluations) -> bool:
    """Whether the loss may be below zero."""
    return bool(evaluations) and measure_of(LOSS.name, evaluations[0][1]).signed


def _first_lasting(bad: NDArray[np.bool_]) -> int | None:
    """The first that is bad, and more than half of what follows too."""
    share = np.cumsum(bad[::-1])[::-1] / np.arange(len(bad), 0, -1)
    found = np.flatnonzero(bad & (share > 0.5))
    return int(found[0]) if len(found) else None


def _start(evaluations: Evaluations) -> float:
    """The loss before training and adaptation; infinite where it is not known, or may be below zero."""
    if not evaluations or _signed(evaluations):
        return np.inf
    first = measures(evaluations[0][1])[LOSS.name]["mean"][0]
    return np.inf if first is None else abs(first)


def _out_of_bounds(values: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
    return ~np.isfinite(values) | (np.abs(values) > limit)


def _lost(summary: Summary, limit: float) -> bool:
    """Whether more than half of the tasks are, after every inner step (before adaptation only if alone)."""
    bad = _out_of_bounds(numbers(summary.get("loss_median", measures(summary)[LOSS.name]["mean"])), limit)
    if "diverged" in summary and "tasks" in summary:
        bad |= numbers(summary["diverged"]) > summary["tasks"] / 2
    adapted = bad[1:] if len(bad) > 1 else bad
    return bool(len(adapted)) and bool(adapted.all())
