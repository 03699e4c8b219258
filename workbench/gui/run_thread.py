"""The thread that trains. It sees a job and a control, and tells what happens through a letter box."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from workbench.engine.events import Evaluated, Failed, Finished, MetaSteps
from workbench.errors import InputError
from workbench.gui.live import Live
from workbench.gui.place import Place
from workbench.gui.worker import STACK_BYTES
from workbench.project import Project, Status, StorageError
from workbench.words import tr

if TYPE_CHECKING:  # they import torch, which is not awaited here
    from workbench.engine.trainer import Trainer
    from workbench.project import RunRecord
    from workbench.runs import Control, Executor, Host, Notice, Told
    from workbench.runs.remote import Call
    from workbench.tasks.base import TaskFamily

log = logging.getLogger(__name__)

EXTRA_SECONDS = 4.0
"""At least so long between two computations for a view: training waits for each."""

Extra = Callable[["Trainer"], object]
"""What a view wants computed on the training thread at each validation."""


class _StoppedError(Exception):
    """The run was told to stop before it had begun."""


@dataclass(frozen=True)
class Job:
    """One run to be done, or to go on with; jobs of other places than here share the control of the first."""

    project: Path
    run: int
    control: Control
    place: Place = field(default_factory=Place)


class RunThread(QThread):
    """Does runs as they are put in: one after the other itself, or as the host of several done elsewhere.

    Attributes
    ----------
    at_once, nodes : runs that it can do at once now; machines of the cluster that does them, if one does.
    told : there is something in the letter box that should not wait for the timer.
    extra : computed at validations, every few seconds; set in the GUI thread.
    """

    told = Signal()

    def __init__(self, live: Live, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self.extra: Extra | None = None
        self.at_once, self.nodes = 1, 0
        self._host: Host | None = None
        self._extra_due = 0.0
        self._live = live
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._family: tuple[tuple[str, str, int], TaskFamily] | None = None

    def put(self, job: Job) -> None:
        """Do a run when those before it are over."""
        self._jobs.put(job)
        if not self.isRunning():
            self.start()

    def close(self) -> None:
        """Wait until the last job is over (tell its control to stop), and end."""
        if self.isRunning():
            self._jobs.put(None)
            self.wait()

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.place.is_here:
                self._do(job)
            else:
                self._family = None
                _Elsewhere(self, self._live, self._jobs).do(job)

    def skip(self, run: int) -> None:
        """Stop one of several runs."""
        if (host := self._host) is not None:
            host.skip(run)

    def hosts(self, host: Host | None, executor: Executor | None) -> None:
        """It is the host of several runs now, or it is not any more."""
        self._host = host
        self.at_once, self.nodes = (executor.jobs, executor.nodes) if executor is not None else (1, 0)

    def _do(self, job: Job) -> None:
        """Exactly one end is told for each job, whatever happens."""
        status: Status = "failed"
        message = "the run ended without a word; see the log"
        try:
            status, message = self._perform(job), ""
        except _StoppedError:
            status, message = "stopped", ""
            self._note_end(job, status, message)
        except StorageError as error:  # stopped while the disk refused; the file holds what it held
            status, message = "stopped", str(error)
        except InputError as error:  # could not even start; once mended it can
            status, message = "stopped", str(error)
            self._note_end(job, status, message)
        except Exception as error:
            log.exception("run %d", job.run)
            message = f"{type(error).__name__}: {error}"
            self._note_end(job, status, message)
        finally:
            self._live.state(job.run, status, message=message, ended=True)
            self.told.emit()

    def _perform(self, job: Job) -> Status:
        from workbench import runs

        self._extra_due = 0.0
        self._live.state(job.run, "running", begun=True)
        self.told.emit()
        with Project.open(job.project) as project:
            record = project.run(job.run)
            experiment = runs.of_record(project, record).experiment
            reading = runs.reading_of(record)
            key = experiment.task.model_dump_json(), record.data_hash, reading  # files may have changed since
            if self._family is None or self._family[0] != key:
                self._family = None  # before the next one needs the memory

                def progress(done: float, text: str) -> None:
                    if job.control.stopping:
                        raise _StoppedError
                    self._live.state(job.run, preparing=f"{text} {done:.0%}")

                self._family = key, runs.open_family(experiment, progress, reading)

            def tell(trainer: Trainer, notice: Notice) -> None:
                self._tell(job.run, trainer, notice)

            status = runs.perform(project, job.run, self._family[1], job.control, tell)
            _go_on_sweeping(project, job.run)
            return status

    def _tell(self, run: int, trainer: Trainer, notice: Notice) -> None:
        live = self._live
        match notice:
            case MetaSteps():
                live.steps(run, notice.first, {**notice.values, "seconds": notice.seconds})
            case Evaluated():
                live.evaluated(run, notice.iteration, notice.summary)
                self._compute_extra(run, notice.iteration, trainer)
            case _ if _tell_state(live, run, notice):
                self.told.emit()

    def _compute_extra(self, run: int, iteration: int, trainer: Trainer) -> None:
        """What a view asked for; its trouble must not end the run."""
        extra = self.extra
        if extra is None or time.monotonic() < self._extra_due:
            return
        self._extra_due = time.monotonic() + EXTRA_SECONDS
        try:
            self._live.predicted(run, iteration, extra(trainer))
        except Exception:
            self.extra = None
            log.exception("run %d: the predictions could not be computed", run)

    @staticmethod
    def _note_end(job: Job, status: Status, message: str) -> None:
        """Keep the reason in the run's record, where the file lets us."""
        try:
            with Project.open(job.project) as project:
                project.update_run(job.run, status=status, failure=message)
        except InputError:
            log.warning("run %d: %s", job.run, message)


class _Elsewhere:
    """Several runs, done elsewhere: what they write and tell is put into the letter box."""

    def __init__(self, thread: RunThread, live: Live, jobs: queue.SimpleQueue[Job | None]) -> None:
        self._thread, self._live, self._jobs = thread, live, jobs
        self._open: dict[int, bool] = {}
        """The runs that were taken on and are not over; whether they have begun."""

    def do(self, first: Job) -> None:
        """Do a run, and those that are put in meanwhile; exactly one end is told for each."""
        message = tr("the run ended without a word; see the log")
        self._open[first.run] = False
        try:
            self._perform(first)
            message = ""
        except InputError as error:
            message = str(error)
        except Exception as error:
            log.exception("several runs")
            message = f"{type(error).__name__}: {error}"
        finally:
            self._thread.hosts(None, None)
            for run, begun in self._open.items():
                self._live.state(run, "stopped" if begun else "queued", message=message, ended=True)
            self._thread.told.emit()

    def _perform(self, first: Job) -> None:
        from workbench import runs

        place = first.place
        with (
            runs.elsewhere(place.jobs, place.cluster) as executor,
            Project.open(first.project) as project,
        ):
            assert executor is not None

            def over(run: int, status: Status, reason: str) -> None:
                if reason and status == "stopped":  # could not even start; once mended it can
                    project.update_run(run, status=status, failure=reason)
                _go_on_sweeping(project, run)
                self._open.pop(run, None)
                self._live.state(run, status, message=reason or None, ended=True)
                self._thread.told.emit()

            def added() -> list[int]:
                self._thread.hosts(host, executor)
                return self._added()

            host = runs.Host(project, executor, first.control, self._tell, _nobody, self._wrote, over)
            self._thread.hosts(host, executor)
            self._thread.told.emit()
            host.perform([first.run], added=added)

    def _added(self) -> list[int]:
        """The runs that were put in since."""
        found: list[int] = []
        for _ in range(self._jobs.qsize()):
            job = self._jobs.get()
            if job is None:  # the end, when these are over
                self._jobs.put(None)
            else:
                self._open[job.run] = False
                found.append(job.run)
        return found

    def _tell(self, record: RunRecord, told: Told) -> None:
        if isinstance(told.notice, Evaluated):
            self._live.evaluated(record.id, told.notice.iteration, told.notice.summary)
        elif told.notice is None:
            self._live.state(record.id, preparing=told.preparing)
        elif _tell_state(self._live, record.id, told.notice):
            self._thread.told.emit()

    def _wrote(self, run: int, calls: list[Call]) -> None:
        """The points of a run, all of them: what is told for a person leaves some out."""
        series = {}
        for name, arguments, _ in calls:
            if name == "rewind":
                self._open[run] = True
                self._live.state(run, "running", begun=True)
                self._thread.told.emit()
            elif name == "append_series":
                _, which, x, y = arguments
                series[which] = x, y
        if series:
            first = int(next(iter(series.values()))[0][0]) - 1
            self._live.steps(run, first, {which: y for which, (_, y) in series.items()})


def _go_on_sweeping(project: Project, run: int) -> None:
    """Queue what a sweep tries next. Where it cannot, the run that is over is none the worse: the project
    says so when it is opened again, and goes on from there."""
    from workbench import runs

    try:
        runs.Sweeping.go_on(project, run)
    except InputError as error:
        log.warning("run %d is over, but its sweep cannot go on: %s", run, error)


def _nobody(record: RunRecord, reason: str) -> None:
    """Why a run could not start is told at its end."""


def _tell_state(live: Live, run: int, notice: Notice) -> bool:
    """Tell a change of state; whether it is one."""
    from workbench.runs import Paused, Waiting, WentOn

    match notice:
        case Finished():
            live.finished(run, notice.summary)
        case Failed():
            live.state(run, "failed", message=notice.message)
        case Paused():
            live.state(run, "paused")
        case Waiting():
            live.state(run, "waiting", message=notice.message)
        case WentOn():
            live.state(run, "running", message="")
        case _:
            return False
    return True
