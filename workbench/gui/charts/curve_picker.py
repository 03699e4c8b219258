"""The mouse on curves and their names: what is pointed at, selected, hidden, or shown alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QApplication

from workbench.gui.charts.axis import Plot
from workbench.gui.charts.end_labels import EndLabels
from workbench.gui.charts.readout import Drawn, Entry
from workbench.gui.plain import show_tip
from workbench.gui.run_data import RunData
from workbench.words import marked, tr

NEAR, CLICK = 8, 4
"""Pixels: how far a curve may be from a click on it, and how far the mouse may wander in a click."""
HOW = marked("Click hides it, a double click shows it alone.")


class CurvePicker(QObject):
    """A click on a curve selects its runs, one on its name hides it, a double click there shows it alone.

    Parameters
    ----------
    drawn : the curves as they are drawn.
    """

    def __init__(
        self, plot: Plot, labels: EndLabels, data: RunData, drawn: Callable[[], list[Drawn]]
    ) -> None:
        super().__init__(plot)
        self._plot, self._labels, self._data, self._drawn = plot, labels, data, drawn
        self._pressed = QPoint()
        self._clicked: Entry | None = None
        self._click = QTimer(self)
        self._click.setSingleShot(True)
        self._click.timeout.connect(self._hide)
        plot.viewport().installEventFilter(self)

    def at(self, place: QPoint) -> Entry | None:
        """The curve whose name is at a place of the plot, or that passes near by."""
        view = self._plot.getViewBox()
        middle = view.mapSceneToView(self._plot.mapToScene(place))
        across, up = (float(each) or 1.0 for each in view.viewPixelSize())
        nearest, least = self._labels.at(place), float(NEAR)
        for entry, (x, y) in self._drawn() if nearest is None else ():
            known = np.isfinite(x) & np.isfinite(y)
            if known.any() and entry.runs:
                here = np.clip(middle.x() + across * np.arange(-NEAR, NEAR + 1), *x[known][[0, -1]])
                heights = np.interp(here, x[known], y[known])
                away = float(np.hypot((here - middle.x()) / across, (heights - middle.y()) / up).min())
                if away < least:
                    nearest, least = entry, away
        return nearest

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            named = self._labels.at(event.pos())
            show_tip(event.globalPos(), f"{named.label}\n{tr(HOW)}" if named is not None else "", self._plot)
            return True
        return isinstance(event, QMouseEvent) and self._mouse(event)

    def _mouse(self, event: QMouseEvent) -> bool:
        """Whether nobody else is to be told."""
        place, left = event.position().toPoint(), event.button() == Qt.MouseButton.LeftButton
        named = self._labels.at(place)
        match event.type():
            case QEvent.Type.MouseMove:
                shapes = Qt.CursorShape
                shape = shapes.ArrowCursor if named is None else shapes.PointingHandCursor
                self._plot.viewport().setCursor(shape)
            case QEvent.Type.MouseButtonDblClick if named is not None:
                self._click.stop()
                self._pressed = QPoint(-1000, -1000)  # what comes of it is no click
                self._data.show_only(named.runs)
                return True
            case QEvent.Type.MouseButtonPress:
                self._pressed = place
            case QEvent.Type.MouseButtonRelease if left and self._stayed(place):
                if named is not None:
                    self._clicked = named
                    self._click.start(QApplication.doubleClickInterval())
                else:
                    entry = self.at(place)
                    self._data.select(entry.runs if entry is not None else ())
        return False

    def _stayed(self, place: QPoint) -> bool:
        return (place - self._pressed).manhattanLength() <= CLICK

    @Slot()
    def _hide(self) -> None:
        if self._clicked is not None:
            self._data.show(self._clicked.runs, False)
