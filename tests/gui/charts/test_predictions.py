"""The view "Predictions": functions and pictures, from checkpoints and from a run that trains."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QScrollArea, QSlider, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from tests.data import sources
from tests.experiments import SINUSOID
from tests.gui.finished import DIGITS, project_of, stop_half_way
from workbench import runs
from workbench.data.found import BETWEEN
from workbench.engine import predictions
from workbench.engine.predicted import Request
from workbench.gui.charts.board import Board
from workbench.gui.charts.predictions import PredictionView
from workbench.gui.run_data import RunData
from workbench.gui.worker import Worker
from workbench.pictures import RUNS, Curve, Figure, Head, Panel
from workbench.project import Project
from workbench.tasks.base import DataError
from workbench.words import plural

Show = Callable[..., PredictionView]


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Show]:
    """Opens a project in a view, with the engine there."""
    worker, opened = Worker(), []

    def make(path: Path, ready: bool = True) -> PredictionView:
        project = Project.open(path)
        opened.append(project)
        data = RunData()
        data.open(project)
        view = PredictionView(data, worker)
        data.setParent(view)
        qtbot.addWidget(view)
        view.set_project_path(path)
        if ready:
            view.engine_ready()
        view.resize(640, 480)
        view.show()
        return view

    yield make
    worker.close()
    for project in opened:
        project.close()


def drawn(qtbot: QtBot, view: PredictionView) -> None:
    qtbot.waitUntil(lambda: view.hint == "" and view.figure() is not None, timeout=30_000)


def child(view: PredictionView, kind: type[Any], name: str) -> Any:
    found = view.findChild(kind, name)
    assert found is not None, name
    return found


def expected(path: Path, run: int, request: Request) -> Any:
    with Project.open(path, read_only=True) as project:
        experiment = runs.of_record(project, project.run(run)).experiment
        family = runs.open_family(experiment)
        learned = runs.learned(project, run, family)
        return predictions.requested(learned.algorithm, learned.meta, experiment, family, request)


def test_functions_are_drawn_before_and_after_each_step(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "maml", seeds=1)
    view = show(path)
    drawn(qtbot, view)
    found = expected(path, run, Request(0, 4))
    figure = view.figure()
    assert figure is not None
    assert [panel.title.split(" · ")[0] for panel in figure.panels] == [f"Task {i}" for i in (1, 2, 3, 4)]
    for task, panel in enumerate(figure.panels):
        curves = {curve.label: curve for curve in panel.curves}
        assert list(curves) == [
            "true function", "before adaptation", "after 1 step", "after 2 steps", "after 3 steps", "support",
        ]  # fmt: skip
        order = np.argsort(found.query["x"][task, :, 0])
        shown = found.outputs["shown"][:, task, order, 0]
        np.testing.assert_allclose(curves["true function"].y, found.query["y"][task, order, 0])
        np.testing.assert_allclose(curves["before adaptation"].y, shown[0], rtol=1e-6)
        np.testing.assert_allclose(curves["after 3 steps"].y, shown[3], rtol=1e-6)
        np.testing.assert_allclose(curves["support"].x, found.support["x"][task, :, 0])
        assert view.board.plots[task].panel is panel
    assert "MAML, seed 0 after 12 meta-iterations" in child(view, QLabel, "prediction_view_note").text()


def test_functions_far_from_zero_are_drawn_in_their_own_units(
    qtbot: QtBot, tmp_path: Path, show: Show
) -> None:
    file, path = tmp_path / "a.npz", tmp_path / "p.mlwb"
    rng = np.random.default_rng(5)
    task, x = np.arange(12).repeat(30), 1.6e15 + 1e6 * rng.uniform(-5, 5, 360)  # microseconds
    np.savez(file, x=x, y=6e7 + np.sin((x - 1.6e15) / 1e6 + task), task=task)
    family = f'family = "functions"\npath = "{file.as_posix()}"'
    project_of(path, "maml", seeds=1, text=SINUSOID.replace('family = "sinusoid"', family))
    view = show(path)
    drawn(qtbot, view)
    figure = view.figure()
    assert figure is not None
    truth = figure.panels[0].curves[0]
    assert np.abs(truth.x[:, None] - x[None]).min(1).max() < 2
    assert np.abs(truth.y - 6e7).max() < 1.01
    plot = view.board.plots[0]
    labels = [plot.getAxis(side).labelText for side in ("bottom", "left")]
    assert labels == [
        "x − 1\u202f600\u202f000\u202f000\u202f000\u202f000",
        "y − 60\u202f000\u202f000",
    ]
    left, right = plot.getViewBox().viewRange()[0]
    assert left < (truth.x - 1.6e15).min() < (truth.x - 1.6e15).max() < right
    assert right - left < 2 * (truth.x.max() - truth.x.min())
    assert "standardised loss" in plot.panel.title


def test_the_step_is_chosen_by_slider_and_number(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "maml", seeds=1)
    view = show(path)
    drawn(qtbot, view)
    slider, spin = child(view, QSlider, "prediction_step"), child(view, QSpinBox, "prediction_step_number")
    assert (slider.maximum(), slider.value(), spin.value()) == (3, 3, 3)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert spin.value() == 2
    spin.setValue(0)
    assert slider.value() == 0
    figure = view.figure()
    assert figure is not None
    assert [curve.label for curve in figure.panels[0].curves] == [
        "true function",
        "before adaptation",
        "support",
    ]
    assert child(view, QLabel, "prediction_score").text() == "before adaptation"


def test_other_tasks_and_one_task_can_be_shown(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "maml", seeds=1)
    view = show(path)
    drawn(qtbot, view)
    forward, back = (
        child(view, QToolButton, "prediction_next"),
        child(view, QToolButton, "prediction_previous"),
    )
    assert not back.isEnabled()
    qtbot.mouseClick(forward, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: child(view, QLabel, "prediction_task").text() == "Tasks 5–8", timeout=10_000)
    count = child(view, QComboBox, "prediction_count")
    count.setCurrentIndex(0)
    count.activated.emit(0)
    qtbot.waitUntil(lambda: child(view, QLabel, "prediction_task").text() == "Task 5", timeout=10_000)
    figure = view.figure()
    assert figure is not None
    truth = figure.panels[0].curves[0].y
    np.testing.assert_allclose(sorted(truth), sorted(expected(path, run, Request(4, 1)).query["y"][0, :, 0]))
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: child(view, QLabel, "prediction_task").text() == "Task 4", timeout=10_000)
    assert view.state() == {"first": 3, "tasks": 1, "step": -1, "samples": 0, "counts": False}


def test_a_subject_is_seen_with_fewer_samples(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    text = SINUSOID.replace('family = "sinusoid"', 'family = "pharmacokinetics"')
    (run,) = project_of(path, "cnp", text=text, seeds=1)
    view = show(path)
    drawn(qtbot, view)
    slider = child(view, QSlider, "prediction_samples")
    assert (slider.isVisible(), slider.minimum(), slider.maximum(), slider.value()) == (True, 1, 5, 5)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    words = child(view, QLabel, "prediction_samples_number")
    qtbot.waitUntil(lambda: words.text() == "3 of 5", timeout=30_000)
    qtbot.waitUntil(lambda: "later samples" in str(view.figure()), timeout=30_000)
    figure, found = view.figure(), expected(path, run, Request(samples=3))
    assert figure is not None
    assert found.withheld == 2
    shown = {curve.label: curve for curve in figure.panels[0].curves}
    assert (len(shown["samples"].x), len(shown["later samples"].x)) == (3, 2)
    order = found.query["x"][0, :, 0].argsort(kind="stable")
    median = shown["predicted median, 90% band"]
    np.testing.assert_allclose(median.y, found.outputs["shown"][0, 0, order, 0])
    assert "no medical device" in figure.caption
    count = child(view, QComboBox, "prediction_count")
    count.setCurrentIndex(2)
    count.activated.emit(2)
    qtbot.waitUntil(lambda: child(view, QLabel, "prediction_task").text() == "Tasks 1–12", timeout=30_000)
    figure = view.figure()
    assert figure is not None
    assert len(figure.panels) == 12
    assert figure.columns == 4
    assert len({panel.y_range for panel in figure.panels}) == 1
    assert figure.panels[11].title.startswith("Task 12 · dose ")


def test_a_confusion_matrix_counts_the_queries_and_a_click_selects_the_learner(
    qtbot: QtBot, tmp_path: Path, show: Show
) -> None:
    path = tmp_path / "p.mlwb"
    first, second = project_of(path, "protonet", "maml", seeds=1, text=DIGITS)
    view = show(path)
    qtbot.waitUntil(lambda: len(view.board.cells) == 2)
    child(view, QCheckBox, "prediction_counts").click()
    figure = view.figure()
    assert figure is not None
    for panel, run in zip(figure.panels, (first, second), strict=True):
        found = expected(path, run, Request(0, 4))
        true, taken = found.query["y"][0], found.outputs["shown"][-1 if run == second else 0, 0].argmax(-1)
        counts = np.zeros((len(panel.shades), len(panel.shades)))
        np.add.at(counts, (true, taken), 1)
        assert [[int(shade.text) for shade in row] for row in panel.shades] == counts.tolist()
        assert all(
            shade.strong == (at == row)
            for row, line in enumerate(panel.shades)
            for at, shade in enumerate(line)
        )
    assert view.state()["counts"] is True
    child(view, QCheckBox, "prediction_counts").click()
    assert all(panel.pictures for panel in view.figure().panels)  # type: ignore[union-attr]
    qtbot.mouseClick(view.board.cells[1], Qt.MouseButton.LeftButton)
    assert view.data.selected == (second,)


def test_images_are_marked_right_or_wrong_and_counted(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "maml", seeds=1, text=DIGITS)
    view = show(path)
    drawn(qtbot, view)
    found = expected(path, run, Request())
    (cell,) = view.board.cells
    tiles = [picture for row in cell.panel.pictures for picture in row[1:]]
    taken, true = found.outputs["shown"][3, 0].argmax(-1), found.query["y"][0]
    names = ["AB"[label] for label in taken]
    marks = ["✓" if right else "✗" for right in taken == true]
    assert [tile.caption for tile in tiles] == [f"{n} {m}" for n, m in zip(names, marks, strict=True)]
    assert [tile.frame for tile in tiles] == ["right" if right else "wrong" for right in taken == true]
    assert [row[0].caption for row in cell.panel.pictures] == ["S", "S"]
    assert f"{(taken == true).sum()} of 8" in cell.panel.title
    assert not child(view, QComboBox, "prediction_count").isVisible()
    figure = view.figure()
    assert figure is not None
    (panel,) = figure.panels
    assert [len(row) for row in panel.pictures] == [5, 5]
    assert found.excerpt is not None
    titles = dict(zip("AB", found.excerpt.classes, strict=True))
    assert [row["predicted"] for row in figure.table] == [f"{each}  {titles[each]}" for each in names]
    assert f"A  {titles['A']}, B  {titles['B']}." in figure.caption
    np.testing.assert_allclose(panel.pictures[0][1].pixels, found.query["x"][0, 0])


def test_texts_are_listed_under_their_class_and_counted_in_the_figure(
    qtbot: QtBot, tmp_path: Path, show: Show
) -> None:
    path = tmp_path / "p.mlwb"
    source = json.dumps(str(sources.clinc(tmp_path / "intents.json")))
    text = DIGITS.replace('family = "digits"', f'family = "text"\npath = {source}\nways = 2\ndimensions = 8')
    (run,) = project_of(path, "maml", seeds=1, text=text)
    view = show(path)
    drawn(qtbot, view)
    found = expected(path, run, Request())
    assert found.excerpt is not None
    model = view.texts.model()
    listed = [[str(model.index(row, at).data()) for at in range(3)] for row in range(model.rowCount())]
    shown, true = found.outputs["shown"][3, 0], found.query["y"][0]
    for label, letter in enumerate("AB"):
        title = f"{letter}  {found.excerpt.classes[label]}"
        (seen,), told = found.excerpt.support[label], found.excerpt.query[label]
        shares = shown[true == label]
        marks = [
            f"{'AB'[each.argmax()]} {'✓' if each.argmax() == label else '✗'} {each.max():.0%}"
            for each in shares
        ]
        expected_rows = [[seen, title, "support"], *([t, title, m] for t, m in zip(told, marks, strict=True))]
        assert [row for row in listed if row[1] == title] == expected_rows
    figure = view.figure()
    assert figure is not None
    assert [row["text"] for row in figure.table] == [*found.excerpt.query[0], *found.excerpt.query[1]]
    (panel,) = figure.panels
    right = sum(int(panel.shades[at][at].text) for at in (0, 1))
    assert right == int((shown.argmax(-1) == true).sum())
    assert sum(int(cell.text) for row in panel.shades for cell in row) == 8


def test_of_a_pair_both_texts_are_listed(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    source = json.dumps(str(sources.sentence_pairs(tmp_path / "pairs.tsv")))
    own = f'family = "sentence_pairs"\npath = {source}\nways = 2\ndimensions = 4'
    text = DIGITS.replace('family = "digits"', own)
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "protonet", seeds=1, text=text)
    view = show(path)
    drawn(qtbot, view)
    found = expected(path, run, Request())
    assert found.excerpt is not None
    model = view.texts.model()
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Second text"
    listed = {
        BETWEEN.join(str(model.index(row, at).data()) for at in (0, 1)) for row in range(model.rowCount())
    }
    assert listed == {
        text for part in (found.excerpt.support, found.excerpt.query) for own in part for text in own
    }


def test_a_closed_form_has_no_steps_to_choose(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "protonet", seeds=1, text=DIGITS)
    view = show(path)
    drawn(qtbot, view)
    assert not child(view, QSlider, "prediction_step").isVisible()
    assert "closed form" in child(view, QLabel, "prediction_score").text()


def test_untrained_weights_are_no_answer(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "maml", seeds=1, done=0)
    view = show(path)
    qtbot.waitUntil(lambda: "no checkpoint yet" in view.hint, timeout=30_000)
    assert view.figure() is None


def test_a_stopped_run_shows_what_it_learned_so_far(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "maml", seeds=1, done=0)
    stop_half_way(path, run)
    view = show(path)
    drawn(qtbot, view)
    with Project.open(path, read_only=True) as project:
        checkpoint = project.checkpoint(run)
    assert checkpoint is not None
    assert (
        f"after {plural(checkpoint.iteration, 'meta-iteration')}"
        in child(view, QLabel, "prediction_view_note").text()
    )


def test_data_that_is_gone_is_said_in_words(
    qtbot: QtBot, tmp_path: Path, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "maml", seeds=1)

    def gone(*_: Any, **__: Any) -> None:
        raise DataError("images.zip: there is no such file")

    monkeypatch.setattr(runs, "open_family", gone)
    view = show(path)
    qtbot.waitUntil(lambda: view.hint == "images.zip: there is no such file", timeout=30_000)


def test_the_picked_run_is_shown(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    first, second = project_of(path, "maml", "scratch", seeds=1)
    view = show(path)
    drawn(qtbot, view)
    view.data.select([second])
    qtbot.waitUntil(
        lambda: "From scratch" in child(view, QLabel, "prediction_view_note").text(), timeout=10_000
    )
    figure = view.figure()
    assert figure is not None
    assert "From scratch, seed 0" in figure.caption
    assert first != second


def test_a_run_in_training_tells_its_predictions(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    (run,) = project_of(path, "maml", seeds=1, done=0)
    view = show(path, ready=False)
    assert "PyTorch" in view.hint
    assert view.wanted() is None
    view.data.note(run, status="running")
    view.data.listed.emit()
    request = view.wanted()
    assert request == Request(0, 4)
    stop_half_way(path, run)  # only for weights to predict with
    told = expected(path, run, request)
    view.receive(run, 5, told)
    figure = view.figure()
    assert figure is not None
    assert "after 5 meta-iterations" in figure.caption
    np.testing.assert_allclose(sorted(figure.panels[2].curves[0].y), sorted(told.query["y"][2, :, 0]))
    view.receive(run + 1, 9, told)  # of another run: not looked at
    view.receive(run, 9, expected(path, run, Request(4, 4)))  # tasks that are no longer wanted
    figure = view.figure()
    assert figure is not None
    assert "after 5 meta-iterations" in figure.caption
    view.hide()
    assert view.wanted() is None


def test_another_project_forgets_what_was_shown(qtbot: QtBot, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "maml", seeds=1)
    view = show(path)
    drawn(qtbot, view)
    view.set_project_path(None)
    view.data.open(None)
    assert "No runs yet" in view.hint
    assert view.figure() is None


def test_settings_that_do_not_fit_are_left_out(tmp_path: Path, show: Show) -> None:
    path = tmp_path / "p.mlwb"
    Project.create(path).close()
    view = show(path)
    view.restore({"first": 8, "tasks": 1, "step": 2, "samples": 3})
    view.restore({"first": -1, "tasks": "x", "step": None, "samples": "many", "more": 1})
    assert view.state() == {"first": 8, "tasks": 1, "step": 2, "samples": 3, "counts": False}


@pytest.mark.parametrize(
    ("wrapper", "base", "steps"), [("fusion", "maml", 4), ("task_replay", "protonet", 1)]
)
def test_an_algorithm_over_another_predicts(
    qtbot: QtBot, tmp_path: Path, show: Show, wrapper: str, base: str, steps: int
) -> None:
    path = tmp_path / "p.mlwb"
    over = f'{DIGITS}\n[[algorithm]]\nkind = "{wrapper}"\nbase = {{kind = "{base}"}}\n'
    run, _ = project_of(path, "maml", seeds=1, text=over)
    view = show(path)
    view.data.select([run])
    drawn(qtbot, view)
    found = expected(path, run, Request(0, 4))
    assert len(found.steps) == steps
    slider = child(view, QSlider, "prediction_step")
    assert (slider.maximum() + 1 if slider.isVisible() else 1) == steps
    assert ("closed form" in child(view, QLabel, "prediction_score").text()) == (steps == 1)


PULLS = """
name = "arms"
[task]
family = "bandits"
arms = 2
pulls = 4
[training]
iterations = 2
meta_batch = 4
threads = 1
[evaluation]
episodes = 4
validation_episodes = 2
every = 2
"""


def test_learners_are_told_apart_by_how_long_they_were_trained(
    qtbot: QtBot, tmp_path: Path, show: Show
) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "oracle", "rl2", "maml_pg", seeds=1, text=PULLS, done=2)
    view = show(path)
    note = child(view, QLabel, "prediction_view_note")
    qtbot.waitUntil(lambda: "Still to come" in note.text(), timeout=30_000)
    assert note.text() == (
        "Oracle not trained; RL² after 2 meta-iterations, on the same frozen meta-test tasks. "
        "Still to come: MAML-PG, seed 0."
    )
    figure = view.figure()
    assert figure is not None
    assert [head.title for head in figure.column_heads] == ["Oracle", "RL²"]
    assert "Oracle, seed 0, not trained, after 3 pulls" in figure.caption


def test_hidden_parameters_are_not_broken_within_a_number_and_its_unit(qtbot: QtBot) -> None:
    board = Board("board", "Board")
    qtbot.addWidget(board)
    line = Panel(curves=(Curve("", RUNS[0], np.arange(3.0), np.arange(3.0)),))
    told = "2.5 t, uphill 0.4 m/s², <b>none</b> of the others is known"
    board.show_figure(
        Figure("f", (line,) * 4, "", columns=4, column_heads=(Head("A", "after 3 updates (6 drives)"),) * 4,
               row_heads=(Head("Task 1", told),))
    )  # fmt: skip
    beside, above = (board.findChild(QLabel, f"board_{side}1") for side in ("row", "column"))
    assert beside is not None
    assert above is not None
    assert "2.5&nbsp;t, uphill&nbsp;0.4&nbsp;m/&#8288;s², &lt;b&gt;none&lt;/b&gt; of the" in beside.text()
    assert "drives" not in above.text()
    assert "drives" in above.toolTip()


def test_many_learners_fit_a_small_window_with_the_words_of_a_row_above_it(qtbot: QtBot) -> None:
    board = Board("board", "Board")
    qtbot.addWidget(board)
    line = Panel(
        title="return 8 · success 0%", y_label="pulls",
        curves=(Curve("way", RUNS[0], np.arange(3.0), np.arange(3.0)),),
    )  # fmt: skip
    learners = tuple(Head(f"Learner {number}", "after 9 pulls", RUNS[number]) for number in range(7))
    tasks = (Head("Task 1", "arms pay 0.68, 0.89"), Head("Task 2", "arms pay 0.1, 0.2"))
    board.show_figure(Figure("f", (line,) * 14, "", columns=7, column_heads=learners, row_heads=tasks))
    board.show()
    room, beside = board.findChild(QScrollArea), board.findChild(QLabel, "board_row2")
    assert room is not None
    assert beside is not None
    cell = board.cells[7]

    def laid_out(width: int, above: bool) -> bool:
        over = beside.geometry().bottom() < cell.geometry().top()
        left = beside.geometry().right() < cell.geometry().left()
        return room.width() == width and (over, left) == (above, not above)

    for width, above in ((638, True), (1300, False), (638, True)):
        board.resize(width, 420)
        qtbot.waitUntil(lambda width=width, above=above: laid_out(width, above))  # type: ignore[misc]
        assert room.horizontalScrollBar().maximum() == 0
        assert "arms&nbsp;pay&nbsp;0.1" in beside.text()
        assert not above or beside.height() < 2 * beside.fontMetrics().lineSpacing()
