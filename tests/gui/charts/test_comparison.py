"""The view "Compare": what stands beside what, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot
from scipy.stats import t

from tests.gui.finished import invent, project_of
from tests.published import AGREES, NEARLY, SILENT
from tests.published import project_of as with_results
from workbench.analysis.comparison import Compared
from workbench.analysis.figure import as_csv
from workbench.gui.charts.comparison import ComparisonView
from workbench.gui.charts.comparison_words import off_the_chart
from workbench.gui.run_data import ALL, RunData
from workbench.measures import ACCURACY, LOSS
from workbench.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.mlwb") as project:
        yield project


def view_of(qtbot: QtBot, project: Project) -> ComparisonView:
    data = RunData()
    data.open(project)
    view = ComparisonView(data)
    data.setParent(view)
    qtbot.addWidget(view)
    view.resize(640, 480)
    view.show()
    return view


def choose(view: ComparisonView, name: str, text: str) -> None:
    box = view.findChild(QComboBox, f"comparison_{name}")
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(next(i for i in range(box.count()) if text in box.itemText(i)))
    box.activated.emit(box.currentIndex())


def cells(view: ComparisonView) -> list[list[str]]:
    model = view.table.model()
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def test_columns_without_any_value_are_not_seen(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [0.5])
    view = view_of(qtbot, project)
    qtbot.waitUntil(lambda: view.table.model().rowCount() == 1)
    model = view.table.model()
    seen = {
        model.headerData(at, Qt.Orientation.Horizontal)
        for at in range(model.columnCount())
        if not view.table.isColumnHidden(at)
    }
    assert "± seeds" not in seen
    assert {"Algorithm", "Seeds", "± tasks", "Episodes"} <= seen
    invent(project, "Reptile", [0.5, 0.7])
    view.data.open(project)
    qtbot.waitUntil(lambda: model.rowCount() == 2)
    assert not any(
        view.table.isColumnHidden(at)
        for at in range(model.columnCount())
        if model.headerData(at, Qt.Orientation.Horizontal) == "± seeds"
    )


def test_seeds_and_their_mean_are_shown_apart(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, 2.0, 4.0])
    view = view_of(qtbot, project)
    figure = view.figure()
    assert figure is not None
    seeds, mean = figure.panels[0].curves
    np.testing.assert_allclose(seeds.y, [1, 2, 4])
    np.testing.assert_allclose(seeds.low, [0.75, 1.75, 3.75])
    half = t.ppf(0.975, 2) * np.std([1, 2, 4], ddof=1) / np.sqrt(3)
    np.testing.assert_allclose([mean.low, mean.y, mean.high], [[7 / 3 - half], [7 / 3], [7 / 3 + half]])
    assert mean.n is not None
    assert mean.n.tolist() == [3]
    assert len({*seeds.x.tolist(), *mean.x.tolist()}) == 4
    assert figure.panels[0].x_names == ("MAML",)  # of how many seeds all are, the caption says once
    assert "n = 3 seeds" in figure.caption
    assert "over seeds" in mean.label
    assert "over tasks" in seeds.label


def test_a_logarithmic_axis_shows_a_bad_learner_beside_good_ones(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, 1.2])
    invent(project, "Broken", [1e6, 2e6])
    view = view_of(qtbot, project)
    (plot,) = view.board.plots
    assert not plot.panel.y_log
    view.log_y.click()
    figure = view.figure()
    assert figure is not None
    assert figure.panels[0].y_log
    assert plot.panel.y_log
    low, high = plot.getViewBox().viewRange()[1]
    assert low < 0.1
    assert high > 6
    assert view.state()["log_y"] is True


def test_of_many_seeds_the_points_alone_are_drawn(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0 + seed / 100 for seed in range(9)])
    figure = view_of(qtbot, project).figure()
    assert figure is not None
    seeds, mean = figure.panels[0].curves
    assert seeds.low is None
    assert mean.low is not None
    assert "over tasks" not in seeds.label
    assert "intervals over tasks" not in figure.caption


def test_what_is_clicked_is_selected_everywhere_and_what_is_selected_stands_out(
    qtbot: QtBot, project: Project
) -> None:
    maml = invent(project, "MAML", [1.0, 2.0, 4.0])
    reptile = invent(project, "Reptile", [3.0, 3.5, 3.0])
    view = view_of(qtbot, project)
    (plot,) = view.board.plots
    seeds = plot.panel.curves[0]
    box = plot.getViewBox()

    def click(x: float, y: float) -> None:
        at = plot.mapFromScene(box.mapViewToScene(QPointF(x, y)))
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)

    click(float(seeds.x[1]), float(seeds.y[1]))
    assert view.data.selected == (maml[1],)
    assert view.table.selectionModel().selectedRows()[0].data() == "MAML"
    click(0.5, 1.01)
    assert view.data.selected == ()
    assert not view.table.selectionModel().selectedRows()
    view.table.selectRow(1)
    assert view.data.selected == tuple(reptile)
    click(float(plot.panel.curves[1].x[0]), float(plot.panel.curves[1].y[0]))
    assert view.data.selected == tuple(maml)


def test_one_seed_allows_no_claim_over_seeds(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0])
    invent(project, "Reptile", [1.0, 2.0])
    view = view_of(qtbot, project)
    assert "One seed (n = 1) allows no claim over seeds: MAML." in view.note
    figure = view.figure()
    assert figure is not None
    assert [curve.y.size for curve in figure.panels[0].curves] == [1, 2, 1]
    assert figure.table[0]["ci95_over_seeds"] is None
    assert cells(view)[0][3] == "–"


def test_runs_on_other_episodes_are_left_out_in_words(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, 2.0])
    invent(project, "Reptile", [5.0], episodes="f" * 64, experiment="Other")
    view = view_of(qtbot, project)
    assert [row[0] for row in cells(view)] == ["Reptile"]  # the newest experiment is in view
    view.data.look_at(ALL)
    choose(view, "group", "eeeeeeee")
    assert [row[0] for row in cells(view)] == ["MAML"]
    assert "Left out: 1 run that met other episodes." in view.note
    choose(view, "group", "ffffffff")
    assert [row[0] for row in cells(view)] == ["Reptile"]
    assert "Left out: 2 runs that met other episodes." in view.note


def test_a_value_before_adaptation_can_be_compared(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, 2.0])
    invent(project, "ProtoNet", [3.0], steps=(1,))
    view = view_of(qtbot, project)
    assert [row[2] for row in cells(view)] == ["1.5", "3"]
    choose(view, "step", "step 2")
    assert [row[2] for row in cells(view)] == ["1.5", "3"]  # a closed form has adapted
    choose(view, "step", "before")
    assert [row[2] for row in cells(view)] == ["3.5", "–"]
    assert "No value after this step: ProtoNet." in view.note


def test_accuracy_is_chosen_where_there_is_one(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, 2.0], accuracy=0.875)
    view = view_of(qtbot, project)
    assert view.measure == "accuracy"
    assert cells(view)[0][2] == "87.5%"
    choose(view, "measure", "Cross-entropy")
    assert cells(view)[0][2] == "1.5"


def test_a_run_without_a_finite_value_is_not_dropped_silently(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, None, 2.0])
    view = view_of(qtbot, project)
    assert "Seeds without a finite value are left out of the mean: MAML." in view.note
    assert cells(view)[0][1] == "2"


def test_numbers_sort_as_numbers_and_gaps_come_last(qtbot: QtBot, project: Project) -> None:
    for label, losses in (("a", [10.0, 10.0]), ("b", [9.0, 9.0]), ("c", [None]), ("d", [100.0])):
        invent(project, label, losses)
    view = view_of(qtbot, project)
    view.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in cells(view)] == ["b", "a", "d", "c"]


def test_the_table_is_copied_with_every_digit(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, 2.123456789])
    invent(project, "Reptile", [3.0])
    view = view_of(qtbot, project)
    view.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    qtbot.keyClick(view.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    head, *rows = QGuiApplication.clipboard().text().splitlines()
    assert head.split("\t")[:3] == ["Algorithm", "Seeds", "Mean squared error"]
    assert [row.split("\t")[0] for row in rows] == ["Reptile", "MAML"]
    assert float(rows[1].split("\t")[2]) == pytest.approx(1.5617283945, abs=1e-12)
    view.table.selectRow(0)
    assert view.table.as_text().count("\n") == 2


def test_nothing_finished_is_said_in_words(qtbot: QtBot, project: Project) -> None:
    view = view_of(qtbot, project)
    assert "No runs yet" in view.hint
    assert view.figure() is None
    (run,) = invent(project, "MAML", [1.0])
    with project.transaction():
        project.update_run(run, status="stopped")
    view.data.reread()
    assert "Not finished yet: MAML, seed 0." in view.hint
    with project.transaction():
        project.update_run(run, visible=False)
    view.data.reread()
    assert "Every run is hidden" in view.hint


def test_an_unfinished_run_is_named_and_joins_when_it_is_finished(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0])
    (late,) = invent(project, "Reptile", [2.0])
    with project.transaction():
        project.update_run(late, status="running")
    view = view_of(qtbot, project)
    assert "Not finished yet: Reptile, seed 0." in view.note
    view.data.note(late, status="finished")
    view.data.grew.emit({late})
    assert [row[0] for row in cells(view)] == ["MAML", "Reptile"]
    assert "Not finished" not in view.note


def test_many_long_names_do_not_overlap(qtbot: QtBot, project: Project) -> None:
    for number in range(8):
        invent(project, f"An algorithm with quite a long label, number {number}", [1.0 + number])
    view = view_of(qtbot, project)
    view.resize(500, 400)
    axis = view.board.plots[0].getAxis("bottom")
    (ticks,) = axis._tickLevels
    room = view.board.plots[0].width() / 8
    widest = max(view.fontMetrics().horizontalAdvance(line) for _, name in ticks for line in name.split("\n"))
    assert len(ticks) == 8
    assert widest <= room


def test_choices_are_kept(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0], accuracy=0.5)
    view = view_of(qtbot, project)
    choose(view, "measure", "Cross-entropy")
    choose(view, "step", "before")
    other = view_of(qtbot, project)
    other.restore(view.state() | {"unknown": 3})
    assert (other.measure, other.step) == ("loss", 0)
    other.restore({"measure": 7, "step": "x"})
    assert (other.measure, other.step) == ("accuracy", None)


def test_real_runs_are_compared_on_identical_episodes(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "real.mlwb"
    project_of(path, "maml", "scratch", seeds=2)
    with Project.open(path) as project:
        view = view_of(qtbot, project)
        results = [project.result(run.id, "test") for run in project.runs()]
        finals = [result.summary["loss"][-1] for result in results if result is not None]
        figure = view.figure()
        assert figure is not None
        assert figure.panels[0].x_names == ("MAML", "From scratch")
        drawn = np.concatenate([curve.y for curve in figure.panels[0].curves if curve.faint])
        np.testing.assert_allclose(drawn, finals)
        assert [row["mean"] for row in figure.table] == pytest.approx(
            [np.mean(finals[:2]), np.mean(finals[2:])]
        )
        assert "20 identical meta-test episodes" in figure.caption
        assert as_csv(figure).count("From scratch") == 3


def test_a_loss_beyond_all_others_is_told_instead_of_pressing_them_flat() -> None:
    def compared(name: str, mean: float) -> Compared:
        run: Any = None
        row: Any = SimpleNamespace(algorithm=name)
        return Compared(run, (0,), np.array([mean]), np.array([0.1]), row)

    usual = [compared(name, mean) for name, mean in (("a", 0.3), ("b", 4.7), ("c", 0.02))]
    assert off_the_chart(usual, LOSS) == []
    far = compared("d", 9e33)
    assert off_the_chart([*usual, far], LOSS) == [far]
    assert off_the_chart([*usual, far], ACCURACY) == []


def test_shares_stand_beside_percents(qtbot: QtBot, project: Project) -> None:
    invent(project, "ProtoNet", [0.5, 0.6, 0.7], accuracy=0.9)
    axis = view_of(qtbot, project).board.plots[0].getAxis("left")
    assert axis.tickStrings([0.5, 0.55, 0.6], 1.0, 0.05) == ["50%", "55%", "60%"]


def test_a_long_name_of_an_experiment_does_not_widen_the_view(qtbot: QtBot, project: Project) -> None:
    invent(project, "MAML", [1.0, 2.0])
    view = view_of(qtbot, project)
    box = view.findChild(QComboBox, "comparison_group")
    assert isinstance(box, QComboBox)
    before = box.minimumSizeHint().width()
    box.addItem("a name that says everything about its experiment " * 5)
    box.setStyleSheet("font-weight: normal")  # sizes are computed anew, as after a change of theme
    assert box.minimumSizeHint().width() <= before + 20


@pytest.mark.parametrize(("text", "shown"), [(NEARLY, "89.7 ± 1.1% (nearly)"), (SILENT, "")])
def test_what_is_published_is_a_column_a_mark_and_a_sentence(
    qtbot: QtBot, tmp_path: Path, text: str, shown: str
) -> None:
    with_results(tmp_path / "p.mlwb", text)
    with Project.open(tmp_path / "p.mlwb") as opened:
        view = view_of(qtbot, opened)
        drawn = view.figure()
        assert drawn is not None
        marks = [curve for curve in drawn.panels[0].curves if curve.label == "published"]
        seen = [shown in row for row in cells(view)]
        if shown:
            assert seen == [True]
            (mark,) = marks
            assert "15 queries a class in test instead of 1" in mark.points[0]
            assert "Finn, Abbeel, Levine, ICML 2017, table 1" in mark.points[0]
            assert "15 queries a class in test instead of 1" in view.note
        else:
            assert marks == []
            assert "ublished" not in view.note


def test_of_several_published_values_the_note_names_whose_they_are(qtbot: QtBot, tmp_path: Path) -> None:
    with_results(tmp_path / "p.mlwb", AGREES, others='\n[[algorithm]]\nkind = "fomaml"\ninner_steps = 5\n')
    with Project.open(tmp_path / "p.mlwb") as opened:
        view = view_of(qtbot, opened)
        drawn = view.figure()
        assert drawn is not None
        assert "Published: MAML, FOMAML; point at a square" in view.note
        assert drawn.caption.count("the same protocol") == 2
