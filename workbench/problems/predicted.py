"""One task, and what a learner predicts on it, as plain values: what a problem makes pictures of."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.pictures import Array
from workbench.words import plural, shown, tr

Arrays = Mapping[str, NDArray[np.generic]]
TOLD_STEPS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One task.

    Attributes
    ----------
    support, query : what the task holds, ``[n, …]`` by name.
    classes : the name behind each label, where that is known.
    support_texts, query_texts : the examples of each class, where they are texts; else empty.
    """

    support: Arrays
    query: Arrays
    classes: tuple[str, ...] = ()
    support_texts: tuple[tuple[str, ...], ...] = ()
    query_texts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Predicted(Example):
    """One task after each inner step, up to the one that is looked at.

    Attributes
    ----------
    steps : inner steps; the last is looked at.
    outputs : what is shown of the predictions of the queries, ``[steps, n, …]`` by name.
    measured : every measure, ``[steps]`` by name.
    colour : role of the learner.
    standardised : whether the loss is that of standardised values, while all others are in the data's units.
    trial : whether the learner went through the queries one after the other, and a step is one of them.
    looked_at : number of the query that is looked at, where a picture has room for one.
    names : what each query is called; empty: by its number.
    columns : what the numbers of ``x`` and ``y`` are called; empty: as they are.
    withheld : how many of the support examples, the last ones, the learner was not given.
    margins : how far from the truth the predictions of other tasks were after the last step of all, as the
        problem measures it; None where nobody has looked.
    """

    steps: tuple[int, ...]
    outputs: Mapping[str, Array]
    measured: Mapping[str, Array]
    colour: str
    standardised: bool = False
    trial: bool = False
    looked_at: int = 0
    names: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    margins: Array | None = None
    withheld: int = 0

    @property
    def told(self) -> tuple[int, ...]:
        """The places of the steps that are drawn: few enough to be told apart."""
        last = self.steps[-1]
        return tuple(at for at, each in enumerate(self.steps) if each in TOLD_STEPS or each == last)

    def shade(self, place: int) -> float:
        """How pale the curve of a step is: the nearer to the last, the stronger."""
        adapted = [at for at in self.told if self.steps[at]]
        if place not in adapted[:-1]:
            return 0.0
        return 0.6 - 0.35 * adapted.index(place) / len(adapted)


def step_name(step: int) -> str:
    """A step in words."""
    return tr("before adaptation") if step == 0 else tr("after {}", plural(step, "step"))


def class_names(ways: int) -> tuple[str, ...]:
    """A short name for each label of a task: A, B, …; numbers where the alphabet ends."""
    letters = string.ascii_uppercase
    return tuple(letters[:ways]) if ways <= len(letters) else tuple(str(each + 1) for each in range(ways))


def class_titles(ways: int, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The short name of each label, and the class behind it where that is known."""
    short = class_names(ways)
    return tuple(f"{a}  {shown(b)}" for a, b in zip(short, classes, strict=True)) if classes else short
