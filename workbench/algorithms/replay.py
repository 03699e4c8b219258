"""Meta-batches of new tasks and of remembered ones, for the algorithms that replay."""

from __future__ import annotations

import torch

from workbench.algorithms.memory import Memory
from workbench.tasks.base import Episode


class Replay:
    """ρ·T new tasks and (1 − ρ)·T that are drawn from the memory, T in every meta-batch.

    Parameters
    ----------
    share : ρ, the part that is new.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._meta_batch = 0

    def new_tasks(self, meta_batch: int) -> int:
        """Tasks that the stream gives for a meta-batch; its size is kept in mind."""
        self._meta_batch = meta_batch
        return max(1, round(self._share * meta_batch))

    def filled(self, episode: Episode, generator: torch.Generator, memory: Memory) -> Episode:
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
