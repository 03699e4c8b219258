"""Thinning long curves to what can be seen, without losing a spike."""

from __future__ import annotations

import numpy as np

from workbench.analysis.curves import Array, Integers

BLOCK = 64  # points that a summary of two stands for


class Peaks:
    """Thins a curve to the lowest and the highest point of every column of pixels.

    Keeps the two extremes of every :data:`BLOCK` points, so that a wide range costs a fraction of its
    points; they are kept up to date while the curve grows.
    """

    def __init__(self) -> None:
        self._pairs = np.empty((0, 2), np.int64)

    def update(self, y: Array, fresh: int) -> None:
        """Take up a curve that differs from ``fresh`` on."""
        first, whole = min(fresh // BLOCK, len(self._pairs)), len(y) // BLOCK
        pairs = _extremes(y[first * BLOCK : whole * BLOCK]) + first * BLOCK
        self._pairs = np.concatenate([self._pairs[:first], pairs])

    def within(self, x: Array, y: Array, start: int, stop: int, edges: Array) -> Integers:
        """Indices, rising, of the points to draw of ``[start, stop)``.

        The lowest and the highest point of every column, and the first and the last of all; everything
        where that is little.

        Parameters
        ----------
        x, y : the whole curve; x rises.
        edges : where columns of pixels begin, rising, in the units of x.
        """
        if stop - start <= 2 * len(edges):
            return np.arange(start, stop)
        first, last = -(-start // BLOCK), min(stop // BLOCK, len(self._pairs))
        if last - first >= len(edges):
            index = np.concatenate(
                [
                    np.arange(start, first * BLOCK),
                    self._pairs[first:last].ravel(),
                    np.arange(last * BLOCK, stop),
                ]
            )
            places, values = x[index], y[index]
        else:
            index = np.arange(start, stop)
            places, values = x[start:stop], y[start:stop]
        heads = np.searchsorted(places, edges)
        heads = _rising(np.concatenate([[0], heads[heads < len(index)]]))
        chosen = index[_column_extremes(values, heads)]
        return _rising(np.concatenate([[start], chosen, [stop - 1]]))


def _rising(values: Integers) -> Integers:
    """Without repetitions; the values are sorted (np.unique would sort them again)."""
    kept = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=kept[1:])
    return values[kept]


def _extremes(y: Array) -> Integers:
    """Indices of the lowest and the highest value of every whole block, in order, ``[blocks, 2]``."""
    grid = y.reshape(-1, BLOCK)
    missing = np.isnan(grid)
    if missing.any():  # a block is NaN only where all of it is
        low = np.where(missing, np.inf, grid).argmin(axis=1)
        high = np.where(missing, -np.inf, grid).argmax(axis=1)
    else:
        low, high = grid.argmin(axis=1), grid.argmax(axis=1)
    offset = np.arange(len(grid)) * BLOCK
    return np.stack([np.minimum(low, high) + offset, np.maximum(low, high) + offset], axis=1)


def _column_extremes(y: Array, heads: Integers) -> Integers:
    """Indices of the lowest and the highest value of the columns that begin at ``heads``, rising."""
    counts = np.empty_like(heads)
    np.subtract(heads[1:], heads[:-1], out=counts[:-1])
    counts[-1] = len(y) - heads[-1]
    missing = np.isnan(y)
    gaps = bool(missing.any())
    chosen = []
    for extreme in (np.fmin, np.fmax):
        hit = y == np.repeat(extreme.reduceat(y, heads), counts)
        where = np.flatnonzero(hit | missing if gaps else hit)
        if gaps:  # a column's first hit may be a gap in front of its extreme
            first = where[np.searchsorted(where, heads)]
            real = np.append(np.flatnonzero(hit), len(y))
            found = real[np.searchsorted(real, heads)]
            chosen.append(np.where(found < heads + counts, found, first))
        else:
            chosen.append(where[np.searchsorted(where, heads)])
    ends = np.stack([np.minimum(*chosen), np.maximum(*chosen)], axis=1)
    if not gaps:
        return _rising(ends.ravel())
    # beside each column's extremes, one of its gaps, so that the line is broken where it was
    holes = np.flatnonzero(missing)
    return np.asarray(np.union1d(ends.ravel(), holes[_first_in_columns(holes, heads)]))


def _first_in_columns(places: Integers, heads: Integers) -> Integers:
    """Which places are the first in their column."""
    column = np.searchsorted(heads, places, side="right")
    return np.flatnonzero(np.diff(column, prepend=0) > 0)


def column_edges(low: float, high: float, columns: int, *, log: bool = False) -> Array:
    """Where ``columns`` columns of pixels begin between low and high.

    They lie on a lattice that does not move with the range, so that a curve does not flicker as it
    is dragged.
    """
    if log:
        return np.asarray(10.0 ** column_edges(np.log10(low), np.log10(high), columns))
    width = (high - low) / max(1, columns)
    if not (width > 0 and np.isfinite(width)):
        return np.array([low])
    lattice: Array = (np.floor(low / width) + np.arange(columns + 2)) * width
    return lattice


def band(
    x: Array, low: Array, high: Array, start: int, stop: int, edges: Array
) -> tuple[Array, Array, Array]:
    """A band's outline between two indices: the lowest and the highest of each column of pixels."""
    if stop - start <= 2 * len(edges):
        return x[start:stop], low[start:stop], high[start:stop]
    heads = np.searchsorted(x[start:stop], edges)
    heads = np.unique(np.concatenate([[0], heads[heads < stop - start], [stop - start - 1]]))
    return (
        x[start:stop][heads],
        np.fmin.reduceat(low[start:stop], heads),
        np.fmax.reduceat(high[start:stop], heads),
    )


def visible(x: Array, low: float, high: float) -> tuple[int, int]:
    """The indices that a range covers, with one point beyond on each side (lines reach the frame)."""
    start, stop = np.searchsorted(x, (low, high), side="left").tolist()
    return max(0, start - 1), min(len(x), stop + 1)
