"""Regression: y is a list of numbers; the loss is the mean squared error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.measures import LOSS, Measure
from workbench.pictures import INK, MUTED, RUNS, Array, Curve, Drawing, Panel
from workbench.problems import course_pictures
from workbench.problems.base import Data, Predict, Problem, Supervised, spread_of
from workbench.problems.courses import ALL, Course, mean, weights
from workbench.problems.margins import BAND, margin
from workbench.problems.predicted import Arrays, Example, Predicted, step_name
from workbench.words import NO_MEDICAL_DEVICE

if TYPE_CHECKING:
    from torch import Tensor

FUNCTION_POINTS = 200
"""Queries that show a function of one number as a curve."""

FEW_POINTS = 50
"""Queries of somebody's own that are marked, since they were asked for one by one."""

SQUARED_ERROR = LOSS.said("Mean squared error")
SPREAD = "spread"
"""The name of σ among what is predicted of queries."""


class Regression(Supervised):
    """Values of a function that is known at a few points.

    Parameters
    ----------
    course : what the values are, where they are measured over time; None: they are not.
    """

    name = "regression"
    title = "Regression"
    most_tasks = 12
    gives = frozenset({"gradient", "pairs", "vectors", "values"})
    measures: tuple[Measure, ...] = (*ALL, SQUARED_ERROR)

    def __init__(self, course: Course | None = None) -> None:
        self.course = course
        self.measures = (*(course.measures if course else ()), SQUARED_ERROR)
        if course:
            self.gives = self.gives | {"times"}
            self.grows = True
        if course and course.dosed:
            self.caution = NO_MEDICAL_DEVICE

    @staticmethod
    def course_of(problem: Problem) -> Course:
        """The course of a problem whose values are measured over time."""
        assert isinstance(problem, Regression)
        assert problem.course is not None
        return problem.course

    def unlike(self, other: Problem) -> str:
        own, course = self.course, other.course if isinstance(other, Regression) else None
        if own is None or course is None:
            return "" if own is course else "values are measured otherwise"
        return "" if own.scales == course.scales else "values, times or doses are in other units or scales"

    def loss(self, predict: Predict, data: Data) -> Tensor:
        weight = weights(data)
        if weight is None:
            return super().loss(predict, data)
        return mean((predict(data["x"]) - data["y"]).square().mean(-1), weight)

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        found = {LOSS.name: self.loss(predict, data)}
        if self.course is None:
            return found
        return found | self.course.measured(predict(data["x"]), spread_of(predict, data["x"]), data)

    def predicted(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        found = super().predicted(predict, data)
        spread = spread_of(predict, data["x"])
        return found if spread is None else found | {SPREAD: spread}

    def of(self, prediction: Tensor, y: Tensor) -> Tensor:
        from torch.nn import functional as F

        return F.mse_loss(prediction, y)

    def shown(self, prediction: Tensor) -> Tensor:
        return prediction

    def targets(self, y: Tensor, outputs: int) -> Tensor:
        return y

    def mixed(self, outputs: Tensor, log_weights: Tensor) -> Tensor:
        """Σ w_m f_m, the weighted mean."""
        return (log_weights.exp()[:, None, None] * outputs).sum(0)

    def queries_shown(self, queries: int, input_shape: tuple[int, ...]) -> int:
        curve = input_shape == (1,) or (self.course is not None and self.course.exact)
        return FUNCTION_POINTS if curve else queries

    def example(self, task: Example) -> Drawing:
        """The support points, and the queries: of a function of one number as its curve."""
        if self.course is not None:
            return course_pictures.example(self.course, task)
        x, support_x = (part["x"].reshape(len(part["x"]), -1)[:, 0] for part in (task.query, task.support))
        y, support_y = (part["y"].reshape(len(part["y"]), -1)[:, 0] for part in (task.query, task.support))
        single = task.query["x"].shape[1:] == (1,)
        order = np.argsort(x, kind="stable")
        known = Curve("support", RUNS[1], _flat(support_x), _flat(support_y), kind="markers")
        asked = Curve(
            "query", RUNS[0], _flat(x[order]), _flat(y[order]), kind="line" if single else "markers"
        )
        words = f"{len(support_x)} support points (dots) of one task; " + (
            "its curve is the query" if single else "the others are queries; the first number of x, and of y"
        )
        return Drawing(Panel(x_label="x", y_label="y", curves=(asked, known)), "One task", "", words)

    def picture(self, task: Predicted) -> Drawing:
        """A function of one number as curves; else what is predicted against what is true, or query by query
        where that is not known."""
        outputs = task.outputs["shown"].astype(np.float64)
        if self.course is not None:
            return course_pictures.picture(self.course, task, _of_spread(task), _flat_of(_wide(task)))
        known = self.known(task.query)
        single = task.query["x"].shape[1:] == (1,) and outputs.shape[2:] == (1,)
        if single:
            panel, title, words = (
                _curves(task, outputs[..., 0]),
                "True functions, support points and predictions",
                "",
            )
        elif known:
            panel, title = _against(task, outputs), "Predicted against true values"
            words = "On the line, they are equal."
        else:
            panel, title, words = _by_query(task, outputs), "Predicted values", ""
        if not known:
            title = title.replace("True functions, support", "Support")
        return Drawing(panel, title, _said(task), words)

    band = BAND

    def margins(self, outputs: Mapping[str, Array], query: Arrays) -> Array:
        """The size of the error of each value; in σ, of learners that say how sure they are."""
        misses = np.abs(outputs["shown"] - query["y"].astype(np.float64))
        misses = misses / outputs[SPREAD] if SPREAD in outputs else misses
        counts = np.asarray(query.get("weight", np.ones(misses.shape[:2])), np.float64) > 0
        return margin(misses[counts])

    def sure(self, task: Predicted) -> str:
        assert task.margins is not None
        far = ", ".join(f"{each:.3g}" for each in task.margins)
        far += " of the learner's σ" if SPREAD in task.outputs else ""
        return (
            f"Low and high are ± {far} away: so near were {BAND:.0%} of all queries of meta-validation tasks"
        )

    def answers(self, task: Predicted) -> tuple[dict[str, Any], ...]:
        """x, and each value that is predicted of it with its band; and the true one where it is known."""
        if self.course is not None:
            return course_pictures.answers(self.course, task, _of_spread(task), _flat_of(_wide(task)))
        x, said = _flat_rows(task.query["x"]), task.outputs["shown"][-1].reshape(len(task.query["x"]), -1)
        true = _flat_rows(task.query["y"]) if self.known(task.query) else None
        wide = _wide(task)
        inputs = _named("x", task, x.shape[1])
        outputs = _named("y", task, said.shape[1])
        rows = []
        for at in range(len(x)):
            row: dict[str, Any] = {"query": at + 1}
            row |= dict(zip(inputs, map(float, x[at]), strict=True))
            for column, name in enumerate(outputs):
                row[f"{name}_predicted"] = float(said[at, column])
                if wide is not None:
                    row[f"{name}_low"] = float(said[at, column] - wide[at, column])
                    row[f"{name}_high"] = float(said[at, column] + wide[at, column])
                if true is not None:
                    row[f"{name}_true"] = float(true[at, column])
            rows.append(row)
        return tuple(rows)


def _named(letter: str, task: Predicted, count: int) -> tuple[str, ...]:
    """What the numbers of x or y are called."""
    named = task.columns.get(letter, ())
    if len(named) == count:
        return named
    return (letter,) if count == 1 else tuple(f"{letter}{number}" for number in range(1, count + 1))


def _flat_rows(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Array:
    return values.astype(np.float64).reshape(len(values), -1)


def _said(task: Predicted) -> str:
    """How good it is; empty where nobody knows."""
    if "loss" not in task.measured:
        return ""
    loss = [f"{value:.3g}" for value in task.measured["loss"]]
    said = f"loss {loss[0]}" if len(loss) == 1 else f"loss {loss[0]} → {loss[-1]}"
    return f"standardised {said}" if task.standardised else said


def _curves(task: Predicted, outputs: Array) -> Panel:
    """The function, its support points, and what is predicted after the inner steps."""
    x = task.query["x"][:, 0].astype(np.float64)
    order = np.argsort(x, kind="stable")
    curves = []
    if "y" in task.query:
        curves.append(Curve("true function", INK, x[order], _flat(task.query["y"])[order]))
    for at in task.told:
        kind = "both" if len(x) <= FEW_POINTS and task.names else "line"
        curve = _of_step(task, at, x[order], outputs[at][order], kind)
        curves.append(_banded(curve, task, order) if at == task.told[-1] else curve)
    support = _flat(task.support["x"]), _flat(task.support["y"])
    (across,), (up,) = _named("x", task, 1), _named("y", task, 1)
    return Panel(
        x_label=across, y_label=up, curves=(*curves, Curve("support", INK, *support, kind="markers"))
    )


def _against(task: Predicted, outputs: Array) -> Panel:
    """Every value of every query: before adaptation and after the last inner step."""
    true = _flat(task.query["y"])
    ends = np.array([true.min(), true.max()])
    curves = [Curve("equal", INK, ends, ends, faint=True)]
    for at in dict.fromkeys((0, len(task.steps) - 1)):
        curves.append(_of_step(task, at, true, outputs[at].reshape(-1), "markers"))
    curves[-1] = _banded(curves[-1], task)
    return Panel(x_label="true", y_label="predicted", curves=tuple(curves))


def _by_query(task: Predicted, outputs: Array) -> Panel:
    """Every value of every query, in their order: before adaptation and after the last inner step."""
    queries = outputs.shape[1]
    number = np.repeat(np.arange(1.0, queries + 1), outputs[0].size // max(1, queries))
    curves = [
        _of_step(task, at, number, outputs[at].reshape(-1), "markers")
        for at in dict.fromkeys((0, len(task.steps) - 1))
    ]
    curves[-1] = _banded(curves[-1], task)
    return Panel(x_label="query", y_label="predicted", curves=tuple(curves))


def _wide(task: Predicted) -> Array | None:
    """How far the truth may be from what is predicted at last, ``[n, outputs]``; None where nobody knows."""
    if task.margins is None or not np.isfinite(task.margins).all():
        return None
    shown = task.outputs["shown"][-1]
    spread = task.outputs[SPREAD][-1] if SPREAD in task.outputs else np.ones_like(shown)
    return np.asarray(spread * task.margins, np.float64).reshape(len(shown), -1)


def _of_spread(task: Predicted) -> Array | None:
    """σ of each prediction after the last step, ``[n]``; None: the learner predicts values alone."""
    return _flat_of(task.outputs[SPREAD][-1]) if SPREAD in task.outputs else None


def _flat_of(values: Array | None) -> Array | None:
    return None if values is None else values.reshape(len(values))


def _banded(curve: Curve, task: Predicted, order: NDArray[np.intp] | None = None) -> Curve:
    """With the band that the truth of other tasks was within."""
    wide = _wide(task)
    if wide is None:
        return curve
    flat = (wide if order is None else wide[order]).reshape(-1)
    return replace(curve, low=curve.y - flat, high=curve.y + flat)


def _of_step(task: Predicted, at: int, x: Array, y: Array, kind: str) -> Curve:
    step = task.steps[at]
    colour = task.colour if step else MUTED
    return Curve(step_name(step), colour, x, y, kind=kind, dashed=int(step == 0), shade=task.shade(at))


def _flat(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Array:
    return values.astype(np.float64).reshape(-1)
