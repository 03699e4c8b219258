"""Algorithms that are built over another one, their base."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Self

import torch
from pydantic import BeforeValidator, SerializeAsAny, field_validator
from torch import Tensor

from workbench.algorithms.base import Algorithm, Params
from workbench.algorithms.maml import MAMLConfig
from workbench.algorithms.memory import Memory
from workbench.config import OF_THE_RUN, AlgorithmConfig, AnyWays, TaskConfig, Trains, setting
from workbench.networks.base import Network
from workbench.settings import misfit
from workbench.tasks.base import Data, Episode, TaskFamily, TaskShape

Base = Annotated[SerializeAsAny[AlgorithmConfig], BeforeValidator(AlgorithmConfig.resolve)]


class WrapperConfig(AnyWays):
    """An algorithm over a base, which is a section of its own: ``base = {kind = "maml", inner_lr = 0.1}``."""

    wraps = True

    base: Base = setting(default_factory=MAMLConfig, help="The algorithm that it is built over.")

    @classmethod
    def allows(cls, base: type[AlgorithmConfig]) -> bool:
        """Whether it can be built over an algorithm; here over all that train, are no wrappers, and can do
        a task that it can do itself."""
        serves_both = any(cls.needs | base.needs <= each.gives() for each in TaskConfig.kinds.values())
        return issubclass(base, Trains) and not base.wraps and serves_both

    @field_validator("base")
    @classmethod
    def _fits(cls, base: AlgorithmConfig) -> AlgorithmConfig:
        if not cls.allows(type(base)):
            able = sorted(name for name, kind in AlgorithmConfig.kinds.items() if cls.allows(kind))
            raise misfit(("kind",), f"{base.name!r} cannot be a base here; allowed: {', '.join(able)}")
        for name in type(base).model_fields:
            if name in OF_THE_RUN and getattr(base, name) not in (None, ""):
                raise misfit((name,), "belongs to the algorithm itself, not to its base; move it up")
        return base

    @property
    def built_of(self) -> tuple[AlgorithmConfig, ...]:
        return (self, *self.base.built_of)


class Wrapper(Algorithm):
    """Does in everything as its base does; a subclass changes what it is about.

    Parameters
    ----------
    base : the algorithm that it is built over, with the same network.
    """

    def __init__(self, config: Any, network: Network, shape: TaskShape, base: Algorithm) -> None:
        super().__init__(config, network, shape)
        self.base = base
        self.order = base.order
        self.adapts_stepwise = base.adapts_stepwise
        self.differentiable = base.differentiable
        self.adam = base.adam
        self.capacity = base.capacity
        self.fits = base.fits

    @property
    def trained_steps(self) -> int:
        return self.base.trained_steps

    def initial(self, generator: torch.Generator) -> Params:
        return self.base.initial(generator)

    def start(self, meta: Params, support: Data) -> Params:
        return self.base.start(meta, support)

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        return self.base.step(meta, learner, support, index)

    def adapt(self, meta: Params, support: Data, steps: int) -> Params:
        return self.base.adapt(meta, support, steps)

    def adaptation(self, meta: Params, support: Data, steps: int) -> Iterator[Params]:
        return self.base.adaptation(meta, support, steps)

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self.base.predict(learner, x)

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        return self.base.loss(meta, episode)

    def pseudo_gradient(self, meta: Params, episode: Episode) -> tuple[Params, Tensor]:
        return self.base.pseudo_gradient(meta, episode)

    def meta_lr(self, base: float, done: float) -> float:
        return self.base.meta_lr(base, done)

    def update(self, meta: Params, gradient: Params, rate: float) -> Params:
        return self.base.update(meta, gradient, rate)

    def training_family(self, family: TaskFamily) -> TaskFamily:
        return self.base.training_family(family)

    def new_tasks(self, meta_batch: int) -> int:
        return self.base.new_tasks(meta_batch)

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        return self.base.prepare(episode, done, generator, memory)

    def fit(self, meta: Params, episodes: Iterable[Episode]) -> Params:
        return self.base.fit(meta, episodes)

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        return self.base.report(meta, learner, episode)

    def with_network(self, network: Network) -> Self:
        other = copy.copy(self)
        other.network, other.base = network, self.base.with_network(network)
        return other
