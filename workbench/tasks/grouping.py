"""Images or texts of classes never seen in training, as sets to be grouped by class.

A set holds examples of some classes, which count as its groups, in random order. They are grouped as they are
(pixels; vectors of words), or by their principal components, which are those of the meta-training examples
(without their labels). A learned embedding is a learner's own: see ``embedding_kmeans``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import model_validator
from torch import Tensor

from workbench.config import Evaluation, Split, Suits, TaskConfig, Training
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading
from workbench.pictures import Array
from workbench.problems.classification import as_pictures
from workbench.problems.clustering import Clustering
from workbench.settings import Name, misfit, setting
from workbench.tasks.base import Data, EpisodeSize, Excerpt, TaskFamily, TaskShape
from workbench.tasks.cases import CaseFiles
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.classes import ClassFamily, as_floats
from workbench.tasks.digits import Digits, DigitsConfig
from workbench.tasks.glyphs import Glyphs, GlyphsConfig
from workbench.tasks.grouping_cases import GroupingFiles
from workbench.tasks.images import Images, ImagesConfig
from workbench.tasks.own_data import one_of_both
from workbench.tasks.sets import SetConfig, SetFamily
from workbench.tasks.text import Text, TextConfig


class GroupingConfig(SetConfig):
    suits = Suits(
        Training(iterations=300, meta_batch=4),
        Evaluation(episodes=200, validation_episodes=50, inner_steps=5, every=50),
    )

    family: Literal["grouping"] = "grouping"
    source: Literal["glyphs", "digits", "images", "text"] = setting(
        "glyphs",
        help="What is grouped: images that come with the program, or images or texts of your own (text "
        "without any: sentences of Python's documentation).",
    )
    path: str | None = setting(None, path=True, help="Your own images or texts, as those families read them.")
    dataset: Name | None = setting(None, help="Instead of a path: the name of an imported set.")
    groups: int = setting(
        5, ge=2, le=100, symbol="K", help="Classes in a set; the fewest, where sets have different numbers."
    )
    points: int = setting(
        100, ge=2, le=5000, unit="examples", help="Examples in a set, the same number of each class."
    )
    embedding: Literal["raw", "components"] = setting(
        "raw",
        help="What stands for an example: its pixels or the vector of a text, or principal components.",
    )
    components: int = setting(
        32,
        ge=1,
        le=2048,
        unit="numbers",
        help="Principal components that stand for an example, if asked for.",
    )
    split: ClassSplit = setting(
        ClassSplit(), help="Groups or classes by name, or drawn by seed.", empty="the data's own, if any"
    )

    @model_validator(mode="after")
    def _path_or_dataset(self) -> Self:
        if self.source in ("images", "text"):
            one_of_both(self, needed="images or texts", optional=self.source == "text")
        elif self.path or self.dataset:
            field = "path" if self.path else "dataset"
            raise misfit(
                (field,), f"{self.source!r} comes with the program; leave it out, or name the source"
            )
        return self


class Grouping(SetFamily):
    """Group examples of unseen classes."""

    Config = GroupingConfig
    title = "Grouping"
    summary = "Sets of images or texts of classes never seen in training, to be grouped without labels."
    config: GroupingConfig

    def __init__(
        self, config: GroupingConfig, progress: Progress | None = None, reading: Reading = NOW
    ) -> None:
        TaskFamily.__init__(self, config, progress)
        self._source = _source(config, progress, reading)
        self.notes = self._source.notes
        shape = self._source.shape.input_shape
        self._embedding = _fitted(self._source, config) if config.embedding == "components" else None
        if self._embedding is not None:
            shape = (len(self._embedding.axes),)
        self.shape = TaskShape(Clustering(config.most, self._pictures()), shape, config.most)
        for split in ("train", "validation", "test"):
            self.check(self.size, split)

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        assert isinstance(config, GroupingConfig)
        return cls(config, progress, reading)

    def points(
        self, split: Split, groups: Tensor, points: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Data]:
        drawn = self._source.sample(split, len(groups), generator, self._size_of(points))
        place = self._places(groups, points, generator)
        y = place % groups[:, None]
        rows = y * self._each(points) + place // groups[:, None]
        x = drawn.support["x"][torch.arange(len(groups))[:, None], rows.to(drawn.device)]
        return self.embedded(x), y, {"classes": drawn.support["classes"]}

    def excerpt(
        self,
        split: Split,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        *,
        count: int = 1,
        index: int = 0,
    ) -> Excerpt:
        points = (size or self.size).shots
        groups = self.numbers_of_groups(count, generator)
        told = self._source.excerpt(split, generator, self._size_of(points), count=count, index=index)
        place = self._places(groups, points, generator)[index].tolist()
        number = int(groups[index])
        texts = tuple(told.support[at % number][at // number] for at in place) if told.support else ()
        return Excerpt(told.classes[:number], query=(texts,) if texts else ())

    def _each(self, points: int) -> int:
        """Examples of each class that are drawn for a set, of which the fewest groups need all."""
        return math.ceil(points / self.config.groups)

    def _size_of(self, points: int) -> EpisodeSize:
        return EpisodeSize(self.config.most, self._each(points), 0)

    @staticmethod
    def _places(groups: Tensor, points: int, generator: torch.Generator) -> Tensor:
        """The numbers 0 to n − 1 in random order, ``[T, n]``: modulo the number of groups, they are that."""
        return torch.rand(len(groups), points, generator=generator).argsort(1)

    def case_files(self) -> CaseFiles:
        return GroupingFiles(self, self._source.case_files())

    def embedded(self, x: Tensor) -> Tensor:
        """What stands for examples ``[T, n, *]`` of the source."""
        return x if self._embedding is None else self._embedding.of(x)

    def examples_of(self, x: Tensor) -> Tensor:
        """The examples of the source that points ``[n, *]`` stand for."""
        if self._embedding is None:
            return x
        every = as_floats(self._source.every_example())
        return every[torch.cdist(x, self._embedding.of(every[None])[0]).argmin(1)]

    def check(self, size: EpisodeSize, split: Split) -> None:
        super().check(size, split)
        self._source.check(self._size_of(size.shots), split)

    def data_hash(self) -> str:
        c = self.config
        made = f"{c.embedding} {c.components if self._embedding else ''} {c.groups} {c.most}"
        return hashlib.sha256(f"grouping {self._source.data_hash()} {made}".encode()).hexdigest()

    def describe(self) -> Mapping[str, object]:
        own = ("source", "embedding", "groups", "most_groups", "points")
        return {**self._source.describe(), **{name: getattr(self.config, name) for name in own}}

    def to(self, device: torch.device) -> Grouping:
        super().to(device)
        self._source.to(device)
        if self._embedding is not None:
            self._embedding = Components(*(each.to(device) for each in self._embedding))
        return self

    def _pictures(self) -> Callable[[Array], Array] | None:
        """What shows points as pictures, where they are some."""
        shape = self._source.shape.input_shape
        if len(shape) != 3:
            return None
        if self._embedding is None:
            return as_pictures
        mean, axes = (each.double().numpy() for each in self._embedding)
        return lambda x: as_pictures((mean + x @ axes).reshape(len(x), *shape).clip(0, 1))


class Components(NamedTuple):
    """Principal components, scaled so that their variances add up to their number.

    Attributes
    ----------
    mean : ``[numbers]``.
    axes : ``[components, numbers]``, times the common scale.
    """

    mean: Tensor
    axes: Tensor

    def of(self, x: Tensor) -> Tensor:
        """Examples ``[T, n, *]`` as ``[T, n, components]``."""
        squared = self.axes.square().sum(1)
        return (x.flatten(2) - self.mean) @ (self.axes / squared[:, None]).T


def _fitted(source: ClassFamily, config: GroupingConfig) -> Components:
    """Those of the meta-training examples; no more than there are examples or numbers."""
    from sklearn.decomposition import PCA  # slow to import: only when used
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn needs it

    x = as_floats(source.unlabelled()).flatten(1).double().numpy()
    with threadpool_limits(1):  # so that sums are added up in one order, and the result is the same twice
        found = PCA(min(config.components, *x.shape), svd_solver="covariance_eigh").fit(x)
    scale = float(np.sqrt(found.explained_variance_.mean())) or 1.0
    return Components(*(torch.from_numpy(each).float() for each in (found.mean_, scale * found.components_)))


def _source(config: GroupingConfig, progress: Progress | None, reading: Reading) -> ClassFamily:
    """The family of classes whose examples are grouped."""
    progress = progress or silent
    size: dict[str, Any] = {"ways": config.most, "shots": 1, "queries": 1}
    split: dict[str, Any] = {"split": config.split} if config.split != ClassSplit() else {}
    own: dict[str, Any] = {"path": config.path, "dataset": config.dataset} | size | split
    match config.source:
        case "glyphs":
            return Glyphs(GlyphsConfig(**size, **split), progress)
        case "digits":
            return Digits(DigitsConfig(**size, **split), progress)
        case "images":
            return Images(ImagesConfig(**own), progress, reading)
        case "text":
            return Text(TextConfig(**own), progress, reading)
