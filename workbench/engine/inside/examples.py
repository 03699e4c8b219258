"""Which support examples mattered: each left out in turn, or by one inner product of gradients."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad

from workbench.algorithms.base import Params
from workbench.engine.inside.base import Inside, LackingError
from workbench.engine.intervals import mean_interval
from workbench.pictures import MUTED, RUNS, Curve, Figure, Panel, Picture
from workbench.problems.classification import as_pictures
from workbench.tasks.base import Data, Episode

Array = NDArray[np.float64]


def without(support: Data, kept: list[int]) -> Data:
    """A support set of the examples with these numbers."""
    return {name: each if name == "classes" else each[kept] for name, each in support.items()}


def query_loss(inside: Inside, learner: Params, support: Data, query: Data) -> Tensor:
    """The loss of an adapted learner on the queries."""
    return inside.algorithm.problem.loss(inside.predictor(learner, support), query)


def left_out(inside: Inside, meta: Params, task: Episode) -> Tensor:
    """What the loss on the queries gains where each example is left out of the support set, ``[n]``: above 0,
    the example helped."""
    support, count = task.support, len(task.support["x"])
    whole = query_loss(inside, inside.adapted(meta, support), support, task.query)

    def loss(number: int) -> Tensor:
        part = without(support, [at for at in range(count) if at != number])
        return query_loss(inside, inside.adapted(meta, part), part, task.query)

    return torch.stack([loss(number) for number in range(count)]) - whole


def products(inside: Inside, meta: Params, task: Episode) -> Tensor:
    """The inner product of each example's gradient at the start with that of the queries' loss after
    adaptation, ``[n]``: to first order a step on the example changes that loss in proportion."""
    algorithm, support = inside.algorithm, task.support
    start, end = algorithm.start(meta, support), inside.adapted(meta, support)
    wanted = grad(lambda at: query_loss(inside, at, support, task.query))(end)

    def own(number: int) -> Tensor:
        def loss(at: Params) -> Tensor:
            said = algorithm.predict(at, support["x"])[number : number + 1]  # batch norm sees all, as it does
            return algorithm.problem.adapt_loss(lambda _: said, without(support, [number]))

        gradient = grad(loss)(start)
        return torch.stack([(gradient[name] * wanted[name]).sum() for name in gradient]).sum()

    return torch.stack([own(number) for number in range(len(support["x"]))])


def draw(inside: Inside) -> Figure:
    if "pairs" not in inside.algorithm.problem.gives:
        raise LackingError(
            f"{inside.title} learns here from no pairs of x and y: there is no support example to leave out"
        )
    support, count = inside.one.support, len(inside.one.support["x"])
    if count < 2:
        raise LackingError("the support set has one example: without it nothing is left to learn from")
    if inside.quick:
        inside.must_step()
        each = inside.of_each(partial(_both, inside), 0.0, 1.0)
        influence, quick = (each[name].double().numpy() for name in ("left_out", "quick"))
    else:
        inside.progress(0.0, "Leaving one example out after the other")
        with torch.no_grad():
            influence = left_out(inside, inside.meta, inside.one).double().numpy()[None]
    if not np.isfinite(influence[0]).any():
        raise LackingError(
            f"without one of its examples {inside.title} has none left of a class; use two shots or more"
        )
    shown = [("left out", influence[0])] + ([("inner product", quick[0])] if inside.quick else [])
    y = _told(support, count)
    rows = tuple(
        {"example": at + 1, **y[at], **{name.replace(" ", "_"): float(each[at]) for name, each in shown}}
        for at in range(count)
    )
    caption = f"{inside.task_name}, {count} support examples."
    if inside.quick:
        alike = np.array([_correlation(a, b) for a, b in zip(influence, quick, strict=True)])
        found = mean_interval(alike)
        known = int(np.isfinite(alike).sum())
        caption += (
            " Quick estimate: the inner product of gradients, scaled to the same spread; its correlation "
            f"with leaving out is {found.mean:.2f} ± {found.half_width:.2f} ({known} of {inside.many})."
        )
    return Figure("inside_examples", _panels(inside, shown, y), caption, columns=2, table=rows)


def _both(inside: Inside, meta: Params, task: Episode) -> Params:
    return {"left_out": left_out(inside, meta, task), "quick": products(inside, meta, task)}


def _correlation(a: Array, b: Array) -> float:
    """Pearson's; NaN where one does not vary."""
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2 or not a[known].std() or not b[known].std():
        return float("nan")
    return float(np.corrcoef(a[known], b[known])[0, 1])


def _told(support: Data, count: int) -> list[dict[str, object]]:
    """What an example is, where that is a number or two, and its label or value."""
    found: list[dict[str, object]] = []
    for at in range(count):
        x, y = support["x"][at].flatten(), support["y"][at].flatten()
        numbers = {f"x{n}": float(each) for n, each in enumerate(x, 1)} if len(x) <= 3 else {}
        label = int(y[0]) + 1 if not y.is_floating_point() else float(y[0])
        found.append({**numbers, "class" if isinstance(label, int) else "y": label})
    return found


def _panels(
    inside: Inside,
    shown: list[tuple[str, Array]],
    y: list[dict[str, object]],
) -> tuple[Panel, ...]:
    influence = shown[0][1]
    x = inside.one.support["x"].double().numpy()
    places = np.arange(1, len(influence) + 1, dtype=np.float64)
    x_label = "support example"
    if x[0].size == 1:  # a function of one number: where on it
        places, x_label = x.reshape(len(x)), "x of the support example"
    curves = [Curve("", MUTED, np.array([places.min(), places.max()]), np.zeros(2), dashed=1)]
    spread = float(np.nanstd(influence))
    for at, (name, each) in enumerate(shown):
        own = float(np.nanstd(each))
        scaled = (
            each if not at or not own else (each - np.nanmean(each)) * spread / own + np.nanmean(influence)
        )
        label = name if len(shown) > 1 else ""
        points = tuple(", ".join(f"{k} {v}" for k, v in row.items()) for row in y)
        curves.append(Curve(label, RUNS[2 * at], places, scaled, kind="markers", points=points))
    first = Panel(
        "Support examples, each left out",
        x_label,
        "query loss gained without it",
        curves=tuple(curves),
    )
    if x.ndim != 4:
        return (first,)
    order = np.argsort(-np.nan_to_num(influence, nan=-np.inf))
    pixels = as_pictures(x)
    pictures = tuple(
        Picture(pixels[at], f"{influence[at]:+.3g}", told=f"support example {at + 1}, class {y[at]['class']}")
        for at in order
    )
    rows = tuple(pictures[start : start + 5] for start in range(0, len(pictures), 5))
    return (first, Panel("From the most helpful on", pictures=rows))
