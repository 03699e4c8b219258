"""Spectral clustering: Ng, Jordan, Weiss, "On spectral clustering: analysis and an algorithm", NeurIPS 2001,
on the graph of nearest neighbours.

Where the number of groups is not told, it is where the eigenvalues of the graph's Laplacian have their widest
gap (von Luxburg, "A tutorial on spectral clustering", Statistics and Computing 2007).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from workbench.algorithms.base import Citation
from workbench.algorithms.classical_grouping import ClassicalConfig, ClassicalGrouping, Points, said
from workbench.config import setting

NEIGHBOURS = (10, 5, 15, 25)


class SpectralConfig(ClassicalConfig):
    kind: Literal["spectral"] = "spectral"
    neighbours: int | None = setting(
        None,
        ge=1,
        le=1000,
        unit="points",
        help="Nearest points that each point is joined to.",
        empty="chosen on meta-validation sets",
    )


class Spectral(ClassicalGrouping):
    """Groups that few edges of a graph lead between."""

    Config = SpectralConfig
    title = "Spectral"
    summary = "Cuts the graph of nearest neighbours where few edges are; scikit-learn's, learns nothing."
    citation = Citation(
        "A. Y. Ng, M. I. Jordan, Y. Weiss",
        "On spectral clustering: analysis and an algorithm",
        "NeurIPS",
        2001,
    )
    config: SpectralConfig

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        own = self.config.neighbours
        return [{"neighbours": each} for each in ((own,) if own else NEIGHBOURS)]

    def logits(self, x: Points, groups: int | None, **chosen: Any) -> Points:
        from sklearn import cluster, neighbors  # slow to import: only when used

        near = min(chosen["neighbours"], len(x) - 1)
        graph = neighbors.kneighbors_graph(x, near, include_self=False).toarray()
        graph = (graph + graph.T) / 2
        found = groups or _widest_gap(graph, self.shape.outputs)
        if found == 1 or found >= len(x):
            return said(np.arange(len(x)) % found, self.shape.outputs)
        cut = cluster.SpectralClustering(found, affinity="precomputed", random_state=0)
        return said(cut.fit_predict(graph).astype(np.int64), self.shape.outputs)


def _widest_gap(graph: Points, most: int) -> int:
    degree = graph.sum(1) ** -0.5
    laplacian = np.eye(len(graph)) - degree[:, None] * graph * degree
    values = np.linalg.eigvalsh(laplacian)[: most + 1]
    return int(np.diff(values).argmax()) + 1
