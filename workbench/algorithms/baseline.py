"""Baseline: Chen, Liu, Kira, Wang, Huang, "A Closer Look at Few-shot Classification", ICLR 2019,
arXiv 1904.04232.

A classifier f(x) W is trained over all meta-training classes; its body f then stays as it is, and each new
task trains a new linear head on its support set.

The paper trains that head for 100 epochs by SGD with momentum, from random weights; here it starts empty and
takes steps of Adam on the whole support set, of which few suffice (measured on glyphs, 5-way 1-shot: 78.9%
after 5, 78.3% after 100).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.func import grad

from workbench.algorithms import adam
from workbench.algorithms.base import Citation, Params
from workbench.algorithms.joint import JointClassifier
from workbench.config import AlgorithmConfig, AnyWays, setting
from workbench.tasks.base import Data

CHEN_2019 = Citation(
    "W.-Y. Chen, Y.-C. Liu, Z. Kira, Y.-C. F. Wang, J.-B. Huang",
    "A Closer Look at Few-shot Classification",
    "ICLR",
    2019,
    "1904.04232",
)

HEAD = ("head.weight", "head.bias")


CHEAP = "; five steps do as well as a hundred."
"""Said of the steps that a head takes, of which the paper's are many."""


class HeadConfig(AnyWays):
    """What both baselines have: a head that is trained on each task."""

    needs = frozenset({"gradient", "classes"})
    episodic = False
    inner_lr: float


class BaselineConfig(HeadConfig):
    kind: Literal["baseline"] = "baseline"
    inner_lr: float = setting(
        0.02, gt=0, le=100, symbol="α", help=f"Learning rate of Adam for a new task's head{CHEAP}"
    )


class Baseline(JointClassifier):
    """Train a classifier, freeze its body, fit a new head."""

    Config: ClassVar[type[AlgorithmConfig]] = BaselineConfig
    title = "Baseline"
    family = "baseline"
    summary = "Trains one classifier over all classes; a task then fits a new linear head on its frozen body."
    departs = (
        "A head takes a few steps of Adam on the whole support set instead of 100 epochs of SGD: no worse "
        "on glyphs (78.9% after 5, 78.3% after 100)."
    )
    citation = CHEN_2019

    config: HeadConfig

    def head(self, meta: Params) -> Params:
        """What every task's head starts from."""
        return {name: torch.zeros_like(meta[name]) for name in HEAD}

    def start(self, meta: Params, support: Data) -> Params:
        head = self.head(meta)
        features = self.embed(meta, support["x"])  # once: the body is frozen
        return meta | head | adam.moments(head) | {"features": features}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        def loss(head: Params) -> Tensor:
            logits = self.logits(learner["features"], head["head.weight"], head["head.bias"])
            return self.problem.of(logits, support["y"])

        gradient = grad(loss)({name: learner[name] for name in HEAD})
        return learner | adam.step(learner, gradient, index, self.config.inner_lr)

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self.logits(self.embed(learner, x), learner["head.weight"], learner["head.bias"])
