"""What is measured of a run: one row for each measure; nothing else asks a measure's name what it is.

Whoever measures something declares its row here (or, where only one kind of task has it, in the file of that
problem); events, the project file, tables, charts, captions and exports carry ``{name: values}`` and read
the row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DeclarationError as DeclarationError
from workbench.words import tr

Direction = Literal["lower", "higher", "neither"]
When = Literal["training", "validation", "test"]
Smoothing = Literal["mean", "median", "none"]


@dataclass(frozen=True)
class Measure:
    """A quantity that is measured of a run.

    Attributes
    ----------
    name : as files and scripts call it.
    title : as people call it, with a capital: ``Gradient norm``.
    better : which direction is better.
    unit : of its values; empty for a pure number.
    share : a part of a whole, 0 to 1, which people read in percent.
    signed : whether it may be below zero, so that it has no logarithmic axis.
    common : whether training measures the same of all algorithms, so that it may be compared; a loss is each
        algorithm's own.
    when : training (each meta-iteration has one value), validation and test (each task has one).
    smoothing : of a training curve: how the values in a window become one.
    on : what it is measured on, in words, where that is not the query sets after the last inner step.
    """

    name: str
    title: str = ""
    better: Direction | Literal[""] = ""
    unit: str = ""
    share: bool = False
    signed: bool = False
    common: bool = False
    when: tuple[When, ...] = ("validation", "test")
    smoothing: Smoothing = "mean"
    on: str = ""

    def __post_init__(self) -> None:
        wrong = [
            *(["title is missing"] if not self.title else []),
            *_unlike("better", self.better, get_args(Direction)),
            *(["when is missing: training, validation, test"] if not self.when else []),
            *(wrong for each in self.when for wrong in _unlike("when", each, get_args(When))),
            *_unlike("smoothing", self.smoothing, get_args(Smoothing)),
            *(
                ["a share has no unit and is not below zero"]
                if self.share and (self.unit or self.signed)
                else []
            ),
        ]
        if wrong:
            raise DeclarationError(f"measure {self.name!r}: {'; '.join(wrong)}")

    @property
    def axis(self) -> str:
        """Quantity and unit, for an axis or the head of a column: ``Accuracy (%)``."""
        unit = "%" if self.share else tr(self.unit)
        title = tr(self.title)
        return f"{title} ({unit})" if unit else title

    @property
    def quantity(self) -> str:
        """The title within a sentence: ``gradient norm``."""
        title = tr(self.title)
        return title if title[1:2].isupper() else title[:1].lower() + title[1:]

    @property
    def scale(self) -> float:
        """What its values are multiplied by to be in the unit of the axis: 100 for a share."""
        return 100.0 if self.share else 1.0

    @property
    def open(self) -> bool:
        """Whether its values may span decades above zero: a logarithmic axis suits them, and one that is far
        beyond the others has diverged."""
        return not (self.share or self.signed)

    @property
    def sign(self) -> int:
        """1 where higher is better, −1 where lower is, 0 where neither."""
        return {"higher": 1, "lower": -1}.get(self.better, 0)

    def smoothed(self, values: NDArray[np.float64]) -> float:
        """One value for those in a window; NaN where there is none."""
        if not values.size:
            return math.nan
        if self.smoothing == "none":
            return float(values[-1])
        return float(np.median(values) if self.smoothing == "median" else values.mean())

    def said(self, title: str, *, unit: str = "", signed: bool | None = None) -> Self:
        """The same measure as a problem calls it."""
        return replace(self, title=title, unit=unit, signed=self.signed if signed is None else signed)


def _unlike(field: str, value: str, allowed: tuple[str, ...]) -> list[str]:
    if not value:
        return [f"{field} is missing: {', '.join(allowed)}"]
    return [] if value in allowed else [f"{field} cannot be {value!r}; allowed: {', '.join(allowed)}"]


MEASURES: dict[str, Measure] = {}
"""The rows by name, in the order in which people meet them."""


def declare(*rows: Measure) -> None:
    """Make measures known.

    Raises
    ------
    DeclarationError
        If a name is taken by another measure.
    """
    for row in rows:
        if MEASURES.setdefault(row.name, row) != row:
            raise DeclarationError(
                f"measure {row.name!r}: is declared already, as {MEASURES[row.name].title}"
            )


SHIFTED = "shifted"
"""What is measured on tasks of a shifted distribution, too."""

PARTS: dict[str, tuple[str, str]] = {
    "operating point": (
        "Operating-point",
        "the queries of a task after the last inner step; found is what is at least as probable as the "
        "threshold that was chosen on meta-validation tasks",
    ),
    "robust": ("Robust", "attacked queries, after the last inner step"),
    SHIFTED: ("Shifted", "tasks of the shifted distribution"),
    "segment": (
        "Segment",
        "frozen meta-training episodes of each segment of the stream, after the last inner step",
    ),
    "member": ("Member", ""),
    "remembered": ("Remembered", "the second episode, with what was remembered of a first"),
}
"""What a problem's measures are taken of besides, by the word before their names: title and what it is.

So ``segment loss`` is the loss of a segment of a stream, ``robust/accuracy`` that on attacked queries.
"""


def known(name: str, rows: Iterable[Measure] = ()) -> Measure:
    """The row of a measure, by a problem's own words where it has some.

    Parameters
    ----------
    name : also of a group of a report (``open gates``) or the key of its entry (``open gates/layer 1``); a
        name that nobody has declared, as in a file of a newer program, gets a plain row.
    rows : of the problem.
    """
    rows = tuple(rows)
    found = next((row for row in rows if row.name == name), None) or MEASURES.get(name)
    if found is not None:
        return found
    first, mark, rest = name.partition("/") if "/" in name else name.partition(" ")
    if first in PARTS and rest:
        row, (title, on) = known(rest, rows), PARTS[first]
        return replace(row, name=name, title=f"{tr(title)} {row.quantity}", on=on)
    if mark == "/":
        row = known(first, rows)
        return replace(row, name=name, title=f"{tr(row.title)}: {rest}")
    return Measure(name, name[:1].upper() + name[1:] or "?", "neither", signed=True)


LOSS = Measure("loss", "Loss", "lower", when=("training", "validation", "test"))
ACCURACY = Measure("accuracy", "Accuracy", "higher", share=True)

EPSILON = Measure("epsilon", "ε spent", "lower", common=True, when=("training",), smoothing="none")

declare(LOSS, ACCURACY, EPSILON)

# what algorithms and streams measure of themselves: declared here, since their own files need torch
OPEN_GATES = Measure("open gates", "Open gates", "neither", share=True)
FROZEN_WEIGHTS = Measure("frozen weights", "Frozen weights", "neither", share=True)
MEMBER_WEIGHT = Measure("weight", "Weight", "neither")
RESIDUAL = Measure("residual", "Residual", "lower")
TASKS_IN_MEMORY = Measure("tasks in memory", "Tasks in memory", "neither", on="the learner's memory")
DUALITY_GAP = Measure(
    "duality gap", "Relative duality gap", "lower", on="the support sets, of what is solved"
)

declare(
    OPEN_GATES,
    FROZEN_WEIGHTS,
    MEMBER_WEIGHT,
    RESIDUAL,
    TASKS_IN_MEMORY,
    DUALITY_GAP,
    Measure("CNP/log-likelihood of a value", "Log-likelihood of a value", "higher", signed=True),
    Measure("CNP/σ", "Predicted σ", "neither"),
)
