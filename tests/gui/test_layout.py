"""Where panels are is kept with a project in words of our own; a stranger's layout does no harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import (
    QLabel,
    QMainWindow,
    QMenu,
    QPushButton,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.fuzz.mutations import changed_json
from workbench.gui.flow import Flow
from workbench.gui.layout import CHARTS, PANELS, TILED, Layout

Make = Callable[[], Layout]


def settle() -> None:
    """Let Qt lay everything out, which takes it a few turns."""
    for _ in range(10):
        QCoreApplication.processEvents()


@pytest.fixture
def make(qtbot: QtBot) -> Iterator[Make]:
    """Makes a window with all panels as they are at first."""
    windows = []

    def made() -> Layout:
        window = QMainWindow()
        windows.append(window)
        window.resize(1280, 720)
        window.setDockNestingEnabled(True)
        layout = Layout(window)
        layout.put({name: QLabel(name) for name in PANELS})
        layout.arrange()
        with qtbot.waitExposed(window):
            window.show()
        layout.arrange()
        settle()
        return layout

    yield made
    for window in windows:
        window.close()
        window.deleteLater()


def as_it_is(layout: Layout) -> None:
    pass


def tiled(layout: Layout) -> None:
    layout.tile_charts()


def stacked(layout: Layout) -> None:
    window = layout.docks["setup"].parent()
    assert isinstance(window, QMainWindow)
    window.splitDockWidget(layout.docks["runs"], layout.docks["adaptation_chart"], Qt.Orientation.Vertical)
    window.resizeDocks([layout.docks["setup"]], [450], Qt.Orientation.Horizontal)


def apart(layout: Layout) -> None:
    layout.docks["log"].close()
    layout.docks["runs"].setFloating(True)
    layout.docks["comparison_view"].raise_()


@pytest.mark.parametrize("change", [as_it_is, tiled, stacked, apart])
def test_a_layout_comes_back_as_it_was(make: Make, change: Callable[[Layout], None]) -> None:
    layout, again = make(), make()
    change(layout)
    settle()
    kept = json.loads(json.dumps(layout.state()))
    again.restore(kept)
    settle()
    assert again.state() == kept


def test_tabs_keep_their_order_whichever_is_in_front(make: Make) -> None:
    layout = make()
    layout.docks["comparison_view"].raise_()
    settle()
    for _ in range(2):
        layout.restore(layout.state())
        settle()
    window = layout.docks["runs"].parentWidget()
    assert window is not None
    bars = [bar for bar in window.findChildren(QTabBar) if bar.count() == 6]
    assert [[bar.tabText(at) for at in range(6)] for bar in bars] == [
        ["Learning curves", "Adaptation", "Predictions", "Inside", "Compare", "Tuning"]
    ]
    assert bars[0].tabText(bars[0].currentIndex()) == "Compare"


def test_a_strangers_layout_does_no_harm(make: Make) -> None:
    layout = make()
    kept = json.dumps(layout.state())
    refused = 0
    for number in range(300):
        told: Any = json.loads(changed_json(kept, Random(number)))
        before = layout.state()
        try:
            layout.restore(told)
        except ValueError as error:
            complaint = str(error)
        else:
            continue
        refused += 1
        assert "\n" not in complaint
        assert layout.state() == before
    settle()
    assert refused > 100


@pytest.mark.parametrize("hidden", [False, True])
def test_a_panel_that_an_older_layout_does_not_know_is_a_tab_behind_its_neighbour(
    make: Make, hidden: bool
) -> None:
    layout = make()
    front = layout.docks["prediction_view"]
    front.raise_()
    if hidden:
        layout.docks["inside_view"].hide()
    settle()
    kept: Any = layout.state()
    if not hidden:  # as it was written before there was that panel
        del kept["known"]
        for each in kept["docked"]:
            each["panels"] = [name for name in each["panels"] if name != "inside_view"]
    other = make()
    other.restore(kept)
    settle()
    assert other.docks["inside_view"].isHidden() == hidden
    if not hidden:
        tabs = other.docks["prediction_view"]
        assert other.docks["inside_view"] in tabs.parent().tabifiedDockWidgets(tabs)  # type: ignore[attr-defined]
        assert not tabs.visibleRegion().isEmpty(), "what was in front is"


def test_laying_out_anew_leaves_no_tabs_behind(make: Make) -> None:
    layout = make()
    window = layout.docks["setup"].parent()
    assert isinstance(window, QMainWindow)
    for change in (tiled, as_it_is, stacked, apart):
        change(layout)
        settle()
        layout.arrange()
        settle()
        bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.count()]
        assert [[bar.tabText(i) for i in range(bar.count())] for bar in bars] == [
            ["Learning curves", "Adaptation", "Predictions", "Inside", "Compare", "Tuning"]
        ]
        assert [name for name, dock in layout.docks.items() if dock.isHidden()] == ["log"]


def window_of(layout: Layout) -> QMainWindow:
    window = layout.docks["setup"].parent()
    assert isinstance(window, QMainWindow)
    return window


def test_a_window_made_small_and_large_again_is_as_it_was(make: Make) -> None:
    layout = make()
    window = window_of(layout)
    window.resizeDocks([layout.docks["runs"]], [400], Qt.Orientation.Horizontal)  # a person drags the edge
    settle()
    before = {name: layout.docks[name].width() for name in ("setup", "learning_curves", "runs")}
    assert before["runs"] == 400
    for width in (1000, 100, 900):
        window.resize(width, 500)
        settle()
        for name, dock in layout.docks.items():
            if not dock.visibleRegion().isEmpty():
                assert dock.width() >= 260, name
    window.resize(1280, 720)
    settle()
    assert {name: layout.docks[name].width() for name in before} == before


def test_a_wide_window_has_wider_sides(make: Make) -> None:
    layout = make()
    for _ in range(2):
        for width, sides in ((1920, [420, 460]), (1280, [310, 344])):
            window_of(layout).resize(width, 720)
            settle()
            assert [layout.docks[name].width() for name in ("setup", "runs")] == sides


def test_a_name_stands_once_in_a_tab_or_in_a_title(make: Make) -> None:
    layout = make()

    def heights() -> dict[str, int]:
        settle()
        bars = {name: dock.titleBarWidget() for name, dock in layout.docks.items()}
        return {name: bar.height() for name, bar in bars.items() if bar is not None and bar.isVisible()}

    assert heights() == {"setup": 28, "runs": 28} | dict.fromkeys(CHARTS, 0)
    layout.tile_charts()
    assert heights() == dict.fromkeys(TILED, 28)
    layout.arrange()
    assert heights() == {"setup": 28, "runs": 28} | dict.fromkeys(CHARTS, 0)


def test_a_tab_s_menu_takes_its_panel_out_and_closes_it(make: Make, qtbot: QtBot) -> None:
    layout = make()
    (tabs,) = (each for each in window_of(layout).findChildren(QTabBar) if each.count() == 6)
    for number, name in ((2, "prediction_view"), (0, "learning_curves")):
        tabs.customContextMenuRequested.emit(tabs.tabRect(number).center())
        (menu,) = window_of(layout).findChildren(QMenu, "tab_menu")
        apart, close = menu.actions()
        (close if number else apart).trigger()
        menu.close()
        menu.deleteLater()
        settle()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        assert layout.docks[name].isHidden() == bool(number)
    assert layout.docks["learning_curves"].isFloating()
    bar = layout.docks["learning_curves"].titleBarWidget()
    assert bar is not None
    assert bar.height() == 28, "it has no tab any more"
    qtbot.mouseClick(bar.findChildren(QToolButton)[0], Qt.MouseButton.LeftButton)
    assert not layout.docks["learning_curves"].isFloating()


def test_a_row_of_controls_goes_on_below_where_it_is_narrow(qtbot: QtBot) -> None:
    area = QWidget()
    qtbot.addWidget(area)
    whole, row = QVBoxLayout(area), Flow()
    whole.addLayout(row)
    buttons = [QPushButton(f"some words {number}") for number in range(6)]
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    whole.addStretch(1)
    area.show()
    for width, rows in ((1200, 1), (420, 2), (250, 3), (1200, 1)):
        area.resize(width, 300)
        QCoreApplication.processEvents()
        assert len({button.y() for button in buttons}) >= rows, "one row where there is room"
        assert (len({button.y() for button in buttons}) == 1) == (rows == 1)
        assert all(area.rect().contains(button.geometry()) for button in buttons)
        assert not any(a.geometry().intersects(b.geometry()) for a, b in pairwise(buttons))
