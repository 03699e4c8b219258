"""The grid of predictions, learners by tasks, out of what each problem draws."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.predictions import Drawn, Seen, figure, places
from workbench.engine.predicted import Predictions
from workbench.export.drawing import to_bytes
from workbench.export.wishes import Style
from workbench.pictures import RIGHT, WRONG
from workbench.problems import Classification, Regression


def regressed(
    inputs: int = 1, steps: tuple[int, ...] = (0, 1, 2), tasks: int = 2, seed: int = 0
) -> Predictions:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(tasks, 9, inputs)), rng.normal(size=(tasks, 9, 1))
    return Predictions(
        Regression(), 4, steps, {"x": x[:, :3], "y": y[:, :3]}, {"x": x, "y": y},
        {"shown": rng.normal(size=(len(steps), tasks, 9, 1))}, {"loss": rng.random((len(steps), tasks))},
    )  # fmt: skip


def classified() -> Predictions:
    rng = np.random.default_rng(1)
    y = np.array([[0, 0, 1, 1]])
    shares = np.array([[[[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]]])
    return Predictions(
        Classification(), 0, (1,),
        {"x": rng.random((1, 2, 5)), "y": y[:, ::2]}, {"x": rng.random((1, 4, 5)), "y": y},
        {"shown": shares}, {"loss": np.ones((1, 1)), "accuracy": np.full((1, 1), 0.75)},
    )  # fmt: skip


def test_learners_stand_in_rows_on_the_same_tasks() -> None:
    seen = [Seen(name, f"run {i}", 10, regressed()) for i, name in enumerate(("MAML", "Reptile", "ANIL"), 1)]
    found = figure(seen, 2)
    assert found is not None
    assert (len(found.panels), found.columns) == (6, 2)
    assert [each.title.split(" · ")[:2] for each in found.panels[:3]] == [
        ["MAML", "Task 5"], ["MAML", "Task 6"], ["Reptile", "Task 5"],
    ]  # fmt: skip
    assert {curve.colour for curve in found.panels[2].curves} == {"ink", "muted", "run 2"}
    assert "tasks 5 to 6 by MAML" in found.caption


def test_a_learner_without_the_step_stands_at_its_last_before() -> None:
    seen = [Seen("A", "run 1", 1, regressed(steps=(0, 1, 2))), Seen("B", "run 2", 1, regressed(steps=(1,)))]
    assert places(seen) == (0, 1, 2)
    found = figure(seen, 0)
    assert found is not None
    labels = [[curve.label for curve in panel.curves] for panel in (found.panels[0], found.panels[2])]
    assert labels == [
        ["true function", "before adaptation", "support"],
        ["true function", "after 1 step", "support"],
    ]
    assert "B, after 1 meta-iterations, adapted in closed form" in found.caption


def test_several_inputs_are_drawn_as_predicted_against_true() -> None:
    found = figure([Seen("MAML", "run 1", 10, regressed(inputs=3))], 2)
    assert found is not None
    panel = found.panels[0]
    assert (panel.x_label, panel.y_label) == ("true", "predicted")
    line, before, after = panel.curves
    assert line.x.tolist() == line.y.tolist()
    assert (before.label, after.label) == ("before adaptation", "after 2 steps")
    assert len(after.y) == 9


def test_a_picture_says_which_queries_are_right() -> None:
    found = figure([Seen("ProtoNet", "run 1", 10, classified())], 0)
    assert found is not None
    (panel,) = found.panels
    assert [picture.frame for row in panel.pictures for picture in row] == [
        "",
        RIGHT,
        WRONG,
        "",
        RIGHT,
        RIGHT,
    ]
    assert "75% right (3 of 4)" in panel.title
    assert [row["right"] for row in found.table] == [True, False, True, True]


def test_a_cell_that_stays_is_drawn_once() -> None:
    drawn: Drawn = {}
    first, second = regressed(), regressed(seed=1)
    before = figure([Seen("A", "run 1", 1, first), Seen("B", "run 2", 1, first)], 2, drawn)
    after = figure([Seen("A", "run 1", 1, first), Seen("B", "run 2", 2, second)], 2, drawn)
    assert before is not None
    assert after is not None
    assert [a is b for a, b in zip(before.panels, after.panels, strict=True)] == [True, True, False, False]


class Dancing(Regression):
    """Regression that nobody can look at."""

    def picture(self, task: object) -> None:  # type: ignore[override]
        return None


def test_a_kind_of_task_without_a_picture_has_no_figure() -> None:
    unknown = Predictions(Dancing(), 0, (0,), {}, {"x": np.zeros((1, 1))}, {}, {"loss": np.zeros((1, 1))})
    assert figure([Seen("A", "run 1", 1, unknown)], 0) is None


@pytest.mark.parametrize("black", [False, True])
def test_the_grid_goes_on_paper(black: bool) -> None:
    for predictions in (regressed(), regressed(inputs=2), classified()):
        found = figure([Seen("A", "run 1", 1, predictions)], 2)
        assert found is not None
        assert to_bytes(found, Style(black=black), "svg").startswith(b"<?xml")
