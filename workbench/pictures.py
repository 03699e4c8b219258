"""The picture language: what a figure shows, as plain values, whoever paints it.

:mod:`workbench.export.drawing` puts a figure on paper, the window's board on the screen. A problem makes the
picture of a prediction, :mod:`workbench.analysis` those of runs. Nothing here has a colour of its own: things
play a *role* (``run 3``, ``ink``, ``muted``, ``right``), and a painter's palette says what that looks like.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PATTERNS = 4
"""In so many ways a line can be broken."""

RUNS = tuple(f"run {number}" for number in range(1, 13))
"""Roles of algorithms, in the order in which they are given out."""

SOLID = 8
"""So many of them have unbroken lines; the others are told apart by dashes, too."""

INK, MUTED, RIGHT, WRONG = "ink", "muted", "right", "wrong"
"""Other roles: what is as strong as text, what is of second rank, and what is right or wrong."""


SIGNS = ("square", "triangle", "star", "cross", "dash")
"""Shapes of points that are no dots."""


@dataclass(frozen=True)
class Curve:
    """A line, or points with whiskers.

    Attributes
    ----------
    label : as the legend says it, with n where it is a mean over seeds; empty: not in the legend.
    colour : its role; ``#rrggbb`` where a person chose one.
    x, y : ``[points]``.
    low, high : ``[points]``, the interval around y; NaN where there is none.
    n : ``[points]``, how many runs stand at each point, where y is a mean over runs.
    kind : ``line``, ``markers``, or ``both``.
    faint : what a stronger curve summarises (raw values beside the smoothed, runs beside their mean).
    shaded : whether the interval around a line is drawn; it is in the data all the same.
    dashed : how a line is broken: 0 not at all, 1 dashes, 2 dots, 3 both.
    thick : a bar, or large points.
    small : points of which there are many.
    shade : −1 to 1, how far its colour goes towards the ink (below 0) or the paper (above).
    points : what is said of each point, beside its value.
    sign : the shape of its points, one of ``SIGNS``; empty: the usual.
    runs : the ids of the runs that it is of: of one for each of its points, or of all of it.
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
    small: bool = False
    shade: float = 0.0
    points: tuple[str, ...] = ()
    sign: str = ""
    runs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Picture:
    """One image in a panel's grid.

    Attributes
    ----------
    pixels : ``[channels, height, width]``, 0 to 1.
    caption : under it.
    frame : role of the frame around it, or empty.
    told : what is said of it where it is pointed at.
    """

    pixels: Array
    caption: str = ""
    frame: str = ""
    told: str = ""


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
class Word:
    """One word of a line.

    Attributes
    ----------
    colour : its role.
    marked : whether it is underlined, as what is wrong is.
    """

    text: str
    colour: str = INK
    marked: bool = False


@dataclass(frozen=True)
class Shade:
    """One cell of a heat map.

    Attributes
    ----------
    text : what is written in it, in one or two lines.
    part : 0 to 1, how strong its colour is; NaN: it has none.
    told : what is said of it where it is pointed at.
    strong : whether its text stands out.
    """

    text: str
    part: float
    told: str = ""
    strong: bool = False


Line = tuple[Word, ...]
"""Words after each other; a line that is too long goes on below."""


def wrapped(line: Line, width_of: Callable[[str], float], room: float) -> list[list[tuple[float, Word]]]:
    """A line in so many as it needs: words with the place where each begins.

    Parameters
    ----------
    width_of : of a text, in the unit of ``room``.
    """
    gap, place = width_of(" "), 0.0
    rows: list[list[tuple[float, Word]]] = [[]]
    for word in line:
        width = width_of(word.text)
        if rows[-1] and place + width > room:
            rows.append([])
            place = 3 * gap
        rows[-1].append((place, word))
        place += width + gap
    return rows


@dataclass(frozen=True)
class Panel:
    """One pair of axes, a grid of pictures, lines of words, or a heat map.

    Attributes
    ----------
    x_label, y_label : quantity and unit.
    x_names, y_names : names of the positions 0, 1, … where x (or y) is no number.
    pictures, lines, shades : rows of pictures; lines of words; rows of a heat map, whose columns have the
        names of ``x_names``. A panel has curves, or one of these.
    row_names : one for each row of pictures or shades, in short.
    row_titles : the same in full, where there is room.
    shade : the role of the colour of shades.
    texts : words among the curves.
    x_hidden, y_hidden : without that axis.
    y_percent : y is a share, whose numbers are written in percent.
    ratio : height by width; 0: the usual.
    square : a step across is as long as a step up, as on a map.
    brushed : a drag along one of the places of ``x_names`` picks the curves that pass there.
    moving : where what moves is at each step of time; a picture that stands still shows where it ends.
    runs : the ids of the runs that all of it is of.
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    x_log: bool = False
    y_log: bool = False
    x_names: tuple[str, ...] = ()
    y_names: tuple[str, ...] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    curves: tuple[Curve, ...] = ()
    pictures: tuple[tuple[Picture, ...], ...] = ()
    lines: tuple[Line, ...] = ()
    shades: tuple[tuple[Shade, ...], ...] = ()
    shade: str = RUNS[0]
    row_names: tuple[str, ...] = ()
    row_titles: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()
    x_hidden: bool = False
    y_hidden: bool = False
    y_percent: bool = False
    ratio: float = 0.0
    square: bool = False
    brushed: bool = False
    moving: Curve | None = None
    runs: tuple[int, ...] = ()

    def moved(self, part: float) -> tuple[float, float] | None:
        """Where what moves is when a part of the time is over, from 0 to 1; None where nothing does."""
        if self.moving is None or not len(self.moving.x):
            return None
        at = min(len(self.moving.x) - 1, int(part * len(self.moving.x)))
        x, y = float(self.moving.x[at]), float(self.moving.y[at])
        return (x, y) if np.isfinite(x + y) else None


@dataclass(frozen=True)
class Head:
    """What a row or a column of panels has in common.

    Attributes
    ----------
    text : more about it, below its title.
    colour : role of a sign before the title; empty: none.
    """

    title: str
    text: str = ""
    colour: str = ""


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
    column_heads, row_heads : above the columns and beside the rows; empty: the panels say all.
    """

    name: str
    panels: tuple[Panel, ...]
    caption: str = ""
    columns: int = 1
    table: tuple[dict[str, Any], ...] = field(default=())
    legend: bool = True
    column_heads: tuple[Head, ...] = ()
    row_heads: tuple[Head, ...] = ()

    def title_of(self, index: int) -> str:
        """What a panel shows, its heads included."""
        row, column = divmod(index, max(1, self.columns))
        heads = [*self.column_heads[column : column + 1], *self.row_heads[row : row + 1]]
        titles = [*(head.title for head in heads), self.panels[index].title]
        return " · ".join(filter(None, titles))


@dataclass(frozen=True)
class Drawing:
    """What a learner predicts on one task, as its problem draws it: a cell of a grid, learners by tasks.

    Attributes
    ----------
    panel : its title is left to whoever puts it into a grid.
    title : what is drawn: ``Predicted classes``.
    said : how good it is, in a few words: ``75% right (6 of 8)``.
    words : how to read it, for a caption.
    rows : data that a table has of it, one for each query.
    seen : the same of the support examples, where these can be read: texts.
    task : what the task is, which the learner is not told, in a few words; empty: the picture shows it.
    truth : what is right, where that is a picture of its own: it stands once, beside those of all learners.
    counts : true against predicted classes as a heat map, where there are classes.
    """

    panel: Panel
    title: str
    said: str
    words: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    seen: tuple[dict[str, Any], ...] = ()
    task: str = ""
    truth: Panel | None = None
    counts: Panel | None = None
