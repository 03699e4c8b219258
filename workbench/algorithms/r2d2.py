"""R2-D2: Bertinetto, Henriques, Torr, Vedaldi, "Meta-learning with Differentiable Closed-form Solvers",
ICLR 2019, arXiv 1805.08136.

The head of each task is a ridge regression on the n support examples, W = Xᵀ (X Xᵀ + λ I)⁻¹ Y (Woodbury's
identity: an n × n system), where X are their embeddings and Y their labels, one-hot. The embedding is trained
through the solution; so are λ > 0, in log space, and the scale α and bias β of the logits α x W + β.

As in the authors' code, X and Y are divided by √n, so that λ is of each example and stays right for more or
fewer of them than in training. (Before there was the setting, it was of all of them.)

X has a further column of ones, whose weight is the head's bias. For regression, which the paper's learner
does as well, Y are the values, and the prediction is x W: values need no scale.

As in ProtoNet, whose docstring has what was measured, support set and queries go through the encoder apart in
training, and figures are transductive by default, where the published ones are inductive.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation, Params, settled
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import AnyWays, setting
from workbench.problems.base import Supervised
from workbench.tasks.base import Data, ways


class R2D2Config(AnyWays):
    needs = frozenset({"gradient", "pairs", "vectors"})

    kind: Literal["r2d2"] = "r2d2"
    ridge: float | None = setting(
        gt=0,
        le=1e6,
        symbol="λ",
        default=0.1,
        where={"classes": 1.0},
        help="What the learned weight of the ridge penalty starts from.",
    )
    per_example: bool = setting(
        True, before=False, help="The penalty grows with the support set: its weight is of each example."
    )
    scale: float | None = setting(
        gt=0,
        le=1e6,
        symbol="α",
        default=1.0,
        where={"classes": 10.0},
        help="What the learned scale of the logits starts from (regression has none).",
    )


class R2D2(ClosedForm):
    """A ridge regression on a learned embedding."""

    Config = R2D2Config
    title = "R2-D2"
    family = "metric"
    summary = "Solves a ridge regression on each task's support set, in an embedding trained through it."
    departs = "Support set and queries apart as in ProtoNet; λ is learned."
    citation = Citation(
        "L. Bertinetto, J. F. Henriques, P. H. S. Torr, A. Vedaldi",
        "Meta-learning with Differentiable Closed-form Solvers",
        "ICLR",
        2019,
        "1805.08136",
    )
    any_ways = True
    config: R2D2Config
    problem: Supervised

    def initial(self, generator: torch.Generator) -> Params:
        meta = super().initial(generator) | {"log_ridge": torch.tensor(math.log(settled(self.config.ridge)))}
        if "classes" not in self.problem.gives:
            return meta
        return meta | {"scale": torch.tensor(settled(self.config.scale)), "bias": torch.tensor(0.0)}

    def start(self, meta: Params, support: Data) -> Params:
        X = self._embedded(meta, support["x"])
        Y = self.problem.targets(support["y"], ways(support)).to(X.dtype)
        examples = len(X) if self.config.per_example else 1
        penalty = examples * meta["log_ridge"].exp() * torch.eye(len(X), dtype=X.dtype, device=X.device)
        with torch.autocast(X.device.type, enabled=False):  # bfloat16 would spoil the solution
            return meta | {"W": X.T @ torch.linalg.solve(X @ X.T + penalty, Y)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        out = self._embedded(learner, x) @ learner["W"]
        return learner["scale"] * out + learner["bias"] if "scale" in learner else out

    def _embedded(self, weights: Params, x: Tensor) -> Tensor:
        features = self.embed(weights, x).to(x.dtype)
        return torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
