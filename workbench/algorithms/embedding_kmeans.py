"""k-means in a learned embedding: what a metric learner learned of other classes groups those of a new set.

The network's body is trained as a prototypical network (Snell, Swersky, Zemel, NeurIPS 2017, arXiv
1703.05175) on the labels of training sets: half of a set's points give the means of its groups, the other
half is to be nearest to its own. On a new set, an inner step is one of k-means (Lloyd 1982) on the embedded
points, from several starts at once (k-means++: Arthur, Vassilvitskii, SODA 2007), of which the tightest
counts.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Algorithm, Params
from workbench.algorithms.protonet import ProtoNet
from workbench.config import Trains, setting
from workbench.networks.base import Network
from workbench.problems.clustering import NEVER, Clustering
from workbench.tasks.base import Data, Episode, TaskShape


class EmbeddingKMeansConfig(Trains):
    needs = frozenset({"gradient", "sets"})
    episodic = False

    kind: Literal["embedding_kmeans"] = "embedding_kmeans"
    starts: int = setting(10, ge=1, le=1000, help="Starts of k-means, of which the tightest counts.")


class EmbeddingKMeans(Algorithm):
    """Learns an embedding whose groups k-means finds."""

    Config = EmbeddingKMeansConfig
    title = "Embedding + k-means"
    family = "metric"
    summary = "Learns an embedding as ProtoNet does, and groups new sets in it by steps of k-means."
    departs = "Ours: k-means in an embedding trained as a prototypical network."
    citation = ProtoNet.citation
    config: EmbeddingKMeansConfig
    problem: Clustering

    def __init__(self, config: EmbeddingKMeansConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self._chance = torch.rand(config.starts, shape.outputs, generator=torch.Generator().manual_seed(0))

    def start(self, meta: Params, support: Data) -> Params:
        """The embedded points, and points of the set as first means."""
        z = self.embed(meta, support["x"])
        absent = torch.zeros(self.shape.outputs, dtype=torch.bool, device=z.device)
        if "groups" in support:
            absent = torch.arange(self.shape.outputs, device=z.device) >= support["groups"][0]
        return meta | {"z": z, "means": self._first_means(z), "absent": absent}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        """Every mean becomes that of the points nearest to it; one that has none stays."""
        z, means = learner["z"], learner["means"]
        apart = _squared(z, means).masked_fill(learner["absent"], torch.inf)
        nearest = F.one_hot(apart.argmin(-1), means.shape[1]).to(z.dtype)  # [S, n, K]
        held = nearest.sum(1)[..., None]
        moved = nearest.transpose(1, 2) @ z / held.clamp_min(1)
        return learner | {"means": torch.where(held > 0, moved, means)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        """Minus the squared distance to each mean of the tightest start, less that to the nearest."""
        absent = learner["absent"]
        apart = _squared(learner["z"], learner["means"]).masked_fill(absent, torch.inf)
        best = learner["means"][apart.amin(-1).sum(-1).argmin()]
        found = _squared(self.embed(learner, x), best[None])[0].masked_fill(absent, torch.inf)
        return (found.amin(-1, keepdim=True) - found).clamp_min(NEVER)

    def _first_means(self, z: Tensor) -> Tensor:
        """Points far from each other by chance, ``[S, K, features]``: each is drawn in proportion to its
        squared distance to the nearest before it."""
        chance = self._chance.to(z)
        chosen = z[(chance[:, 0] * len(z)).long()][:, None]
        for number in range(1, chance.shape[1]):
            far = _squared(z, chosen).amin(-1)  # [S, n]
            passed = far.cumsum(-1)
            at = (passed < chance[:, number : number + 1] * passed[:, -1:]).sum(-1).clamp_max(len(z) - 1)
            chosen = torch.cat([chosen, z[at][:, None]], 1)
        return chosen

    @property
    def trained_steps(self) -> int:
        return 0

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        z, y = self.embed(meta, episode.support["x"]), episode.query["y"]
        half = len(z) // 2
        members = F.one_hot(y[:half], self.shape.outputs).to(z.dtype)
        held = members.sum(0)
        means = members.T @ z[:half] / held.clamp_min(1)[:, None]
        logits = -_squared(z[half:], means[None])[0].masked_fill(held == 0, torch.inf)
        # of a group with no point in the first half nothing can be asked
        known = (held > 0)[y[half:]]
        lost = F.cross_entropy(logits.clamp_min(-1e4), y[half:], reduction="none")
        return (lost * known).sum() / known.sum().clamp_min(1)


def _squared(z: Tensor, means: Tensor) -> Tensor:
    """Squared distances ``[S, n, K]`` of points ``[n, features]`` to means ``[S, K, features]``."""
    lengths = z.square().sum(-1)[:, None] + means.square().sum(-1)[:, None]
    found: Tensor = (lengths - 2 * z @ means.transpose(1, 2)).clamp_min(0)
    return found
