"""Agglomerative clustering: the two nearest groups are joined until K are left (Ward, "Hierarchical grouping
to optimize an objective function", Journal of the American Statistical Association 1963, and its kin).

Where the number of groups is not told, it is the one with the best silhouette.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

LINKAGES = ("ward", "average", "complete", "single")


class AgglomerativeConfig(ClassicalConfig):
    kind: Literal["agglomerative"] = "agglomerative"
    linkage: Literal["ward", "average", "complete", "single"] | None = setting(
        None,
        help="Which groups are nearest: those whose join adds the least variance, or by the mean, the "
        "largest or the smallest distance of their points.",
        empty="chosen on meta-validation sets",
    )


class Agglomerative(ClassicalGrouping):
    """Nearest groups joined until K are left."""

    Config = AgglomerativeConfig
    title = "Agglomerative"
    summary = "Joins the nearest groups until K are left; scikit-learn's, learns nothing."
    citation = Citation(
        "J. H. Ward",
        "Hierarchical grouping to optimize an objective function",
        "Journal of the American Statistical Association",
        1963,
    )
    config: AgglomerativeConfig

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        own = self.config.linkage
        return [{"linkage": each} for each in ((own,) if own else LINKAGES)]

    def logits(self, x: Points, groups: int | None, **chosen: Any) -> Points:
        from sklearn import cluster  # slow to import: only when used

        def labels(groups: int) -> Labels:
            joined = cluster.AgglomerativeClustering(groups, linkage=chosen["linkage"])
            found: Labels = joined.fit_predict(x).astype(np.int64)
            return found

        most = self.shape.outputs
        return said(labels(groups) if groups else best_silhouette(x, most, labels), most)
