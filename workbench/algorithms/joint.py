"""What is trained as one classifier over all meta-training classes, not episode by episode."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Algorithm, Params
from workbench.algorithms.reptile import whole_task
from workbench.networks.base import initialise
from workbench.problems.base import Supervised
from workbench.tasks.base import Episode


class JointClassifier(Algorithm):
    """Trains f(x) W on the examples of every task, support and query alike; what a new task does with the
    body f is up to a subclass."""

    problem: Supervised

    def initial(self, generator: torch.Generator) -> Params:
        meta = super().initial(generator)  # with the network's head, for whom it may serve
        joint = torch.nn.Linear(self.network.head.in_features, self.shape.train_classes)
        initialise(joint, generator)
        return meta | {"joint.weight": joint.weight.detach(), "joint.bias": joint.bias.detach()}

    def logits(self, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """What a head makes of embedded examples."""
        return F.linear(features, weight, bias)

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        task = whole_task(episode)
        logits = self.logits(self.embed(meta, task["x"]), meta["joint.weight"], meta["joint.bias"])
        return self.problem.of(logits, task["classes"][task["y"]])
