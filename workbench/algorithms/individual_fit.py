"""A fit to each subject alone: ordinary least squares of a model to its own samples; nothing is learned from
others. What a population is worth is what learners gain over it.

Where there are fewer samples than the model has parameters, or they do not tell some of them, the fit stays
near a first guess that the usual dose, level and duration give. It predicts values alone, so that it has
neither a likelihood nor a band.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import OuterStep, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.subject_models import (
    ModelName,
    Prior,
    Route,
    fitted,
    model_of,
    model_setting,
    route_setting,
    samples_of,
)
from workbench.config import Untrained
from workbench.networks.base import Network
from workbench.problems.regression import Regression
from workbench.tasks.base import Data, TaskShape

WEAK = 1e-3
"""Precision of the first guess: a standard deviation of 30."""


class IndividualFitConfig(Untrained):
    needs = frozenset({"pairs", "times"})
    episodic = False

    kind: Literal["individual_fit"] = "individual_fit"
    model: ModelName | None = model_setting()
    route: Route = route_setting()


class IndividualFit(ClosedForm):
    """Each subject's own curve."""

    Config = IndividualFitConfig
    title = "Individual fit"
    family = "reference"
    summary = (
        "Fits a compartment model or a line to a subject's own samples by least squares; learns nothing."
    )
    citation = None
    config: IndividualFitConfig
    compilable = False

    def __init__(self, config: IndividualFitConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self._course = Regression.course_of(shape.problem)
        self._model = model_of(config.model, config.route, self._course)

    def initial(self, generator: torch.Generator) -> Params:
        return {}

    def start(self, meta: Params, support: Data) -> Params:
        samples = samples_of(self._course, self._model, support)
        first = self._model.guess(support["x"])
        scale = first.new_full((), self._course.scale)
        prior = Prior(first, torch.full_like(first, WEAK), 0 * scale, 0.1 * scale)
        return {"theta": fitted(self._model, samples, prior, first)[0], "doses": samples.doses}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        values = self._model.values(learner["theta"], self._course.times(x), learner["doses"])
        return ((values - self._course.offset) / self._course.scale)[:, None]

    @property
    def outer(self) -> OuterStep:
        return OuterStep(lambda meta, episode: ({}, self.loss(meta, episode)))  # nothing could be moved
