"""Task families that are worlds to act in: a file for each says which world."""

from __future__ import annotations

import copy
import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from workbench.config import (
    Drift,
    Drifts,
    EpisodeSize,
    Evaluation,
    Split,
    Suits,
    TaskConfig,
    Training,
    setting,
)
from workbench.problems.control import Control, rows
from workbench.tasks.base import Data, DataError, Domain, Episode, Progress, TaskFamily, TaskShape
from workbench.tasks.cases import CaseFiles
from workbench.worlds.base import Tensors, World
from workbench.worlds.rollout import ACTING, draw_acting


class WorldDrift(Drift):
    """A stream whose tasks come from one part of a hidden parameter's range after the other."""

    parameter: str = setting(
        "", help="The hidden parameter whose range is cut into the segments.", empty="the first"
    )


class ActingConfig(Drifts):
    """A world with hidden parameters, and somebody who acts in it."""

    problem = Control
    default_network: ClassVar[str] = "mlp"
    network: ClassVar[Mapping[str, object]] = {"hidden": (64, 64), "activation": "tanh"}
    suits = Suits(Training(iterations=500, meta_batch=64), Evaluation(inner_steps=3, every=50))

    rollouts: int = setting(
        10, rare=True, ge=1, le=1000, help="Episodes that each update of a gradient learner acts in."
    )
    updates: int = setting(
        3,
        rare=True,
        ge=1,
        le=1000,
        help="Updates that have episodes of their own; later ones meet them again.",
    )
    drift: WorldDrift | None = setting(
        None,
        label="Drifting stream",
        help="Train on a stream that drifts: a hidden parameter's range comes segment by segment.",
    )
    shift: str | None = setting(
        None,
        help="Measure on another distribution of tasks too; of another domain, that is its tasks.",
        empty="none",
    )

    own_alone = TaskConfig.own_alone | {"shift"}

    @property
    def episode_size(self) -> EpisodeSize:
        return EpisodeSize(1, self.rollouts * self.updates, self.trial)

    @property
    def trial(self) -> int:
        """Episodes of a trial, one after the other with one task."""
        raise NotImplementedError


class WorldConfig(ActingConfig):
    """A world, and how many episodes somebody acts in it."""

    episodes: int = setting(
        4, ge=1, le=10_000, help="Episodes of a trial, one after the other with one task."
    )

    @property
    def trial(self) -> int:
        return self.episodes


class WorldFamily(TaskFamily):
    """Every task is a world whose parameters are hidden.

    The splits are independent draws of one distribution, unless the world says otherwise.
    """

    config: ActingConfig
    _shifted = ""
    """The shift that tasks are drawn from; empty: none."""

    def __init__(self, config: ActingConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.world = world = self.made(config)
        if config.shift is not None:
            _one_of("shift", config.shift, world.shifts)
        if config.drift is not None and config.drift.parameter:
            _one_of("drift.parameter", config.drift.parameter, world.draws)
            _can_drift(config.drift.parameter, world)
        actions = world.actions
        self.shape = TaskShape(Control(world, config.rollouts), (world.observations,), actions.width)

    @property
    def shift(self) -> Domain | None:
        """The same chance, but for the shifted parameters: so the same generator gives tasks that differ in
        the shift alone."""
        name = self.config.shift
        if name is None:
            return None
        family = copy.copy(self)
        family._shifted = name
        return Domain(name, self.world.shifts[name], family)

    def case_files(self) -> CaseFiles:
        raise DataError(
            f"{self.title}: a world is acted in, so there is nothing to predict from files; "
            "'workbench export --what predictions' shows what the learner does in new ones"
        )

    @classmethod
    @abstractmethod
    def made(cls, config: ActingConfig) -> World:
        """The world that a configuration describes."""

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        _, support, query = size or self.size
        task = self.world.task(self._uniform(split, count, generator, segment), self._shifted)
        first, then = (self._rows(task, each, generator) for each in (support, query))
        return Episode(first, then, task).to(self.device)

    def _uniform(self, split: Split, count: int, generator: torch.Generator, segment: int | None) -> Tensors:
        """The numbers that hidden parameters are made from."""
        drift = self.config.drift
        drawn = {}
        for name, numbers in self.world.draws.items():
            drawn[name] = torch.rand(count, numbers, generator=generator)
            if (
                segment is not None
                and drift is not None
                and name == (drift.parameter or next(iter(self.world.draws)))
            ):
                drawn[name] = (drawn[name] + segment) / drift.segments
        return drawn

    def _rows(self, task: Tensors, number: int, generator: torch.Generator) -> Data:
        """So many episodes of each task."""
        count = len(next(iter(task.values())))
        chance = self.world.chance((count, number), generator)
        chance[ACTING] = draw_acting(self.world, (count, number), generator)
        return rows(chance, {name: _repeated(each, number) for name, each in task.items()})

    def data_hash(self) -> str:
        values = " ".join(f"{name}={value}" for name, value in sorted(self._described().items()))
        return hashlib.sha256(f"{self.config.name} {values}".encode()).hexdigest()

    def describe(self) -> Mapping[str, object]:
        return self._described() | {"splits": "independent draws of one distribution"}

    def _described(self) -> dict[str, object]:
        """The fields of the configuration that say which worlds there are."""
        own = [name for name in type(self.config).model_fields if name not in WorldConfig.model_fields]
        return {name: getattr(self.config, name) for name in own if name != self.config.selector}


def _one_of(field: str, name: str, allowed: Iterable[str]) -> None:
    if name not in allowed:
        raise DataError(f"task.{field}: {name!r} is not known; allowed: {', '.join(allowed) or 'nothing'}")


def _can_drift(parameter: str, world: World) -> None:
    if parameter in world.ranked:
        allowed = ", ".join(each for each in world.draws if each not in world.ranked)
        why = f"{parameter!r} is an order, which is alike in every part of a range"
        raise DataError(f"task.drift.parameter: {why}; allowed: {allowed}")


def _repeated(each: Tensor, number: int) -> Tensor:
    return each[:, None].expand(-1, number, *each.shape[1:])
