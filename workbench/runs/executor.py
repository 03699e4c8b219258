"""Where runs are done, if not in this thread: what it is to begin a worker, to speak to it and to listen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.data.parcel import Parcel


@dataclass(frozen=True)
class Share:
    """What a run takes of a machine.

    Attributes
    ----------
    memory : bytes at most, as far as runs alike have told; who waits may do one that takes less or more.
    """

    threads: int
    accelerator: bool = False
    memory: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Lost:
    """A worker is gone, and how, in words."""

    how: str


class Worker(ABC):
    """One that does a run after the other, elsewhere: see :func:`workbench.runs.remote.serve`.

    Attributes
    ----------
    share : what it may take.
    run : what it does; None: it waits.
    started : whether it is there already, and does not wait for a place.
    """

    def __init__(self, share: Share, *, started: bool) -> None:
        self.share, self.started = share, started
        self.run: int | None = None

    @abstractmethod
    def send(self, message: object) -> None:
        """Say something to it; that it is gone is noticed when it is listened to."""

    @abstractmethod
    def end(self) -> None:
        """Let it go, whatever it does."""

    def wait(self) -> None:  # noqa: B027 (nothing to wait for is the usual case)
        """Return once it is gone; it was told to."""


class Executor(ABC):
    """A place for workers.

    Attributes
    ----------
    has_files : whether workers read the same files as this process.
    """

    has_files: bool = True

    @property
    @abstractmethod
    def jobs(self) -> int:
        """Runs at once."""

    @property
    @abstractmethod
    def processors(self) -> Sequence[int]:
        """How many there are, on each machine."""

    @property
    def nodes(self) -> int:
        """Machines of a cluster; 0: none but this one."""
        return 0

    @property
    def free(self) -> int | None:
        """Bytes of memory for one more worker; None: what begins workers looks after that itself."""
        return None

    @abstractmethod
    def begin(self, share: Share) -> Worker:
        """A new worker.

        Raises
        ------
        InputError
            If no machine has so much.
        """

    @abstractmethod
    def hear(self, workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, list[object]]]:
        """What workers say within so long, in order; of one that is gone, :class:`Lost` is the last."""

    def sent(self, data: Parcel) -> Callable[[], Parcel]:
        """Own data as it goes to workers that cannot read it: what they call there to have it."""
        return lambda: data


def places(processors: Sequence[int], threads: int) -> int:
    """How many runs with so many threads have their processors."""
    return sum(each // threads for each in processors)


def share_of(processors: Sequence[int], jobs: int) -> int:
    """Threads of a run, so that so many have their processors."""
    fair = (each for each in range(1, max(processors, default=1) + 1) if places(processors, each) >= jobs)
    return max(fair, default=1)
