"""Computations timed beside each other, on a machine that may have other work too."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import torch

from workbench.engine.devices import synchronise
from workbench.engine.interruption import Asked, give_up_if, nobody_asks

ROUNDS = 5
SECONDS = 3.0
"""After so long no further round is begun; twice as many and as long where the machine was contested."""

LEAST_TURN = 0.01
"""A turn takes at least so many seconds: what is short is repeated, so that the clock does not matter."""

HOPELESS = 1.5
"""What was so much slower a task than the quickest so far is not timed again."""

CONTESTED = 0.15
"""Part of a timing that threads waited for a processor, or by which its turns differed: more is not sure."""


class Watch:
    """Times what is done in a ``with``.

    Attributes
    ----------
    wall : seconds that it took.
    seconds : that it would take on a machine without other work.
    """

    def __enter__(self) -> Self:
        self._before, self._start = threads_of_this_process(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._start
        self.seconds = _alone(self.wall, self._before, threads_of_this_process())


class Timed:
    """Turns of a computation, and the seconds that it would take for a task on a machine of its own.

    Parameters
    ----------
    work : the computation.
    tasks : that are computed by it.
    device : where.
    threads : inside each of its operations.
    """

    def __init__(
        self, work: Callable[[], object], tasks: int, device: torch.device, threads: int = 1
    ) -> None:
        self._work, self._tasks, self._device, self._threads = work, tasks, device, threads
        self._repeats = 0
        self._turns: list[float] = []
        self._wall = self._alone = 0.0

    @property
    def seconds(self) -> float:
        """The least of all turns, for a task; infinite before the first, and where it cannot be computed."""
        return min(self._turns, default=math.inf)

    @property
    def sure(self) -> bool:
        """Whether its turns took equally long, and did not wait for processors."""
        if not self._turns:
            return False
        alike = statistics.median(self._turns) <= (1 + CONTESTED) * self.seconds
        return alike and self._wall <= (1 + CONTESTED) * self._alone

    def turn(self) -> None:
        """Take a turn; the first warms up, and says how often the work is repeated in a turn."""
        torch.set_num_threads(self._threads)
        watch = Watch()
        try:
            with watch:
                for _ in range(self._repeats or 1):
                    self._work()
                synchronise(self._device)
        except RuntimeError as error:  # what memory does not hold, or another device has no kernel for
            if self._device.type == "cpu" and not isinstance(error, torch.OutOfMemoryError):
                raise
            self._repeats, self._turns = 1, [math.inf]
            return
        if not self._repeats:
            self._repeats = max(1, round(LEAST_TURN / watch.wall))
            return
        self._turns.append(watch.seconds / (self._repeats * self._tasks))
        self._wall += watch.wall
        self._alone += watch.seconds


def race(timed: Sequence[Timed], asked: Asked = nobody_asks) -> None:
    """Let everyone take turns, round by round, since machines are noisy; longer where they are contested.

    Raises
    ------
    AbandonedError
        If somebody asked between two turns.
    """
    began = time.monotonic()
    for number in range(2 * ROUNDS + 1):
        best = min(timed, key=lambda each: each.seconds)
        more = 1 if best.sure else 2
        if number > more * ROUNDS or (number >= 2 and time.monotonic() - began > more * SECONDS):
            break
        for each in timed:
            if number < 2 or each.seconds <= HOPELESS * best.seconds:
                give_up_if(asked)
                each.turn()


def threads_of_this_process() -> dict[str, tuple[float, float]]:
    """Seconds that each of this process's threads has run, and waited for a processor; Linux tells."""
    found = {}
    folder = Path("/proc/self/task")
    for thread in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError, ValueError):  # one that has just ended
            run, waited, _ = (thread / "schedstat").read_text().split()
            found[thread.name] = (int(run) / 1e9, int(waited) / 1e9)
    return found


def _alone(
    wall: float, before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]
) -> float:
    """Seconds of ``wall`` that are left on a machine without other work.

    Without the waiting of the thread that waited most, of those that computed; but what one ran it runs.
    """
    spans = [
        (run - before.get(name, (0.0, 0.0))[0], waited - before.get(name, (0.0, 0.0))[1])
        for name, (run, waited) in after.items()
    ]
    most = max((run for run, _ in spans), default=wall)
    longest = max((waited for run, waited in spans if run >= most / 2), default=0.0)
    return min(wall, max(most, wall - longest))
