"""Which of many episodes are the same, and how many examples and classes stand behind them.

Small pools give few distinct episodes however many are drawn: two classes of three pictures give nine
one-shot support sets. What repeats an episode says nothing new, so it must not narrow an interval.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbench.tasks.base import Data, Episode, ways

Keys = NDArray[np.uint64]
LANES = 256
NO_KEYS: Keys = np.empty(0, np.uint64)
_FACTORS: Keys = np.random.default_rng(20170406).integers(1, 2**63, LANES, np.uint64) * 2 + 1


@dataclass
class Seen:
    """What was seen of a list of episodes so far."""

    _episodes: list[Keys] = field(default_factory=list)
    _examples: list[Keys] = field(default_factory=list)
    _classes: set[int] = field(default_factory=set)

    def add(self, block: Episode) -> None:
        """Take up a block of episodes."""
        sets = block.support, block.query
        if "classes" in block.support:  # which label stands for which class is no part of a task
            self._classes.update(block.support["classes"].flatten().tolist())
            labels = [data["y"].cpu().numpy() for data in sets]
            examples = [_examples(data, ("y", "classes")) for data in sets]
        else:
            examples = [_examples(data) for data in sets]
            labels = [np.zeros(each.shape, np.int64) for each in examples]
        self._examples += [each.ravel() for each in examples]
        by_class = [
            mixed(*(_sum(each, of == label) for each, of in zip(examples, labels, strict=True)))
            for label in range(ways(block.support) or 1)
        ]
        episodes: Keys = np.sum([mixed(each) for each in by_class], axis=0, dtype=np.uint64)
        for hidden in block.task.values():
            episodes = mixed(episodes, keys(hidden, 1))
        self._episodes.append(episodes)

    @property
    def episode(self) -> NDArray[np.int64]:
        """The number of each episode, ``[tasks]``: the same for the same support and query sets, from 0.

        The order of examples does not matter, nor which label stands for which class.
        """
        every = np.concatenate([NO_KEYS, *self._episodes])
        _, first, number = np.unique(every, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[number].astype(np.int64)

    def summary(self) -> dict[str, int]:
        """How many distinct episodes, classes (0 in regression) and examples."""
        return {
            "distinct_episodes": len(np.unique(self.episode)),
            "distinct_classes": len(self._classes),
            "distinct_examples": len(np.unique(np.concatenate([NO_KEYS, *self._examples]))),
        }


def _examples(data: Data, without: tuple[str, ...] = ()) -> Keys:
    """A number for the content of each example of a support or query set, ``[T, n]``."""
    each = (keys(values, 2) for name, values in data.items() if name not in without)
    return functools.reduce(mixed, each)


def keys(values: Tensor, kept: int) -> Keys:
    """A number for the content behind the first ``kept`` dimensions: equal contents, equal numbers.

    Every byte is read once: words of eight bytes are a polynomial in each lane, and the lanes are mixed,
    modulo 2⁶⁴. That is several times as fast as a cryptographic digest, which is not needed here.
    """
    shape = values.shape[:kept]
    rows = values.detach().cpu().reshape(int(np.prod(shape)), -1).contiguous().numpy()
    if rows.shape[1] * rows.itemsize % 8:
        words = rows.view(f"u{rows.itemsize}").astype(np.uint64)
    else:
        words = rows.view(np.uint64)
    lanes = words[:, :LANES].copy()
    for start in range(LANES, words.shape[1], LANES):
        part = words[:, start : start + LANES]
        lanes[:, : part.shape[1]] *= _FACTORS[0]
        lanes[:, : part.shape[1]] += part
    return _sum(mixed(lanes * _FACTORS[: lanes.shape[1]])).reshape(shape)


def mixed(key: Keys, other: Keys | None = None) -> Keys:
    """A key whose every bit depends on every bit of one (or two, in this order); splitmix64's finish."""
    key = key if other is None else mixed(key) * np.uint64(3) + other
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


def _sum(key: Keys, where: NDArray[np.bool_] | None = None) -> Keys:
    """The sum over the last dimension, modulo 2⁶⁴, of the keys that count."""
    key = key if where is None else np.where(where, mixed(key), np.uint64(0))
    return np.asarray(key.sum(-1, dtype=np.uint64))
