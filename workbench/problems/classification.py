"""Classification: y is the number of a class; the loss is the cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.measures import ACCURACY, LOSS, Measure, declare
from workbench.problems.base import Array, Data, Predict, Supervised

if TYPE_CHECKING:
    from torch import Tensor

BINS = 15
CONFIDENCE = Measure("confidence", "Confidence", "neither", share=True)

declare(CONFIDENCE)


class Classification(Supervised):
    """Classes that are known by a few examples of each; logits are predicted."""

    name = "classification"
    title = "Classification"
    gives = frozenset({"gradient", "pairs", "classes"})
    measures = (ACCURACY, LOSS.said("Cross-entropy", unit="nats"))
    kept: ClassVar = {CONFIDENCE.name: "f", "correct": "b"}

    def of(self, prediction: Tensor, y: Tensor) -> Tensor:
        from torch.nn import functional as F

        return F.cross_entropy(prediction, y)

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        prediction, y = predict(data["x"]), data["y"]
        return {"loss": self.of(prediction, y), "accuracy": (prediction.argmax(-1) == y).float().mean()}

    def details(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """The highest probability of each query, and whether that class is right."""
        confidence, label = predict(data["x"]).softmax(-1).max(-1)
        return {CONFIDENCE.name: confidence, "correct": label == data["y"]}

    def pooled(self, details: Mapping[str, NDArray[np.generic]]) -> dict[str, float]:
        confidence, correct = (np.asarray(details[each]) for each in (CONFIDENCE.name, "correct"))
        return {
            "calibration_error": calibration_error(confidence.astype(np.float64), correct.astype(np.bool_))
        }

    def shown(self, prediction: Tensor) -> Tensor:
        return prediction.softmax(-1)

    def targets(self, y: Tensor, outputs: int) -> Tensor:
        from torch.nn import functional as F

        return F.one_hot(y, outputs)

    def mixed(self, outputs: Tensor, log_weights: Tensor) -> Tensor:
        """log Σ w_m p_m, of the mixed probabilities."""
        return (log_weights[:, None, None] + outputs.log_softmax(-1)).logsumexp(0)


def calibration_error(confidence: Array, correct: NDArray[np.bool_]) -> float:
    """Expected calibration error with 15 equal bins (Guo, Pleiss, Sun, Weinberger, ICML 2017, 1706.04599).

    Parameters
    ----------
    confidence : highest predicted probability of each query example, any shape.
    correct : whether that prediction was right, same shape.
    """
    confidence, correct = confidence.ravel(), correct.ravel()
    if np.isnan(confidence).any():
        return math.nan
    which = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(which, minlength=BINS)
    gap = np.bincount(which, weights=correct - confidence, minlength=BINS)
    return float(np.abs(gap).sum() / count.sum())
