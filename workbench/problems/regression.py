"""Regression: y is a list of numbers; the loss is the mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.measures import LOSS
from workbench.problems.base import Supervised

if TYPE_CHECKING:
    from torch import Tensor


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
