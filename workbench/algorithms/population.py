"""The population's mean curve, with its spread: what can be said of a subject before any sample of it.

A perceptron of the algorithm's own gives μ(x) and σ(x), of the time, the doses and the covariates; it is
trained to make the values of all training subjects likely under N(μ, σ²). Samples of a new subject change
nothing.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms import perceptron
from workbench.algorithms.base import Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.cnp import least_spread, likelihood_of, sure
from workbench.config import Trains, setting
from workbench.tasks.base import Data, Episode


class PopulationConfig(Trains):
    needs = frozenset({"gradient", "pairs", "times"})
    episodic = False

    kind: Literal["population"] = "population"
    width: int = setting(64, rare=True, ge=1, le=10_000, unit="units", help="Units of each hidden layer.")


class Population(ClosedForm):
    """One curve for all."""

    Config = PopulationConfig
    title = "Population"
    family = "reference"
    summary = "The mean curve of all training subjects and the spread about it; samples change nothing."
    citation = None
    config: PopulationConfig

    def initial(self, generator: torch.Generator) -> Params:
        width, inputs, outputs = self.config.width, math.prod(self.shape.input_shape), self.shape.outputs
        return perceptron.initial("curve", (inputs, width, width, 2 * outputs), generator)

    def start(self, meta: Params, support: Data) -> Params:
        return meta

    def distribution(self, learner: Params, x: Tensor) -> tuple[Tensor, Tensor]:
        return sure(perceptron.apply(learner, "curve", x.flatten(1)), least_spread(self.problem))

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self.distribution(learner, x)[0]

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        return -likelihood_of(*self.distribution(meta, episode.query["x"]), episode.query)
