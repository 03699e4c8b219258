"""Functions of one number, task by task: the truth, the support points, and what is predicted by step."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from workbench.engine.predicted import Predictions
from workbench.export.prediction_figure import shades, step_name, told_steps
from workbench.gui import theme


class FunctionBoard(QWidget):
    """Up to four tasks, two in a row, with one legend above them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("prediction_functions")
        self.setAccessibleName("Functions before and after adaptation")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._legend = QLabel(self)
        self._legend.setObjectName("prediction_legend")
        self._legend.setWordWrap(True)
        layout.addWidget(self._legend)
        self._plots = pg.GraphicsLayoutWidget(self)
        layout.addWidget(self._plots, 1)
        self.plots: list[pg.PlotItem] = []

    def show_predictions(self, predictions: Predictions, chosen: int, colour: str) -> None:
        """Draw all tasks after the chosen step (its index), with the steps before it paler."""
        self._plots.setBackground(theme.background())
        self._lay_out(predictions.tasks)
        last = predictions.steps[chosen]
        steps = told_steps(predictions.steps, chosen)
        colours = shades(steps, theme.muted(), theme.background(), colour)
        for task, plot in enumerate(self.plots):
            plot.clear()
            before, after = predictions.loss[0, task], predictions.loss[chosen, task]
            number = predictions.first + task + 1
            change = f"{before:.3g} → {after:.3g}" if last else f"{before:.3g}"
            plot.setTitle(f"Task {number} · loss {change}", color=theme.foreground(), size="9pt")
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(theme.grid())
                plot.getAxis(side).setTextPen(theme.foreground())
            x = predictions.query_x[task, :, 0]
            truth = pg.mkPen(theme.foreground(), width=1.5)
            plot.plot(
                x, predictions.query_y[task].reshape(len(x)), pen=truth, name="true function", antialias=True
            )
            for step in steps:
                y = predictions.outputs[predictions.steps.index(step), task, :, 0]
                style = pg.QtCore.Qt.PenStyle.DashLine if step == 0 else pg.QtCore.Qt.PenStyle.SolidLine
                pen = pg.mkPen(colours[step], width=2.5 if step == last else 1.2, style=style)
                plot.plot(x, np.asarray(y), pen=pen, name=step_name(step), antialias=True)
            plot.plot(
                predictions.support_x[task, :, 0],
                predictions.support_y[task].reshape(-1),
                pen=None,
                symbol="o",
                symbolSize=8,
                symbolBrush=theme.foreground(),
                symbolPen=pg.mkPen(theme.background(), width=1),
                name="support",
            )
        self._legend.setText(_legend(colours))
        self.setAccessibleDescription(
            "; ".join(
                f"task {predictions.first + task + 1}: query loss {predictions.loss[chosen, task]:.3g}"
                for task in range(predictions.tasks)
            )
        )

    def _lay_out(self, count: int) -> None:
        if len(self.plots) == count:
            return
        self._plots.clear()
        self.plots = []
        for index in range(count):
            row, column = divmod(index, 2 if count > 1 else 1)
            plot = self._plots.addPlot(row=row, col=column)
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.showGrid(x=True, y=True, alpha=0.15)
            self.plots.append(plot)


def _legend(colours: dict[int, str]) -> str:
    ink = theme.foreground()
    parts = [("━", ink, "true function"), ("●", ink, "support")]
    parts += [("┅" if step == 0 else "━", shade, step_name(step)) for step, shade in colours.items()]
    return " &nbsp; ".join(
        f'<span style="color:{colour}"><b>{sign}</b></span>&nbsp;{text.replace(" ", "&nbsp;")}'
        for sign, colour, text in parts
    )
