"""A sample episode as plain arrays, drawn in the worker thread and painted in the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.config import Split

if TYPE_CHECKING:
    from workbench.tasks import TaskFamily

CURVE_POINTS = 200
MOST_CLASSES = 10
MOST_EXAMPLES = 24


@dataclass(frozen=True)
class Sample:
    """One task.

    Attributes
    ----------
    ways, shots, queries : of the episode; the arrays may hold fewer classes and queries.
    support, query : for classification images ``[classes, examples, h, w, 3]`` in uint8; for regression
        points ``[examples, 2]``, those of the query sorted by x.
    """

    split: Split
    ways: int
    shots: int
    queries: int
    support: NDArray[Any]
    query: NDArray[Any]
    texts: tuple[tuple[str, str, str], ...] = ()
    """Of texts, for each class: its name, one support and one query text."""

    @property
    def is_curve(self) -> bool:
        return self.support.ndim == 2


def draw(family: TaskFamily, split: Split, seed: int) -> Sample:
    """Draw one task of a family; the same seed gives the same task.

    Raises
    ------
    DataError
        If the split cannot give such an episode.
    """
    import torch

    from workbench.tasks import EpisodeSize

    generator = torch.Generator().manual_seed(seed)
    ways, shots, queries = family.size
    if "values" in family.problem.gives:
        points = min(CURVE_POINTS, family.most_queries or CURVE_POINTS)
        size = EpisodeSize(ways, shots, max(queries, points))
        episode = family.sample(split, 1, generator, size).to(torch.device("cpu"))
        support = _points(episode.support["x"][0].numpy(), episode.support["y"][0].numpy())
        query = _points(episode.query["x"][0].numpy(), episode.query["y"][0].numpy())
        return Sample(split, ways, shots, queries, support, query[query[:, 0].argsort()])
    episode = family.sample(split, 1, generator).to(torch.device("cpu"))
    shown = min(ways, MOST_CLASSES)
    support_x, query_x = (
        _pictures(x[0].numpy(), y[0].numpy(), shown)
        for x, y in ((episode.support["x"], episode.support["y"]), (episode.query["x"], episode.query["y"]))
    )
    return Sample(split, ways, shots, queries, support_x, query_x, _texts(family, split, seed))


def _texts(family: TaskFamily, split: Split, seed: int) -> tuple[tuple[str, str, str], ...]:
    """The same task in words, where it is made of texts."""
    import torch

    excerpt = family.excerpt(split, torch.Generator().manual_seed(seed))
    if excerpt is None or not excerpt.support:
        return ()
    rows = zip(excerpt.classes, excerpt.support, excerpt.query, strict=True)
    return tuple((name, support[0], query[0]) for name, support, query in rows)[:MOST_CLASSES]


def _points(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([x.reshape(len(x), -1)[:, 0], y.reshape(len(y), -1)[:, 0]], 1)


def _pictures(x: NDArray[np.float32], y: NDArray[np.int64], classes: int) -> NDArray[np.uint8]:
    """Examples ``[n, …]`` by class; what is no image becomes a strip of grey values."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        x = x.reshape(len(x), 1, 1, -1)
    low, high = min(0.0, float(x.min())), max(1.0, float(x.max()))
    bytes_ = ((x - low) * (255 / (high - low))).round().astype(np.uint8)
    colour = np.repeat(bytes_, 3, 1) if bytes_.shape[1] == 1 else bytes_
    each = min(MOST_EXAMPLES, min(int((y == label).sum()) for label in range(classes)))
    rows = [colour[y == label][:each] for label in range(classes)]
    return np.ascontiguousarray(np.stack(rows).transpose(0, 1, 3, 4, 2))
