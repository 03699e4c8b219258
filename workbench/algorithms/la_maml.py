"""La-MAML: Gupta, Yadav, Paull, "Look-ahead Meta Learning for Continual Learning", NeurIPS 2020, arXiv
2007.13904 (algorithm 1).

The paper's stream is one of single examples; here it is one of TASKS, new ones and remembered ones:

    inner  θ' = θ − relu(α) ∘ ∇L_S(θ), repeated, with a learned rate α for every weight
    outer  α ← α − η ∇_α L, first;  then θ ← θ − relu(α) ∘ ∇_θ L, with the new α

where L is the mean query loss over new and remembered tasks after every inner step, so that a rate that hurts
past tasks shrinks, in both uses. The paper adapts along the examples of the current task, one step for each,
and scores that one learner on past examples too; here every task is adapted on its own support set, by steps
on the whole of it (``inner = "examples"`` takes one example a step, as the paper does). The reservoir holds
tasks. As in the authors' code, the outer gradients of all weights, and of all rates, are scaled down to a
norm of 2 where they are longer.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import (
    Citation,
    InnerLoopConfig,
    OuterStep,
    Params,
    inner_rate,
    named_after,
    settled,
)
from workbench.algorithms.maml import MAML
from workbench.algorithms.replay import ReplayConfig, Replays
from workbench.config import setting
from workbench.networks.base import Network
from workbench.tasks.base import Data, TaskShape


class LaMAMLConfig(ReplayConfig, InnerLoopConfig):
    kind: Literal["la_maml"] = "la_maml"
    inner_lr: float | None = inner_rate(
        0.02, classes=0.4, symbol="α₀", help="What every learned rate starts from."
    )
    inner_steps: int = setting(
        3, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )
    inner: Literal["task", "examples"] = setting(
        "task", help="An inner step on the whole support set, or on one example after the other (the paper)."
    )
    scored: Literal["every step", "last step"] = setting(
        "every step",
        before="last step",
        help="Inner steps after which the outer loss is taken; of all of them, it is the mean (the paper).",
    )
    rate_lr: float | None = setting(
        gt=0,
        le=100,
        symbol="η",
        default=0.01,
        where={"classes": 0.1},
        help="Outer learning rate of the rates; that of the weights are the rates themselves.",
    )
    longest: float = setting(
        2.0, rare=True, gt=0, help="Norm that the outer gradients are scaled down to where they are longer."
    )


class LaMAML(Replays, MAML):
    """MAML on new and past tasks, with learned rates that serve inside and outside."""

    Config = LaMAMLConfig
    title = "La-MAML"
    family = "experience replay"
    summary = "MAML on new and replayed tasks; learned rates of each weight serve in both loops."
    departs = "Tasks, not single examples, make the stream; each is adapted on its own support set."
    citation = Citation(
        "G. Gupta, K. Yadav, L. Paull",
        "Look-ahead Meta Learning for Continual Learning",
        "NeurIPS",
        2020,
        "2007.13904",
    )
    config: LaMAMLConfig

    def __init__(self, config: LaMAMLConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        if config.scored == "every step":
            self.step_cost = 0.0

    def initial(self, generator: torch.Generator) -> Params:
        weights = super().initial(generator)
        rates = {f"rate.{name}": torch.full_like(w, self.inner_lr) for name, w in weights.items()}
        return weights | rates

    def start(self, meta: Params, support: Data) -> Params:
        return {name: weight for name, weight in meta.items() if not name.startswith("rate.")}

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        return {"inner rates": {name: each.relu() for name, each in named_after("rate.", meta).items()}}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        if self.config.inner == "examples":
            at = index % len(next(iter(support.values())))
            support = {n: each if n == "classes" else each[at : at + 1] for n, each in support.items()}
        gradient = self.gradient(learner, support)
        return {name: w - meta[f"rate.{name}"].relu() * gradient[name] for name, w in learner.items()}

    @property
    def outer(self) -> OuterStep:
        return OuterStep(update=self._updated)

    def _updated(self, meta: Params, gradient: Params, rate: float) -> Params:
        weights = self._bounded({n: g for n, g in gradient.items() if not n.startswith("rate.")})
        rates = self._bounded({n: g for n, g in gradient.items() if n.startswith("rate.")})
        rates = {name: meta[name] - rate * each for name, each in rates.items()}
        weights = {name: meta[name] - rates[f"rate.{name}"].relu() * each for name, each in weights.items()}
        return weights | rates

    def meta_lr(self, base: float, done: float) -> float:
        return self.config.meta_lr or settled(self.config.rate_lr)

    def _bounded(self, gradient: Params) -> Params:
        """A gradient whose norm, over all of it, is at most the longest."""
        norm = torch.stack([each.square().sum() for each in gradient.values()]).sum().sqrt()
        factor: Tensor = (self.config.longest / (norm + 1e-6)).clamp(max=1)
        return {name: factor * each for name, each in gradient.items()}
