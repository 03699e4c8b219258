"""Measures of the algorithms' own: as curves over training, and in the comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from tests.gui.charts.made import add_curve, add_run, classified, summary
from tests.gui.finished import invent
from workbench.analysis.figure import as_csv
from workbench.export.drawing import to_bytes
from workbench.export.wishes import Style
from workbench.gui import theme
from workbench.gui.charts.comparison import ComparisonView
from workbench.gui.charts.learning_curves import LearningCurves
from workbench.gui.run_data import RunData
from workbench.project import Project, RunWriter

USUAL = ["Training loss", "Val. loss"]


def reported(group: str, **means: float | None) -> dict[str, Any]:
    return {
        "report": {
            group: {name.replace("_", " "): {"mean": each, "ci95": 0.1} for name, each in means.items()}
        }
    }


@pytest.fixture
def chart(qtbot: QtBot, data: RunData) -> LearningCurves:
    chart = LearningCurves(data)
    qtbot.addWidget(chart)
    chart.resize(640, 420)
    chart.show()
    qtbot.waitExposed(chart)
    return chart


def offered(chart: LearningCurves) -> list[str]:
    return [
        chart.bar["measure"].itemText(i)
        for i in range(chart.bar["measure"].count())
        if chart.bar["measure"].itemText(i)
    ]


def choose(chart: LearningCurves, text: str) -> None:
    chart.bar["measure"].setCurrentIndex(chart.bar["measure"].findText(text))


def labels(chart: LearningCurves) -> list[str]:
    return [each.label for each in chart.readout.entries]


def weighed(project: Project, label: str = "Fusion", seeds: int = 2, members: int = 3) -> None:
    """Runs whose members have weights that change while they train."""
    for seed in range(seeds):
        run = add_run(project, label, seed)
        add_curve(project, run, np.ones(20))
        for at in (0, 10, 20):
            means = {f"member_{m + 1}": (m + seed + at / 10) / 10 for m in range(members)}
            project.add_evaluation(run, at, "validation", summary([1.0, 0.5], **reported("weight", **means)))


def test_what_the_shown_runs_measure_besides_is_offered_below_the_rest(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    run = add_run(project)
    project.add_evaluation(run, 0, "validation", summary([1.0, 0.5]))  # as older files have it
    data.reread()
    assert offered(chart) == USUAL
    weighed(project)
    other = add_run(project, "Gates")
    project.add_evaluation(other, 0, "validation", summary([1.0], **reported("open gates", all=0.5)))
    data.reread()
    assert offered(chart) == [*USUAL, "Open gates", "Weight"]
    project.update_run(other, visible=False)
    data.reread()
    assert offered(chart) == [*USUAL, "Weight"]


def test_each_name_is_a_curve_of_the_joined_seeds(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    weighed(project)
    add_curve(project, add_run(project, "MAML"), np.ones(20))
    data.reread()
    choose(chart, "Weight")
    assert labels(chart) == [f"Fusion: member {m} (n = 2)" for m in (1, 2, 3)]
    header, values = chart.values_at(10.0)
    assert header == "meta-iteration 10"
    assert [each.split()[0] for each in values] == ["0.15", "0.25", "0.35"]
    assert "(n = 2)" in values[0]
    assert not chart.bar["step"].isVisible()
    chart.bar["joined"].setChecked(False)
    assert labels(chart)[:2] == ["Fusion, seed 0: member 1", "Fusion, seed 0: member 2"]
    assert len(labels(chart)) == 6
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].y_label == "Weight"
    assert "Weight, on the frozen meta-validation episodes, after the last inner step" in figure.caption
    assert as_csv(figure).count("Fusion, seed 1: member 3") == 3


@pytest.mark.parametrize("axis", ["seconds", "tasks"])
def test_they_are_drawn_by_time_and_tasks_too(
    chart: LearningCurves, data: RunData, project: Project, axis: str
) -> None:
    weighed(project)
    data.reread()
    chart.restore({"measure": "report/weight", "axis": axis})
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].curves[0].x.tolist() == ([0, 5, 10] if axis == "seconds" else [0, 40, 80])


def test_curves_of_one_algorithm_differ_in_shade_and_in_dashes(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    weighed(project, members=5)
    data.reread()
    choose(chart, "Weight")
    entries = chart.readout.entries
    assert len({(each.colour, each.dashed) for each in entries}) == 5
    light = [sum(int(each.colour[at : at + 2], 16) for at in (1, 3, 5)) for each in entries]
    assert light == sorted(light)
    assert len({each.dashed for each in entries}) == 4
    figure = chart.figure()
    assert figure is not None
    assert len({(curve.colour, curve.shade) for curve in figure.panels[0].curves}) == 5
    for black in (False, True):
        assert to_bytes(figure, Style(black=black), "svg")


def test_intervals_of_many_curves_are_left_out_of_the_picture_only(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    weighed(project, members=5)
    data.reread()
    choose(chart, "Weight")
    figure = chart.figure()
    assert figure is not None
    assert not any(curve.shaded for curve in figure.panels[0].curves)
    assert "not drawn" in figure.caption
    assert np.isfinite(figure.panels[0].curves[0].low).all()
    data.select([data.runs()[0].id])
    assert all(each.strong for each in chart.readout.entries)


def test_two_configurations_of_one_algorithm_are_told_apart(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    weighed(project, seeds=1)
    weighed(project, seeds=1)  # the same seed again
    data.reread()
    choose(chart, "Weight")
    looks = [(each.colour, each.dashed) for each in chart.readout.entries]
    assert len(looks) == len(set(looks)) == 6


def test_units_follow_the_group(chart: LearningCurves, data: RunData, project: Project) -> None:
    run = add_run(project)
    for at in (0, 10):
        report = {"report": {
            "segment loss": {f"segment {n}": {"mean": n / 2, "ci95": 0.1} for n in range(1, 12)},
            "segment accuracy": {"segment 1": {"mean": 0.25, "ci95": 0.1}},
            "tasks in memory": {"all": {"mean": 40, "ci95": None}},
        }}  # fmt: skip
        project.add_evaluation(run, at, "validation", classified([0.5], **report))
    data.reread()
    choose(chart, "Segment loss")
    figure = chart.figure()
    assert figure is not None
    assert figure.panels[0].y_label == "Segment cross-entropy (nats)"
    assert "meta-training episodes of each segment" in figure.caption
    assert labels(chart)[1].startswith("MAML: segment 2 ")  # not 10
    choose(chart, "Segment accuracy")
    assert chart.values_at(10.0)[1] == ["25 %"]
    assert not chart.bar["log_y"].isEnabled()
    choose(chart, "Tasks in memory")
    assert chart.values_at(10.0)[1] == ["40"]


def test_a_choice_comes_back_before_its_runs_do(
    chart: LearningCurves, data: RunData, project: Project
) -> None:
    chart.restore({"measure": "report/weight"})
    assert chart.bar["measure"].currentText() == "Weight"
    run = add_run(project)
    project.add_evaluation(run, 0, "validation", summary([1.0]))
    data.reread()
    assert "None of the runs" in chart.hint
    assert chart.state()["measure"] == "report/weight"
    weighed(project)
    data.reread()
    assert chart.hint == ""
    assert len(labels(chart)) == 3


@pytest.mark.parametrize(
    "report", [3, {"a": 3}, {"a": {"b": 3}}, {"a": {"b": {"mean": "x", "ci95": []}}}, {"a": {"b": {}}}]
)
def test_a_strangers_report_does_no_harm(
    chart: LearningCurves, data: RunData, project: Project, report: Any
) -> None:
    project.add_evaluation(add_run(project), 0, "validation", summary([1.0], report=report))
    data.reread()
    chart.restore({"measure": "report/a"})
    assert chart.drawn() == []


def test_a_report_grows_while_a_run_goes_on(chart: LearningCurves, data: RunData, project: Project) -> None:
    weighed(project, seeds=1)
    data.reread()
    choose(chart, "Weight")
    (run,) = [each.id for each in data.runs()]
    more = summary([1.0], **reported("weight", member_1=0.9, member_2=0.8, member_3=None))
    data.extend(run, 20, {"loss": np.ones(10), "seconds": 10 + np.arange(1, 11)}, [(30, more)], None)
    data.grew.emit({run})
    assert chart.values_at(30.0)[1] == ["0.9", "0.8", "–"]


# --- the comparison --------------------------------------------------------------------------------------


def attacked(project: Project, label: str, robust: float, *, epsilon: float = 8 / 255, **more: Any) -> None:
    """A finished run that was attacked too."""
    (run,) = invent(project, label, [1.0], accuracy=0.875)
    found = project.result(run, "test")
    assert found is not None
    measured = {"accuracy": {"mean": robust, "ci95": 0.02}, "loss": {"mean": 2.5, "ci95": 0.1}}
    attack = {"kind": "pgd", "epsilon": epsilon, "steps": 20, "step_size": 0.01}
    writer = RunWriter(project, run)
    writer.result(
        "test", found.summary | {"report": {"robust": measured}, "attack": attack} | more, {}, "e" * 64
    )
    writer.flush()


@pytest.fixture
def view(qtbot: QtBot, data: RunData) -> ComparisonView:
    view = ComparisonView(data)
    qtbot.addWidget(view)
    view.resize(700, 480)
    view.show()
    return view


def box(view: ComparisonView, name: str) -> QComboBox:
    found = view.findChild(QComboBox, f"comparison_{name}")
    assert isinstance(found, QComboBox)
    return found


def pick(view: ComparisonView, text: str) -> None:
    combo = box(view, "measure")
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


def test_robust_accuracy_is_compared(view: ComparisonView, data: RunData, project: Project) -> None:
    attacked(project, "MAML", 0.25)
    attacked(project, "AQ", 0.625)
    invent(project, "Reptile", [1.0], accuracy=0.5)
    data.reread()
    combo = box(view, "measure")
    assert [combo.itemText(i) for i in range(combo.count())] == [
        "Accuracy",
        "Cross-entropy",
        "Robust accuracy",
        "Robust cross-entropy",
    ]
    pick(view, "Robust accuracy")
    assert not box(view, "step").isVisible()
    figure = view.figure()
    assert figure is not None
    assert [curve.y.tolist() for curve in figure.panels[0].curves] == [[0.25], [0.625]]
    assert figure.panels[0].y_label == "Meta-test robust accuracy"
    assert "Robust accuracy after the last inner step" in figure.caption
    assert "PGD, ε = 0.0314, 20 steps" in figure.caption
    assert "PGD" in view.note
    assert "No value of this measure: Reptile." in view.note
    model = view.table.model()
    headings = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    assert headings[2] == "Robust accuracy"
    assert "Robust" in headings
    assert "Forgotten" not in headings
    assert model.index(0, 2).data() == "25.0%"
    pick(view, "Cross-entropy")
    assert box(view, "step").isVisible()
    assert model.index(0, headings.index("Robust")).data() == "25.0%"


def test_runs_that_were_attacked_otherwise_are_not_compared_silently(
    view: ComparisonView, data: RunData, project: Project
) -> None:
    attacked(project, "MAML", 0.25)
    attacked(project, "AQ", 0.625, epsilon=0.5)
    data.reread()
    pick(view, "Robust cross-entropy")
    assert "not attacked alike" in view.note


def test_what_a_stream_forgot_stands_in_the_table(
    view: ComparisonView, data: RunData, project: Project
) -> None:
    drift = {
        "segments": 2,
        "loss": [],
        "forgetting": [0.5],
        "forgetting_mean": 0.5,
        "backward_transfer": -0.5,
    }
    attacked(project, "MAML", 0.25, drift=drift)
    data.reread()
    figure = view.figure()
    assert figure is not None
    assert figure.table[0]["forgetting"] == 0.5
    model = view.table.model()
    headings = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    assert model.index(0, headings.index("Transfer back")).data() == "-0.5"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_they_are_drawn_in_light_and_dark(
    chart: LearningCurves, data: RunData, project: Project, scheme: theme.Scheme, tmp_path: Path
) -> None:
    theme.apply(scheme)
    weighed(project)
    data.reread()
    choose(chart, "Weight")
    assert chart.grab().save(str(tmp_path / "x.png"))
