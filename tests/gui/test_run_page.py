"""The page of what is selected: what it tells, what is written on it, and the ways on from there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPlainTextEdit, QToolButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from tests.gui.finished import DIGITS, invent, project_of
from workbench.gui.window import MainWindow
from workbench.project import Project


def label(window: MainWindow, name: str) -> str:
    found = window.findChild(QLabel, name)
    assert found is not None
    return found.text()


def notes_of(window: MainWindow) -> QPlainTextEdit:
    found = window.findChild(QPlainTextEdit, "run_notes")
    assert found is not None
    return found


def test_a_run_tells_what_it_is_and_several_what_they_reached_together(
    open_window: Open, tmp_path: Path
) -> None:
    path = tmp_path / "p.mlwb"
    first, second = project_of(path, "maml")
    window = open_window(path)
    data = window.session.data
    data.select([first])
    run = data.run(first)
    assert run is not None
    assert label(window, "run_title") == "MAML, seed 0"
    told = label(window, "run_facts")
    for words in ("seed 0 of 2", "training", "validation", "thread", run.config_hash, "step"):
        assert words in told
    data.select([first, second])
    assert label(window, "run_title") == "MAML: 2 runs"
    assert "mean over 2 seeds" in label(window, "run_facts")
    assert not notes_of(window).isVisible()


def test_a_failed_run_says_why(open_window: Open, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = invent(project, "MAML", [None])
        project.update_run(run, status="failed", failure="inner_lr is too large <b>")
    window = open_window(tmp_path / "p.mlwb")
    window.session.data.select([run])
    assert "failed" in label(window, "run_state")
    assert "inner_lr is too large &lt;b&gt;" in label(window, "run_facts")


def test_notes_are_kept_whatever_comes_next_and_are_one_change(open_window: Open, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        first, second = invent(project, "MAML", [1.0, 2.0])
    window = open_window(tmp_path / "p.mlwb")
    data, page, notes = window.session.data, window.runs_panel.page, notes_of(window)
    data.select([first])
    window.actions_["notes"].trigger()
    assert window.focusWidget() is notes
    QTest.keyClicks(notes, "good")
    page.keep()  # as after a while
    QTest.keyClicks(notes, " one")
    QTest.keyClick(notes, Qt.Key.Key_Escape)
    data.select([second])
    assert notes.toPlainText() == ""
    assert window.session.project is not None
    assert window.session.project.run(first).notes == "good one"
    window.actions_["undo"].trigger()
    assert window.session.project.run(first).notes == ""
    QTest.keyClicks(notes, "written at last")
    window.go()
    with Project.open(tmp_path / "p.mlwb") as project:
        assert project.run(second).notes == "written at last"


def test_tags_of_several_runs_are_those_that_all_have(open_window: Open, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        first, second = invent(project, "MAML", [1.0, 2.0])
        project.update_run(first, tags=("mine", "old"))
        project.update_run(second, tags=("old",))
    window = open_window(tmp_path / "p.mlwb")
    data = window.session.data
    data.select([first, second])
    field = window.findChild(QLineEdit, "run_tags")
    assert field is not None
    assert field.text() == "old"
    field.selectAll()
    QTest.keyClicks(field, "new, better")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [run.tags for run in data.runs()] == [("mine", "new", "better"), ("new", "better")]
    window.actions_["star"].trigger()
    assert all("star" in run.tags for run in data.runs())
    window.actions_["star"].trigger()
    window.actions_["archive"].trigger()
    assert not data.shown()
    for _ in range(4):
        window.actions_["undo"].trigger()
    assert [run.tags for run in data.runs()] == [("mine", "old"), ("old",)]


def test_only_what_is_selected_is_shown_and_that_can_be_undone(open_window: Open, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        first, *_ = invent(project, "MAML", [1.0, 2.0, 3.0])
    window = open_window(tmp_path / "p.mlwb")
    window.session.data.select([first])
    window.actions_["show_only"].trigger()
    assert [run.id for run in window.session.data.shown()] == [first]
    window.actions_["undo"].trigger()
    assert len(window.session.data.shown()) == 3


def test_an_experiment_comes_back_into_setup_and_a_project_opens_with_its_newest(
    open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "maml", seeds=1)
    project_of(tmp_path / "other.mlwb", "protonet", seeds=1, text=DIGITS, done=0)
    window = open_window(path)
    assert window.panels is not None
    draft = window.panels.draft
    assert draft.ticked() == ["maml"]
    assert window.files.open_path(tmp_path / "other.mlwb")
    assert draft.ticked() == ["protonet"]
    assert window.files.open_path(path)
    window.panels.setup.edits.set(("algorithm", "reptile", "on"), True)
    assert draft.ticked() == ["maml", "reptile"]
    window.session.data.select([run])
    button = window.findChild(QToolButton, "run_use_in_setup")
    assert button is not None
    button.click()
    assert draft.ticked() == ["maml"]
    window.actions_["undo"].trigger()
    assert draft.ticked() == ["maml", "reptile"]


def test_what_nobody_set_up_is_not_kept(open_window: Open, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    Project.create(path).close()
    window = open_window(path)
    project, panels = window.session.project, window.panels
    assert project is not None
    assert panels is not None
    panels.keep_draft()
    assert project.setting("setup") is None
    panels.setup.edits.set(("training", "iterations"), 7)
    panels.keep_draft()
    assert project.setting("setup") is not None
