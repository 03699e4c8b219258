"""The window killed without warning, and started and stopped hundreds of times."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.experiments import experiment
from tests.gui.conftest import Open
from tests.test_runs import contents, perform
from tests.test_runs import start as start_project
from workbench.gui.run_data import RunData
from workbench.gui.run_queue import RunQueue
from workbench.project import Project, ProjectError

RUN = 60_000  # milliseconds
LONG = ("training.iterations=1000", "training.checkpoint_every=0.1", "evaluation.every=200")
PRESSES_RUN = """
import sys
from PySide6.QtCore import QTimer
from pathlib import Path
from workbench.gui import app
from workbench.gui.window import MainWindow

def press_run(window):
    if window.actions_["run"].isEnabled():
        window.actions_["run"].trigger()
    else:
        QTimer.singleShot(20, lambda: press_run(window))

engine_loaded = MainWindow._engine_loaded
def loaded(window, device):
    from workbench.engine.trainer import Trainer

    step = Trainer._step
    def told(trainer):
        if trainer.iteration % 50 == 0:
            print(trainer.iteration, flush=True)
        return step(trainer)

    Trainer._step = told
    engine_loaded(window, device)
    window.files.open_path(Path(sys.argv[1]))
    press_run(window)

MainWindow._engine_loaded = loaded
app.start(None)
"""


def test_a_killed_window_offers_to_go_on_and_ends_bit_for_bit(
    open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    toml = tmp_path / "e.toml"
    toml.write_text(experiment("maml", *LONG).to_toml(), encoding="utf-8")
    folder = Path(os.environ["WORKBENCH_DATA"]) / "untitled"
    command = [sys.executable, "-c", PRESSES_RUN, str(toml)]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert any(_trained(folder) > 100 for _ in process.stdout), "the window ended by itself"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert _trained(folder) < 1000, "the run was over before the kill"

    whole, (reference,) = start_project(tmp_path / "whole.mlwb", "maml", overrides=LONG)
    perform(whole, reference)
    window = open_window()
    assert "1 interrupted" in window.notices.texts()["left_0"]
    qtbot.mouseClick(window.findChild(QPushButton, "notice_left_0_open"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(window.findChild(QPushButton, "notice_go_on_go_on"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.data.runs()[0].status == "finished", timeout=RUN)
    assert window.session.project is not None
    assert contents(window.session.project, 1) == contents(whole, reference)
    whole.close()


def _trained(folder: Path) -> int:
    for path in folder.glob("*.mlwb"):
        try:
            with Project.open(path, read_only=True) as project:
                return sum(run.iterations for run in project.runs())
        except ProjectError:  # being made at this moment
            continue
    return 0


def test_hundreds_of_starts_and_stops_leave_no_thread_and_no_memory(qtbot: QtBot, tmp_path: Path) -> None:
    project, runs = start_project(
        tmp_path / "p.mlwb",
        "maml",
        overrides=("training.iterations=1000000", "evaluation.every=1000000", "evaluation.episodes=2"),
    )
    data = RunData()
    queue = RunQueue(data)
    queue.open(project)
    data.open(project)
    process = psutil.Process()

    def idle() -> bool:
        return queue.running is None

    def begun() -> bool:
        record = data.run(runs[0])
        return record is not None and record.iterations > before

    memory: list[int] = []
    threads: list[int] = []
    for cycle in range(400):
        before = project.run(runs[0]).iterations
        queue.resume(runs)
        if cycle % 50 == 0:  # now and then after some training, otherwise at any moment
            qtbot.waitUntil(begun, timeout=RUN)
        queue.stop()
        qtbot.waitUntil(idle, timeout=RUN)
        if cycle % 40 == 39:
            gc.collect()  # as the window does when it is idle
            memory.append(process.memory_info().rss)
            threads.append(process.num_threads())
    assert data.runs()[0].status == "stopped"
    queue.close()
    assert max(threads) <= threads[0]
    assert memory[-1] - memory[2] < 8e6, [each // 1_000_000 for each in memory]
    x, _ = project.series(runs[0], "loss")
    assert x.tolist() == list(range(1, len(x) + 1))
    project.close()


def test_stop_and_pause_are_heard_at_once_also_while_a_test_is_measured(qtbot: QtBot, tmp_path: Path) -> None:
    project, runs = start_project(
        tmp_path / "p.mlwb",
        "maml",
        overrides=("training.iterations=1", "evaluation.episodes=100000", "evaluation.inner_steps=1000"),
    )
    data = RunData()
    queue = RunQueue(data)
    queue.open(project)
    data.open(project)
    queue.go()
    qtbot.waitUntil(lambda: data.runs()[0].iterations == 1, timeout=RUN)
    asked = time.monotonic()
    queue.pause()
    qtbot.waitUntil(lambda: data.runs()[0].status == "paused", timeout=RUN)
    queue.stop()
    qtbot.waitUntil(lambda: queue.running is None, timeout=RUN)
    assert time.monotonic() - asked < RUN / 2000  # a whole test would take minutes
    assert project.run(runs[0]).status == "stopped"
    queue.close()
    project.close()
