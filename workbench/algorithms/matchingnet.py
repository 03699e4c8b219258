"""Matching networks: Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra, "Matching Networks for One Shot
Learning", NeurIPS 2016, arXiv 1606.04080.

p(y | x) = Σ_i a(x, x_i) y_i over the support set, with the attention a(x, ·) = softmax(s · cos(f(x), f(·))).

Without the paper's full context embeddings: f is the network's body, for queries and support examples alike.
The paper has no scale s; without one the attention can hardly tell examples apart, since a cosine ends at 1.
Here s > 0 is learned, in log space.

As in ProtoNet, whose docstring has what was measured, support set and queries go through the encoder apart in
training, and figures are transductive by default, where the published ones are inductive.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Citation, Params, one_hot
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import AnyWays, setting
from workbench.tasks.base import Data


class MatchingNetConfig(AnyWays):
    needs = frozenset({"gradient", "classes"})

    kind: Literal["matchingnet"] = "matchingnet"
    scale: float = setting(
        10.0, gt=0, le=1000, symbol="s", help="What the learned scale of the cosine starts from."
    )


class MatchingNet(ClosedForm):
    """A weighted vote of the support examples."""

    Config = MatchingNetConfig
    title = "MatchingNet"
    family = "metric"
    summary = "Classifies by a vote of the support examples, weighted by their cosine in a learned embedding."
    departs = (
        "No full context embeddings; the cosine has a learned scale; support set and queries apart as in "
        "ProtoNet."
    )
    citation = Citation(
        "O. Vinyals, C. Blundell, T. Lillicrap, K. Kavukcuoglu, D. Wierstra",
        "Matching Networks for One Shot Learning",
        "NeurIPS",
        2016,
        "1606.04080",
    )
    any_ways = True

    config: MatchingNetConfig

    def initial(self, generator: torch.Generator) -> Params:
        return super().initial(generator) | {"log_scale": torch.tensor(math.log(self.config.scale))}

    def start(self, meta: Params, support: Data) -> Params:
        keys = F.normalize(self.embed(meta, support["x"]), dim=-1)
        return meta | {"keys": keys, "members": one_hot(support).to(support["x"].dtype)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        cosine = F.normalize(self.embed(learner, x), dim=-1) @ learner["keys"].T
        attention = (learner["log_scale"].exp() * cosine).log_softmax(-1)
        # the log of each class's share: a sum of exponentials over its own examples
        others = learner["members"].T == 0
        return attention[:, None, :].masked_fill(others, -math.inf).logsumexp(-1)
