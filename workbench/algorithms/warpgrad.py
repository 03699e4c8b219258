"""WarpGrad: Flennerhag, Rusu, Pascanu, Visin, Yin, Hadsell, "Meta-Learning with Warped Gradient Descent",
ICLR 2020, arXiv 1909.00025.

Warp layers ω stand between the layers of the network: they are meta-learned and not adapted. What gradients
pass on their way is warped by them, so that θ' = θ − α ∇_θ L_S(θ, ω) is descent along a preconditioned one.

A warp layer maps the units that come out of a hidden layer (of a convolution: the channels at every place)
linearly onto as many, from the identity on; the authors' code takes 3×3 convolutions and batch norm there.
θ and ω follow the gradient of the query loss through the inner steps, as MAML's θ: the paper's simplest
objective. Those that it is about learn ω along the way of adaptation instead, without going back through it.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.func import functional_call, grad

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, clipped, named_after
from workbench.algorithms.maml import MAML
from workbench.config import AlgorithmConfig
from workbench.tasks.base import Data

FIXED = ("warp.", "mask.")
"""How the names of what no task adapts begin."""


class WarpGradConfig(InnerLoopConfig):
    kind: Literal["warpgrad"] = "warpgrad"


class WarpGrad(MAML):
    """MAML through layers that no task adapts."""

    Config: ClassVar[type[AlgorithmConfig]] = WarpGradConfig
    title = "WarpGrad"
    summary = "MAML with linear layers in between that are shared by all tasks and warp the inner gradient."
    departs = "Warps are linear, and learned through the inner steps: the paper's simplest objective."
    citation = Citation(
        "S. Flennerhag, A. A. Rusu, R. Pascanu, F. Visin, H. Yin, R. Hadsell",
        "Meta-Learning with Warped Gradient Descent",
        "ICLR",
        2020,
        "1909.00025",
    )

    def initial(self, generator: torch.Generator) -> Params:
        warps = {f"warp.{layer}": torch.eye(units) for layer, units in self.network.units.items()}
        return super().initial(generator) | warps

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        return {"warps": named_after("warp.", meta)}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        fixed = {name: each for name, each in learner.items() if name.startswith(FIXED)}
        weights = {name: each for name, each in learner.items() if name not in fixed}

        def loss(at: Params) -> Tensor:
            return self.problem.adapt_loss(partial(self.predict, fixed | at), support)

        gradient = self._masked(learner, clipped(grad(loss)(weights), self.problem.most_norm))
        return fixed | {name: each - self.inner_lr * gradient[name] for name, each in weights.items()}

    def _masked(self, learner: Params, gradient: Params) -> Params:
        """What of a gradient is followed: here all."""
        return gradient

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        def warped(layer: str, h: Tensor) -> Tensor:
            return (h.movedim(1, -1) @ learner[f"warp.{layer}"].T).movedim(-1, 1)

        weights = {name: each for name, each in learner.items() if not name.startswith(FIXED)}
        out: Tensor = functional_call(self.network, weights, (x, warped))
        return out
