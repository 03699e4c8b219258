"""What lies beyond a picture: a curve that diverged leaves it, rather than press all others flat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.analysis.numerals import number
from workbench.pictures import Array, Curve, Figure, Panel
from workbench.problems.base import DIVERGED_FACTOR
from workbench.words import listed

MOST_NAMED = 2
FAR = 100.0
"""A curve that begins so many times higher than others does not set the range."""
MARGIN = 0.04


def farthest(starts: Sequence[float]) -> float:
    """How far from 0 a value may lie to set the range of a picture: ten times where its curves begin.

    So a task counts as diverged. A curve that begins far higher than most has diverged before it began.
    """
    sizes = sorted(abs(each) for each in starts if np.isfinite(each) and each)
    if not sizes:
        return np.inf
    middle = sizes[(len(sizes) - 1) // 2]
    return DIVERGED_FACTOR * max(each for each in sizes if each <= FAR * middle)


def farthest_of(curves: Sequence[Curve]) -> float:
    """The same of the curves of a figure."""
    return farthest([_first(each.y) for each in curves])


def told_beyond(found: Sequence[tuple[str, float]]) -> str:
    """Which curves leave the picture, and how far they go."""
    named = [f"{label} ({number(value, 3)})" for label, value in found]
    return f"Beyond the picture: {listed(named, MOST_NAMED)}" if found else ""


def framed(figure: Figure) -> Figure:
    """A figure of one panel in the range that was chosen, or else in that of what did not diverge.

    What diverged and leaves that range is named in the caption, and its band, which would cover all, is not
    drawn. Where nothing does, the figure stays as it is.
    """
    (panel,) = figure.panels
    cap = farthest_of(panel.curves)
    peaks = [(each.label, float(np.fmax.reduce(np.abs(each.y), initial=0.0))) for each in panel.curves]
    y_range = panel.y_range or _range(panel, cap, {label for label, peak in peaks if peak > cap})
    found = dict(sorted(each for each in peaks if each[1] > max(cap, *map(abs, y_range or (np.inf, np.inf)))))
    if not found or y_range is None:
        return figure
    curves = tuple(replace(each, shaded=each.shaded and each.label not in found) for each in panel.curves)
    words = told_beyond([(each.label, found.pop(each.label)) for each in curves if each.label in found])
    return replace(
        figure,
        panels=(replace(panel, curves=curves, y_range=y_range),),
        caption=f"{figure.caption} {words}.",
    )


def _range(panel: Panel, cap: float, far: set[str]) -> tuple[float, float] | None:
    """The range of what did not diverge, with a margin."""
    near = [each if each.label not in far else replace(each, low=None, high=None) for each in panel.curves]
    found = extent(near, cap, log=panel.y_log)
    if found is None:
        return None
    low, high = found
    margin = MARGIN * (high - low) or 0.05 * abs(high) or 0.5
    bottom, top = low - margin, high + margin
    return (10.0**bottom, 10.0**top) if panel.y_log else (bottom, top)


def extent(
    curves: Sequence[Curve], cap: float, *, log: bool, room: float = 1 / 3
) -> tuple[float, float] | None:
    """From the lowest to the highest value that counts, with its band as far as that keeps to their size: an
    interval of two seeds may be huge. Of a logarithmic axis, the logarithms (base 10).

    Parameters
    ----------
    cap : values farther from 0 do not count.
    room : how far a band counts beyond the values, as part of their range.
    """
    values = _counted([each.y for each in curves], cap, log)
    ends = [part for each in curves if each.shaded for part in (each.low, each.high) if part is not None]
    band = _counted(ends, cap, log)
    if not len(values):
        return None
    values, band = (np.log10(each) if log else each for each in (values, band))
    low, high = float(values.min()), float(values.max())
    most = room * (high - low) or (0.5 if log else abs(high))
    return (
        min(low, max(float(band.min(initial=low)), low - most)),
        max(high, min(float(band.max(initial=high)), high + most)),
    )


def _counted(parts: Sequence[Array], cap: float, log: bool) -> Array:
    found: Array = np.concatenate([np.empty(0), *parts])
    kept: Array = found[np.isfinite(found) & (np.abs(found) <= cap) & ((found > 0) | (not log))]
    return kept


def _first(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known[0]) if len(known) else np.nan
