"""Random Markov decision processes of few states (Duan et al. 2016, RL², arXiv 1611.02779, section 3.2).

Mean rewards ~ N(1, 1), rewards ~ N(mean, 1), transitions ~ Dirichlet(1, …, 1); every episode begins in the
first state. The prior of the references is the one of Osband, Russo and Van Roy (NIPS 2013, PSRL, arXiv
1306.0940): Dirichlet for transitions, normal for rewards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.config import Evaluation, Suits, Training, setting
from workbench.pictures import Panel
from workbench.tasks.acting import ActingConfig, WorldConfig, WorldFamily
from workbench.worlds.base import Actions, Conjugate, Plan, Tensors
from workbench.worlds.numbers import entry, exponential, normal
from workbench.worlds.pictures import Acted, Arrays, number, rewards_so_far


class TabularWorld(Conjugate):
    """States and actions in a table; the state is seen.

    Belief: how often an action has led from a state to another, and once more (``visits``, of a Dirichlet
    distribution); how often it was taken, and once more (``precision``), and what it has paid, and 1 more
    (``total``), as the prior of a mean reward counts as one that was 1.
    """

    rewards = (1.0, 2**0.5)
    shifts: ClassVar[Mapping[str, str]] = {
        "poor": "mean rewards ~ N(0, 1), 1 less than in training",
        "sharp": "an action mostly leads to one state: the weights of Dirichlet(1) to the third power",
    }

    def __init__(self, states: int = 10, actions: int = 5, horizon: int = 10) -> None:
        self.states, self.choices, self.horizon = states, actions, horizon
        self.observations = states
        self.actions = Actions(moves=tuple(f"action {action + 1}" for action in range(actions)))
        self.draws = {"mean": states * actions, "transition": states * actions * states}

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        """``transition`` ``[…, states, actions, states]``, from and to; ``mean`` reward ``[…, states,
        actions]``."""
        weights = exponential(
            torch.unflatten(uniform["transition"], -1, (self.states, self.choices, self.states))
        )
        weights = weights**3 if shift == "sharp" else weights
        mean = normal(torch.unflatten(uniform["mean"], -1, (self.states, self.choices)))
        return {
            "transition": weights / weights.sum(-1, keepdim=True),
            "mean": mean if shift == "poor" else mean + 1,
        }

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        size = (*shape, self.horizon)
        return {
            "luck": torch.rand(size, generator=generator),
            "noise": torch.randn(size, generator=generator),
        }

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        return {"state": torch.zeros_like(task["mean"][..., 0, 0], dtype=torch.int64)}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        return F.one_hot(state["state"], self.states).to(task["mean"].dtype)

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        taken = state["state"] * self.choices + action
        reward = entry(task["mean"].flatten(-2), taken) + chance["noise"]
        rows = task["transition"].flatten(-3, -2)
        index = taken[..., None, None].expand(*taken.shape, 1, self.states)
        below = rows.gather(-2, index)[..., 0, :-1].cumsum(-1)
        # the last state takes what rounding leaves
        then = (chance["luck"][..., None] >= below).sum(-1)
        return {"state": then}, reward, torch.zeros_like(then, dtype=torch.bool)

    def known(self, task: Tensors) -> Tensor:
        transition = self.states * task["transition"].flatten(-3) - 1
        return torch.cat([transition, task["mean"].flatten(-2) - 1], -1)

    drawing: ClassVar[tuple[str, str]] = (
        "States and rewards",
        "Each point: the state, and the reward so far.",
    )

    def told(self, task: Arrays) -> str:
        best = np.unravel_index(int(task["mean"].argmax()), task["mean"].shape)
        state, action = (int(each) + 1 for each in best)
        return f"at most {number(task['mean'].max(), 1)} on average (state {state}, action {action})"

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        seen = acted.seen("observation")
        states = () if seen is None else tuple(str(1 + each) for each in seen.argmax(-1))
        return rewards_so_far(acted, states)

    def _values(self, task: Tensors) -> tuple[Tensor, Tensor]:
        """By value iteration backwards from the horizon: the best actions ``[…, horizon, states]``, and what
        is earned from each state on at the start, ``[…, states]``."""
        value = torch.zeros_like(task["mean"][..., 0])
        best = []
        for _ in range(self.horizon):
            after = torch.einsum("...sat,...t->...sa", task["transition"], value)
            value, action = (task["mean"] + after).max(-1)
            best.append(action)
        return torch.stack(best[::-1], -2), value

    def plan(self, task: Tensors) -> Plan:
        best, _ = self._values(task)
        return lambda observation, time: entry(best[..., time, :], observation.argmax(-1))

    def best_return(self, task: Tensors) -> Tensor:
        return self._values(task)[1][..., 0]

    def prior(self, shape: tuple[int, ...]) -> Tensors:
        pairs = (*shape, self.states, self.choices)
        return {
            "visits": torch.ones(*pairs, self.states),
            "precision": torch.ones(pairs),
            "total": torch.ones(pairs),
        }

    def learned(
        self, belief: Tensors, seen: Tensor, action: Tensor, reward: Tensor, then: Tensor, ended: Tensor
    ) -> Tensors:
        # where an episode ended, what is seen next is the start of another one: no transition
        pair = seen.argmax(-1) * self.choices + action
        went = (pair * self.states + then.argmax(-1))[..., None]
        counted = 1 - ended[..., None].to(reward.dtype)
        taken = F.one_hot(pair, self.states * self.choices).reshape(belief["precision"].shape)
        visits = belief["visits"].flatten(-3).scatter_add(-1, went, counted.to(belief["visits"].dtype))
        return {
            "visits": visits.reshape(belief["visits"].shape),
            "precision": belief["precision"] + taken,
            "total": belief["total"] + taken * reward[..., None, None],
        }

    def expected(self, belief: Tensors) -> Tensors:
        return {
            "transition": belief["visits"] / belief["visits"].sum(-1, keepdim=True),
            "mean": belief["total"] / belief["precision"],
        }

    def sampled(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        mean, spread = belief["total"] / belief["precision"], belief["precision"].rsqrt()
        return {
            "transition": torch._sample_dirichlet(belief["visits"], generator=generator),
            "mean": mean + spread * torch.randn(mean.shape, generator=generator, dtype=mean.dtype),
        }

    def optimistic(self, task: Tensors, belief: Tensors) -> Tensors:
        """Mean rewards one standard deviation of their posterior above what is expected, and transitions as
        expected, for none of them is better than another by itself: nothing sampled is left."""
        expected = self.expected(belief)
        return expected | {"mean": expected["mean"] + belief["precision"].rsqrt()}


class TabularConfig(WorldConfig):
    has = frozenset({"moves", "plan", "belief", "states"})
    suits = Suits(
        Training(iterations=400, meta_batch=256, meta_lr=3e-3),
        Evaluation(episodes=2000, validation_episodes=500, inner_steps=3, every=50),
        {"discount": 1.0, "trace": 0.3, "entropy": 0.03},
    )
    family: Literal["tabular_mdp"] = "tabular_mdp"
    states: int = setting(10, ge=2, le=200, help="States; every episode begins in the first.")
    actions: int = setting(5, ge=2, le=100, help="Actions in each state.")
    horizon: int = setting(10, ge=1, le=1000, unit="steps", help="Length of an episode.")
    episodes: int = setting(10, ge=1, le=10_000, help="Episodes of a trial.")
    shift: Literal["poor", "sharp"] | None = setting(
        None, titles=TabularWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )


class Tabular(WorldFamily):
    """Learn a random Markov decision process while acting in it."""

    Config = TabularConfig
    title = "Tabular MDP"
    summary = "Earn rewards in a few states whose transitions and mean rewards are unknown."

    @classmethod
    def made(cls, config: ActingConfig) -> TabularWorld:
        assert isinstance(config, TabularConfig)
        return TabularWorld(config.states, config.actions, config.horizon)
