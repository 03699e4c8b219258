"""What one curve is drawn with: a learning curve that grows fast, or any curve of a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor, QPainterPath

from workbench.gui import theme
from workbench.gui.charts.items import Band, Line, Whiskers
from workbench.gui.plain import tipped
from workbench.pictures import INK, MUTED, Array, Curve

RAW_ALPHA, FADED_ALPHA, BAND_ALPHA = 80, 90, 46
FAINT = 110
"""Opacity of a figure's curve beside the one that is picked."""

_DASH = QPainterPath()
_DASH.addRect(-0.5, -0.1, 1.0, 0.2)
SIGNS = {"square": "s", "triangle": "t1", "star": "star", "cross": "x", "dash": _DASH}
"""The shapes of points, as pyqtgraph calls or takes them."""


class CurveItems:
    """The raw curve, the band, the curve itself, marks of its points."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        view = plot.getViewBox()
        self.raw, self.band, self.main = Line(view), Band(view), Line(view)
        self.marks = pg.ScatterPlotItem(pxMode=True, pen=None)
        self._dress: tuple[object, ...] | None = None
        self.strong = False
        plot.addItem(self.marks, ignoreBounds=True)

    def remove(self, plot: pg.PlotWidget) -> None:
        """Take them off the plot."""
        plot.removeItem(self.marks)
        for item in (self.raw, self.band, self.main):
            plot.scene().removeItem(item)

    def forget_dress(self) -> None:
        """Colours mean something else now."""
        self._dress = None

    def dress(self, colour: str, strong: bool, faint: bool, dashed: int, few: bool, order: int) -> None:
        """Set the colours and widths, where they are others than before."""
        dress = (colour, strong, faint, dashed, few, order)
        if dress == self._dress:
            return
        self._dress, self.strong = dress, strong
        width = 1 + (strong or few) + (strong and few)
        main = _mixed(colour, FADED_ALPHA if faint else 255)
        self.main.set_pen(main, width, dashed=dashed, smooth=few or strong)
        self.raw.set_pen(_mixed(colour, RAW_ALPHA // (2 if faint else 1)), 1, smooth=False)
        self.marks.setBrush(main)
        self.marks.setSize(6 + 2 * strong)
        fill = QColor(colour)
        fill.setAlpha(BAND_ALPHA // (2 if faint else 1))
        self.band.set_colour(fill)
        for layer, item in enumerate((self.raw, self.band, self.main, self.marks)):
            item.setZValue(layer * 10 + order / 20)

    def mark(self, x: Array, y: Array, marked: bool) -> None:
        """Mark each point, or none."""
        known = np.isfinite(x) & np.isfinite(y)
        if marked:
            self.marks.setData(x[known], y[known])
        elif len(self.marks.data):
            self.marks.clear()


def _mixed(colour: str, alpha: int) -> QColor:
    """A colour laid over the background: opaque, since Qt draws opaque lines faster."""
    over, under, part = QColor(colour), QColor(theme.background()), alpha / 255
    rest = 1 - part
    return QColor(
        round(over.red() * part + under.red() * rest),
        round(over.green() * part + under.green() * rest),
        round(over.blue() * part + under.blue() * rest),
    )


class CurveMarks:
    """The band, the whiskers, the line and the points of a figure's curve."""

    def __init__(self, plot: pg.PlotItem) -> None:
        view = plot.getViewBox()
        self._plot = plot
        self.band, self.whiskers, self.line = Band(view), Whiskers(view), Line(view)
        self._dots: pg.ScatterPlotItem | None = None
        self._dress: tuple[object, ...] = ()

    def remove(self) -> None:
        """Take them off the plot."""
        if self._dots is not None:
            self._plot.removeItem(self._dots)
        for item in (self.band, self.whiskers, self.line):
            self._plot.scene().removeItem(item)

    @property
    def dots(self) -> pg.ScatterPlotItem:
        """The points; made when there are any, which takes longer than all else."""
        if self._dots is None:
            self._dots = pg.ScatterPlotItem(
                pxMode=True, pen=None, hoverable=True, tip=tipped(lambda x, y, data: data or "")
            )
            self._plot.addItem(self._dots, ignoreBounds=True)
        return self._dots

    def dress(
        self, curve: Curve, colour: str, order: float, *, strong: bool = False, faded: bool = False
    ) -> None:
        """Set colours and widths, where they are others than before.

        Parameters
        ----------
        order : what is drawn over what.
        strong, faded : whether this curve is picked, or another.
        """
        estimate = curve.kind == "markers" and curve.low is not None and not curve.faint
        thin = faded or curve.faint or curve.shade > 0 or curve.colour in (INK, MUTED)
        width = 5 if curve.thick else 1 if thin else 3 if strong else 2
        dress = (
            colour,
            order,
            strong,
            faded,
            curve.kind,
            estimate,
            width,
            curve.dashed,
            curve.faint,
            curve.sign,
            curve.small,
        )
        if dress == self._dress:
            return
        self._dress = dress
        shade, fill = QColor(colour), QColor(colour)
        shade.setAlpha(FAINT if faded else 255)
        fill.setAlpha(BAND_ALPHA // (2 if faded else 1))
        self.line.set_pen(shade, width, dashed=curve.dashed)
        self.band.set_colour(fill)
        self.whiskers.set_colour(shade, 3 if estimate else 1 if curve.faint else 2)
        items = [self.band, self.whiskers, self.line]
        if curve.kind != "line":
            self.dots.setBrush(shade)
            self.dots.setSymbol(SIGNS.get(curve.sign) or ("d" if estimate else "o"))
            small = 5 if curve.small else 6 if curve.faint or curve.low is not None else 8
            self.dots.setSize(16 if curve.thick else 12 if estimate else small)
            items.append(self.dots)
        for layer, item in enumerate(items):
            item.setZValue(layer * 10 + order / 20)

    def draw(self, curve: Curve, tips: Sequence[str] | None = None, *, beam: float = 0.0) -> None:
        """Put everything in its place; the curve is in view coordinates.

        Parameters
        ----------
        tips : what is said of each point.
        beam : half the width of the ends of an estimate's whiskers.
        """
        known = np.isfinite(curve.x) & np.isfinite(curve.y)
        none, whiskered = np.empty(0), curve.kind == "markers" or int(known.sum()) == 1
        self.line.set_data(*((none, none) if curve.kind == "markers" else (curve.x, curve.y)))
        if curve.kind != "line":
            said = None if tips is None else [tip for tip, shown in zip(tips, known, strict=True) if shown]
            self.dots.setData(curve.x[known], curve.y[known], data=said)
        elif self._dots is not None:
            self._dots.clear()
        low, high = (none, none) if curve.low is None or curve.high is None else (curve.low, curve.high)
        interval, empty = (curve.x if len(low) else none, low, high), (none, none, none)
        self.whiskers.set_data(*(interval if whiskered else empty), beam=0.0 if curve.faint else beam)
        self.band.set_data(*(empty if whiskered or not curve.shaded else interval))
