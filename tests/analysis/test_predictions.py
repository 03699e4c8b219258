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
from workbench.problems.control import Control
from workbench.tasks.grid_navigation import GridWorld


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
    assert "B, after 1 meta-iteration, adapted in closed form" in found.caption


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


def walked(steps: int, rows: int, *, trial: bool) -> Predictions:
    """One task on a grid: at step s and in row r the first move leads to (s, r)."""
    horizon = 3
    place = np.zeros((steps, 1, rows, horizon, 2))
    place[..., 0, 0], place[..., 0, 1] = np.arange(steps)[:, None, None], np.arange(rows)
    known = np.ones((steps, 1, rows, horizon))
    outputs = {"place": place, "alive": known, "ended": 0 * known, "reward": -known, "action": known}
    measured = {"return": -np.ones((steps, 1)), "success": np.ones((steps, 1))}
    goal = np.tile(np.array([2.0, 4.0]), (1, rows, 1))
    control = Control(GridWorld(horizon=horizon), rollouts=10)
    return Predictions(
        control, 0, tuple(range(steps)), {}, {"task/goal": goal}, outputs, measured, trial=trial
    )


def test_learners_stand_beside_each_other_by_episodes_seen() -> None:
    gradient, trial = walked(3, 4, trial=False), walked(4, 1, trial=True)
    seen = [Seen("MAML, seed 1", "run 1", 10, gradient), Seen("RL², seed 1", "run 2", 10, trial)]
    assert places(seen) == (0, 1, 2, 3, 10, 20)
    told = {0: ("before adaptation", "in the first episode"), 2: ("before adaptation", "after 2 episodes"),
            10: ("after 1 update (10 episodes)", "after 3 episodes")}  # fmt: skip
    for place, words in told.items():
        found = figure(seen, place)
        assert found is not None
        assert tuple(head.text for head in found.column_heads) == words
    assert [head.title for head in found.column_heads] == ["MAML", "RL²"]
    assert [(head.title, head.text) for head in found.row_heads] == [("Task 1", "goal 2 right, 4 up")]


def test_all_are_looked_at_in_the_same_episode() -> None:
    gradient, trial = walked(3, 4, trial=False), walked(4, 1, trial=True)
    for place, episode in ((0, 0), (2, 2), (3, 3), (10, 3)):
        assert gradient.looked_at(place) == episode
        drawing, other = gradient.drawing(0, place, "run 1"), trial.drawing(0, place, "run 1")
        assert drawing is not None
        assert other is not None
        own, another = (each.panel.moving for each in (drawing, other))
        assert own is not None
        assert another is not None
        assert (own.x[0], own.y[0]) == (place // 10, episode)
        assert (another.x[0], another.y[0]) == (episode, 0)
        before = [curve for curve in drawing.panel.curves if curve.label == "before adaptation"]
        assert [curve.y[1] for curve in before] == [episode] * (place >= 10)


def test_a_single_learner_has_its_tasks_side_by_side() -> None:
    found = figure([Seen("RL²", "run 1", 10, walked(4, 1, trial=True))], 3)
    assert found is not None
    assert (found.columns, len(found.column_heads), found.row_heads) == (1, 1, ())
    assert found.panels[0].title == "return −1 · success 100%"
    assert [row["inner_step"] for row in found.table] == [3, 3, 3]
