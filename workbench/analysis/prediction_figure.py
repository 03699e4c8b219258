"""What a learner predicts, as figures: functions before and after adaptation, or images with labels."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from workbench.analysis.colours import blend
from workbench.engine.predicted import Predictions
from workbench.pictures import Array, Curve, Figure, Panel, Picture
from workbench.words import shown

RIGHT_MARK, WRONG_MARK = "✓", "✗"
TOLD_STEPS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
PAPER = "#ffffff"
MOST_SUPPORT = 5
"""Support examples of each class that are drawn."""


def class_names(ways: int) -> tuple[str, ...]:
    """A short name for each label of a task: A, B, …; numbers where the alphabet ends."""
    letters = string.ascii_uppercase
    return tuple(letters[:ways]) if ways <= len(letters) else tuple(str(each + 1) for each in range(ways))


def class_titles(predictions: Predictions) -> tuple[str, ...]:
    """The short name of each label, and the class behind it where that is known."""
    short = class_names(predictions.ways)
    excerpt = predictions.excerpt
    if excerpt is None:
        return short
    return tuple(f"{a}  {shown(b)}" for a, b in zip(short, excerpt.classes, strict=True))


def told_steps(steps: tuple[int, ...], chosen: int) -> tuple[int, ...]:
    """The inner steps up to the chosen one that are drawn: few enough to be told apart."""
    last = steps[chosen]
    return tuple(each for each in steps if each <= last and (each in TOLD_STEPS or each == last))


def step_name(step: int) -> str:
    """A step in words."""
    return "before adaptation" if step == 0 else f"after {step} step{'s' * (step != 1)}"


def shades(steps: tuple[int, ...], before: str, paper: str, strong: str) -> dict[int, str]:
    """A colour for each step that is drawn: from near the paper's to the run's after the last of them."""
    adapted = [step for step in steps if step]
    pale = {step: blend(paper, strong, 0.4 + 0.35 * i / len(adapted)) for i, step in enumerate(adapted)}
    return {0: before} | pale | {adapted[-1]: strong} if adapted else {0: before}


def as_pictures(x: Array) -> Array:
    """Examples ``[n, *input_shape]`` as images ``[n, channels, height, width]``, 0 to 1.

    What is no image becomes a square of its values, from the smallest to the greatest of all examples.
    """
    if x.ndim == 4 and x.shape[1] in (1, 3):
        return np.clip(x.astype(np.float64), 0.0, 1.0)
    flat = x.reshape(len(x), -1).astype(np.float64)
    low, high = float(flat.min()), float(flat.max())
    side = int(np.ceil(np.sqrt(flat.shape[1])))
    squares = np.zeros((len(x), side * side))
    squares[:, : flat.shape[1]] = (flat - low) / ((high - low) or 1.0)
    return squares.reshape(len(x), 1, side, side)


def is_function(predictions: Predictions) -> bool:
    """Whether each task is a function of one number, which can be drawn as a curve."""
    return predictions.problem == "regression" and predictions.query_x.shape[2:] == (1,)


def is_text(predictions: Predictions) -> bool:
    """Whether the examples are texts, which are not drawn."""
    return predictions.excerpt is not None and bool(predictions.excerpt.query)


def figure(
    predictions: Predictions,
    chosen: int,
    run: str,
    iteration: int,
    *,
    colour: str,
    before: str,
    ink: str,
    frames: tuple[str, str],
) -> Figure | None:
    """The predictions up to a chosen step; None where they cannot be drawn.

    Parameters
    ----------
    chosen : index of the inner step.
    run, iteration : whose they are, for the caption.
    colour, before, ink : of the prediction after the chosen step, before adaptation, and of the truth.
    frames : colours of what is right and what is wrong.
    """
    step = predictions.steps[chosen]
    whose = f"{run}, after {iteration} meta-iterations, {step_name(step)}"
    tasks = f"meta-validation task{'s' * (predictions.tasks > 1)} {_range(predictions)}"
    if predictions.problem == "classification":
        panels = tuple(_class_panel(predictions, task, chosen, frames) for task in range(predictions.tasks))
        if is_text(predictions):
            rows = "Rows: the true class; columns, in the same order: the predicted class; numbers: queries."
        else:
            rows = (
                "Rows: the true class; S: support; under each query the predicted class, "
                f"{RIGHT_MARK} right or {WRONG_MARK} wrong."
            )
        caption = f"Predicted classes of {tasks} by {whose}. {rows}"
        if predictions.excerpt:
            caption += f" Classes: {', '.join(class_titles(predictions))}."
        table = tuple(_class_rows(predictions, chosen))
        return Figure("predictions", panels, caption, table=table)
    if not is_function(predictions):
        return None
    panels = tuple(
        _function_panel(predictions, task, chosen, colour, before, ink) for task in range(predictions.tasks)
    )
    caption = f"True functions, support points and predictions on {tasks} by {whose}."
    return Figure("predictions", panels, caption, columns=2 if predictions.tasks > 1 else 1)


def _range(predictions: Predictions) -> str:
    first, last = predictions.first + 1, predictions.first + predictions.tasks
    return str(first) if first == last else f"{first} to {last}"


def _function_panel(
    predictions: Predictions, task: int, chosen: int, colour: str, before: str, ink: str
) -> Panel:
    x = predictions.query_x[task, :, 0].astype(np.float64)
    curves = [Curve("true function", ink, x, _values(predictions.query_y[task]))]
    told = told_steps(predictions.steps, chosen)
    colours = shades(told, before, PAPER, colour)
    for step in told:
        y = _values(predictions.outputs[predictions.steps.index(step), task])
        curves.append(Curve(step_name(step), colours[step], x, y, dashed=step == 0))
    support = predictions.support_x[task, :, 0].astype(np.float64)
    curves.append(Curve("support", ink, support, _values(predictions.support_y[task]), kind="markers"))
    return Panel(f"Task {predictions.first + task + 1}", "x", "y", curves=tuple(curves))


def _values(y: Any) -> Array:
    values: Array = np.asarray(y, dtype=np.float64).reshape(len(y), -1)[:, 0]
    return values


def _class_panel(predictions: Predictions, task: int, chosen: int, frames: tuple[str, str]) -> Panel:
    names = class_names(predictions.ways)
    title = f"Task {predictions.first + task + 1}: {predictions.accuracy[chosen, task]:.0%} right"
    if is_text(predictions):
        return Panel(title, pictures=_confusion(predictions, chosen, frames[0]), row_names=names)
    support, query = as_pictures(predictions.support_x[task]), as_pictures(predictions.query_x[task])
    rows = []
    for label in range(predictions.ways):
        shown = np.flatnonzero(predictions.support_y[task] == label)[:MOST_SUPPORT]
        row = [Picture(support[index], "S") for index in shown]
        for index in np.flatnonzero(predictions.query_y[task] == label):
            right = bool(predictions.right[chosen, task, index])
            name = names[predictions.labels[chosen, task, index]]
            mark, frame = (RIGHT_MARK, frames[0]) if right else (WRONG_MARK, frames[1])
            row.append(Picture(query[index], f"{name} {mark}", frame))
        rows.append(tuple(row))
    return Panel(title, pictures=tuple(rows), row_names=names)


def _confusion(predictions: Predictions, chosen: int, frame: str) -> tuple[tuple[Picture, ...], ...]:
    """How many queries of each class (rows) were taken for each (columns): the darker, the more."""
    classes = range(predictions.ways)
    true, taken = predictions.query_y[0], predictions.labels[chosen, 0]
    counts = [[int(((true == row) & (taken == column)).sum()) for column in classes] for row in classes]
    return tuple(
        tuple(
            Picture(np.full((1, 8, 8), 1 - count / sum(row)), str(count), frame if at == column else "")
            for column, count in enumerate(row)
        )
        for at, row in enumerate(counts)
    )


def _class_rows(predictions: Predictions, chosen: int) -> list[dict[str, Any]]:
    names = class_titles(predictions)
    texts = [text for each in predictions.excerpt.query for text in each] if predictions.excerpt else []
    return [
        {
            "task": predictions.first + task + 1,
            "inner_step": predictions.steps[chosen],
            "query": index + 1,
            **({"text": texts[index]} if texts else {}),
            "true": names[int(predictions.query_y[task, index])],
            "predicted": names[predictions.labels[chosen, task, index]],
            "probability": float(predictions.outputs[chosen, task, index].max()),
            "right": bool(predictions.right[chosen, task, index]),
        }
        for task in range(predictions.tasks)
        for index in range(predictions.query_y.shape[1])
    ]
