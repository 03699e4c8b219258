"""Amortised clustering: a network that has grouped many sets says at a glance how a new one falls into
groups; steps on the set itself then improve that.

``gaussians``: a Set Transformer says weights, means and spreads (Lee, Lee, Kim, Kosiorek, Choi, Teh, ICML
2019, arXiv 1810.00825, section 5.3), trained to make the points of training sets likely, which needs no
labels; an inner step is one of expectation maximisation.

``shapes``: a transformer says which pairs of points belong together, and groups follow from that; an inner
step is a round in which every group is described in its own frame and the points choose again. It is trained
on the labels of training sets: cross-entropy of pairs, and of groups after each round, numbered as suits
best.

Points are taken in units in which those of meta-validation sets have mean 0 and variance 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.amortised import Amortised, Gaussians, Shapes
from workbench.algorithms.base import Algorithm, Citation, OuterStep, Params, settled
from workbench.algorithms.memory import Memory
from workbench.algorithms.mixture_model import Covariance
from workbench.config import Trains, setting
from workbench.networks.base import Network
from workbench.problems.clustering import Clustering
from workbench.tasks.base import Data, Episode, TaskShape

WARMING = 0.03
"""The part of the training in which the outer rate rises."""


class SetClusteringConfig(Trains):
    needs = frozenset({"gradient", "sets"})
    episodic = False

    kind: Literal["set_clustering"] = "set_clustering"
    groups: Literal["gaussians", "shapes"] | None = setting(
        None,
        label="Groups are",
        where={"": "gaussians", "curved": "shapes"},
        help="What groups are taken for: Gaussians, or shapes that are learned.",
    )
    covariance: Covariance = setting(
        "tied", help="How an inner step may stretch Gaussians: each in a way of its own, or all in one."
    )
    inner_steps: int = setting(
        3, ge=1, le=100, unit="steps", symbol="k", help="Inner steps while training on shapes."
    )
    meta_lr: float | None = setting(0.002, rare=True, gt=0, le=100, symbol="β", help="Outer learning rate.")
    width: int = setting(64, rare=True, ge=8, le=1024, multiple_of=8, help="Numbers that stand for a point.")
    layers: int | None = setting(
        None,
        rare=True,
        where={"": 2, "curved": 4},
        ge=1,
        le=32,
        help="Layers of attention among points.",
    )
    inducing: int = setting(
        16, rare=True, ge=1, le=1024, unit="points", help="Points that Gaussians are found by way of."
    )


class SetClustering(Algorithm):
    """Says the groups of a set at a glance, then improves them step by step."""

    Config = SetClusteringConfig
    title = "Set clustering"
    family = "metric"
    summary = (
        "Says the groups of a set at a glance and improves them on the set itself: by EM, or by rounds of "
    )
    summary += "assignment; has networks of its own instead of [network]."
    citation = Citation(
        "J. Lee, Y. Lee, J. Kim, A. R. Kosiorek, S. Choi, Y. W. Teh",
        "Set Transformer: A Framework for Attention-based Permutation-Invariant Neural Networks",
        "ICML",
        2019,
        "1810.00825",
    )
    config: SetClusteringConfig
    problem: Clustering
    compilable = False  # sets of several sizes are shown in training

    def __init__(self, config: SetClusteringConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self.numbers = torch.Size(shape.input_shape).numel()
        self._groups = _way(config, self.numbers, shape.outputs)

    def initial(self, generator: torch.Generator) -> Params:
        return self._groups.initial(generator) | {
            "middle": torch.zeros(self.numbers),
            "scale": torch.ones(()),
        }

    @property
    def fits(self) -> bool:
        return True

    def fit(self, meta: Params, episodes: Iterable[Episode]) -> Params:
        """The units that points are taken in."""
        x = torch.cat([each.support["x"].flatten(0, 1).flatten(1) for each in episodes])
        middle = x.mean(0)
        scale = (x - middle).square().mean().sqrt()
        return {"middle": middle, "scale": torch.where(scale > 0, scale, 1.0)}

    # --- one set -------------------------------------------------------------------------------------

    def start(self, meta: Params, support: Data) -> Params:
        x = self._standard(meta, support["x"][None])
        found = self._groups.start(meta, x, _told(support, ())[None])
        units = {"middle": meta["middle"], "scale": meta["scale"]}
        return {name: each[0] for name, each in found.items()} | units

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        x = self._standard(meta, support["x"][None])
        own = {name: each[None] for name, each in learner.items() if name not in ("middle", "scale")}
        return learner | {name: each[0] for name, each in self._groups.step(meta, own, x).items()}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self._groups.logits(learner, self._standard(learner, x[None])[0])

    def _standard(self, known: Params, x: Tensor) -> Tensor:
        """Points ``[T, n, *]`` in the units of the family, ``[T, n, d]``."""
        return (x.flatten(2) - known["middle"].detach()) / known["scale"].detach()

    # --- learning ------------------------------------------------------------------------------------

    @property
    def trained_steps(self) -> int:
        return self._groups.trained_steps

    def losses(self, meta: Params, tasks: Episode) -> Tensor:
        x = self._standard(meta, tasks.support["x"])
        return self._groups.losses(meta, x, _told(tasks.support, x.shape[:1]), tasks.query["y"])

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        """Sets in part, for sets of other sizes are grouped, too: which points come first is chance."""
        sets, points = episode.query["y"].shape
        shown, kept = self._groups.shown(sets, points, done, generator)
        shown = min(points, max(shown, self.shape.outputs))
        return Episode(*({name: each[:kept, :shown] for name, each in part.items()} for part in episode[:2]))

    @property
    def outer(self) -> OuterStep:
        return OuterStep(norm=1.0)

    def meta_lr(self, base: float, done: float) -> float:
        return base * min(1.0, 0.05 + done / WARMING) * (0.505 + 0.495 * math.cos(math.pi * done))


def _way(config: SetClusteringConfig, numbers: int, most: int) -> Amortised:
    width, layers = config.width, settled(config.layers)
    if settled(config.groups) == "shapes":
        return Shapes(numbers, most, width=width, layers=layers, rounds=config.inner_steps)
    return Gaussians(
        numbers,
        most,
        width=width,
        layers=layers,
        inducing=config.inducing,
        covariance=config.covariance,
    )


def _told(support: Data, sets: Sequence[int]) -> Tensor:
    """How many groups sets have; 0 where that is not told."""
    if "groups" in support:
        return support["groups"][..., 0]
    return torch.zeros(tuple(sets), dtype=torch.int64, device=support["x"].device)
