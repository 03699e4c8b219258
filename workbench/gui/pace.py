"""How fast a run is, and how long it has been at work."""

from __future__ import annotations

from collections import deque


class Pace:
    """The pace of a run, by the times at which it told how far it is; pauses left out.

    Parameters
    ----------
    now : seconds on any clock that never goes back, here and below.
    """

    WINDOW = 4.0

    def __init__(self, now: float) -> None:
        self._seen: deque[tuple[int, float]] = deque()
        self._first: tuple[int, float] | None = None
        self._since: float | None = now
        self._worked = 0.0

    def add(self, iterations: int, now: float) -> None:
        """So many meta-iterations are done."""
        self._first = self._first or (iterations, now)
        self._seen.append((iterations, now))
        while len(self._seen) > 2 and now - self._seen[0][1] > self.WINDOW:
            self._seen.popleft()

    def hold(self, now: float) -> None:
        """It is paused."""
        self._worked, self._since = self.worked(now), None

    def go_on(self, now: float) -> None:
        """It is paused no more."""
        self._seen.clear()
        self._worked = self.worked(now)
        self._first, self._since = None, now

    def worked(self, now: float) -> float:
        """Seconds at work so far."""
        return self._worked + (now - self._since if self._since is not None else 0.0)

    def silent(self, now: float) -> float:
        """Seconds since the last meta-iteration was told."""
        return now - self._seen[-1][1] if self._seen and self._since is not None else 0.0

    @property
    def of_late(self) -> float:
        """Meta-iterations per second over the last few seconds; 0 where it is not known."""
        return _rate(self._seen[0], self._seen[-1]) if self._seen else 0.0

    @property
    def so_far(self) -> float:
        """The same since it began or went on, validations included."""
        return _rate(self._first, self._seen[-1]) if self._first is not None and self._seen else 0.0


def _rate(first: tuple[int, float], last: tuple[int, float]) -> float:
    return (last[0] - first[0]) / (last[1] - first[1]) if last[1] > first[1] else 0.0
