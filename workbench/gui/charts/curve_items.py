"""What one learning curve is drawn with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor

from workbench.gui import theme
from workbench.gui.charts.items import Band, Line

RAW_ALPHA, FADED_ALPHA, BAND_ALPHA = 80, 90, 46


class CurveItems:
    """The raw curve, the band, the curve itself, marks of its points."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        view = plot.getViewBox()
        self.raw, self.band, self.main = Line(view), Band(view), Line(view)
        self.marks = pg.ScatterPlotItem(pxMode=True, pen=None)
        self._dress: tuple[Any, ...] | None = None
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

    def mark(self, x: Any, y: Any, marked: bool) -> None:
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
