"""Draws a figure's first panel on the screen: what an export would put on paper, to zoom and point at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.charts.axis import plot_widget
from workbench.gui.plain import Label, legend, tipped
from workbench.pictures import Curve, Figure, Panel, Text
from workbench.words import told_apart

LONGEST_NAME = 32
"""Letters of a name in the plot or below it."""


class FigureBoard(QWidget):
    """A plot that shows one panel.

    Parameters
    ----------
    name : ``objectName``; the plot's has ``_plot`` behind it.
    """

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.plot = plot_widget(self)
        self.plot.setObjectName(f"{name}_plot")
        self.legend = Label(parent=self)
        self.legend.setObjectName(f"{name}_legend")
        self.legend.setAccessibleName("Legend")
        self.legend.setWordWrap(True)
        self.legend.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.legend)
        self._figure: Figure | None = None

    def show_figure(self, figure: Figure | None) -> None:
        """Draw a figure, or nothing."""
        self._figure = figure
        self.plot.clear()
        self.legend.clear()
        self.plot.setBackground(theme.background())
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.grid())
            axis.setTextPen(theme.foreground())
        if figure is None or not figure.panels:
            return
        panel = figure.panels[0]
        self.plot.showAxis("left", not panel.y_hidden)
        self.plot.showAxis("bottom", not panel.x_hidden)
        self.plot.setLogMode(x=panel.x_log, y=panel.y_log)
        self.plot.showGrid(y=not panel.y_hidden, alpha=0.2)
        for side, label in (("left", panel.y_label), ("bottom", panel.x_label)):
            if self.plot.getAxis(side).isVisible():  # a label would show a hidden axis
                self.plot.setLabel(side, label)
        names = told_apart(panel.x_names, LONGEST_NAME)
        ticks = [list(enumerate(names))] if names else None
        self.plot.getAxis("bottom").setTicks(ticks)
        for curve in panel.curves:
            self._add(curve, panel)
        if figure.legend:
            named = {
                curve.label: theme.colour(curve.colour, curve.shade) for curve in panel.curves if curve.label
            }
            names = told_apart(list(named), LONGEST_NAME)
            self.legend.setText(
                legend(("●", colour, name) for name, colour in zip(names, named.values(), strict=True))
            )
        self.legend.setVisible(figure.legend)
        words = told_apart([text.text for text in panel.texts], LONGEST_NAME)
        for text, word in zip(panel.texts, words, strict=True):
            self._write(replace(text, text=word))
        self._fit(panel)

    def restyle(self) -> None:
        """The window turned light or dark."""
        self.show_figure(self._figure)

    def _fit(self, panel: Panel) -> None:
        view = self.plot.getPlotItem().getViewBox()
        view.enableAutoRange()
        if panel.x_names:
            view.setXRange(-0.5, max(1, len(panel.x_names)) - 0.5, padding=0)
        if panel.x_range:
            view.setXRange(*panel.x_range, padding=0)
        if panel.y_range:
            view.setYRange(*panel.y_range, padding=0.02)

    def _add(self, curve: Curve, panel: Panel) -> None:
        colour = theme.colour(curve.colour, curve.shade)
        x = np.log10(curve.x) if panel.x_log else curve.x
        if curve.low is not None and curve.high is not None and curve.kind != "line":
            known = np.isfinite(curve.low) & np.isfinite(curve.high)
            self.plot.addItem(
                pg.ErrorBarItem(
                    x=x[known],
                    y=curve.y[known],
                    top=(curve.high - curve.y)[known],
                    bottom=(curve.y - curve.low)[known],
                    pen=pg.mkPen(colour, width=2),
                )
            )
        if curve.kind != "markers":
            width = 5 if curve.thick else 1 if curve.faint else 2
            self.plot.addItem(pg.PlotCurveItem(x=x, y=curve.y, pen=pg.mkPen(colour, width=width)))
        if curve.kind != "line":
            name = curve.label or "one seed"
            self.plot.addItem(
                pg.ScatterPlotItem(
                    x=x,
                    y=curve.y,
                    size=6 if curve.faint else 11,
                    brush=colour,
                    pen=None,
                    hoverable=True,
                    tip=tipped(lambda x, y, data, name=name: f"{name}: {y:.4g}"),
                )
            )

    def _write(self, text: Text) -> None:
        across = {"left": 0.0, "center": 0.5, "right": 1.0}[text.align]
        down = 1.0 if text.over else 0.0 if text.under else 0.5
        item = pg.TextItem(text.text, color=theme.foreground(), anchor=(across, down))
        item.setPos(text.x, text.y)
        self.plot.addItem(item)
