"""Background jobs: one thread that does them in turn, and answers in the GUI thread."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from PySide6.QtCore import QObject, QThread, Signal, Slot

T = TypeVar("T")
Progress = Callable[[float, str], None]

log = logging.getLogger(__name__)

STACK_BYTES = 16 * 2**20  # macOS gives threads 512 KB, too little for torch


class Cancelled(Exception):  # noqa: N818 (nothing went wrong)
    """Raised inside a job, at its next report of progress, once nobody waits for it."""


@dataclass(frozen=True)
class _Job:
    """What the thread sees. Who is answered stays in the GUI thread: a widget must not die on this one."""

    key: str
    what: str
    work: Callable[[Progress], object]


class _Asked(NamedTuple):
    job: _Job
    done: Callable[[Any], object]
    failed: Callable[[Exception], object]


class _Thread(QThread):
    answered = Signal(object, object, object)  # job, value, exception or None
    reported = Signal(object, float, str)
    begun = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, _Job] = OrderedDict()
        self._current: _Job | None = None
        self._dropped = self._closing = False

    def put(self, job: _Job) -> None:
        with self._changed:
            self._forget(job.key)
            self._waiting[job.key] = job
            self._changed.notify()

    def forget(self, key: str) -> None:
        with self._changed:
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._waiting.pop(key, None)
        if self._current is not None and self._current.key == key:
            self._dropped = True

    def close(self) -> None:
        with self._changed:
            self._closing = self._dropped = True
            self._waiting.clear()
            self._changed.notify()
        self.wait()

    def run(self) -> None:
        while True:
            with self._changed:
                self._current = None
                self._changed.wait_for(lambda: self._closing or self._waiting)
                if self._closing:
                    return
                _, job = self._waiting.popitem(last=False)
                self._current, self._dropped = job, False
            self.begun.emit(job.what)
            self._do(job)
            del job
            with self._changed:
                if not self._waiting:
                    self.begun.emit("")

    def _do(self, job: _Job) -> None:
        def progress(done: float, text: str) -> None:
            if self._dropped:
                raise Cancelled
            self.reported.emit(job, done, text)

        value, error = None, None
        try:
            value = job.work(progress)
        except Cancelled:
            return
        except Exception as raised:
            error = raised
        with self._changed:
            if self._dropped:
                return
        self.answered.emit(job, value, error)


class Worker(QObject):
    """One background thread that does jobs in turn and answers in the GUI thread.

    Attributes
    ----------
    busy : what it is doing, in words; empty when it has nothing to do.
    progressed : key, part done (0 to 1) and text of the job that runs.
    """

    busy = Signal(str)
    progressed = Signal(str, float, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: dict[str, _Asked] = {}
        self._thread = _Thread(self)
        self._thread.answered.connect(self._answer)
        self._thread.reported.connect(self._report)
        self._thread.begun.connect(self._begin)

    def submit(
        self,
        key: str,
        what: str,
        job: Callable[[Progress], T],
        done: Callable[[T], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Do a job later on the thread; ``done`` or ``failed`` is called in the GUI thread.

        Parameters
        ----------
        key : a newer job of the same key takes the place of one that waits, and the answer of one that
            is running is dropped.
        what : what the window says meanwhile.
        job : called with a function that takes the part done and a text, and ends a job that nobody
            waits for any more.
        """
        self._newest[key] = _Asked(_Job(key, what, job), done, failed)
        self._thread.put(self._newest[key].job)
        if not self._thread.isRunning():
            self._thread.start()

    def cancel(self, key: str) -> None:
        """Forget the jobs of a key; one that runs ends at its next report of progress."""
        self._newest.pop(key, None)
        self._thread.forget(key)

    def waits_for(self, key: str) -> bool:
        """Whether a job of that key is yet to be answered."""
        return key in self._newest

    def close(self) -> None:
        """Drop everything and end the thread, when the job that runs lets it."""
        self._newest.clear()
        self._thread.close()

    @Slot(str)
    def _begin(self, what: str) -> None:
        self.busy.emit(what)

    @Slot(object, float, str)
    def _report(self, job: _Job, done: float, text: str) -> None:
        if self._asked(job) is not None:
            self.progressed.emit(job.key, done, text)

    @Slot(object, object, object)
    def _answer(self, job: _Job, value: object, error: Exception | None) -> None:
        asked = self._asked(job)
        if asked is None:
            return
        del self._newest[job.key]
        if error is None:
            asked.done(value)
        else:
            log.debug("%s", job.what, exc_info=error)
            asked.failed(error)

    def _asked(self, job: _Job) -> _Asked | None:
        """Who waits for a job; None once it is superseded."""
        asked = self._newest.get(job.key)
        return asked if asked is not None and asked.job is job else None
