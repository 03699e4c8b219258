"""Mixtures of Gaussians, as the Set Transformer was first tried on (Lee, Lee, Kim, Kosiorek, Choi, Teh, ICML
2019, arXiv 1810.00825, section 5.3).

Means are uniform in [−4, 4]^d, weights ~ Dirichlet(1), all groups have the same spread in all directions. A
group of little weight may have no point.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.config import Split, setting
from workbench.tasks.base import Data
from workbench.tasks.sets import SetConfig, SetFamily, of_each


class MixturesConfig(SetConfig):
    family: Literal["mixtures"] = "mixtures"
    dimensions: int = setting(2, ge=1, le=1000, help="Numbers of a point.")
    spread: float = setting(0.3, gt=0, le=100, symbol="σ", help="Standard deviation of each group.")
    reach: float = setting(4.0, gt=0, le=1000, help="Means of groups lie between minus this and this.")
    weights: float = setting(
        1.0,
        ge=0.01,
        le=1e6,
        symbol="α",
        help="How alike the sizes of groups are: their weights are drawn from Dirichlet(α).",
    )


class Mixtures(SetFamily):
    """Group the points of Gaussians."""

    Config = MixturesConfig
    title = "Mixtures"
    summary = "Sets of points from Gaussians of unknown means and weights, to be grouped without labels."
    config: MixturesConfig

    @property
    def dimensions(self) -> int:
        return self.config.dimensions

    def points(
        self, split: Split, groups: Tensor, points: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Data]:
        c, sets = self.config, len(groups)
        means = c.reach * (2 * torch.rand(sets, c.most, c.dimensions, generator=generator) - 1)
        chances = torch._sample_dirichlet(torch.full((sets, c.most), c.weights), generator=generator)
        chances = chances * (torch.arange(c.most) < groups[:, None])
        y = torch.multinomial(chances, points, replacement=True, generator=generator)
        noise = torch.randn(sets, points, c.dimensions, generator=generator)
        return of_each(means, y) + c.spread * noise, y, {"means": means, "weights": chances}
