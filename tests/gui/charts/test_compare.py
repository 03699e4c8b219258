"""The view "Compare" in full: tests, protocol, pivot, other pictures, and the order of things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot
from scipy import stats

from tests.analysis.invented import TASK, add, three
from workbench.analysis.learning import LearningCurves
from workbench.analysis.traces import Settings
from workbench.gui import theme
from workbench.gui.charts.compare import CompareView
from workbench.gui.run_data import ALL, RunData
from workbench.gui.worker import Worker
from workbench.project import Project

Show = Callable[..., CompareView]


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Show]:
    worker, opened = Worker(), []

    def make(path: Path, state: dict[str, Any] | None = None) -> CompareView:
        project = Project.open(path)
        opened.append(project)
        data = RunData()
        data.open(project)
        view = CompareView(data, worker)
        data.setParent(view)
        qtbot.addWidget(view)
        if state is not None:
            view.restore(state)
        view.resize(760, 560)
        view.show()
        computed(qtbot, view)
        return view

    yield make
    worker.close()
    for project in opened:
        project.close()


def computed(qtbot: QtBot, view: CompareView) -> None:
    qtbot.waitUntil(lambda: view._question is not None and view.ready, timeout=60_000)


def choose(view: CompareView, name: str, data: str) -> None:
    box = view.findChild(QComboBox, f"comparison_{name}")
    assert isinstance(box, QComboBox)
    index = box.findData(data)
    assert index >= 0, [box.itemData(i) for i in range(box.count())]
    box.setCurrentIndex(index)
    box.activated.emit(index)


def cells(table: Any) -> list[list[str]]:
    model = table.model()
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def positions(view: CompareView) -> list[str]:
    figure = view.figure()
    assert figure is not None
    return [name.partition(" (")[0] for name in figure.panels[0].x_names]


def test_every_two_algorithms_are_tested_and_it_is_said_in_words(
    qtbot: QtBot, show: Show, tmp_path: Path
) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    rows = cells(view.tests)
    assert [row[:3] for row in rows] == [
        ["Good", "Middling", "60"], ["Good", "Same", "60"], ["Middling", "Same", "60"],
    ]  # fmt: skip
    assert rows[0][7] == "< .001"
    assert rows[2][-1].startswith("Between Middling and Same no difference can be claimed (")
    note = view.findChild(QLabel, "comparison_tests_note")
    assert isinstance(note, QLabel)
    assert "Holm" in note.text()
    view.tests.selectionModel().setCurrentIndex(
        view.tests.model().index(0, 0), QItemSelectionModel.SelectionFlag.SelectCurrent
    )
    assert note.text().startswith("Good is better than Middling by ")


def test_what_differs_in_the_protocol_is_highlighted(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        add(project, "A", np.ones((2, 20)))
        add(project, "B", np.ones((2, 20)), inner_steps=5)
        add(project, "C", np.ones((1, 20)), episodes="f" * 64, name="Other", task=TASK | {"shots": 9})
    view = show(tmp_path / "p.mlwb")
    view.data.look_at(ALL)
    qtbot.waitUntil(lambda: view.ready)
    assert "Not compared: C met other episodes (shot 9 instead of 5)." in view.cards.warning.text()
    table = view.cards.table
    marked = {
        table.verticalHeaderItem(row).text()
        for row in range(table.rowCount())
        if table.item(row, 0).background().color().name() == theme.warning()
    }
    assert {"Shot", "Inner steps in training", "Episodes (SHA-256)"} <= marked
    assert "Network" not in marked
    assert [table.horizontalHeaderItem(i).text() for i in range(3)] == ["A", "B", "C"]


def test_the_pivot_follows_its_rows_and_columns(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    assert [row[0] for row in cells(view.pivot)] == ["Good", "Middling", "Same"]
    choose(view, "pivot_rows", "algorithm.inner_lr")
    assert [row[0] for row in cells(view.pivot)] == ["0.01", "0.02", "0.05"]
    assert all("(3)" in row[1] for row in cells(view.pivot))


def test_what_was_reached_stands_against_what_it_cost(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    choose(view, "view", "cost")
    figure = view.figure()
    assert figure is not None
    assert figure.name == "scatter"
    assert figure.panels[0].x_label == "Training time (s)"
    choose(view, "x", "algorithm.inner_lr")
    figure = view.figure()
    assert figure is not None
    assert sorted(curve.x[0] for curve in figure.panels[0].curves if curve.label) == [0.01, 0.02, 0.05]
    assert view._stack.currentWidget() is view.board
    shown, told = view.board.plots[0].panel, figure.panels[0]
    assert [each.label for each in shown.curves] == [each.label for each in told.curves]


def test_settings_are_drawn_as_parallel_lines(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    choose(view, "view", "settings")
    figure = view.figure()
    assert figure is not None
    assert figure.panels[0].x_names == ("inner lr", "Mean squared error")


def test_one_family_has_no_ranks_and_the_view_says_why(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    choose(view, "view", "ranks")
    assert view.figure() is None
    assert "at least 2 families" in view._board_hint.text()
    assert view._stack.currentWidget() is view._board_hint


# --- order, names, choice --------------------------------------------------------------------------


def test_algorithms_are_reordered_renamed_and_hidden_for_the_figure(
    qtbot: QtBot, show: Show, tmp_path: Path
) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    assert positions(view) == ["Good", "Middling", "Same"]
    places = view.arrange
    places.setCurrentRow(2)
    qtbot.keyClick(places, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert positions(view) == ["Good", "Same", "Middling"]
    places.item(0).setText("Ours")
    places.item(2).setCheckState(Qt.CheckState.Unchecked)
    assert positions(view) == ["Ours", "Same"]
    assert [row[0] for row in cells(view.table)] == ["Ours", "Same"]
    assert "Hidden from the figure: Middling." in view.note
    computed(qtbot, view)
    tested = [row[:2] for row in cells(view.tests)]  # the correction counts what is hidden
    assert tested == [["Ours", "Same"], ["Ours", "Middling"], ["Same", "Middling"]]
    again = show(tmp_path / "p.mlwb", view.state())
    assert positions(again) == ["Ours", "Same"]
    places.item(0).setText(" ")
    assert positions(view)[0] == "Good"


def test_order_and_names_survive_what_joins(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    path = three(tmp_path / "p.mlwb")
    view = show(path)
    view.arrange.setCurrentRow(2)
    qtbot.keyClick(view.arrange, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    view.arrange.item(0).setText("Ours")
    curves = LearningCurves(view.data)
    curves.update(Settings())
    drawn = curves.figure()
    assert drawn is not None
    labels = {curve.label.partition(" (")[0] for curve in drawn.panels[0].curves if curve.label}
    assert labels == {"Ours", "Same", "Middling"}
    with Project.open(path) as project:
        add(project, "Same", np.ones((2, 60)), inner_lr=0.3)  # both are told apart from now on
        add(project, "Good", np.ones((2, 60)), task=TASK | {"shots": 9}, episodes="f" * 64)
    again = show(path, view.state())
    assert positions(again) == ["Good"]  # another experiment, whose Good is another
    again.data.look_at(again.data.experiments()[0].key)
    again.redraw()
    assert positions(again) == ["Ours", "Same", "Middling", "Same"]
    assert [row[0] for row in cells(again.table)][1::2] == ["Same (inner_lr 0.05)", "Same (inner_lr 0.3)"]


def test_dragging_reorders(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    with qtbot.waitSignal(view.arrange.arranged):
        model = view.arrange.model()
        assert model.moveRow(model.index(0, 0).parent(), 0, model.index(0, 0).parent(), 3)
    assert positions(view) == ["Middling", "Same", "Good"]


def test_a_strangers_layout_is_left_out(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    state = {"view": 7, "x": ["a"], "arrange": [{"key": 1}, "x", {"key": "Same", "name": "S", "shown": True}]}
    view = show(three(tmp_path / "p.mlwb"), state)
    assert positions(view) == ["S", "Good", "Middling"]


def test_a_choice_of_another_picture_computes_nothing_anew(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    view = show(three(tmp_path / "p.mlwb"))
    question = view._question
    choose(view, "view", "cost")
    view.catch_up()
    assert view._question is question
    assert view.ready


def test_another_step_is_tested_anew(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.exponential(size=(1, 30)), rng.exponential(size=(1, 30))
    with Project.create(tmp_path / "p.mlwb") as project:
        add(project, "A", a)
        add(project, "B", b, inner_lr=0.5)
    view = show(tmp_path / "p.mlwb")
    box = view.findChild(QComboBox, "comparison_step")
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData(0))
    box.activated.emit(box.currentIndex())
    computed(qtbot, view)
    assert view._answer is not None
    assert view._answer.statistics is not None
    (claim,) = view._answer.statistics.claims
    assert claim.paired.p_wilcoxon == stats.wilcoxon((a + 1)[0], (b + 1)[0]).pvalue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pictures_take_the_themes_colours(qtbot: QtBot, show: Show, tmp_path: Path, scheme: Any) -> None:
    theme.apply(scheme)
    view = show(three(tmp_path / "p.mlwb"))
    choose(view, "view", "settings")
    image = view.board.grab().toImage()
    assert image.pixelColor(QPoint(3, 3)).name() == theme.background()


def test_what_was_not_chosen_is_not_kept(tmp_path: Path, show: Show) -> None:
    """What merely stood beside the choice would stay when other episodes call for another measure."""
    view = show(three(tmp_path / "p.mlwb"))
    choose(view, "view", "cost")
    kept = view.state()
    assert kept["view"] == "cost"
    assert not {"measure", "group", "step", "x"} & set(kept)
    with Project.create(tmp_path / "other.mlwb") as other:
        view.data.open(other)
        assert "view" not in view.state()
        view.data.open(None)
