"""ProtoMAML: Triantafillou, Zhu, Dumoulin, Lamblin, Evci, Xu, Goroshin, Gelada, Swersky, Manzagol,
Larochelle, "Meta-Dataset: A Dataset of Datasets for Learning to Learn from Few Examples", ICLR 2020, arXiv
1903.03096.

A prototypical network is a linear classifier: −‖f(x) − c_k‖² = 2 c_k·f(x) − ‖c_k‖² − ‖f(x)‖². So the head
of each task starts at w_k = 2 c_k and b_k = −‖c_k‖², and MAML's inner steps go on from there, on all weights.
The meta-gradient flows through the start of the head, also where the inner gradients count as constants.

A single example of a class is its own mean: with one shot the support loss soon is next to zero at the start,
and the inner steps change little.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Literal

import torch

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate
from workbench.algorithms.maml import MAML
from workbench.config import AnyWays, setting
from workbench.networks.base import Network
from workbench.tasks.base import Data, TaskShape


class ProtoMAMLConfig(AnyWays, InnerLoopConfig):
    needs = frozenset({"gradient", "classes"})

    kind: Literal["proto_maml"] = "proto_maml"
    inner_lr: float | None = inner_rate(0.01, classes=0.1)
    first_order: bool = setting(False, help="Take the inner gradients as constants: about half the cost.")


class ProtoMAML(MAML):
    """MAML whose head starts as a prototypical network."""

    Config = ProtoMAMLConfig
    title = "ProtoMAML"
    summary = "MAML whose head starts at the class means of each task, as in ProtoNet; any number of classes."
    citation = Citation(
        "E. Triantafillou, T. Zhu, V. Dumoulin, P. Lamblin, U. Evci, K. Xu, R. Goroshin, C. Gelada, "
        "K. Swersky, P.-A. Manzagol, H. Larochelle",
        "Meta-Dataset: A Dataset of Datasets for Learning to Learn from Few Examples",
        "ICLR",
        2020,
        "1903.03096",
    )
    any_ways = True
    config: ProtoMAMLConfig

    def __init__(self, config: ProtoMAMLConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self.order = 1 if config.first_order else 2

    def initial(self, generator: torch.Generator) -> Params:
        """A body: what a head starts from is not learned."""
        weights = super().initial(generator)
        return {name: weight for name, weight in weights.items() if not name.startswith("head.")}

    def start(self, meta: Params, support: Data) -> Params:
        c = self.prototypes(meta, support)
        return meta | {"head.weight": 2 * c, "head.bias": -c.square().sum(1)}

    def gradient(self, weights: Params, support: Data) -> Params:
        with torch.no_grad() if self.config.first_order else nullcontext():
            return super().gradient(weights, support)
