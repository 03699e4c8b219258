"""CAVIA: Zintgraf, Shiarlis, Kurin, Hofmann, Whiteson, "Fast Context Adaptation via Meta-Learning",
ICML 2019, arXiv 1810.03642.

Each task has context parameters φ, which are 0 at its start and all that is adapted:
φ' = φ − α ∇_φ L_S(φ, θ), repeated. θ ← θ − β ∇_θ mean L_Q(φ', θ), through the inner steps.

In a fully connected network φ is joined to the input: the first layer's output gains U φ. In a convolutional
one it scales and shifts the channels of the third block, before the ReLU: (1 + γ) ∘ h + δ with (γ, δ) = U φ.
The map U is a part of θ. (The authors' code has a bias in the map where we have the 1, which batch norm's own
weight and bias make superfluous; and α = 1 for images, which takes many more meta-iterations to learn.)
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, clipped, inner_rate, settled
from workbench.algorithms.maml import MAML
from workbench.config import setting
from workbench.networks.base import Network, initialise
from workbench.tasks.base import Data, TaskShape


class CAVIAConfig(InnerLoopConfig):
    kind: Literal["cavia"] = "cavia"
    inner_lr: float | None = inner_rate(1.0, classes=10.0, rollouts=0.3, tokens=1.0)
    inner_steps: int = setting(
        2, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )
    context: int | None = setting(
        ge=1,
        le=10_000,
        symbol="φ",
        default=5,
        where={"classes": 100, "rollouts": 8},
        help="Number of context parameters.",
    )


class CAVIA(MAML):
    """Adapts nothing but an additional input."""

    Config = CAVIAConfig
    title = "CAVIA"
    summary = (
        "Adapts a few context parameters, an input of the network; all its weights are shared by the tasks."
    )
    departs = (
        "Two inner steps, where the authors take one on sinusoids: after five steps .034 instead of .053. "
        "The outer gradient is not clamped unless training.gradient_clamp says so; on sinusoids ±10 changed "
        "no bit. On pictures the context acts before the pooling, in the authors' code after it."
    )
    citation = Citation(
        "L. Zintgraf, K. Shiarlis, V. Kurin, K. Hofmann, S. Whiteson",
        "Fast Context Adaptation via Meta-Learning",
        "ICML",
        2019,
        "1810.03642",
    )

    config: CAVIAConfig

    def __init__(self, config: CAVIAConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self._scales = any(isinstance(layer, nn.Conv2d) for layer in network.modules())
        self._layer = _third_block(network) if self._scales else _first_linear(network)

    def initial(self, generator: torch.Generator) -> Params:
        weights = super().initial(generator)
        rows = len(weights[f"{self._layer}.bias"]) * (2 if self._scales else 1)
        context_map = nn.Linear(settled(self.config.context), rows, bias=False)
        initialise(context_map, generator)
        return weights | {"context_map": context_map.weight.detach()}

    def start(self, meta: Params, support: Data) -> Params:
        return meta | {"context": meta["context_map"].new_zeros(settled(self.config.context))}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        def loss(context: Tensor) -> Tensor:
            return self.problem.adapt_loss(partial(self.predict, learner | {"context": context}), support)

        context = learner["context"]
        gradient = clipped({"context": grad(loss)(context)}, self.problem.most_norm)
        return learner | {"context": context - self.inner_lr * gradient["context"]}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        weights = {name: w for name, w in learner.items() if not name.startswith("context")}
        weight, bias = f"{self._layer}.weight", f"{self._layer}.bias"
        change = learner["context_map"] @ learner["context"]
        if self._scales:
            scale, change = change.chunk(2)
            scale = 1 + scale
            weights[weight] = weights[weight] * scale.reshape(-1, *[1] * (weights[weight].dim() - 1))
            weights[bias] = weights[bias] * scale
        weights[bias] = weights[bias] + change
        out: Tensor = functional_call(self.network, weights, (x,))
        return out


def _first_linear(network: Network) -> str:
    name: str = next(name for name, layer in network.named_modules() if isinstance(layer, nn.Linear))
    return name


def _third_block(network: Network) -> str:
    """The last layer with weights in the third block: the one whose output is to be scaled and shifted."""
    block = f"body.{list(network.units)[:3][-1]}."
    names = [name for name, _ in network.named_parameters() if name.startswith(block)]
    return names[-1].rpartition(".")[0]
