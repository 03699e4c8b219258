"""Diagnosis: a class that is looked for among others, by its probability; what is measured of that, and where
the line is drawn above which it counts as found.

Each class in turn is looked for against the rest, and measures are means over classes; or some classes count
as *ill*, whose probabilities add up, and they are looked for against all others.

Area under the curve: Hanley, McNeil, "The Meaning and Use of the Area under a Receiver Operating
Characteristic (ROC) Curve", Radiology 1982. The balanced operating point: Youden, "Index for Rating
Diagnostic Tests", Cancer 1950. Curves averaged by threshold: Fawcett, "An Introduction to ROC Analysis",
Pattern Recognition Letters 2006.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.measures import Measure, declare

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rule = Literal["balanced", "sensitive", "specific"]

_ON = "the queries of a task: each class against the rest, the mean over classes; or what counts as ill"
_CALLED = f"{_ON}; by the most probable class"
AUC_ROC = Measure("auc_roc", "Area under the ROC curve", "higher", share=True, on=_ON)
SENSITIVITY = Measure("sensitivity", "Sensitivity", "higher", share=True, on=_CALLED)
SPECIFICITY = Measure("specificity", "Specificity", "higher", share=True, on=_CALLED)
BALANCED_ACCURACY = Measure("balanced_accuracy", "Balanced accuracy", "higher", share=True, on=_CALLED)
PROBABILITY = Measure("class_probability", "Probability of a class", "neither", share=True)

ALL = (AUC_ROC, SENSITIVITY, SPECIFICITY, BALANCED_ACCURACY)
"""What is measured of a diagnosis."""

LABEL, ILL = "label", "ill"
"""The names of what is kept of queries beside the probability of every class, ``[n, ways]``: the right one,
``[n]``, and which of the classes count as ill, ``[ways]``; not there where none does."""

KEPT: Mapping[str, str] = {PROBABILITY.name: "f", LABEL: "i", ILL: "b"}

CHOSEN = "operating point"
"""The group of a report that holds what was reached at the operating point."""

BINS = 15

declare(*ALL, PROBABILITY)


@dataclass(frozen=True)
class Diagnosis:
    """What is looked for.

    Attributes
    ----------
    ill : of each class of a family, by its number, whether it counts as ill; empty: each class in turn is
        looked for.
    rule : where the operating point is: at the largest sum of sensitivity and specificity (``balanced``), or
        where the sensitivity (``sensitive``) or the specificity (``specific``) is still ``at_least`` so high
        and the other one as high as it can be.
    """

    ill: tuple[bool, ...] = ()
    rule: Rule = "balanced"
    at_least: float = 0.9

    def marked(self, classes: Tensor) -> dict[str, Tensor]:
        """Which of a task's classes ``[ways]`` count as ill, by name; nothing where none does."""
        import torch

        if not self.ill:
            return {}
        return {ILL: torch.tensor(self.ill, device=classes.device)[classes]}

    def measured(self, shares: Tensor, y: Tensor, ill: Tensor | None) -> dict[str, Tensor]:
        """Every measure of one task (scalars); NaN where it lacks one of the two sides, or predictions are no
        numbers.

        Parameters
        ----------
        shares : the probability of each class, ``[n, ways]``.
        y : the right one, ``[n]``.
        ill : bool ``[ways]``, which classes count as ill; None: each in turn.
        """
        import torch
        from torch.nn import functional as F

        ways = shares.shape[-1]
        truth, called = (F.one_hot(each, ways).bool() for each in (y, shares.argmax(-1)))
        scores = shares
        if ill is not None:
            scores = (shares * ill).sum(-1, keepdim=True)
            truth, called = ((each & ill).any(-1, keepdim=True) for each in (truth, called))
        sensitivity = ((called & truth).sum(0).double() / truth.sum(0)).mean()
        specificity = ((~called & ~truth).sum(0).double() / (~truth).sum(0)).mean()
        # of each class in turn, the mean of the recalls; of what counts as ill, of ill and not ill
        balanced = sensitivity if ill is None else (sensitivity + specificity) / 2
        reached = (_area(scores, truth), sensitivity, specificity, balanced)
        known = torch.isfinite(shares).all() & torch.isfinite(sensitivity + specificity)
        unknown = sensitivity.new_full((), math.nan)
        return {row.name: torch.where(known, each, unknown) for row, each in zip(ALL, reached, strict=True)}


def _area(scores: Tensor, truth: Tensor) -> Tensor:
    """The mean over columns of the area under the ROC curve, by midranks (equal scores count half).

    Parameters
    ----------
    scores, truth : ``[n, columns]``.
    """
    import torch

    columns = scores.T.contiguous()
    ordered = columns.sort(-1).values
    below = torch.searchsorted(ordered, columns)
    upto = torch.searchsorted(ordered, columns, right=True)
    ranks, positive = (below + upto + 1).double() / 2, truth.T.double()
    count = positive.sum(-1)
    others = len(scores) - count
    return (((ranks * positive).sum(-1) - count * (count + 1) / 2) / (count * others)).mean()


# --- of all tasks, as plain arrays ---------------------------------------------------------------------


class Looked(NamedTuple):
    """The queries of all tasks, by what is looked for.

    Attributes
    ----------
    scores, truth : how probable it is, and whether it is there, ``[tasks, n, columns]``: a column for each
        class, or one for what counts as ill.
    weight : how much each task counts, ``[tasks]``; 0 of those that lack one of the two sides, or whose
        predictions are no numbers.
    """

    scores: Array
    truth: Flags
    weight: Array

    @classmethod
    def of(cls, kept: Mapping[str, NDArray[np.generic]], episode: NDArray[np.int64] | None = None) -> Looked:
        """What was kept of queries.

        Parameters
        ----------
        kept : by the names of ``KEPT``.
        episode : ``[tasks]``, which distinct episode each task is; what repeats one counts once with it.

        Raises
        ------
        ValueError
            If the arrays do not belong together.
        """
        shares, label = np.asarray(kept[PROBABILITY.name], np.float64), np.asarray(kept[LABEL])
        tasks, _, ways = shares.shape if shares.ndim == 3 else (0, 0, 0)
        whole = label.shape == shares.shape[:2] and bool(np.all((label >= 0) & (label < ways)))
        ill = kept.get(ILL)
        if not whole or (ill is not None and ill.shape != (tasks, ways)):
            raise ValueError("what is kept of queries does not belong together")
        truth = label[..., None] == np.arange(ways)
        if ill is not None:
            marks = ill.astype(bool)[:, None, :]
            shares, truth = (shares * marks).sum(-1, keepdims=True), (truth & marks).any(-1, keepdims=True)
        sides = (truth.any(1) & ~truth.all(1)).all(-1) & np.isfinite(shares).all((1, 2))
        weight = sides.astype(np.float64)
        if episode is not None:
            _, number, times = np.unique(episode, return_inverse=True, return_counts=True)
            weight /= times[number]
        return cls(shares, truth, weight)

    def reached(self, threshold: float) -> dict[str, Array]:
        """Sensitivity, specificity and balanced accuracy of each task, ``[tasks]``, where what is at least so
        probable counts as found; NaN of a task that does not count."""
        found = self.scores >= threshold
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity = ((found & self.truth).sum(1) / self.truth.sum(1)).mean(-1)
            specificity = ((~found & ~self.truth).sum(1) / (~self.truth).sum(1)).mean(-1)
        values = (sensitivity, specificity, (sensitivity + specificity) / 2)
        counts = self.weight > 0
        return {row.name: np.where(counts, each, np.nan) for row, each in zip(ALL[1:], values, strict=True)}


class Roc(NamedTuple):
    """A curve from nothing found to everything found: at each threshold the false positive rate (1 less the
    specificity) and the sensitivity, ``[points]``."""

    false: Array
    true: Array
    threshold: Array

    @property
    def area(self) -> float:
        """The area under it: smaller than the mean of the tasks' own areas where a probability does not mean
        the same in every task."""
        return float(np.trapezoid(self.true, self.false))


def roc(looked: Looked) -> Roc | None:
    """The ROC curve: at each threshold the mean over tasks and columns, each of which counts the same; None
    where no task has both sides.

    With as many examples of every class in every task it is that of all queries together.
    """
    tasks = looked.weight > 0
    if not tasks.any():
        return None
    scores, truth = looked.scores[tasks], looked.truth[tasks]
    weight = looked.weight[tasks, None, None]
    sides = []
    for side in (truth, ~truth):
        share = weight * side / side.sum(1, keepdims=True)
        sides.append((share / share.sum()).ravel())
    flat = scores.ravel()
    order = np.argsort(-flat, kind="stable")
    flat = flat[order]
    last = np.append(np.flatnonzero(np.diff(flat)), len(flat) - 1)
    true, false = (np.append(0.0, np.minimum(1.0, np.cumsum(each[order])[last])) for each in sides)
    true[-1] = false[-1] = 1.0
    return Roc(false, true, np.append(np.inf, flat[last]))


def operating_point(curve: Roc, rule: Rule, at_least: float) -> tuple[float, float, float]:
    """The threshold that a rule chooses, and the sensitivity and the specificity there. Of several that are
    as good, the highest."""
    sensitivity, specificity = curve.true, 1 - curve.false
    slack = 1e-12  # of sums that are to be a round number
    if rule == "balanced":
        good = np.round(sensitivity + specificity, 12)
    else:
        kept, other = (sensitivity, specificity) if rule == "sensitive" else (specificity, sensitivity)
        good = np.where(kept >= at_least - slack, other, -1.0)
    at = int(np.argmax(good))
    threshold = min(float(curve.threshold[at]), math.nextafter(1.0, 2.0))  # above every probability
    return threshold, float(sensitivity[at]), float(specificity[at])


class Reliability(NamedTuple):
    """In bins of equal width, as far as there is anything in them: the mean predicted probability, how often
    it was right, the 95% half-width of that over tasks, and the share of all predictions, ``[bins]``."""

    predicted: Array
    observed: Array
    half_width: Array
    share: Array


def reliability(looked: Looked, bins: int = BINS) -> Reliability | None:
    """The reliability diagram of all queries of all tasks together; None where there are none.

    The interval is that of a ratio of sums over tasks, since the queries of a task are not independent.
    """
    from scipy.special import stdtrit  # takes a third of a second to import: not before it is needed

    tasks = (looked.weight > 0) & np.isfinite(looked.scores).all((1, 2))
    if not tasks.any():
        return None
    scores, truth, weight = (each[tasks] for each in looked)
    which = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], scores)
    sums = np.zeros((3, len(scores), bins))
    task = np.broadcast_to(np.arange(len(scores))[:, None, None], scores.shape)
    for each, values in zip(sums, (np.ones_like(scores), scores, truth), strict=True):
        np.add.at(each, (task, which), values)
    count, predicted, right = (weight @ each for each in sums)
    some = count > 0
    observed = right[some] / count[some]
    rest = sums[2][:, some] - observed * sums[0][:, some]
    size = round(float(weight.sum()))  # distinct tasks
    error = np.sqrt((weight @ rest**2) * size / max(1, size - 1)) / count[some]
    half = stdtrit(size - 1, 0.975) * error if size > 1 else np.full(len(error), np.nan)
    return Reliability(predicted[some] / count[some], observed, half, count[some] / count.sum())
