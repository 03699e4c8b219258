"""Clustering: a set of points is to be put into groups that nobody has labelled.

The support set is the points themselves, ``x`` ``[n, *]``, and, where that is told, ``groups`` ``[n]``: how
many groups there are, said at every point. The query set is the same points in the same order with ``y``
``[n]``, the number of each point's true group, which only outer losses and measures read. A learner predicts
logits of the groups, ``[n, M]``; which number a group has means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.measures import LOSS, Measure, declare
from workbench.pictures import RIGHT, RUNS, WRONG, Array, Curve, Drawing, Panel, Picture
from workbench.problems.base import Data, Predict, Problem
from workbench.problems.predicted import Example, Predicted, class_names
from workbench.words import plural, shown

if TYPE_CHECKING:
    from torch import Tensor

ARI = Measure("ari", "Adjusted Rand index", "higher", signed=True)
NMI = Measure("nmi", "Normalised mutual information", "higher")
PURITY = Measure(
    "purity", "Purity", "higher", share=True, on="points that belong to the commonest true group of theirs"
)
GROUPS_FOUND = Measure("groups_found", "Groups found", "neither")
GROUPS_RIGHT = Measure(
    "groups_right", "Number of groups right", "higher", share=True, on="sets with as many groups as found"
)

declare(ARI, NMI, PURITY, GROUPS_FOUND, GROUPS_RIGHT)

NEVER = -1e4
"""The logit of a group that a set cannot have: a probability of exactly 0, and finite gradients."""

SURE = 1e-6
"""Chances of a pair are kept so far from 0 and 1, so that one pair cannot cost an infinite loss."""

SHAPES = ("", "square", "triangle", "star")


class Clustering(Problem):
    """Points of a set, to be put into groups.

    Parameters
    ----------
    groups : the most true groups of a set.
    pictures : makes pictures ``[n, channels, height, width]``, 0 to 1, of points; None where they are none.
    """

    name = "clustering"
    title = "Clustering"
    gives = frozenset({"gradient", "sets"})
    measures = (
        ARI,
        NMI,
        PURITY,
        GROUPS_FOUND,
        GROUPS_RIGHT,
        LOSS.said("Cross-entropy of pairs", unit="nats"),
    )
    adapted = ARI
    most_tasks = 3

    def __init__(self, groups: int = 2, pictures: Callable[[Array], Array] | None = None) -> None:
        self.groups, self._pictures = groups, pictures
        if pictures is not None:
            self.most_tasks = 1  # it fills a view

    # --- of one task ---------------------------------------------------------------------------------

    def logits(self, predict: Predict, data: Data) -> Tensor:
        """Logits of the groups ``[n, M]``; of those beyond the number that is told, none."""
        import torch

        found = predict(data["x"])
        if "groups" not in data:
            return found
        beyond = torch.arange(found.shape[-1], device=found.device) >= data["groups"][:, None]
        return found.masked_fill(beyond, NEVER)

    def loss(self, predict: Predict, data: Data) -> Tensor:
        """Binary cross-entropy of whether two points belong together, over all pairs of different points.

        The chance that two points share a group is Σ_k p_ik p_jk, which does not depend on the groups'
        numbers.
        """
        return pair_loss(self.logits(predict, data).softmax(-1), data["y"])

    def adapt_loss(self, predict: Predict, data: Data) -> Tensor:
        """Minus the mutual information of point and group, which needs no labels: groups are to be certain,
        and of like size (Bridle, Heading, MacKay, NeurIPS 1991; Krause, Perona, Gomes, NeurIPS 2010)."""
        log_p = self.logits(predict, data).log_softmax(-1)
        p = log_p.exp()
        mean = p.mean(0)
        return (mean * mean.clamp_min(1e-12).log()).sum() - (p * log_p).sum(-1).mean()

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        logits = self.logits(predict, data)
        p = logits.softmax(-1)
        counts = contingency(p, data["y"], self.groups)
        found, true = ((counts.sum(axis) > 0).sum().to(p.dtype) for axis in (1, 0))
        return {
            LOSS.name: pair_loss(p, data["y"]),
            ARI.name: adjusted_rand_index(counts),
            NMI.name: normalised_mutual_information(counts),
            PURITY.name: counts.amax(1).sum() / counts.sum(),
            GROUPS_FOUND.name: found,
            GROUPS_RIGHT.name: (found == true).to(p.dtype),
        }

    # --- to be looked at -----------------------------------------------------------------------------

    def known(self, query: Mapping[str, object]) -> bool:
        return "y" in query

    def predicted(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        share, group = self.logits(predict, data).softmax(-1).max(-1)
        return {"group": group, "share": share}

    def example(self, task: Example) -> Drawing:
        """The points in the colours and shapes of their true groups; pictures in a row for each."""
        true = task.query["y"].astype(np.int64)
        told = "in rows" if self._pictures else "told apart by colour and shape"
        words = f"{_what(task)}, {told}; learners see the points"
        return Drawing(self._drawn(task, true), "One set", "", words + self._projected(task))

    def picture(self, task: Predicted) -> Drawing:
        """The groups that were found, called as the true ones they share most points with; by their size
        where nobody knows these."""
        if not self.known(task.query):
            found = by_size(task.outputs["group"][-1].astype(np.int64))
            return Drawing(self._drawn(task, found), "Groups", "", self._projected(task).strip())
        true = task.query["y"].astype(np.int64)
        found = called_alike(task.outputs["group"][-1].astype(np.int64), true)
        groups = max(int(true.max()), int(found.max())) + 1
        names, texts = class_names(groups), [text for each in task.query_texts for text in each]
        rows = tuple(
            {
                "point": at + 1,
                **({"text": texts[at]} if texts else {}),
                "true group": names[a],
                "group found": names[b],
                "right": bool(a == b),
            }
            for at, (a, b) in enumerate(zip(true, found, strict=True))
        )
        ari = task.measured[ARI.name]
        said = f"ARI {ari[-1]:.2f}" if len(ari) == 1 else f"ARI {ari[0]:.2f} → {ari[-1]:.2f}"
        words = "A group is called as the true one that it shares most points with."
        if self._pictures:
            words += " Rows: the groups found; under a picture its true group."
        if task.classes:
            known = zip(class_names(len(task.classes)), task.classes, strict=True)
            words += f" True groups: {', '.join(f'{a}  {shown(b)}' for a, b in known)}."
        return Drawing(
            self._drawn(task, found),
            "Groups",
            said,
            words + self._projected(task),
            rows,
            task=_what(task),
            truth=None if self._pictures else self._drawn(task, true),
        )

    def answers(self, task: Predicted) -> tuple[dict[str, Any], ...]:
        """Each point with its group and how probable that is; and the true one where it is known."""
        found = task.outputs["group"][-1].astype(np.int64)
        true = task.query["y"].astype(np.int64) if self.known(task.query) else None
        found = by_size(found) if true is None else called_alike(found, true)
        names = class_names(max(int(each.max()) for each in (found, true) if each is not None) + 1)
        columns, texts = task.columns.get("x", ()), [text for each in task.query_texts for text in each]
        rows = []
        for at, x in enumerate(task.query["x"].astype(np.float64)):
            row: dict[str, Any] = {"point": at + 1}
            row |= dict(zip(columns, x.tolist(), strict=True)) if columns else {"example": task.names[at]}
            row |= {"text": texts[at]} if texts else {}
            row |= {"group": names[found[at]], "probability": float(task.outputs["share"][-1][at])}
            if true is not None:
                row |= {"true group": names[true[at]], "right": bool(found[at] == true[at])}
            rows.append(row)
        return tuple(rows)

    def _drawn(self, task: Example, groups: NDArray[np.int64]) -> Panel:
        """The points of a set by group."""
        if self._pictures is None:
            return _cloud(task.query["x"], groups)
        true = task.query["y"].astype(np.int64) if self.known(task.query) else None
        return _sheet(self._pictures(task.query["x"].astype(np.float64)), groups, true)

    def _projected(self, task: Example) -> str:
        numbers = int(np.prod(task.query["x"].shape[1:]))
        if numbers <= 2 or self._pictures:
            return ""
        return f" Of the {numbers} numbers of a point, the set's first two principal components are shown."


# --- what is measured, in torch, so that tasks can be batched ------------------------------------------


def pair_loss(p: Tensor, y: Tensor) -> Tensor:
    """Binary cross-entropy over pairs of different points.

    Parameters
    ----------
    p : chance of each group, ``[n, M]``.
    y : true group of each point, int64 ``[n]``.
    """
    import torch
    from torch.nn import functional as F

    together = (p @ p.T).clamp(SURE, 1 - SURE)
    same = (y[:, None] == y).to(p.dtype)
    lost = F.binary_cross_entropy(together, same, reduction="none")
    different = 1 - torch.eye(len(y), dtype=p.dtype, device=p.device)
    return (lost * different).sum() / different.sum()


def contingency(p: Tensor, y: Tensor, groups: int) -> Tensor:
    """How many points of each true group (columns) are most likely in each group (rows), ``[M, groups]``."""
    from torch.nn import functional as F

    found = F.one_hot(p.argmax(-1), p.shape[-1]).to(p.dtype)
    return found.T @ F.one_hot(y, groups).to(p.dtype)


def adjusted_rand_index(counts: Tensor) -> Tensor:
    """Pairs on which two partitions agree, less what chance gives: Hubert, Arabie, "Comparing partitions",
    Journal of Classification 1985. 1 where both are the same.

    Parameters
    ----------
    counts : points by group of the one and of the other partition, ``[M, G]``.
    """
    import torch

    n = counts.sum()
    both, one, other = (_pairs(each).sum() for each in (counts, counts.sum(1), counts.sum(0)))
    every = _pairs(n)
    by_chance = one * other / every
    apart = (one + other) / 2 - by_chance
    same = (one == both) & (other == both)
    return torch.where(same, torch.ones_like(apart), (both - by_chance) / torch.where(same, 1.0, apart))


def _pairs(counts: Tensor) -> Tensor:
    return counts * (counts - 1) / 2


def normalised_mutual_information(counts: Tensor) -> Tensor:
    """Mutual information of two partitions in parts of their mean entropy; 1 where both have one group.

    Parameters
    ----------
    counts : points by group of the one and of the other partition, ``[M, G]``.
    """
    import torch

    p = counts / counts.sum()
    both, one, other = (_entropy(each) for each in (p, p.sum(1), p.sum(0)))
    single = (one == 0) & (other == 0)
    mean = torch.where(single, 1.0, (one + other) / 2)
    return torch.where(single, torch.ones_like(mean), ((one + other - both) / mean).clamp_min(0))


def _entropy(p: Tensor) -> Tensor:
    import torch

    return -torch.xlogy(p, p).sum()


# --- pictures -----------------------------------------------------------------------------------------


def called_alike(found: NDArray[np.int64], true: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups found, ``[n]``, with the numbers of the true groups they share most points with, one to one;
    further groups get further numbers."""
    from scipy.optimize import linear_sum_assignment  # takes long to import: not before it is needed

    names, numbers = np.unique(found, return_inverse=True)
    counts = np.zeros((len(names), int(true.max()) + 1), np.int64)
    np.add.at(counts, (numbers, true), 1)
    rows, columns = linear_sum_assignment(-counts)
    called = np.full(len(names), -1, np.int64)
    called[rows] = columns
    further = called < 0  # all true groups are taken, where any is left
    called[further] = counts.shape[1] + np.arange(further.sum())
    return called[numbers]


def by_size(found: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups found, ``[n]``, numbered from the largest to the smallest."""
    _, numbers, sizes = np.unique(found, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[numbers]


def in_a_plane(x: NDArray[np.generic]) -> Array:
    """Points ``[n, *]`` as ``[n, 2]``: as they are, or on their first two principal components."""
    flat = x.astype(np.float64).reshape(len(x), -1)
    if flat.shape[1] > 2:
        flat = flat - flat.mean(0)
        axes = np.linalg.svd(flat, full_matrices=False)[2][:2]
        largest = axes[np.arange(len(axes)), np.abs(axes).argmax(1)]
        flat = flat @ (axes * np.sign(largest)[:, None]).T  # the same way round on every machine
    return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))


def _what(task: Example) -> str:
    true = task.query["y"]
    return f"{len(true)} points, {plural(len(np.unique(true)), 'group')}"


def _sheet(pictures: Array, groups: NDArray[np.int64], true: NDArray[np.int64] | None) -> Panel:
    """The pictures of a set, a row for each group; under each its true group, where that is known."""
    own = groups if true is None else true
    names = class_names(max(int(groups.max()), int(own.max())) + 1)
    rows, kept = [], np.unique(groups).tolist()
    for group in kept:
        row = []
        for at in sorted(np.flatnonzero(groups == group), key=lambda at: (own[at] != group, own[at])):
            if true is None:
                row.append(Picture(pictures[at], told=f"in group {names[group]}"))
                continue
            told = f"true group {names[own[at]]}, in group {names[group]}"
            row.append(Picture(pictures[at], names[own[at]], RIGHT if own[at] == group else WRONG, told))
        rows.append(tuple(row))
    titles = tuple(names[each] for each in kept)
    return Panel(pictures=tuple(rows), row_names=titles, row_titles=titles)


def _cloud(x: NDArray[np.generic], groups: NDArray[np.int64]) -> Panel:
    """The points of a set, those of each group in a colour and a shape of its own."""
    points = in_a_plane(x)
    names, curves = class_names(int(groups.max()) + 1), []
    for each in np.unique(groups).tolist():
        own, colour = points[groups == each], RUNS[each % len(RUNS)]
        sign = SHAPES[(each + each // len(RUNS)) % len(SHAPES)]
        curves.append(
            Curve(f"group {names[each]}", colour, own[:, 0], own[:, 1], kind="markers", small=True, sign=sign)
        )
    middle = (points.min(0) + points.max(0)) / 2
    half = 0.55 * float(np.ptp(points, axis=0).max()) or 1.0
    (left, right), (low, high) = ((float(at - half), float(at + half)) for at in middle)
    return Panel(
        curves=tuple(curves),
        x_range=(left, right),
        y_range=(low, high),
        x_hidden=True,
        y_hidden=True,
        square=True,
        ratio=1.0,
    )
