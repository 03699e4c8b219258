"""References that plan for one task: the one that is expected, a likely one, or one that is better than that.

Greedy: as if the posterior means were the task; it does not explore. Thompson sampling: for a task drawn from
what is believed, so that every task is acted for as often as it is likely (Thompson, "On the likelihood that
one unknown probability exceeds another in view of the evidence of two samples", Biometrika 1933); anew at
every step. PSRL: the same, with one task for all of an episode (Osband, Russo, Van Roy, "(More) Efficient
Reinforcement Learning via Posterior Sampling", NIPS 2013, arXiv 1306.0940); where an episode is one step, as
of bandits, it is Thompson sampling. The optimistic ones never take a task for worse than expected (May,
Korda, Lee, Leslie, "Optimistic Bayesian Sampling in Contextual-Bandit Problems", JMLR 2012).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation
from workbench.algorithms.references import Believer, BelieverConfig, Moves, jittered
from workbench.config import AlgorithmConfig, setting
from workbench.worlds.base import Plan, Tensors
from workbench.worlds.rollout import Seen

PSRL_PAPER = Citation(
    "I. Osband, D. Russo, B. Van Roy",
    "(More) Efficient Reinforcement Learning via Posterior Sampling",
    "NIPS",
    2013,
    "1306.0940",
)


class Planner(Believer):
    """Plans for one task, and acts by that until it plans anew: at every step, or for each episode."""

    @property
    def every_step(self) -> bool:
        """Whether it plans anew at every step."""
        return True

    @abstractmethod
    def meant(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        """The tasks that it plans for."""

    def moves(self, trials: int, episodes: int, generator: torch.Generator) -> Moves:
        plan: Plan | None = None

        def moves(belief: Tensors, seen: Seen) -> Tensor:
            nonlocal plan
            if plan is None or seen.time == 0 or self.every_step:
                task = self.meant(belief, generator)
                plan = self.world.plan({name: jittered(each, generator) for name, each in task.items()})
            return plan(seen.observation, seen.time)

        return moves


class GreedyConfig(BelieverConfig):
    kind: Literal["greedy"] = "greedy"


class Greedy(Planner):
    """As if the task were the one that is expected."""

    Config: ClassVar[type[AlgorithmConfig]] = GreedyConfig
    title = "Greedy"
    summary = "Plans as if the task were as expected by what was seen; never explores."

    @property
    def every_step(self) -> bool:
        return self.world.replans

    def meant(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        return self.world.expected(belief)


class EpsilonGreedyConfig(BelieverConfig):
    kind: Literal["epsilon_greedy"] = "epsilon_greedy"
    epsilon: float = setting(0.1, ge=0, le=1, symbol="ε", help="Share of the moves that are random.")


class EpsilonGreedy(Greedy):
    """The same, but for some moves at random."""

    Config = EpsilonGreedyConfig
    title = "ε-greedy"
    summary = "Plans for the expected task, and moves at random now and then."
    config: EpsilonGreedyConfig

    def moves(self, trials: int, episodes: int, generator: torch.Generator) -> Moves:
        greedy = super().moves(trials, episodes, generator)

        def moves(belief: Tensors, seen: Seen) -> Tensor:
            at_random = torch.rand(trials, generator=generator) < self.config.epsilon
            return torch.where(at_random, seen.chance.argmax(-1), greedy(belief, seen))

        return moves


class ThompsonConfig(BelieverConfig):
    kind: Literal["thompson"] = "thompson"


class Thompson(Planner):
    """For a task that is drawn from what is believed."""

    Config: ClassVar[type[AlgorithmConfig]] = ThompsonConfig
    title = "Thompson sampling"
    summary = "Acts at every step for a task drawn from what is believed."
    citation = Citation(
        "W. R. Thompson",
        "On the likelihood that one unknown probability exceeds another in view of the evidence of two "
        "samples",
        "Biometrika",
        1933,
    )

    def meant(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        return self.world.sampled(belief, generator)


class PSRLConfig(BelieverConfig):
    kind: Literal["psrl"] = "psrl"


class PSRL(Thompson):
    """The same task for all of an episode."""

    Config = PSRLConfig
    title = "PSRL"
    summary = "Acts in each episode for a task drawn from what is believed at its start."
    citation = PSRL_PAPER

    @property
    def every_step(self) -> bool:
        return False


class OptimisticThompsonConfig(BelieverConfig):
    kind: Literal["optimistic_thompson"] = "optimistic_thompson"


class OptimisticThompson(Thompson):
    """For a sampled task in which nothing is worse than expected."""

    Config: ClassVar[type[AlgorithmConfig]] = OptimisticThompsonConfig
    title = "Optimistic Thompson sampling"
    summary = "Acts at every step for a drawn task, in which nothing is worse than expected."
    citation = Citation(
        "B. C. May, N. Korda, A. Lee, D. S. Leslie",
        "Optimistic Bayesian Sampling in Contextual-Bandit Problems",
        "JMLR",
        2012,
    )

    def meant(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        return self.world.optimistic(super().meant(belief, generator), belief)


class OPSRLConfig(BelieverConfig):
    kind: Literal["opsrl"] = "opsrl"


class OPSRL(OptimisticThompson):
    """The same task for all of an episode."""

    Config = OPSRLConfig
    title = "Optimistic PSRL"
    summary = "Acts in each episode for a likely task in which nothing is worse than expected."
    citation = PSRL_PAPER

    @property
    def every_step(self) -> bool:
        return False
