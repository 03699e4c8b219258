"""HDBSCAN: Campello, Moulavi, Sander, "Density-based clustering based on hierarchical density estimates",
PAKDD 2013.

It finds the number of groups by itself, also where it is told. What it takes for noise belongs to the group
of the nearest point that is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from workbench.algorithms.base import Citation
from workbench.algorithms.classical_grouping import ClassicalConfig, ClassicalGrouping, Points, said
from workbench.config import setting

SMALLEST = (5, 10, 15, 25)


class HDBSCANConfig(ClassicalConfig):
    kind: Literal["hdbscan"] = "hdbscan"
    smallest: int | None = setting(
        None,
        ge=2,
        le=1000,
        unit="points",
        help="Points of the smallest group.",
        empty="chosen on meta-validation sets",
    )


class HDBSCAN(ClassicalGrouping):
    """Groups that are denser than what lies between them."""

    Config = HDBSCANConfig
    title = "HDBSCAN"
    summary = "Finds dense groups and their number by itself; scikit-learn's, learns nothing."
    citation = Citation(
        "R. J. G. B. Campello, D. Moulavi, J. Sander",
        "Density-based clustering based on hierarchical density estimates",
        "PAKDD",
        2013,
    )
    config: HDBSCANConfig

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        own = self.config.smallest
        return [{"smallest": each} for each in ((own,) if own else SMALLEST)]

    def most_groups(self, points: int) -> int:
        fewest: int = min(each["smallest"] for each in self.choices)
        return max(self.shape.outputs, points // fewest)

    def logits(self, x: Points, groups: int | None, **chosen: Any) -> Points:
        from scipy.spatial import KDTree
        from sklearn import cluster  # slow to import: only when used

        most = self.most_groups(len(x))
        if len(x) < chosen["smallest"]:
            return said(np.zeros(len(x), np.int64), most)
        labels = (
            cluster.HDBSCAN(min_cluster_size=chosen["smallest"], copy=True).fit_predict(x).astype(np.int64)
        )
        known = labels >= 0
        if not known.any():
            return said(np.zeros(len(x), np.int64), most)
        nearest = KDTree(x[known]).query(x)[1]
        return said(labels[known][nearest], most)
