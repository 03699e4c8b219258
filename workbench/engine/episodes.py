"""Where a run's episodes come from: each a function of a seed and a position, never of what was drawn before.

That makes a stream the same for every algorithm, and a resume exact without any state to save.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from operator import itemgetter

import numpy as np
import torch
from torch import Tensor

from workbench.config import SPLITS, Split
from workbench.engine.distinct import Seen
from workbench.engine.interruption import Asked, give_up_if, nobody_asks
from workbench.tasks.base import Episode, EpisodeSize, Excerpt, TaskFamily

BLOCK_NUMBERS = 1_000_000
"""About how many numbers are drawn at once: small episodes are cheaper by the dozen."""

MEASURED, SEGMENT, FITTED, ATTACKED, PREPARED, REMEMBERED = 2, 4, 5, 6, 7, 8
SHUFFLED, ACTED = 9, 10
FIXED, CHOSEN, NOISED, AUDITED = 11, 12, 13, 14
"""What randomness is for, one path each: measuring, segments of a stream, fitting, attacks, an algorithm's
own preparation of a meta-batch, its memory, parts of a meta-batch, who acts in trials; private tasks, which
of them are chosen, noise, and fresh ones beside them. 0 is initial weights, 1 training, 3 pictures."""

MOST_ITERATIONS = 64
FROZEN_BLOCK = 50
FIXED_BLOCK = 1000
KEPT_NUMBERS = 64_000_000


def seeded(*path: int) -> torch.Generator:
    """A CPU generator for one purpose; different paths give independent generators."""
    words = np.random.SeedSequence(path).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))


def numbers_of(family: TaskFamily, split: Split, size: EpisodeSize) -> int:
    """How many numbers the data of one task has, whatever it holds: one is drawn to see."""
    return family.sample(split, 1, seeded(0), size).numbers


class TrainingEpisodes:
    """The meta-batches of a run, by meta-iteration.

    Parameters
    ----------
    family : draws the tasks, from its ``train`` split.
    size : ways, shots and queries of a training episode.
    meta_batch : T, tasks in a meta-batch.
    seed : the run's seed.
    segment_of : the segment of the stream that a meta-iteration belongs to, where it drifts.
    """

    def __init__(
        self,
        family: TaskFamily,
        size: EpisodeSize,
        meta_batch: int,
        seed: int,
        segment_of: Callable[[int], int | None] = lambda iteration: None,
    ) -> None:
        self._family, self._size, self._meta_batch, self._seed = family, size, meta_batch, seed
        self._segment_of = segment_of
        numbers = numbers_of(family, "train", size)
        self._iterations = max(1, min(MOST_ITERATIONS, BLOCK_NUMBERS // (meta_batch * numbers)))
        self._number = -1
        self._block: Episode

    def __getitem__(self, iteration: int) -> Episode:
        """The meta-batch of a meta-iteration (from 0)."""
        number, offset = divmod(iteration, self._iterations)
        if number != self._number:
            self._block, self._number = self._drawn(number), number
        return self._block.tasks(offset * self._meta_batch, (offset + 1) * self._meta_batch)

    def _drawn(self, number: int) -> Episode:
        """The tasks of the block of that number, segment after segment."""
        generator = seeded(self._seed, 1, number)
        first = number * self._iterations
        segments = Counter(self._segment_of(first + each) for each in range(self._iterations))
        return Episode.joined(
            [
                self._family.sample("train", count * self._meta_batch, generator, self._size, segment)
                for segment, count in segments.items()
            ]
        )


class FixedTasks:
    """A fixed number of training tasks: each a function of the seed and of its number.

    Parameters
    ----------
    family, size, seed : as of :class:`TrainingEpisodes`.
    count : N.
    """

    def __init__(self, family: TaskFamily, size: EpisodeSize, count: int, seed: int) -> None:
        self._family, self._size, self._count, self._seed = family, size, count, seed
        small = count * numbers_of(family, "train", size) <= KEPT_NUMBERS
        self._block = FIXED_BLOCK if small else 1
        self._kept = (
            Episode.joined([self._drawn(at) for at in range(0, count, FIXED_BLOCK)]) if small else None
        )

    def __getitem__(self, numbers: Tensor) -> Episode:
        """The tasks of these numbers (from 0)."""
        if self._kept is not None:
            return self._kept.map(itemgetter(numbers.to(self._kept.device)))
        return Episode.joined([self._drawn(at) for at in numbers.tolist()])

    def _drawn(self, first: int) -> Episode:
        count = min(self._block, self._count - first)
        return self._family.sample("train", count, seeded(self._seed, FIXED, first), self._size)


def frozen_episode(
    family: TaskFamily, split: Split, size: EpisodeSize, count: int, seed: int, index: int
) -> tuple[Episode, Excerpt | None]:
    """One of the frozen episodes that runs are measured on, and what it is in words.

    Parameters
    ----------
    count, seed : how many there are, and the evaluation's seed.
    index : its number, from 0.
    """
    number, at = divmod(index, FROZEN_BLOCK)
    drawn = min(FROZEN_BLOCK, count - number * FROZEN_BLOCK)
    path = (seed, MEASURED, SPLITS.index(split), number)
    told = family.excerpt(split, seeded(*path), size, count=drawn, index=at)
    return frozen_tasks(family, split, size, count, seed, index, 1), told


def frozen_tasks(
    family: TaskFamily, split: Split, size: EpisodeSize, count: int, seed: int, first: int, tasks: int
) -> Episode:
    """Some of them, one after the other, of which no others are drawn than those of their blocks.

    Parameters
    ----------
    first, tasks : the number of the first, from 0, and how many; they are among the ``count``.
    """
    start, stop = first // FROZEN_BLOCK, -(-(first + tasks) // FROZEN_BLOCK)
    blocks = [
        family.sample(
            split,
            min(FROZEN_BLOCK, count - number * FROZEN_BLOCK),
            seeded(seed, MEASURED, SPLITS.index(split), number),
            size,
        )
        for number in range(start, stop)
    ]
    at = first - start * FROZEN_BLOCK
    return Episode.joined(blocks).tasks(at, at + tasks)


class FrozenEpisodes:
    """Evaluation episodes: drawn from their own seed, the same for every algorithm and every run.

    Parameters
    ----------
    family, split, size : what is drawn.
    count : number of episodes.
    seed : the evaluation's seed, not a run's.
    asked : asked before each block whether to give up, with an ``AbandonedError``.
    purpose : a stream of its own for each.
    segment : of a drifting stream, if only that is wanted.
    reference : the loss that ten times of is diverged, see :meth:`~workbench.problems.Problem.diverged`.

    Attributes
    ----------
    hash : SHA-256 of all of them, and of the versions that they are made by.
    seen : which of them are the same, and what stands behind them.
    """

    def __init__(
        self,
        family: TaskFamily,
        split: Split,
        size: EpisodeSize,
        count: int,
        seed: int,
        asked: Asked = nobody_asks,
        *,
        purpose: int = MEASURED,
        segment: int | None = None,
        reference: float | None = None,
    ) -> None:
        self.reference = reference
        self._family, self.split, self.size, self.count, self.seed = family, split, size, count, seed
        self._path = (purpose,) if segment is None else (purpose, segment)
        self._segment = segment
        self._asked = asked
        small = count * numbers_of(family, split, size) <= KEPT_NUMBERS
        self._kept: list[Episode] | None = list(self._draw()) if small else None
        digest, self.seen = hashlib.sha256(), Seen()
        for block in self:
            digest.update(block.hash().encode())
            self.seen.add(block)
        for name, version in sorted(family.versions.items()):
            digest.update(f"{name} {version}\n".encode())
        self.hash = digest.hexdigest()

    def __iter__(self) -> Iterator[Episode]:
        """Blocks of up to ``FROZEN_BLOCK`` episodes; drawn again each time where they are large."""
        return self._draw() if self._kept is None else iter(self._kept)

    def _draw(self) -> Iterator[Episode]:
        split = SPLITS.index(self.split)
        for number, start in enumerate(range(0, self.count, FROZEN_BLOCK)):
            give_up_if(self._asked)
            generator = seeded(self.seed, *self._path, split, number)
            count = min(FROZEN_BLOCK, self.count - start)
            yield self._family.sample(self.split, count, generator, self.size, self._segment)
