"""Density estimation on [0, 1]: sets of points without y; a learner predicts log p(x), up to a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.measures import LOSS, Measure
from workbench.problems.base import Data, Predict, Problem

if TYPE_CHECKING:
    from torch import Tensor

CELLS = 64


class Density(Problem):
    """Points of an unknown density; how likely further ones are is to be told."""

    name = "density"
    title = "Density estimation"
    gives = frozenset({"gradient"})
    measures = (
        LOSS.said("Negative log-likelihood", unit="nats", signed=True),
        Measure("gain", "Gain over the uniform density", better="higher", unit="nats", signed=True),
    )

    def log_density(self, predict: Predict, x: Tensor) -> Tensor:
        """log p(x) of each point ``[n]``; p integrates to 1 by the midpoint rule."""
        import torch

        middles = (torch.arange(CELLS, dtype=x.dtype, device=x.device)[:, None] + 0.5) / CELLS
        whole = predict(middles).logsumexp(0) - torch.tensor(CELLS, dtype=x.dtype).log()
        return (predict(x) - whole)[:, 0]

    def loss(self, predict: Predict, data: Data) -> Tensor:
        """Each query point counts as often as it was drawn, which no support set tells."""
        times = data["times"]
        return -(times * self.log_density(predict, data["x"])).sum() / times.sum()

    def adapt_loss(self, predict: Predict, data: Data) -> Tensor:
        return -self.log_density(predict, data["x"]).mean()

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        loss = self.loss(predict, data)
        return {"loss": loss, "gain": -loss}
