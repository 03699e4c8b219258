"""Task families that draw their episodes from a pool of labelled examples.

An episode has ``ways`` classes of one split, labelled in random order, and ``shots + queries``
different examples of each (Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra, NeurIPS 2016,
arXiv 1606.04080).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from workbench.config import SPLITS, ClassificationTaskConfig, Evaluation, Split, Suits, Training
from workbench.problems.diagnosis import Diagnosis
from workbench.tasks.base import DataError, Episode, EpisodeSize, Excerpt, TaskFamily, TaskShape
from workbench.tasks.class_cases import ClassCase, PictureFiles, as_folder
from workbench.tasks.class_splits import marked

_BRIGHT = 0.7
"""Of white, from which on edges are bright."""


class TooManyWaysError(DataError):
    """More classes are asked for than a split has; ``most`` can meet."""

    def __init__(self, message: str, most: int) -> None:
        super().__init__(message)
        self.most = most


class ImageTaskConfig(ClassificationTaskConfig):
    """A task family whose examples are images of about 28 × 28 pixels or more."""

    has = frozenset({"bounds"})
    suits = Suits(
        Training(iterations=300, meta_batch=16),
        Evaluation(episodes=300, validation_episodes=50, inner_steps=5, every=50),
    )


@dataclass(frozen=True)
class ClassPool:
    """Labelled examples, sorted by class.

    Attributes
    ----------
    examples : ``[N, *input_shape]``: uint8 (0 to 255, given out as 0 to 1), float32, or whole numbers.
    counts : the number of examples of each class.
    names : of the classes, unique: ``Balinese/character01``.
    groups : of the classes: ``Balinese``; empty for a class that has none.
    """

    examples: Tensor
    counts: tuple[int, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]


class ClassFamily(TaskFamily):
    """A family whose tasks tell classes of a pool apart; classes of different splits never meet.

    ``classes`` of an episode numbers the classes split by split: 0 to ``shape.train_classes - 1`` are the
    meta-training classes.

    Parameters
    ----------
    config : ways, shots and queries.
    pool : all examples; its memory is shared, not copied.
    members : the pool's classes in each split.
    rotations : make each meta-training class, turned by 90, 180 and 270 degrees, a class of its own
        (Santoro, Bartunov, Botvinick, Wierstra, Lillicrap, ICML 2016). Wants square images.
    look_alikes : bool ``[classes of the pool, classes of the pool]``, symmetric: classes that never
        meet in one episode. A class then does not meet its own turned copies either.
    bounds : smallest and largest value of an input; None where there are none, as in texts.
    vocabulary : as in :class:`TaskShape`.
    texts : what the examples are made of, where people would rather read that.

    Raises
    ------
    DataError
        If a split cannot give the episodes that the configuration asks for.
    """

    def __init__(
        self,
        config: ClassificationTaskConfig,
        pool: ClassPool,
        members: Mapping[Split, Sequence[int]],
        *,
        rotations: bool = False,
        look_alikes: NDArray[np.bool_] | None = None,
        bounds: tuple[float, float] | None = (0.0, 1.0),
        vocabulary: int = 0,
        texts: Sequence[str] = (),
    ) -> None:
        super().__init__(config)
        self._proportions, self._within = config.proportions, config.within is not None
        self._texts = texts
        self._pool = pool
        self._examples = pool.examples
        self._counts = torch.tensor(pool.counts)
        self._first = self._counts.cumsum(0) - self._counts
        self._members = {split: torch.tensor(members[split]) for split in SPLITS}
        self._turns = {split: 4 if rotations and split == "train" else 1 for split in SPLITS}
        self._apart = {split: _restrict(look_alikes, members[split]) for split in SPLITS}
        self._groups = {split: self._in_groups(split) for split in SPLITS}
        self._most_ways = {split: self._ways_that_always_fit(split) for split in SPLITS}
        self._scarcest = {split: min(members[split], key=pool.counts.__getitem__) for split in SPLITS}
        self.shape = TaskShape(
            config.problem(self._asked(config), weighted=config.class_weights is not None),
            tuple(pool.examples.shape[1:]),
            config.ways,
            self._classes_of("train"),
            bounds=bounds,
            vocabulary=vocabulary,
        )
        self._segment_of = self._in_segments()
        self.reference_loss = math.log(config.ways)
        for split in SPLITS:
            self.check(self.size, split)

    def _asked(self, config: ClassificationTaskConfig) -> Diagnosis | None:
        """What is to be measured of a diagnosis.

        Raises
        ------
        DataError
            If what counts as ill is no class, or tasks of a split have nothing else, or none of it.
        """
        asked = config.diagnosis
        if asked is None:
            return None
        if asked.ill is None:
            return Diagnosis((), asked.operating_point, asked.at_least)
        where = "task.diagnosis.ill"
        meant = marked(self._pool.names, self._pool.groups, asked.ill, where)
        ill: list[bool] = []
        for split in SPLITS:
            own = [meant[each] for each in self._members[split].tolist()]
            if split != "train" and len(set(own)) < 2:
                what = "every class" if all(own) else "no class"
                raise DataError(
                    f"{where}: {what} of the {split} split counts as ill; it needs some of both, "
                    "so that there is something to tell apart"
                )
            ill += own * self._turns[split]
        return Diagnosis(tuple(ill), asked.operating_point, asked.at_least)

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        size = size or self.size
        classes, turns, support, query = self._draw(split, count, generator, size, segment)
        return Episode.pairs(
            self._gather(support.rows, support.of(turns)),
            support.labels.to(self.device),
            self._gather(query.rows, query.of(turns)),
            query.labels.to(self.device),
            (classes + self._first_number(split)).to(self.device),
        )

    def excerpt(
        self,
        split: Split,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        *,
        count: int = 1,
        index: int = 0,
    ) -> Excerpt:
        size = size or self.size
        classes, turns, support, query = self._draw(split, count, generator, size)
        members = self._members[split]
        names = [self._pool.names[int(members[each % len(members)])] for each in classes[index]]
        turned = [f", turned by {90 * each} degrees" if each else "" for each in turns[index].tolist()]
        named = tuple(map(str.__add__, names, turned))
        if not self._texts:
            return Excerpt(named)
        texts = (
            tuple(
                tuple(self._texts[row] for row in each.rows[index][each.labels[index] == label].tolist())
                for label in range(len(named))
            )
            for each in (support, query)
        )
        return Excerpt(named, *texts)

    def _draw(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize,
        segment: int | None = None,
    ) -> tuple[Tensor, Tensor, _Rows, _Rows]:
        """Classes of the split and their turns ``[T, ways]``, and the rows of support and query sets."""
        self.check(size, split)
        allowed = None if segment is None or split != "train" else self._segment_of == segment
        classes = self._draw_classes(split, count, size.ways, generator, allowed)
        members = self._members[split]
        turns, drawn = classes // len(members), members[classes % len(members)]
        shots, queries = self._counts_of(drawn, size)
        rows = self._draw_examples(drawn, int((shots + queries).max()), generator)
        place = torch.arange(rows.shape[-1])
        known = place < shots[:, :, None]
        asked = ~known & (place < (shots + queries)[:, :, None])
        return classes, turns, _Rows.taken(rows, known), _Rows.taken(rows, asked)

    def _counts_of(self, drawn: Tensor, size: EpisodeSize) -> tuple[Tensor, Tensor]:
        """How many support and query examples each class has, ``[T, ways]`` each."""
        if self._proportions is None:
            return torch.full_like(drawn, size.shots), torch.full_like(drawn, size.queries)
        held = self._counts[drawn].tolist()
        parts = [in_proportion(tuple(each), size.shots, size.queries) for each in held]
        shots, queries = torch.tensor(parts).unbind(1)
        return shots, queries

    def check(self, size: EpisodeSize, split: Split) -> None:
        held, most = self._classes_of(split), self._most_ways[split]
        if split == "train" and self.segments > 1 and size.ways > (fewest := self._fewest_in_a_segment()):
            raise DataError(
                f"{size.ways} ways, but a segment of the stream has {fewest} classes that can meet; use "
                "fewer ways, or fewer segments under [task.drift]"
            )
        if size.ways > most:
            classes = f"{held} class{'es' * (held != 1)}"
            meet = "of one group" if self._within else "without look-alikes"
            alike = f", of which {most} can meet {meet}" if most < held else ""
            fewer = f"use at most {most} ways, or " if most >= 2 else ""
            raise TooManyWaysError(
                f"{size.ways} ways, but the {split} split has {classes}{alike}; "
                f"{fewer}put more classes into it",
                most,
            )
        scarcest, needed = self._scarcest[split], size.shots + size.queries
        if self._proportions is not None:
            self._check_proportions(size, split)
            return
        examples, name = self._pool.counts[scarcest], self._pool.names[scarcest]
        if examples < needed:
            raise DataError(
                f"class {name!r} of the {split} split has {examples} examples, but {size.shots} shots + "
                f"{size.queries} queries need {needed}; use fewer, or add examples"
            )

    def fewest_examples(self, split: Split) -> int:
        # in proportion to what there is, the scarcest class has fewer of a task's examples than others
        return 0 if self._proportions is not None else self._pool.counts[self._scarcest[split]]

    def _check_proportions(self, size: EpisodeSize, split: Split) -> None:
        """Refuse an episode size that the smallest classes of a split cannot give together."""
        counts, scarcest = self._pool.counts, self._scarcest[split]
        if counts[scarcest] < 2:
            raise DataError(
                f"class {self._pool.names[scarcest]!r} of the {split} split has {counts[scarcest]} example; "
                "every class needs one to learn from and one to be asked about"
            )
        least = sorted(counts[each] for each in self._members[split].tolist())[: size.ways]
        held, needed = sum(least), size.ways * (size.shots + size.queries)
        if size.ways <= len(least) and held < needed:
            raise DataError(
                f"the {size.ways} smallest classes of the {split} split have {held} examples together, but "
                f"{size.ways} × ({size.shots} shots + {size.queries} queries) are {needed}; use fewer, or "
                "add examples"
            )

    def data_hash(self) -> str:
        digest = hashlib.sha256()
        for split in SPLITS:
            members = self._members[split]
            digest.update(f"{split} {self._turns[split]} {self._counts[members].tolist()}\n".encode())
            for index in members.tolist():
                first = int(self._first[index])
                digest.update(_bytes(self._examples[first : first + self._pool.counts[index]]))
            apart = self._apart[split]
            if apart is not None:
                digest.update(_bytes(apart))
        return digest.hexdigest()

    def describe(self) -> Mapping[str, object]:
        description: dict[str, object] = {
            "input_shape": list(self.shape.input_shape),
            "classes": {split: self._classes_of(split) for split in SPLITS},
            "examples": {split: int(self._counts[self._members[split]].sum()) for split in SPLITS},
        }
        if any(self._pool.groups):
            description["groups"] = {
                split: sorted({self._pool.groups[index] for index in self._members[split].tolist()})
                for split in SPLITS
            }
        if self._turns["train"] > 1:
            description["rotations"] = "90, 180 and 270 degrees count as classes, in the train split only"
        pairs = {split: int(apart.triu(1).sum()) for split, apart in self._apart.items() if apart is not None}
        if pairs:
            description["look_alike_pairs_kept_apart"] = pairs
        return description

    def ill_among(self, names: Sequence[str]) -> list[bool] | None:
        """Which classes of a new case count as ill, by their names; None where nobody asks for that."""
        assert isinstance(self.config, ClassificationTaskConfig)
        asked = self.config.diagnosis
        if asked is None or asked.ill is None:
            return None
        ends = tuple(end for each in asked.ill for end in (f"/{each}", f"-{as_folder(each)}"))
        whole = {*asked.ill, *map(as_folder, asked.ill)}
        return [name in whole or name.endswith(ends) or self._group_of(name) in asked.ill for name in names]

    def _group_of(self, name: str) -> str:
        """The group of a class of ours, as it is called in files; empty where that is not known."""
        for own, group in zip(self._pool.names, self._pool.groups, strict=True):
            if name in (own, as_folder(own)):
                return group
        return ""

    def case_files(self) -> ClassCase:
        return PictureFiles(self)

    def names_in(self, split: Split) -> list[str]:
        return [self._pool.names[each] for each in self._members[split].tolist()]

    def every_example(self) -> Tensor:
        """The examples ``[N, *input_shape]`` of all splits, as the pool keeps them."""
        return self._examples

    def of_pixels(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, bool]:
        """New pictures ``[n, channels, height, width]`` as inputs, and whether they had to be inverted: ours
        are bright on dark."""
        inverted = bright_edges(pixels)
        return as_floats(torch.from_numpy(255 - pixels if inverted else pixels)), inverted

    def as_pixels(self, x: Tensor) -> NDArray[np.uint8]:
        """The pictures that such inputs are."""
        pixels: NDArray[np.uint8] = (x.cpu() * 255).round().to(torch.uint8).numpy()
        return pixels

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        """New texts as inputs, where the examples are texts.

        Raises
        ------
        DataError
            If they are not.
        """
        raise DataError(f"{self.title}: learns from no texts")

    def unlabelled(self) -> Tensor:
        """The meta-training examples ``[n, *input_shape]`` as the pool keeps them (without turned copies), in
        the order of their bytes: it says nothing of their classes."""
        held = [self._first[each] + torch.arange(self._pool.counts[each]) for each in self._members["train"]]
        x = self._pool.examples[torch.cat(held)]
        rows = x.flatten(1).numpy()
        whole = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))[:, 0]
        return x[torch.from_numpy(whole.argsort())].to(self.device)

    def to(self, device: torch.device) -> ClassFamily:
        super().to(device)
        self._examples = self._examples.to(device)
        return self

    def _in_segments(self) -> Tensor:
        """The segment of each meta-training class: runs of classes in their order, so group by group."""
        members = len(self._members["train"])
        return (torch.arange(members) * self.segments // members).repeat(self._turns["train"])

    def _fewest_in_a_segment(self) -> int:
        """Classes that can meet in an episode of any segment."""
        apart, members = self._apart["train"], len(self._members["train"])
        held = [torch.nonzero(self._segment_of[:members] == each)[:, 0] for each in range(self.segments)]
        return min(
            len(rows) * self._turns["train"] if apart is None else _linked_sets(apart[rows][:, rows])
            for rows in held
        )

    def _classes_of(self, split: Split) -> int:
        return len(self._members[split]) * self._turns[split]

    def _first_number(self, split: Split) -> int:
        return sum(self._classes_of(earlier) for earlier in SPLITS[: SPLITS.index(split)])

    def _ways_that_always_fit(self, split: Split) -> int:
        """Classes are taken until none is left that looks like no taken one: at least one from each
        set of classes that are linked by looking alike, whatever the order."""
        apart, groups = self._apart[split], self._groups[split]
        held = [torch.nonzero(groups == each)[:, 0] for each in sorted(set(groups.tolist()))]
        return min(
            len(rows) * self._turns[split] if apart is None else _linked_sets(apart[rows][:, rows])
            for rows in held
        )

    def _in_groups(self, split: Split) -> Tensor:
        """The number of the group of each class of a split; one for all, where tasks may mix them.

        Raises
        ------
        DataError
            If they may not, and a class has no group, or the training drifts.
        """
        members = self._members[split].tolist()
        if not self._within:
            return torch.zeros(len(members), dtype=torch.int64)
        lone = next((each for each in members if not self._pool.groups[each]), None)
        if lone is not None:
            raise DataError(
                f"task.within is 'group', but class {self._pool.names[lone]!r} has none; put it into one, or "
                "leave within out"
            )
        if self.segments > 1:
            raise DataError("task.within: tasks of one group do not drift; leave one of the two out")
        names = [self._pool.groups[each] for each in members]
        known = sorted(set(names))
        return torch.tensor([known.index(each) for each in names])

    def _draw_classes(
        self, split: Split, count: int, ways: int, generator: torch.Generator, allowed: Tensor | None
    ) -> Tensor:
        """Numbers within the split ``[count, ways]``: turn × members + member."""
        keys = torch.rand(count, self._classes_of(split), generator=generator)
        if allowed is not None:
            keys.masked_fill_(~allowed, -1.0)
        groups = self._groups[split].repeat(self._turns[split])
        if self._within:  # every class as often: a group as often as it has classes
            chosen = groups[keys.argmax(1)]
            keys.masked_fill_(groups != chosen[:, None], -1.0)
        classes = keys.topk(ways).indices
        apart = self._apart[split]
        if apart is not None:
            members = classes % len(apart)
            alike = apart[members[:, :, None], members[:, None, :]].sum((1, 2)) > ways
            classes[alike] = _greatest_apart(keys[alike], apart, ways)
        return classes

    def _draw_examples(self, classes: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Rows of the pool ``[T, ways, count]``, each at most once, in random order."""
        held = self._counts[classes][:, :, None]
        most = int(held.max())
        keys = torch.rand(*classes.shape, most, generator=generator)
        keys.masked_fill_(torch.arange(most) >= held, -1.0)
        return self._first[classes][:, :, None] + keys.topk(count).indices

    def _gather(self, rows: Tensor, turns: Tensor) -> Tensor:
        """The examples ``[T, n, *input_shape]`` in rows ``[T, n]`` of the pool, turned."""
        x = self._examples.index_select(0, rows.flatten().to(self.device))
        most = int(turns.max()) if turns.numel() else 0  # of a part without examples there are none
        for turn in range(1, most + 1):
            turned = (turns == turn).flatten().nonzero()[:, 0].to(self.device)
            x[turned] = torch.rot90(x[turned], turn, (-2, -1))
        return as_floats(x.view(len(rows), rows[0].numel(), *self.shape.input_shape))


class _Rows(NamedTuple):
    """One part of T tasks, class after class.

    Attributes
    ----------
    rows : of the pool, ``[T, n]``.
    labels : ``[T, n]``.
    """

    rows: Tensor
    labels: Tensor

    @classmethod
    def taken(cls, rows: Tensor, mask: Tensor) -> Self:
        """Those of rows ``[T, ways, m]`` that are taken, as many of each task."""
        labels = torch.arange(rows.shape[1])[:, None].expand(rows.shape)
        return cls(*(each[mask].view(len(rows), -1) for each in (rows, labels)))

    def of(self, values: Tensor) -> Tensor:
        """What is said of the classes ``[T, ways]``, of each example."""
        return values.gather(1, self.labels)


@lru_cache(maxsize=4096)
def in_proportion(held: tuple[int, ...], shots: int, queries: int) -> tuple[list[int], list[int]]:
    """How many support and query examples each class of a task has, where it is in proportion to how many
    there are: as many together as with so many shots and queries of each, and one of each class at least.

    Parameters
    ----------
    held : examples of each class.
    """
    ways = len(held)
    both = _shared(ways * (shots + queries), held, [2] * ways, list(held))
    known = _shared(ways * shots, both, [1] * ways, [each - 1 for each in both])
    return known, [each - own for each, own in zip(both, known, strict=True)]


def _shared(total: int, weights: Sequence[int], least: Sequence[int], most: Sequence[int]) -> list[int]:
    """A number of things shared out in proportion to weights, one after the other to who lacks most, within
    the limits of each (Hamilton's method where these do not matter)."""
    exact = [total * each / sum(weights) for each in weights]
    found = [
        min(high, max(low, math.floor(each))) for each, low, high in zip(exact, least, most, strict=True)
    ]
    while (missing := total - sum(found)) != 0:
        step = 1 if missing > 0 else -1
        free = [at for at, each in enumerate(found) if (each < most[at] if step > 0 else each > least[at])]
        found[max(free, key=lambda at: step * (exact[at] - found[at]))] += step
    return found


def _restrict(look_alikes: NDArray[np.bool_] | None, members: Sequence[int]) -> Tensor | None:
    """The look-alikes within a split; every class looks like itself."""
    if look_alikes is None:
        return None
    apart = torch.from_numpy(look_alikes[np.ix_(members, members)])
    return apart.fill_diagonal_(True)


def _linked_sets(apart: Tensor) -> int:
    """Sets of classes that are linked by looking alike."""
    sets, _ = connected_components(csr_array(apart.numpy()), directed=False)
    return int(sets)


def _greatest_apart(keys: Tensor, apart: Tensor, ways: int) -> Tensor:
    """In each row the classes with the greatest keys, passing over look-alikes of one taken before."""
    keys = keys.clone()
    turns = keys.shape[1] // len(apart)
    taken = []
    for _ in range(ways):
        best = keys.argmax(1)
        keys.masked_fill_(apart[best % len(apart)].repeat(1, turns), -1.0)
        taken.append(best)
    return torch.stack(taken, 1)


def as_floats(x: Tensor) -> Tensor:
    """Examples of a pool as numbers: pixels from 0 to 1, all else as it is."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x.float()


def bright_edges(pixels: NDArray[np.uint8]) -> bool:
    """Whether most pictures ``[n, channels, height, width]`` have bright edges, as dark ink on paper has."""
    edges = (pixels[..., 0, :], pixels[..., -1, :], pixels[..., :, 0], pixels[..., :, -1])
    brightness = sum(edge.mean((1, 2)) for edge in edges) / (len(edges) * 255)
    return bool(np.median(brightness) > _BRIGHT)


def _bytes(tensor: Tensor) -> bytes:
    array = tensor.cpu().contiguous().numpy()
    return f"{array.dtype.str} {array.shape}\n".encode() + array.tobytes()
