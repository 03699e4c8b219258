"""What the table of runs says of a run whose training diverged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.gui.charts.made import add_curve, add_run, summary
from workbench.gui.runs_panel import RunsPanel
from workbench.gui.session import Session
from workbench.project import Project


def test_a_run_that_diverged_is_not_called_finished(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    with Project.create(path) as project:
        for seed, last in ((0, 1.0), (1, 3.57e33)):
            run = add_run(project, seed=seed)
            add_curve(project, run, np.concatenate([np.full(130, 3.0), np.full(70, last)]))
            for at, loss in ((0, 3.0), (200, last)):
                project.add_evaluation(run, at, "validation", summary([3.0, loss]))
            project.update_run(run, status="finished", iterations=200, iterations_planned=200)
    session = Session()
    session.open(path)
    panel = RunsPanel(session)
    qtbot.addWidget(panel)
    panel.restore({"State": 40, "Value": 48})  # as an older project kept them
    model, table = panel.model, panel.table
    shown = [[model.index(row, column).data() for column in (1, 2)] for row in (0, 1)]
    assert shown == [["✓ finished", "1"], ["⚠ diverged at 131", "3.57×10³³"]]
    assert "ten times" in model.index(1, 1).data(Qt.ItemDataRole.ToolTipRole)
    for column in (1, 2):
        assert table.sizeHintForColumn(column) <= table.columnWidth(column)
    session.close()
