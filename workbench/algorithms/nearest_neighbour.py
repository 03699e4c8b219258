"""Nearest neighbour: Cover, Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information
Theory 1967, after Fix, Hodges, "Discriminatory analysis: nonparametric discrimination", 1951.

A query belongs to the class of the support example that it is closest to, in the raw inputs (regression: it
has its value). Nothing is learned, and no network is used: the traditional learner.

Its logits are minus the squared distance to each class's nearest example, so that the greatest belongs to the
nearest neighbour. As probabilities they have no meaning, so nobody says how well calibrated they are.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Citation, OuterStep, Params, one_hot
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import Untrained
from workbench.tasks.base import Data


class NearestNeighbourConfig(Untrained):
    needs = frozenset({"pairs", "vectors"})
    episodic = False

    kind: Literal["nearest_neighbour"] = "nearest_neighbour"


class NearestNeighbour(ClosedForm):
    """The closest support example decides."""

    Config = NearestNeighbourConfig
    title = "Nearest neighbour"
    family = "baseline"
    summary = "Gives a query the label of the closest support example, in the raw inputs; learns nothing."
    citation = Citation(
        "T. M. Cover, P. E. Hart",
        "Nearest neighbor pattern classification",
        "IEEE Transactions on Information Theory",
        1967,
    )
    any_ways = True
    gives_probabilities = False

    def initial(self, generator: torch.Generator) -> Params:
        return {}

    def start(self, meta: Params, support: Data) -> Params:
        x = self._comparable(support["x"])
        if "classes" not in support:
            return {"x": x, "y": support["y"]}
        return {"x": x, "members": one_hot(support)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        x, known = self._comparable(x), learner["x"]
        # ‖x − x_i‖² = ‖x‖² − 2 x·x_i + ‖x_i‖²: no tensor of all differences
        squared = x.square().sum(1)[:, None] - 2 * x @ known.T + known.square().sum(1)
        if "y" in learner:
            return learner["y"][squared.argmin(1)]
        others = learner["members"].T == 0
        return -squared[:, None, :].masked_fill(others, math.inf).amin(-1)

    def _comparable(self, x: Tensor) -> Tensor:
        """Inputs as vectors ``[n, numbers]``; of texts, the share of each word."""
        if not self.shape.vocabulary:
            return x.flatten(1)
        counts = F.one_hot(x.long(), self.shape.vocabulary).sum(1)[:, 1:].to(x.dtype)  # 0: no word
        return F.normalize(counts, dim=1)

    @property
    def outer(self) -> OuterStep:
        return OuterStep(lambda meta, episode: ({}, self.loss(meta, episode)))  # nothing could be moved
