"""Conditional neural processes: Garnelo, Rosenbaum, Maddison, Ramalho, Saxton, Shanahan, Teh, Rezende,
Eslami, "Conditional Neural Processes", ICML 2018, arXiv 1807.01613.

r = mean over the support set of h(x, y); (μ, ω) = g(x*, r); σ = 0.1 + 0.9 softplus(ω), as in the authors'
notebook. Trained to make the query values likely under N(μ, σ²). Where values are measured over time the
least σ is 0.02: they are known better than to a tenth of their spread.

h and g are perceptrons of the algorithm's own: it does not use ``[network]``. The paper scores the support
examples together with the queries, and draws how many there are; here only the queries count, of episodes
of one size. What the engine measures is the squared error of μ.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms import perceptron
from workbench.algorithms.base import Citation, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import AlgorithmConfig, Trains, setting
from workbench.problems.base import Problem
from workbench.problems.courses import mean as mean_of
from workbench.problems.courses import weights
from workbench.tasks.base import Data, Episode


class CNPConfig(Trains):
    needs = frozenset({"gradient", "pairs", "values"})

    kind: Literal["cnp"] = "cnp"
    width: int = setting(
        128,
        ge=1,
        le=10_000,
        unit="units",
        help="Units of the representation and of every hidden layer; [network] is not used.",
    )


class CNP(ClosedForm):
    """The support set summed up as one vector, from which every query is predicted."""

    Config: ClassVar[type[AlgorithmConfig]] = CNPConfig
    title = "CNP"
    family = "metric"
    summary = "Sums the support set up as one vector and predicts values with their uncertainty from it; has "
    departs = (
        "Only queries are scored, of episodes of one size; the least σ of values measured over time is "
        "smaller."
    )
    summary += "an encoder and a decoder of its own instead of the network."
    citation = Citation(
        "M. Garnelo, D. Rosenbaum, C. J. Maddison, T. Ramalho, D. Saxton, M. Shanahan, Y. W. Teh, "
        "D. J. Rezende, S. M. A. Eslami",
        "Conditional Neural Processes",
        "ICML",
        2018,
        "1807.01613",
    )

    config: CNPConfig

    def initial(self, generator: torch.Generator) -> Params:
        width, inputs, outputs = self.config.width, math.prod(self.shape.input_shape), self.shape.outputs
        encoder = perceptron.initial("encoder", (inputs + outputs, width, width, width), generator)
        return encoder | perceptron.initial("decoder", (inputs + width, width, width, 2 * outputs), generator)

    def start(self, meta: Params, support: Data) -> Params:
        pairs = torch.cat([support["x"].flatten(1), support["y"]], dim=1)
        encoded = perceptron.apply(meta, "encoder", pairs)
        weight = weights(support)
        if weight is None:
            return meta | {"r": encoded.mean(0)}
        return meta | {"r": weight @ encoded / weight.sum()}

    def distribution(self, learner: Params, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and σ of every value, ``[n, outputs]`` each."""
        r = learner["r"].expand(len(x), -1)
        decoded = perceptron.apply(learner, "decoder", torch.cat([x.flatten(1), r], 1))
        return sure(decoded, least_spread(self.problem))

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self.distribution(learner, x)[0]

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        return -self._likelihood(self.start(meta, episode.support), episode)[0]

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        likelihood, spread = self._likelihood(learner, episode)
        return {"CNP": {"log-likelihood of a value": likelihood, "σ": spread}}

    def _likelihood(self, learner: Params, episode: Episode) -> tuple[Tensor, Tensor]:
        """Mean log-likelihood of the query values, and mean σ."""
        mean, spread = self.distribution(learner, episode.query["x"])
        return likelihood_of(mean, spread, episode.query), spread.mean()


def least_spread(problem: Problem) -> float:
    """The least σ that is predicted."""
    return 0.02 if "times" in problem.gives else 0.1


def sure(decoded: Tensor, least: float) -> tuple[Tensor, Tensor]:
    """μ and σ of what a decoder says of them, ``[n, 2 · outputs]``."""
    mean, spread = decoded.chunk(2, dim=1)
    return mean, least + 0.9 * F.softplus(spread)


def likelihood_of(mean: Tensor, spread: Tensor, query: Data) -> Tensor:
    """Mean log-likelihood of the values of a query set under N(μ, σ²)."""
    squared = ((query["y"] - mean) / spread).square()
    each = squared / 2 + spread.log() + math.log(2 * math.pi) / 2
    weight = weights(query)
    return -each.mean() if weight is None else -mean_of(each.mean(-1), weight)
