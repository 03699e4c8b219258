"""The weights of the best validation: kept beside the last ones, to be tested as well."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from workbench.algorithms import Params
from workbench.engine.state import Values
from workbench.measures import Measure
from workbench.problems import Problem


class Best:
    """What a run had learned when it did best on meta-validation tasks, after the last inner step.

    Parameters
    ----------
    problem : says the measure that a run is summed up by.
    meta : the weights before training.

    Attributes
    ----------
    at : meta-iterations at that validation.
    value : what was measured there; None before the first validation that measured something.
    worse : validations since then, none of them better.
    """

    def __init__(self, problem: Problem, meta: Params) -> None:
        self.measure: Measure = next(row for row in problem.measures if row.sign)
        self.meta = {name: each.detach().clone() for name, each in meta.items()}
        self.at = self.worse = 0
        self.value: float | None = None

    def see(self, iteration: int, value: float | None, meta: Params) -> None:
        """Take in a validation."""
        known, sign = self.value, self.measure.sign
        if value is None or not math.isfinite(value) or (known is not None and sign * (value - known) <= 0):
            self.worse += 1
            return
        self.at, self.value, self.worse = iteration, value, 0
        for name, each in meta.items():
            self.meta[name].copy_(each.detach())

    @property
    def values(self) -> dict[str, object]:
        """What a state holds of it, beside the weights."""
        found = {"best_at": self.at, "worse": self.worse, "best": self.value}
        return {name: each for name, each in found.items() if each is not None}

    def restore(self, values: Values, meta: dict[str, Tensor]) -> None:
        """Go back to a captured state."""
        self.at, self.value, self.worse = values.best_at or 0, values.best, values.worse or 0
        with torch.no_grad():
            for name, each in meta.items():
                self.meta[name].copy_(each)
