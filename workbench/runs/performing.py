"""Does a run: drives its trainer and writes the project."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

from workbench.engine import devices
from workbench.engine.cost import forget_peak, spent
from workbench.engine.evaluation import number
from workbench.engine.events import (
    Abandoned,
    CheckpointDue,
    Evaluated,
    Event,
    Failed,
    Finished,
    MetaSteps,
    Trained,
)
from workbench.engine.interruption import AbandonedError
from workbench.engine.plan import Plan
from workbench.engine.stack import Stack
from workbench.engine.tensor_file import StateError
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.measures import MEASURES
from workbench.project import RunRecord, RunWriter, Status, StorageError, Store, Tuned
from workbench.project.records import of_domain
from workbench.runs.checkpoints import newest_state
from workbench.runs.control import Control
from workbench.runs.experiments import Run, of_record, same_domains
from workbench.summaries import TestSummary
from workbench.tasks.base import DataError, TaskFamily

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LAST = 100
"""Meta-iterations whose measures tell how training ended."""

MOST_THREADS = 1024
"""That a recorded plan may ask for: a stranger's million would end the process."""


@dataclass(frozen=True)
class Waiting:
    """The project cannot be written to at the moment; the run waits, with everything kept in memory."""

    message: str


@dataclass(frozen=True)
class WentOn:
    """The run goes on: the project can be written to again, or the pause is over."""


@dataclass(frozen=True)
class Paused:
    """The run holds, with a checkpoint kept; :meth:`Control.resume` lets it go on."""


Notice = Event | Waiting | WentOn | Paused
Tell = Callable[[Trainer, Notice], None]


def perform(
    project: Store,
    run_id: int,
    family: TaskFamily,
    control: Control,
    tell: Tell,
    stack: Stack | None = None,
) -> Status:
    """Do a run, or what is left of it, and write it to the project as it happens.

    Parameters
    ----------
    project : open for writing, by this thread.
    run_id : the run; one that was stopped goes on from its newest checkpoint, bit for bit.
    family : the task family of its experiment.
    control : stops or pauses it.
    tell : called with every event, on this thread.
    stack : computes its outer gradients together with those of other seeds, where they can be.

    Returns
    -------
    ``finished``, ``stopped`` or ``failed``.

    Raises
    ------
    DataError, NetworkError, DeviceError, ProjectError
        If the run cannot even start; its record is left as it was.
    StorageError
        If it was stopped while the project could not be written to; the file holds what it held.
    """
    record = project.run(run_id)
    run = of_record(project, record)
    if record.data_hash != family.data_hash():
        raise DataError(f"run {run_id}: the data has changed since the run was set up; start a new run")
    same_domains(record, family)
    forget_peak()  # that of the run before
    with stack.making if stack is not None else nullcontext():
        work = _prepared(run, family, recorded_plan(record), control, steady=stack is not None)
    if work is None:
        project.update_run(run_id, status="stopped")
        return "stopped"
    _restore(project, run_id, work)
    if stack is not None and work.can_be_stacked:
        work.computed_by(stack)
    if work.private is not None:
        work.private.resume(record.environment, record.iterations, work.iteration)
    with project.transaction():
        project.rewind(run_id, work.iteration)
        project.update_run(
            run_id,
            status="running",
            failure="",
            environment=work.record | ({} if run.tuned is None else run.tuned.kept),
            seconds=work.seconds,
            started=record.started or time.time(),
            ended=None,
        )
    return _Recorder(project, run_id, work, control, tell, run.tuned).record()


def _prepared(
    run: Run, family: TaskFamily, plan: Plan | None, control: Control, *, steady: bool
) -> Trainer | None:
    """The run's trainer, whose making may take a while; None if it must stop before it has begun."""
    while not control.stopping:
        try:
            return run.trainer(family, plan=plan, asked=lambda: control.wanted, steady=steady)
        except AbandonedError:
            control.wait_while_paused()
    return None


def recorded_plan(record: RunRecord) -> Plan | None:
    """The plan that a run was started with: its last bits depend on it. None if there is none to use."""
    device, threads, chunk = (record.environment.get(name) for name in ("device", "threads", "chunk"))
    if threads is None or chunk is None or device not in devices.available() or threads > MOST_THREADS:
        return None
    return Plan(str(device), threads, chunk, record.environment.get("compiled") is True)


def _restore(project: Store, run_id: int, work: Trainer) -> None:
    """Take up the newest checkpoint, if there is one."""
    state = newest_state(project, run_id, work.demands)
    if state is not None:
        work.restore(state)


class _Recorder:
    """Writes what a trainer tells, and does to it what the control says."""

    def __init__(
        self,
        project: Store,
        run_id: int,
        work: Trainer,
        control: Control,
        tell: Tell,
        tuned: Tuned | None,
    ) -> None:
        self._writer = RunWriter(project, run_id)
        self._project, self._run = project, run_id
        self._work, self._control = work, control
        self._listener: Tell | None = tell
        self._tuned = tuned

    def _tell(self, notice: Notice) -> None:
        """Tell what happened. A listener that fails is not told any more; the run is none the worse."""
        if self._listener is None:
            return
        try:
            self._listener(self._work, notice)
        except Exception:
            self._listener = None
            log.exception("what happens in the run cannot be told any more; it goes on")

    def record(self) -> Status:
        try:
            status = self._follow()
        except StorageError:
            raise
        except Exception as error:  # an algorithm's own mistake must not end the queue
            if not isinstance(error, InputError):  # which says all there is to say in its line
                log.exception("the run failed")
            failed = Failed(self._work.iteration, f"{type(error).__name__}: {error}")
            status = "failed"
            self._end(failed.message)
            self._tell(failed)
        return status

    def _follow(self) -> Status:
        with closing(self._work.events()) as events:
            for event in events:
                if isinstance(event, Finished):
                    summary = event.summary | {"training": self._end_of_training(), "cost": spent(self._work)}
                    event = replace(event, summary=summary)
                status = self._write(event)
                self._tell(event)
                if status is not None:
                    return status
                if self._control.pausing and not self._control.stopping:
                    self._hold()
                if self._control.stopping:
                    self._writer.update(status="stopped", ended=time.time())
                    self._checkpoint()
                    return "stopped"
        raise AssertionError("a trainer ends with Finished or Failed")

    def _write(self, event: Event) -> Status | None:
        """Write an event; the status, if it was the last one."""
        match event:
            case MetaSteps():
                self._add_points(event)
            case Evaluated():
                self._keep(self._writer.evaluation, event.iteration, event.split, event.summary)
            case CheckpointDue():
                self._checkpoint()
            case Abandoned():
                pass
            case Finished(summary=summary):
                self._writer.result("test", summary, event.arrays, summary["episodes_hash"])
                for name, arrays in event.domains.items():
                    other = cast("TestSummary", summary["domains"][name])
                    self._writer.result(of_domain(name), other, arrays, other["episodes_hash"])
                self._done("finished")
                return "finished"
            case Trained(given_up=given_up):
                if self._tuned is not None:
                    self._tuned = replace(self._tuned, given_up=given_up)
                self._done("finished")
                return "finished"
            case Failed():
                self._end(event.message)
                return "failed"
        return None

    def _end_of_training(self) -> dict[str, float | None]:
        """What each measure of training was at the end of it, over the last of all its meta-iterations."""
        self._keep(self._writer.flush)
        found = {}
        for name in self._project.series_names(self._run):
            if name in MEASURES:
                _, values = self._project.series(self._run, name)
                found[name] = number(MEASURES[name].smoothed(values[-LAST:]))
        return found

    def _add_points(self, event: MetaSteps) -> None:
        work = self._work
        self._writer.update(
            iterations=event.iteration,
            seconds=work.seconds,
            meta_iterations_per_second=event.iteration / work.seconds if work.seconds else None,
        )
        columns = {**event.values, "seconds": event.seconds}
        rows = zip(*(each.tolist() for each in columns.values()), strict=True)
        for iteration, row in enumerate(rows, event.first + 1):
            self._keep(self._writer.points, iteration, dict(zip(columns, row, strict=True)))

    def _checkpoint(self) -> None:
        try:
            state = self._work.state()
        except StateError as error:  # the next loss is no number either; the checkpoint before this stays
            log.warning("no checkpoint is kept at meta-iteration %d: %s", self._work.iteration, error)
            return
        self._keep(self._writer.checkpoint, self._work.iteration, state.values, state.packed())

    def _hold(self) -> None:
        self._writer.update(status="paused")
        self._checkpoint()
        self._tell(Paused())
        self._control.wait_while_paused()
        if not self._control.stopping:
            self._writer.update(status="running")
            self._keep(self._writer.flush)
            self._tell(WentOn())

    def _end(self, failure: str) -> None:
        self._writer.update(failure=failure)
        self._done("failed")

    def _done(self, status: Status) -> None:
        environment = self._work.record | ({} if self._tuned is None else self._tuned.kept)
        self._writer.update(status=status, environment=environment, ended=time.time())
        self._keep(self._writer.flush)

    def _keep(self, write: Callable[..., None], *what: Any) -> None:
        """Write; where the disk refuses, wait until it does not: nothing leaves the memory before."""
        try:
            write(*what)
        except StorageError as error:
            self._tell(Waiting(str(error)))
            while True:
                if self._control.wait(RETRY_SECONDS):
                    raise
                try:
                    self._writer.flush()
                except StorageError:
                    continue
                self._tell(WentOn())
                return
