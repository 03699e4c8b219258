"""FOMAML, first-order MAML (Finn, Abbeel, Levine, ICML 2017, arXiv 1703.03400, section 5.2).

θ' as in MAML, but the inner gradients count as constants: the meta-gradient is ∇_{θ'} L_Q(θ').
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch

from workbench.algorithms.base import InnerLoopConfig, Params, inner_rate
from workbench.algorithms.maml import MAML
from workbench.config import AlgorithmConfig, setting
from workbench.tasks.base import Data


class FOMAMLConfig(InnerLoopConfig):
    kind: Literal["fomaml"] = "fomaml"
    inner_lr: float | None = inner_rate(0.01, classes=0.1)
    inner_steps: int | None = setting(  # type: ignore[assignment]
        ge=1,
        le=1000,
        unit="steps",
        symbol="k",
        default=1,
        where={"classes": 5},
        help="Inner steps on each task while training; after one alone it hardly learns to classify.",
    )


class FOMAML(MAML):
    """MAML without second derivatives."""

    Config: ClassVar[type[AlgorithmConfig]] = FOMAMLConfig
    title = "FOMAML"
    summary = "MAML with the inner gradients taken as constants: no second derivatives, about half the cost."
    departs = "Inner loss and batch norm as in MAML."
    order = 1

    def gradient(self, weights: Params, support: Data) -> Params:
        with torch.no_grad():
            return super().gradient(weights, support)
