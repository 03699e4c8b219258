"""BOIL, body only in the inner loop: Oh, Yoo, Kim, Yun, "BOIL: Towards Representation Change for Few-shot
Learning", ICLR 2021, arXiv 2008.08882.

ANIL's mirror image: the inner loop adapts the body and leaves the head as it is, in training and in test, so
that the representation must change. The head is meta-learned all the same, in the outer loop.
"""

from __future__ import annotations

from typing import Literal

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate
from workbench.algorithms.maml import MAML
from workbench.tasks.base import Data


class BOILConfig(InnerLoopConfig):
    needs = frozenset({"gradient", "pairs"})

    kind: Literal["boil"] = "boil"
    inner_lr: float | None = inner_rate(0.01, classes=0.5)


class BOIL(MAML):
    """MAML that adapts everything but the head."""

    Config = BOILConfig
    title = "BOIL"
    summary = "MAML whose inner loop adapts the body only; the last layer stays as it is, so features change."
    citation = Citation(
        "J. Oh, H. Yoo, C. Kim, S.-Y. Yun",
        "BOIL: Towards Representation Change for Few-shot Learning",
        "ICLR",
        2021,
        "2008.08882",
    )

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        head = {name: weight for name, weight in learner.items() if name.startswith("head.")}
        return super().step(meta, learner, support, index) | head
