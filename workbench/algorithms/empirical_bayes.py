"""Empirical Bayes: Sheiner, Rosenberg, Marathe, "Estimation of population characteristics of pharmacokinetic
parameters from routine clinical data", J. Pharmacokinetics and Biopharmaceutics 1977; a non-linear
mixed-effects model, as Lindstrom, Bates, "Nonlinear mixed effects models for repeated measures data",
Biometrics 1990.

A subject's θ (see :mod:`workbench.algorithms.subject_models`) is one of a population N(μ, diag ω²), and a
sample has the error v = (π f)² + σ². Training makes the subjects' samples likely,

    max over μ, ω, π, σ of   log ∫ Π_i N(y_i; f_i(θ), v_i) N(θ; μ, ω²) dθ,

the integral by Gauss–Hermite points about the subject's own maximum (Pinheiro, Bates, J. Computational and
Graphical Statistics 1995). A new subject has the θ at the maximum of its posterior, and a band by that
maximum's curvature. Queries that are true values, not samples, say nothing of the error: training then sees
the support samples alone.
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from workbench.algorithms.base import Citation, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.subject_models import (
    ModelName,
    Prior,
    Route,
    cost,
    fitted,
    model_of,
    model_setting,
    route_setting,
    samples_of,
    slopes_of,
)
from workbench.config import Trains, setting
from workbench.networks.base import Network
from workbench.problems.regression import Regression
from workbench.tasks.base import Data, Episode, TaskShape

SPREAD, ERROR = 0.5, 0.15
"""What ω, π and σ (of a usual value) begin as."""

ROUGHLY = 12
"""Steps of a fit that only says where an integral's points are to be."""

LEAST_SPREAD = 1e-2
"""Of ω: below it no subject differs, and nothing could be learned of it any more."""


class EmpiricalBayesConfig(Trains):
    needs = frozenset({"gradient", "pairs", "times"})
    episodic = False

    kind: Literal["empirical_bayes"] = "empirical_bayes"
    model: ModelName | None = model_setting()
    route: Route = route_setting()
    meta_lr: float | None = setting(
        0.1, rare=True, gt=0, le=100, symbol="β", help="Outer learning rate; it falls to 0."
    )
    iterations: int | None = setting(
        150,
        rare=True,
        ge=1,
        unit="meta-iterations",
        help="Length of training.",
        empty="the one under [training]",
    )


class EmpiricalBayes(ClosedForm):
    """The likeliest member of a population that was fitted to the training subjects."""

    Config = EmpiricalBayesConfig
    title = "Empirical Bayes"
    family = "reference"
    summary = (
        "Fits a population of compartment models (or lines) to the training subjects by their likelihood; "
    )
    summary += "a new one is its likeliest member."
    citation = Citation(
        "L. B. Sheiner, B. Rosenberg, V. V. Marathe",
        "Estimation of population characteristics of pharmacokinetic parameters from routine clinical data",
        "J. Pharmacokinetics and Biopharmaceutics",
        1977,
    )
    config: EmpiricalBayesConfig
    compilable = False

    def __init__(self, config: EmpiricalBayesConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self._course = Regression.course_of(shape.problem)
        self._model = model_of(config.model, config.route, self._course)

    def initial(self, generator: torch.Generator) -> Params:
        mean = torch.tensor(self._model.first)
        level = self._course.scale * ERROR
        return {
            "mean": mean,
            "log_spread": torch.full_like(mean, math.log(SPREAD)),
            "log_additive": torch.tensor(math.log(level)),
            **({"log_proportional": torch.tensor(math.log(ERROR))} if self._model.proportional else {}),
        }

    def meta_lr(self, base: float, done: float) -> float:
        return base * (1 - done)

    def prior(self, meta: Params) -> Prior:
        """The population."""
        spread = LEAST_SPREAD + meta["log_spread"].exp()
        proportional = (
            meta["log_proportional"].exp() if self._model.proportional else meta["mean"].new_zeros(())
        )
        return Prior(meta["mean"], spread**-2, proportional, meta["log_additive"].exp())

    def start(self, meta: Params, support: Data) -> Params:
        samples, prior = samples_of(self._course, self._model, support), self.prior(meta)
        theta, second = fitted(self._model, samples, prior, prior.mean)
        return {
            "theta": theta,
            "factor": torch.linalg.cholesky_ex(second)[0],
            "doses": samples.doses,
            "proportional": prior.proportional,
            "additive": prior.additive,
        }

    def distribution(self, learner: Params, x: Tensor) -> tuple[Tensor, Tensor]:
        """The values at the maximum, and their spread: what is not known of θ, and where queries are samples
        their error."""
        theta, times = learner["theta"], self._course.times(x)
        values, slopes = slopes_of(self._model, theta, times, learner["doses"])
        reach = torch.linalg.solve_triangular(learner["factor"], slopes.T, upper=False)
        variance = reach.square().sum(0) + (1e-6 * self._course.scale) ** 2
        if not self._course.exact:
            variance = variance + (learner["proportional"] * values).square() + learner["additive"].square()
        mean = (values - self._course.offset) / self._course.scale
        return mean[:, None], (variance.sqrt() / self._course.scale)[:, None]

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self.distribution(learner, x)[0]

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        """Minus the log-likelihood of a sample of one subject."""
        parts = [episode.support] if self._course.exact else [episode.support, episode.query]
        samples, prior = samples_of(self._course, self._model, *parts), self.prior(meta)
        known = Prior(*(each.detach() for each in prior))
        theta, second = fitted(self._model, samples, known, known.mean, ROUGHLY)
        # points where the integrand is: they and the values there are no function of the population
        factor = torch.linalg.cholesky_ex(second.detach())[0]
        points, log_weights = _points(len(theta), theta.dtype, theta.device)
        around = torch.linalg.solve_triangular(factor.T, points.T, upper=True).T
        thetas = theta.detach() + math.sqrt(2) * around
        values = self._model.values(thetas, samples.times, samples.doses)
        costs = cost(values, thetas, samples, prior) - prior.precision.log().sum() / 2
        constant = len(theta) / 2 * math.log(2) - torch.diagonal(factor).log().sum()
        constant = constant - len(theta) / 2 * math.log(2 * math.pi)
        count = len(samples.times) if samples.weight is None else samples.weight.sum()
        likelihood = torch.logsumexp(log_weights - costs, 0) + constant - count * math.log(2 * math.pi) / 2
        return -likelihood / count


@cache
def _grid(parameters: int) -> tuple[Tensor, Tensor]:
    """Gauss–Hermite points in so many dimensions, and the logarithm of their weights · e^{z²}."""
    number = {1: 9, 2: 7, 3: 5}.get(parameters, 3)
    points, weights = np.polynomial.hermite.hermgauss(number)
    log = np.log(weights) + points**2
    places = torch.tensor(list(itertools.product(points, repeat=parameters)), dtype=torch.float64)
    return places, torch.tensor([sum(each) for each in itertools.product(log, repeat=parameters)])


def _points(parameters: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    places, log_weights = _grid(parameters)
    return places.to(device, dtype), log_weights.to(device, dtype)
