"""Measures of unseen tasks, as plain functions of arrays (so they need no torch)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _t_quantile(freedom: float) -> float:
    """The 97.5% quantile of Student's t."""
    from scipy.special import stdtrit  # takes a third of a second to import: not before it is needed

    return float(stdtrit(freedom, 0.975))


class Interval(NamedTuple):
    """A mean and the half-width of its 95% interval (Student's t)."""

    mean: float
    half_width: float


def mean_interval(values: Array) -> Interval:
    """Mean over the finite values with its 95% interval; NaN where there are none (or one)."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Interval(math.nan, math.nan)
    mean = float(finite.mean())
    if finite.size == 1:
        return Interval(mean, math.nan)
    error = float(finite.std(ddof=1)) / math.sqrt(finite.size)
    return Interval(mean, _t_quantile(finite.size - 1) * error)


def collapsed(values: Array, episode: NDArray[np.int64] | None) -> Array:
    """One value for each distinct episode: the mean over its repetitions, ``[…, distinct]``.

    A value is not finite where that of a repetition is not.

    Parameters
    ----------
    values : ``[…, tasks]``.
    episode : ``[tasks]``, which episode each task is; None: all are distinct.
    """
    if episode is None:
        return values
    order = np.argsort(episode, kind="stable")
    _, starts, times = np.unique(episode[order], return_index=True, return_counts=True)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1) / times)


def difference_interval(a: Array, b: Array) -> Interval:
    """mean(a) − mean(b) of independent samples, with Welch's 95% interval."""
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if min(a.size, b.size) < 2:
        return Interval(math.nan, math.nan)
    va, vb = a.var(ddof=1) / a.size, b.var(ddof=1) / b.size
    spread = float(va + vb)
    if spread == 0:
        return Interval(float(a.mean() - b.mean()), 0.0)
    freedom = spread**2 / float(va**2 / (a.size - 1) + vb**2 / (b.size - 1))
    return Interval(float(a.mean() - b.mean()), _t_quantile(freedom) * math.sqrt(spread))


def steps_to_reach(loss: Array, threshold: float) -> Array:
    """The index of the first step at which each task's loss is below the threshold; inf where none is.

    Parameters
    ----------
    loss : ``[steps, tasks]``.
    """
    reached = loss < threshold
    return np.where(reached.any(axis=0), reached.argmax(axis=0), np.inf)


class Forgotten(TypedDict):
    """What :func:`forgetting` tells."""

    forgetting: list[float | None]
    forgetting_mean: float | None
    backward_transfer: float | None


def forgetting(known: Sequence[Sequence[float | None]]) -> Forgotten:
    """What later segments of a stream did to the earlier ones.

    Parameters
    ----------
    known : ``[S, S]``: the loss on segment j after segment i, None where it is not finite.

    Returns
    -------
    forgetting : for each segment but the last, its final loss minus the lowest since it was trained
        on (Chaudhry, Dokania, Ajanthan, Torr, ECCV 2018, arXiv 1801.10112, there in accuracy).
    forgetting_mean : their mean.
    backward_transfer : mean of the loss on a segment right after it minus its final loss: positive where
        later segments helped (Lopez-Paz, Ranzato, NeurIPS 2017, arXiv 1706.08840).
    """
    loss = np.array([[math.nan if value is None else value for value in row] for row in known])
    last = len(loss) - 1
    lost = [float(loss[-1, j] - loss[j:, j].min()) for j in range(last)]
    gained = [float(loss[j, j] - loss[-1, j]) for j in range(last)]
    return {
        "forgetting": [_or_none(value) for value in lost],
        "forgetting_mean": _or_none(float(np.mean(lost))) if lost else None,
        "backward_transfer": _or_none(float(np.mean(gained))) if gained else None,
    }


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
