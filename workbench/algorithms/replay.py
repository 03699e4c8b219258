"""Memory of past tasks, for the algorithms that learn from them again."""

from __future__ import annotations

import torch

from workbench.algorithms.base import Algorithm
from workbench.algorithms.memory import Memory
from workbench.config import AlgorithmConfig, setting
from workbench.tasks.base import Episode


class MemoryConfig(AlgorithmConfig):
    """What remembers past tasks."""

    capacity: int = setting(500, ge=1, le=100_000, unit="tasks", help="Past tasks that are remembered.")


class ReplayConfig(MemoryConfig):
    """What mixes them into every meta-batch."""

    new_share: float = setting(
        0.5, gt=0, le=1, symbol="ρ", help="Part of each meta-batch that is new; the rest is replayed."
    )

    def new_tasks(self, meta_batch: int) -> int:
        return max(1, round(self.new_share * super().new_tasks(meta_batch)))


class Remembers(Algorithm):
    """Has a memory of past tasks; what it learns of them is its own affair."""

    config: MemoryConfig

    @property
    def capacity(self) -> int:
        return self.config.capacity


class Replays(Remembers):
    """ρ·T new tasks and (1 − ρ)·T that are drawn from the memory, T in every meta-batch; all else is as in
    the class that it is mixed into."""

    config: ReplayConfig
    _meta_batch = 0

    def new_tasks(self, meta_batch: int) -> int:
        self._meta_batch = meta_batch
        return self.config.new_tasks(meta_batch)

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        return super().prepare(self._filled(episode, generator, memory), done, generator, memory)

    def _filled(self, episode: Episode, generator: torch.Generator, memory: Memory) -> Episode:
        """The new tasks, filled up to a meta-batch.

        As long as nothing is remembered, the new tasks stand in, so that every meta-batch has one size.
        """
        new = episode.count
        missing = max(0, self._meta_batch - new)
        if not missing:
            return episode
        past = memory.draw(missing, generator)
        if past is None:
            again = torch.arange(missing, device=episode.device) % new
            past = episode.map(lambda tensor: tensor[again])
        return Episode.joined([episode, past])
