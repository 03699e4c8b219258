"""The oracle: acts in a world whose hidden parameters it sees; what adapting can be worth at most.

Where the best policy can be computed, it is. Where the world can be differentiated, a network that sees the
parameters beside the observations is trained through the simulator, with or without a memory. Elsewhere RL²
learns with the parameters beside the observations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from workbench.algorithms.base import OuterStep, Params, Warms
from workbench.algorithms.memory import Memory
from workbench.algorithms.recurrent import Recurrent, RecurrentConfig
from workbench.algorithms.rl2 import RL2, RL2Config
from workbench.algorithms.trials import TrialConfig, TrialLearner, task_of
from workbench.config import Schedule, Training, setting
from workbench.networks.base import Network
from workbench.problems.control import Control
from workbench.tasks.base import Data, Episode, TaskShape
from workbench.worlds.base import Solvable, Tensors, World
from workbench.worlds.rollout import Policy


class OracleConfig(TrialConfig, Warms):
    privilege: ClassVar[str] = "sees the hidden parameters"

    kind: Literal["oracle"] = "oracle"
    iterations: int | None = setting(
        None,
        where={"plan": 0},
        rare=True,
        ge=0,
        unit="meta-iterations",
        help="Length of training; none where the best policy is computed.",
        empty="the one under [training]",
    )
    memory: bool = setting(
        True,
        help="Whether a trained policy remembers, too: a memory also tells what the parameters do not.",
    )
    hidden: int = setting(64, rare=True, ge=1, le=4096, unit="units", help="Width of the memory.")
    every: int = setting(1, rare=True, ge=1, le=1000, unit="steps", help="Steps that a memory reads at once.")

    def schedule(self, training: Training) -> Schedule:
        usual = super().schedule(training)
        return usual if self.iterations is None else usual._replace(iterations=self.iterations)


class Oracle(TrialLearner):
    """Acts as well as somebody who knows the hidden parameters."""

    Config = OracleConfig
    title = "Oracle"
    family = "reference"
    summary = "Computes the best policy, or is trained where none can be: what adapting is worth at most."
    citation = None
    config: OracleConfig
    compilable = False

    def __init__(self, config: OracleConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        world = self.problem.world
        self._trained = None if isinstance(world, Solvable) else _learner(config, network, shape, world)

    def with_network(self, network: Network) -> Self:
        other = super().with_network(network)
        other._trained = self._trained and self._trained.with_network(network)
        return other

    def initial(self, generator: torch.Generator) -> Params:
        return self._trained.initial(generator) if self._trained else {}

    def policy(self, meta: Params, query: Data, generator: torch.Generator) -> Policy:
        if self._trained:
            return self._trained.policy(meta, query, generator)
        world = self.problem.world
        assert isinstance(world, Solvable)
        plan = world.plan(task_of(query))
        return lambda seen: (plan(seen.observation, seen.time), {})

    def acted(self, query: Data, policy: Policy) -> Data:
        if self._trained:
            return self._trained.acted(query, policy)
        return self.finite(super().acted(query, policy))

    # --- what is trained -----------------------------------------------------------------------------

    @property
    def _learner(self) -> TrialLearner:
        assert self._trained is not None
        return self._trained

    def losses(self, meta: Params, tasks: Episode) -> Tensor:
        return self._learner.losses(meta, tasks)

    def warm_losses(self, meta: Params, tasks: Episode) -> Tensor:
        return self._learner.warm_losses(meta, tasks)

    def collect(self, meta: Params, tasks: Episode) -> Episode:
        return self._trained.collect(meta, tasks) if self._trained else tasks

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        return self._trained.prepare(episode, done, generator, memory) if self._trained else episode

    @property
    def outer(self) -> OuterStep:
        if self._trained:
            return self._trained.outer
        return OuterStep(lambda meta, episode: ({}, torch.zeros(())))  # nothing could be moved

    def meta_lr(self, base: float, done: float) -> float:
        return self._trained.meta_lr(base, done) if self._trained else base


def _learner(config: OracleConfig, network: Network, shape: TaskShape, world: World) -> TrialLearner:
    """The learner of a world that shows its parameters."""
    shown = Shown(world)
    shape = replace(shape, problem=Control(shown), input_shape=(shown.observations,))
    if not world.smooth:
        return RL2(RL2Config(hidden=config.hidden), network, shape)
    own = RecurrentConfig(hidden=config.hidden, every=config.every)
    return Recurrent(own, network, shape, remembers=config.memory)


class Shown(World):
    """A world that shows its hidden parameters beside what is seen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.observations = world.observations + world.numbers_known
        self.actions, self.horizon, self.draws = world.actions, world.horizon, world.draws
        self.rewards, self.restarts, self.smooth = world.rewards, world.restarts, world.smooth

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        return self.world.task(uniform, shift)

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return self.world.chance(shape, generator)

    def known(self, task: Tensors) -> Tensor:
        return self.world.known(task)

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        return self.world.reset(task, chance) | {"known": self.world.known(task)}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        return torch.cat([self.world.observe(state, task, time), state["known"]], -1)

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        then, reward, done = self.world.step(state, action, task, chance, time)
        return then | {"known": state["known"]}, reward, done

    def measured(self, data: Tensors) -> Tensors:
        return self.world.measured(data)

    def watched(self, state: Tensors) -> Tensors:
        return self.world.watched(state)
