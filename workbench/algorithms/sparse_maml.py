"""sparse-MAML: von Oswald, Zhao, Kobayashi, Schug, Caccia, Zucchet, Sacramento, "Learning where to learn:
Gradient sparsity in meta and continual learning", NeurIPS 2021, arXiv 2110.14402.

θ' = θ − α 1[m ≥ 0] ∘ ∇L_S(θ), repeated. The mask is shared by all tasks and learned together with θ; its
gradient goes straight through the step function, as if that were the identity.

As in the authors' code, m starts uniform around 0, so that about half of the weights are frozen at first.
They give m a higher outer rate; here it starts in a smaller range, which is the same, since only the sign of
m matters and Adam's steps do not depend on the scale of a gradient. The authors take first-order gradients
for θ, we the full ones.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, named_after
from workbench.algorithms.maml import MAML
from workbench.config import setting
from workbench.measures import FROZEN_WEIGHTS
from workbench.tasks.base import Data, Episode


class SparseMAMLConfig(InnerLoopConfig):
    kind: Literal["sparse_maml"] = "sparse_maml"
    frozen: float = setting(
        0.5, ge=0, le=1, help="Share of weights that are frozen in the inner loop at the start of training."
    )
    mask_width: float = setting(
        0.05, rare=True, gt=0, le=100, help="Width of the range that the mask's parameters start in."
    )


class SparseMAML(MAML):
    """MAML that learns which weights to adapt."""

    Config = SparseMAMLConfig
    title = "sparse-MAML"
    family = "model adaptation"
    summary = "MAML that learns where to learn: a mask, shared by all tasks, of the weights that are adapted."
    departs = (
        "Full gradients for θ, where the authors take first-order ones, and one inner step, where they take "
        "35: on sinusoids ten steps came to .077 instead of .222, on pictures none but one was tried."
    )
    citation = Citation(
        "J. von Oswald, D. Zhao, S. Kobayashi, S. Schug, M. Caccia, N. Zucchet, J. Sacramento",
        "Learning where to learn: Gradient sparsity in meta and continual learning",
        "NeurIPS",
        2021,
        "2110.14402",
    )

    config: SparseMAMLConfig

    def initial(self, generator: torch.Generator) -> Params:
        weights = super().initial(generator)
        masks = {
            f"mask.{name}": self.config.mask_width
            * (torch.rand(weight.shape, generator=generator) - self.config.frozen)
            for name, weight in weights.items()
        }
        return weights | masks

    def start(self, meta: Params, support: Data) -> Params:
        return {name: weight for name, weight in meta.items() if not name.startswith("mask.")}

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        masks = named_after("mask.", meta)
        return {"mask of adapted weights": {name: (each >= 0).to(each.dtype) for name, each in masks.items()}}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        gradient = self.gradient(learner, support)
        return {
            name: weight - self.inner_lr * _straight_through(meta[f"mask.{name}"]) * gradient[name]
            for name, weight in learner.items()
        }

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        layers: dict[str, list[Tensor]] = {}
        for name, mask in meta.items():
            if name.startswith("mask."):
                layer = name.removeprefix("mask.").rpartition(".")[0]
                layers.setdefault(layer, []).append((mask < 0).to(mask.dtype).flatten())
        shares = {layer: torch.cat(frozen).mean() for layer, frozen in layers.items()}
        everything = torch.cat([each for frozen in layers.values() for each in frozen])
        return {FROZEN_WEIGHTS.name: shares | {"all": everything.mean()}}


def _straight_through(mask: Tensor) -> Tensor:
    """1[m ≥ 0], with the derivative 1."""
    return (mask >= 0).to(mask.dtype) + (mask - mask.detach())
