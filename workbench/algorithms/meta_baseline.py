"""Meta-Baseline: Chen, Liu, Xu, Darrell, Wang, "Meta-Baseline: Exploring Simple Meta-Learning for Few-Shot
Learning", ICCV 2021, arXiv 2003.04390.

Two stages in one training. At first a classifier is trained over all meta-training classes, as in Baseline.
Then its body f is trained on episodes, by the loss of what it predicts there: the logit of class k is
τ · cos(f(x), c_k), where c_k is the mean embedding of its support examples and τ is learned, too.

The authors take SGD, in the second stage at a hundredth of the first one's rate; here Adam goes on at its
own. The training loss is another one from the second stage on.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Algorithm, Citation, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.joint import JointClassifier
from workbench.algorithms.memory import Memory
from workbench.config import AnyWays, setting
from workbench.tasks.base import Data, Episode

PRETRAINING = "pretraining"
"""Among what is added to tasks, while they train the classifier."""


class MetaBaselineConfig(AnyWays):
    needs = frozenset({"gradient", "classes"})
    episodic = False

    kind: Literal["meta_baseline"] = "meta_baseline"
    pretraining: float = setting(
        0.5, ge=0, le=1, help="Part of the training that trains a classifier over all training classes."
    )
    scale: float = setting(
        10.0, gt=0, le=1000, symbol="τ", help="What the learned scale of the cosines starts from."
    )


class MetaBaseline(ClosedForm, JointClassifier):
    """Train a classifier, then its body on episodes."""

    Config = MetaBaselineConfig
    title = "Meta-Baseline"
    family = "metric"
    summary = "Trains one classifier over all classes, then its body on episodes, by cosines to class means."
    departs = "Both stages in one run, half of its iterations each."
    citation = Citation(
        "Y. Chen, Z. Liu, H. Xu, T. Darrell, X. Wang",
        "Meta-Baseline: Exploring Simple Meta-Learning for Few-Shot Learning",
        "ICCV",
        2021,
        "2003.04390",
    )
    any_ways = True
    config: MetaBaselineConfig

    def initial(self, generator: torch.Generator) -> Params:
        return super().initial(generator) | {"scale": torch.tensor(self.config.scale)}

    def start(self, meta: Params, support: Data) -> Params:
        return meta | {"centroids": self.prototypes(meta, support)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        features, centroids = self.embed(learner, x), learner["centroids"]
        return learner["scale"] * F.normalize(features, dim=1) @ F.normalize(centroids, dim=1).T

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        if done >= self.config.pretraining:
            return episode
        told = torch.ones(episode.count, device=episode.device)
        return episode._replace(extra=episode.extra | {PRETRAINING: told})

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        if PRETRAINING in episode.extra:
            return super().loss(meta, episode)
        return Algorithm.loss(self, meta, episode)
