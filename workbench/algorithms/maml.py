"""MAML: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
ICML 2017, arXiv 1703.03400.

θ' = θ − α ∇L_S(θ), repeated; θ ← θ − β ∇_θ mean L_Q(θ'), differentiated through the inner steps.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.algorithms.base import Citation, GradientDescent, InnerLoopConfig
from workbench.config import AlgorithmConfig

FINN_2017 = Citation(
    "C. Finn, P. Abbeel, S. Levine",
    "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
    "ICML",
    2017,
    "1703.03400",
)


class MAMLConfig(InnerLoopConfig):
    kind: Literal["maml"] = "maml"


class MAML(GradientDescent):
    """An initialisation from which one gradient step on a new task goes far."""

    Config: ClassVar[type[AlgorithmConfig]] = MAMLConfig
    title = "MAML"
    family = "model update"
    summary = "Learns an initialisation from which a few gradient steps adapt to a new task."
    citation = FINN_2017
    order = 2
