"""What curves are drawn with; pyqtgraph's own items measure their data anew at every change of the range."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from workbench.pictures import PATTERNS

Array = NDArray[np.float64]

_PATTERNS: dict[int, list[float]] = {1: [4, 2], 2: [1.2, 2], 3: [6, 2, 1.2, 2]}
"""Of the lines that are broken, in widths of the line."""


class _Item(QGraphicsItem):
    """Something in view coordinates, below a plot's view."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view.childGroup)
        self._view = view
        self._bounds = QRectF()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def _set_bounds(self, x: Array, low: Array, high: Array) -> None:
        """The data's rectangle with the width of a pen around it; the data must be finite."""
        self.prepareGeometryChange()
        if not len(x):
            self._bounds = QRectF()
            return
        across, up = (3 * float(each) for each in self._view.viewPixelSize())
        left, right = float(x.min()) - across, float(x.max()) + across
        bottom, top = float(low.min()) - up, float(high.max()) + up
        self._bounds = QRectF(left, bottom, right - left, top - bottom)


# Qt draws a line of one pixel several times faster than the outline of a wider one, which for a curve
# that goes up and down takes longer than all else: a wide line is several thin ones side by side
_SHIFTS = {
    1: ((0.0, 0.0),),
    2: ((-0.35, -0.35), (0.35, -0.35), (0.0, 0.45)),
    3: ((-0.8, 0.0), (0.8, 0.0), (0.0, -0.8), (0.0, 0.8)),
}


def set_pattern(pen: QPen, dashed: int) -> None:
    """Break a pen's line, as :class:`workbench.pictures.Curve` says."""
    if dashed % PATTERNS:
        pen.setDashPattern(_PATTERNS[dashed % PATTERNS])


class Line(_Item):
    """A line with gaps where it is no number."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view)
        self._path = QPainterPath()
        self._pen = QPen()
        self._shifts, self._smooth = _SHIFTS[1], True
        self.points: tuple[Array, Array] = np.empty(0), np.empty(0)

    def set_pen(self, colour: QColor, width: int, *, dashed: int = 0, smooth: bool = True) -> None:
        """Colour, width in pixels, and how it is broken (as a figure's curve)."""
        plain = dashed > 0 or width not in _SHIFTS
        self._smooth = smooth
        self._shifts = _SHIFTS[1 if plain else width]
        self._pen = QPen(colour, width if plain else 1)
        set_pattern(self._pen, dashed)
        self._pen.setCosmetic(True)
        self.update()

    def set_data(self, x: Array, y: Array) -> None:
        """Points in view coordinates."""
        known = np.isfinite(x) & np.isfinite(y)
        whole = bool(known.all())
        self.points = x, y
        self._path = pg.functions.arrayToQPath(
            x, y, connect="all" if whole else "finite", finiteCheck=not whole
        )
        self._set_bounds(*((x, y, y) if whole else (x[known], y[known], y[known])))
        self.update()

    def clear(self) -> None:
        """Draw nothing."""
        if len(self.points[0]):
            self.set_data(np.empty(0), np.empty(0))

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        painter.setPen(self._pen)
        place = painter.transform()
        for across, down in self._shifts:
            painter.setTransform(place * QTransform.fromTranslate(across, down))
            painter.drawPath(self._path)
        painter.setTransform(place)


class Band(_Item):
    """A filled area between two curves, one polygon for each stretch without a gap."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view)
        self._polygons: list[QPolygonF] = []
        self._colour = QColor()

    def set_colour(self, colour: QColor) -> None:
        """The colour to fill with, its transparency included."""
        self._colour = colour
        self.update()

    def set_data(self, x: Array, low: Array, high: Array) -> None:
        """The outline, in view coordinates; NaN where there is none."""
        known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
        breaks = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
        self._polygons = [
            _polygon(x[start:stop], low[start:stop], high[start:stop])
            for start, stop in breaks.reshape(-1, 2).tolist()
        ]
        self._set_bounds(x[known], low[known], high[known])
        self.update()

    def clear(self) -> None:
        """Draw nothing."""
        if self._polygons:
            self.set_data(*[np.empty(0)] * 3)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        for polygon in self._polygons:
            painter.drawPolygon(polygon)


def _polygon(x: Array, low: Array, high: Array) -> QPolygonF:
    outline: QPolygonF = pg.functions.arrayToQPolygonF(
        np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])
    )
    return outline


class Whiskers(_Item):
    """Vertical intervals around single points."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view)
        self._lines: list[tuple[QPointF, QPointF]] = []
        self._pen = QPen()

    def set_colour(self, colour: QColor, width: int = 2) -> None:
        """Colour and width of the lines."""
        self._pen = QPen(colour, width)
        self._pen.setCosmetic(True)
        self.update()

    def set_data(self, x: Array, low: Array, high: Array, *, beam: float = 0.0) -> None:
        """Intervals in view coordinates; none where an end is no number; ``beam`` is half an end's width."""
        known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
        ends = zip(x[known].tolist(), low[known].tolist(), high[known].tolist(), strict=True)
        self._lines = []
        for place, *heights in ends:
            self._lines.append((QPointF(place, heights[0]), QPointF(place, heights[1])))
            beams = heights if beam else []
            self._lines += [(QPointF(place - beam, at), QPointF(place + beam, at)) for at in beams]
        self._set_bounds(x[known], low[known], high[known])
        self._bounds.adjust(-beam, 0.0, beam, 0.0)
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setPen(self._pen)
        for start, end in self._lines:
            painter.drawLine(start, end)


class Grid(_Item):
    """Lines at the axes' long ticks. Those of pyqtgraph's axes take longer to draw than all curves.

    Parameters
    ----------
    across : the axis of the upright lines; None: without them.
    """

    def __init__(self, view: pg.ViewBox, across: pg.AxisItem | None, up: pg.AxisItem) -> None:
        super().__init__(view)
        self._across, self._up = across, up
        self._pen = QPen()
        self._x: list[float] = []
        self._y: list[float] = []
        self._place: tuple[float, ...] = ()
        self.setZValue(-100)

    def set_colour(self, colour: QColor) -> None:
        """The colour of the lines."""
        self._pen = QPen(colour, 1)
        self._pen.setCosmetic(True)
        self.update()

    def follow(self) -> None:
        """Take the ticks of the present range."""
        place = (
            *self._view.viewRange()[0],
            *self._view.viewRange()[1],
            self._view.width(),
            self._view.height(),
        )
        if place == self._place:
            return
        self._place = place
        self.prepareGeometryChange()
        self._bounds = self._view.viewRect()
        (left, right), (bottom, top) = self._view.viewRange()
        self._x = _ticks(self._across, left, right, self._view.width()) if self._across is not None else []
        self._y = _ticks(self._up, bottom, top, self._view.height())
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(self._pen)
        area = self._bounds
        for x in self._x:
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        for y in self._y:
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))


def _ticks(axis: pg.AxisItem, low: float, high: float, size: float) -> list[float]:
    levels = axis.tickValues(low, high, max(1.0, size))
    return [float(each) for each in levels[0][1]] if levels else []
