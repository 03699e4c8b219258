"""RL²: Duan, Schulman, Chen, Bartlett, Sutskever, Abbeel, "RL²: Fast Reinforcement Learning via Slow
Reinforcement Learning", 2016, arXiv 1611.02779; the same idea in Wang et al., "Learning to Reinforcement
Learn", 2016, arXiv 1611.05763.

A recurrent policy sees the observation, its last action and reward, and whether an episode has just ended.
Its state is kept over the episodes of a trial and cleared between trials, so what it learns of a task is in
that state. It is trained by the clipped objective of Schulman, Wolski, Dhariwal, Radford, Klimov,
"Proximal Policy Optimization Algorithms", 2017, arXiv 1707.06347, with advantages by Schulman et al.,
"High-Dimensional
Continuous Control Using Generalized Advantage Estimation", ICLR 2016, arXiv 1506.02438.

For worlds whose observation is a state (one number of them 1, the others 0) the memory may have a table
beside it, of fast weights (Schmidhuber, "Learning to Control Fast-Weight Memories", Neural Computation 1992):
what was earned in each state, by action, is written there and read at the present state.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from workbench.algorithms.base import Citation, OuterStep, Params
from workbench.algorithms.memory import Memory
from workbench.algorithms.policies import entropy, log_probability
from workbench.algorithms.trials import TrialConfig, TrialLearner, initialise_memory, later, task_of
from workbench.config import Trains, setting
from workbench.networks.base import Network
from workbench.tasks.base import Data, Episode, TaskShape
from workbench.worlds.rollout import Policy, Seen


class RL2Config(TrialConfig, Trains):
    kind: Literal["rl2"] = "rl2"
    hidden: int = setting(64, ge=1, le=4096, unit="units", help="Width of the memory.")
    memory: Literal["gru", "fast_weights"] | None = setting(
        "gru",
        where={"states": "fast_weights"},
        titles={"gru": "GRU", "fast_weights": "GRU and fast weights"},
        help="A GRU; or with a table of what was earned in each state beside it.",
    )
    critic: Literal["memory", "task"] = setting(
        "memory",
        rare=True,
        titles={"memory": "the memory", "task": "the task as well"},
        help="What the value is predicted from; in training it may see the hidden parameters.",
    )
    epochs: int = setting(3, ge=1, le=100, help="Times that each batch of trials is gone through.")
    parts: int = setting(4, rare=True, ge=1, le=100, help="Steps of an epoch, each by a part of the trials.")
    clip: float = setting(0.2, rare=True, gt=0, lt=1, symbol="ε", help="Where the ratio is clipped.")
    discount: float = setting(0.99, gt=0, le=1, symbol="γ", help="Discount, over all of a trial.")
    trace: float = setting(0.95, ge=0, le=1, symbol="λ", help="Trace of the advantages.")
    entropy: float = setting(0.01, ge=0, le=10, help="Weight of the policy's entropy at first.")
    final_entropy: float = setting(0.002, rare=True, ge=0, le=10, help="The same at the end.")
    final_rate: float = setting(
        0.05, rare=True, gt=0, le=1, help="Part of the outer learning rate that is left at the end."
    )
    value_weight: float = setting(0.5, rare=True, gt=0, le=100, help="Weight of the value's error.")
    actions: Literal["drawn", "likeliest"] = setting(
        "drawn", rare=True, help="Which actions are taken in evaluation; in training they are drawn."
    )


class RL2(TrialLearner):
    """A recurrent policy whose state is what it has learned."""

    Config = RL2Config
    title = "RL²"
    family = "recurrent"
    summary = (
        "Trains a recurrent policy over whole trials; what it remembers is what it has learned of a task."
    )
    citation = Citation(
        "Y. Duan, J. Schulman, X. Chen, P. L. Bartlett, I. Sutskever, P. Abbeel",
        "RL²: Fast Reinforcement Learning via Slow Reinforcement Learning",
        "arXiv",
        2016,
        "1611.02779",
    )
    config: RL2Config
    compilable = False  # torch has no graph for its own GRU

    def __init__(self, config: RL2Config, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        world = self.problem.world
        self._width = width = world.actions.width
        table = 2 * width if config.memory == "fast_weights" else 0
        seen = world.numbers_known if config.critic == "task" else 0
        critic = config.hidden + table + seen
        self.net = nn.ModuleDict(
            {
                "gru": nn.GRU(world.observations + width + 2, config.hidden),
                "policy": nn.Linear(config.hidden + table, width),
                "value": _perceptron(critic) if seen else nn.Linear(critic, 1),
            }
        )

    def initial(self, generator: torch.Generator) -> Params:
        initialise_memory(self.net, generator)
        weights = {name: weight.detach().clone() for name, weight in self.net.named_parameters()}
        weights["policy.weight"] *= 0.1  # so that all actions are tried at first
        if not self.problem.world.actions.discrete:
            weights["log_std"] = torch.full((self._width,), -0.5)
        return weights

    # --- acting --------------------------------------------------------------------------------------

    def policy(self, meta: Params, query: Data, generator: torch.Generator) -> Policy:
        return self._policy(meta, query, drawn=self.config.actions == "drawn")

    def _policy(self, meta: Params, query: Data, *, drawn: bool) -> Policy:
        state: Tensor | None = None
        table = Table() if self.config.memory == "fast_weights" else None
        known = self._known(query)

        def policy(seen: Seen) -> tuple[Tensor, Data]:
            nonlocal state
            kept: Data = {}
            if table is not None:
                kept["read"] = table.read(seen, self._scaled(seen.reward))
            features = self._features(seen.observation, seen.action, seen.reward, seen.ended, seen.step > 0)
            out, state = self._part("gru", meta, features[None], state)
            said, value = self._heads(meta, out[0], kept.get("read"), known)
            action = self.problem.act(said, seen.chance if drawn else torch.zeros_like(seen.chance))
            return action, kept | {"value": value, "log_probability": log_probability(said, action)}

        return policy

    def collect(self, meta: Params, tasks: Episode) -> Episode:
        acted = self.acted(tasks.query, self._policy(meta, tasks.query, drawn=True))
        return tasks._replace(query=tasks.query | acted)

    def remembered(self, meta: Params, acted: Data) -> Tensor:
        states, _ = self._part("gru", meta, self._history(acted).transpose(0, 1), None)
        last: Tensor = states[-1]
        return last

    def _features(
        self, observation: Tensor, action: Tensor, reward: Tensor, ended: Tensor, begun: Tensor | bool
    ) -> Tensor:
        scaled = self._scaled(reward) * begun
        return torch.cat([observation, action, scaled[..., None], ended[..., None]], -1)

    def _scaled(self, reward: Tensor) -> Tensor:
        mean, spread = self.problem.world.rewards
        return (reward - mean) / spread

    def _known(self, query: Data) -> Tensor | None:
        """The hidden parameters of T tasks, where the critic sees them."""
        if self.config.critic != "task":
            return None
        return self.problem.world.known(task_of(query))

    def _heads(
        self, meta: Params, out: Tensor, read: Tensor | None, known: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What is said of the action, ``[…, outputs]``, and the value, ``[…]``."""
        out = out if read is None else torch.cat([out, read], -1)
        said = self._part("policy", meta, out)
        if "log_std" in meta:
            said = torch.cat([said, meta["log_std"].expand_as(said)], -1)
        seen = out if known is None else torch.cat([out, known.expand(*out.shape[:-1], -1)], -1)
        return said, self._part("value", meta, seen)[..., 0]

    def _part(self, name: str, meta: Params, *inputs: Tensor | None) -> Tensor:
        weights = {key.removeprefix(f"{name}."): w for key, w in meta.items() if key.startswith(f"{name}.")}
        out: Tensor = functional_call(self.net[name], weights, inputs)
        return out

    # --- learning ------------------------------------------------------------------------------------

    @property
    def outer(self) -> OuterStep:
        return OuterStep(epochs=self.config.epochs, parts=self.config.parts, norm=0.5)

    def meta_lr(self, base: float, done: float) -> float:
        return base * (1 - (1 - self.config.final_rate) * done)

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        query, config = episode.query, self.config
        advantage = advantages(self._scaled(query["reward"]), query["value"], config.discount, config.trace)
        target = advantage + query["value"]
        alive = query["alive"]
        mean = (advantage * alive).sum() / alive.sum()
        spread = (((advantage - mean) * alive).square().sum() / alive.sum()).sqrt()
        weight = config.entropy + (config.final_entropy - config.entropy) * done
        of_all = {"entropy": target.new_tensor(weight), "spread": target.var().clamp_min(1e-6)}
        extra = {"advantage": (advantage - mean) / (spread + 1e-8), "target": target}
        return episode._replace(
            extra=extra | {name: each.expand(episode.count) for name, each in of_all.items()}
        )

    def losses(self, meta: Params, tasks: Episode) -> Tensor:
        query, extra, world = tasks.query, tasks.extra, self.problem.world
        out, _ = self._part("gru", meta, self._history(query).transpose(0, 1), None)
        known = self._known(query)
        said, value = self._heads(
            meta, out.transpose(0, 1), query.get("read"), None if known is None else known[:, None]
        )
        ratio = (log_probability(said, query["action"]) - query["log_probability"]).exp()
        clipped = ratio.clamp(1 - self.config.clip, 1 + self.config.clip)
        gain = torch.minimum(ratio * extra["advantage"], clipped * extra["advantage"])
        error = self.config.value_weight * (value - extra["target"]).square() / extra["spread"][:, None]
        steps = -gain - extra["entropy"][:, None] * entropy(said, discrete=world.actions.discrete)
        return (steps * query["alive"] + error).mean(-1)

    def _history(self, query: Data) -> Tensor:
        """What was seen at each step of T trials, ``[T, steps, features]``."""
        done = self.problem.world.actions.encoded(query["action"])
        action, reward, ended = (later(each) for each in (done, query["reward"], query["ended"]))
        begun = torch.ones_like(query["reward"])
        begun[:, 0] = 0
        return self._features(query["observation"], action, reward, ended, begun)


class Table:
    """Fast weights of T trials: what each action earned in each state, on average, and how often."""

    def __init__(self) -> None:
        self._written: Tensor | None = None
        self._state: Tensor | None = None

    def read(self, seen: Seen, reward: Tensor) -> Tensor:
        """Write what the last step earned, then read at the present state: ``[T, 2 · moves]``."""
        state, moves = seen.observation, seen.action.shape[-1]
        if self._state is None or self._written is None:
            self._written = state.new_zeros(*state.shape, 2 * moves)
        else:
            value = torch.cat([seen.action * reward[..., None], seen.action], -1)
            self._written = self._written + self._state[..., None] * value[..., None, :]
        self._state = state
        earned, times = (state[..., None, :] @ self._written)[..., 0, :].chunk(2, -1)
        return torch.cat([earned / (times + 1), times / (times + 1)], -1)


def advantages(reward: Tensor, value: Tensor, discount: float, trace: float) -> Tensor:
    """Generalised advantages of whole trials, ``[T, steps]``; after the last step nothing follows."""
    then = torch.cat([value[:, 1:], torch.zeros_like(value[:, :1])], 1)
    surprise = reward + discount * then - value
    found, last = [], torch.zeros_like(value[:, 0])
    for now in reversed(surprise.unbind(1)):
        last = now + discount * trace * last
        found.append(last)
    return torch.stack(found[::-1], 1)


def _perceptron(inputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 1))
