"""Curves as arrays: the mean over seeds with its interval, and smoothing.

Everything here grows: points that are added at the end of one run cost as much as those points, not as
much as all that is there. An index called ``fresh`` says from where on a curve differs from what it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # as in workbench.engine.intervals

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Points = tuple[Integers, Array]


def intervals(values: Array) -> tuple[Integers, Array, Array]:
    """n, mean and the half-width of the 95% interval (Student's t) of each column's finite values.

    As :func:`workbench.engine.intervals.mean_interval` of each column: NaN where there are none, and no
    half-width where there is one.

    Parameters
    ----------
    values : ``[runs, points]``.
    """
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    kept = np.where(finite, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = kept.sum(axis=0) / n
        square = (np.where(finite, values - mean, 0.0) ** 2).sum(axis=0)
        factor = stdtrit(np.maximum(np.arange(len(values) + 1) - 1, 1), 0.975)
        half = factor[n] * np.sqrt(square / (n - 1) / n)
    half[n < 2] = np.nan
    return n, mean, half


SMOOTHED_SHARE = 10
"""A mean is over at most this part (a tenth) of the points up to where it stands."""


def window_at(index: int, window: int) -> int:
    """How many points the moving average is over at a point of a curve (from 0)."""
    return max(1, min(window, (index + 1) // SMOOTHED_SHARE))


def moving_average(y: Array, window: int, start: int = 0) -> Array:
    """The mean of the points around each point from ``start`` on (as many before as after; one more before
    where their number is even).

    They are at most ``window``, and at most a tenth of the points up to there: where a curve begins and falls
    fastest the mean is over few, and a short curve gets no plateau that is not its own. At the end, the
    points that are there. A value does not change with what comes far behind it, and is the same for all
    runs at the same place.

    NaN and infinity are left out of the means, and are NaN in the result: a gap stays a gap. A giant value
    spoils none but the means it belongs to.
    """
    index = np.arange(start, len(y))
    widths = np.maximum(np.minimum(window, (index + 1) // SMOOTHED_SHARE), 1)
    first = index - widths // 2
    stop = np.minimum(first + widths, len(y))
    reach = int(first[0]) if len(index) else 0
    finite = np.isfinite(y[reach:])
    sums = _sums(np.where(finite, y[reach:], 0.0), first - reach, stop - reach)
    counts = (
        stop - first if finite.all() else np.rint(_sums(finite.astype(float), first - reach, stop - reach))
    )
    return np.where(finite[start - reach :], sums / np.maximum(counts, 1), np.nan)


def _sums(y: Array, first: Integers, stop: Integers) -> Array:
    """Sums of y[first … stop), each of sums over powers of two of points: no sum is a difference."""
    lengths, at = stop - first, first.copy()
    totals, block = np.zeros(len(first)), y
    for bit in range(int(lengths.max(initial=0)).bit_length()):
        taken = (lengths >> bit & 1).astype(bool)
        totals[taken] += block[at[taken]]
        at[taken] += 1 << bit
        block = block[: -(1 << bit)] + block[1 << bit :]
    return totals


class Smoothed:
    """A curve's moving average that is kept up to date while the curve grows.

    Parameters
    ----------
    window : in points, at most; 1 leaves the curve as it is.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._values = np.empty(0)
        self._count = 0

    def update(self, y: Array, fresh: int) -> tuple[Array, int]:
        """The average of the curve that differs from ``fresh`` on, and from where on that differs."""
        if self._window <= 1:
            return y, fresh
        start = max(0, min(fresh, self._count, len(y)) - self._window)
        if fresh < len(y) or len(y) < self._count:
            if len(y) > len(self._values):
                grown = np.empty(max(len(y), 2 * len(self._values)))
                grown[:start] = self._values[:start]
                self._values = grown
            self._values[start : len(y)] = moving_average(y, self._window, start)
            self._count = len(y)
            return self._values[: len(y)], start
        return self._values[: len(y)], len(y)


class Joined:
    """The mean over runs at every meta-iteration where at least one stands, with its 95% interval.

    Nothing is interpolated: at each x, only the runs that have a (finite) value there count, and
    :attr:`n` says how many they are.

    Attributes
    ----------
    x : meta-iterations, ``[points]``.
    n : runs at each.
    mean, low, high : the mean and the interval over runs; no interval (NaN) where n is 1.
    """

    def __init__(self) -> None:
        self._counts: list[int] = []
        self._length = 0
        self._x = np.empty(0, np.int64)
        self._n = np.empty(0, np.int64)
        self._mean = self._low = self._high = np.empty(0)

    @property
    def x(self) -> Integers:
        return self._x[: self._length]

    @property
    def n(self) -> Integers:
        return self._n[: self._length]

    @property
    def mean(self) -> Array:
        return self._mean[: self._length]

    @property
    def low(self) -> Array:
        return self._low[: self._length]

    @property
    def high(self) -> Array:
        return self._high[: self._length]

    def update(self, runs: Sequence[Points], fresh: Sequence[int]) -> int:
        """Take up the runs' curves, each of which differs from ``fresh`` on; the index of the first
        point that changed (the number of points, if none did).

        Where a curve became shorter (its run went back), all are taken up anew.
        """
        if len(runs) != len(self._counts) or any(
            len(x) < count for (x, _), count in zip(runs, self._counts, strict=True)
        ):
            self._counts, self._length, fresh = [0] * len(runs), 0, [0] * len(runs)
        changed = [(x, at) for (x, _), at in zip(runs, fresh, strict=True) if at < len(x)]
        if not changed:
            return self._length
        low, high = min(int(x[at]) for x, at in changed), max(int(x[-1]) for x, _ in changed)
        self._counts = [len(x) for x, _ in runs]
        start, stop = np.searchsorted(self.x, (low, high + 1)).tolist()
        parts = []
        for x, y in runs:
            a, b = np.searchsorted(x, (low, high + 1)).tolist()
            parts.append((x[a:b], y[a:b]))
        self._replace(start, stop, *_joined(parts))
        return int(start)

    def _replace(self, start: int, stop: int, x: Integers, n: Integers, mean: Array, half: Array) -> None:
        """Put new points in the place of those from start to stop."""
        with np.errstate(invalid="ignore", over="ignore"):
            low, high = mean - half, mean + half
        behind = self._length - stop
        length = start + len(x) + behind
        for name, values in (("_x", x), ("_n", n), ("_mean", mean), ("_low", low), ("_high", high)):
            array: NDArray[np.generic] = getattr(self, name)
            target = array
            if length > len(array):
                target = np.empty(max(length, 2 * len(array)), array.dtype)
                target[:start] = array[:start]
            if behind and (target is not array or len(x) != stop - start):
                target[length - behind : length] = array[stop : self._length].copy()
            target[start : start + len(x)] = values
            setattr(self, name, target)
        self._length = length


def _joined(parts: Sequence[Points]) -> tuple[Integers, Integers, Array, Array]:
    """x, n, mean and half-width over runs that stand at different places."""
    parts = [part for part in parts if len(part[0])]
    if len(parts) == 1:  # no copy of a matrix for a single run
        x, y = parts[0]
        finite = np.isfinite(y)
        return x, finite.astype(np.int64), np.where(finite, y, np.nan), np.full(len(x), np.nan)
    longest = max((x for x, _ in parts), key=len)
    if all(np.array_equal(x, longest[: len(x)]) for x, _ in parts):
        x = longest
    else:
        x = np.unique(np.concatenate([x for x, _ in parts]))
    values = np.full((len(parts), len(x)), np.nan)
    for row, (places, y) in zip(values, parts, strict=True):
        if x is longest:
            row[: len(y)] = y
        else:
            row[np.searchsorted(x, places)] = y
    n, mean, half = intervals(values)
    return x, n, mean, half


class Grown:
    """Tells from where on a run's curve differs from what it was when last asked."""

    def __init__(self) -> None:
        self._count = 0
        self._end: tuple[int, float] | None = None

    def fresh(self, x: Integers, y: Array) -> int:
        """The index of the first new point; 0 where the curve is another one (a run that went back)."""
        same = len(x) >= self._count and (self._end is None or self._at(x, y, self._count - 1) == self._end)
        before = self._count if same else 0
        self._count = len(x)
        self._end = self._at(x, y, len(x) - 1) if len(x) else None
        return before

    @staticmethod
    def _at(x: Integers, y: Array, index: int) -> tuple[int, float]:
        value = float(y[index])
        return int(x[index]), value if np.isfinite(value) else 0.0
