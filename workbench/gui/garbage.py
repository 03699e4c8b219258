"""Keeps Python's cyclic garbage collector out of background threads, where it would end the program.

It runs in whichever thread happens to allocate, and destroys what it finds there: widgets and graphics
items of the GUI thread too, which Qt does not survive ("pure virtual method called").
"""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer, Slot

EVERY_MS = 1000
PAUSE = 100
"""Between two looks at everything, in times of what one took: a third of a second with ten thousand runs."""


class GarbageCollection(QObject):
    """Collects in the GUI thread, by a timer, what Python would have collected anywhere."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._next = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    @staticmethod
    def leave_alone() -> None:
        """Never look again at what is there now: libraries, which stay for good and are many objects."""
        gc.freeze()

    def close(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.enable()

    @Slot()
    def _collect(self) -> None:
        """As many generations as are due."""
        due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if due[0]:
            gc.collect(1 if due[1] else 0)
        began = time.monotonic()
        if due[2] and began >= self._next:
            gc.collect()
            ended = time.monotonic()
            self._next = ended + PAUSE * (ended - began)
