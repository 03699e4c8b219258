"""One task's weights along its inner steps, in the plane that holds most of their path, with the loss beneath
it; and a random walk of steps as long, since the plane of any walk holds most of it.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from contourpy import contour_generator
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from workbench.algorithms.base import Params
from workbench.engine.inside.base import Inside, LackingError, flat, moving
from workbench.pictures import MUTED, RUNS, Curve, Figure, Panel, Text

Array = NDArray[np.float64]

SIDE, LEVELS, WALKS = 25, 7, 20
"""Places along each side of the plane, lines of equal loss, and random walks behind their mean share."""

AT_ONCE = 4_000_000
"""Numbers of the learners whose loss is computed at once."""


def plane(path: Tensor) -> tuple[Tensor, Tensor, float]:
    """Of a path ``[steps, numbers]``: its mean, the two directions ``[2, numbers]`` that hold most of it, and
    the share of its variance that they hold."""
    middle = path.mean(0)
    _, lengths, axes = torch.linalg.svd(path - middle, full_matrices=False)
    squares = lengths.square()
    return middle, axes[:2], float(squares[:2].sum() / squares.sum())


def walk(path: Tensor, generator: torch.Generator) -> Tensor:
    """A random walk from where a path starts, with steps as long."""
    lengths = torch.linalg.vector_norm(path.diff(dim=0), dim=1, keepdim=True)
    steps = torch.randn(len(lengths), path.shape[1], generator=generator, dtype=path.dtype)
    steps = lengths * steps / torch.linalg.vector_norm(steps, dim=1, keepdim=True)
    return torch.cat([path[:1], path[:1] + steps.cumsum(0)])


def draw(inside: Inside) -> Figure:
    inside.must_step()
    if inside.steps < 2:
        raise LackingError("the path of one inner step is a line; ask for two or more (--steps)")
    algorithm, task = inside.algorithm, inside.one
    inside.progress(0.0, "Following one task")
    with torch.no_grad():
        learners = list(algorithm.adaptation(inside.meta, task.support, inside.steps))
    start = moving(learners[0])
    names = [name for name in start if bool((learners[-1][name] != start[name]).any())]
    path = torch.stack([flat(each, names) for each in learners]).double() if names else torch.zeros(1, 1)
    if not names or not bool(path.isfinite().all()):
        why = "diverges" if names else "does not move"
        raise LackingError(f"{inside.title} {why} on {inside.task_name}: it has no path")
    generator = torch.Generator().manual_seed(inside.evaluation.seed + inside.first)
    walks = [walk(path, generator) for _ in range(WALKS)]
    shares = [plane(each)[2] for each in walks]
    panels, rows = [], []
    for at, (title, each) in enumerate((("Inner steps", path), ("A random walk", walks[0]))):
        panels.append(_panel(inside, learners[0], names, each, title, 0.1 + 0.45 * at))
        share, of_plane = plane(each)[2], panels[-1].curves[-1]
        for step, (x, y) in enumerate(zip(of_plane.x.tolist(), of_plane.y.tolist(), strict=True)):
            rows.append({"path": title, "inner_step": step, "x": x, "y": y, "share_of_variance": share})
    caption = (
        f"{inside.task_name}, the path of {path.shape[1]:,} numbers in the plane that holds "
        f"{plane(path)[2]:.1%} of its variance; that of a random walk with steps as long holds "
        f"{float(np.mean(shares)):.0%} (mean of {WALKS}). Lines: equal loss on the support set."
    )
    return Figure("inside_path", tuple(panels), caption, columns=2, table=tuple(rows))


def _panel(inside: Inside, start: Params, names: list[str], path: Tensor, title: str, done: float) -> Panel:
    """A path in its own plane, over the loss."""
    middle, axes, share = plane(path)
    at = (path - middle) @ axes.T
    low, high = at.min(0).values, at.max(0).values
    room = 0.3 * float((high - low).max()) or 1.0
    x, y = (
        torch.linspace(float(a) - room, float(b) + room, SIDE, dtype=path.dtype)
        for a, b in zip(low, high, strict=True)
    )
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
    losses = _losses(inside, start, names, middle + places @ axes, done).reshape(SIDE, SIDE).numpy()
    curves, texts = _contours(x.numpy(), y.numpy(), losses, at.numpy())
    words = {0: "start", len(at) - 1: f"step {len(at) - 1}"}
    ends = [Text(float(at[step, 0]), float(at[step, 1]), f" {word}") for step, word in words.items()]
    curves.append(Curve("", RUNS[0], at[:, 0].numpy(), at[:, 1].numpy(), kind="both"))
    return Panel(
        f"{title}: {share:.1%} of its variance",
        "first direction",
        "second direction",
        curves=tuple(curves),
        texts=(*texts, *ends),
        x_range=(float(x[0]), float(x[-1])),
        y_range=(float(y[0]), float(y[-1])),
    )


def _losses(inside: Inside, start: Params, names: list[str], places: Tensor, done: float) -> Tensor:
    """The loss on the support set of learners at places in the space of what moves, ``[places]``."""
    algorithm = inside.algorithm
    support = algorithm.problem.part(inside.one.support, 0)

    def loss(place: Tensor) -> Tensor:
        parts = torch.split(place, [start[name].numel() for name in names])
        own = {name: each.view_as(start[name]) for name, each in zip(names, parts, strict=True)}
        return algorithm.problem.adapt_loss(inside.predictor(start | own, inside.one.support), support)

    size = max(1, AT_ONCE // (places.shape[1] + sum(each.numel() for each in support.values())))
    found = []
    for first in range(0, len(places), size):
        inside.progress(done + 0.45 * first / len(places), "Measuring the loss around the path")
        with torch.no_grad():
            part = places[first : first + size].to(start[names[0]].dtype)
            found.append(vmap(loss)(part).double())
    return torch.cat(found)


def _contours(x: Array, y: Array, losses: Array, path: Array) -> tuple[list[Curve], list[Text]]:
    """Lines of equal loss, and what it is, where the path is not."""
    known = losses[np.isfinite(losses)]
    if not known.size or known.min() == known.max():
        return [], []
    lines = contour_generator(x, y, np.ma.masked_invalid(losses))
    curves, texts, taken = [], [], path
    for level in np.unique(np.quantile(known, np.linspace(0.08, 0.92, LEVELS))):
        parts = [np.asarray(each) for each in lines.lines(float(level))]
        if not parts:
            continue
        gap = np.full((1, 2), math.nan)
        joined = np.concatenate([piece for part in parts for piece in (part, gap)])
        curves.append(Curve("", MUTED, joined[:, 0], joined[:, 1], faint=True))
        points = np.concatenate(parts)
        apart = np.linalg.norm((points[:, None] - taken) / [np.ptp(x), np.ptp(y)], axis=-1).min(1)
        inside = np.abs((points - [x.mean(), y.mean()]) / [np.ptp(x), np.ptp(y)]).max(1) < 0.45
        place = points[np.where(inside, apart, 0).argmax()]
        taken = np.concatenate([taken, place[None]])
        texts.append(Text(float(place[0]), float(place[1]), f"{level:.3g}", "center"))
    return curves, texts
