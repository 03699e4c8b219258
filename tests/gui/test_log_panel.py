"""The log of the window."""

from __future__ import annotations

import logging

from pytestqt.qtbot import QtBot

from workbench.gui.log_panel import LogPanel


def test_what_the_program_tells_of_a_run_stands_in_the_log(qtbot: QtBot) -> None:
    panel = LogPanel()
    qtbot.addWidget(panel)
    logging.getLogger("workbench.engine.trainer").info("MAML: %s", "noise")
    logging.getLogger("workbench.engine.trainer").debug("more than anybody wants to know")
    panel.close_log()
    qtbot.waitUntil(lambda: panel.toPlainText().endswith("MAML: noise"))
    assert panel.blockCount() == 1
