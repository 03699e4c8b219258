"""A reservoir of past tasks: Vitter, "Random Sampling with a Reservoir", ACM Transactions on Mathematical
Software 1985 (algorithm R).

Each task that the stream has given so far is in it with the same probability, capacity / tasks seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from workbench.tasks.base import Episode


class Memory:
    """Past tasks.

    Every task is a function of the seed and of where it stood in the stream, so a checkpoint keeps the
    places only, and the tasks are drawn again.

    Parameters
    ----------
    capacity : the most tasks that are remembered.

    Attributes
    ----------
    seen : tasks that the stream has given so far.
    places : int64 ``[n, 2]``: the meta-iteration that each remembered task came in, and its number there.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.seen = 0
        self.places = torch.empty(0, 2, dtype=torch.int64)
        self._tasks: list[Episode] = []

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, episode: Episode, iteration: int, generator: torch.Generator) -> None:
        """Let every task of an episode in with its due probability, in the place of a random one."""
        for number in range(episode.count):
            self.seen += 1
            slot = len(self._tasks)
            if slot >= self.capacity:
                slot = int(torch.randint(self.seen, (), generator=generator))
                if slot >= self.capacity:
                    continue
            place = torch.tensor([[iteration, number]])
            task = episode.tasks(number, number + 1).map(torch.clone)  # not the whole block
            if slot == len(self._tasks):
                self._tasks.append(task)
                self.places = torch.cat([self.places, place])
            else:
                self._tasks[slot] = task
                self.places[slot] = place

    def draw(self, count: int, generator: torch.Generator) -> Episode | None:
        """``count`` remembered tasks: different ones, as long as there are enough; None if there are none."""
        if not self._tasks or not count:
            return None
        chosen: list[int] = []
        while len(chosen) < count:
            chosen += torch.randperm(len(self._tasks), generator=generator).tolist()
        return Episode.joined([self._tasks[index] for index in chosen[:count]])

    def counts(self, segment_of: Callable[[int], int]) -> dict[int, int]:
        """How many remembered tasks came from each segment of the stream."""
        counts = Counter(segment_of(iteration) for iteration in self.places[:, 0].tolist())
        return dict(sorted(counts.items()))

    def restore(self, places: Tensor, seen: int, tasks_of: Callable[[int], Episode]) -> None:
        """Go back to what was remembered; ``tasks_of`` gives the new tasks of a meta-iteration."""
        self.places, self.seen = places.clone(), seen
        tasks: dict[int, Episode] = {}
        order = sorted(range(len(places)), key=lambda row: int(places[row, 0]))
        for row in order:  # so that the stream is gone through once
            iteration, number = places[row].tolist()
            tasks[row] = tasks_of(iteration).tasks(number, number + 1).map(torch.clone)
        self._tasks = [tasks[row] for row in range(len(places))]
