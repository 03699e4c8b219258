"""CACTUs: Hsu, Levine, Finn, "Unsupervised Learning via Meta-Learning", ICLR 2019, arXiv 1810.02334.

Unlabelled examples are embedded and partitioned by k-means, several times with randomly scaled dimensions of
the embedding. The classes of a training task are clusters of one partition; a meta-learner, the base, learns
from these tasks as from any. No label is read in training.

The paper's embeddings are learned without labels (by a BiGAN, ACAI or DeepCluster); here they are the
principal components of the pixels, which need no training and know less. It has 50 partitions and more.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.algorithms.base import Algorithm, Citation
from workbench.algorithms.umtra import SelfSupervisedConfig
from workbench.algorithms.wrapper import Wrapper
from workbench.config import AlgorithmConfig, setting
from workbench.networks.base import Network
from workbench.tasks.base import DataError, TaskFamily, TaskShape
from workbench.tasks.unlabelled import ClusteredFamily


class CACTUsConfig(SelfSupervisedConfig):
    kind: Literal["cactus"] = "cactus"
    clusters: int | None = setting(
        None,
        ge=2,
        le=100_000,
        help="Clusters of a partition.",
        empty="one for every 20 examples, at most 500",
    )
    partitions: int = setting(10, ge=1, le=1000, help="Partitions of the examples into clusters.")
    components: int = setting(32, ge=1, le=1000, help="Principal components that examples are embedded by.")


class CACTUs(Wrapper):
    """Clusters of unlabelled examples are the classes."""

    Config: ClassVar[type[AlgorithmConfig]] = CACTUsConfig
    title = "CACTUs"
    family = "self-supervised"
    summary = (
        "Trains its base without labels: the classes of its training tasks are clusters found by k-means."
    )
    departs = "Embeddings are principal components of the pixels, not learned by a network."
    citation = Citation(
        "K. Hsu, S. Levine, C. Finn", "Unsupervised Learning via Meta-Learning", "ICLR", 2019, "1810.02334"
    )
    drifts = False
    config: CACTUsConfig

    def __init__(self, config: CACTUsConfig, network: Network, shape: TaskShape, base: Algorithm) -> None:
        super().__init__(config, network, shape, base)
        if shape.vocabulary:
            raise DataError(
                'CACTUs finds clusters of vectors, not of words: set features = "tfidf" under [task]'
            )

    def training_family(self, family: TaskFamily) -> TaskFamily:
        c = self.config
        return ClusteredFamily(family, c.clusters, c.partitions, c.components)
