"""The view "Inside": what moved in a run, two runs side by side, what lacks, and work that is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QProgressBar, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from tests.experiments import SINUSOID
from tests.gui.finished import project_of
from workbench.export.looking import looks
from workbench.export.predicting import Predictor
from workbench.gui.charts.inside import InsideView
from workbench.gui.run_data import RunData
from workbench.gui.worker import Worker
from workbench.project import Project

FIXED = '[training.privacy]\ntasks = 12\nnoise = 0\nclip = "none"\n'
Show = Callable[..., InsideView]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of MAML and one of CNP, that are over."""
    found = tmp_path_factory.mktemp("inside") / "p.mlwb"
    project_of(found, "maml", "cnp", seeds=2, done=3)
    return found


@pytest.fixture
def show(qtbot: QtBot, path: Path) -> Iterator[Show]:
    """Opens the project in the view, with the engine there."""
    worker, opened = Worker(), []

    def make(view: str = "reuse", *, seen: bool = True, of: Path | None = None) -> InsideView:
        shown = of or path
        project = Project.open(shown, read_only=True)
        opened.append(project)
        data = RunData()
        data.open(project)
        inside = InsideView(data, worker)
        data.setParent(inside)
        qtbot.addWidget(inside)
        inside.set_project_path(shown)
        inside.engine_ready()
        inside.restore({"view": view})
        inside.resize(640, 480)
        if seen:
            inside.show()
        return inside

    yield make
    worker.close()
    for project in opened:
        project.close()


@pytest.fixture
def fixed(path: Path, tmp_path: Path) -> Path:
    """Two runs of MAML on twelve fixed tasks, that are over."""
    found = tmp_path / "fixed.mlwb"
    project_of(found, "maml", seeds=2, text=SINUSOID + FIXED)
    return found


def child(view: InsideView, kind: type[Any], name: str) -> Any:
    found = view.findChild(kind, name)
    assert found is not None, name
    return found


def test_a_run_that_goes_on_is_looked_into_as_far_as_it_was(
    show: Show, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    look = Predictor.look_inside

    def counting(self: Predictor, *given: Any) -> Any:
        asked.append(given)
        return look(self, *given)

    monkeypatch.setattr(Predictor, "look_inside", counting)
    view = show(seen=False)
    (record, *_) = view.data.runs()
    going_on = [replace(record, status="running", iterations=record.iterations + more) for more in range(5)]
    monkeypatch.setattr(view.data, "run", lambda _: going_on[min(len(asked), 4)])
    view.show()
    drawn(qtbot, view)
    for _ in range(3):  # it grows
        view.redraw()
    assert len(asked) == 1
    choose(view, "inside_run", record.id)
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=30_000)


def choose(view: InsideView, name: str, data: object) -> None:
    box = child(view, QComboBox, name)
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def drawn(qtbot: QtBot, view: InsideView, panels: int = 1) -> None:
    qtbot.waitUntil(
        lambda: (figure := view.figure()) is not None and len(figure.panels) == panels, timeout=30_000
    )
    qtbot.waitUntil(lambda: view.hint == "" and len(view.board.cells) == panels, timeout=30_000)


def test_a_view_is_drawn_with_what_it_proves_and_what_not(qtbot: QtBot, show: Show) -> None:
    view = show()
    drawn(qtbot, view)
    said = child(view, QLabel, "inside_view_note").text()
    assert said.startswith("MAML, seed 0, after 12 meta-iterations: debiased linear CKA")
    assert "does not prove" in said
    choose(view, "inside_beside", 2)
    drawn(qtbot, view, 2)
    figure = view.figure()
    assert figure is not None
    assert [panel.title[:12] for panel in figure.panels] == ["MAML, seed 0", "MAML, seed 1"]
    assert {row["run"] for row in figure.table} == {"MAML, seed 0", "MAML, seed 1"}


def test_what_lacks_is_said_and_the_other_run_is_drawn(qtbot: QtBot, show: Show) -> None:
    view = show()
    choose(view, "inside_run", 3)
    qtbot.waitUntil(lambda: view.hint == "CNP adapts in closed form: it has no inner steps.", timeout=30_000)
    assert view.figure() is None
    choose(view, "inside_beside", 1)
    drawn(qtbot, view)
    assert "CNP adapts in closed form" in child(view, QLabel, "inside_view_note").text()


def test_tasks_are_gone_through_where_one_is_shown(qtbot: QtBot, show: Show) -> None:
    view = show("examples")
    drawn(qtbot, view)
    child(view, QToolButton, "inside_next").click()
    qtbot.waitUntil(
        lambda: "meta-test task 2" in child(view, QLabel, "inside_view_note").text(), timeout=30_000
    )
    assert view.state() == {"view": "examples", "first": 1, "quick": False, "tasks": 0}
    choose(view, "inside_what", "reuse")
    assert not child(view, QToolButton, "inside_next").isVisible()


def test_a_run_on_fixed_tasks_is_audited_as_the_command_does(qtbot: QtBot, show: Show, fixed: Path) -> None:
    view = show("audit", of=fixed)
    drawn(qtbot, view, 2)
    audit = Predictor().audit(fixed, 1, None, lambda *_: None)
    figure = view.figure()
    assert figure is not None
    assert figure.table == audit.rows()
    said = child(view, QLabel, "inside_view_note").text()
    assert "ε at least 0.00 after each inner step." in said
    assert "A better attack may find what this one does not." in said
    choose(view, "inside_beside", 2)
    drawn(qtbot, view, 4)
    figure = view.figure()
    assert figure is not None
    assert [panel.title.count("seed") for panel in figure.panels] == [1, 1, 1, 1]


def test_a_run_on_new_tasks_cannot_be_audited_which_is_said(qtbot: QtBot, show: Show) -> None:
    view = show("audit")
    qtbot.waitUntil(lambda: "was not trained on fixed tasks" in view.hint, timeout=30_000)
    assert view.figure() is None


def test_how_many_tasks_are_looked_at_is_chosen_and_kept(qtbot: QtBot, show: Show) -> None:
    view = show("tasks")
    box = child(view, QSpinBox, "inside_tasks")
    drawn(qtbot, view, 2)
    assert box.text() == "Tasks as usual"
    box.setValue(5)
    qtbot.waitUntil(lambda: (figure := view.figure()) is not None and len(figure.table) == 5, timeout=30_000)
    assert view.state()["tasks"] == 5
    box.setValue(2)  # a map needs four
    assert box.value() == box.minimum() == 3
    view.restore({"tasks": 2})
    drawn(qtbot, view, 2)
    assert box.text() == "Tasks as usual"
    choose(view, "inside_what", "reuse")
    assert box.value() == 2
    choose(view, "inside_what", "saliency")
    assert not box.isVisible()
    choose(view, "inside_what", "examples")
    assert not box.isVisible()
    child(view, QCheckBox, "inside_quick").click()
    assert box.isVisible()


def test_nothing_is_computed_for_a_view_that_nobody_sees(
    show: Show, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Predictor, "look_inside", lambda *_: pytest.fail("nobody looks"))
    view = show(seen=False)
    view.mark_stale()
    assert view.figure() is None


def test_work_is_stopped_and_taken_up_again(
    qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, straight = Event(), Event(), Predictor.look_inside

    def slow(*given: Any) -> Any:
        progress = given[-1]
        progress(0.5, "Slowly")
        began.set()
        go_on.wait(30)
        progress(0.9, "Nearly")  # ends it where nobody waits
        return straight(*given)

    monkeypatch.setattr(Predictor, "look_inside", slow)
    view = show()
    qtbot.waitUntil(began.is_set, timeout=30_000)
    qtbot.waitUntil(lambda: child(view, QProgressBar, "inside_progress").value() == 50, timeout=30_000)
    child(view, QToolButton, "inside_stop").click()
    go_on.set()
    assert view.hint == "Stopped."
    assert not child(view, QProgressBar, "inside_progress").isVisible()
    child(view, QToolButton, "inside_stop").click()
    drawn(qtbot, view)


def test_runs_of_the_same_name_are_told_apart_by_their_experiments(
    qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = show(seen=False)
    runs = view.data.runs()
    monkeypatch.setattr(view.data, "runs", lambda: [replace(each, name="MAML, seed 0") for each in runs])
    view.show()
    drawn(qtbot, view)
    box = child(view, QComboBox, "inside_run")
    name = view.data.experiment(runs[0]).name
    assert [box.itemText(at) for at in range(box.count())] == [f"MAML, seed 0 · {name}"] * 3


def test_no_view_makes_the_window_wider(show: Show) -> None:
    view = show(seen=False)
    for what in looks():
        view.restore({"view": what, "quick": True})
        view.show()
        view.redraw()
        assert view.minimumSizeHint().width() < 800, what  # beside the setup and the runs, of 1280
