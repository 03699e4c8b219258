"""The thread that trains. It sees a job and a control, and tells what happens through a letter box."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from workbench.engine.events import Evaluated, Failed, Finished, MetaSteps
from workbench.errors import InputError
from workbench.gui.live import Live
from workbench.gui.worker import STACK_BYTES
from workbench.project import Project, Status, StorageError

if TYPE_CHECKING:  # they import torch, which is not awaited here
    from workbench.engine.trainer import Trainer
    from workbench.runs import Control, Notice
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
    """One run to be done, or to go on with."""

    project: Path
    run: int
    control: Control


class RunThread(QThread):
    """Does runs one after the other, as they are put in.

    Attributes
    ----------
    told : there is something in the letter box that should not wait for the timer.
    extra : computed at validations, every few seconds; set in the GUI thread.
    """

    told = Signal()

    def __init__(self, live: Live, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self.extra: Extra | None = None
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
            self._do(job)

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

            return runs.perform(project, job.run, self._family[1], job.control, tell)

    def _tell(self, run: int, trainer: Trainer, notice: Notice) -> None:
        from workbench.runs import Paused, Waiting, WentOn

        live = self._live
        match notice:
            case MetaSteps():
                live.steps(run, notice.first, {**notice.values, "seconds": notice.seconds})
                return
            case Evaluated():
                live.evaluated(run, notice.iteration, notice.summary)
                self._compute_extra(run, notice.iteration, trainer)
                return
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
                return
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
