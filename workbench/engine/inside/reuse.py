"""How alike what layers say is before and after adaptation: features that are reused stay alike.

Linear CKA: Kornblith, Norouzi, Lee, Hinton, "Similarity of Neural Network Representations Revisited", ICML
2019, arXiv 1905.00414. With few examples it is far too high for features of many numbers; so the debiased
estimate of HSIC is taken (Song, Smola, Gretton, Bedo, Borgwardt, "Feature Selection via Dependence
Maximization", JMLR 2012), as by Nguyen, Raghu, Kornblith, ICLR 2021, arXiv 2010.15327.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from workbench.algorithms.base import Params
from workbench.engine.inside.base import Inside, LackingError, colour
from workbench.engine.intervals import mean_interval
from workbench.pictures import Curve, Figure, Panel
from workbench.tasks.base import Episode

MOST_INPUTS, FEWEST_INPUTS = 256, 4
"""Inputs that are compared at most (of worlds, there are as many as steps), and without which none can be."""


def hsic(k: Tensor, g: Tensor) -> Tensor:
    """The debiased estimate of HSIC from two Gram matrices, ``[n, n]``."""
    n = len(k)
    apart = 1 - torch.eye(n, dtype=k.dtype, device=k.device)
    k, g = k * apart, g * apart
    means = k.sum() * g.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k.sum(0) @ g.sum(1))
    return ((k * g).sum() + means) / (n * (n - 3))


def cka(before: Tensor, after: Tensor) -> Tensor:
    """Debiased linear CKA of two layers' activations on the same n inputs, ``[n, …]`` each."""
    k, g = (each @ each.T for each in (before.flatten(1).double(), after.flatten(1).double()))
    return hsic(k, g) / (hsic(k, k) * hsic(g, g)).sqrt()


def similarities(inside: Inside, meta: Params, task: Episode) -> Params:
    """CKA of each layer before and after adaptation, on the inputs of a task's queries."""
    algorithm = inside.algorithm
    before = algorithm.start(meta, task.support)
    after = inside.adapted(meta, task.support)
    x = algorithm.problem.inputs(inside.predictor(before, task.support), task.query)
    x = x[:: -(-len(x) // MOST_INPUTS)]
    if len(x) < FEWEST_INPUTS:
        raise LackingError(f"a task has {len(x)} queries, and CKA needs {FEWEST_INPUTS} or more")
    first, last = (algorithm.activations(learner, x) for learner in (before, after))
    return {layer: cka(first[layer], last[layer]) for layer in first}


def draw(inside: Inside) -> Figure:
    inside.must_step()
    found = inside.of_each(lambda meta, task: similarities(inside, meta, task), 0.0, 1.0)
    if not found:
        raise LackingError(f"{inside.title} uses no network with named layers")
    rows, values = [], []
    for layer, each in found.items():
        known = each.numpy()
        interval = mean_interval(known)
        values.append(interval)
        tasks = int(np.isfinite(known).sum())
        rows.append({"layer": layer, "cka": interval.mean, "cka_ci95": interval.half_width, "tasks": tasks})
    mean, half = (np.array(part) for part in zip(*values, strict=True))
    across = np.arange(len(found), dtype=np.float64)
    curve = Curve("", colour(0), across, mean, mean - half, mean + half, kind="both")
    panel = Panel(
        "Alike before and after adaptation",
        "layer",
        "debiased linear CKA",
        x_names=tuple(found),
        y_range=(min(0.0, float(np.nanmin(mean)) - 0.05) if np.isfinite(mean).any() else 0.0, 1.02),
        curves=(curve,),
    )
    few = [f"{row['layer']}: {row['tasks']}" for row in rows if row["tasks"] != inside.tasks.count]
    caption = f"debiased linear CKA on the queries, before and after {inside.steps} inner steps; means of "
    caption += f"{inside.many} with 95% intervals."
    if few:
        caption += f" Activations that are all the same have no CKA; tasks that do: {', '.join(few)}."
    return Figure("inside_reuse", (panel,), caption, table=tuple(rows))
