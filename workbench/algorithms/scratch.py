"""Training from scratch: each task alone, from the same untrained network; nothing is meta-learned.

The baseline that tells what meta-learning is worth. Adam (Kingma, Ba, ICLR 2015, arXiv 1412.6980) instead
of plain descent, since a fresh network hardly moves in a few plain steps.
"""

from __future__ import annotations

from typing import Literal

import torch

from workbench.algorithms import adam
from workbench.algorithms.base import GradientDescent, InnerLoop, Params, inner_rate
from workbench.config import Untrained
from workbench.tasks.base import Data


class ScratchConfig(InnerLoop, Untrained):
    episodic = False

    kind: Literal["scratch"] = "scratch"
    inner_lr: float | None = inner_rate(
        0.01,
        classes=0.001,
        sets=0.01,
        rollouts=0.01,
        help="Learning rate of Adam on a task's support set.",
    )


class Scratch(GradientDescent):
    """Each task alone, from the same untrained weights."""

    Config = ScratchConfig
    title = "From scratch"
    family = "baseline"
    summary = "Trains the untrained network on each task's support set alone; learns nothing across tasks."
    citation = None

    def start(self, meta: Params, support: Data) -> Params:
        return meta | adam.moments(meta)

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        gradient = self.gradient({name: learner[name] for name in meta}, support)
        return adam.step(learner, gradient, index, self.inner_lr)

    def predict(self, learner: Params, x: torch.Tensor) -> torch.Tensor:
        return super().predict({n: w for n, w in learner.items() if not n.startswith(("m.", "v."))}, x)
