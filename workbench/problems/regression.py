"""Regression: y is a list of numbers; the loss is the mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.measures import LOSS
from workbench.pictures import INK, MUTED, RUNS, Array, Curve, Drawing, Panel
from workbench.problems.base import Supervised
from workbench.problems.predicted import Example, Predicted, step_name

if TYPE_CHECKING:
    from torch import Tensor

FUNCTION_POINTS = 200
"""Queries that show a function of one number as a curve."""


class Regression(Supervised):
    """Values of a function that is known at a few points."""

    name = "regression"
    title = "Regression"
    gives = frozenset({"gradient", "pairs", "values"})
    measures = (LOSS.said("Mean squared error"),)

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
        return FUNCTION_POINTS if input_shape == (1,) else queries

    def example(self, task: Example) -> Drawing:
        """The support points, and the queries: of a function of one number as its curve."""
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
        """A function of one number as curves; else what is predicted against what is true."""
        outputs = task.outputs["shown"].astype(np.float64)
        single = task.query["x"].shape[1:] == (1,) and outputs.shape[2:] == (1,)
        loss = [f"{value:.3g}" for value in task.measured["loss"]]
        said = f"loss {loss[0]}" if len(loss) == 1 else f"loss {loss[0]} → {loss[-1]}"
        return Drawing(
            _curves(task, outputs[..., 0]) if single else _against(task, outputs),
            "True functions, support points and predictions" if single else "Predicted against true values",
            f"standardised {said}" if task.standardised else said,
            "" if single else "On the line, they are equal.",
        )


def _curves(task: Predicted, outputs: Array) -> Panel:
    """The function, its support points, and what is predicted after the inner steps."""
    x = task.query["x"][:, 0].astype(np.float64)
    order = np.argsort(x, kind="stable")
    curves = [Curve("true function", INK, x[order], _flat(task.query["y"])[order])]
    for at in task.told:
        curves.append(_of_step(task, at, x[order], outputs[at][order], "line"))
    support = _flat(task.support["x"]), _flat(task.support["y"])
    return Panel(x_label="x", y_label="y", curves=(*curves, Curve("support", INK, *support, kind="markers")))


def _against(task: Predicted, outputs: Array) -> Panel:
    """Every value of every query: before adaptation and after the last inner step."""
    true = _flat(task.query["y"])
    ends = np.array([true.min(), true.max()])
    curves = [Curve("equal", INK, ends, ends, faint=True)]
    for at in dict.fromkeys((0, len(task.steps) - 1)):
        curves.append(_of_step(task, at, true, outputs[at].reshape(-1), "markers"))
    return Panel(x_label="true", y_label="predicted", curves=tuple(curves))


def _of_step(task: Predicted, at: int, x: Array, y: Array, kind: str) -> Curve:
    step = task.steps[at]
    colour = task.colour if step else MUTED
    return Curve(step_name(step), colour, x, y, kind=kind, dashed=int(step == 0), shade=task.shade(at))


def _flat(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Array:
    return values.astype(np.float64).reshape(-1)
