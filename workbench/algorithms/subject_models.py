"""Models of one subject's course over time, and their fit: what an analyst would use in place of a learner.

A model gives the values at some times from parameters θ that may be any numbers: logarithms of rates and
volumes, or coefficients. The fit is by damped Gauss–Newton steps (Levenberg 1944; Marquardt 1963) on

    Σ_i [ (y_i − f_i)² / 2 v_i + log(v_i) / 2 ] + Σ_p τ_p (θ_p − μ_p)² / 2,    v_i = (π f_i)² + σ²

so that it is least squares where π and τ are 0, and the maximum of the posterior where a population of
subjects is N(μ, 1/τ). A fixed number of steps is taken, each only where it is better: so it can be batched.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from workbench.problems.courses import DOSES, Course, weights
from workbench.settings import setting
from workbench.tasks.base import Data
from workbench.tasks.compartments import Compartments

ModelName = Literal["one_compartment", "two_compartments", "line", "parabola"]
Route = Literal["oral", "intravenous"]

STEPS = 40
"""Of a fit."""

REACH = 6.0
"""How far from its first guess a parameter may go, in units of the model: e⁶ is 400 times."""


def model_setting() -> ModelName | None:
    """The setting that names a model."""
    found: ModelName | None = setting(
        None,
        help="How a subject's values change with time. Where no doses are told, one of 1 at time 0 is meant.",
        empty="one_compartment where doses are told, else line",
    )
    return found


def route_setting() -> Route:
    """The setting that says how doses are given."""
    found: Route = setting(
        "oral", help="Of compartment models: whether a dose is absorbed first, or in the blood at once."
    )
    return found


class SubjectModel(ABC):
    """How one subject's values change with time.

    Attributes
    ----------
    first : θ of a subject of whom nothing is known but the usual dose, level and duration, ``[parameters]``.
    proportional : whether the error of a sample grows with its value.
    """

    first: tuple[float, ...]
    proportional: bool

    def __init__(self, course: Course) -> None:
        self.course = course

    @abstractmethod
    def values(self, theta: Tensor, times: Tensor, doses: Tensor) -> Tensor:
        """In the unit of the data, ``[…, n]``.

        Parameters
        ----------
        theta, times, doses : ``[…, parameters]``, ``[…, n]`` and ``[…, doses, 2]``.
        """

    def doses(self, support: Data) -> Tensor:
        """The doses of the subject that a support set is of, ``[doses, 2]``."""
        if self.course.dosed:
            return support[DOSES][0]
        return torch.tensor([[0.0, 1.0]], dtype=support["x"].dtype, device=support["x"].device)

    def guess(self, like: Tensor) -> Tensor:
        """The first guess, of the type and on the device of another tensor."""
        return torch.tensor(self.first, dtype=like.dtype, device=like.device)


class CompartmentModel(SubjectModel):
    """Compartments; θ are the logarithms of their parameters."""

    proportional = True

    def __init__(self, course: Course, compartments: Compartments) -> None:
        super().__init__(course)
        self.compartments = compartments
        level = abs(course.offset) + course.scale
        volume = (course.dose or 1.0) / level
        rate = 4 / course.span
        usual = {
            "absorption_rate": 5 * rate,
            "clearance": rate * volume,
            "volume": volume,
            "exchange": 2 * rate * volume,
            "peripheral_volume": volume,
        }
        self.first = tuple(math.log(usual[name]) for name in compartments.names)

    def values(self, theta: Tensor, times: Tensor, doses: Tensor) -> Tensor:
        return self.compartments.concentrations(theta.exp(), times, doses)


class PolynomialModel(SubjectModel):
    """A line or a parabola in standardised time; θ are its coefficients in standardised values."""

    proportional = False

    def __init__(self, course: Course, degree: int) -> None:
        super().__init__(course)
        self.first = (0.0,) * (degree + 1)

    def values(self, theta: Tensor, times: Tensor, doses: Tensor) -> Tensor:
        time = (times - self.course.time_offset) / self.course.time_scale
        powers = torch.stack([time**power for power in range(len(self.first))], -1)
        return self.course.offset + self.course.scale * (powers * theta[..., None, :]).sum(-1)


def model_of(name: ModelName | None, route: Route, course: Course) -> SubjectModel:
    """The model that a configuration names."""
    if name is None:
        name = "one_compartment" if course.dosed else "line"
    if name == "line" or name == "parabola":
        return PolynomialModel(course, 1 if name == "line" else 2)
    count = 1 if name == "one_compartment" else 2
    return CompartmentModel(course, Compartments(count, absorbed=route == "oral"))


class Prior(NamedTuple):
    """What is known before a subject is: μ and τ of θ ``[parameters]``, π and σ of the error (scalars)."""

    mean: Tensor
    precision: Tensor
    proportional: Tensor
    additive: Tensor


class Samples(NamedTuple):
    """Samples of one subject, in the units of the data: ``[n]`` each, and doses ``[doses, 2]``."""

    times: Tensor
    values: Tensor
    doses: Tensor
    weight: Tensor | None = None


def samples_of(course: Course, model: SubjectModel, *parts: Data) -> Samples:
    """What parts of an episode hold of one subject."""
    counted = [weights(part) for part in parts]
    whole = [
        part["y"].new_ones(len(part["y"])) if each is None else each
        for part, each in zip(parts, counted, strict=True)
    ]
    return Samples(
        torch.cat([course.times(part["x"]) for part in parts]),
        torch.cat([course.values(part["y"]) for part in parts]),
        model.doses(parts[0]),
        None if all(each is None for each in counted) else torch.cat(whole),
    )


def cost(values: Tensor, theta: Tensor, samples: Samples, prior: Prior) -> Tensor:
    """What the fit makes small, where the model says such values, ``[…, n]``."""
    variance = (prior.proportional * values).square() + prior.additive.square()
    each = ((samples.values - values).square() / variance + variance.log()) / 2
    if samples.weight is not None:
        each = each * samples.weight
    return each.sum(-1) + (prior.precision * (theta - prior.mean).square()).sum(-1) / 2


def slopes_of(model: SubjectModel, theta: Tensor, times: Tensor, doses: Tensor) -> tuple[Tensor, Tensor]:
    """What a model says and its derivatives by θ, ``[n]`` and ``[n, parameters]``: by central differences,
    all at once, which are good to some 1e-5 in 32 bits and a tenth of the work of differentiating."""
    step = torch.finfo(theta.dtype).eps ** (1 / 3)
    beside = step * torch.eye(len(theta), dtype=theta.dtype, device=theta.device)
    thetas = torch.cat([theta[None], theta + beside, theta - beside])
    found = model.values(thetas, times, doses)
    ahead, behind = found[1:].chunk(2)
    return found[0], ((ahead - behind) / (2 * step)).T


def fitted(
    model: SubjectModel, samples: Samples, prior: Prior, first: Tensor, steps: int = STEPS
) -> tuple[Tensor, Tensor]:
    """θ at the least cost that was found from a first guess in so many steps, and the (expected) second
    derivatives there: ``[parameters]`` and ``[parameters, parameters]``."""
    times, doses = samples.times, samples.doses
    low, high = first - REACH, first + REACH

    identity = torch.eye(len(first), dtype=first.dtype, device=first.device)

    def curvature(values: Tensor, slopes: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        variance = (prior.proportional * values).square() + prior.additive.square()
        grows = 2 * prior.proportional.square() * values / variance
        away = samples.values - values
        push = -away / variance + grows * (1 - away.square() / variance) / 2
        weigh = 1 / variance + grows.square() / 2
        if samples.weight is not None:
            push, weigh = push * samples.weight, weigh * samples.weight
        gradient = slopes.T @ push + prior.precision * (theta - prior.mean)
        return gradient, slopes.T @ (weigh[:, None] * slopes) + torch.diag(prior.precision)

    theta, damping = first, first.new_full((), 1e-2)
    rounding = 8 * torch.finfo(first.dtype).eps
    values, slopes = slopes_of(model, theta, times, doses)
    best = cost(values, theta, samples, prior)
    for _ in range(steps):
        gradient, second = curvature(values, slopes, theta)
        damped = second + damping * torch.diag(torch.diagonal(second)) + 1e-9 * identity
        tried = (theta - torch.linalg.solve(damped, gradient)).clamp(low, high)
        new_values, new_slopes = slopes_of(model, tried, times, doses)
        found = cost(new_values, tried, samples, prior)
        # near the least cost its last bits tell nothing, and the gradient still does
        better = found <= best + rounding * (1 + best.abs())
        theta, best = torch.where(better, tried, theta), torch.where(better, found, best)
        values, slopes = torch.where(better, new_values, values), torch.where(better, new_slopes, slopes)
        damping = torch.where(better, damping / 5, damping * 4).clamp(1e-7, 1e7)
    return theta, curvature(values, slopes, theta)[1]
