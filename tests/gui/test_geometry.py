"""What is checked of every scene is found where it is wrong, and not where it is right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QListWidget,
    QPushButton,
    QScrollArea,
    QTabBar,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.gui.geometry import faults
from workbench.gui.plain import Chooser, Elided

WORDS = "a long sentence that is as wide as it is"


def laid(window: QWidget, widget: QWidget, width: int, height: int = 30, x: int = 10, y: int = 10) -> QWidget:
    widget.setParent(window)
    widget.setGeometry(x, y, width, height)
    return widget


def cut_label(window: QWidget) -> None:
    laid(window, QLabel(WORDS), 60)


def cut_lines(window: QWidget) -> None:
    label = QLabel(WORDS * 4)
    label.setWordWrap(True)
    laid(window, label, 120, 20)


def cut_button(window: QWidget) -> None:
    laid(window, QPushButton(WORDS), 60)


def cut_tick(window: QWidget) -> None:
    laid(window, QCheckBox(WORDS), 80)


def cut_choice(window: QWidget) -> None:
    box = QComboBox()
    box.addItem(WORDS)
    laid(window, box, 80)


def cut_tab(window: QWidget) -> None:
    tabs = QTabBar()
    tabs.addTab(WORDS)
    tabs.setElideMode(tabs.elideMode().ElideRight)
    tabs.setTabToolTip(0, "another thing")
    tabs.setUsesScrollButtons(False)
    laid(window, tabs, 80)


def table(window: QWidget) -> QTableWidget:
    made = QTableWidget(1, 1)
    made.setItem(0, 0, QTableWidgetItem("1"))
    laid(window, made, 300, 150)
    return made


def cut_heading(window: QWidget) -> None:
    table(window).setHorizontalHeaderLabels([WORDS])


def cut_cell(window: QWidget) -> None:
    table(window).setItem(0, 0, QTableWidgetItem(WORDS))


def one_over_another(window: QWidget) -> None:
    for number in range(2):
        laid(window, QPushButton(f"{number}"), 60, x=10 + 40 * number)


def beyond_the_edge(window: QWidget) -> None:
    laid(window, QPushButton("Run"), 80, x=370)


def hardly_hit(window: QWidget) -> None:
    laid(window, QPushButton("·"), 12, 12)


def pale_text(window: QWidget) -> None:
    label = QLabel("pale")
    label.setStyleSheet("color: #c0c0c0")
    laid(window, label, 100)


def pale_on_what_a_parent_paints(window: QWidget) -> None:
    window.setStyleSheet("QWidget#dark { background: #333333 }")
    dark = QWidget()
    dark.setObjectName("dark")
    layout = QVBoxLayout(dark)
    layout.addWidget(QLabel("dark"))
    laid(window, dark, 200, 80)


def nothing_said(window: QWidget) -> None:
    laid(window, QListWidget(), 200, 100)


PLANTED: dict[Callable[[QWidget], None], str] = {
    cut_label: "needs",
    cut_lines: "needs",
    cut_button: "needs",
    cut_tick: "needs",
    cut_choice: "needs",
    cut_tab: "needs",
    cut_heading: "needs",
    cut_cell: "needs",
    one_over_another: "overlap by 20×30",
    beyond_the_edge: "is beyond 400×300",
    hardly_hit: "can hardly be hit: 12×12",
    pale_text: "#c0c0c0 on",
    pale_on_what_a_parent_paints: "on #333333",
    nothing_said: "is empty",
}


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    made.resize(400, 300)
    qtbot.addWidget(made)
    return made


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(window: QWidget, qtbot: QtBot, plant: Callable[[QWidget], None]) -> None:
    plant(window)
    window.show()
    qtbot.waitExposed(window)
    assert [fault for fault in faults(window) if PLANTED[plant] in fault]


def test_what_is_elided_scrolled_or_explained_is_no_fault(window: QWidget, qtbot: QtBot) -> None:
    laid(window, Elided(WORDS), 60)
    chooser = Chooser("what is chosen")
    chooser.addItem(WORDS)
    laid(window, chooser, 80, y=50)
    room, inside = QScrollArea(), QWidget()
    inside.resize(500, 60)
    laid(inside, QPushButton("Far away"), 90, x=400)
    room.setWidget(inside)
    laid(window, room, 200, 80, y=90)
    nothing = QListWidget()
    QLabel("No runs yet", nothing).move(QPoint(10, 10))
    laid(window, nothing, 200, 80, y=190)
    window.show()
    qtbot.waitExposed(window)
    assert faults(window) == []
