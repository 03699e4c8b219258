"""The adaptation chart, on real widgets and a real project."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.gui.charts.made import add_run, classified, summary
from workbench.gui.charts.adaptation import AdaptationChart
from workbench.gui.run_data import RunData
from workbench.project import Project


@pytest.fixture
def chart(qtbot: QtBot, data: RunData) -> AdaptationChart:
    chart = AdaptationChart(data)
    qtbot.addWidget(chart)
    chart.resize(640, 420)
    chart.show()
    qtbot.waitExposed(chart)
    return chart


def labels(chart: AdaptationChart) -> list[str]:
    return [each.label for each in chart.readout.entries]


def test_nothing_yet_is_explained(chart: AdaptationChart, data: RunData, project: Project) -> None:
    assert "Ctrl+R" in chart.hint
    run = add_run(project)
    data.reread()
    assert "No validation yet" in chart.hint
    project.add_evaluation(run, 0, "validation", summary([1.0]))
    data.forget()
    data.reread()
    assert chart.hint == ""
    chart.restore({"quantity": "accuracy"})
    assert "None of the runs that are shown measures this" in chart.hint
    chart.restore({"quantity": "loss", "split": "test"})
    assert "meta-test" in chart.hint


def test_one_seed_is_over_tasks_and_several_are_over_seeds(
    chart: AdaptationChart, data: RunData, project: Project
) -> None:
    for seed, loss in enumerate(([3.0, 1.0], [3.0, 2.0], [3.0, 3.0])):
        project.add_evaluation(add_run(project, seed=seed), 500, "validation", summary(loss))
    project.add_evaluation(add_run(project, "ANIL"), 500, "validation", summary([3.0, 0.5], ci=0.2))
    data.reread()
    assert labels(chart) == ["MAML (n = 3 seeds)", "ANIL (1 seed, 100 tasks)"]
    assert chart.values_at(1.2) == ("after 1 inner step", ["2 ± 2.5 (n = 3)", "0.5 ± 0.2"])
    figure = chart.figure()
    assert figure is not None
    assert "over seeds where n seeds are named, over tasks where there is one seed" in figure.caption
    maml, anil = figure.panels[0].curves
    assert maml.n is not None
    assert maml.n.tolist() == [3, 3]
    assert anil.low is not None
    np.testing.assert_allclose(anil.low, [2.8, 0.3])


def test_the_slider_looks_back_and_follows_at_its_end(
    qtbot: QtBot, chart: AdaptationChart, data: RunData, project: Project
) -> None:
    run, other = add_run(project), add_run(project, "ANIL")
    for iteration in (0, 500, 1000):
        project.add_evaluation(run, iteration, "validation", summary([3.0, 2.0 - iteration / 1000]))
    project.add_evaluation(other, 400, "validation", summary([9.0, 8.0]))
    data.reread()
    assert chart.live
    assert chart.values_at(1.0)[1] == ["1 ± 0.1", "8 ± 0.1"]
    data.extend(run, 1000, {}, [(1500, summary([3.0, 0.25]))], None)
    data.grew.emit({run})
    assert chart.values_at(1.0)[1][0] == "0.25 ± 0.1"
    chart.slider.setFocus()
    for _ in range(2):
        qtbot.keyClick(chart.slider, Qt.Key.Key_Left)
    assert not chart.live
    assert "500" in chart.place.text()
    assert chart.values_at(1.0)[1] == ["1.5 ± 0.1", "8 ± 0.1"]
    data.extend(run, 1500, {}, [(2000, summary([3.0, 0.125]))], None)
    data.grew.emit({run})
    assert chart.values_at(1.0)[1] == ["1.5 ± 0.1", "8 ± 0.1"]  # stays where the person is
    qtbot.keyClick(chart.slider, Qt.Key.Key_Home)
    assert chart.values_at(1.0)[1] == ["2 ± 0.1"]  # ANIL has nothing that early
    qtbot.keyClick(chart.slider, Qt.Key.Key_End)
    assert chart.live
    assert chart.values_at(1.0)[1][0] == "0.125 ± 0.1"


def test_a_closed_form_is_a_point_with_a_whisker(
    chart: AdaptationChart, data: RunData, project: Project
) -> None:
    run = add_run(project, "ProtoNet")
    project.add_evaluation(run, 0, "validation", classified([0.9], inner_steps=[1]))
    data.reread()
    chart.restore({"quantity": "accuracy"})
    assert chart.values_at(1.0)[1] == ["90 ± 2 %"]
    assert chart.values_at(0.0)[1] == ["–"]
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].curves[0].kind == "markers"
    assert figure.panels[0].y_label == "Query accuracy (%)"


def test_diverged_tasks_are_counted(chart: AdaptationChart, data: RunData, project: Project) -> None:
    for seed in (0, 1):
        run = add_run(project, seed=seed)
        project.add_evaluation(run, 0, "validation", summary([1.0 + seed, None, 2.0], diverged=[0, 100, 3]))
    data.reread()
    assert chart.values_at(2.0)[1] == ["2 ± 0 (n = 2, 6 diverged)"]
    assert chart.values_at(1.0)[1] == ["–"]
    figure = chart.figure()
    assert figure is not None
    assert "Diverged tasks at the worst step: MAML 200 of 200" in figure.caption


def test_a_mean_is_of_seeds_that_were_trained_equally_long(
    chart: AdaptationChart, data: RunData, project: Project
) -> None:
    for seed, iteration, loss in ((0, 500, 9.0), (1, 1000, 1.0), (2, 1000, 3.0)):
        project.add_evaluation(add_run(project, seed=seed), iteration, "validation", summary([loss]))
    data.reread()
    assert labels(chart) == ["MAML (n = 2 of 3 seeds)"]
    assert chart.values_at(0.0)[1][0].startswith("2 ")
    chart.slider.setValue(0)
    assert labels(chart) == ["MAML (1 of 3 seeds, 100 tasks)"]
    assert chart.values_at(0.0)[1][0].startswith("9 ")


def test_the_test_replaces_the_validation(chart: AdaptationChart, data: RunData, project: Project) -> None:
    run = add_run(project)
    project.add_evaluation(run, 0, "validation", summary([1.0, 0.5]))
    test = summary([1.0, 0.25], tasks=600, episodes=600, episodes_hash="hash", split="test")
    project.save_result(run, "test", test, {}, "hash")
    data.reread()
    chart.restore({"split": "test"})
    assert labels(chart) == ["MAML (1 seed, 600 tasks)"]
    assert chart.values_at(1.0)[1] == ["0.25 ± 0.1"]
    assert not chart.slider.isVisible()


def test_before_training_is_a_dashed_reference(
    chart: AdaptationChart, data: RunData, project: Project
) -> None:
    run = add_run(project)
    for iteration in (0, 500):
        project.add_evaluation(run, iteration, "validation", summary([3.0, 2.0 - iteration / 500]))
    data.reread()
    chart.restore({"before": True, "log_y": True})
    figure = chart.figure()
    assert figure is not None
    reference, newest = figure.panels[0].curves
    assert (reference.dashed, reference.y.tolist(), reference.low) == (True, [3.0, 2.0], None)
    assert newest.y.tolist() == [3.0, 1.0]
    assert figure.panels[0].y_log
    assert labels(chart) == ["MAML (1 seed, 100 tasks)", "before training"]


def test_a_strangers_summary_is_survived(chart: AdaptationChart, data: RunData, project: Project) -> None:
    run = add_run(project)
    for iteration, values in enumerate(
        ({}, {"inner_steps": [0], "loss": "x"}, {"inner_steps": [[1]], "loss": [None], "loss_ci95": [{}]})
    ):
        project.add_evaluation(run, iteration, "validation", values)
    data.reread()
    assert chart.figure() is None
    assert chart.hint


def test_settings_come_back(chart: AdaptationChart, data: RunData) -> None:
    chart.restore({"quantity": "accuracy", "split": "test", "before": True, "log_y": True})
    kept = chart.state()
    other = AdaptationChart(data)
    other.restore(kept)
    assert other.state() == kept
    other.restore({"quantity": 3, "split": "moon", "before": "yes"})
    assert other.state() == kept
    other.deleteLater()


def test_a_learner_that_diverges_does_not_flatten_the_others(
    chart: AdaptationChart, data: RunData, project: Project
) -> None:
    for label, loss in (("MAML", [3.0, 1.0]), ("ANIL", [3.0, 9e30])):
        project.add_evaluation(add_run(project, label, iterations=500), 500, "validation", summary(loss))
    data.reread()
    assert chart.y_range[1] < 10
    assert "ANIL" in chart.all_button.text()
    assert "9×10³⁰" in chart.all_button.text()
    assert any("⚠ diverged at 500" in each for each in labels(chart))
    chart.all_button.click()
    assert chart.y_range[1] > 8e30
