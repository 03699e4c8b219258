"""The data of tasks, collected by who acts on them: θ what is adapted to, θ′ what is learned from."""

from __future__ import annotations

from functools import cached_property, partial

import torch
from torch import Tensor
from torch.func import vmap

from workbench.algorithms.base import Algorithm, Params
from workbench.tasks.base import Data, Episode, TaskFamily


class Acting:
    """The learners of T tasks as one policy; they are adapted when they are first asked.

    Parameters
    ----------
    algorithm, meta : the learner and its meta-parameters.
    support : what each task is adapted to, ``[T, n, …]`` by name.
    steps : inner steps.
    """

    def __init__(self, algorithm: Algorithm, meta: Params, support: Data, steps: int) -> None:
        self._algorithm, self._meta, self._support, self._steps = algorithm, meta, support, steps

    @cached_property
    def _learners(self) -> Params:
        adapt = partial(self._algorithm.adapt, steps=self._steps)
        with torch.no_grad():
            learners: Params = vmap(adapt, in_dims=(None, 0))(self._meta, self._support)
        return learners

    def __call__(self, x: Tensor) -> Tensor:
        """What they do on inputs ``[T, n, …]``: outputs ``[T, n, outputs]``."""
        with torch.no_grad():
            outputs: Tensor = vmap(self._algorithm.predict)(self._learners, x)
        return outputs


def collected(family: TaskFamily, algorithm: Algorithm, meta: Params, tasks: Episode) -> Episode:
    """The tasks with the data of both parts: the support sets are collected by the learners before their
    first inner step, the query sets by those that were adapted to them.

    The gradient is no business of this: it flows through a loss that is computed on the data once more.
    """
    support = family.collect(tasks, Acting(algorithm, meta, tasks.support, 0), "support")
    query = family.collect(tasks, Acting(algorithm, meta, support, algorithm.trained_steps), "query")
    return tasks._replace(support=support, query=query)
