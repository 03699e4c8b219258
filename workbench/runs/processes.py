"""Runs in processes of their own, several at once; this one alone writes the project."""

from __future__ import annotations

import logging
import multiprocessing
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from workbench.engine.devices import most_threads
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.project import Project, RunRecord, Status, StorageError
from workbench.runs.control import Control
from workbench.runs.experiments import Run, of_record, open_family, reading_of
from workbench.runs.performing import RETRY_SECONDS, recorded_plan
from workbench.runs.remote import READS, WRITES, Asked, Order, Over, Question, Told, Writes, serve
from workbench.tasks.base import TaskFamily

log = logging.getLogger(__name__)

MOST_TRIES = 3
"""Times that a run is begun again after its process died."""

HEARTBEAT = 0.1
"""Seconds between two looks at what a person wants."""

Tell = Callable[[RunRecord, Told], None]


@dataclass
class _Worker:
    """A process, the line to it, and the run that it does (None: it waits)."""

    process: BaseProcess
    line: Connection
    run: int | None = None


class Processes:
    """Does runs of a project in several processes.

    The results are those of this thread, bit for bit: what a run is computed by, its plan, is fixed here
    before it starts. A process that dies takes nothing along but what its run did since its last checkpoint,
    from which another process goes on.

    Parameters
    ----------
    project : open for writing, by this thread.
    jobs : processes at once.
    tell : told what happens in a run.
    refused : told why a run could not even start.
    """

    def __init__(
        self,
        project: Project,
        jobs: int,
        control: Control,
        tell: Tell,
        refused: Callable[[RunRecord, str], None],
    ) -> None:
        self._project, self._jobs, self._control = project, jobs, control
        self._tell, self._refused = tell, refused
        self._workers: list[_Worker] = []
        self._waiting: deque[int] = deque()
        self._died: Counter[int] = Counter()
        self._ended: dict[int, Status] = {}
        self._asked = Asked()
        self._plans: dict[str, dict[str, object]] = {}
        self._family: tuple[tuple[str, int], TaskFamily] | None = None

    def perform(self, wanted: Iterable[int]) -> dict[int, Status]:
        """Do the runs; how each ended, or that it was ``stopped``."""
        self._waiting.extend(wanted)
        try:
            while self._busy or (self._waiting and not self._control.stopping):
                self._pass_on_what_is_asked()
                self._give_work()
                self._hear()
        finally:
            for worker in self._workers:
                worker.line.close()
            for worker in self._workers:
                worker.process.join(5)
                if worker.process.is_alive():
                    worker.process.kill()
        for run in self._waiting:
            if self._project.run(run).status == "running":  # its process has died, and nobody is to go on
                self._project.update_run(run, status="stopped")
        return self._ended

    @property
    def _busy(self) -> list[_Worker]:
        return [each for each in self._workers if each.run is not None]

    def _pass_on_what_is_asked(self) -> None:
        asked = Asked(self._control.stopping, self._control.pausing)
        if asked != self._asked:
            self._asked = asked
            for worker in self._busy:
                _send(worker, asked)

    def _give_work(self) -> None:
        while self._waiting and not self._control.wanted and len(self._busy) < self._jobs:
            idle = next((each for each in self._workers if each.run is None), None) or self._new_worker()
            run = self._waiting.popleft()
            try:
                self._fix_plan(run)
            except InputError as error:
                self._end(run, "stopped", str(error))
                continue
            record = self._project.run(run)
            owner = next(each for each in self._project.experiments() if each.id == record.experiment_id)
            kept = self._project.checkpoint_iterations(run)
            order = Order(self._project.path, record, owner, self._project.checkpoint(run), kept)
            idle.run = run
            _send(idle, order)

    def _fix_plan(self, run: int) -> None:
        """Decide how a run is computed, where that is not decided yet: once for all seeds of an algorithm."""
        record = self._project.run(run)
        if recorded_plan(record) is not None:
            return
        wanted = of_record(self._project, record)
        alike = wanted.experiment.single(wanted.config, 0).hash()
        if alike not in self._plans:
            self._plans[alike] = self._planned(wanted, record)
        self._project.update_run(run, environment=record.environment | self._plans[alike])

    def _planned(self, wanted: Run, record: RunRecord) -> dict[str, object]:
        """The plan of a run that has its share of the processors."""
        key = wanted.experiment.task.model_dump_json(), reading_of(record)
        if self._family is None or self._family[0] != key:
            self._family = None
            self._family = key, open_family(wanted.experiment, reading=key[1])
        share, training = max(1, most_threads() // self._jobs), wanted.experiment.training
        if training.threads == "auto" and share == 1:
            training = training.model_copy(update={"threads": 1})
        experiment = wanted.experiment.model_copy(update={"training": training})
        with closing(Trainer(experiment, wanted.config, wanted.seed, self._family[1])) as trainer:
            plan = {name: trainer.record[name] for name in ("device", "threads", "chunk", "compiled")}
        if training.threads == "auto":
            plan["threads"] = min(plan["threads"], share)
        return plan

    def _new_worker(self) -> _Worker:
        context = multiprocessing.get_context("spawn")  # a fork would share torch's threads
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there,), daemon=True, name="workbench-run")
        process.start()
        there.close()
        self._workers.append(_Worker(process, here))
        return self._workers[-1]

    def _hear(self) -> None:
        """Take what the processes say, one message of each, so that none waits for long."""
        ready = wait([each.line for each in self._workers], HEARTBEAT)
        for worker in [each for each in self._workers if each.line in ready]:
            try:
                message = worker.line.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            self._take(worker, message)

    def _take(self, worker: _Worker, message: object) -> None:
        run = worker.run
        if run is None:
            return
        match message:
            case Writes(calls):
                self._write(calls)
            case Question(name, arguments) if name in READS:
                _send(worker, getattr(self._project, name)(*arguments))
            case Told():
                self._tell(self._project.run(run), message)
            case Over(status, reason):
                worker.run = None
                self._end(run, status, reason)

    def _write(self, calls: list[tuple[str, tuple[object, ...], dict[str, object]]]) -> None:
        """In one commit; where the disk refuses, all wait until it does not, or until they must stop."""
        while True:
            try:
                with self._project.transaction():
                    for name, arguments, fields in calls:
                        if name in WRITES:
                            getattr(self._project, name)(*arguments, **fields)
                return
            except StorageError:
                if self._control.wait(RETRY_SECONDS):
                    raise

    def _bury(self, worker: _Worker) -> None:
        """A process has died: its run begins again where its last checkpoint is, unless it dies of that."""
        run = worker.run
        worker.line.close()
        worker.process.join()
        self._workers.remove(worker)
        if run is None:
            return
        self._died[run] += 1
        code = worker.process.exitcode
        how = f"was killed (signal {-code})" if code is not None and code < 0 else f"ended with code {code}"
        log.warning("the process of run %d %s", run, how)
        if self._died[run] > MOST_TRIES:
            why = f"its process {how}, {self._died[run]} times"
            self._project.update_run(run, status="failed", failure=why)
            self._end(run, "failed", why)
        else:
            self._waiting.appendleft(run)

    def _end(self, run: int, status: Status, reason: str) -> None:
        self._ended[run] = status
        if reason:
            self._refused(self._project.run(run), reason)


def _send(worker: _Worker, message: object) -> None:
    """Say something to a process; one that has died is noticed when it is listened to."""
    try:
        worker.line.send(message)
    except OSError:
        log.warning("a process is gone")
