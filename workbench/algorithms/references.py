"""What references that act share: they are computed, not trained, and some remember by Bayes' rule.

A reference says what a return is worth: acting at random takes no learning, and nobody who does not see the
task can expect more than who plans exactly by what is believed of it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation, OuterStep, Params
from workbench.algorithms.trials import TrialConfig, TrialLearner
from workbench.config import Untrained
from workbench.problems.control import chance
from workbench.tasks.base import Data
from workbench.worlds.base import Conjugate, Tensors
from workbench.worlds.rollout import ACTING, Policy, Seen

Moves = Callable[[Tensors, Seen], Tensor]
"""What is believed and what is seen to moves ``[T]``."""


class ReferenceConfig(TrialConfig, Untrained):
    """What every reference has."""


class BelieverConfig(ReferenceConfig):
    """What those have whose first belief is the distribution that tasks are drawn from."""

    needs = frozenset({"rollouts", "belief"})
    privilege: ClassVar[str] = "knows the prior"


class Reference(TrialLearner):
    """Who acts without having been trained; on the CPU, wherever the episodes are."""

    family = "reference"
    citation: ClassVar[Citation | None] = None

    def initial(self, generator: torch.Generator) -> Params:
        return {}

    @property
    def outer(self) -> OuterStep:
        return OuterStep(lambda meta, episode: ({}, torch.zeros(())))  # nothing could be moved

    def acted(self, query: Data, policy: Policy) -> Data:
        return self.finite(super().acted(query, policy))

    def act(self, meta: Params, query: Data, generator: torch.Generator) -> Data:
        device = next(iter(query.values())).device
        acted = super().act(meta, {name: each.cpu() for name, each in query.items()}, generator)
        return {name: each.to(device) for name, each in acted.items()}


class Believer(Reference):
    """Who remembers what can be known of a task, by Bayes' rule."""

    own_chance = True  # what is as good as another, and what is sampled

    @property
    def world(self) -> Conjugate:
        world = self.problem.world
        assert isinstance(world, Conjugate)  # it is needed
        return world

    @abstractmethod
    def moves(self, trials: int, episodes: int, generator: torch.Generator) -> Moves:
        """How it moves in T trials of so many episodes."""

    def policy(self, meta: Params, query: Data, generator: torch.Generator) -> Policy:
        trials = len(next(iter(query.values())))
        moves = self.moves(trials, self.problem.episodes(query), generator)
        like = chance(query)[ACTING]
        belief, before = {name: each.to(like) for name, each in self.world.prior((trials,)).items()}, like

        def policy(seen: Seen) -> tuple[Tensor, Data]:
            nonlocal belief, before
            if seen.step:
                done = seen.action.argmax(-1)
                belief = self.world.learned(belief, before, done, seen.reward, seen.observation, seen.ended)
            before = seen.observation
            return moves(belief, seen), {}

        return policy


def jittered(values: Tensor, generator: torch.Generator, size: float = 1e-6) -> Tensor:
    """Numbers of which no two are alike any more, so that the greatest of equal ones is left to chance."""
    return values + size * torch.rand(values.shape, generator=generator, dtype=values.dtype)


class RandomConfig(ReferenceConfig):
    kind: Literal["random"] = "random"


class Random(Reference):
    """Every action is as likely as any other."""

    Config = RandomConfig
    title = "Random"
    summary = "Acts at random, uniformly: what no learning earns."

    def policy(self, meta: Params, query: Data, generator: torch.Generator) -> Policy:
        discrete = self.problem.world.actions.discrete

        def policy(seen: Seen) -> tuple[Tensor, Data]:
            if discrete:
                return seen.chance.argmax(-1), {}
            return torch.erf(seen.chance * 0.5**0.5), {}  # a normal number's rank, from −1 to 1

        return policy
