"""k-means: MacQueen, "Some methods for classification and analysis of multivariate observations", Berkeley
Symposium 1967; Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 1982,
begun as by Arthur, Vassilvitskii, "k-means++", SODA 2007.

Where the number of groups is not told, it is the one with the best silhouette.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from workbench.algorithms.base import Citation
from workbench.algorithms.classical_grouping import (
    ClassicalConfig,
    ClassicalGrouping,
    Labels,
    Points,
    best_silhouette,
    said,
)
from workbench.config import setting


class KMeansConfig(ClassicalConfig):
    kind: Literal["kmeans"] = "kmeans"
    starts: int = setting(10, ge=1, le=1000, help="Starts, of which the best is kept.")


class KMeans(ClassicalGrouping):
    """Every point to the nearest of K means."""

    Config = KMeansConfig
    title = "k-means"
    summary = (
        "Puts every point to the nearest of K means that it moves about; scikit-learn's, learns nothing."
    )
    citation = Citation(
        "S. P. Lloyd", "Least squares quantization in PCM", "IEEE Transactions on Information Theory", 1982
    )
    config: KMeansConfig

    def logits(self, x: Points, groups: int | None, **chosen: Any) -> Points:
        labels = self._labels(x, groups) if groups else best_silhouette(x, self.shape.outputs, self.of(x))
        return said(labels, self.shape.outputs)

    def of(self, x: Points) -> Any:
        return lambda groups: self._labels(x, groups)

    def _labels(self, x: Points, groups: int) -> Labels:
        from sklearn import cluster  # slow to import: only when used

        different = len(np.unique(x, axis=0))
        means = cluster.KMeans(min(groups, different), n_init=self.config.starts, random_state=0)
        labels: Labels = means.fit_predict(x).astype(np.int64)
        return labels
