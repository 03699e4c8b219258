"""Which layers move in adaptation, by how much, and where that matters."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from workbench.algorithms.base import Params
from workbench.engine.inside.base import Inside, by_layer, colour, flat, moving
from workbench.engine.intervals import mean_interval
from workbench.pictures import INK, MUTED, RUNS, Curve, Figure, Panel
from workbench.tasks.base import Episode

WIDE = 30
"""From such a ratio of what layers move on, the axis is logarithmic."""


def changes(inside: Inside, meta: Params, task: Episode) -> dict[str, Tensor]:
    """How far each layer is from its start after 1, 2, … inner steps, ``[steps]`` by layer, in parts of its
    norm (where that is 0: in its own units)."""
    found: dict[str, list[Tensor]] = {}
    start: Params = {}
    for at, learner in enumerate(inside.algorithm.adaptation(meta, task.support, inside.steps)):
        now = moving(learner)
        start = start or now
        for layer, names in by_layer(inside.algorithm, now).items() if at else ():
            before = flat(start, names)
            norm = torch.linalg.vector_norm(before)
            apart = torch.linalg.vector_norm(flat(now, names) - before)
            found.setdefault(layer, []).append(apart / torch.where(norm > 0, norm, 1.0))
    return {layer: torch.stack(each) for layer, each in found.items()}


def reached(inside: Inside, meta: Params, task: Episode, *, held: list[str] | None, alone: bool) -> Tensor:
    """The measure on the queries, where some tensors stay what they were at every inner step (or all but
    them: ``alone``); None: where all move."""
    algorithm = inside.algorithm
    start = learner = algorithm.start(meta, task.support)
    stays = [] if held is None else [name for name in start if (name in held) != alone]
    for index in range(inside.steps if len(stays) < len(start) else 0):
        learner = algorithm.step(meta, learner, algorithm.problem.part(task.support, index), index)
        learner = learner | {name: start[name] for name in stays}
    query = algorithm.problem.judged(task.support, task.query)
    said = inside.predictor(learner, task.support)
    return algorithm.problem.measured(said, query)[inside.measure.name]


def draw(inside: Inside) -> Figure:
    inside.must_step()
    row, better = inside.measure, 1 if inside.measure.better == "higher" else -1
    change = inside.of_each(lambda meta, task: changes(inside, meta, task), 0.0, 0.2)
    with torch.no_grad():
        start = moving(inside.algorithm.start(inside.meta, inside.one.support))
    names = by_layer(inside.algorithm, start)
    moved = [layer for layer, each in change.items() if bool((each != 0).any())]
    wanted: list[tuple[list[str] | None, bool]] = [(None, False), ([], True)]
    wanted += [(names[layer], alone) for layer in moved for alone in (False, True)]
    got = []
    for at, (held, alone) in enumerate(wanted):
        done = 0.2 + 0.8 * at / len(wanted)

        def of_task(
            meta: Params, task: Episode, held: list[str] | None = held, alone: bool = alone
        ) -> Params:
            return {"reached": reached(inside, meta, task, held=held, alone=alone)}

        got.append(inside.of_each(of_task, done, 0.8 / len(wanted))["reached"].double().numpy())
    every, nothing, *of_layers = got
    none_lost = mean_interval(better * (every - nothing))
    zero = [layer for layer in change if not any(bool(start[name].any()) for name in names[layer])]
    curves, rows = [], []
    lost = {"frozen": [none_lost], "alone": [none_lost]}
    for at, (layer, each) in enumerate(change.items()):
        of_steps = [mean_interval(step) for step in each.double().numpy().T]
        label = f"{layer} (from 0: in its own units)" if layer in zero else layer
        steps = np.arange(1, inside.steps + 1, dtype=np.float64)
        mean, half = (np.array(part) for part in zip(*of_steps, strict=True))
        curves.append(Curve(label, colour(at), steps, mean, mean - half, mean + half, kind="both"))
        told: dict[str, object] = {"layer": layer, "starts_at_zero": layer in zero}
        told |= {f"change_after_{step + 1}": one.mean for step, one in enumerate(of_steps)}
        for kind, more in (("frozen", 0), ("alone", 1)):
            found = mean_interval(np.zeros(2))
            if layer in moved:
                found = mean_interval(better * (every - of_layers[2 * moved.index(layer) + more]))
            elif kind == "alone":
                found = none_lost
            if layer in moved:
                lost[kind].append(found)
            told |= {f"lost_{kind}": found.mean, f"lost_{kind}_ci95": found.half_width}
        rows.append(told)
    rows.append(
        {
            "layer": "(no layer adapts)",
            "lost_frozen": none_lost.mean,
            "lost_frozen_ci95": none_lost.half_width,
        }
    )
    titles = {"frozen": "frozen, all others adapt", "alone": "adapts alone"}
    across = np.arange(len(moved) + 1, dtype=np.float64)
    against = []
    for at, (kind, found_by) in enumerate(lost.items()):
        mean, half = (np.array(part) for part in zip(*found_by, strict=True))
        place = across + (0.12 if at else -0.12)
        against.append(
            Curve(titles[kind], (INK, RUNS[6])[at], place, mean, mean - half, mean + half, kind="markers")
        )
    against.append(Curve("", MUTED, np.array([-0.5, len(moved) + 0.5]), np.zeros(2), dashed=1))
    unit = "%" if row.share else row.unit
    each_mean = np.concatenate([curve.y for curve in curves])
    panels = (
        Panel(
            "How far each layer moves",
            "inner step",
            "change / norm at the start",
            y_log=bool(each_mean.min() > 0 and each_mean.max() > WIDE * each_mean.min()),
            curves=tuple(curves),
        ),
        Panel(
            "What is lost without that",
            "layer",
            f"{row.quantity} lost{f' ({unit})' if unit and not row.share else ''}",
            x_names=("nothing adapts", *moved),
            y_percent=row.share,
            curves=tuple(against),
        ),
    )
    diverged = int((~np.isfinite(every)).sum())
    reach = mean_interval(every)
    value = f"{row.scale * reach.mean:.3g}{' %' if row.share else ''}"
    caption = (
        f"{row.quantity} {value} after {inside.steps} inner steps, means of {inside.many} with 95% intervals"
    )
    caption += f" ({diverged} diverged and are left out)." if diverged else "."
    if not math.isfinite(reach.mean):
        caption = f"no task of {inside.many} gave a finite {row.quantity}."
    return Figure("inside_moved", panels, caption, columns=2, table=tuple(rows))
