"""Playing adaptation: by button and by keys, step after step, and no longer than it is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from tests.gui.finished import project_of
from workbench.gui.charts import player
from workbench.gui.charts.player import Player
from workbench.gui.charts.predictions import PredictionView
from workbench.gui.run_data import RunData
from workbench.gui.worker import Worker
from workbench.project import Project

GRID = """
name = "grid"
[task]
family = "grid_navigation"
size = 4
horizon = 6
episodes = 3
[training]
iterations = 2
meta_batch = 4
threads = 1
[evaluation]
episodes = 4
validation_episodes = 2
every = 2
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "TICK_MS", 1)
    monkeypatch.setattr(player, "EPISODE_MS", 6)
    monkeypatch.setattr(player, "WHOLE_MS", 3)
    monkeypatch.setattr(player, "SHORTEST_MS", 1)


@pytest.fixture
def alone(qtbot: QtBot) -> Player:
    """A player over the places 0, 10 and 20."""
    made = Player()
    qtbot.addWidget(made)
    made.offer((0, 10, 20), 20, "drives", moves=False)
    made.show()
    return made


@pytest.fixture
def view(qtbot: QtBot, tmp_path: Path) -> Iterator[PredictionView]:
    """Two learners on a grid."""
    two = (
        f'{GRID}[[algorithm]]\nkind = "rl2"\nlabel = "a memory of four units, with a long name"\nhidden = 4\n'
    )
    project_of(tmp_path / "p.mlwb", "rl2", seeds=1, text=two)
    worker, project, data = Worker(), Project.open(tmp_path / "p.mlwb"), RunData()
    data.open(project)
    made = PredictionView(data, worker)
    data.setParent(made)
    qtbot.addWidget(made)
    made.set_project_path(project.path)
    made.engine_ready()
    made.resize(800, 600)
    made.show()
    qtbot.waitUntil(lambda: len(made.board.cells) == 6)
    yield made
    worker.close()
    project.close()


def test_it_plays_from_the_beginning_to_the_end(qtbot: QtBot, alone: Player) -> None:
    places: list[int] = []
    alone.chosen.connect(places.append)
    qtbot.mouseClick(alone.button, Qt.MouseButton.LeftButton)
    assert alone.playing
    assert alone.button.accessibleName() == "Pause adaptation"
    qtbot.waitUntil(lambda: not alone.playing)
    assert places == [0, 10, 20]
    assert alone.button.accessibleName() == "Play adaptation"


def test_what_moves_moves_within_each_place(qtbot: QtBot, alone: Player) -> None:
    alone.offer((0, 10, 20), 20, "drives", moves=True)
    told: list[tuple[int, float]] = []
    alone.moved.connect(lambda part: told.append((alone.place, part)))
    alone.toggle()
    qtbot.waitUntil(lambda: not alone.playing)
    for place in (0, 10, 20):
        parts = [part for at, part in told if at == place and part < 1]
        assert len(parts) > 2
        assert parts == sorted(parts)
    assert told[-1] == (20, 1.0)


def test_what_is_hidden_does_not_play(qtbot: QtBot, alone: Player) -> None:
    alone.toggle()
    assert alone.playing
    alone.hide()
    assert not alone.playing
    alone.toggle()
    assert not alone.playing


def test_the_number_goes_from_place_to_place(alone: Player) -> None:
    places: list[int] = []
    alone.chosen.connect(places.append)
    alone.number.stepBy(-1)
    alone.number.setValue(7)
    assert places == [10, 0]
    assert (alone.number.value(), alone.place) == (0, 0)
    alone.number.stepBy(1)
    assert (alone.place, alone.slider.value()) == (10, 1)
    assert alone.number.text() == "after 10 of 20 drives"


def test_the_slider_changes_what_is_drawn(qtbot: QtBot, view: PredictionView) -> None:
    slider, number = (
        view.findChild(QSlider, "prediction_step"),
        view.findChild(QSpinBox, "prediction_step_number"),
    )
    assert slider is not None
    assert number is not None
    assert (slider.maximum(), slider.value()) == (2, 2)
    assert number.text() == "after 2 of 2 episodes"
    figure = view.figure()
    assert figure is not None
    assert [head.text for head in figure.column_heads] == ["after 2 episodes"] * 2
    assert [head.title for head in figure.row_heads] == ["Task 1", "Task 2", "Task 3"]
    drawn = [cell.panel for cell in view.board.cells]
    slider.setValue(0)
    assert not any(cell.panel is before for cell, before in zip(view.board.cells, drawn, strict=True))
    figure = view.figure()
    assert figure is not None
    assert [head.text for head in figure.column_heads] == ["in the first episode"] * 2
    assert view.state()["step"] == 0
    labels = [cell.accessibleName() for cell in view.board.cells]
    assert labels[0].startswith("a memory of four units, with a long name · Task 1 · return ")


def test_space_plays_and_pauses_where_the_grid_is(qtbot: QtBot, view: PredictionView) -> None:
    cell = view.board.cells[0]
    view.activateWindow()
    cell.setFocus()
    qtbot.waitUntil(cell.hasFocus)
    qtbot.keyClick(cell, Qt.Key.Key_Left)
    assert view.player.place == 1
    qtbot.keyClick(cell, Qt.Key.Key_Right)
    assert view.player.place == 2
    qtbot.keyClick(cell, Qt.Key.Key_Space)
    assert view.player.playing
    qtbot.keyClick(cell, Qt.Key.Key_Space)
    assert not view.player.playing
    qtbot.keyClick(cell, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not view.player.playing)
    assert view.player.place == 2
    button = view.findChild(QToolButton, "prediction_play")
    assert button is not None
    assert button.text() == "Play"


def test_a_dot_goes_along_the_path(view: PredictionView) -> None:
    plot = view.board.plots[0]
    moving = plot.panel.moving
    assert moving is not None
    for part, at in ((0.0, 0), (0.5, 3), (1.0, 5)):
        view.board.show_time(part)
        shown = plot.moving
        assert shown is not None
        assert (shown[0], shown[1]) == (moving.x[at], moving.y[at])


def test_the_slider_stays_as_long_whatever_is_said(alone: Player) -> None:
    among = ("before adaptation", "after 1 update (20 episodes)")
    alone.resize(700, 40)
    widths = set()
    for text in among:
        alone.say(text, among)
        alone.layout().activate()
        widths.add((alone.slider.width(), alone.words.width()))
    assert len(widths) == 1
