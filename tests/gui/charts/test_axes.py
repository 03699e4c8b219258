"""The numbers beside the axes, as they are painted in the window, are those of the data."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

import workbench
from tests.analysis.test_numerals import read
from tests.gui.charts.made import add_curve, add_run
from tests.gui.conftest import Open
from tests.gui.finished import project_of
from workbench.gui import theme
from workbench.gui.charts.axis import Axis
from workbench.gui.charts.curve_chart import CurveChart
from workbench.gui.charts.learning_curves import LearningCurves
from workbench.gui.layout import CHARTS
from workbench.gui.run_data import RunData
from workbench.gui.window import MainWindow
from workbench.project import Project

Written = list[tuple[QPointF, str]]
"""The texts that an axis painted, and where their middles are, in its own coordinates."""

RANGES = (
    (0.6, 0.75), (0.0, 1.3e9), (0.0, 1e-6), (6e7 - 1, 6e7 + 1), (-1e12, 1e12), (0.0, 3.0), (0.0, 100.0),
    (-3e-6, 5e-6), (2e-6, 2.5e-6), (0.0, 999.0), (9e11, 1e12), (1e9 - 0.01, 1e9 + 0.01), (-2e4, -1e4),
    (0.0, 4e33),
)  # fmt: skip
LOGARITHMS = ((-6.0, 12.0), (-6.2, -5.9), (-0.01, 0.0), (0.0, 1.2), (7.0, 7.0001), (-2.5, 3.1), (30.0, 34.0))


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> dict[Axis, Written]:
    """What each axis has painted last."""
    found: dict[Axis, Written] = {}
    paint = Axis.drawPicture

    class Pen:
        """A painter that takes note of what is written."""

        def __init__(self, painter: Any, axis: Axis) -> None:
            self._painter, self._axis = painter, axis

        def __getattr__(self, name: str) -> Any:
            return getattr(self._painter, name)

        def drawText(self, place: Any, *rest: Any) -> None:
            if len(rest) == 2 and rest[1]:
                found[self._axis].append((place.center(), rest[1]))
            self._painter.drawText(place, *rest)

    def noted(axis: Axis, painter: Any, *specs: Any) -> None:
        found[axis] = []
        paint(axis, Pen(painter, axis), *specs)

    monkeypatch.setattr(Axis, "drawPicture", noted)
    return found


def plots_of(widget: QWidget) -> list[pg.PlotItem]:
    """Every plot that can be seen below a widget."""
    views = [
        view for view in widget.findChildren(pg.GraphicsView) if not view.viewport().visibleRegion().isEmpty()
    ]
    items = [item for view in views for item in view.scene().items()]
    return [item for item in items if isinstance(item, pg.PlotItem) and item.isVisible()]


def seen(plot: pg.PlotItem, axis: Axis) -> bool:
    """Whether some of an axis is within its widget: in a small one, long numbers beside leave no room."""
    view = plot.getViewWidget()
    inside = view.mapToScene(view.viewport().rect()).boundingRect()
    return bool(inside.intersects(axis.sceneBoundingRect()))


def render(plot: pg.PlotItem) -> None:
    """Paint it until nothing is to be painted again: an axis grows with its numbers, and moves others."""
    axes = [each["item"] for each in plot.axes.values() if each["item"].isVisible()]
    for _ in range(8):
        plot.getViewWidget().grab()
        QApplication.processEvents()
        if all(axis.picture is not None for axis in axes if seen(plot, axis)):
            return
    raise AssertionError("the axes do not come to rest")


def numbers(plot: pg.PlotItem, side: str, painted: dict[Axis, Written]) -> list[tuple[float, float]]:
    """The number that each text says, and the one that belongs there, both in view coordinates."""
    axis = plot.getAxis(side)
    found = []
    for middle, text in painted[axis]:
        place = plot.getViewBox().mapSceneToView(axis.mapToScene(middle))
        says = read(text)
        found.append((math.log10(says) if axis.logMode else says, place.y() if side == "left" else place.x()))
    return found


def check(plot: pg.PlotItem, painted: dict[Axis, Written]) -> int:
    """Every text within a pixel of where its number lies; how many axes with numbers there were."""
    render(plot)
    checked = 0
    across, up = plot.getViewBox().viewPixelSize()
    for side, pixel in (("left", up), ("bottom", across)):
        axis = plot.getAxis(side)
        if not axis.isVisible() or not seen(plot, axis) or axis._tickLevels is not None:  # names of positions
            continue
        found = numbers(plot, side, painted)
        texts = [text for _, text in painted[axis]]
        width = axis.range[1] - axis.range[0]
        assert len(texts) >= 2 or axis.size().height() < 60 or (axis.whole and width < 2), (side, axis.range)
        assert len(set(texts)) == len(texts), (texts, axis.range)
        for says, belongs in found:
            assert abs(says - belongs) <= 1.01 * pixel, (side, texts, axis.range)
        checked += 1
    return checked


@pytest.fixture
def window(open_window: Open, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A window on a project whose runs are over, with a picture in every chart."""
    path = tmp_path / "p.mlwb"
    project_of(path, "maml", "reptile", seeds=2)
    return open_window(path)


Visit = Callable[[str], list[pg.PlotItem]]


@pytest.fixture
def visit(window: MainWindow, qtbot: QtBot) -> Visit:
    """Brings a chart (or another picture of Compare) to the front; its plots, once they are drawn."""

    def to_the_front(name: str) -> list[pg.PlotItem]:
        dock, _, picture = name.partition("/")
        window.layout_.docks[dock].show()
        window.layout_.docks[dock].raise_()
        chart = window.layout_.docks[dock].widget()
        if dock == "comparison_view":
            box = chart.findChild(QComboBox, "comparison_view")
            assert isinstance(box, QComboBox)
            box.setCurrentIndex(box.findData(picture))
            box.activated.emit(box.currentIndex())
        qtbot.waitUntil(lambda: chart.figure() is not None and bool(plots_of(chart)), timeout=60_000)
        return plots_of(chart)

    return to_the_front


PICTURES = (*CHARTS[:3], "comparison_view/cost", "comparison_view/reached")


def test_painted_ticks_agree_with_the_range_whatever_happens_to_the_window(
    window: MainWindow, visit: Visit, painted: dict[Axis, Written], qtbot: QtBot
) -> None:
    for name in PICTURES:
        plots = visit(name)
        chart = window.layout_.docks[name.partition("/")[0]].widget()
        dock = window.layout_.docks[chart.objectName()]
        assert all(isinstance(axis["item"], Axis) for plot in plots for axis in plot.axes.values())
        happenings: tuple[Callable[[], Any], ...] = (
            lambda: theme.apply("dark"),
            window.actions_["arrange"].trigger,
            dock.hide,
            lambda: theme.apply("light"),
            lambda: window.resize(1000, 640),
            window.actions_["tile_charts"].trigger,
        )
        checked = 0
        for number, (low, high) in enumerate(RANGES):
            for plot in plots_of(chart):
                if isinstance(chart, CurveChart):
                    chart.set_following(False)
                plot.getViewBox().setRange(xRange=RANGES[number - 1], yRange=(low, high), padding=0)
            checked += sum(check(plot, painted) for plot in plots_of(chart)[:2])
            if number < len(happenings):
                happenings[number]()
                QApplication.processEvents()
                checked += sum(check(plot, painted) for plot in visit(name)[:2])
        assert checked >= len(RANGES) + len(happenings)
        for plot in plots_of(chart):
            assert "(x" not in plot.getAxis("left").label.toPlainText()  # so pyqtgraph says that it scales


def test_painted_ticks_of_logarithmic_axes_agree_with_the_range(
    window: MainWindow, visit: Visit, painted: dict[Axis, Written], qtbot: QtBot
) -> None:
    (plot,) = visit("learning_curves")
    chart = window.layout_.docks["learning_curves"].widget()
    assert isinstance(chart, LearningCurves)
    chart.restore({"log_x": True, "log_y": True})
    qtbot.waitUntil(lambda: chart.x_log and chart.y_log)
    happenings = (
        lambda: theme.apply("dark"),
        window.actions_["arrange"].trigger,
        lambda: theme.apply("light"),
    )
    for number, (low, high) in enumerate(LOGARITHMS):
        chart.set_following(False)
        chart.view.setRange(xRange=(0.0, 4.0), yRange=(low, high), padding=0)
        assert check(plot, painted) == 2
        happenings[number % len(happenings)]()
        visit("learning_curves")
        assert check(plot, painted) == 2
    for log in (False, True, False):
        chart.restore({"log_x": log, "log_y": not log})
        assert check(plot, painted) == 2


@pytest.mark.parametrize("scale", [10.0**power for power in range(-6, 13, 6)])
@pytest.mark.parametrize("log", [False, True])
def test_curves_of_every_size_have_their_numbers(
    qtbot: QtBot, data: RunData, project: Project, painted: dict[Axis, Written], scale: float, log: bool
) -> None:
    add_curve(project, add_run(project), scale * np.linspace(0.9, 0.3, 60))
    data.reread()
    chart = LearningCurves(data)
    qtbot.addWidget(chart)
    chart.resize(640, 420)
    chart.show()
    chart.restore({"log_y": log})
    for scheme in ("light", "dark"):
        theme.apply(scheme)  # type: ignore[arg-type]
        chart.theme_changed()
        assert check(chart.plot.getPlotItem(), painted) == 2
        says = [each for each, _ in numbers(chart.plot.getPlotItem(), "left", painted)]
        low, high = (math.log10(0.25 * scale), math.log10(scale)) if log else (0.25 * scale, scale)
        assert all(low <= each <= high for each in says)


def test_what_is_counted_has_no_halves(
    qtbot: QtBot, data: RunData, project: Project, painted: dict[Axis, Written]
) -> None:
    add_curve(project, add_run(project), np.ones(3))
    data.reread()
    chart = LearningCurves(data)
    qtbot.addWidget(chart)
    chart.resize(900, 420)
    chart.show()
    render(chart.plot.getPlotItem())
    assert [text for _, text in painted[chart.plot.getAxis("bottom")]] == ["1", "2", "3"]
    chart.restore({"axis": "seconds"})
    render(chart.plot.getPlotItem())
    assert any("." in text for _, text in painted[chart.plot.getAxis("bottom")])


MAKERS = {
    "AxisItem", "DateAxisItem", "PlotItem", "PlotWidget", "PlotWindow", "ImageView", "addPlot",
    "setAxisItems", "HistogramLUTItem", "HistogramLUTWidget", "GradientLegend", "ColorBarItem", "plot",
    "image",
}  # fmt: skip


def test_no_other_axis_is_made() -> None:
    """Only ``axis.py`` makes axes, or plots, which would make axes of their own."""
    for path in Path(workbench.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.match("gui/charts/axis.py") or "pyqtgraph" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            where = f"{path}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("pyqtgraph"), where
            parts = [node.func] if isinstance(node, ast.Call) else getattr(node, "bases", [])
            made = {each.attr for each in parts if isinstance(each, ast.Attribute)}
            assert not MAKERS & made, where
