"""Where runs run: chosen in File → Preferences, remembered, and the same bits whichever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QLabel
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from tests.gui.test_accessible import wrong_in
from tests.gui.test_queue import LONG, offered, press, said
from tests.gui.test_window import load, run_to_the_end
from tests.test_processes import same
from workbench.gui.place import Place, kept
from workbench.gui.preferences import Preferences
from workbench.gui.window import MainWindow


def opened(window: MainWindow, qtbot: QtBot) -> Preferences:
    window.actions_["preferences"].trigger()
    dialog = window.findChild(Preferences)
    assert isinstance(dialog, Preferences)
    qtbot.waitExposed(dialog)
    return dialog


def accept(dialog: Preferences, qtbot: QtBot) -> None:
    box = dialog.findChild(QDialogButtonBox)
    assert box is not None
    qtbot.mouseClick(box.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)


def test_where_runs_run_is_asked_and_remembered(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    dialog = opened(window, qtbot)
    assert not wrong_in(dialog)
    assert dialog.here.isChecked()
    assert not dialog.jobs.isEnabled()
    dialog.processes.setChecked(True)
    dialog.jobs.setValue(3)
    accept(dialog, qtbot)
    assert kept() == Place(3)
    again = Preferences(window)
    assert again.processes.isChecked()
    assert again.jobs.value() == 3
    again.here.setChecked(True)
    again.reject()
    assert kept() == Place(3)


def test_what_cannot_be_an_address_is_said_in_the_dialog(
    open_window: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.runs.cluster.demand", lambda: None)
    dialog = opened(open_window(), qtbot)
    dialog.on_cluster.setChecked(True)
    dialog.address.setText("nowhere")
    accept(dialog, qtbot)
    error = dialog.findChild(QLabel, "place_error")
    assert error is not None
    assert error.isVisible()
    assert error.text() == "cluster: 'nowhere' is no address; give HOST:PORT, or local"
    assert kept() == Place()
    dialog.address.setText("localhost:6379")
    accept(dialog, qtbot)
    assert kept() == Place(0, "localhost:6379")


def test_several_runs_at_once_are_those_of_this_thread(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path
) -> None:
    files = []
    for place in (Place(), Place(2)):
        place.keep()
        window = open_window()
        window.session.save_as(tmp_path / f"{place.jobs}.mlwb")
        load(window, toml, qtbot)
        press(window, qtbot, "start")
        run_to_the_end(window, qtbot)
        data = window.session.data
        for run in data.runs():
            assert len(data.series(run.id, "loss")[0]) == run.iterations == 12
            assert [at for at, _ in data.evaluations(run.id)] == [0, 5, 10, 12]
        assert said(window, "count") == "2 runs finished"
        files.append(window.session.path)
    same(*files, [1, 2])


def test_several_at_once_are_paused_stopped_and_go_on(open_window: Open, qtbot: QtBot, toml: Path) -> None:
    Place(2).keep()
    window = open_window()
    load(window, toml, qtbot, iterations=LONG)
    window.panels.setup.edits.set(("training", "seeds"), (0, 1))
    qtbot.waitUntil(window.panels.setup.can_run)
    press(window, qtbot, "start")
    data, queue = window.session.data, window.session.queue
    qtbot.waitUntil(lambda: all(data.run(run).iterations for run in (1, 2)) and len(queue.going) == 2)
    qtbot.waitUntil(lambda: said(window, "count") == "2 of 4 at once")
    qtbot.waitUntil(lambda: "meta-iterations/s" in said(window, "rest"))
    qtbot.waitUntil(lambda: said(window, "left").startswith("about "))
    window.actions_["pause"].trigger()
    qtbot.waitUntil(lambda: [run.status for run in data.runs()] == ["paused"] * 2 + ["queued"] * 2)
    assert offered(window) == "Resume"
    window.actions_["resume"].trigger()
    qtbot.waitUntil(lambda: [run.status for run in data.runs()] == ["running"] * 2 + ["queued"] * 2)
    queue.skip(1)
    qtbot.waitUntil(
        lambda: [run.status for run in data.runs()] == ["stopped", "running", "running", "queued"]
    )
    window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: not queue.going)
    assert [run.status for run in data.runs()] == ["stopped"] * 3 + ["queued"]
    assert offered(window) == "Go on (4 runs)"


def test_a_cluster_that_is_not_there_is_said_and_the_runs_wait(
    open_window: Open, qtbot: QtBot, toml: Path
) -> None:
    pytest.importorskip("ray", reason='Ray is not installed: pip install ".[cluster]"')
    Place(0, "127.0.0.1:1").keep()
    window = open_window()
    load(window, toml, qtbot)
    press(window, qtbot, "start")
    qtbot.waitUntil(lambda: not window.session.queue.going)
    assert [run.status for run in window.session.data.runs()] == ["queued", "queued"]
    assert "cluster 127.0.0.1:1: nothing answers" in window.log.toPlainText()
