"""Learners that act in whole trials: what they have learned of a task is what they remember."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from workbench.algorithms.base import Algorithm, Params
from workbench.config import AlgorithmConfig
from workbench.errors import InputError
from workbench.networks.base import Network
from workbench.problems.control import Control, chance, hidden
from workbench.tasks.base import Data, Episode
from workbench.worlds.rollout import Policy, trial


class TrialConfig(AlgorithmConfig):
    """What every such learner has."""

    needs = frozenset({"rollouts"})
    episodic = False
    acts = True


class TrialLearner(Algorithm):
    """Acts in the query rows of a task one after the other; its memory is cleared between tasks only.

    It is written for T trials at once, which are all the leading dimension there is.
    """

    problem: Control
    own_chance: ClassVar[bool] = False
    """Whether it draws chance of its own, for all trials together that it acts in at once."""

    net = nn.ModuleDict()
    """What it acts with, by the first part of the meta-parameters' names."""

    def with_network(self, network: Network) -> Self:
        other = super().with_network(network)
        other.net = copy.deepcopy(self.net)  # weights are put into it while it computes
        return other

    @abstractmethod
    def policy(self, meta: Params, query: Data, generator: torch.Generator) -> Policy:
        """Who acts in T trials, with an empty memory.

        Parameters
        ----------
        query : the rows of the trials, ``[T, episodes, …]``, for those that may see more than others.
        generator : chance of its own, on the CPU.
        """

    def act(self, meta: Params, query: Data, generator: torch.Generator) -> Data:
        """What happens in T trials, ``[T, episodes · horizon, …]`` by name."""
        return self.acted(query, self.policy(meta, query, generator))

    def acted(self, query: Data, policy: Policy) -> Data:
        """The same of a policy."""
        return trial(self.problem.world, task_of(query), chance(query), policy)

    def finite(self, acted: Data) -> Data:
        """What happened, of who was not trained and so cannot diverge.

        Raises
        ------
        InputError
            If a reward is no number.
        """
        if not acted["reward"].isfinite().all():
            raise InputError(f"{self.config.name!r} was paid a reward that is not finite")
        return acted

    def report_trials(self, meta: Params, tasks: Episode) -> dict[str, Params]:
        """Measures of its own of T trials, ``[T]`` by group and name."""
        return {}

    def remembered(self, meta: Params, acted: Data) -> Tensor | None:
        """What it remembers at the end of T trials, ``[T, numbers]``; None of what is no list of numbers."""
        return None

    # it has no learner of one task that could be adapted to a support set

    @property
    def trained_steps(self) -> int:
        return 0

    def consumed(self, steps: int) -> int:
        return steps  # it is measured after 0, 1, … episodes

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        return learner

    def adaptation(self, meta: Params, support: Data, steps: int) -> Iterator[Params]:
        raise NotImplementedError("it acts in trials")


def task_of(query: Data) -> Params:
    """The hidden parameters of T trials, ``[T, …]``, from those of their rows."""
    return {name: each[:, 0] for name, each in hidden(query).items()}


def later(each: Tensor) -> Tensor:
    """Each step's entry of T trials ``[T, steps, …]`` at the step after it; 0 at the first."""
    return torch.cat([torch.zeros_like(each[:, :1]), each[:, :-1]], 1)


def initialise_memory(memory: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of what has gates, and of what stands beside it: orthogonal from step to step."""
    for name, weight in memory.named_parameters():
        if "bias" in name:
            nn.init.zeros_(weight)
        elif "weight_hh" in name:
            for gate in weight.detach().chunk(3):
                nn.init.orthogonal_(gate, generator=generator)
        else:
            nn.init.xavier_uniform_(weight, generator=generator)
