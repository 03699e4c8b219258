"""Functions of one number, task by task: the truth, the support points, and what is predicted by step."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.analysis import numerals
from workbench.analysis.prediction_figure import shades, step_name, told_steps
from workbench.engine.predicted import Predictions
from workbench.gui import theme
from workbench.gui.charts.axis import plot_item
from workbench.gui.plain import Label, Markup, legend, set_title

MOST_TASKS = 4
Origin = tuple[float, str]
"""The number that an axis counts from, and it in words."""


class FunctionBoard(QWidget):
    """Up to four tasks, two in a row, with one legend above them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("prediction_functions")
        self.setAccessibleName("Functions before and after adaptation")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._legend = Label(parent=self)
        self._legend.setObjectName("prediction_legend")
        self._legend.setWordWrap(True)
        layout.addWidget(self._legend)
        self._plots = pg.GraphicsLayoutWidget(self)
        layout.addWidget(self._plots, 1)
        self._tasks: list[_TaskPlot] = []
        self._lay_out(MOST_TASKS)  # takes a while: not in the middle of a run

    @property
    def plots(self) -> list[pg.PlotItem]:
        """The plot of each task."""
        return [each.plot for each in self._tasks]

    def show_predictions(self, predictions: Predictions, chosen: int, colour: str) -> None:
        """Draw all tasks after the chosen step (its index), with the steps before it paler."""
        self._plots.setBackground(theme.background())
        self._lay_out(predictions.tasks)
        steps = told_steps(predictions.steps, chosen)
        colours = shades(steps, theme.muted(), theme.background(), colour)
        x, y = predictions.query_x, predictions.query_y
        origins = tuple(numerals.origin(float(each.min()), float(each.max())) for each in (x, y))
        for index, task in enumerate(self._tasks):
            task.show(predictions, index, chosen, colours, origins)
        self._legend.setText(_legend(colours))
        self.setAccessibleDescription(
            "; ".join(
                f"task {predictions.first + task + 1}: query {_loss(predictions)} "
                f"{predictions.loss[chosen, task]:.3g}"
                for task in range(predictions.tasks)
            )
        )

    def _lay_out(self, count: int) -> None:
        if len(self._tasks) == count:
            return
        self._plots.clear()
        self._tasks = []
        for index in range(count):
            row, column = divmod(index, 2 if count > 1 else 1)
            task = _TaskPlot(plot_item())
            self._plots.addItem(task.plot, row=row, col=column)
            self._tasks.append(task)


class _TaskPlot:
    """One task. Its items are kept and get new points: to make them takes ten times as long."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self.plot = plot
        plot.getViewBox().disableAutoRange()
        self._ink = ""
        self._truth = self._curve()
        self._curves: list[pg.PlotCurveItem] = []
        self._support = pg.ScatterPlotItem(size=8)
        self._support.setZValue(10)
        plot.addItem(self._support)

    def _curve(self) -> pg.PlotCurveItem:
        curve = pg.PlotCurveItem(antialias=True)
        self.plot.addItem(curve)
        return curve

    def show(
        self,
        predictions: Predictions,
        task: int,
        chosen: int,
        colours: dict[int, str],
        origins: tuple[Origin, ...],
    ) -> None:
        """Draw what is predicted after the steps that have a colour; x and y are counted from origins."""
        ink, last = theme.foreground(), predictions.steps[chosen]
        before, after = predictions.loss[0, task], predictions.loss[chosen, task]
        change = f"{before:.3g} → {after:.3g}" if last else f"{before:.3g}"
        title = f"Task {predictions.first + task + 1} · {_loss(predictions)} {change}"
        set_title(self.plot, title, color=ink, size="9pt")
        if ink != self._ink:  # an axis that gets a pen is laid out anew
            self._ink = ink
            for side in ("left", "bottom"):
                self.plot.getAxis(side).setPen(theme.grid())
                self.plot.getAxis(side).setTextPen(ink)
        for side, name, (_, from_it) in zip(("bottom", "left"), "xy", origins, strict=True):
            axis = self.plot.getAxis(side)
            label = f"{name}{from_it}" if from_it else ""
            if label != axis.labelText:
                axis.setLabel(label)
                axis.showLabel(bool(label))
        x_origin, y_origin = (value for value, _ in origins)
        x = predictions.query_x[task, :, 0] - x_origin
        truth = np.asarray(predictions.query_y[task], np.float64).reshape(len(x)) - y_origin
        self._truth.setData(x, truth, pen=pg.mkPen(ink, width=1), name="true function")
        highest, lowest = float(truth.max()), float(truth.min())
        while len(self._curves) < len(colours):
            self._curves.append(self._curve())
        while len(self._curves) > len(colours):
            self.plot.removeItem(self._curves.pop())
        for curve, (step, colour) in zip(self._curves, colours.items(), strict=True):
            y = predictions.outputs[predictions.steps.index(step), task, :, 0] - y_origin
            style = Qt.PenStyle.DashLine if step == 0 else Qt.PenStyle.SolidLine
            pen = pg.mkPen(colour, width=2 if step == last else 1, style=style)
            curve.setData(x, np.asarray(y, np.float64), pen=pen, name=step_name(step))
            highest, lowest = max(highest, float(y.max())), min(lowest, float(y.min()))
        self._support.setData(
            x=predictions.support_x[task, :, 0] - x_origin,
            y=np.asarray(predictions.support_y[task], np.float64).reshape(-1) - y_origin,
            brush=ink,
            pen=pg.mkPen(theme.background(), width=1),
            name="support",
        )
        self._frame(float(x[0]), float(x[-1]), lowest, highest)

    def _frame(self, left: float, right: float, low: float, high: float) -> None:
        """Show everything; a range that still fits stays, since axes that change are dear, and restless."""
        view = self.plot.getViewBox()
        (x0, x1), (y0, y1) = view.viewRange()
        margin = 0.05 * (right - left)
        fits = y0 <= low and high <= y1 and high - low > 0.6 * (y1 - y0)
        if not fits or not (np.isclose(x0, left - margin) and np.isclose(x1, right + margin)):
            room = 0.1 * (high - low) or 1.0
            view.setRange(xRange=(left - margin, right + margin), yRange=(low - room, high + room), padding=0)


def _loss(predictions: Predictions) -> str:
    return "standardised loss" if predictions.standardised else "loss"


def _legend(colours: dict[int, str]) -> Markup:
    ink = theme.foreground()
    parts = [("━", ink, "true function"), ("●", ink, "support")]
    parts += [("┅" if step == 0 else "━", shade, step_name(step)) for step, shade in colours.items()]
    return legend(parts)
