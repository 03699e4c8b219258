"""Meta-SGD: Li, Zhou, Chen, Li, "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", 2017,
arXiv 1707.09835.

θ' = θ − a ∘ ∇L_S(θ) with a learned rate for every single weight; a rate may become negative.
"""

from __future__ import annotations

from typing import Literal

import torch

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate, named_after
from workbench.algorithms.maml import MAML
from workbench.tasks.base import Data


class MetaSGDConfig(InnerLoopConfig):
    kind: Literal["meta_sgd"] = "meta_sgd"
    inner_lr: float | None = inner_rate(
        0.01, classes=0.1, symbol="a₀", help="What every learned inner rate starts from."
    )


class MetaSGD(MAML):
    """MAML that learns its inner learning rates, one for every weight."""

    Config = MetaSGDConfig
    title = "Meta-SGD"
    summary = "MAML that also learns an inner learning rate, direction included, for every single weight."
    departs = (
        "All rates begin at one value, where the authors draw them from .005 to .1: .309 instead of .297 on "
        "sinusoids after the one trained step, over three seeds. Ten steps diverged there with both."
    )
    citation = Citation(
        "Z. Li, F. Zhou, F. Chen, H. Li",
        "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning",
        "arXiv",
        2017,
        "1707.09835",
    )

    def initial(self, generator: torch.Generator) -> Params:
        weights = super().initial(generator)
        rates = {f"rate.{name}": torch.full_like(w, self.inner_lr) for name, w in weights.items()}
        return weights | rates

    def start(self, meta: Params, support: Data) -> Params:
        return {name: weight for name, weight in meta.items() if not name.startswith("rate.")}

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        return {"inner rates": named_after("rate.", meta)}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        gradient = self.gradient(learner, support)
        return {name: weight - meta[f"rate.{name}"] * gradient[name] for name, weight in learner.items()}
