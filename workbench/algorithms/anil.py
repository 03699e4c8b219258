"""ANIL, almost no inner loop: Raghu, Raghu, Bengio, Vinyals, "Rapid Learning or Feature Reuse? Towards
Understanding the Effectiveness of MAML", ICLR 2020, arXiv 1909.09157.

MAML whose inner loop touches the head only, in training and in test.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.func import functional_call, grad

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, descended
from workbench.algorithms.maml import MAML
from workbench.problems.base import Supervised
from workbench.tasks.base import Data


class ANILConfig(InnerLoopConfig):
    needs = frozenset({"gradient", "pairs"})

    kind: Literal["anil"] = "anil"


class ANIL(MAML):
    """MAML that adapts nothing but the head."""

    Config = ANILConfig
    title = "ANIL"
    summary = "MAML whose inner loop adapts the last layer only; the body is reused as it is."
    citation = Citation(
        "A. Raghu, M. Raghu, S. Bengio, O. Vinyals",
        "Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML",
        "ICLR",
        2020,
        "1909.09157",
    )
    problem: Supervised

    def start(self, meta: Params, support: Data) -> Params:
        features = self.embed(meta, self.problem.asked(support))
        return meta | {"support_features": features}  # the same at every inner step

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        head = {name: weight for name, weight in learner.items() if name.startswith("head.")}

        def loss(head: Params) -> Tensor:
            weights = {name.removeprefix("head."): weight for name, weight in head.items()}
            logits = functional_call(self.network.head, weights, (learner["support_features"],))
            return self.problem.of(logits, support["y"])

        return learner | descended(head, grad(loss)(head), self.inner_lr)

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return super().predict({n: w for n, w in learner.items() if n != "support_features"}, x)
