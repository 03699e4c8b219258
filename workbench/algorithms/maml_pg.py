"""MAML with policy gradients: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep
Networks", ICML 2017, arXiv 1703.03400, section 5.3, as in ProMP: Rothfuss, Lee, Clavera, Asfour, Abbeel,
"ProMP: Proximal Meta-Policy Search", ICLR 2019, arXiv 1810.06784.

An inner step is one of gradient ascent on an estimator of the return, from episodes that the learner acts in.
A meta-iteration collects these episodes once, and those of the adapted learners. The outer loss is then a
pure function of them, and a few steps are taken on it: how likely the adapted policy makes what went better
than expected, clipped as in PPO, plus how far the policies before each inner step have moved from those that
collected (KL divergence).

E-MAML (Stadie, Yang, Houthooft, Chen, Duan, Wu, Abbeel, Sutskever, "Some Considerations on Learning to
Explore via Meta-Reinforcement Learning", 2018, arXiv 1803.01118) counts that θ also decides which episodes
the inner steps see: they are made likelier in so far as the adapted policy earned more than in other tasks.

Without inner steps this is joint training: one policy for all tasks, which is adapted when it is measured.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.func import grad, vmap

from workbench.algorithms.base import Algorithm, Citation, OuterStep, Params, descended
from workbench.algorithms.policies import divergence, log_probability
from workbench.algorithms.policy_gradient import ESTIMATORS, advantages, mean_of, proximal, reinforce, to_go
from workbench.config import Trains, setting
from workbench.networks.base import Network
from workbench.problems.control import Control
from workbench.tasks.base import Data, Episode, TaskShape

SMALLEST_LOG_STD = math.log(1e-3)
LOG_STD = "log_std"


class MAMLPGConfig(Trains):
    needs = frozenset({"rollouts"})
    episodic = False

    kind: Literal["maml_pg"] = "maml_pg"
    inner_lr: float = setting(0.1, gt=0, le=100, symbol="α", help="Rate of the first inner step.")
    later_lr: float = setting(
        0.05,
        rare=True,
        gt=0,
        le=100,
        help="Rate of the inner steps after it, which go on from a better policy.",
    )
    inner_steps: int = setting(
        1,
        ge=0,
        le=100,
        unit="steps",
        symbol="k",
        help="Inner steps on each task while training; 0: joint training of one policy for all tasks.",
    )
    estimator: Literal["lvc", "reinforce", "dice"] = setting(
        "lvc",
        titles={"lvc": "LVC", "reinforce": "REINFORCE", "dice": "DiCE"},
        help="What an inner step ascends: lvc (second derivatives of low variance), reinforce (wrong ones), "
        "dice (right ones of larger variance).",
    )
    order: Literal[1, 2] = setting(
        2, help="2: the outer gradient runs through the inner steps; 1: their gradients count as constants."
    )
    outer: Literal["promp", "reinforce"] = setting(
        "promp",
        titles={"promp": "ProMP", "reinforce": "REINFORCE"},
        help="promp: a few steps on the clipped surrogate with a KL penalty; reinforce: one policy gradient.",
    )
    epochs: int = setting(5, rare=True, ge=1, le=100, help="Outer steps on each collection (promp).")
    clip: float = setting(0.3, rare=True, gt=0, lt=1, symbol="ε", help="Where the ratio is clipped (promp).")
    penalty: float = setting(
        5e-4, rare=True, ge=0, le=100, symbol="η", help="Weight of the KL divergence (promp)."
    )
    exploration: bool = setting(
        False, help="Add E-MAML's term: the episodes of the inner steps are made likelier where they helped."
    )
    discount: float = setting(0.99, gt=0, le=1, symbol="γ", help="Discount of later rewards.")
    log_std: float = setting(
        0.0, rare=True, ge=-5, le=2, symbol="log σ", help="Of actions that are numbers, before training."
    )
    train_queries: int | None = setting(
        20, rare=True, ge=1, le=1000, help="Episodes after adaptation, in training.", empty="as in evaluation"
    )


class MAMLPG(Algorithm):
    """A policy from which one policy gradient on a new task goes far."""

    Config = MAMLPGConfig
    title = "MAML-PG"
    family = "model update"
    summary = (
        "Learns a policy that a few policy gradients, each from episodes of its own, adapt to a new world."
    )
    departs = "The outer step is ProMP's clipped one; E-MAML's term counts which episodes θ leads to."
    citation = Citation(
        "J. Rothfuss, D. Lee, I. Clavera, T. Asfour, P. Abbeel",
        "ProMP: Proximal Meta-Policy Search",
        "ICLR",
        2019,
        "1810.06784",
    )
    order = 2
    compilable = True  # nobody acts in its losses
    config: MAMLPGConfig
    problem: Control

    def __init__(self, config: MAMLPGConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self.order = config.order
        self._discrete = self.problem.world.actions.discrete

    def initial(self, generator: torch.Generator) -> Params:
        weights = super().initial(generator)
        if self._discrete:
            return weights
        return weights | {LOG_STD: torch.full((self.shape.outputs,), self.config.log_std)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        """Logits of the moves; or a mean for each number of an action, and log σ."""
        said = super().predict({name: each for name, each in learner.items() if name != LOG_STD}, x)
        if self._discrete:
            return said
        log_std = learner[LOG_STD].clamp_min(SMALLEST_LOG_STD)
        return torch.cat([said, log_std.expand_as(said)], -1)

    # --- adapting -----------------------------------------------------------------------------------

    @property
    def trained_steps(self) -> int:
        return self.config.inner_steps

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        return self._ascended(learner, self._collected(learner, support), index)[0]

    def _ascended(self, learner: Params, data: Data, index: int) -> tuple[Params, Tensor]:
        """The learner after inner step ``index`` on collected episodes, and what it had said in them."""

        def loss(learner: Params) -> tuple[Tensor, Tensor]:
            said = self._said(learner, data["observation"])
            terms = ESTIMATORS[self.config.estimator](*self._likelihoods(said, data), data["advantage"])
            return -mean_of(terms, data["alive"]), said

        gradient, said = grad(loss, has_aux=True)(learner)
        if self.order == 1:
            gradient = {name: each.detach() for name, each in gradient.items()}
        rate = self.config.later_lr if index else self.config.inner_lr
        return descended(learner, gradient, rate), said

    def _collected(self, learner: Params, rows: Data) -> Data:
        """What the learner meets in each row and says of it, and how much better it went than expected."""
        acted = self.problem.acted(partial(self.predict, learner), rows)
        kept = {name: acted[name] for name in ("observation", "action", "reward", "alive")}
        advantage = advantages(kept["observation"], kept["reward"], kept["alive"], self.config.discount)
        said = self._said(learner, kept["observation"])
        return {name: each.detach() for name, each in (kept | {"advantage": advantage, "said": said}).items()}

    def _said(self, learner: Params, observation: Tensor) -> Tensor:
        """``[episodes, horizon, n]`` to ``[episodes, horizon, outputs]``."""
        said = self.predict(learner, observation.flatten(0, 1))
        return said.reshape(*observation.shape[:2], -1)

    def _likelihoods(self, said: Tensor, data: Data) -> tuple[Tensor, Tensor]:
        """Log-probabilities of what was done, now and when it was done."""
        return log_probability(said, data["action"]), log_probability(data["said"], data["action"])

    # --- meta-training ------------------------------------------------------------------------------

    @property
    def outer(self) -> OuterStep:
        return OuterStep(epochs=self.config.epochs if self.config.outer == "promp" else 1, norm=1.0)

    @property
    def entangled(self) -> str:
        compared = "compares the returns of all tasks where exploration is on"
        return compared if self.config.exploration else super().entangled

    def collect(self, meta: Params, tasks: Episode) -> Episode:
        support, query = vmap(self._collected_task, in_dims=(None, 0))(meta, tasks)
        returns = to_go(query["reward"], self.config.discount)[..., 0].mean(-1)
        above = (returns - returns.mean()) / (returns.std(correction=0) + 1e-8)
        return tasks._replace(support=support, query=tasks.query | query, extra={"above": above})

    def _collected_task(self, meta: Params, task: Episode) -> tuple[Data, Data]:
        """What learners meet in one task: before each inner step, and after the last."""
        learner, parts = meta, []
        for index in range(self.trained_steps):
            parts.append(self._collected(learner, self.problem.part(task.support, index)))
            learner, _ = self._ascended(learner, parts[-1], index)
        support = {name: torch.cat([part[name] for part in parts]) for name in parts[0]} if parts else {}
        return support, self._collected(learner, task.query)

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        learner, loss = meta, torch.zeros(())
        for index in range(self.trained_steps):
            part = self.problem.part(episode.support, index)
            learner, said = self._ascended(learner, part, index)
            if self.config.outer == "promp":
                moved = divergence(part["said"], said, discrete=self._discrete)
                loss = loss + self.config.penalty * mean_of(moved, part["alive"])
            if self.config.exploration:
                loss = loss - self._gained(said, part, episode.extra["above"])
        query = episode.query
        return loss - self._gained(self._said(learner, query["observation"]), query, query["advantage"])

    def _gained(self, said: Tensor, data: Data, advantage: Tensor) -> Tensor:
        """What the outer step makes large: the mean over the steps of collected episodes."""
        likelihoods = self._likelihoods(said, data)
        if self.config.outer == "promp":
            terms = proximal(*likelihoods, advantage, self.config.clip)
        else:
            terms = reinforce(*likelihoods, advantage)
        return mean_of(terms, data["alive"])
