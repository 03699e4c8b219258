"""A sweep: which settings are tried, how, and how often: ``[sweep]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from workbench.settings import Section, misfit, setting

Value = bool | int | float | str | Annotated[tuple[int, ...], Field(strict=False)]
"""Of a setting, as a sweep tries it."""


class Range(Section):
    """What is tried of one setting: numbers between two ends, or some values."""

    field: str = setting(
        help="The setting, such as training.meta_lr, network.width or algorithm.0.inner_lr.",
    )
    low: float | None = setting(None, help="The smallest value.", empty="see the values")
    high: float | None = setting(None, help="The largest value.", empty="see the values")
    log: bool = setting(False, help="Spread evenly in the logarithm, as suits rates.")
    points: int | None = setting(None, ge=2, le=1000, help="Of a grid: so many values.", empty="no grid")
    values: Annotated[tuple[Value, ...], Field(strict=False)] | None = setting(
        None, help="What is tried, in place of two ends.", empty="numbers between the ends"
    )

    @model_validator(mode="after")
    def _says_what_is_tried(self) -> Self:
        ends = self.low, self.high
        if self.values is not None:
            if ends != (None, None) or self.log or self.points is not None:
                raise misfit(("values",), "say either values or low and high")
            if len({repr(each) for each in self.values}) < max(2, len(self.values)):
                raise misfit(("values",), "needs at least two values, each named once")
        elif self.low is None or self.high is None:
            raise misfit(("low",), "say low and high, or values")
        elif self.low >= self.high:
            raise misfit(("high",), f"{self.high:g} is not above low, which is {self.low:g}")
        elif self.log and self.low <= 0:
            raise misfit(("low",), f"{self.low:g} has no logarithm; allowed with log: a number > 0")
        return self


def _by_field(ranges: object) -> object:
    """``{"training.meta_lr": {low = …}}`` and ``{"training.meta_lr": [values]}`` are lists of ranges, too."""
    if not isinstance(ranges, Mapping):
        return ranges
    return [
        {"field": name} | (dict(said) if isinstance(said, Mapping) else {"values": said})
        for name, said in ranges.items()
    ]


class Sweep(Section):
    """Tries settings of every algorithm equally often, chooses by validation, and tests what it chose."""

    method: Literal["grid", "random", "tpe"] = setting(
        "tpe",
        titles={"grid": "grid", "random": "at random", "tpe": "TPE"},
        help="How trials are proposed: all combinations, by chance, or by a Parzen estimator.",
    )
    trials: int = setting(20, ge=1, le=10_000, help="Trials of each algorithm; of a grid the most.")
    objective: str | None = setting(
        None, help="The measure of validation to choose by.", empty="that which sums up the problem"
    )
    pruning: Literal["median"] | None = setting(
        None,
        help="End a trial whose best validation is worse than the median of earlier trials there.",
        empty="every trial is trained to its end",
    )
    width: int = setting(
        4,
        rare=True,
        ge=1,
        le=1000,
        help="Trials of an algorithm that are under way at once: what is proposed depends on those before.",
    )
    seed: int = setting(
        1_000_000,
        rare=True,
        ge=0,
        lt=2**32,
        help="Of proposals and of every trial's training; none of training.seeds, which test the choice.",
    )
    ranges: Annotated[tuple[Range, ...], Field(strict=False, min_length=1), BeforeValidator(_by_field)] = (
        setting(help="What is tried, by setting.")
    )

    @model_validator(mode="after")
    def _one_range_a_setting(self) -> Self:
        fields = [each.field.replace("[", ".").replace("]", "") for each in self.ranges]
        for index, name in enumerate(fields):
            if name in fields[:index]:
                raise misfit(("ranges", index, "field"), f"{name!r} has two ranges")
            if self.method == "grid" and self.ranges[index].values is None and not self.ranges[index].points:
                raise misfit(("ranges", index, "points"), "is missing; a grid needs it, or values")
        return self
