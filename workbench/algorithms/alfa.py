"""ALFA: Baik, Choi, Choi, Kim, Lee, "Meta-Learning with Adaptive Hyperparameters", NeurIPS 2020, arXiv
2011.00209.

θ' = β ∘ θ − α ∘ ∇L_S(θ), repeated. Before every step a small perceptron reads the mean of each layer's
weights and of its gradients, and says a factor of α and one of 1 − β for each layer; these multiply terms
that are meta-learned for every layer and step. The perceptron and the terms are learned together with θ.

As in the authors' code a layer is a tensor of weights, so that its bias has rates of its own, and gradients
that are read count as constants. There the perceptron begins at random and its factors have no bounds; here
they lie between 0 and 2 and are 1 at first, so that training begins at MAML with a weight decay. Rates and
decays are learned as logarithms: Adam moves all terms alike, and these differ by powers of ten. Beyond the
trained steps there are no terms to go by, and the learner stays as it is.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms import perceptron
from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate, named_after
from workbench.algorithms.maml import MAML
from workbench.config import setting
from workbench.tasks.base import Data

OWN = ("generator.", "rate.", "decay.")


class ALFAConfig(InnerLoopConfig):
    kind: Literal["alfa"] = "alfa"
    inner_lr: float | None = inner_rate(
        0.01, classes=0.1, symbol="α₀", help="What every learned inner rate starts from."
    )
    inner_steps: int = setting(
        5, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )
    weight_decay: float = setting(
        5e-4, rare=True, ge=0, le=1, help="What every learned weight decay starts from, in inner rates."
    )


class ALFA(MAML):
    """MAML whose rates and weight decays depend on the task and on how far it has come."""

    Config = ALFAConfig
    title = "ALFA"
    summary = (
        "MAML with a rate and a weight decay of each layer that a perceptron says anew before every step."
    )
    departs = (
        "All factors lie between 0 and 2 and are 1 at first, so that training begins at MAML; in the "
        "authors' code they begin at random, without bounds. From 1 without bounds, one training of three "
        "diverged here. Rates and decays are learned as logarithms. Beyond the trained steps the learner "
        "stays as it is."
    )
    citation = Citation(
        "S. Baik, M. Choi, J. Choi, H. Kim, K. M. Lee",
        "Meta-Learning with Adaptive Hyperparameters",
        "NeurIPS",
        2020,
        "2011.00209",
    )
    config: ALFAConfig

    def initial(self, generator: torch.Generator) -> Params:
        weights, steps = super().initial(generator), self.trained_steps
        factors = 2 * len(weights)
        meta = weights | perceptron.initial("generator", (factors, factors, factors), generator)
        meta["generator.1.weight"] = torch.zeros(factors, factors)
        meta["generator.1.bias"] = torch.zeros(factors)
        for name in weights:
            meta[f"rate.{name}"] = torch.zeros(steps)
            meta[f"decay.{name}"] = torch.zeros(steps)
        return meta

    def start(self, meta: Params, support: Data) -> Params:
        return {name: weight for name, weight in meta.items() if not name.startswith(OWN)}

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        rates, decays = named_after("rate.", meta), named_after("decay.", meta)
        return {
            "inner rates": {name: self._rate(each) for name, each in rates.items()},
            "weight decays": {name: self._decay(each) for name, each in decays.items()},
        }

    def _rate(self, said: Tensor) -> Tensor:
        """α, of which the logarithm is learned, counted from where it begins."""
        return self.inner_lr * said.exp()

    def _decay(self, said: Tensor) -> Tensor:
        return self.inner_lr * self.config.weight_decay * said.exp()

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        if index >= self.trained_steps:
            return learner
        gradient, names = self.gradient(learner, support), sorted(learner)
        read = [learner[name].mean() for name in names] + [gradient[name].detach().mean() for name in names]
        said = 2 * torch.sigmoid(perceptron.apply(meta, "generator", torch.stack(read)[None])[0])
        stepped = {}
        for name, of_rate, of_decay in zip(names, *said.chunk(2), strict=True):
            kept = 1 - of_decay * self._decay(meta[f"decay.{name}"][index])
            rate = of_rate * self._rate(meta[f"rate.{name}"][index])
            stepped[name] = kept * learner[name] - rate * gradient[name]
        return stepped
