"""The queue of runs: which is next, and what the person told the one that is running."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.analysis.forecast import Known, Left, left
from workbench.gui import place
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


@dataclass
class Going:
    """A run on its way: training, paused, or about to end.

    Attributes
    ----------
    pace : how fast it is.
    whole : whether it was begun at its beginning.
    preparing : what it prepares, in words, before it trains.
    waiting : why it waits, where the file cannot be written to.
    """

    pace: Pace
    whole: bool
    preparing: str = ""
    waiting: str = ""


class RunQueue(QObject):
    """Runs the project's queued runs in order, one at a time or several, as the person prefers.

    Attributes
    ----------
    going : the runs on their way, in the order in which they were begun.
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
        self._place = place.Place()
        self._going = False
        self.going: dict[int, Going] = {}
        self.sitting = Sitting()
        self._took: dict[int, float] = {}
        self._used = 0.0

    # --- what the person says ----------------------------------------------------------------------

    def open(self, project: Project | None) -> None:
        """Take over another project; only while nothing is running."""
        assert not self.going, "stop first"
        self._project = project
        self._going = False
        self.sitting, self._took = Sitting(), {}

    def go(self) -> None:
        """Do what is queued."""
        self._going = True
        self.sitting.stopped.clear()
        self._next()

    def resume(self, runs: list[int]) -> None:
        """Let runs go on: paused ones now, stopped and failed ones in their place in the queue."""
        if self._control is not None and not self.going.keys().isdisjoint(runs):
            self._control.resume()
            self.changed.emit()
        others = [run for run in runs if run not in self.going and self._status(run) in CAN_GO_ON]
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
        """Hold what is running at its next event; the queue waits with it."""
        if self._control is not None:
            self._control.pause()
            self.changed.emit()

    def stop(self) -> None:
        """End what is running, with checkpoints; queued runs stay queued, but wait to be told."""
        self._going = False
        if self._control is not None:
            self._control.stop()
            self.changed.emit()

    def skip(self, run: int) -> None:
        """End a run, if it is running, and go on with the next."""
        if run not in self.going or self._control is None:
            return
        if self._place.is_here:
            self._control.stop()
        else:
            self._thread.skip(run)
        self.changed.emit()

    def close(self) -> None:
        """Stop, wait, and take in what is left."""
        self.stop()
        self._thread.close()
        self._look()

    @property
    def running(self) -> int | None:
        """The run on its way that was begun first; None: nothing is running."""
        return next(iter(self.going), None)

    @property
    def nodes(self) -> int:
        """Machines of the cluster that does the runs; 0: none does."""
        return self._thread.nodes

    @property
    def waiting(self) -> str:
        """Why runs wait, where the file cannot be written to."""
        return next((each.waiting for each in self.going.values() if each.waiting), "")

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
        return [each for each in self._data.runs() if each.status == "queued" and each.id not in self.going]

    def doing(self, run: RunRecord) -> str:
        """What a running run does, in words; empty while it simply trains."""
        going = self.going.get(run.id)
        if going is None:
            return ""
        if going.waiting:
            return tr("waits for the disk")
        if self.stopping:
            return tr("stopping…")
        if self.pausing:
            return tr("paused") if run.status == "paused" else tr("pausing…")
        if going.preparing:
            return f"{going.preparing}…"
        return tr("testing…") if run.iterations >= run.iterations_planned else ""

    @property
    def speed(self) -> float:
        """Meta-iterations per second of all that is running, of late; 0 where it is not known."""
        return sum(each.pace.of_late for each in self.going.values())

    def left(self, runs: list[RunRecord]) -> Left:
        """The time until these are over, of which the running ones are the first, if there are any."""
        known = Known(self._data.runs(), self._data.result, self._took)
        if self.running is None:
            return left(runs, known)
        pace, several = self.going[self.running].pace, len(self.going)
        found = left(runs, known, pace.so_far, pace.silent(time.monotonic()))
        if several == 1 or found.seconds is None:
            return found
        return Left(found.seconds / several, guessed=True)

    def seconds_left(self, run: int) -> float | None:
        """Training time that a run still needs at the present speed; None where it is not known."""
        record, going = self._data.run(run), self.going.get(run)
        if record is None or going is None or self.pausing or not going.pace.of_late:
            return None
        return max(0, record.iterations_planned - record.iterations) / going.pace.of_late

    def compute_extra(self, extra: Extra | None) -> None:
        """Compute something at each validation; it comes back as :attr:`predicted`."""
        self._thread.extra = extra

    # --- what happens ------------------------------------------------------------------------------

    def _next(self) -> None:
        waiting = self.queued()
        if not self._going or self._project is None or not waiting:
            self._going = self._going and (bool(self.going) or bool(waiting))
            return
        if not self.going:
            from workbench.runs import Control

            self._control, self._place = Control(), place.kept()
            if self.sitting.over:
                self.sitting = Sitting()
        if self._control is None or self._control.wanted:
            return
        most = 1 if self._place.is_here else self._thread.at_once
        for run in waiting[: max(0, most - len(self.going))]:
            self.going[run.id] = Going(Pace(time.monotonic()), not run.iterations, tr("Preparing"))
            self._data.live.add(run.id)
            self._thread.put(Job(self._project.path, run.id, self._control, self._place))
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
            if self._going and not self.queued() and not self.going:
                self.sitting.over = True
                self.emptied.emit()
                self.changed.emit()
        self._next()

    def _take_in(self, run: int, news: News) -> None:
        if news.begun:
            self._data.forget(run)
            self._data.note(run, status="running", failure="")
            self.told.emit(run, tr("started"))
        going, values = self.going[run], news.series()
        self._data.extend(run, news.first, values, news.evaluations, news.result)
        changes: dict[str, Any] = {}
        if news.iterations is not None:
            going.preparing = ""
            going.pace.add(news.iterations, time.monotonic())
            changes = {"iterations": news.iterations, "seconds": float(values["seconds"][-1])}
        elif news.evaluations:
            going.preparing = ""
        if news.preparing:
            going.preparing = news.preparing
        if news.status == "waiting":
            going.waiting = news.message or ""
            self.told.emit(run, tr("waits: {}", going.waiting))
        elif news.status is not None:
            going.waiting = ""
            changes["status"] = news.status
            if news.message:
                changes["failure"] = news.message
        if changes:
            self._data.note(run, **changes)
        if news.predictions is not None:
            self.predicted.emit(run, *news.predictions)
        if news.ended:
            self.told.emit(run, self._ended(run, news))
            self._count(run, going)
            del self.going[run]
            self._data.live.discard(run)
            if not self.going:
                self._control = None
                self._timer.stop()
        elif news.status == "paused":
            going.pace.hold(time.monotonic())
            self.told.emit(run, tr("paused"))
        elif news.status == "running" and not news.begun:
            going.pace.go_on(time.monotonic())

    def _count(self, run: int, going: Going) -> None:
        """A run of this sitting has ended."""
        record, worked = self._data.run(run), going.pace.worked(time.monotonic())
        self.sitting.seconds += worked / len(self.going)
        if record is None or record.status not in ("finished", "failed"):
            self.sitting.stopped.add(run)
            return
        diverged = self._data.diverged_at(record) is not None
        self.sitting.ended[run] = "diverged" if diverged else record.status
        if going.whole and record.status == "finished":
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
