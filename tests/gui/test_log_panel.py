"""The log of the window."""

from __future__ import annotations

import logging

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from workbench.gui.log_panel import LogPanel


def test_what_the_program_tells_of_a_run_stands_in_the_log(qtbot: QtBot) -> None:
    panel = LogPanel()
    qtbot.addWidget(panel)
    logging.getLogger("workbench.engine.trainer").info("MAML: %s", "noise")
    logging.getLogger("workbench.engine.trainer").debug("more than anybody wants to know")
    panel.close_log()
    qtbot.waitUntil(lambda: panel.toPlainText().endswith("MAML: noise"))
    assert panel.blockCount() == 1


def test_the_log_stays_at_its_end_when_its_panel_shrinks_and_where_the_person_reads(qtbot: QtBot) -> None:
    panel = LogPanel()
    qtbot.addWidget(panel)
    panel.resize(400, 300)
    panel.show()
    for number in range(100):
        panel.say(f"line {number}")
    bar = panel.verticalScrollBar()
    for height in (80, 300, 60):
        panel.resize(400, height)
        QCoreApplication.processEvents()
        assert bar.value() == bar.maximum() > 0
    bar.setValue(3)
    panel.say("one more")
    panel.resize(400, 50)
    QCoreApplication.processEvents()
    assert bar.value() == 3
    panel.close_log()


def test_the_log_is_a_line_that_unfolds(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    dock = window.layout_.docks["log"]
    button, newest = window.findChild(QToolButton, "log_button"), window.findChild(QLabel, "log_newest")
    assert button is not None
    assert newest is not None
    window.log.say("something " * 100)
    assert dock.isHidden()
    assert newest.toolTip().endswith("something " * 100)
    assert newest.text().endswith("…")
    assert newest.geometry().right() < window.width() == 1280, "a long line widens nothing"
    for _ in range(2):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert not dock.isHidden()
        assert newest.isHidden()
        qtbot.keyClick(window, Qt.Key.Key_8, Qt.KeyboardModifier.ControlModifier)
        assert dock.isHidden()
        assert not newest.isHidden()
        qtbot.keyClick(window, Qt.Key.Key_8, Qt.KeyboardModifier.ControlModifier)
        assert not dock.isHidden()
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert dock.isHidden()
