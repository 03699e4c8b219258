"""MetaOptNet: Lee, Maji, Ravichandran, Soatto, "Meta-Learning with Differentiable Convex Optimization", CVPR
2019, arXiv 1904.03758.

The head of each task is the solution of a convex problem on its support set, through which the embedding is
trained: a multi-class support vector machine with C = .1, or a ridge regression with a fixed λ,
W = Xᵀ (X Xᵀ + λ I)⁻¹ Y. The logits are γ x W, with a learned γ and no bias.

The authors solve both by an interior-point method for quadratic programs; here the ridge regression is in
closed form, and the machine's dual by one of its own. How near its optimum is, is part of the report. Their
γ starts at 1 and their λ is 50, in an embedding of 16,000 numbers. For regression, which the paper does not
do, there is the ridge alone and no γ.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms import crammer_singer
from workbench.algorithms.base import Citation, Params, settled
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import AnyWays, setting
from workbench.errors import InputError
from workbench.measures import DUALITY_GAP
from workbench.networks.base import Network
from workbench.problems.base import Supervised
from workbench.tasks.base import Data, Episode, TaskShape, ways


class MetaOptNetConfig(AnyWays):
    needs = frozenset({"gradient", "pairs", "vectors"})

    kind: Literal["metaoptnet"] = "metaoptnet"
    head: Literal["svm", "ridge"] | None = setting(
        default="ridge",
        where={"classes": "svm"},
        titles={"svm": "support vector machine", "ridge": "ridge regression"},
        help="What each task solves; svm: of classes alone.",
    )
    ridge: float | None = setting(
        0.1, where={"classes": 50.0}, gt=0, le=1e6, symbol="λ", help="Weight of the ridge penalty."
    )
    C: float = setting(
        0.1, gt=0, le=1e6, help="What a support example may cost the support vector machine at most."
    )
    scale: float = setting(
        10.0,
        gt=0,
        le=1e6,
        symbol="γ",
        help="What the learned scale of logits starts from (values have none).",
    )
    solver_steps: int = setting(
        20, rare=True, ge=1, le=1000, unit="steps", help="Newton's steps of the support vector machine."
    )


class MetaOptNet(ClosedForm):
    """A convex problem on a learned embedding."""

    Config = MetaOptNetConfig
    title = "MetaOptNet"
    family = "metric"
    summary = "Fits a support vector machine or a ridge regression to each task, in an embedding trained so."
    departs = (
        "The SVM is solved by an interior point method to its end, not by a few steps of a general solver."
    )
    citation = Citation(
        "K. Lee, S. Maji, A. Ravichandran, S. Soatto",
        "Meta-Learning with Differentiable Convex Optimization",
        "CVPR",
        2019,
        "1904.03758",
    )
    any_ways = True
    config: MetaOptNetConfig
    problem: Supervised

    def __init__(self, config: MetaOptNetConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        if config.head == "svm" and "classes" not in self.problem.gives:
            raise InputError('metaoptnet: a support vector machine tells classes apart; set head = "ridge"')

    def initial(self, generator: torch.Generator) -> Params:
        meta = super().initial(generator)
        if "classes" not in self.problem.gives:
            return meta
        return meta | {"scale": torch.tensor(self.config.scale)}

    def start(self, meta: Params, support: Data) -> Params:
        features = self.embed(meta, support["x"])
        with torch.autocast(features.device.type, enabled=False):  # bfloat16 would spoil the solution
            X = features.to(torch.float32 if features.device.type == "mps" else torch.float64)
            Y = self.problem.targets(support["y"], ways(support)).to(X.dtype)
            K, C = X @ X.T, self.config.C
            if self.config.head == "ridge":
                penalty = settled(self.config.ridge) * torch.eye(len(X), dtype=X.dtype, device=X.device)
                return meta | {"W": (X.T @ torch.linalg.solve(K + penalty, Y)).to(support["x"].dtype)}
            alpha = crammer_singer.dual(K, Y, C, self.config.solver_steps)
            gap = crammer_singer.gap(K, Y, C, alpha.detach())
            return meta | {"W": (X.T @ alpha).to(support["x"].dtype), "gap": gap}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        out = self.embed(learner, x).to(x.dtype) @ learner["W"]
        return learner["scale"] * out if "scale" in learner else out

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        return {DUALITY_GAP.name: {"SVM": learner["gap"]}} if "gap" in learner else {}
