"""Algorithms that are built over another one, their base."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from operator import attrgetter
from typing import Annotated, Self

from pydantic import BeforeValidator, SerializeAsAny, field_validator

from workbench.algorithms.base import Algorithm
from workbench.algorithms.maml import MAMLConfig
from workbench.config import OF_THE_RUN, AlgorithmConfig, AnyWays, TaskConfig, Trains, setting
from workbench.networks.base import Network
from workbench.settings import misfit
from workbench.tasks.base import TaskShape

Base = Annotated[SerializeAsAny[AlgorithmConfig], BeforeValidator(AlgorithmConfig.resolve)]


class WrapperConfig(AnyWays):
    """An algorithm over a base, which is a section of its own: ``base = {kind = "maml", inner_lr = 0.1}``."""

    wraps = True

    base: Base = setting(default_factory=MAMLConfig, help="The algorithm that it is built over.")

    @classmethod
    def allows(cls, base: type[AlgorithmConfig]) -> bool:
        """Whether it can be built over an algorithm; here over all that train and adapt, are no wrappers, and
        can do a task that it can do itself."""
        serves_both = any(cls.needs | base.needs <= each.gives() for each in TaskConfig.kinds.values())
        return issubclass(base, Trains) and not (base.wraps or base.acts) and serves_both

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

    @classmethod
    def of_inner(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        return {name: value for name, value in values.items() if name not in OF_THE_RUN}

    @property
    def most_examples(self) -> int:
        return self.base.most_examples

    def new_tasks(self, meta_batch: int) -> int:
        return self.base.new_tasks(meta_batch)

    @property
    def built_of(self) -> tuple[AlgorithmConfig, ...]:
        return (self, *self.base.built_of)


def forwarding(cls: type[Wrapper]) -> type[Wrapper]:
    """Let all that an algorithm is asked for be asked of the base, but for what the class has of its own."""
    for name in contract():
        if name not in vars(cls):
            setattr(cls, name, property(attrgetter(f"base.{name}")))
    return abc.update_abstractmethods(cls)


def contract() -> list[str]:
    """What an algorithm is asked for, but for what its class and what every algorithm says of itself."""
    itself = {"order", "departs", "losses", "warm_losses"}
    return [name for name in vars(Algorithm) if not name.startswith("_") and name not in itself]


@forwarding
class Wrapper(Algorithm):
    """Does in everything as its base does; a subclass changes what it is about.

    Parameters
    ----------
    base : the algorithm that it is built over, with the same network.
    """

    config: WrapperConfig

    def __init__(self, config: WrapperConfig, network: Network, shape: TaskShape, base: Algorithm) -> None:
        super().__init__(config, network, shape)
        self.base = base
        self.order = base.order

    @property
    def entangled(self) -> str:
        return super().entangled or self.base.entangled

    def with_network(self, network: Network) -> Self:
        other = super().with_network(network)
        other.base = self.base.with_network(network)
        return other
