"""The queue on one line: the next step, what runs, what waits, and what is told once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel, QListWidget, QProgressBar, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from tests.gui.test_window import load, run_to_the_end
from tests.test_runs import start as start_project
from workbench.gui import queue_bar, queue_notices, theme
from workbench.gui.pace import Pace
from workbench.gui.window import MainWindow

LONG = 1_000_000


def said(window: MainWindow, name: str) -> str:
    label = window.findChild(QLabel, f"queue_{name}")
    assert label is not None
    return label.text() if label.isVisible() else ""


def press(window: MainWindow, qtbot: QtBot, name: str) -> None:
    button = window.findChild(QToolButton, f"{name}_button")
    assert button is not None
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def offered(window: MainWindow) -> str:
    return window.queue_bar.start.text()


def test_the_coloured_button_is_always_the_next_step(open_window: Open, qtbot: QtBot, toml: Path) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=LONG)
    add = window.findChild(QToolButton, "add_button")
    assert offered(window) == "Run 2 runs"
    assert not add.isVisible()
    assert said(window, "rest") == "2 algorithms × 1 seed = 2 runs"
    press(window, qtbot, "start")
    assert offered(window) == "Pause"
    assert add.text() == "Add 2 runs"
    qtbot.waitUntil(lambda: "meta-iterations/s" in said(window, "rest"))
    assert said(window, "count") == "1 of 2"
    assert said(window, "what") == "MAML, seed 0"
    assert said(window, "left").startswith("about ")
    assert "%, about " in window.windowTitle()
    press(window, qtbot, "start")
    assert offered(window) == "Resume"
    qtbot.waitUntil(lambda: said(window, "rest").endswith("paused"))
    assert window.windowTitle().count("paused") == 1
    press(window, qtbot, "start")
    assert offered(window) == "Pause"
    press(window, qtbot, "stop")
    assert offered(window) == "Go on (2 runs)"
    qtbot.waitUntil(lambda: said(window, "what") == "Stopped: 2 runs wait")
    press(window, qtbot, "add")
    assert window.session.queue.running is None, "adding begins nothing that was stopped"
    assert offered(window) == "Go on (4 runs)"
    press(window, qtbot, "start")
    qtbot.waitUntil(lambda: said(window, "count") == "1 of 4")


def test_a_double_click_on_run_does_not_pause(open_window: Open, qtbot: QtBot, toml: Path) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=LONG)
    for click in (qtbot.mouseClick, qtbot.mouseDClick):
        click(window.queue_bar.start, Qt.MouseButton.LeftButton)
    assert window.session.queue.running is not None
    assert not window.session.queue.pausing


def test_after_stop_with_nothing_else_waiting_run_begins_what_is_set_up_now(
    open_window: Open, qtbot: QtBot, toml: Path
) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=LONG)
    window.panels.setup.edits.set(("algorithm", "reptile", "on"), False)
    press(window, qtbot, "start")
    press(window, qtbot, "stop")
    qtbot.waitUntil(lambda: window.session.queue.running is None)
    assert offered(window) == "Go on (1 run)"
    assert window.queue_bar.add.text() == "Run 1 run"
    press(window, qtbot, "add")
    stopped, begun = window.session.data.runs()
    assert stopped.status == "stopped"
    assert window.session.queue.running == begun.id


def test_the_end_is_said_in_the_line_and_to_the_desktop(
    open_window: Open, qtbot: QtBot, toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerted: list[object] = []
    monkeypatch.setattr(QApplication, "alert", staticmethod(lambda window: alerted.append(window)))
    monkeypatch.setattr(MainWindow, "isActiveWindow", lambda _: False)
    monkeypatch.setattr(queue_notices, "WORTH_TELLING_SECONDS", 0.0)
    window = open_window()
    load(window, toml, qtbot)
    press(window, qtbot, "start")
    run_to_the_end(window, qtbot)
    assert said(window, "count") == "2 runs finished"
    assert said(window, "rest").endswith(" s")
    assert said(window, "left") == ""
    assert window.windowTitle() == "Untitled – Meta-Learning Workbench"
    assert alerted == [window]
    assert offered(window) == "Run 2 runs"
    press(window, qtbot, "start")
    assert said(window, "count") == "1 of 2", "what was done before is another sitting"
    assert "about" not in said(window, "left"), "what the same took is known"


def test_a_run_that_diverges_is_told_of_once_and_can_be_stopped_alone(
    open_window: Open, qtbot: QtBot, toml: Path
) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=LONG, meta_lr=10.0)
    window.panels.setup.edits.set(("evaluation", "every"), LONG)
    qtbot.waitUntil(window.panels.setup.can_run)
    press(window, qtbot, "start")
    qtbot.waitUntil(lambda: "diverged" in window.notices.texts())
    assert window.notices.texts()["diverged"].startswith("MAML, seed 0 diverged at ")
    button = window.findChild(QPushButton, "notice_diverged_stop_this_run")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.data.runs()[1].status == "running")
    first, second = window.session.data.runs()
    assert first.status == "stopped"
    window.session.data.grew.emit({first.id})
    assert "diverged" not in window.notices.texts(), "nothing is told twice"
    assert window.session.queue.running == second.id


def test_many_runs_that_diverge_make_one_notice(open_window: Open, qtbot: QtBot, toml: Path) -> None:
    window = open_window()
    load(window, toml, qtbot, seeds=[0, 1])
    edits = window.panels.setup.edits
    edits.set(("algorithm", "reptile", "on"), False)
    for name, value in (("inner_lr", 100.0), ("inner_steps", 50)):
        edits.set(("algorithm", "maml", name), value)
    qtbot.waitUntil(window.panels.setup.can_run)
    press(window, qtbot, "start")
    qtbot.waitUntil(lambda: said(window, "count") == "0 runs finished, 2 diverged")
    assert window.notices.texts()["diverged"].startswith("2 runs diverged: MAML, seed 0 diverged at 0; MAML")
    assert not window.findChildren(QPushButton, "notice_diverged_stop_this_run")


def test_what_waits_can_be_moved_and_taken_out_by_keyboard_and_undone(
    open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    project, ids = start_project(tmp_path / "p.mlwb", "maml", "reptile", "transfer")
    project.close()
    window = open_window(tmp_path / "p.mlwb")
    assert offered(window) == "Go on (3 runs)"
    assert said(window, "what") == "Unfinished: 3 runs wait"

    def waiting() -> list[int]:
        return [run.id for run in window.session.queue.queued()]

    qtbot.mouseClick(window.findChild(QPushButton, "waiting_button"), Qt.MouseButton.LeftButton)
    runs = window.findChild(QListWidget, "queue_list")
    assert runs.hasFocus()
    qtbot.keyClick(runs, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert waiting() == [ids[1], ids[0], ids[2]]
    assert runs.currentItem().text().startswith("MAML")
    qtbot.keyClick(runs, Qt.Key.Key_Delete)
    assert waiting() == [ids[1], ids[2]]
    assert runs.count() == 2
    qtbot.keyClick(runs, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(runs, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert waiting() == ids
    qtbot.keyClick(runs, Qt.Key.Key_Escape)
    assert not runs.isVisible()


def test_what_has_begun_is_stopped_when_it_is_taken_out_and_its_end_is_not_undone(
    open_window: Open, tmp_path: Path
) -> None:
    project, (run,) = start_project(tmp_path / "p.mlwb", "maml")
    project.update_run(run, iterations=5)
    project.close()
    session = open_window(tmp_path / "p.mlwb").session
    session.take_out([run])
    assert session.data.runs()[0].status == "stopped"
    session.undo.undo()
    assert session.data.runs()[0].status == "queued"
    session.undo.redo()
    session.project.update_run(run, status="finished")
    session.undo.undo()
    assert session.data.runs()[0].status == "finished"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_in_the_line_is_cut_on_a_small_screen(
    open_window: Open, qtbot: QtBot, toml: Path, scheme: theme.Scheme
) -> None:
    theme.apply(scheme)
    window = open_window()
    load(window, toml, qtbot, iterations=LONG)
    height = window.queue_bar.height()
    press(window, qtbot, "start")
    qtbot.waitUntil(lambda: "meta-iterations/s" in said(window, "rest"))
    run = window.session.queue.running
    window.session.change_runs("Rename", {run: {"name": "一個很長的名字 Versuchsreihenbezeichnung " * 4}})
    window.queue_bar.look()
    QApplication.processEvents()
    bar = window.queue_bar
    assert window.width() == 1280
    assert bar.height() == height, "nothing jumps"
    for part in (bar.start, bar.stop, bar.add, bar.waiting, bar.count, bar.rest, bar.left):
        assert part.width() >= part.sizeHint().width(), part.objectName()
    assert bar.what.text().endswith("…")
    assert "Versuchsreihenbezeichnung" in bar.what.toolTip()
    text, ground = QColor(theme.background()), QColor(theme.accent())
    assert contrast(text, ground) >= 4.5


def contrast(one: QColor, other: QColor) -> float:
    """As WCAG has it."""

    def luminance(colour: QColor) -> float:
        parts = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4
                 for each in colour.getRgbF()[:3])  # fmt: skip
        return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_very_many_runs_are_one_bar(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    many = f"training.seeds={list(range(queue_bar.MOST_SEGMENTS + 1))}"
    project, ids = start_project(tmp_path / "p.mlwb", "maml", overrides=(many,))
    for run in ids[:10]:
        project.update_run(run, status="interrupted", iterations=12)
    project.close()
    window = open_window(tmp_path / "p.mlwb")
    bar = window.findChild(QProgressBar, "queue_progress")
    assert bar.value() == round(1000 * 10 / len(ids))
    drawn = bar.grab().toImage()
    middle = drawn.height() // 2
    colours = [drawn.pixelColor(x, middle).name() for x in range(8, drawn.width() - 8)]
    assert (colours[0], colours[-1]) == (theme.accent(), theme.grid())
    assert sum(one != other for one, other in pairwise(colours)) <= 2, "there are no gaps"


def test_the_pace_leaves_pauses_out() -> None:
    pace = Pace(0.0)
    for second in range(11):
        pace.add(10 * second, float(second))
    assert pace.so_far == pace.of_late == 10.0
    pace.hold(10.0)
    assert pace.silent(500.0) == 0.0
    pace.go_on(1000.0)
    assert pace.so_far == 0.0
    pace.add(100, 1000.0)
    pace.add(120, 1001.0)
    assert pace.so_far == 20.0
    assert pace.worked(1001.0) == 11.0
