"""Transformer neural processes, TNP-D: Nguyen, Grover, "Transformer Neural Processes: Uncertainty-Aware Meta
Learning Via Sequence Modeling", ICML 2022, arXiv 2207.04179.

Support examples (x, y) and queries (x*, 0) are tokens of one transformer, embedded alike and without
positions. In every layer all of them look at the support examples only; a query carries itself along. So it
depends neither on the order of the examples nor on the other queries. (μ, ω) is read off a query's last
token. Trained to make the query values likely under N(μ, σ²).

Widths, heads, layers and the outer rate that falls as a cosine are those of the authors' code; their σ is
exp(ω), here it is made as in the conditional neural process. The rate rises over the first tenth of the
training and gradients are clipped to a norm of 1, without which larger rates end in one answer to all
queries. The transformer is the algorithm's own: it does not use ``[network]``.
"""

from __future__ import annotations

import copy
import math
from typing import Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.func import functional_call

from workbench.algorithms.base import Citation, OuterStep, Params
from workbench.algorithms.cnp import CNP, least_spread, sure
from workbench.algorithms.set_transformer import HEADS, Attending
from workbench.config import Trains, setting
from workbench.networks.base import Network, initialise
from workbench.problems.courses import weights
from workbench.settings import misfit
from workbench.tasks.base import Data, TaskShape


class TNPConfig(Trains):
    needs = frozenset({"gradient", "pairs", "values"})

    kind: Literal["tnp"] = "tnp"
    width: int = setting(
        64, ge=4, le=10_000, unit="units", help="Units of a token, a multiple of 4; [network] is not used."
    )
    layers: int = setting(6, ge=1, le=32, help="Layers of attention.")

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % HEADS:
            raise misfit(("width",), f"must be a multiple of {HEADS}, the heads of the attention")
        return self


class TNP(CNP):
    """A transformer that reads the support set beside every query."""

    Config = TNPConfig
    title = "TNP"
    summary = (
        "Reads support set and queries with a transformer and predicts values with their uncertainty; the "
    )
    departs = "σ is made as in the conditional neural process; the rate warms up, and gradients are clipped."
    summary += "transformer is its own, in place of the network."
    citation = Citation(
        "T. Nguyen, A. Grover",
        "Transformer Neural Processes: Uncertainty-Aware Meta Learning Via Sequence Modeling",
        "ICML",
        2022,
        "2207.04179",
    )
    config: TNPConfig  # type: ignore[assignment]

    def __init__(self, config: TNPConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        numbers = math.prod(shape.input_shape) + shape.outputs
        self._net = _Transformer(numbers, 2 * shape.outputs, config.width, config.layers)

    def with_network(self, network: Network) -> Self:
        other = super().with_network(network)
        other._net = copy.deepcopy(self._net)  # weights are put into it while it computes
        return other

    def initial(self, generator: torch.Generator) -> Params:
        initialise(self._net, generator)
        return {name: weight.detach().clone() for name, weight in self._net.named_parameters()}

    def start(self, meta: Params, support: Data) -> Params:
        weight = weights(support)
        return meta | {
            "pairs": torch.cat([support["x"].flatten(1), support["y"]], 1),
            "counts": torch.ones_like(support["y"][:, 0]) if weight is None else weight,
        }

    def distribution(self, learner: Params, x: Tensor) -> tuple[Tensor, Tensor]:
        known = learner["pairs"], learner["counts"]
        asked = torch.cat([x.flatten(1), x.new_zeros(len(x), self.shape.outputs)], 1)
        own = {name: each for name, each in learner.items() if name not in ("pairs", "counts")}
        return sure(functional_call(self._net, own, (*known, asked)), least_spread(self.problem))

    @property
    def outer(self) -> OuterStep:
        return OuterStep(norm=1.0)

    def meta_lr(self, base: float, done: float) -> float:
        return base * min(1.0, 0.01 + 10 * done) * (1 + math.cos(math.pi * done)) / 2


class _Transformer(nn.Module):
    """Tokens of a support set ``[k, numbers]`` with how much each counts ``[k]``, and of queries
    ``[n, numbers]``, to what is said of each query ``[n, said]``."""

    def __init__(self, numbers: int, said: int, width: int, layers: int) -> None:
        super().__init__()
        hidden = [each for _ in range(3) for each in (nn.ReLU(), nn.Linear(width, width))]
        self.embed = nn.Sequential(nn.Linear(numbers, width), *hidden)
        self.layers = nn.ModuleList(Attending(width) for _ in range(layers))
        self.say = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, said))

    def forward(self, pairs: Tensor, counts: Tensor, asked: Tensor) -> Tensor:
        support, query = self.embed(pairs), self.embed(asked)
        for layer in self.layers:
            query, support = layer(query, support, counts), layer(support, support, counts)
        out: Tensor = self.say(query)
        return out
