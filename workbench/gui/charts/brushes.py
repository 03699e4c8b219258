"""Brushes on parallel axes: a drag along one keeps the curves that pass there; several must all be passed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsRectItem

from workbench.gui import theme
from workbench.pictures import Curve

REACH, WIDE = 0.3, 0.06
"""Of the way to the next axis: how far beside one a drag still means it, and how wide a brush is drawn."""


class Brushes:
    """The brushes of a plot.

    Parameters
    ----------
    box : in whose coordinates they are.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self._box = box
        self._ends: dict[int, tuple[float, float]] = {}
        self._drawn: dict[int, QGraphicsRectItem] = {}
        self._axis: int | None = None

    def __bool__(self) -> bool:
        return bool(self._ends)

    @property
    def held(self) -> bool:
        """Whether one is being drawn."""
        return self._axis is not None

    def press(self, place: QPointF, axes: int) -> bool:
        """Begin at a place; False where no axis is near."""
        near = round(place.x())
        self._axis = near if 0 <= near < axes and abs(place.x() - near) <= REACH else None
        self._from = place.y()
        return self.held

    def drag(self, place: QPointF) -> None:
        """Draw on to a place."""
        if self._axis is not None:
            self._ends[self._axis] = min(self._from, place.y()), max(self._from, place.y())
            self._draw(self._axis)

    def release(self) -> None:
        """It is drawn."""
        self._axis = None

    def clear(self) -> None:
        """Take all away."""
        self._ends, self._axis = {}, None
        for item in self._drawn.values():
            self._box.removeItem(item)
        self._drawn = {}

    def passing(self, curves: Sequence[Curve]) -> tuple[int, ...]:
        """The runs of the curves that pass through every brush."""
        return tuple(
            run
            for curve in curves
            if curve.runs and all(self._passes(curve, axis, *ends) for axis, ends in self._ends.items())
            for run in curve.runs
        )

    @staticmethod
    def _passes(curve: Curve, axis: int, low: float, high: float) -> bool:
        at = np.flatnonzero(curve.x == axis)
        return bool(len(at)) and bool(low <= curve.y[at[0]] <= high)

    def _draw(self, axis: int) -> None:
        if axis not in self._drawn:
            item = self._drawn[axis] = QGraphicsRectItem()
            colour = QColor(theme.accent())
            item.setPen(pg.mkPen(colour, width=1.5))
            colour.setAlpha(60)
            item.setBrush(colour)
            item.setZValue(80)
            self._box.addItem(item, ignoreBounds=True)
        low, high = self._ends[axis]
        self._drawn[axis].setRect(QRectF(axis - WIDE, low, 2 * WIDE, high - low))
