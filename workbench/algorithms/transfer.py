"""Transfer learning: joint training on all tasks, then fine-tuning on a task's support set.

Regression: one network is trained on the pooled examples of all tasks. Classification: one classifier is
trained over all meta-training classes; a new task replaces its head by an empty one and fine-tunes
everything (the fine-tuning baseline of Chen, Liu, Kira, Wang, Huang, "A Closer Look at Few-shot
Classification", ICLR 2019, arXiv 1904.04232, with the body not frozen).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Citation, GradientDescent, InnerLoopConfig, Params, inner_rate
from workbench.algorithms.reptile import whole_task
from workbench.config import AnyWays, setting
from workbench.networks.base import initialise
from workbench.problems.base import Supervised
from workbench.tasks.base import Data, Episode


class TransferConfig(AnyWays, InnerLoopConfig):
    episodic = False

    kind: Literal["transfer"] = "transfer"
    inner_lr: float | None = inner_rate(0.01, classes=0.1, help="Learning rate of fine-tuning.")
    inner_steps: int = setting(
        10, ge=1, le=1000, unit="steps", symbol="k", help="Fine-tuning steps (training has none)."
    )


class Transfer(GradientDescent):
    """Train jointly, then fine-tune."""

    Config = TransferConfig
    title = "Transfer"
    family = "baseline"
    summary = "Trains one network on all tasks jointly, then fine-tunes it on each new task."
    citation = Citation(
        "W.-Y. Chen, Y.-C. Liu, Z. Kira, Y.-C. F. Wang, J.-B. Huang",
        "A Closer Look at Few-shot Classification",
        "ICLR",
        2019,
        "1904.04232",
    )

    def initial(self, generator: torch.Generator) -> Params:
        meta = super().initial(generator)
        if not self.shape.train_classes:
            return meta
        joint = torch.nn.Linear(self.network.head.in_features, self.shape.train_classes)
        initialise(joint, generator)
        body = {name: weight for name, weight in meta.items() if name.startswith("body.")}
        return body | {"joint.weight": joint.weight.detach(), "joint.bias": joint.bias.detach()}

    def start(self, meta: Params, support: Data) -> Params:
        if "joint.weight" not in meta:
            return meta
        body = {name: weight for name, weight in meta.items() if name.startswith("body.")}
        weight = meta["joint.weight"]
        return body | {
            "head.weight": weight.new_zeros(self.shape.outputs, weight.shape[1]),
            "head.bias": weight.new_zeros(self.shape.outputs),
        }

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        task = whole_task(episode)
        if "joint.weight" not in meta:
            return self.problem.adapt_loss(partial(self.predict, meta), task)
        assert isinstance(self.problem, Supervised)
        logits = F.linear(self.embed(meta, task["x"]), meta["joint.weight"], meta["joint.bias"])
        return self.problem.of(logits, task["classes"][task["y"]])
