"""What a view inside a run is made from: a learner, its meta-parameters, a few frozen meta-test tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from workbench.algorithms.base import Algorithm, Params
from workbench.algorithms.trials import TrialLearner
from workbench.config import Evaluation, Experiment
from workbench.data.progress import Progress
from workbench.engine.building import evaluation_size
from workbench.engine.episodes import frozen_episode, frozen_tasks
from workbench.engine.evaluation import predictor
from workbench.errors import DataError, InputError
from workbench.measures import Measure
from workbench.pictures import RUNS, Figure
from workbench.problems import Predict
from workbench.tasks.base import Data, Episode, Excerpt, TaskFamily, numbers_in
from workbench.words import plural

LARGE = 400_000
"""Numbers of the learners that are looked into, all tasks together, where there may be fewer tasks."""

TOGETHER = 400_000
"""Numbers of the tasks that are adapted at once."""


class LackingError(InputError):
    """A view that needs what a run has not; the message says what."""


class Asked(NamedTuple):
    """What may be chosen of a view.

    Attributes
    ----------
    first : the first task that is looked at, from 0.
    tasks, steps : how many tasks, and inner steps; None: as is usual.
    quick : support examples by the inner product of gradients, not one left out after the other.
    """

    first: int = 0
    tasks: int | None = None
    steps: int | None = None
    quick: bool = False


@dataclass(frozen=True)
class Inside:
    """Whom is looked into, and on which tasks.

    Attributes
    ----------
    algorithm, meta, family : the learner, what it has learned, and whose tasks these are.
    tasks : frozen meta-test tasks, ``[T, …]``; ``first`` is the number of the first, from 0.
    steps : inner steps.
    progress : told how far it has come; may end the work with an exception.
    excerpt : the first task in words.
    """

    algorithm: Algorithm
    meta: Params
    family: TaskFamily
    tasks: Episode
    first: int
    steps: int
    evaluation: Evaluation
    progress: Progress
    quick: bool = False
    excerpt: Excerpt | None = None

    @classmethod
    def of(
        cls,
        algorithm: Algorithm,
        meta: Params,
        experiment: Experiment,
        family: TaskFamily,
        asked: Asked,
        usual: tuple[int, int],
        progress: Progress,
    ) -> Inside:
        """The learner of a run with the tasks that are asked for.

        Parameters
        ----------
        usual : how many tasks at least and at most, where nobody says it; the fewer, the larger the learner.

        Raises
        ------
        DataError
            If there are no such tasks.
        """
        settings = experiment.evaluation
        total, size = settings.episodes, evaluation_size(experiment, family)
        if asked.first >= total:
            raise DataError(f"there is no meta-test task {asked.first + 1}: the run has {total}")
        (fewest, most), numbers = usual, sum(each.numel() for each in meta.values())
        fitting = min(most, max(fewest, LARGE // max(1, numbers)))
        count = min(asked.tasks or fitting, total - asked.first)
        tasks = frozen_tasks(family, "test", size, total, settings.seed, asked.first, count)
        _, excerpt = frozen_episode(family, "test", size, total, settings.seed, asked.first)
        steps = settings.inner_steps if asked.steps is None else asked.steps
        weights = {name: each.detach() for name, each in meta.items()}
        return cls(
            algorithm,
            weights,
            family,
            tasks.to(torch.device("cpu")),
            asked.first,
            steps,
            settings,
            progress,
            asked.quick,
            excerpt,
        )

    @property
    def title(self) -> str:
        """Of the algorithm, as a sentence begins."""
        return self.algorithm.title

    @property
    def task_name(self) -> str:
        return f"meta-test task {self.first + 1}"

    @property
    def many(self) -> str:
        """The tasks in words: ``50 meta-test tasks``."""
        return plural(self.tasks.count, "meta-test task")

    @cached_property
    def one(self) -> Episode:
        """The first task alone, without a leading dimension."""
        return self.tasks.one(0)

    @cached_property
    def measure(self) -> Measure:
        """What a run is summed up by."""
        return self.algorithm.problem.measures[0]

    @property
    def shuffled(self) -> Inside:
        """The same with weights that lost their places: each tensor's numbers in another order."""
        generator = torch.Generator().manual_seed(self.evaluation.seed)
        mixed = {
            name: each.flatten()[torch.randperm(each.numel(), generator=generator)].view_as(each)
            for name, each in self.meta.items()
        }
        return replace(self, meta=mixed)

    def predictor(self, learner: Params, support: Data) -> Predict:
        """What an adapted learner predicts, as the run's evaluation asks it."""
        alone = not self.evaluation.transductive and self.algorithm.network.uses_batch_statistics
        return predictor(self.algorithm, learner, support, alone=alone)

    def adapted(self, meta: Params, support: Data) -> Params:
        """The learner after all inner steps."""
        *_, last = self.algorithm.adaptation(meta, support, self.steps)
        return last

    def of_each(self, of_task: Callable[[Params, Episode], Params], done: float, part: float) -> Params:
        """What is computed of each task, ``[T, …]`` by name; told as a part of all that is to be done."""
        found = []
        for at, tasks in self._chunks():
            self.progress(done + part * at / self.tasks.count, "Looking inside")
            with torch.no_grad():
                found.append(vmap(of_task, in_dims=(None, 0))(self.meta, tasks))
        return {name: torch.cat([each[name] for each in found]) for name in found[0]}

    def _chunks(self) -> Iterator[tuple[int, Episode]]:
        size = max(1, TOGETHER // max(1, numbers_in(self.tasks.support) + numbers_in(self.tasks.query)))
        for start in range(0, self.tasks.count, size):
            yield start, self.tasks.tasks(start, start + size)

    # --- what a view may need ----------------------------------------------------------------------

    def must_step(self) -> None:
        """Refuse who has no inner steps.

        Raises
        ------
        LackingError
            If so, or if none was asked for.
        """
        if isinstance(self.algorithm, TrialLearner):
            raise LackingError(f"{self.title} acts through whole trials: it has no inner steps")
        if not self.algorithm.adapts_stepwise:
            raise LackingError(f"{self.title} adapts in closed form: it has no inner steps")
        if not self.steps:
            raise LackingError("there is no inner step to look at; ask for one or more")

    def must_have_inputs(self) -> None:
        """Refuse who acts through whole trials: no single input is asked about.

        Raises
        ------
        LackingError
            If so.
        """
        if isinstance(self.algorithm, TrialLearner):
            raise LackingError(f"{self.title} acts through whole trials: it is asked about no single input")


def layer_of(algorithm: Algorithm, name: str) -> str:
    """The layer that a tensor of a learner belongs to: of the network's weights the child of its body, or the
    head; all others stand for themselves."""
    if name not in dict(algorithm.network.named_parameters()):
        return name
    return ".".join(name.split(".")[:-1][:2])


def moving(learner: Params) -> Params:
    """The tensors of a learner that can move."""
    return {name: each for name, each in learner.items() if each.is_floating_point()}


def by_layer(algorithm: Algorithm, names: Iterator[str] | Mapping[str, object]) -> dict[str, list[str]]:
    """The names of tensors by layer, in their order."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(layer_of(algorithm, name), []).append(name)
    return found


def flat(learner: Params, names: list[str]) -> Tensor:
    """All numbers of some tensors in a row."""
    return torch.cat([learner[name].flatten() for name in names])


def colour(at: int) -> str:
    """The role of the curve of that number."""
    return RUNS[at % len(RUNS)]


@dataclass(frozen=True)
class View:
    """One way to look inside.

    Attributes
    ----------
    title : for people.
    sees, limits : one sentence of what is seen, and one of what that does not prove.
    tasks : how many are looked at, at least and at most, where nobody says it.
    draw : makes its figure, with what is particular in the caption.
    of_one : whether it shows one task, the first.
    quick : whether it has a quick way too, which is compared on several tasks.
    fewest : tasks that it needs; 0: it looks at none, or at one only.
    """

    title: str
    sees: str
    limits: str
    tasks: tuple[int, int]
    draw: Callable[[Inside], Figure]
    of_one: bool = False
    quick: bool = False
    fewest: int = 1

    def figure(self, inside: Inside, whose: str) -> Figure:
        """The figure with its whole caption.

        Parameters
        ----------
        whose : the run, in words.

        Raises
        ------
        LackingError
            If the run has not what the view needs.
        """
        drawn = self.draw(inside)
        said = " ".join(filter(None, (f"{whose}: {drawn.caption}", self.sees, self.limits)))
        return replace(drawn, caption=said)
