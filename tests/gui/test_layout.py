"""Where panels are is kept with a project in words of our own; a stranger's layout does no harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QLabel, QMainWindow, QTabBar
from pytestqt.qtbot import QtBot

from tests.fuzz.mutations import changed_json
from workbench.gui.layout import PANELS, Layout

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
    bars = [bar for bar in window.findChildren(QTabBar) if bar.count() == 5]
    assert [[bar.tabText(at) for at in range(5)] for bar in bars] == [
        ["Learning curves", "Adaptation", "Predictions", "Inside", "Compare"]
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
            ["Learning curves", "Adaptation", "Predictions", "Inside", "Compare"]
        ]
        assert all(not dock.isHidden() for dock in layout.docks.values())
