"""What a figure shows, as plain values: drawn by :mod:`workbench.export.drawing`, written as CSV here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import results

Array = NDArray[np.float64]
PATTERNS = 4
"""In so many ways a line can be broken."""


@dataclass(frozen=True)
class Curve:
    """A line, or points with whiskers.

    Attributes
    ----------
    label : as the legend says it, with n where it is a mean over seeds; empty: not in the legend.
    colour : ``#rrggbb``.
    x, y : ``[points]``.
    low, high : ``[points]``, the interval around y; NaN where there is none.
    n : ``[points]``, how many runs stand at each point, where y is a mean over runs.
    kind : ``line``, ``markers``, or ``both``.
    faint : what a stronger curve summarises (raw values beside the smoothed, runs beside their mean).
    shaded : whether the interval around a line is drawn; it is in the data all the same.
    dashed : how a line is broken: 0 not at all, 1 dashes, 2 dots, 3 both.
    thick : a bar.
    """

    label: str
    colour: str
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    n: NDArray[np.int64] | None = None
    kind: str = "line"
    faint: bool = False
    dashed: int = 0
    shaded: bool = True
    thick: bool = False


@dataclass(frozen=True)
class Picture:
    """One image in a panel's grid.

    Attributes
    ----------
    pixels : ``[channels, height, width]``, 0 to 1.
    caption : under it.
    frame : ``#rrggbb`` around it, or empty.
    """

    pixels: Array
    caption: str = ""
    frame: str = ""


@dataclass(frozen=True)
class Text:
    """A word beside what is drawn, at a place in the units of the axes.

    Attributes
    ----------
    align : which end of it stands there: ``left``, ``center`` or ``right``.
    over : the place is its lower edge; under: its upper edge; neither: its middle.
    """

    x: float
    y: float
    text: str
    align: str = "left"
    over: bool = False
    under: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes, or a grid of pictures.

    Attributes
    ----------
    x_label, y_label : quantity and unit.
    x_names : names of the positions 0, 1, … where x is no number.
    pictures : rows of pictures; a panel has either curves or pictures.
    row_names : one for each row of pictures.
    texts : words among the curves.
    x_hidden, y_hidden : without that axis.
    y_percent : y is a share, whose numbers are written in percent.
    ratio : height by width; 0: the usual.
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    x_log: bool = False
    y_log: bool = False
    x_names: tuple[str, ...] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    curves: tuple[Curve, ...] = ()
    pictures: tuple[tuple[Picture, ...], ...] = ()
    row_names: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()
    x_hidden: bool = False
    y_hidden: bool = False
    y_percent: bool = False
    ratio: float = 0.0


@dataclass(frozen=True)
class Figure:
    """A figure of one or more panels.

    Attributes
    ----------
    name : for the file: ``learning_curves``.
    caption : what is shown, which interval it is and over what, in a sentence or two for a paper.
    columns : panels side by side.
    table : rows that belong to it (a comparison's numbers).
    legend : below the panels; False where the curves are named beside them.
    """

    name: str
    panels: tuple[Panel, ...]
    caption: str = ""
    columns: int = 1
    table: tuple[dict[str, Any], ...] = field(default=())
    legend: bool = True


def rows(figure: Figure) -> Iterator[dict[str, Any]]:
    """The figure's data, tidy: one row for each point of each curve (pictures have none)."""
    for number, panel in enumerate(figure.panels, 1):
        for curve in panel.curves:
            for index, (x, y) in enumerate(zip(curve.x.tolist(), curve.y.tolist(), strict=True)):
                yield {
                    "panel": panel.title or number,
                    "curve": curve.label,
                    "raw": curve.faint,
                    "x": _named(x, panel.x_names),
                    "y": y,
                    "low": None if curve.low is None else float(curve.low[index]),
                    "high": None if curve.high is None else float(curve.high[index]),
                    "n": None if curve.n is None else int(curve.n[index]),
                    "x_label": panel.x_label,
                    "y_label": panel.y_label,
                }


def _named(x: float, names: tuple[str, ...]) -> float | str:
    """The name of the position that a point stands at, or beside."""
    nearest = round(x) if names and math.isfinite(x) else -1
    return names[nearest] if 0 <= nearest < len(names) else x


def as_csv(figure: Figure, *, table: bool = False) -> str:
    """The figure's data as CSV: its curves' points, or the table that belongs to it.

    Parameters
    ----------
    table : write the table; a figure without curves has no other data.
    """
    points = [] if table else list(rows(figure))
    return results.as_csv(points or figure.table)
