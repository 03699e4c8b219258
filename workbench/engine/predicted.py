"""What adapted learners predict, as plain values (so that a window can hold them without torch)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.pictures import Drawing
from workbench.problems import Problem
from workbench.problems.predicted import Arrays, Predicted

if TYPE_CHECKING:  # it imports torch
    from workbench.tasks.base import Excerpt


@dataclass(frozen=True)
class Request:
    """Which predictions are wanted.

    Attributes
    ----------
    first : the first task, by its number in the frozen stream.
    tasks : how many; fewer where the problem's pictures fill a view.
    steps : inner steps at most; the experiment's, if those are fewer.
    samples : the first so many support examples of each task, where they come one after the other; 0: all.
    """

    first: int = 0
    tasks: int = 4
    steps: int = 50
    samples: int = 0

    def of(self, problem: Problem) -> int:
        """How many tasks of a problem that is."""
        return min(self.tasks, problem.most_tasks)


@dataclass(frozen=True)
class Predictions:
    """What a learner predicts on T tasks after each inner step.

    Attributes
    ----------
    problem : of the tasks, which draws them.
    first : number of the first task in its stream.
    steps : inner steps (0 … k; of a closed form the one adaptation, 1).
    support, query : what the tasks hold, ``[T, n, …]`` by name.
    outputs : what is shown of the predictions of the queries, ``[steps, T, n, …]`` by name.
    measured : every measure of the problem, ``[steps, T]`` by name.
    excerpt : the first task in words; None where nobody told them.
    standardised : whether the loss is that of standardised values, while all others are in the data's units.
    trial : whether the learner went through the queries one after the other: then a step is a query, and n of
        the outputs is 1.
    of_test : whether they are meta-test tasks, whatever people look at otherwise.
    withheld : how many of the support examples of each task, the last ones, the learner was not given.
    inner : loss on the support set, ``[steps, T]``; None where nobody asked for it.
    total : how many tasks the stream has; None: as many as anybody wants.
    names, columns, margins : of a task that somebody brought along (see
        :class:`~workbench.problems.predicted.Predicted`).
    """

    problem: Problem
    first: int
    steps: tuple[int, ...]
    support: Arrays
    query: Arrays
    outputs: dict[str, NDArray[np.float64]]
    measured: dict[str, NDArray[np.float64]]
    excerpt: Excerpt | None = None
    standardised: bool = False
    trial: bool = False
    inner: NDArray[np.float64] | None = None
    total: int | None = None
    names: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    margins: NDArray[np.float64] | None = None
    of_test: bool = False
    withheld: int = 0

    @property
    def samples(self) -> int:
        """How many examples a support set has, those that were withheld included."""
        return next((each.shape[1] for each in self.support.values()), 0)

    def serves(self, request: Request) -> bool:
        """Whether learners were given the samples that are asked for, where that can be asked."""
        if not self.problem.grows:
            return True
        return self.samples - self.withheld == min(request.samples or self.samples, self.samples)

    @property
    def tasks(self) -> int:
        """T."""
        return len(next(iter(self.query.values())))

    @property
    def split(self) -> str:
        """What the tasks are of, in words: ``meta-test``."""
        return "meta-test" if self.of_test or self.problem.looks_at_test else "meta-validation"

    def answers(self, request: Request) -> bool:
        """Whether these are the tasks that are asked for."""
        left = request.of(self.problem) if self.total is None else self.total - request.first
        tasks = self.first, self.tasks
        return tasks == (request.first, min(request.of(self.problem), left)) and self.serves(request)

    def part(self, start: int, stop: int) -> Predictions:
        """Of some of the tasks."""
        return replace(
            self,
            first=self.first + start,
            support={name: each[start:stop] for name, each in self.support.items()},
            query={name: each[start:stop] for name, each in self.query.items()},
            outputs={name: each[:, start:stop] for name, each in self.outputs.items()},
            measured={name: each[:, start:stop] for name, each in self.measured.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence[Predictions]) -> Predictions:
        """Of several that follow each other, all tasks."""

        def all_of(name: str, axis: int) -> dict[str, NDArray[Any]]:
            each = [getattr(part, name) for part in parts]
            return {key: np.concatenate([values[key] for values in each], axis) for key in each[0]}

        return replace(
            parts[0],
            support=all_of("support", 0),
            query=all_of("query", 0),
            outputs=all_of("outputs", 1),
            measured=all_of("measured", 1),
        )

    @property
    def places(self) -> tuple[int, ...]:
        """The experience that each step stands for."""
        return tuple(self.problem.experience(step, trial=self.trial) for step in self.steps)

    def at(self, place: int) -> int:
        """The number of the last step with no more experience than that."""
        return max((at for at, each in enumerate(self.places) if each <= place), default=0)

    def looked_at(self, place: int) -> int:
        """The number of the query that a picture shows, of those that the outputs are of."""
        queries = next((each.shape[2] for each in self.outputs.values()), 1)
        return self.problem.looked_at(place, queries)

    def step_name(self, place: int) -> str:
        """That step in words."""
        return self.problem.step_name(self.steps[self.at(place)], trial=self.trial)

    def same_tasks(self, other: Predictions) -> bool:
        """Whether both are of the same tasks."""
        return self.problem.name == other.problem.name and all(
            ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)
            for ours, theirs in ((self.support, other.support), (self.query, other.query))
        )

    def drawing(self, task: int, place: int, colour: str) -> Drawing | None:
        """The picture of a task after some experience; None where the problem has none."""
        return self.problem.picture(self.of_task(task, place, colour))

    def of_task(self, task: int, place: int, colour: str) -> Predicted:
        """One of the tasks after some experience, as its problem draws it and tells of it."""
        stop = self.at(place) + 1
        told = self.excerpt if task == 0 else None
        return Predicted(
            steps=self.steps[:stop],
            support={name: each[task] for name, each in self.support.items()},
            query={name: each[task] for name, each in self.query.items()},
            outputs={name: each[:stop, task] for name, each in self.outputs.items()},
            measured={name: each[:stop, task] for name, each in self.measured.items()},
            colour=colour,
            classes=told.classes if told else (),
            support_texts=told.support if told else (),
            query_texts=told.query if told else (),
            standardised=self.standardised,
            trial=self.trial,
            looked_at=self.looked_at(place),
            names=self.names,
            columns=self.columns,
            margins=self.margins if stop == len(self.steps) else None,  # of the last step
            withheld=self.withheld,
        )
