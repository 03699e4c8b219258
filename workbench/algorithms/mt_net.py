"""MT-nets: Lee, Choi, "Gradient-Based Meta-Learning with Learned Layerwise Metric and Subspace", ICML 2018,
arXiv 1801.05558.

A layer computes T (W x + b): T is meta-learned and not adapted, so that W follows a gradient in a metric of
its own. A mask says which units' weights are adapted: W' = W − α M ∘ ∇_W L_S, where the row of a unit is all
in M or not at all, with probability σ(ζ), drawn for each task and kept over its steps. W, b, T and ζ follow
the gradient of the query loss through the inner steps, ζ's by the Gumbel softmax, straight through.

As in the authors' code T is the identity at first, ζ 0 and the temperature 1, and the last layer has both.
There masks are drawn in test too; here it takes the mean mask, σ(ζ), so that nothing hangs on chance.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, named_after
from workbench.algorithms.maml import MAML
from workbench.algorithms.memory import Memory
from workbench.algorithms.warpgrad import FIXED, WarpGrad
from workbench.tasks.base import Data, Episode

NOISE = "mask_noise"
"""Of a training task's support set: what its mask is drawn by, a number for each unit."""


class MTNetConfig(InnerLoopConfig):
    kind: Literal["mt_net"] = "mt_net"


class MTNet(WarpGrad):
    """MAML in a learned metric, within a learned part of the weights."""

    Config = MTNetConfig
    title = "MT-net"
    summary = "MAML with a learned linear map behind each layer, and a learned mask of the units that adapt."
    departs = "A test takes the mean of the masks instead of drawing one."
    citation = Citation(
        "Y. Lee, S. Choi",
        "Gradient-Based Meta-Learning with Learned Layerwise Metric and Subspace",
        "ICML",
        2018,
        "1801.05558",
    )

    def initial(self, generator: torch.Generator) -> Params:
        meta = MAML.initial(self, generator)
        for name, layer in self.network.named_modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                units = len(layer.weight)
                meta |= {f"warp.{name}": torch.eye(units), f"mask.{name}": torch.zeros(units)}
        return meta

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        """With the difference of two Gumbel numbers for each unit, which is logistic."""
        layers = [each for each in self.network.modules() if isinstance(each, nn.Linear | nn.Conv2d)]
        units = sum(len(each.weight) for each in layers)
        noise = torch.logit(torch.rand(episode.count, units, generator=generator), eps=1e-6)
        return episode._replace(support=episode.support | {NOISE: noise.to(episode.device)})

    def start(self, meta: Params, support: Data) -> Params:
        logits = {name: meta[name] for name in sorted(meta) if name.startswith("mask.")}
        if NOISE not in support:
            return meta | {name: each.sigmoid() for name, each in logits.items()}
        noise = torch.split(support[NOISE], [len(each) for each in logits.values()])
        drawn = (_drawn(each + own) for each, own in zip(logits.values(), noise, strict=True))
        return meta | dict(zip(logits, drawn, strict=True))

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        masks = {name: each.sigmoid() for name, each in named_after("mask.", meta).items()}
        return super().meta_learned(meta) | {"probability of being adapted": masks}

    def _masked(self, learner: Params, gradient: Params) -> Params:
        def of(name: str, each: Tensor) -> Tensor:
            mask = learner.get(f"mask.{name.rpartition('.')[0]}")
            return each if mask is None else mask.reshape(-1, *[1] * (each.dim() - 1)) * each

        return {name: of(name, each) for name, each in gradient.items()}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        weights = {name: each for name, each in learner.items() if not name.startswith(FIXED)}
        for name, each in weights.items():
            warp = learner.get(f"warp.{name.rpartition('.')[0]}")
            if warp is not None:
                weights[name] = torch.tensordot(warp, each, 1)
        out: Tensor = functional_call(self.network, weights, (x,))
        return out


def _drawn(logits: Tensor) -> Tensor:
    """1 where the logits with their noise are positive, else 0, with the derivative of their σ."""
    soft = logits.sigmoid()
    return (logits > 0).to(soft.dtype) + (soft - soft.detach())
