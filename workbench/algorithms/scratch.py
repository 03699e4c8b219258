"""Training from scratch: each task alone, from the same untrained network; nothing is meta-learned.

The baseline that tells what meta-learning is worth. Adam (Kingma, Ba, ICLR 2015, arXiv 1412.6980) instead
of plain descent, since a fresh network hardly moves in a few plain steps.

It has a fair budget: rate and steps are good on meta-validation tasks (two seeds of 200). Glyphs, 5-way
1-shot: 45.8% after five steps at .001, 61.5% at .01, and no more after a hundred. Sine waves of ten points:
an error of 4.9 after ten steps at .01, 1.9 after two hundred at .03 (so there each inner step is twenty of
Adam). Other kinds of task were not measured.
"""

from __future__ import annotations

from typing import Literal

import torch

from workbench.algorithms import adam
from workbench.algorithms.base import GradientDescent, InnerLoop, Params, settled
from workbench.config import Untrained, setting
from workbench.tasks.base import Data


class ScratchConfig(InnerLoop, Untrained):
    episodic = False

    kind: Literal["scratch"] = "scratch"
    inner_lr: float | None = setting(
        0.03,
        where={"times": 0.01, "classes": 0.01, "sets": 0.01, "rollouts": 0.01, "tokens": 0.1},
        gt=0,
        le=100,
        symbol="α",
        help="Learning rate of Adam on a task's support set.",
    )
    adam_steps: int | None = setting(
        1,
        where={"times": 1, "classes": 1, "values": 20},
        before=1,
        ge=1,
        le=1000,
        unit="steps",
        help="Steps of Adam for each inner step that the others take: as many as meta-validation tasks want.",
    )


class Scratch(GradientDescent):
    """Each task alone, from the same untrained weights."""

    Config = ScratchConfig
    title = "From scratch"
    family = "baseline"
    summary = "Trains the untrained network on each task's support set alone; learns nothing across tasks."
    citation = None
    config: ScratchConfig

    def start(self, meta: Params, support: Data) -> Params:
        return meta | adam.moments(meta)

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        each = settled(self.config.adam_steps)
        for further in range(each):
            gradient = self.gradient({name: learner[name] for name in meta}, support)
            learner = adam.step(learner, gradient, each * index + further, self.inner_lr)
        return learner

    def predict(self, learner: Params, x: torch.Tensor) -> torch.Tensor:
        return super().predict({n: w for n, w in learner.items() if not n.startswith(("m.", "v."))}, x)
