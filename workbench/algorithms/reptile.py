"""Reptile: Nichol, Achiam, Schulman, "On First-Order Meta-Learning Algorithms", 2018, arXiv 1803.02999.

θ ← θ + ε · mean(φ_k − θ), where φ_k is reached from θ by k inner steps on the whole task (no split into
support and query); ε decays linearly to 0.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import (
    Citation,
    GradientDescent,
    InnerLoopConfig,
    OuterStep,
    Params,
    descended,
    inner_rate,
)
from workbench.config import setting
from workbench.tasks.base import Data, Episode


class ReptileConfig(InnerLoopConfig):
    episodic = False

    kind: Literal["reptile"] = "reptile"
    inner_lr: float | None = inner_rate(0.02, classes=0.1)
    inner_steps: int = setting(
        8, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )
    outer_step: float = setting(
        1.0, gt=0, le=1, symbol="ε", help="Part of the way towards the adapted weights; decays linearly to 0."
    )


class Reptile(GradientDescent):
    """Move the initialisation towards the weights that each task ends up with."""

    Config = ReptileConfig
    title = "Reptile"
    family = "model update"
    summary = "Moves the initialisation towards the weights reached by a few plain steps on each task."
    citation = Citation(
        "A. Nichol, J. Achiam, J. Schulman",
        "On First-Order Meta-Learning Algorithms",
        "arXiv",
        2018,
        "1803.02999",
    )
    config: ReptileConfig

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        return self._away(meta, episode)[1]

    @property
    def outer(self) -> OuterStep:
        return OuterStep(self._away, descended)

    def _away(self, meta: Params, episode: Episode) -> tuple[Params, Tensor]:
        """θ − φ_k, and the loss where φ_k is."""
        task = whole_task(episode)
        adapted = self.adapt(meta, task, self.trained_steps)
        loss = self.problem.adapt_loss(partial(self.predict, adapted), task)
        return {name: meta[name] - adapted[name] for name in meta}, loss

    def meta_lr(self, base: float, done: float) -> float:
        return (self.config.meta_lr or self.config.outer_step) * (1 - done)


def whole_task(episode: Episode) -> Data:
    """All examples of a task, support and query, as far as both have the same to tell."""
    support, query = episode.support, episode.query
    return support | {name: torch.cat([support[name], query[name]]) for name in support if name in query}
