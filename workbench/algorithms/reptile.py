"""Reptile: Nichol, Achiam, Schulman, "On First-Order Meta-Learning Algorithms", 2018, arXiv 1803.02999.

θ ← θ + ε · mean(φ_k − θ), where φ_k is reached from θ by k inner steps on the whole task (no split into
support and query); ε decays linearly to 0.

Each step in training is on another minibatch of the task, cut from its shuffled examples as in the authors'
code, since what the paper's argument rests on, the inner product of the gradients of different minibatches,
is not there where every step sees the same examples (measured on glyphs, 5-way 1-shot: 86.6% against 68.2%).
A test adapts on the whole support set, by as many steps as all learners take. The authors take inner steps of
Adam (β₁ = 0) whose moments go on from task to task, and 50 of them in a test; here they are of plain descent.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from workbench.algorithms.base import (
    Citation,
    GradientDescent,
    InnerLoopConfig,
    OuterStep,
    Params,
    descended,
    inner_rate,
)
from workbench.algorithms.memory import Memory
from workbench.config import setting
from workbench.tasks.base import Data, Episode

ORDER = "order"
"""What an episode's extra tensor is called that says which examples of a task are in which minibatch."""

Batch = Annotated[int, Field(ge=1, le=1000)] | Literal["all"] | None


def minibatch(classes: int, values: int) -> Any:
    """The field ``batch``, with its usual size for tasks with classes, and with values (over time, and of all
    other kinds, nobody has measured it)."""
    return setting(
        "all",
        where={"times": "all", "classes": classes, "values": values},
        before="all",
        unit="examples",
        help="Examples in the minibatch of each inner step in training; all: the whole task in every step.",
    )


def many_shots(count: int) -> Any:
    """The field ``examples``, with its usual number where there are classes."""
    return setting(
        "asked",
        where={"classes": count},
        before="asked",
        titles={"asked": "as many as are asked for"},
        help="Examples of each class in a training task, as far as there are so many, support and query "
        "together; asked: as many as the task has.",
    )


class ByMinibatches(InnerLoopConfig):
    """What learns from all examples of a training task alike, a few of them in each inner step."""

    episodic = False
    batch: Batch = minibatch(classes=10, values=5)
    examples: Annotated[int, Field(ge=1, le=1000)] | Literal["asked"] | None = many_shots(15)

    @property
    def most_examples(self) -> int:
        return self.examples if isinstance(self.examples, int) else 0


class ReptileConfig(ByMinibatches):
    kind: Literal["reptile"] = "reptile"
    inner_lr: float | None = inner_rate(0.02, classes=0.1)
    inner_steps: int = setting(
        8, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )
    outer_step: float = setting(
        1.0, gt=0, le=1, symbol="ε", help="Part of the way towards the adapted weights; decays linearly to 0."
    )


class Minibatches(GradientDescent):
    """Learns from the whole of each task, minibatch by minibatch."""

    config: ByMinibatches

    def shuffled(self, episode: Episode, generator: torch.Generator) -> Episode:
        """The tasks with the examples of each minibatch, int64 ``[T, k, batch]``: each task is gone through
        in a random order, then in another one."""
        if not isinstance(self.config.batch, int):
            return episode
        name = next(name for name in episode.support if name in episode.query)
        count = episode.support[name].shape[1] + episode.query[name].shape[1]
        batch = min(self.config.batch, count)
        rounds = -(-self.trained_steps * batch // count)
        drawn = torch.rand(episode.count, rounds, count, generator=generator)
        order = drawn.argsort(-1).flatten(1)[:, : self.trained_steps * batch]
        order = order.view(episode.count, self.trained_steps, batch).to(episode.device)
        return episode._replace(extra=episode.extra | {ORDER: order})

    def trained(self, meta: Params, learner: Params, episode: Episode) -> tuple[Params, Tensor]:
        """Where a learner ends up after all inner steps of training on a task, and its loss on all of it."""
        task = whole_task(episode)
        if ORDER in episode.extra:
            for index, chosen in enumerate(episode.extra[ORDER]):
                part = {name: each[chosen] if name in episode.query else each for name, each in task.items()}
                learner = self.step(meta, learner, part, index)
        else:
            for index in range(self.trained_steps):
                learner = self.step(meta, learner, self.problem.part(task, index), index)
        return learner, self.problem.adapt_loss(partial(self.predict, learner), task)


class Reptile(Minibatches):
    """Move the initialisation towards the weights that each task ends up with."""

    Config = ReptileConfig
    title = "Reptile"
    family = "model update"
    summary = "Moves the initialisation towards the weights reached by a few plain steps on each task."
    departs = (
        "Inner steps are of plain descent where the authors take Adam with moments that go on from task "
        "to task; a test takes as many steps as other learners, not 50."
    )
    citation = Citation(
        "A. Nichol, J. Achiam, J. Schulman",
        "On First-Order Meta-Learning Algorithms",
        "arXiv",
        2018,
        "1803.02999",
    )
    config: ReptileConfig

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        return self.shuffled(episode, generator)

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        return self._away(meta, episode)[1]

    @property
    def outer(self) -> OuterStep:
        return OuterStep(self._away, descended)

    def _away(self, meta: Params, episode: Episode) -> tuple[Params, Tensor]:
        """θ − φ_k, and the loss where φ_k is."""
        adapted, loss = self.trained(meta, self.start(meta, episode.support), episode)
        return {name: meta[name] - adapted[name] for name in meta}, loss

    def meta_lr(self, base: float, done: float) -> float:
        return (self.config.meta_lr or self.config.outer_step) * (1 - done)


def whole_task(episode: Episode) -> Data:
    """All examples of a task, support and query, as far as both have the same to tell."""
    support, query = episode.support, episode.query
    return support | {name: torch.cat([support[name], query[name]]) for name in support if name in query}
