"""SimpleShot: Wang, Chao, Weinberger, van der Maaten, "SimpleShot: Revisiting Nearest-Neighbor Classification
for Few-Shot Learning", 2019, arXiv 1911.04623.

A classifier is trained over all meta-training classes, as in Baseline. A task takes nothing but its body f: a
query belongs to the nearest class mean of features that are taken as they are (UN), divided by their norm
(L2N), or first centred about a mean and then divided (CL2N).

The paper's mean is that of all training features. Here it is that of support sets of meta-validation tasks,
found anew before every measurement: nothing is kept of a training task but what is trained, which may be
private. Of few meta-validation classes it is a poor guess, and L2N serves better.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn import functional as F

from workbench.algorithms.base import Citation, Params, class_means
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.joint import JointClassifier
from workbench.config import AnyWays, setting
from workbench.tasks.base import Data, Episode


class SimpleShotConfig(AnyWays):
    needs = frozenset({"gradient", "classes"})
    episodic = False

    kind: Literal["simpleshot"] = "simpleshot"
    features: Literal["un", "l2n", "cl2n"] = setting(
        "cl2n",
        titles={"un": "as they are", "l2n": "of length 1", "cl2n": "centred, of length 1"},
        help="What becomes of features: un: nothing; l2n: divided by their norm; cl2n: centred before.",
    )
    scale: float = setting(
        10.0, rare=True, gt=0, le=1000, help="Scale of the logits; accuracy does not depend on it."
    )


class SimpleShot(ClosedForm, JointClassifier):
    """The nearest class mean in the features of a classifier."""

    Config = SimpleShotConfig
    title = "SimpleShot"
    family = "baseline"
    summary = "Trains one classifier over all classes; a task takes the nearest mean of its centred features."
    departs = (
        "Features are centred about the mean of meta-validation support sets, not of all training features."
    )
    citation = Citation(
        "Y. Wang, W.-L. Chao, K. Q. Weinberger, L. van der Maaten",
        "SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning",
        "arXiv",
        2019,
        "1911.04623",
    )
    any_ways = True
    config: SimpleShotConfig

    def initial(self, generator: torch.Generator) -> Params:
        return super().initial(generator) | {"mean": torch.zeros(self.network.head.in_features)}

    def start(self, meta: Params, support: Data) -> Params:
        return meta | {"centroids": class_means(self.transformed(meta, support["x"]), support)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        features, centroids = self.transformed(learner, x), learner["centroids"]
        # minus the squared distance, but for ‖f‖², which softmax does not see
        return self.config.scale * (2 * features @ centroids.T - centroids.square().sum(1))

    def transformed(self, weights: Params, x: Tensor) -> Tensor:
        """``[n, features]``: embedded examples, as they are compared."""
        features = self.embed(weights, x)
        match self.config.features:
            case "un":
                return features
            case "l2n":
                return F.normalize(features, dim=1)
            case "cl2n":
                return F.normalize(features - weights["mean"], dim=1)

    @property
    def fits(self) -> bool:
        return self.config.features == "cl2n"

    def fit(self, meta: Params, episodes: Iterable[Episode]) -> Params:
        embedded = vmap(lambda x: self.embed(meta, x))
        means = [embedded(each.support["x"]).mean(1) for each in episodes]
        return {"mean": torch.cat(means).mean(0)}
