"""The view Tuning: what a sweep has tried, picked everywhere, and its best taken into Setup."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from tests.test_sweeps import SHORT, TWO, done_here, swept
from workbench.config import parse
from workbench.gui.charts.tuning import TuningView
from workbench.gui.setup.draft import Draft
from workbench.gui.window import MainWindow
from workbench.project import Project, Tuned

GRID = """
[sweep]
method = "grid"
[sweep.ranges]
"algorithm.0.inner_lr" = [0.01, 0.02, 0.05]
"algorithm.1.inner_lr" = [0.01, 0.02, 0.05]
"""


@pytest.fixture
def window(open_window: Open, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """With a sweep that is over, whose view is in front."""
    done_here(tmp_path / "p.mlwb", swept(text=GRID))
    window = open_window(tmp_path / "p.mlwb")
    window.layout_.go_to("tuning_view")
    qtbot.waitUntil(lambda: bool(view_of(window).board.cells), timeout=30_000)
    return window


def view_of(window: MainWindow) -> TuningView:
    view = window.findChild(TuningView)
    assert view is not None
    return view


def test_a_line_for_each_trial_picks_its_run_everywhere(window: MainWindow) -> None:
    view = view_of(window)
    figure = view.figure()
    assert figure is not None
    lines = [curve for curve in figure.panels[0].curves if curve.runs]
    assert len(lines) == 6
    view.board.picked.emit(lines[2].runs)
    assert window.session.data.selected == lines[2].runs
    assert "chosen" in figure.table[0]
    note = view.findChild(QLabel, "tuning_view_note")
    assert note is not None
    maml, reptile, _ = note.text().split("\n")
    assert maml.startswith("MAML: ")
    assert reptile.startswith("Reptile: ")


@pytest.mark.parametrize(
    ("view", "name"), [("slices", "slices"), ("multiples", "multiples"), ("best", "expected_best")]
)
def test_other_pictures_are_chosen(window: MainWindow, view: str, name: str, qtbot: QtBot) -> None:
    chart = view_of(window)
    box = chart.findChild(QComboBox, "tuning_picture")
    assert box is not None
    box.setCurrentIndex(box.findData(view))
    box.activated.emit(box.currentIndex())
    figure = chart.figure()
    assert figure is not None
    assert figure.name == name
    qtbot.waitUntil(lambda: len(chart.board.cells) == len(figure.panels))
    assert chart.state()["view"] == view


def test_the_best_is_set_up_without_the_sweep(window: MainWindow, qtbot: QtBot) -> None:
    setup = window.panels.setup if window.panels is not None else None
    assert setup is not None
    qtbot.waitUntil(lambda: setup.draft.experiment() is not None, timeout=60_000)
    with Project.open(window.session.path, read_only=True) as project:
        best = view_of(window)._found[0].best
        assert best is not None
        tuned = Tuned.of(project.run(best[0].id))
    assert tuned is not None
    button = view_of(window).findChild(QPushButton, "tuning_use")
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    experiment = setup.draft.experiment()
    assert experiment is not None
    assert experiment.sweep is None
    assert experiment.algorithm[0].inner_lr == tuned.values["algorithm.0.inner_lr"]  # type: ignore[attr-defined]


def test_a_sweep_that_is_set_up_runs_in_the_window(open_window: Open, tmp_path: Path, qtbot: QtBot) -> None:
    Project.create(tmp_path / "p.mlwb").close()
    window = open_window(tmp_path / "p.mlwb")
    setup = window.panels.setup if window.panels is not None else None
    assert setup is not None
    qtbot.waitUntil(lambda: setup.draft.experiment() is not None, timeout=60_000)
    setup.load(swept(text=GRID))
    qtbot.waitUntil(setup.can_run, timeout=30_000)
    window.actions_["run"].trigger()
    runs = window.session.data.runs
    qtbot.waitUntil(
        lambda: len(runs()) == 10 and all(each.status == "finished" for each in runs()), timeout=120_000
    )
    assert [each.name for each in runs() if "seed" in each.name] == [
        "MAML, seed 0", "MAML, seed 1", "Reptile, seed 0", "Reptile, seed 1",
    ]  # fmt: skip


def test_a_field_becomes_a_range_by_its_menu_and_one_value_again(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    Project.create(tmp_path / "p.mlwb").close()
    window = open_window(tmp_path / "p.mlwb")
    setup = window.panels.setup if window.panels is not None else None
    assert setup is not None
    qtbot.waitUntil(lambda: setup.draft.experiment() is not None, timeout=60_000)
    setup.load(parse(TWO, list(SHORT)))
    qtbot.waitUntil(setup.can_run, timeout=30_000)
    assert setup.counted() == "2 algorithms × 2 seeds = 4 runs"
    tries = setup.findChild(QAction, "action_try_training.meta_lr")
    assert tries is not None
    tries.trigger()
    experiment = setup.draft.experiment()
    assert experiment is not None
    assert experiment.sweep is not None
    (tried,) = experiment.sweep.ranges
    assert (tried.field, tried.low, tried.high, tried.log) == ("training.meta_lr", 1e-4, 1e-2, True)
    assert setup.counted() == "40 trials + 2 algorithms × 2 seeds = 44 runs"
    line = setup.findChild(QLineEdit, "range_0")
    assert line is not None
    line.setText("low = 0.5, high = 0.1")
    line.textEdited.emit(line.text())
    assert setup.draft.complaints() == {("sweep", "ranges", 0, "high"): "0.1 is not above low, which is 0.5"}
    assert not setup.can_run()
    line.setText("values = [0.1, 0.2]")
    line.textEdited.emit(line.text())
    experiment = setup.draft.experiment()
    assert experiment is not None
    assert experiment.sweep is not None
    assert experiment.sweep.ranges[0].values == (0.1, 0.2)
    window.session.undo.undo()
    window.session.undo.undo()
    assert not setup.draft.ranges()
    assert setup.counted() == "2 algorithms × 2 seeds = 4 runs"


def test_a_range_of_an_algorithm_follows_it_and_goes_with_it(qtbot: QtBot) -> None:
    draft = Draft()
    draft.load(swept(text=GRID))
    assert [each["field"] for each in draft.ranges()] == [
        "algorithm.maml.inner_lr",
        "algorithm.reptile.inner_lr",
    ]
    loaded = draft.experiment()
    assert loaded == swept(text=GRID)
    draft.set(("algorithm", "maml", "on"), value=False)
    left = draft.experiment()
    assert left is not None
    assert left.sweep is not None
    assert [each.field for each in left.sweep.ranges] == ["algorithm.0.inner_lr"]
    assert left.algorithm[0].name == "reptile"


def test_a_drag_along_an_axis_selects_the_trials_that_pass_there_and_a_click_none(
    window: MainWindow, qtbot: QtBot
) -> None:
    view = view_of(window)
    (cell,) = view.board.plots
    figure = view.figure()
    assert figure is not None
    lines = [curve for curve in figure.panels[0].curves if curve.runs]

    def at(x: float, y: float) -> QPoint:
        return cell.mapFromScene(cell.getViewBox().mapViewToScene(QPointF(x, y)))

    def drag(axis: int, low: float, high: float) -> None:
        inside = cell.viewport()
        qtbot.mousePress(inside, Qt.MouseButton.LeftButton, pos=at(axis, low))
        qtbot.mouseMove(inside, at(axis, (low + high) / 2))
        qtbot.mouseMove(inside, at(axis, high))
        qtbot.mouseRelease(inside, Qt.MouseButton.LeftButton, pos=at(axis, high))

    def passing(axis: int, low: float, high: float) -> set[int]:
        return {curve.runs[0] for curve in lines if low <= curve.y[axis] <= high}

    drag(0, -0.1, 0.3)
    first = passing(0, -0.1, 0.3)
    assert set(window.session.data.selected) == first
    assert 0 < len(first) < len(lines)
    last = len(figure.panels[0].x_names) - 1
    drag(last, -0.1, 0.6)
    assert set(window.session.data.selected) == first & passing(last, -0.1, 0.6)
    qtbot.mouseClick(cell.viewport(), Qt.MouseButton.LeftButton, pos=at(0.5, 1.1))
    assert window.session.data.selected == ()
