"""The learning curves, on real widgets and a real project."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from tests.gui.charts.made import add_curve, add_run, classified, summary
from tests.sequences.some import LANGUAGES
from workbench import runs
from workbench.analysis.curves import moving_average
from workbench.config import parse
from workbench.gui.charts.learning_curves import LearningCurves
from workbench.gui.run_data import RunData
from workbench.project import Project
from workbench.runs import Control


@pytest.fixture
def chart(qtbot: QtBot, data: RunData) -> LearningCurves:
    chart = LearningCurves(data)
    qtbot.addWidget(chart)
    chart.resize(640, 420)
    chart.show()
    qtbot.waitExposed(chart)
    return chart


def labels(chart: LearningCurves) -> list[str]:
    return [each.label for each in chart.readout.entries]


def choose(chart: LearningCurves, **state: object) -> None:
    chart.restore(state)


def test_an_empty_project_says_what_to_do(chart: LearningCurves) -> None:
    assert "Ctrl+R" in chart.hint
    assert chart.figure() is None


def test_hidden_runs_and_missing_classes_are_explained(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    run = add_run(project)
    project.add_evaluation(run, 0, "validation", summary([1.0, 0.5]))
    data.reread()
    choose(chart, measure="validation_accuracy")
    assert "None of the runs that are shown measures this" in chart.hint
    project.update_run(run, status="finished")
    data.reread()
    choose(chart, measure="training_loss")
    assert "not meta-trained" in chart.hint
    project.update_run(run, iterations_planned=9)
    data.reread()
    assert "Training does not measure this" in chart.hint
    choose(chart, measure="validation_loss")
    assert chart.hint == ""
    project.update_run(run, visible=False)
    data.reread()
    assert "hidden" in chart.hint


def places(chart: LearningCurves) -> list[QRect]:
    return [chart.labels.place_of(index) for index in range(len(chart.labels.shown))]


def test_names_stand_at_the_ends_of_curves_and_never_over_each_other(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    for number in range(8):
        name = f"a learner with a long name, {number}"
        add_curve(project, add_run(project, name), np.array([9.0, 9.5, 5.0 + number / 1000]))
    data.reread()
    assert len(labels(chart)) == 8
    assert chart.labels.isVisible()
    assert chart.readout.isHidden()
    assert not any(one.intersects(other) for one, other in itertools.combinations(places(chart), 2))
    order = sorted(range(8), key=lambda index: places(chart)[index].top())
    assert order == [7, 6, 5, 4, 3, 2, 1, 0]  # as the curves end
    inside = chart.plot.mapFromScene(chart.view.sceneBoundingRect()).boundingRect()
    assert all(place.left() > inside.right() for place in places(chart))
    assert all(place.right() <= chart.plot.width() for place in places(chart))


def test_where_names_have_no_room_the_picked_ones_are_there_and_the_others_are_counted(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    ids = [add_run(project, f"A{number}") for number in range(40)]
    for number, run in enumerate(ids):
        add_curve(project, run, np.full(3, 1.0 + number))
    data.reread()
    data.select([ids[-1]])
    shown = [each.name for each in chart.labels.shown]
    assert "A39" in shown
    assert 5 < len(shown) < 40
    assert chart.labels.more == 40 - len(shown)


def test_a_click_on_a_name_hides_its_runs_and_a_double_click_shows_them_alone(
    qtbot: QtBot, chart: LearningCurves, data: RunData, project: Project
) -> None:
    asked: list[tuple[str, dict[int, dict[str, bool]]]] = []
    data.asked.connect(lambda text, changes: asked.append((text, changes)))
    first, second, third = (add_run(project, label) for label in ("MAML", "Reptile", "ANIL"))
    for number, run in enumerate((first, second, third)):
        add_curve(project, run, np.full(3, 1.0 + number))
    data.reread()
    middle = places(chart)[1].center()
    qtbot.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked == [("Hide in charts", {second: {"visible": False}})]
    assert data.selected == ()
    middle = places(chart)[1].center()
    qtbot.mouseDClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert asked[1:] == [("Show only this", {first: {"visible": False}, third: {"visible": False}})]


def test_a_click_on_a_curve_selects_its_runs_and_one_beside_it_none(
    qtbot: QtBot, chart: LearningCurves, data: RunData, project: Project
) -> None:
    first, second = add_run(project, "MAML"), add_run(project, "MAML", seed=1)
    other = add_run(project, "Reptile")
    for run, height in ((first, 1.0), (second, 1.2), (other, 5.0)):
        add_curve(project, run, np.full(30, height))
    data.reread()
    on_it = chart.plot.mapFromScene(chart.view.mapViewToScene(QPointF(15.3, 1.1)))
    qtbot.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=on_it)
    assert data.selected == (first, second)
    beside = chart.plot.mapFromScene(chart.view.mapViewToScene(QPointF(15.3, 3.0)))
    qtbot.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=beside)
    assert data.selected == ()


def test_the_context_menu_acts_on_what_is_pointed_at_and_by_keyboard_on_any(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    asked: list[dict[int, dict[str, bool]]] = []
    data.asked.connect(lambda _, changes: asked.append(changes))
    first, second = add_run(project, "MAML"), add_run(project, "A & B")
    for run, height in ((first, 1.0), (second, 5.0)):
        add_curve(project, run, np.full(30, height))
    data.reread()
    at = chart.plot.mapFromScene(chart.view.mapViewToScene(QPointF(15.3, 1.0)))
    pointed = {each.text(): each for each in chart.menu(chart.plot.mapTo(chart, at)).actions()}
    pointed["Hide MAML"].trigger()
    assert asked == [{first: {"visible": False}}]
    chosen = {each.text(): each for each in chart.menu().actions()}
    hide = chosen["Hide"].menu()
    assert isinstance(hide, QMenu)
    assert [each.text() for each in hide.actions()] == ["MAML", "A && B"]
    assert not chosen["Log y"].isChecked()
    chosen["Log y"].trigger()
    assert chart.settings.log_y
    project.update_run(second, visible=False)
    data.reread()
    {each.text(): each for each in chart.menu().actions()}["Show hidden runs"].trigger()
    assert asked[-1] == {second: {"visible": True}}


def test_seeds_are_joined_with_their_number(chart: LearningCurves, data: RunData, project: Project) -> None:
    for seed, points in ((0, 30), (1, 30), (2, 20)):
        add_curve(project, add_run(project, seed=seed), np.full(points, float(seed)))
    add_curve(project, add_run(project, "ANIL"), np.ones(10))
    data.reread()
    assert labels(chart) == ["MAML (n = 2–3)", "ANIL (n = 1)"]
    choose(chart, smoothing={"training_loss": 1})
    header, values = chart.values_at(10.0)
    assert header == "meta-iteration 10"
    assert values == ["1 ± 2.5 (n = 3)", "1"]
    assert chart.values_at(25.0)[1] == ["0.5 ± 6.4 (n = 2)", "–"]
    choose(chart, joined=False)
    assert labels(chart) == ["MAML, seed 0", "MAML, seed 1", "MAML, seed 2", "ANIL, seed 0"]


def test_the_raw_curve_stays_under_the_smoothed(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    loss = np.random.default_rng(0).random(100)
    add_curve(project, add_run(project), loss)
    data.reread()
    choose(chart, smoothing={"training_loss": 9})
    figure = chart.figure()
    assert figure is not None
    smooth, raw = figure.panels[0].curves
    assert raw.faint
    assert not smooth.faint
    np.testing.assert_array_equal(raw.y, loss)
    np.testing.assert_allclose(smooth.y, moving_average(loss, 9))
    assert "9 points" in figure.caption
    assert "tenth" in figure.caption


def test_the_control_says_where_the_window_is_cut(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    run = add_run(project)
    add_curve(project, run, np.arange(45.0))
    data.reread()
    assert chart.bar["smoothing"].value() == 50
    assert "(now 4)" in chart.bar["smoothing"].text()
    assert "a tenth" in chart.bar["smoothing"].toolTip()
    data.extend(run, 45, {"loss": np.ones(600)}, [], None)
    data.grew.emit({run})
    assert "now" not in chart.bar["smoothing"].text()


def test_it_grows_while_a_run_goes_on(chart: LearningCurves, data: RunData, project: Project) -> None:
    run = add_run(project)
    add_curve(project, run, np.ones(100))
    data.reread()
    width = chart.x_range[1]
    data.extend(run, 100, {"loss": np.full(100, 3.0), "seconds": 50 + np.arange(1, 101) * 0.5}, [], None)
    data.grew.emit({run})
    assert chart.x_range[1] > 1.9 * width
    assert chart.values_at(200.0)[1] == ["3"]


def test_zooming_stops_following_and_a_brings_it_back(
    qtbot: QtBot, chart: LearningCurves, data: RunData, project: Project
) -> None:
    run = add_run(project)
    add_curve(project, run, np.arange(100.0))
    data.reread()
    whole = chart.x_range
    chart.plot.setFocus()
    qtbot.keyClick(chart.plot, Qt.Key.Key_Plus)
    zoomed = chart.x_range
    assert zoomed[1] - zoomed[0] < whole[1] - whole[0]
    assert chart.follow_button.isVisible()
    data.extend(run, 100, {"loss": np.ones(50)}, [], None)
    data.grew.emit({run})
    assert chart.x_range == zoomed
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].x_range == zoomed
    assert "Range shown" in figure.caption
    qtbot.keyClick(chart.plot, Qt.Key.Key_Right)
    assert chart.x_range[0] > zoomed[0]
    qtbot.keyClick(chart.plot, Qt.Key.Key_A)
    assert chart.x_range[1] > 150
    assert not chart.follow_button.isVisible()
    qtbot.keyClick(chart.plot, Qt.Key.Key_Minus)
    QTest.mouseDClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    assert chart.following


def test_the_cursor_tells_values_by_mouse_and_keyboard(
    qtbot: QtBot, chart: LearningCurves, data: RunData, project: Project
) -> None:
    add_curve(project, add_run(project), np.full(100, 2.5))
    data.reread()
    place = chart.plot.mapFromScene(chart.view.mapViewToScene(QPointF(50.0, 2.5)))
    QTest.mouseMove(chart.plot.viewport(), QPoint(5, 5))
    QTest.mouseMove(chart.plot.viewport(), place)
    qtbot.waitUntil(lambda: chart.readout.values == ("2.5",))
    assert chart.readout.header.startswith("meta-iteration")
    chart.set_cursor(None)
    assert chart.readout.values == ()
    qtbot.keyClick(chart.plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert chart.readout.values == ("2.5",)


def test_operations_on_the_horizontal_axis_once_they_are_counted(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    first, second = (add_run(project, label, status="running") for label in ("MAML", "Reptile"))
    for run in (first, second):
        add_curve(project, run, np.ones(3))
    data.reread()
    choose(chart, axis="operations")
    assert chart.figure() is None
    assert "not counted" in chart.hint
    cost = {
        "seconds": {"training": 2.0},
        "operations": {"iteration": 5 * 10**8, "task": 7},
        "peak_memory": 2**28,
    }
    test = summary([1.0, 0.5], episodes=100, episodes_hash="same", cost=cost)
    project.save_result(first, "test", test, {}, "same")
    project.update_run(first, status="finished")
    data.forget(first)
    data.reread()
    figure = chart.figure()
    assert figure is not None
    assert {tuple(each.x) for each in figure.panels[0].curves} == {(0.5, 1.0, 1.5)}
    assert "Left out, since their operations are not counted: Reptile." in figure.caption


def test_time_and_tasks_on_the_horizontal_axis(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    add_curve(project, add_run(project, seed=0), np.ones(10), seconds_each=1.0)
    add_curve(project, add_run(project, seed=1), np.ones(6), seconds_each=3.0)
    data.reread()
    choose(chart, axis="tasks")
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].curves[-1].x.tolist() == [4.0 * each for each in range(1, 11)]
    choose(chart, axis="seconds")
    figure = chart.figure()
    assert figure is not None
    x = figure.panels[0].curves[-1].x
    np.testing.assert_allclose(x[:6], 2.0 * np.arange(1, 7))
    assert (np.diff(x) > 0).all()  # also where the slow run has ended
    assert figure.panels[0].x_label == "Training time (s)"


def test_validations_after_a_chosen_inner_step(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    run = add_run(project)
    for iteration, loss in ((0, [3.0, 2.0]), (500, [2.5, None]), (1000, [2.0, 0.5])):
        project.add_evaluation(run, iteration, "validation", summary(loss))
    data.reread()
    choose(chart, measure="validation_loss")
    assert chart.values_at(1000.0)[1] == ["0.5"]
    choose(chart, step=0)
    assert chart.values_at(500.0)[1] == ["2.5"]
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].y_label == "Meta-validation mean squared error after 0 inner steps"


@pytest.mark.parametrize("standardise", [True, False])
def test_losses_of_standardised_values_say_so(
    chart: LearningCurves, data: RunData, project: Project, standardise: bool
) -> None:
    toml = f'[task]\nfamily = "functions"\npath = "a.npz"\nstandardise = {str(standardise).lower()}\n'
    experiment = project.add_experiment("Own", f'{toml}[[algorithm]]\nkind = "maml"\n', "c0ffee")
    given = {"name": "a", "algorithm": "maml", "label": "MAML", "seed": 0, "task": "functions"}
    run = project.add_run(experiment, **given)  # type: ignore[arg-type]
    add_curve(project, run, np.ones(5))
    project.add_evaluation(run, 0, "validation", summary([3.0, 2.0]))
    data.reread()
    choose(chart, measure="training_loss")
    figure = chart.figure()
    assert figure is not None
    unit = "mean squared error of standardised values" if standardise else "mean squared error"
    assert figure.panels[0].y_label == f"Own training loss ({unit})"


def test_accuracy_in_percent(chart: LearningCurves, data: RunData, project: Project) -> None:
    run = add_run(project, "ProtoNet", iterations_planned=9)
    project.add_evaluation(run, 0, "validation", classified([0.25], inner_steps=[1]))
    data.reread()
    choose(chart, measure="validation_accuracy")
    assert chart.values_at(0.0)[1] == ["25 %"]
    choose(chart, measure="validation_loss")
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].y_label == "Meta-validation cross-entropy (nats)"
    assert figure.panels[0].curves[0].kind == "markers"


def test_what_is_not_trained_is_a_broken_line_from_end_to_end(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    run = add_run(project, iterations_planned=100)
    for iteration, loss in ((0, 3.0), (50, 2.0), (100, 1.0)):
        project.add_evaluation(run, iteration, "validation", summary([loss]))
    project.add_evaluation(add_run(project, "Scratch"), 0, "validation", summary([2.5]))
    data.reread()
    choose(chart, measure="validation_loss")
    assert chart.values_at(50.0) == ("meta-iteration 50", ["2", "2.5"])
    x, y = chart.drawn()[1][1]
    assert x[0] <= chart.x_range[0] < chart.x_range[1] <= x[-1]
    assert y.tolist() == [2.5, 2.5]
    figure = chart.figure()
    assert figure is not None
    trained, level = figure.panels[0].curves
    assert (trained.dashed, level.dashed, level.kind) == (0, 1, "line")
    assert "Broken and level: not meta-trained." in figure.caption
    choose(chart, measure="training_loss")  # each algorithm's own: nothing to put beside it
    assert not chart.drawn()


def test_logarithmic_axes_leave_out_what_they_cannot_show(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    run = add_run(project)
    for iteration, loss in ((0, 1.0), (10, 0.0), (1000, 0.01)):
        project.add_evaluation(run, iteration, "validation", summary([loss]))
    data.reread()
    choose(chart, measure="validation_loss", log_x=True, log_y=True)
    assert 9 < chart.x_range[0] < 10.1
    assert chart.x_range[1] >= 1000
    assert 0 < chart.y_range[0] < 0.01


def test_a_long_curve_is_thinned_in_a_figure_and_says_so(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    loss = np.random.default_rng(0).random(20_000)
    loss[12_345] = 9.0
    add_curve(project, add_run(project), loss)
    data.reread()
    figure = chart.figure()
    assert figure is not None
    raw = figure.panels[0].curves[1]
    assert len(raw.x) <= 5000
    assert raw.y.max() == 9.0
    assert "thinned" in figure.caption


def test_the_highlighted_run_stands_out(chart: LearningCurves, data: RunData, project: Project) -> None:
    for label in ("MAML", "ANIL"):
        add_curve(project, add_run(project, label), np.ones(20))
    data.reread()
    data.select([data.runs()[1].id])
    assert [(each.strong, each.faint) for each in chart.readout.entries] == [(False, True), (True, False)]
    data.select(())
    assert not any(each.strong or each.faint for each in chart.readout.entries)


def test_a_run_that_went_back_is_drawn_anew(chart: LearningCurves, data: RunData, project: Project) -> None:
    run = add_run(project)
    add_curve(project, run, np.ones(100))
    data.reread()
    project.rewind(run, 40)
    data.forget(run)
    data.reread()
    assert chart.values_at(40.0)[1] == ["1"]
    assert chart.values_at(90.0)[1] == ["–"]


def test_settings_come_back_and_unfit_ones_are_left_out(chart: LearningCurves, data: RunData) -> None:
    choose(
        chart, measure="validation_loss", axis="seconds", step=3, log_y=True, smoothing={"training_loss": 7}
    )
    kept = chart.state()
    other = LearningCurves(data)
    other.restore(kept)
    assert other.state() == kept
    other.restore(
        {"measure": "nonsense", "axis": 3, "step": "x", "smoothing": {"training_loss": -1}, "joined": 5}
    )
    assert other.state() == kept
    other.deleteLater()


def test_the_readout_says_where_a_value_was_measured(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    for label, every in (("MAML", 40), ("ANIL", 40), ("Reptile", 30)):
        run = add_run(project, label)
        add_curve(project, run, np.ones(120))
        for at in range(0, 121, every):
            project.add_evaluation(run, at, "validation", summary([2.0, at / 100]))
    data.reread()
    choose(chart, measure="validation_loss")
    assert chart.values_at(119.0) == ("meta-iteration 120", ["1.2", "1.2", "1.2"])
    header, values = chart.values_at(22.0)
    assert "22" not in header
    assert values == ["0.4 at 40", "0.4 at 40", "0.3 at 30"]
    project.update_run(3, visible=False)
    data.reread()
    assert chart.values_at(22.0) == ("meta-iteration 40", ["0.4", "0.4"])
    assert chart.values_at(10_000.0) == ("", ["–", "–"])
    choose(chart, axis="tasks")
    assert chart.values_at(88.0)[0] == "tasks seen 160"


def test_another_project_has_its_own_units_and_its_own_curves(
    chart: LearningCurves, data: RunData, project: Project, tmp_path: Path
) -> None:
    """Runs of two projects have the same numbers."""
    run = add_run(project)
    for at in (0, 10, 20):
        project.add_evaluation(run, at, "validation", classified([0.2, 0.5]))
    data.reread()
    choose(chart, measure="validation_loss")
    assert "cross-entropy" in chart.plot.getAxis("left").labelText
    chart.view.setXRange(1000.0, 2000.0)
    chart.set_following(False)
    with Project.create(tmp_path / "other.mlwb") as other:
        for at in (0, 10, 20):
            other.add_evaluation(run if at else add_run(other), at, "validation", summary([9.0, 7.0]))
        data.open(other)
        assert "mean squared error" in chart.plot.getAxis("left").labelText
        assert "cross-entropy" not in chart.plot.getAxis("left").labelText
        assert chart.values_at(20.0) == ("meta-iteration 20", ["7"])
        assert chart.following
        data.open(None)


def test_a_run_that_diverges_does_not_flatten_the_others(
    qtbot: QtBot, chart: LearningCurves, data: RunData, project: Project
) -> None:
    steady, gone = add_run(project), add_run(project, "ANIL")
    add_curve(project, steady, np.linspace(3.0, 1.0, 200))
    add_curve(project, gone, np.concatenate([np.linspace(3.0, 2.0, 130), np.geomspace(40.0, 3.57e33, 70)]))
    for run, last in ((steady, 1.0), (gone, 3.57e33)):
        project.add_evaluation(run, 0, "validation", summary([3.0, 3.0]))
        project.add_evaluation(run, 200, "validation", summary([last, last]))
        project.update_run(run, status="finished", iterations=200, iterations_planned=200)
    data.reread()
    for log in (False, True):
        choose(chart, log_y=log)
        assert chart.y_range[1] < 40
        assert chart.all_button.isVisible()
        assert "ANIL (n = 1) (3.57×10³³)" in chart.all_button.text()
        assert labels(chart) == ["MAML (n = 1)", "ANIL (n = 1) ⚠ diverged at 131"]
        figure = chart.figure()
        assert figure is not None
        assert "Beyond the picture: ANIL (n = 1) (3.57×10³³)." in figure.caption
        qtbot.mouseClick(chart.all_button, Qt.MouseButton.LeftButton)
        assert chart.y_range[1] > 3e33
        qtbot.mouseClick(chart.all_button, Qt.MouseButton.LeftButton)
        assert chart.y_range[1] < 40
    project.update_run(gone, visible=False)
    data.reread()
    assert not chart.all_button.isVisible()


def test_a_damaged_run_is_left_out_and_named(data: RunData, project: Project, qtbot: QtBot) -> None:
    add_run(project, seed=0)
    bad = add_run(project, seed=1)
    with project.transaction():
        project._change("UPDATE runs SET colour = 'red' WHERE id = ?", (bad,))
    with qtbot.waitSignal(data.complained) as said:
        data.reread()
    assert [run.seed for run in data.runs()] == [0]
    assert said.args == [f"run {bad} is damaged and left out: colour cannot be 'red'"]
    with qtbot.assertNotEmitted(data.complained):
        data.reread()


def test_what_training_does_not_measure_is_shown_by_validations(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    """Sequences are judged by those that are right, which validations tell."""
    experiment = parse(LANGUAGES + '[[algorithm]]\nkind = "in_context"\n')
    family = runs.open_family(experiment)
    (run,) = runs.add(project, experiment, family)
    assert runs.perform(project, run, family, Control(), lambda *_: None) == "finished"
    data.reread()
    assert chart.settings.measure == "validation_exact"
    assert chart.hint == ""
    choose(chart, measure="training_loss")
    data.reread()
    assert chart.settings.measure == "training_loss"
