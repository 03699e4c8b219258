"""What adapted learners predict, as plain values (so that a window can hold them without torch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # it imports torch
    from workbench.tasks.base import Excerpt

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Request:
    """Which predictions are wanted.

    Attributes
    ----------
    first : the first task, by its number in the frozen stream.
    tasks : how many; of a classification, where one task fills a view, always one.
    steps : inner steps at most; the experiment's, if those are fewer.
    """

    first: int = 0
    tasks: int = 4
    steps: int = 50


@dataclass(frozen=True)
class Predictions:
    """What a learner predicts on T tasks after each inner step.

    Attributes
    ----------
    first : number of the first task in its stream.
    steps : inner steps (0 … k; of a closed form the one adaptation, 1).
    support_x, query_x : ``[T, n, *input_shape]``; query x of one dimension is sorted.
    support_y, query_y : ``[T, n]`` labels, or ``[T, n, outputs]`` values.
    outputs : ``[steps, T, n_q, outputs]``: values, or the probability of each class.
    loss : query loss, ``[steps, T]``.
    excerpt : the first task in words; None where nobody told them.
    standardised : whether the loss is that of standardised values, while all others are in the data's units.
    """

    problem: str
    first: int
    steps: tuple[int, ...]
    support_x: Array
    support_y: NDArray[np.generic]
    query_x: Array
    query_y: NDArray[np.generic]
    outputs: Array
    loss: NDArray[np.float64]
    excerpt: Excerpt | None = None
    standardised: bool = False

    @property
    def tasks(self) -> int:
        """T."""
        return len(self.support_x)

    @property
    def ways(self) -> int:
        """Classes of a task."""
        return int(self.outputs.shape[-1])

    @property
    def labels(self) -> NDArray[np.int64]:
        """The predicted classes, ``[steps, T, n_q]``."""
        labels: NDArray[np.int64] = self.outputs.argmax(-1)
        return labels

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which queries are classified right, ``[steps, T, n_q]``."""
        right: NDArray[np.bool_] = self.labels == self.query_y
        return right

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of the queries classified right, ``[steps, T]``."""
        share: NDArray[np.float64] = self.right.mean(-1)
        return share
