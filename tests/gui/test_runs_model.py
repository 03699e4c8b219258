"""The tree of runs: what it says of experiments, algorithms and runs, and what changes in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from tests.gui.charts.made import add_curve, add_run, summary
from tests.gui.finished import invent
from workbench.gui.run_data import ARCHIVED
from workbench.gui.runs_panel import RunsPanel
from workbench.gui.runs_tree import Node
from workbench.gui.session import Session
from workbench.project import Project

ROLES = Qt.ItemDataRole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two experiments: an older one of two algorithms, and one with a single run."""
    path = tmp_path / "p.mlwb"
    with Project.create(path) as project:
        invent(project, "MAML", [1.0, 2.0, 3.0], experiment="First")
        invent(project, "Reptile", [5.0, 5.5], experiment="First")
        invent(project, "ANIL", [4.0], experiment="Second")
    return path


@pytest.fixture
def session(qapp: object, path: Path) -> Iterator[Session]:
    session = Session()
    session.open(path)
    yield session
    session.close()


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> RunsPanel:
    panel = RunsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(420, 640)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def node(panel: RunsPanel, name: str) -> Node:
    return next(each for each in panel.model.nodes if panel.model.says.name(each) == name)


def said(panel: RunsPanel, name: str) -> list[object]:
    """The first columns of a row."""
    return [panel.model.index_of(node(panel, name), column).data() for column in range(3)]


def names(panel: RunsPanel) -> list[str]:
    return [panel.model.says.name(each) for each in panel.model.nodes]


def unfolded(panel: RunsPanel) -> list[str]:
    return [
        panel.model.says.name(n) for n in panel.model.nodes if panel.table.isExpanded(panel.model.index_of(n))
    ]


def test_runs_stand_under_their_algorithm_and_experiment_the_newest_first_and_unfolded(
    panel: RunsPanel,
) -> None:
    assert names(panel) == [
        "Second", "ANIL", "First", "MAML", "seed 0", "seed 1", "seed 2", "Reptile", "seed 0", "seed 1",
    ]  # fmt: skip
    assert unfolded(panel) == ["Second"]
    assert said(panel, "First") == ["First", "✓ 5 runs", "Mean squared error"]
    assert said(panel, "ANIL") == ["ANIL", "✓ finished", "4"]


def test_an_algorithm_has_the_mean_of_its_seeds_with_its_interval(panel: RunsPanel) -> None:
    mean, half = 2.0, 4.303 * 1.0 / np.sqrt(3)  # Student's t of two degrees of freedom
    assert said(panel, "MAML") == ["MAML", "✓ 3 seeds", f"{mean:g} ± {half:.1f}"]
    tip = panel.model.index_of(node(panel, "MAML"), 2).data(ROLES.ToolTipRole)
    assert "mean over 3 seeds" in tip


def test_a_tick_stands_for_all_below_it_and_some_are_told_from_all(
    panel: RunsPanel, session: Session
) -> None:
    model = panel.model
    index = model.index_of(node(panel, "MAML"))
    runs = node(panel, "MAML").runs
    model.setData(index, Qt.CheckState.Unchecked, ROLES.CheckStateRole)
    assert not {run.id for run in session.data.runs() if run.visible} & set(runs)
    assert model.index_of(node(panel, "First")).data(ROLES.CheckStateRole) == Qt.CheckState.PartiallyChecked
    session.undo.undo()
    assert all(run.visible for run in session.data.runs())


def test_a_run_that_diverged_is_not_called_finished(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "d.mlwb"
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
    panel.table.expandAll()
    assert said(panel, "MAML")[1] == "⚠ 1 of 2 diverged"
    assert said(panel, "seed 0")[1:] == ["✓ finished", "1"]
    assert said(panel, "seed 1")[1:] == ["⚠ diverged at 131", "3.57×10³³"]
    wrong = panel.model.index_of(node(panel, "seed 1"), 1)
    assert "ten times" in wrong.data(ROLES.ToolTipRole)
    panel.table.fit()
    for column in (1, 2):
        assert panel.table.sizeHintForColumn(column) <= panel.table.columnWidth(column)
    session.close()


def test_what_is_sorted_stays_within_its_algorithm_and_what_has_no_value_comes_last(panel: RunsPanel) -> None:
    panel.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert names(panel)[2:] == ["First", "Reptile", "seed 1", "seed 0", "MAML", "seed 2", "seed 1", "seed 0"]
    panel.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert names(panel)[3:5] == ["MAML", "seed 0"]


def test_columns_are_chosen_and_kept_by_name_those_of_settings_too(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "s.mlwb"
    with Project.create(path) as project:
        toml = 'name = "E"\n[task]\nfamily = "sinusoid"\n' + "".join(
            f'[[algorithm]]\nkind = "maml"\nlabel = "{label}"\ninner_lr = {rate}\n'
            for label, rate in (("slow", 0.1), ("fast", 0.4))
        )
        owner = project.add_experiment("E", toml, "c0ffee")
        for label in ("slow", "fast"):
            for seed in (0, 1):
                project.add_run(
                    owner,
                    name=f"{label}, seed {seed}",
                    algorithm="maml",
                    label=label,
                    task="sinusoid",
                    seed=seed,
                )
    session = Session()
    session.open(path)
    panel = RunsPanel(session)
    qtbot.addWidget(panel)
    panel.table.fill_columns(panel.columns.menu())
    choice = next(each for each in panel.columns.findChildren(QAction) if each.text() == "inner_lr")
    choice.trigger()
    column = [each.name for each in panel.model.columns].index("algorithm.inner_lr")
    assert [panel.model.index_of(node(panel, each), column).data() for each in ("E", "fast")] == [
        "0.1, 0.4",
        "0.4",
    ]
    assert not panel.table.isColumnHidden(column)
    kept = panel.state()
    panel.restore({})
    assert panel.table.isColumnHidden(column)
    panel.restore(kept)
    assert not panel.table.isColumnHidden(column)
    panel.filter.setText("inner_lr=0.4")
    assert [run.label for run in session.data.runs() if session.data.passes(run)] == ["fast", "fast"]
    session.close()


def test_the_filter_wants_all_words_and_acts_on_charts_too(panel: RunsPanel, session: Session) -> None:
    field = panel.findChild(QLineEdit, "runs_filter")
    assert field is not None
    QTest.keyClicks(field, "first MAML")
    assert names(panel) == ["First", "MAML", "seed 0", "seed 1", "seed 2"]
    assert unfolded(panel) == ["First", "MAML"]
    assert [run.label for run in session.data.shown()] == ["MAML"] * 3
    assert panel.findChild(QLineEdit, "runs_filter").isClearButtonEnabled()
    assert panel._passing.text() == "3 of 6"
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert len(names(panel)) == 10
    assert unfolded(panel) == ["Second"]


def test_the_archive_is_out_of_sight_until_it_is_asked_for(panel: RunsPanel, session: Session) -> None:
    runs = node(panel, "MAML").runs
    session.change_tags("Archive", runs, [ARCHIVED], [])
    assert "MAML" not in names(panel)
    panel.filter.setText("archived")
    assert names(panel) == ["First", "MAML", "seed 0", "seed 1", "seed 2"]
    panel.filter.clear()
    session.undo.undo()
    assert "MAML" in names(panel)


def test_rows_select_their_runs_everywhere_and_what_is_selected_elsewhere_is_unfolded(
    panel: RunsPanel, session: Session
) -> None:
    table, model, data = panel.table, panel.model, session.data
    table.setCurrentIndex(model.index_of(node(panel, "First")))
    assert data.selected == node(panel, "First").runs
    assert data.view == node(panel, "First").key
    data.select(node(panel, "Reptile").runs[:1])
    assert unfolded(panel) == ["Second", "First", "Reptile"]
    assert [model.node(each).runs for each in table.selectionModel().selectedRows()] == [data.selected]
    data.select(node(panel, "MAML").runs)
    assert [model.node(each).key for each in table.selectionModel().selectedRows()] == [
        node(panel, "MAML").key
    ]


def test_after_runs_are_gone_the_keyboard_is_on_the_next_row(panel: RunsPanel, session: Session) -> None:
    table, model = panel.table, panel.model
    table.expandAll()
    first, second, _ = node(panel, "MAML").runs
    session.data.select([first])
    session.change_runs("Delete run", {first: {"deleted": True}})
    table.select_here()
    assert session.data.selected == (second,)
    QTest.keyClick(table, Qt.Key.Key_Space)
    run = session.data.run(second)
    assert run is not None
    assert not run.visible
    QTest.keyClick(table, Qt.Key.Key_Up)
    QTest.keyClick(table, Qt.Key.Key_Left)
    assert not table.isExpanded(model.index_of(node(panel, "MAML")))


def test_a_name_that_is_written_leaves_the_keyboard_where_it_was(panel: RunsPanel, session: Session) -> None:
    (run,) = node(panel, "ANIL").runs
    session.data.select([run])
    panel.table.setFocus()
    panel.edit_name()
    editor = panel.table.findChild(QLineEdit)
    assert editor is not None
    assert editor.text() == "ANIL, seed 0"
    QTest.keyClicks(editor, "Mine")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(0)
    assert panel.model.index_of(node(panel, "Mine")).data() == "Mine"
    assert panel.focusWidget() is panel.table


def test_what_is_folded_is_kept(panel: RunsPanel, session: Session) -> None:
    panel.table.expand(panel.model.index_of(node(panel, "First")))
    panel.table.collapse(panel.model.index_of(node(panel, "Second")))
    kept = panel.state()
    session.reread()
    panel.filter.setText("anil")
    panel.filter.clear()
    assert unfolded(panel) == ["First"]
    panel.restore({"unfolded": []})
    panel.restore(kept)
    assert unfolded(panel) == ["First"]
