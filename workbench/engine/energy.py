"""Energy that a machine's processors take, where the platform tells: Linux, by RAPL ("running average power
limit", Intel and AMD), and there to whom may read its counters.

It is that of whole packages with all that runs on them; other devices and most memory are no part of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from workbench.engine.interruption import Asked

POWERCAP = Path("/sys/class/powercap")
Phase = Literal["training", "validation", "test"]
MICRO = 1e-6


class Energy:
    """Joules that the packages take, by phase of a run.

    Attributes
    ----------
    joules : by phase so far; None where the platform does not tell, or has not told all the time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0.0
        self._counters: dict[Path, tuple[float, float]] = {}  # its last number, and where it goes round
        try:
            for zone in sorted(POWERCAP.glob("intel-rapl:*")):
                if (zone / "name").read_text().startswith("package"):  # cores and the like are parts of one
                    counter = zone / "energy_uj"
                    self._counters[counter] = _number(counter), _number(zone / "max_energy_range_uj")
        except (OSError, ValueError):
            self._counters = {}
        self.joules: dict[Phase, float] | None = (
            dict.fromkeys(get_args(Phase), 0.0) if self._counters else None
        )

    def watched(self, asked: Asked) -> Asked:
        """The same question; who asks it has the counters read, which go round within minutes or hours."""

        def watching() -> bool:
            self._read()
            return asked()

        return watching if self._counters else asked

    @contextmanager
    def spent(self, phase: Phase) -> Iterator[None]:
        """Count what is taken meanwhile; work that is given up does not count."""
        before = self._read()
        yield
        after = self._read()
        if self.joules is not None:
            self.joules[phase] += after - before

    def go_on(self, joules: dict[Phase, float] | None) -> None:
        """Take up what a run took before, which is not known where it was not told there or is not here."""
        if self.joules is not None and joules is not None:
            self.joules |= joules
        else:
            self.joules = None

    def _read(self) -> float:
        """Joules since the beginning."""
        with self._lock:
            try:
                for counter, (before, range_) in self._counters.items():
                    now = _number(counter)
                    self._taken += MICRO * (now - before + (range_ if now < before else 0))
                    self._counters[counter] = now, range_
            except (OSError, ValueError):
                self._counters, self.joules = {}, None
            return self._taken


def _number(file: Path) -> float:
    return float(int(file.read_text()))
