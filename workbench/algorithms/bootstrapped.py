"""Bootstrapped meta-gradients: Flennerhag, Schroecker, Zahavy, van Hasselt, Silver, Singh, "Bootstrapped
Meta-Learning", ICLR 2022, arXiv 2109.04504.

θ_k is reached from θ by k inner steps on the support set. From there the target goes L steps further, L − 1
on support set and queries together and the last one on the queries; it counts as a constant. θ descends along
∇_θ d(target, θ_k), through the k steps: what L more steps bring is learned without going back through them.

d is the mean over the queries of KL(target ‖ θ_k) for classes and of the squared distance for values; or
‖θ_k − target‖² / 2α between weights, with which L = 1 is exactly MAML. In the paper the learner may follow
any rule, and the first L − 1 steps of the target go on as its own did; here both take plain gradient steps at
one rate α, and the target's know the whole task, with which it learns faster here.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate
from workbench.algorithms.maml import MAML
from workbench.algorithms.reptile import whole_task
from workbench.config import setting
from workbench.problems.base import Supervised
from workbench.problems.courses import mean as mean_of
from workbench.problems.courses import weights
from workbench.tasks.base import Episode


class BootstrappedConfig(InnerLoopConfig):
    needs = frozenset({"gradient", "pairs", "vectors"})
    episodic = False

    kind: Literal["bootstrapped"] = "bootstrapped"
    inner_lr: float | None = inner_rate(0.01, classes=0.4)
    inner_steps: int = setting(
        5, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )
    bootstrap_steps: int = setting(
        5, ge=1, le=1000, unit="steps", symbol="L", help="Steps of the target beyond the learner's."
    )
    distance: Literal["predictions", "weights"] = setting(
        "predictions", help="What is to match the target: predictions of the queries, or the weights."
    )


class Bootstrapped(MAML):
    """MAML that follows its own future."""

    Config = BootstrappedConfig
    title = "Bootstrapped MAML"
    summary = "MAML that learns to be where some more inner steps, the last on the queries, would lead it."
    departs = (
        "Learner and target take plain gradient steps at one rate; the target sees support set and queries."
    )
    citation = Citation(
        "S. Flennerhag, Y. Schroecker, T. Zahavy, H. van Hasselt, D. Silver, S. Singh",
        "Bootstrapped Meta-Learning",
        "ICLR",
        2022,
        "2109.04504",
    )
    config: BootstrappedConfig
    problem: Supervised

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        learner, query = self.adapt(meta, episode.support, self.trained_steps), episode.query
        target = self._further(meta, learner, episode)
        if self.config.distance == "weights":
            ways = [(learner[name] - target[name]).square().sum() for name in learner]
            return torch.stack(ways).sum() / (2 * self.inner_lr)
        asked, weight = self.problem.asked(query), weights(query)
        away = self.problem.away(self.predict(learner, asked), self.predict(target, asked))
        return away.mean() if weight is None else mean_of(away, weight)

    def _further(self, meta: Params, learner: Params, episode: Episode) -> Params:
        """The target."""
        target = {name: weight.detach() for name, weight in learner.items()}
        whole, more = whole_task(episode), self.config.bootstrap_steps
        for index in range(more):
            part = whole if index < more - 1 else episode.query
            target = self.step(meta, target, part, self.trained_steps + index)
        return {name: weight.detach() for name, weight in target.items()}
