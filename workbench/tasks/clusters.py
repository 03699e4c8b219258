"""Partitions of examples into clusters: k-means on principal components that are scaled at random."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from workbench.data.kept import load_arrays, store_arrays
from workbench.tasks.classes import as_floats

MOST_PIXELS = 32
"""A longer side of an image is averaged down to so many before its principal components are computed."""

ROUNDS = 20
"""Of k-means; later ones move few examples."""


def partitions(examples: Tensor, clusters: int, count: int, components: int) -> Tensor:
    """The cluster of every example in every partition, int64 ``[count, n]``; the same each time.

    Partitions differ by the random factors in [0, 1] that scale the components (Hsu, Levine, Finn, ICLR 2019,
    arXiv 1810.02334, where they scale a learned embedding).

    Parameters
    ----------
    examples : ``[n, *input_shape]``, on the CPU.
    clusters, count, components : clusters of a partition, partitions, principal components; fewer clusters or
        components where there are not as many different examples or numbers.
    """
    import sklearn  # takes as long to import as torch: only when used

    key = json.dumps(
        {
            "examples": hashlib.sha256(examples.contiguous().numpy().tobytes()).hexdigest(),
            "shape": [str(examples.dtype), *examples.shape],
            "sizes": [clusters, count, components, MOST_PIXELS, ROUNDS],
            "scikit-learn": sklearn.__version__,
        }
    )
    found = load_arrays("clusters", key).get("labels")
    if found is None or found.shape != (count, len(examples)):
        found = _partitions(_numbers(examples), clusters, count, components)
        store_arrays("clusters", key, {"labels": found})
    return torch.from_numpy(found).long()


def _numbers(examples: Tensor) -> NDArray[np.float32]:
    """The examples as rows of a matrix."""
    if examples.dim() == 4 and max(examples.shape[2:]) > MOST_PIXELS:
        height, width = (min(side, MOST_PIXELS) for side in examples.shape[2:])
        parts = (as_floats(examples[start : start + 1000]) for start in range(0, len(examples), 1000))
        examples = torch.cat([F.adaptive_avg_pool2d(part, (height, width)) for part in parts])
    return as_floats(examples).flatten(1).numpy()


def _partitions(x: NDArray[np.float32], clusters: int, count: int, components: int) -> NDArray[np.int32]:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn needs it

    different = len({row.tobytes() for row in x})
    with threadpool_limits(1):  # so that sums are added up in one order, and the result is the same twice
        pca = PCA(min(components, *x.shape), svd_solver="covariance_eigh")
        embedded = pca.fit_transform(x)
        labels = np.empty((count, len(x)), np.int32)
        for number in range(count):
            random = np.random.default_rng(number)
            scaled = embedded * random.uniform(0, 1, embedded.shape[1]).astype(np.float32)
            # random examples to begin with: of hundreds of clusters, k-means++ takes longer than k-means
            kmeans = KMeans(
                min(clusters, different), init="random", n_init=1, max_iter=ROUNDS, random_state=number
            )
            labels[number] = kmeans.fit_predict(scaled)
    return labels
