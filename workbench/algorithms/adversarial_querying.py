"""Adversarial querying: Goldblum, Fowl, Goldstein, "Adversarially Robust Few-Shot Learning: A Meta-Learning
Approach", NeurIPS 2020, arXiv 1910.00982.

Adapt to the clean support set, then minimise E max_{‖δ‖∞ ≤ ε} L(θ', x_q + δ): the queries are attacked
through the adapted weights, by PGD from a random start. Over any base whose outer loss is that of the adapted
learner on the query set, by gradient or in closed form.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.attacks import pgd
from workbench.algorithms.base import Algorithm, Citation, Params
from workbench.algorithms.memory import Memory
from workbench.algorithms.wrapper import Wrapper, WrapperConfig
from workbench.config import AlgorithmConfig, setting
from workbench.networks.base import Network
from workbench.tasks.base import Episode, TaskShape, valid_range


class AdversarialQueryingConfig(WrapperConfig):
    needs = frozenset({"gradient", "classes", "bounds"})
    episodic = False

    kind: Literal["adversarial_querying"] = "adversarial_querying"
    epsilon: float = setting(
        8 / 255, ge=0, le=1, symbol="ε", help="Largest change of a pixel, whose values run from 0 to 1."
    )
    attack_steps: int = setting(7, ge=1, le=1000, unit="steps", help="Steps of PGD in training.")
    step_size: float = setting(2 / 255, gt=0, le=1, help="Change of a pixel in one step of PGD.")

    @classmethod
    def allows(cls, base: type[AlgorithmConfig]) -> bool:
        return super().allows(base) and base.episodic


class AdversarialQuerying(Wrapper):
    """The base, trained on attacked queries."""

    Config = AdversarialQueryingConfig
    title = "Adversarial querying"
    family = "adversarial"
    summary = "Trains its base on queries that PGD attacks through the adapted weights; adapts to clean ones."
    departs = "Over any base whose outer loss is that of the adapted learner on the queries."
    citation = Citation(
        "M. Goldblum, L. Fowl, T. Goldstein",
        "Adversarially Robust Few-Shot Learning: A Meta-Learning Approach",
        "NeurIPS",
        2020,
        "1910.00982",
    )

    config: AdversarialQueryingConfig

    def __init__(
        self, config: AdversarialQueryingConfig, network: Network, shape: TaskShape, base: Algorithm
    ) -> None:
        super().__init__(config, network, shape, base)
        self._bounds = valid_range(shape, self.title)

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        episode = super().prepare(episode, done, generator, memory)
        noise = torch.rand(episode.query["x"].shape, generator=generator).to(episode.device)
        return episode._replace(extra=episode.extra | {"noise": noise})

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        return self.base.loss(meta, self._attacked(meta, episode))

    def _attacked(self, meta: Params, episode: Episode) -> Episode:
        with torch.no_grad():  # the adversary's own computation; the base adapts once more to be trained
            learner = self.base.adapt(meta, episode.support, self.trained_steps)
        x = pgd(
            lambda at: self.problem.loss(partial(self.base.predict, learner), episode.query | {"x": at}),
            episode.query["x"],
            epsilon=self.config.epsilon,
            steps=self.config.attack_steps,
            step_size=self.config.step_size,
            bounds=self._bounds,
            noise=episode.extra["noise"],
        )
        return episode._replace(query=episode.query | {"x": x})
