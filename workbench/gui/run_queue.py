"""The queue of runs: which is next, and what the person told the one that is running."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.analysis.forecast import Known, Left, left
from workbench.gui.live import Live, News
from workbench.gui.pace import Pace
from workbench.gui.run_data import RunData
from workbench.gui.run_thread import Extra, Job, RunThread
from workbench.project import Project, ProjectError
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.project import RunRecord
    from workbench.runs import Control

log = logging.getLogger(__name__)

SOONEST, LATEST = 200, 2500
"""Milliseconds between two looks at what a run tells."""

SHARE = 0.01
"""Part of the GUI thread's time that following a run may take: training waits for each of its steps."""

CAN_GO_ON = ("paused", "stopped", "interrupted", "failed")


@dataclass
class Sitting:
    """What was done since the queue was last empty.

    Attributes
    ----------
    ended : how each run ended, in that order.
    stopped : the runs that were stopped, until something else is begun.
    seconds : time at work.
    over : nothing waited any more.
    """

    ended: dict[int, str] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    seconds: float = 0.0
    over: bool = False


class RunQueue(QObject):
    """Runs the project's queued runs in order, one at a time.

    Attributes
    ----------
    changed : another run is running, or it was paused, stopped, resumed, ended.
    told : run and a sentence worth the log.
    complained : something could not be done; a sentence for the person.
    predicted : run, meta-iteration and predictions that a view asked for.
    emptied : the last run that waited is over.
    """

    changed = Signal()
    emptied = Signal()
    told = Signal(int, str)
    complained = Signal(str)
    predicted = Signal(int, int, object)

    def __init__(self, data: RunData, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._data = data
        self._project: Project | None = None
        self._live = Live()
        self._thread = RunThread(self._live, self)
        self._thread.told.connect(self._look)
        self._timer = QTimer(self)
        self._timer.setInterval(SOONEST)
        self._timer.timeout.connect(self._look)
        self._control: Control | None = None
        self._going = False
        self.running: int | None = None
        """The run on the thread: training, paused, or about to end."""

        self.preparing = ""
        """What it prepares, in words, before it trains."""

        self.waiting = ""
        """Why it waits, where the file cannot be written to."""

        self.sitting = Sitting()
        self._pace = Pace(0.0)
        self._took: dict[int, float] = {}
        self._whole = False
        self._used = 0.0

    # --- what the person says ----------------------------------------------------------------------

    def open(self, project: Project | None) -> None:
        """Take over another project; only while nothing is running."""
        assert self.running is None, "stop first"
        self._project = project
        self._going = False
        self.sitting, self._took = Sitting(), {}

    def go(self) -> None:
        """Do what is queued."""
        self._going = True
        self.sitting.stopped.clear()
        self._next()

    def resume(self, runs: list[int]) -> None:
        """Let runs go on: the paused one now, stopped and failed ones in their place in the queue."""
        if self.running in runs and self._control is not None:
            self._control.resume()
            self.changed.emit()
        others = [run for run in runs if run != self.running and self._status(run) in CAN_GO_ON]
        if others and self._project is not None:
            try:
                with self._project.transaction():
                    for run in others:
                        self._project.update_run(run, status="queued")
            except ProjectError as error:
                self.complained.emit(str(error))
            self._data.reread()
        self.go()

    def pause(self) -> None:
        """Hold the run that is running at its next event; the queue waits with it."""
        if self._control is not None:
            self._control.pause()
            self.changed.emit()

    def stop(self) -> None:
        """End the run that is running, with a checkpoint; queued runs stay queued, but wait to be told."""
        self._going = False
        if self._control is not None:
            self._control.stop()
            self.changed.emit()

    def skip(self, run: int) -> None:
        """End a run, if it is the one that is running, and go on with the next."""
        if run == self.running and self._control is not None:
            self._control.stop()
            self.changed.emit()

    def close(self) -> None:
        """Stop, wait, and take in what is left."""
        self.stop()
        self._thread.close()
        self._look()

    @property
    def pausing(self) -> bool:
        """Whether the running run was told to pause (and may still be on its way there)."""
        return self._control is not None and self._control.pausing and not self._control.stopping

    @property
    def stopping(self) -> bool:
        """Whether the running run was told to stop."""
        return self._control is not None and self._control.stopping

    def queued(self) -> list[RunRecord]:
        """The runs that wait, in their order."""
        return [each for each in self._data.runs() if each.status == "queued" and each.id != self.running]

    def doing(self, run: RunRecord) -> str:
        """What the running run does, in words; empty while it simply trains."""
        if self.waiting:
            return tr("waits for the disk")
        if self.stopping:
            return tr("stopping…")
        if self.pausing:
            return tr("paused") if run.status == "paused" else tr("pausing…")
        if self.preparing:
            return f"{self.preparing}…"
        return tr("testing…") if run.iterations >= run.iterations_planned else ""

    @property
    def speed(self) -> float:
        """Meta-iterations per second of the running run, of late; 0 where it is not known."""
        return self._pace.of_late if self.running is not None else 0.0

    def left(self, runs: list[RunRecord]) -> Left:
        """The time until these are over, of which the running run is the first, if there is one."""
        known = Known(self._data.runs(), self._data.result, self._took)
        if self.running is None:
            return left(runs, known)
        return left(runs, known, self._pace.so_far, self._pace.silent(time.monotonic()))

    def seconds_left(self, run: int) -> float | None:
        """Training time that a run still needs at the present speed; None where it is not known."""
        record = self._data.run(run)
        if record is None or run != self.running or self.pausing or not self.speed:
            return None
        return max(0, record.iterations_planned - record.iterations) / self.speed

    def compute_extra(self, extra: Extra | None) -> None:
        """Compute something at each validation; it comes back as :attr:`predicted`."""
        self._thread.extra = extra

    # --- what happens ------------------------------------------------------------------------------

    def _next(self) -> None:
        waiting = self.queued()
        if not self._going or self.running is not None or self._project is None or not waiting:
            self._going = self._going and (self.running is not None or bool(waiting))
            return
        from workbench.runs import Control

        self.running, self._control = waiting[0].id, Control()
        self._data.live = self.running
        if self.sitting.over:
            self.sitting = Sitting()
        self.preparing, self.waiting, self._pace = tr("Preparing"), "", Pace(time.monotonic())
        self._whole = not waiting[0].iterations
        self._thread.put(Job(self._project.path, self.running, self._control))
        self._used = time.thread_time()  # what was done before is no cost of following this run
        self._timer.start(SOONEST)
        self.changed.emit()

    @Slot()
    def _look(self) -> None:
        """Take in what was told since the last look."""
        used, self._used = time.thread_time() - self._used, time.thread_time()
        self._timer.setInterval(round(min(LATEST, max(SOONEST, 1000 * used / SHARE))))
        news = self._live.take()
        for run, each in news.items():
            self._take_in(run, each)
        if news:
            self._data.grew.emit(set(news))
        if any(each.begun or each.status for each in news.values()):
            self._data.listed.emit()
            self.changed.emit()
        ended = [run for run, each in news.items() if each.ended]
        if ended:
            self._data.reread()
            if any(self._status(run) == "queued" for run in ended):  # the file cannot be written to
                self._going = False
            if self._going and not self.queued():
                self.sitting.over = True
                self.emptied.emit()
                self.changed.emit()
            self._next()

    def _take_in(self, run: int, news: News) -> None:
        if news.begun:
            self._data.forget(run)
            self._data.note(run, status="running", failure="")
            self.told.emit(run, tr("started"))
        values = news.series()
        self._data.extend(run, news.first, values, news.evaluations, news.result)
        changes: dict[str, Any] = {}
        if news.iterations is not None:
            self.preparing = ""
            self._pace.add(news.iterations, time.monotonic())
            changes = {"iterations": news.iterations, "seconds": float(values["seconds"][-1])}
        elif news.evaluations:
            self.preparing = ""
        if news.preparing:
            self.preparing = news.preparing
        if news.status == "waiting":
            self.waiting = news.message or ""
            self.told.emit(run, tr("waits: {}", self.waiting))
        elif news.status is not None:
            self.waiting = ""
            changes["status"] = news.status
            if news.message:
                changes["failure"] = news.message
        if changes:
            self._data.note(run, **changes)
        if news.predictions is not None:
            self.predicted.emit(run, *news.predictions)
        if news.ended:
            self.told.emit(run, self._ended(run, news))
            self._count(run)
            self.running = self._control = self._data.live = None
            self.preparing = self.waiting = ""
            self._timer.stop()
        elif news.status == "paused":
            self._pace.hold(time.monotonic())
            self.told.emit(run, tr("paused"))
        elif news.status == "running" and not news.begun:
            self._pace.go_on(time.monotonic())

    def _count(self, run: int) -> None:
        """A run of this sitting has ended."""
        record, worked = self._data.run(run), self._pace.worked(time.monotonic())
        self.sitting.seconds += worked
        if record is None or record.status not in ("finished", "failed"):
            self.sitting.stopped.add(run)
            return
        diverged = self._data.diverged_at(record) is not None
        self.sitting.ended[run] = "diverged" if diverged else record.status
        if self._whole and record.status == "finished":
            self._took[run] = worked

    def _ended(self, run: int, news: News) -> str:
        record = self._data.run(run)
        status = tr(news.status or "")
        how = f"{status}: {news.message}" if news.message else status
        diverged = self._data.divergence([record]) if record is not None else ""
        return tr("{}, but ⚠ {}", how, diverged) if diverged else how

    def _status(self, run: int) -> str:
        record = self._data.run(run)
        return record.status if record else ""
