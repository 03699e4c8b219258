"""Values measured over time: what they are called and counted in, and what is measured of predicted ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.measures import Measure, declare

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.problems.base import Data

RMSE = Measure("rmse", "RMSE", "lower", on="the queries of a task: root mean squared error")
NLL = Measure(
    "nll",
    "Negative log-likelihood",
    "lower",
    unit="nats",
    signed=True,
    on="each query value, by the predicted normal distribution; not of learners that predict values alone",
)
COVERAGE = Measure(
    "coverage_90",
    "Coverage of the 90% band",
    "neither",
    share=True,
    on="query values within the predicted 90% band; not of learners that predict values alone",
)
AUC_ERROR = Measure(
    "auc_error",
    "Error of the area under the curve",
    "lower",
    on="the area by trapezoids from the first query to the last: predicted less true, without its sign",
)
TIME_ABOVE_ERROR = Measure(
    "time_above_error",
    "Error of the time above the threshold",
    "lower",
    on="the time above the threshold by straight lines from query to query: predicted less true, without its "
    "sign",
)

ALL = (RMSE, NLL, COVERAGE, AUC_ERROR, TIME_ABOVE_ERROR)
"""What is measured of predicted courses."""

BAND = 1.6448536269514722
"""Standard deviations either side that hold 90% of a normal distribution."""

DOSES = "doses"
"""The name of doses in the data of a task: time and amount of each, ``[n, doses, 2]``, the same in each row;
an amount of 0 is none."""

WEIGHT = "weight"
"""The name of how much an example counts, ``[n]``: 0 where it only fills a set up, or lies between queries
for a curve to be drawn."""

SUBJECT = "subject"
"""The name of the number of the subject, ``[n]``, the same in each row of a query set that is drawn."""

declare(*ALL)


@dataclass(frozen=True)
class Course:
    """Values over time, in the units of the data; y and one column of x are standardised.

    Attributes
    ----------
    unit, time_unit : of values and of time; empty where nobody has said them.
    offset, scale : what 0 and 1 of a standardised value stand for.
    time_offset, time_scale : the same of the column of x that is the time, number ``column``.
    threshold : the value above which the time is counted; None: it is not.
    dosed : whether doses are given.
    dose, span : a usual amount, and the usual time from the first sample to the last.
    exact : whether queries are true values, without the error that support values are measured with.
    outcome, time, dose_unit : what was measured and when, as people call them, and what doses are counted in.
    subjects : the name of each subject by its number, where they have any.
    """

    unit: str = ""
    time_unit: str = ""
    offset: float = 0.0
    scale: float = 1.0
    time_offset: float = 0.0
    time_scale: float = 1.0
    column: int = 0
    threshold: float | None = None
    dosed: bool = False
    dose: float = 1.0
    span: float = 1.0
    exact: bool = False
    outcome: str = "value"
    time: str = "time"
    dose_unit: str = ""
    subjects: tuple[str, ...] = ()

    @property
    def scales(self) -> tuple[object, ...]:
        """What the numbers of x and y stand for."""
        times = self.time_unit, self.time_offset, self.time_scale, self.column
        return self.unit, self.offset, self.scale, *times, self.dosed, self.dose_unit

    @property
    def label(self) -> str:
        """What was measured, with its unit."""
        return f"{self.outcome} ({self.unit})" if self.unit else self.outcome

    @property
    def time_label(self) -> str:
        """What time is called, with its unit."""
        return f"{self.time} ({self.time_unit})" if self.time_unit else self.time

    @property
    def area_unit(self) -> str:
        """That of the area under the curve; empty where one of the two is not known."""
        return f"{self.unit}·{self.time_unit}" if self.unit and self.time_unit else ""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is measured, in its units."""
        units = {RMSE: self.unit, AUC_ERROR: self.area_unit, TIME_ABOVE_ERROR: self.time_unit}
        rows = ALL if self.threshold is not None else ALL[:-1]
        return tuple(row.said(row.title, unit=units.get(row, row.unit)) for row in rows)

    def times(self, x: Tensor) -> Tensor:
        """When the examples ``[n, inputs]`` were measured, ``[n]``."""
        return self.time_offset + self.time_scale * x[..., self.column]

    def values(self, y: Tensor) -> Tensor:
        """Values ``[n, 1]`` in their own unit, ``[n]``."""
        return self.offset + self.scale * y[..., 0]

    def measured(self, prediction: Tensor, spread: Tensor | None, data: Data) -> dict[str, Tensor]:
        """Every measure of predictions of a query set (scalars); NaN where one cannot be known.

        Parameters
        ----------
        prediction, spread : standardised, ``[n, 1]``; None: the learner predicts values alone.
        """
        said, true = self.values(prediction), self.values(data["y"])
        weight = weights(data)
        unknown = said.new_full((), math.nan)
        found = {RMSE.name: mean((said - true).square(), weight).sqrt(), NLL.name: unknown}
        found[COVERAGE.name] = unknown
        if spread is not None:
            sigma = self.scale * spread[..., 0]
            away = (said - true) / sigma
            density = away.square() / 2 + sigma.log() + math.log(2 * math.pi) / 2
            found[NLL.name] = mean(density, weight)
            found[COVERAGE.name] = mean((away.abs() <= BAND).to(said.dtype), weight)
        time = self.times(data["x"])
        order = time.argsort()
        time, said, true = time[order], said[order], true[order]
        found[AUC_ERROR.name] = (area(time, said) - area(time, true)).abs()
        if self.threshold is not None:
            above = (time_above(time, each, self.threshold) for each in (said, true))
            found[TIME_ABOVE_ERROR.name] = (next(above) - next(above)).abs()
        return found


def weights(data: Data) -> Tensor | None:
    """How much each example counts, ``[n]``: 0 where it only fills up; None: all alike."""
    return data.get(WEIGHT)


def mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """The mean of values ``[n]`` over the examples that count."""
    if weight is None:
        return values.mean()
    return (values * weight).sum() / weight.sum().clamp_min(1e-9)  # a part of a set may have none


def area(time: Tensor, values: Tensor) -> Tensor:
    """The area under a curve ``[n]``, by trapezoids; NaN of a single point, however often it is there."""
    found = (time.diff() * (values[1:] + values[:-1]) / 2).sum()
    return found.where(time[-1] > time[0], math.nan)


def time_above(time: Tensor, values: Tensor, threshold: float) -> Tensor:
    """How long straight lines through the points ``[n]`` are above a threshold; NaN of a single point."""
    upper, lower = values[1:].maximum(values[:-1]), values[1:].minimum(values[:-1])
    tiny = 1e-12
    share = ((upper - threshold).clamp_min(0) / (upper - lower).clamp_min(tiny)).clamp_max(1)
    return (time.diff() * share).sum().where(time[-1] > time[0], math.nan)
