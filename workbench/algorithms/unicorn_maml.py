"""UNICORN-MAML: Ye, Chao, "How to Train Your MAML to Excel in Few-Shot Classification", ICLR 2022, arXiv
2106.16245.

The labels of a task are in random order, so that nothing can be known of class k before its examples are
seen. One meta-learned vector starts every row of the head; how the classes are numbered then makes no
difference, and there may be any number of them. As in the authors' code, inner gradients count as constants.

The paper finds that 15 to 20 inner steps serve best, on a network that was trained as a classifier before;
here there are 5, because of their cost, from random weights. The bias starts at 0: the authors learn one
number for all classes, which softmax does not see.
"""

from __future__ import annotations

from typing import Literal

import torch

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate
from workbench.algorithms.fomaml import FOMAML
from workbench.config import AnyWays, setting
from workbench.tasks.base import Data, ways


class UnicornMAMLConfig(AnyWays, InnerLoopConfig):
    needs = frozenset({"gradient", "classes"})

    kind: Literal["unicorn_maml"] = "unicorn_maml"
    inner_lr: float | None = inner_rate(0.01, classes=0.1)
    inner_steps: int = setting(
        5, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )


class UnicornMAML(FOMAML):
    """MAML whose head knows nothing of the order of the classes."""

    Config = UnicornMAMLConfig
    title = "UNICORN-MAML"
    summary = "First-order MAML with one learned start for all rows of the head: classes have no order."
    departs = "5 inner steps from random weights; the paper finds 15 to 20 best, from a classifier's weights."
    citation = Citation(
        "H.-J. Ye, W.-L. Chao",
        "How to Train Your MAML to Excel in Few-Shot Classification",
        "ICLR",
        2022,
        "2106.16245",
    )
    any_ways = True

    def initial(self, generator: torch.Generator) -> Params:
        weights = super().initial(generator)
        body = {name: weight for name, weight in weights.items() if not name.startswith("head.")}
        return body | {"row": weights["head.weight"][0].clone()}

    def start(self, meta: Params, support: Data) -> Params:
        row = meta["row"]
        body = {name: weight for name, weight in meta.items() if name != "row"}
        return body | {
            "head.weight": row.expand(ways(support), -1),
            "head.bias": row.new_zeros(ways(support)),
        }
