"""Relation networks: Sung, Yang, Zhang, Xiang, Torr, Hospedales, "Learning to Compare: Relation Network for
Few-Shot Learning", CVPR 2018, arXiv 1711.06025.

r_k = g([c_k, f(x)]) in (0, 1), a learned comparison of a query with class k; trained so that r_k is 1 for the
query's class and 0 for the others, by the squared error.

The paper's g is convolutional, on the maps of features before they are flattened; here it is a perceptron of
two layers on the flattened features, so that any network can be the body. The paper adds up the embeddings
of a class's support examples; c_k is their mean, so that g sees the same range whatever the shots.

As in ProtoNet, whose docstring has what was measured, support set and queries go through the encoder apart in
training, and figures are transductive by default. (The authors' code never switches batch norm to its running
statistics either.)
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms import perceptron
from workbench.algorithms.base import Citation, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import AnyWays, setting
from workbench.tasks.base import Data, Episode


class RelationNetConfig(AnyWays):
    needs = frozenset({"gradient", "classes"})

    kind: Literal["relationnet"] = "relationnet"
    width: int = setting(256, ge=1, le=10_000, unit="units", help="Hidden units of the relation module.")


class RelationNet(ClosedForm):
    """A learned comparison instead of a distance."""

    Config = RelationNetConfig
    title = "RelationNet"
    family = "metric"
    summary = "Learns an embedding and, in place of a distance, a module that compares queries with classes."
    departs = (
        "The comparison is a perceptron on flattened features; a class is the mean, not the sum, of its "
        "examples."
    )
    citation = Citation(
        "F. Sung, Y. Yang, L. Zhang, T. Xiang, P. H. S. Torr, T. M. Hospedales",
        "Learning to Compare: Relation Network for Few-Shot Learning",
        "CVPR",
        2018,
        "1711.06025",
    )
    any_ways = True

    config: RelationNetConfig

    def initial(self, generator: torch.Generator) -> Params:
        sizes = (2 * self.network.head.in_features, self.config.width, 1)
        return super().initial(generator) | perceptron.initial("relation", sizes, generator)

    def start(self, meta: Params, support: Data) -> Params:
        return meta | {"classes": self.prototypes(meta, support)}

    def score(self, learner: Params, x: Tensor) -> Tensor:
        """r before its sigmoid, ``[n, ways]``."""
        of_class, of_query = learner["relation.0.weight"].chunk(2, dim=1)
        # the first layer of [c_k, f(x)] is a sum, of which each part is computed once
        classes = F.linear(learner["classes"], of_class, learner["relation.0.bias"])
        queries = F.linear(self.embed(learner, x), of_query)
        hidden = F.relu(queries[:, None] + classes)
        return perceptron.apply(learner, "relation", hidden, first=1).squeeze(-1)

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return F.logsigmoid(self.score(learner, x))  # its softmax is r_k / Σ r

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        relation = self.score(self.start(meta, episode.support), episode.query["x"]).sigmoid()
        return F.mse_loss(relation, F.one_hot(episode.query["y"], relation.shape[-1]).to(relation.dtype))
