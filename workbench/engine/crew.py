"""Threads that share out chunks of tasks: on a CPU that beats several threads inside each small operation."""

from __future__ import annotations

import copy
import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from workbench.algorithms.base import Algorithm

Part = TypeVar("Part")
Result = TypeVar("Result")


class Crew(Generic[Part, Result]):
    """Computes parts of a whole, each thread with a copy of the algorithm, results in the parts' order.

    The copies are needed because ``functional_call`` puts a learner's weights into the network while it
    computes. Which thread computes which part changes no bit of a result.

    Parameters
    ----------
    algorithm : whose computation it is.
    make : makes the computation for one copy of it.
    threads : how many compute at once; 1 computes in the calling thread.
    """

    def __init__(
        self, algorithm: Algorithm, make: Callable[[Algorithm], Callable[[Part], Result]], threads: int
    ) -> None:
        copies = [
            algorithm,
            *(algorithm.with_network(copy.deepcopy(algorithm.network)) for _ in range(threads - 1)),
        ]
        self._idle: queue.SimpleQueue[Callable[[Part], Result]] = queue.SimpleQueue()
        for each in copies:
            self._idle.put(make(each))
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def map(self, parts: Iterable[Part]) -> Iterator[Result]:
        """The results of the parts, in their order."""
        if self._threads == 1:
            return map(self._one, parts)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="tasks")
        return self._in_turn(self._pool, parts)

    def _in_turn(self, pool: ThreadPoolExecutor, parts: Iterable[Part]) -> Iterator[Result]:
        """Only a few parts are drawn ahead, so that memory stays bounded."""
        ahead: deque[Future[Result]] = deque()
        for part in parts:
            ahead.append(pool.submit(self._one, part))
            if len(ahead) > self._threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def _one(self, part: Part) -> Result:
        compute = self._idle.get()
        try:
            return compute(part)
        finally:
            self._idle.put(compute)

    def close(self) -> None:
        """End the threads; they come back when they are needed."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
