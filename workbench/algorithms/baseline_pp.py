"""Baseline++: Chen, Liu, Kira, Wang, Huang, "A Closer Look at Few-shot Classification", ICLR 2019,
arXiv 1904.04232.

As Baseline, with a classifier of cosines: the logit of class k is s · cos(f(x), w_k), in training and in each
task's new head. s is fixed (2 in the authors' code for up to 200 classes, 10 for more). An empty head has no
direction, so this one starts from random weights as in the paper, though from the same in every task: there
are no random numbers in the adaptation.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Params
from workbench.algorithms.baseline import CHEAP, CHEN_2019, HEAD, Baseline, HeadConfig
from workbench.config import setting


class BaselinePPConfig(HeadConfig):
    kind: Literal["baseline_pp"] = "baseline_pp"
    inner_lr: float = setting(
        0.05, gt=0, le=100, symbol="α", help=f"Learning rate of Adam for a new task's head{CHEAP}"
    )
    scale: float = setting(10.0, gt=0, le=1000, symbol="s", help="Scale of the cosines.")


class BaselinePP(Baseline):
    """Train a classifier of cosines, freeze its body, fit a new head."""

    Config = BaselinePPConfig
    title = "Baseline++"
    summary = "As Baseline, with a classifier of cosines, which keeps the examples of a class close together."
    departs = (
        "A new head starts from the same random weights in every task, and has no learned norm of its own "
        "for each class."
    )
    citation = CHEN_2019
    config: BaselinePPConfig

    def head(self, meta: Params) -> Params:
        return {name: meta[name] for name in HEAD}

    def logits(self, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        scaled: Tensor = self.config.scale * F.normalize(features, dim=-1)
        return scaled @ F.normalize(weight, dim=-1).T
