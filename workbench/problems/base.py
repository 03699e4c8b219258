"""The contract of a problem: what kind a task is, hence what a loss and a measure are.

A problem's words are read where torch is not (tables, charts, the command line), so this module and those of
our problems import it only inside what computes with tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.measures import LOSS, MEASURES, DeclarationError, Measure
from workbench.pictures import Drawing
from workbench.problems.predicted import Arrays, Example, Predicted, step_name
from workbench.summaries import OperatingPoint

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
Data = dict[str, "Tensor"]
"""One part of an episode, support or query, of one task: tensors by name, ``[n, …]``."""

Predict = Callable[["Tensor"], "Tensor"]
"""An adapted learner: inputs ``[n, …]`` to what it predicts for each."""

Distribution = Callable[["Tensor"], "tuple[Tensor, Tensor] | None"]
"""A learner that may say how sure it is: inputs to μ and σ of each value; None where it does not."""


class Forecast:
    """An adapted learner that may be asked how sure it is of what it predicts.

    Parameters
    ----------
    predict : inputs to values.
    distribution : inputs to μ and σ, where it gives them; μ is what it predicts.
    """

    def __init__(self, predict: Predict, distribution: Distribution) -> None:
        self._predict, self.distribution = predict, distribution

    def __call__(self, x: Tensor) -> Tensor:
        known = self.distribution(x)
        return self._predict(x) if known is None else known[0]


def spread_of(predict: Predict, x: Tensor) -> Tensor | None:
    """σ of what a learner predicts, ``[n, outputs]``; None of one that predicts values alone."""
    known = predict.distribution(x) if isinstance(predict, Forecast) else None
    return None if known is None else known[1]


DIVERGED_FACTOR = 10.0

PROBLEMS: dict[str, type[Problem]] = {}
"""The problems by name."""


class Problem(ABC):
    """A kind of task.

    Attributes
    ----------
    name, title : in files, and for people.
    gives : what its tasks have, for the algorithms that need it: ``gradient`` (a loss that can be
        differentiated), ``pairs`` (x with y, in both sets), ``vectors`` (what is predicted of an
        example is one vector), ``values`` or ``classes`` (what y is), ``rollouts`` …
    measures : what is measured of every task after every inner step, the loss among it. The first is what a
        run is summed up by.
    always : those of them that are measured of every task, where others are not unless somebody asks; empty:
        all.
    kept : what :meth:`details` may give, by name, and the kind of its numbers as numpy calls it (``f``,
        ``i``, ``b``).
    adapted : the measure in which a task counts as adapted where it is better than a threshold.
    episode, horizon : what an episode is called that somebody acts in, and its most steps; empty where nobody
        acts.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    most_norm: float | None = None
    """The norm that the gradient of each inner step is clipped to; None: it is not."""

    compilable: bool = True
    """Whether torch can compile its losses in reasonable time."""

    gives: frozenset[str]
    measures: tuple[Measure, ...]
    always: ClassVar[tuple[Measure, ...]] = ()
    kept: ClassVar[Mapping[str, str]] = {}
    adapted: ClassVar[Measure] = LOSS
    episode: str = ""
    horizon: int = 0
    looks_at_test: bool = False
    """Whether the tasks that are looked at are the frozen meta-test episodes, of which the result is; else
    they are meta-validation tasks of their own, with as many queries as a picture needs."""

    caution: str = ""
    """A sentence that stands wherever its predictions are shown; mostly empty."""

    privilege: ClassVar[str] = ""
    """What a learner uses of a test task, and may not have elsewhere, whose inner steps follow gradients."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in vars(cls):
            _check(cls)
            PROBLEMS[cls.name] = cls
            for row in cls.measures:
                MEASURES.setdefault(row.name, row)

    @classmethod
    def row(cls, measure: str) -> Measure | None:
        """The row of one of its measures; None if that is not one."""
        return next((each for each in cls.measures if each.name == measure), None)

    def unlike(self, other: Problem) -> str:
        """What the inputs and outputs of another problem of its kind mean otherwise, so that what is learned
        of the one says nothing of the other; in words that follow "its", empty where they mean the same."""
        return ""

    # --- of one task; batched by the engine ---------------------------------------------------------

    @abstractmethod
    def loss(self, predict: Predict, data: Data) -> Tensor:
        """What a learner is trained to make small on a query set (a scalar)."""

    def adapt_loss(self, predict: Predict, data: Data) -> Tensor:
        """The same on a support set, which may hold less than a query set does."""
        return self.loss(predict, data)

    def part(self, support: Data, index: int) -> Data:
        """What inner step ``index`` (from 0) learns from; the whole support set, unless each has its own."""
        return support

    def consumed(self, steps: int) -> int | None:
        """Episodes that a learner has acted in after so many inner steps; None where nobody acts."""
        return None

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """Every measure on a query set, by name (scalars)."""
        return {"loss": self.loss(predict, data)}

    def known(self, query: Mapping[str, object]) -> bool:
        """Whether a query set says what is right, so that predictions can be measured. Of new cases, which
        somebody brings along, it need not."""
        return True

    def judged(self, support: Data, query: Data) -> Data:
        """A query set with what else measures need to know of the task, which no learner sees."""
        return query

    def details(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """What is kept of each query (or of the task) after the last inner step, ``[n, …]`` by name."""
        return {}

    def inputs(self, predict: Predict, data: Data) -> Tensor:
        """What a learner's network is asked about a query set, ``[n, *input_shape]``."""
        return data["x"]

    # --- of T tasks in training ---------------------------------------------------------------------

    def trained(self, losses: Tensor, query: Data) -> dict[str, Tensor]:
        """What is told of a meta-iteration beside its mean loss, of losses ``[T]``: scalars by measure."""
        return {}

    # --- to be looked at ----------------------------------------------------------------------------

    most_tasks: int = 4
    """So many tasks are looked at at once."""

    def queries_shown(self, queries: int, input_shape: tuple[int, ...]) -> int:
        """How many queries (of each class) a task has that is drawn, of ``queries`` usually."""
        return queries

    def step_name(self, step: int, *, trial: bool = False) -> str:
        """A step of adaptation in words.

        Parameters
        ----------
        trial : whether it is a query of those that a learner goes through one after the other.
        """
        return step_name(step)

    def experience(self, step: int, *, trial: bool = False) -> int:
        """How much of a task a learner has seen at a step, by which learners are put side by side."""
        return step

    grows: bool = False
    """Whether support examples come one after the other, so that one may look at what fewer of them tell."""

    moves: bool = False
    """Whether anything moves in its pictures."""

    @property
    def experience_name(self) -> str:
        """What experience is counted in."""
        return "steps"

    def looked_at(self, place: int, queries: int) -> int:
        """Which of a task's queries a picture shows after some experience, where it has room for one."""
        return 0

    def example(self, task: Example) -> Drawing | None:
        """A task as people see it before anything is learned. None where there is no way."""
        return None

    def predicted(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """What a picture needs of each query, ``[n, …]`` by name."""
        return {}

    def picture(self, task: Predicted) -> Drawing | None:
        """What a learner predicts on one task, drawn; needs no torch. None where it cannot be drawn."""
        return None

    band: ClassVar[float] = 0.0
    """The part of the queries of other tasks that lie within :meth:`margins`; 0 where there are none."""

    def sure(self, task: Predicted) -> str:
        """What the margins of a task mean, in a sentence."""
        raise NotImplementedError

    def margins(self, outputs: Mapping[str, Array], query: Arrays) -> Array:
        """How far from the truth the predictions of other tasks were: as many as ``band`` lie within.

        Parameters
        ----------
        outputs, query : what is shown of the predictions, and what was to be predicted, ``[tasks, n, …]``.
        """
        raise NotImplementedError

    def answers(self, task: Predicted) -> tuple[dict[str, Any], ...]:
        """A row for each query: what is asked, what is predicted of it, and how sure that is."""
        drawn = self.picture(task)
        return drawn.rows if drawn else ()

    # --- of all tasks -------------------------------------------------------------------------------

    def pooled(self, details: Mapping[str, NDArray[np.generic]]) -> dict[str, float]:
        """How good the probabilities of all queries of all tasks together are, by the name of the entry in a
        result."""
        return {}

    @property
    def chooses(self) -> bool:
        """Whether something is chosen on meta-validation tasks before the test is measured."""
        return False

    def chosen(
        self, details: Mapping[str, NDArray[np.generic]], episode: NDArray[np.int64] | None
    ) -> OperatingPoint | None:
        """What is chosen, by what was kept of the queries of meta-validation tasks; None where they do not
        tell.

        Parameters
        ----------
        episode : ``[tasks]``, which distinct episode each task is; None: all are distinct.
        """
        raise NotImplementedError

    def decided(
        self, details: Mapping[str, NDArray[np.generic]], chosen: OperatingPoint
    ) -> tuple[str, dict[str, Array]]:
        """What the choice reaches on other tasks: measures, ``[tasks]`` by name, and the group of a report
        that they are."""
        raise NotImplementedError

    def diverged(self, loss: Array, reference: float | None = None) -> NDArray[np.bool_]:
        """Which tasks have diverged, by step.

        A task counts as diverged where its loss is not finite, or over ten times the reference (one scale for
        all tasks: an easy task that becomes average has not diverged). A loss that may be below zero has no
        such scale.

        Parameters
        ----------
        loss : ``[steps, tasks]``.
        reference : the loss of the best predictor that cannot adapt, the same whoever learned; infinite where
            nobody knows it. None: the mean loss of all tasks before adaptation, as in the first edition; it
            differs by learner, and a closed form has none.

        Returns
        -------
        bool ``[steps, tasks]``
        """
        lost = ~np.isfinite(loss)
        row = self.row("loss")
        if row and row.signed:
            return lost
        before = loss[0][np.isfinite(loss[0])]
        if reference is None and before.size:
            reference = float(before.mean())
        return lost if reference is None else lost | (loss > DIVERGED_FACTOR * reference)


def _check(cls: type[Problem]) -> None:
    """Refuse a declaration that lacks something, at import."""
    wrong = [f"{each} is missing" for each in ("title", "gives", "measures") if not getattr(cls, each, None)]
    if not wrong and cls.row("loss") is None:
        wrong.append("loss is missing among its measures")
    if not wrong and cls.measured is Problem.measured and len(cls.measures) > 1:
        wrong.append(f"measured is missing, which computes {', '.join(each.name for each in cls.measures)}")
    if not wrong and (cls.details is Problem.details) != (not cls.kept):
        wrong.append("details and kept belong together, and one of them is missing")
    if PROBLEMS.get(cls.name, cls).__qualname__ != cls.__qualname__:
        wrong.append(f"{PROBLEMS[cls.name].__qualname__} has that name")
    if wrong:
        raise DeclarationError(f"problem {cls.name!r}: {'; '.join(wrong)}")


class Supervised(Problem):
    """A problem of pairs: x, and the y that is to be predicted of it."""

    @abstractmethod
    def of(self, prediction: Tensor, y: Tensor) -> Tensor:
        """The loss of what is predicted, ``[n, outputs]``, where y is right (a scalar)."""

    def loss(self, predict: Predict, data: Data) -> Tensor:
        return self.of(predict(self.asked(data)), data["y"])

    def asked(self, data: Data) -> Tensor:
        """What a learner is asked so that the loss can be told by its answer, ``[n, …]``."""
        return data["x"]

    def inputs(self, predict: Predict, data: Data) -> Tensor:
        return self.asked(data)

    def known(self, query: Mapping[str, object]) -> bool:
        return "y" in query

    def predicted(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        return {"shown": self.shown(predict(data["x"]))}

    def away(self, prediction: Tensor, target: Tensor) -> Tensor:
        """How far each prediction is from another, ``[n, outputs]`` both, ``[n]``: the squared distance."""
        return (prediction - target).square().mean(-1)

    @abstractmethod
    def shown(self, prediction: Tensor) -> Tensor:
        """What people are shown of a prediction: values, or the probability of each class."""

    @abstractmethod
    def targets(self, y: Tensor, outputs: int) -> Tensor:
        """y as numbers to regress, ``[n, outputs]``: values, or one-hot labels."""

    @abstractmethod
    def mixed(self, outputs: Tensor, log_weights: Tensor) -> Tensor:
        """One prediction ``[n, outputs]`` from those of M members, ``[M, n, outputs]`` with the log of their
        weights ``[M]``."""
