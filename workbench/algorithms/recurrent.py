"""A recurrent policy that is trained through the simulator: where a world can be differentiated, the gradient
of a trial's return reaches what the policy remembered of earlier episodes.

It is RL² (Duan et al. 2016, arXiv 1611.02779) without the noise of policy gradients; Heess, Hunt, Lillicrap,
Silver, "Memory-based control with recurrent neural networks", 2015, arXiv 1512.04455, differentiate a learned
model in this way. In a test it needs no gradient: it acts and remembers. A memory (GRU) reads what was seen
and done, every few steps; a few numbers that it makes of that, the *context*, are a further input of the
network, which acts at every step.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from workbench.algorithms.base import Params, Warms
from workbench.algorithms.trials import TrialConfig, TrialLearner, initialise_memory, later, task_of
from workbench.config import setting
from workbench.networks.base import Network, initialise
from workbench.problems.control import chance, hidden
from workbench.tasks.base import Data, Episode, TaskShape
from workbench.worlds.rollout import Policy, Seen, rollout


class RecurrentConfig(TrialConfig, Warms):
    needs = frozenset({"rollouts", "gradient"})

    kind: Literal["recurrent"] = "recurrent"
    hidden: int = setting(64, ge=1, le=4096, unit="units", help="Width of the memory.")
    context: int = setting(8, ge=1, le=1024, help="Numbers that the memory tells the network.")
    every: int = setting(
        1, ge=1, le=1000, unit="steps", help="Steps that the memory reads at once; the network acts at each."
    )
    guess: float = setting(
        0.0,
        rare=True,
        ge=0,
        le=100,
        help="Weight of the error with which the memory guesses the hidden parameters, in training.",
    )


class Recurrent(TrialLearner):
    """Acts by what it remembers, and learns to through the simulator."""

    Config = RecurrentConfig
    title = "Recurrent"
    family = "recurrent"
    summary = "A policy with a memory, trained through a simulator that can be differentiated."
    departs = "Gradients flow through the world, so that there is no noise of policy gradients."
    citation = None
    config: RecurrentConfig
    compilable = False  # torch has no graph for its own GRU

    def __init__(
        self, config: RecurrentConfig, network: Network, shape: TaskShape, *, remembers: bool = True
    ) -> None:
        super().__init__(config, network, shape)
        self._remembers = remembers
        world = self.problem.world
        self._inputs = (world.observations + world.actions.width + 1) * config.every
        self.net = nn.ModuleDict(
            {
                "memory": nn.GRUCell(self._inputs, config.hidden),
                "context": nn.Linear(config.hidden, config.context),
                "guess": nn.Linear(config.hidden, world.numbers_known if config.guess else 1),
                "network": type(network)(
                    network.config, (world.observations + config.context,), shape.outputs
                ),
            }
        )

    def initial(self, generator: torch.Generator) -> Params:
        for part in self.net.children():
            initialise(part, generator)
        initialise_memory(self.net["memory"], generator)
        if not self.config.guess:
            del self.net["guess"]
        return {name: weight.detach().clone() for name, weight in self.net.named_parameters()}

    # --- acting --------------------------------------------------------------------------------------

    def policy(self, meta: Params, query: Data, generator: torch.Generator) -> Policy:
        return self.remembering(meta, {}) if self._remembers else self.forgetting(meta)

    def remembering(self, meta: Params, memory: Params) -> Policy:
        """Who acts, with what it remembers of T trials, ``[T, …]`` by name: nothing, if that is empty."""
        read: list[Tensor] = []

        def policy(seen: Seen) -> tuple[Tensor, Data]:
            if not memory:
                memory["state"] = seen.observation.new_zeros(len(seen.observation), self.config.hidden)
                memory["context"] = self._part("context", meta, memory["state"]).tanh()
            if len(read) == self.config.every:
                memory["state"] = self._part("memory", meta, torch.cat(read, -1), memory["state"])
                memory["context"] = self._part("context", meta, memory["state"]).tanh()
                read.clear()
            action = self._part("network", meta, torch.cat([seen.observation, memory["context"]], -1))
            read.append(self._read(seen.observation, seen.action, seen.reward))
            return action, {"state": memory["state"]} if self.config.guess else {}

        return policy

    def remembered(self, meta: Params, acted: Data) -> Tensor:
        """What the memory holds once it has read the last steps of T trials, ``[T, hidden]``."""
        every = self.config.every
        action, reward = (later(acted[name]) for name in ("action", "reward"))
        steps = self._read(acted["observation"], action, reward)
        state = steps.new_zeros(len(steps), self.config.hidden)
        for at in range(0, steps.shape[1] - every + 1, every):
            state = self._part("memory", meta, steps[:, at : at + every].flatten(1), state)
        return state

    def _read(self, observation: Tensor, action: Tensor, reward: Tensor) -> Tensor:
        """What the memory reads of a step: what is seen, and what was done before and earned by it."""
        return torch.cat([observation, action, reward[..., None] / self.problem.world.rewards[1]], -1)

    def forgetting(self, meta: Params) -> Policy:
        """Who acts without a memory, whatever the leading dimensions."""

        def policy(seen: Seen) -> tuple[Tensor, Data]:
            lead = seen.observation.shape[:-1]
            alone = seen.observation.flatten(0, -2)
            alone = torch.cat([alone, alone.new_zeros(len(alone), self.config.context)], -1)
            return self._part("network", meta, alone).reshape(*lead, -1), {}

        return policy

    def _part(self, name: str, meta: Params, *inputs: Tensor) -> Tensor:
        weights = {key.removeprefix(f"{name}."): w for key, w in meta.items() if key.startswith(f"{name}.")}
        out: Tensor = functional_call(self.net[name], weights, inputs)
        return out

    # --- learning ------------------------------------------------------------------------------------

    def losses(self, meta: Params, tasks: Episode) -> Tensor:
        if not self._remembers:
            return self.warm_losses(meta, tasks)
        acted = self.acted(tasks.query, self.remembering(meta, {}))
        lost = -acted["reward"].sum(-1) / self.problem.episodes(tasks.query)
        if not self.config.guess:
            return lost
        known = self.problem.world.known(task_of(tasks.query))[:, None]
        wrong = (self._part("guess", meta, acted["state"]) - known).square().mean((1, 2))
        return lost + self.config.guess * wrong

    def warm_losses(self, meta: Params, tasks: Episode) -> Tensor:
        """Without a memory, all episodes at once."""
        acted = rollout(self.problem.world, hidden(tasks.query), chance(tasks.query), self.forgetting(meta))
        return -acted["reward"].sum(-1).mean(-1)

    def report_trials(self, meta: Params, tasks: Episode) -> dict[str, Params]:
        """The second episode twice more, with what was remembered of the own first one and of another task's:
        what a memory tells of the task itself."""
        if self.problem.episodes(tasks.query) < 2 or tasks.count < 2:
            return {}
        first, second = ({n: each[:, at : at + 1] for n, each in tasks.query.items()} for at in (0, 1))
        own: Params = {}
        self.acted(first, self.remembering(meta, own))
        other = {name: each.roll(1, 0) for name, each in own.items()}
        measured = {
            whose: self.problem.by_episode(self.acted(second, self.remembering(meta, memory)), second)
            for whose, memory in (("own memory", own), ("another's memory", other))
        }
        rows = (self.problem.measures[0], *self.problem.world.measures)
        return {
            f"remembered {row.name}": {whose: each[row.name][:, 0] for whose, each in measured.items()}
            for row in rows
        }
