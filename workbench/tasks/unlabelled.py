"""Families of pseudo-labelled tasks, made of meta-training examples of which no label is read.

Neither labels nor the order in which they sort the examples have any part in what is drawn: the examples are
taken in the order of their bytes.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.config import Split
from workbench.tasks.base import DataError, Episode, EpisodeSize, TaskFamily
from workbench.tasks.classes import ClassFamily, as_floats
from workbench.tasks.clusters import partitions

NOISE = 0.1
"""Of inputs that are no images: added noise, in standard deviations of each number."""


@dataclass(frozen=True)
class Augmentation:
    """How far the copies of an image stray from it. Each change is drawn uniformly.

    Attributes
    ----------
    shift : greatest shift along each axis, as a part of the image's side.
    turn : greatest rotation, in degrees.
    stretch : greatest change of each axis's scale, as a part of it.
    erased : side of the black square, anywhere, as a part of the image's; of other inputs, the part of the
        numbers that is set to 0.
    """

    shift: float
    turn: float
    stretch: float
    erased: float

    def copies(self, x: Tensor, generator: torch.Generator, *, words: bool = False) -> Tensor:
        """A changed copy of each example ``[n, *input_shape]``; random numbers are drawn on the CPU.

        Parameters
        ----------
        words : the numbers stand for words, which can be left out, but not be a little different.
        """
        if x.dim() == 4:
            return self._of_images(x, generator)
        return self._with_zeros(x if words else self._with_noise(x, generator), generator)

    def _of_images(self, x: Tensor, generator: torch.Generator) -> Tensor:
        n, _, height, width = x.shape
        drawn = (2 * torch.rand(7, n, generator=generator) - 1).to(x.device)
        angle = torch.deg2rad(self.turn * drawn[0])
        across, down = (1 + self.stretch) ** drawn[1:3]
        shift = 2 * self.shift * drawn[3:5]  # coordinates go from −1 to 1
        sine, cosine = angle.sin(), angle.cos()
        rows = [
            torch.stack([cosine * across, -sine * down * (height / width), shift[0]], 1),
            torch.stack([sine * across * (width / height), cosine * down, shift[1]], 1),
        ]
        grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
        columns, lines = (torch.linspace(-1, 1, side, device=x.device) for side in (width, height))
        inside = ((lines - drawn[5, :, None]).abs() < self.erased)[:, :, None]
        inside = inside & ((columns - drawn[6, :, None]).abs() < self.erased)[:, None, :]
        return x.masked_fill(inside[:, None], 0.0)

    def _with_noise(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x + NOISE * x.std(0) * torch.randn(x.shape, generator=generator).to(x.device)

    def _with_zeros(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x * (torch.rand(x.shape, generator=generator) >= self.erased).to(x.device)


class UnlabelledFamily(TaskFamily):
    """Tasks for meta-training alone, from the examples of a family with classes. They do not drift: what the
    segments of ``[task.drift]`` hold is told by the labels.

    Parameters
    ----------
    family : whose meta-training examples are used, wherever it keeps them.

    Raises
    ------
    DataError
        If the family has no pool of examples.
    """

    segments = 1

    def __init__(self, family: TaskFamily) -> None:
        if not isinstance(family, ClassFamily):
            raise DataError("learning without labels needs a task family that has a pool of examples")
        super().__init__(family.config)
        self.shape, self.reference_loss, self.device = family.shape, family.reference_loss, family.device
        self._examples = family.unlabelled()

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        if split != "train":
            raise ValueError(f"there are no {split} tasks without labels")
        size = size or self.size
        self.check(size, split)
        x, classes = self._draw(count, generator, size)
        support, query = x[:, :, : size.shots].flatten(1, 2), x[:, :, size.shots :].flatten(1, 2)
        labels = torch.arange(size.ways, device=self.device)
        support_y, query_y = (
            labels.repeat_interleave(each).repeat(count, 1) for each in (size.shots, size.queries)
        )
        return Episode.pairs(support, support_y, query, query_y, classes.to(self.device))

    @abstractmethod
    def _draw(self, count: int, generator: torch.Generator, size: EpisodeSize) -> tuple[Tensor, Tensor]:
        """Examples ``[T, ways, shots + queries, *input_shape]`` and the pseudo-classes ``[T, ways]``."""

    def data_hash(self) -> str:
        digest = hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode())
        digest.update(self._examples.cpu().numpy().tobytes())
        return digest.hexdigest()

    def describe(self) -> Mapping[str, object]:
        return {"input_shape": list(self.shape.input_shape), "examples": {"train": len(self._examples)}}

    def _at(self, rows: Tensor) -> Tensor:
        """The examples in these rows, ``[*rows.shape, *input_shape]``."""
        return as_floats(self._examples[rows.to(self.device)])


class AugmentedFamily(UnlabelledFamily):
    """Every example is a class of its own; its other members are changed copies of it.

    Parameters
    ----------
    family : whose meta-training examples are used.
    augmentation : how copies are changed.
    """

    def __init__(self, family: TaskFamily, augmentation: Augmentation) -> None:
        super().__init__(family)
        self._augmentation = augmentation

    def check(self, size: EpisodeSize, split: Split) -> None:
        if size.ways > len(self._examples):
            raise DataError(
                f"{size.ways} ways, but there are {len(self._examples)} examples to take as classes"
            )

    def _draw(self, count: int, generator: torch.Generator, size: EpisodeSize) -> tuple[Tensor, Tensor]:
        chosen = distinct(torch.full((count, size.ways), len(self._examples)), generator, dim=1)
        originals = self._at(chosen)[:, :, None]
        copies = size.shots + size.queries - 1
        repeated = originals.expand(-1, -1, copies, *self.shape.input_shape)
        words = self.shape.vocabulary > 0
        changed = self._augmentation.copies(repeated.flatten(0, 2), generator, words=words)
        return torch.cat([originals, changed.view(repeated.shape)], 2), chosen


class ClusteredFamily(UnlabelledFamily):
    """The classes are clusters, of one of several partitions of the examples.

    Parameters
    ----------
    family : whose meta-training examples are used.
    clusters : of each partition; None: one for every 20 examples, 500 at the most.
    count : partitions.
    components : principal components that the examples are embedded by.
    """

    def __init__(self, family: TaskFamily, clusters: int | None, count: int, components: int) -> None:
        super().__init__(family)
        clusters = clusters or min(500, max(2, len(self._examples) // 20))
        labels = partitions(self._examples.cpu(), clusters, count, components)
        self._rows = labels.argsort(dim=1, stable=True)  # of each partition, sorted by cluster
        self._counts = torch.stack([each.bincount(minlength=clusters) for each in labels])
        self._first = self._counts.cumsum(1) - self._counts

    def check(self, size: EpisodeSize, split: Split) -> None:
        able = (self._counts >= size.shots + size.queries).sum(1)
        if size.ways > int(able.max()):
            raise DataError(
                f"{size.ways} ways, but at most {int(able.max())} clusters have {size.shots + size.queries} "
                "examples, as shots and queries need; use fewer ways, shots, queries or clusters"
            )

    def _draw(self, count: int, generator: torch.Generator, size: EpisodeSize) -> tuple[Tensor, Tensor]:
        able = self._counts >= size.shots + size.queries
        usable = torch.nonzero(able.sum(1) >= size.ways)[:, 0]
        partition = usable[torch.randint(len(usable), (count,), generator=generator)]
        keys = torch.rand(count, able.shape[1], generator=generator)
        chosen = keys.masked_fill_(~able[partition], -1.0).topk(size.ways).indices
        held = self._counts[partition[:, None], chosen][:, :, None]
        members = distinct(held.expand(-1, -1, size.shots + size.queries), generator, dim=2)
        places = self._first[partition[:, None], chosen][:, :, None] + members
        return self._at(self._rows[partition[:, None, None], places]), partition[:, None] * able.shape[
            1
        ] + chosen


def distinct(held: Tensor, generator: torch.Generator, dim: int) -> Tensor:
    """Different random numbers along a dimension, in random order, below ``held`` (the same all along it).

    Time and memory do not depend on ``held`` (Floyd's algorithm: Bentley, Floyd, "A Sample of Brilliance",
    Communications of the ACM 1987).
    """
    held = held.movedim(dim, -1)
    count = held.shape[-1]
    taken: list[Tensor] = []
    for number in range(count):
        last = held[..., number] - (count - number)
        drawn = (torch.rand(last.shape, generator=generator, dtype=torch.float64) * (last + 1)).long()
        for earlier in taken:
            drawn = torch.where(earlier == drawn, -1, drawn)
        taken.append(torch.where(drawn < 0, last, drawn))
    order = torch.rand(held.shape, generator=generator).argsort(-1)
    return torch.stack(taken, -1).gather(-1, order).movedim(-1, dim)
