"""One learner for each fold of a small data set, trained side by side in one run.

Every test subject is measured with the learner that was trained on others: so a run says something of all
of them. The meta-parameters of K learners are one more dimension, ``[K, …]``; a task says which of them it is
for. A meta-iteration has K meta-batches, and what each learner learns is what it would learn alone, but for a
clipped norm, which is that of all together, and for how many past tasks of each are drawn out of a memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from workbench.algorithms.base import Algorithm, OuterStep, Params
from workbench.algorithms.members import stacked
from workbench.algorithms.memory import Memory
from workbench.algorithms.wrapper import Wrapper
from workbench.tasks.base import FOLD, Data, DataError, Episode


class Folded(Wrapper):
    """A learner for each fold.

    Parameters
    ----------
    base : what each of them is.
    folds : K.
    """

    def __init__(self, base: Algorithm, folds: int) -> None:
        of_the_base: Any = base.config
        super().__init__(of_the_base, base.network, base.shape, base)
        self._folds = folds

    def initial(self, generator: torch.Generator) -> Params:
        """The same beginning for all."""
        one = self.base.initial(generator)
        return stacked([one] * self._folds) if one else {}

    def new_tasks(self, meta_batch: int) -> int:
        return self.base.new_tasks(self._folds * meta_batch)

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        prepared = self.base.prepare(episode, done, generator, memory)
        if self.base.capacity and prepared.support[FOLD].dim() > episode.support[FOLD].dim():
            raise DataError(
                f"{self.base.title} learns from past tasks one after the other, which may be of other folds; "
                "leave task.split.folds out, or this algorithm"
            )
        return prepared

    def start(self, meta: Params, support: Data) -> Params:
        return self.base.start(_of(meta, support), support)

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        return self.base.step(_of(meta, support), learner, support, index)

    def adapt(self, meta: Params, support: Data, steps: int) -> Params:
        return self.base.adapt(_of(meta, support), support, steps)

    def adaptation(self, meta: Params, support: Data, steps: int) -> Iterator[Params]:
        return self.base.adaptation(_of(meta, support), support, steps)

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        loss = self.base.loss(_of(meta, episode.support), episode)
        # a task is one of K times as many: scaled, each learner's gradient is a mean over its own
        return self._folds * loss - ((self._folds - 1) * loss).detach()

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        return self.base.report(_of(meta, episode.support), learner, episode)

    def fit(self, meta: Params, episodes: Iterable[Episode]) -> Params:
        """Each learner on the tasks that are for it."""
        blocks, fitted = list(episodes), []
        for fold in range(self._folds):
            own = [part for block in blocks if (part := _tasks(block, fold)).count]
            member = {name: each[fold] for name, each in meta.items()}
            found = self.base.fit(member, own) if own else {}
            fitted.append(found or member)
        names = set.intersection(*(set(each) for each in fitted))
        return stacked([{name: each[name] for name in names} for each in fitted])

    @property
    def outer(self) -> OuterStep:
        """That of each learner by itself."""
        base = self.base.outer

        def direction(meta: Params, episode: Episode) -> tuple[Params, Tensor]:
            assert base.direction
            found, loss = base.direction(_of(meta, episode.support), episode)
            chosen = torch.arange(self._folds, device=loss.device) == _fold(episode.support)
            own = chosen.to(loss.dtype) * self._folds
            return {name: own.view(-1, *[1] * each.dim()) * each for name, each in found.items()}, loss

        def update(meta: Params, gradient: Params, rate: float) -> Params:
            assert base.update
            updated: Params = vmap(base.update, in_dims=(0, 0, None))(meta, gradient, rate)
            return updated

        return replace(base, direction=base.direction and direction, update=base.update and update)


def _fold(support: Data) -> Tensor:
    """The number of the learner that a task is for, ``[1]``; tasks that are learned from together are for
    one."""
    return support[FOLD].flatten()[:1]


def _of(meta: Params, support: Data) -> Params:
    """The meta-parameters of the learner that a task is for."""
    return {name: each.index_select(0, _fold(support))[0] for name, each in meta.items()}


def _tasks(block: Episode, fold: int) -> Episode:
    """The tasks that are for a learner."""
    at = (block.support[FOLD][:, 0] == fold).nonzero()[:, 0]
    return block.map(lambda each: each[at])
