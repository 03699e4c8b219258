"""The weights of the best validation: kept beside the last ones, to be tested as well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workbench.algorithms import Params
from workbench.engine.state import Values
from workbench.measures import Measure
from workbench.problems import Problem


@dataclass(frozen=True)
class Trial:
    """A run that is trained to be validated, and never tested.

    Attributes
    ----------
    limits : by meta-iterations, what the best validation so far must reach there, or the trial is given up.
    """

    limits: Mapping[int, float] = field(default_factory=dict)


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

    def misses(self, limit: float | None) -> bool:
        """Whether no validation has reached a limit; False where there is none."""
        return limit is not None and (self.value is None or self.measure.sign * (self.value - limit) < 0)

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
