"""MAML++: Antoniou, Edwards, Storkey, "How to train your MAML", ICLR 2019, arXiv 1810.09502.

θ_{i+1} = θ_i − α_{l,i} ∇L_S(θ_i) with a learned rate for every layer l and step i; batch norm has weights
and biases of its own at every step, which are meta-learned and not adapted. θ, α and the norms follow the
gradient of Σ_i v_i L_Q(θ_i) over the N steps: every v_i is 1/N at first, those of the steps before the last
fall to .03/N, and the last one takes the rest. After this phase the loss is that of the last step alone. The
outer rate falls as a cosine.

As in the authors' code, from which the numbers are, but for this: the rates are learned as logarithms,
because a rate of .01 that Adam moves by .001 at once soon has the wrong sign; a layer's weight and bias share
a rate; θ_i is always used with the norms of step i (in the code, those of step i − 1 for the query set);
second derivatives are used from the beginning (no annealing of the order). Steps beyond the trained ones take
the last step's rates and norms.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate, named_after
from workbench.algorithms.maml import MAML
from workbench.algorithms.memory import Memory
from workbench.config import setting
from workbench.networks.base import Network
from workbench.networks.batch_norm import BatchNorm
from workbench.tasks.base import Data, Episode, TaskShape


class MAMLPlusPlusConfig(InnerLoopConfig):
    episodic = False

    kind: Literal["mamlpp"] = "mamlpp"
    inner_lr: float | None = inner_rate(
        0.01, classes=0.1, symbol="α₀", help="What every learned inner rate starts from."
    )
    inner_steps: int = setting(
        5, ge=1, le=1000, unit="steps", symbol="N", help="Inner steps on each task while training."
    )
    multi_step: float = setting(
        0.15, ge=0, le=1, help="Part of the training in which the loss after every inner step counts."
    )
    final_rate: float = setting(
        0.01, rare=True, gt=0, le=1, help="Part of the outer learning rate that is left at the end."
    )


class MAMLPlusPlus(MAML):
    """MAML with the changes that make its training stable."""

    Config = MAMLPlusPlusConfig
    title = "MAML++"
    summary = "MAML with learned rates and batch norms for every inner step, and a loss after each of them."
    departs = "Beyond the trained steps the last rate and norm are repeated; no ensemble of checkpoints."
    citation = Citation(
        "A. Antoniou, H. Edwards, A. Storkey", "How to train your MAML", "ICLR", 2019, "1810.09502"
    )

    config: MAMLPlusPlusConfig

    def __init__(self, config: MAMLPlusPlusConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        norms = [name for name, layer in network.named_modules() if isinstance(layer, BatchNorm)]
        self._norms = frozenset(f"{name}.{part}" for name in norms for part in ("weight", "bias"))

    def initial(self, generator: torch.Generator) -> Params:
        meta: Params = {}
        for name, weight in super().initial(generator).items():
            if name in self._norms:
                meta[f"norm.{name}"] = torch.stack([weight] * self.trained_steps)
            else:
                meta[name] = weight
                meta[_rate_of(name)] = torch.full((self.trained_steps,), math.log(self.inner_lr))
        return meta

    def start(self, meta: Params, support: Data) -> Params:
        weights = {
            name: weight for name, weight in meta.items() if not name.startswith(("norm.", "log_rate."))
        }
        return weights | self._norms_of(meta, 0)

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        return {"inner rates": {name: each.exp() for name, each in named_after("log_rate.", meta).items()}}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        gradient = self.gradient(learner, support)
        at = min(index, self.trained_steps - 1)
        adapted = {
            name: weight - meta[_rate_of(name)][at].exp() * gradient[name]
            for name, weight in learner.items()
            if name not in self._norms
        }
        return adapted | self._norms_of(meta, index + 1)

    def _norms_of(self, meta: Params, step: int) -> Params:
        step = min(step, self.trained_steps - 1)
        return {name: meta[f"norm.{name}"][step] for name in self._norms}

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        if "step_weights" not in episode.extra:
            return super().loss(meta, episode)
        learners = self.adaptation(meta, episode.support, self.trained_steps)
        losses = [
            self.problem.loss(partial(self.predict, learner), episode.query)
            for learner in islice(learners, 1, None)
        ]
        return (episode.extra["step_weights"] * torch.stack(losses)).sum()

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        if done >= self.config.multi_step:  # the last step alone: no query set is gone through in vain
            return episode
        weights = step_weights(self.trained_steps, done / self.config.multi_step)
        of_each = torch.tensor(weights, device=episode.device).expand(episode.count, -1)
        return episode._replace(extra=episode.extra | {"step_weights": of_each})

    def meta_lr(self, base: float, done: float) -> float:
        smallest = base * self.config.final_rate
        return smallest + (base - smallest) * (1 + math.cos(math.pi * done)) / 2


def step_weights(steps: int, done: float) -> list[float]:
    """v_i, when the part ``done`` of the multi-step phase is over."""
    early = max(1 - done, 0.03) / steps
    return [early] * (steps - 1) + [1 - (steps - 1) * early]


def _rate_of(name: str) -> str:
    """The logarithms of the rates of the layer that a weight belongs to."""
    return f"log_rate.{name.rpartition('.')[0]}"
