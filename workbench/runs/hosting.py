"""Several runs at once, done by workers elsewhere; this process alone writes the project."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace

import torch

from workbench.data.parcel import Parcel
from workbench.errors import InputError
from workbench.project import Project, RunRecord, Status, StorageError
from workbench.runs.control import Control
from workbench.runs.executor import Executor, Lost, Share, Worker, places, share_of
from workbench.runs.experiments import Run, of_record, open_family, reading_of
from workbench.runs.performing import RETRY_SECONDS, Notice, Waiting, WentOn, recorded_plan
from workbench.runs.remote import READS, WRITES, Asked, Call, Order, Over, Question, Told, Writes
from workbench.tasks.base import TaskFamily

log = logging.getLogger(__name__)

MOST_TRIES = 3
"""Times that a run is begun again after its worker was lost."""

HEARTBEAT = 0.1
"""Seconds between two looks at what a person wants."""

Tell = Callable[[RunRecord, Told], None]
More = Callable[[], Iterable[int]]


class Host:
    """Does runs of a project by workers.

    The results are those of this thread, bit for bit: what a run is computed by, its plan, is fixed here
    before it starts. A worker that is lost takes nothing along but what its run did since its last
    checkpoint, from which another one goes on.

    Parameters
    ----------
    project : open for writing, by this thread.
    executor : where the workers are.
    tell : told what happens in a run.
    refused : told why a run could not even start.
    wrote : told what was written of a run.
    over : told how a run has ended, and why if it could not even start.
    """

    def __init__(
        self,
        project: Project,
        executor: Executor,
        control: Control,
        tell: Tell,
        refused: Callable[[RunRecord, str], None],
        wrote: Callable[[int, list[Call]], None] = lambda run, calls: None,
        over: Callable[[int, Status, str], None] = lambda run, status, reason: None,
    ) -> None:
        self._project, self._executor, self._control = project, executor, control
        self._tell, self._refused, self._wrote, self._over = tell, refused, wrote, over
        self._skipped: deque[int] = deque()
        self._peaks: dict[tuple[int, str], int] = {}
        self._workers: list[Worker] = []
        self._waiting: deque[int] = deque()
        self._more: More = tuple
        self._lost: Counter[int] = Counter()
        self._ended: dict[int, Status] = {}
        self._asked = Asked()
        self._plans: dict[str, dict[str, object]] = {}
        self._data: _Data | None = None

    def skip(self, run: int) -> None:
        """Stop one run, from any thread; the others go on."""
        self._skipped.append(run)

    def perform(self, wanted: Iterable[int], more: More = tuple, added: More = tuple) -> dict[int, Status]:
        """Do the runs; how each ended, or that it was ``stopped``.

        Parameters
        ----------
        more : asked after each, for runs that are to follow.
        added : asked all the time, for those that somebody wants meanwhile.
        """
        self._more = more
        self._waiting.extend(wanted)
        try:
            while self._busy or (self._waiting and not self._control.stopping):
                self._waiting.extend(added())
                self._pass_on_what_is_asked()
                self._give_work()
                self._hear()
        finally:
            for worker in self._workers:
                worker.end()
            for worker in self._workers:
                worker.wait()
        for run in self._waiting:
            if self._project.run(run).status == "running":  # its worker is lost, and nobody is to go on
                self._project.update_run(run, status="stopped")
        return self._ended

    @property
    def _busy(self) -> list[Worker]:
        return [each for each in self._workers if each.run is not None]

    def _pass_on_what_is_asked(self) -> None:
        asked = Asked(self._control.stopping, self._control.pausing)
        if asked != self._asked:
            self._asked = asked
            for worker in self._busy:
                worker.send(asked)
        skipped = [self._skipped.popleft() for _ in range(len(self._skipped))]
        for worker in [each for each in self._busy if each.run in skipped]:
            worker.send(Asked(stop=True))
        gone = [each for each in self._busy if not each.started and (asked.stop or each.run in skipped)]
        for worker in gone:
            assert worker.run is not None
            self._end(worker.run, "stopped", "")
            self._let_go(worker)

    def _give_work(self) -> None:
        while self._waiting and not self._control.wanted and len(self._busy) < self._executor.jobs:
            run = self._waiting[0]
            try:
                self._fix_plan(run)
                record = self._project.run(run)
                data = None if self._executor.has_files else self._data_of(record).sent
                worker = self._free_worker(self._share_of(record))
            except InputError as error:
                self._waiting.popleft()
                self._end(run, "stopped", str(error))
                continue
            if worker is None:
                break
            self._waiting.popleft()
            owner = next(each for each in self._project.experiments() if each.id == record.experiment_id)
            kept = self._project.checkpoint_iterations(run)
            worker.run = run
            worker.send(Order(self._project.path, record, owner, self._project.checkpoint(run), kept, data))
        if not all(each.started for each in self._workers):  # for the place that an idle one holds
            self._let_go_idle()

    def _free_worker(self, share: Share) -> Worker | None:
        """One that waits, or a new one where there is room for it."""
        idle = next((each for each in self._workers if each.run is None and each.share == share), None)
        if idle is None and not self._has_room(share):
            self._let_go_idle()
        if idle is None and self._has_room(share):
            idle = self._executor.begin(share)
            self._workers.append(idle)
        return idle

    def _has_room(self, share: Share) -> bool:
        there = self._executor.processors
        taken = sum(each.share.threads for each in self._workers)
        alike = sum(each.share.threads == share.threads for each in self._workers)
        fits = taken + share.threads <= sum(there) and alike < places(there, share.threads)
        free = self._executor.free
        return (fits and (free is None or share.memory <= free)) or not self._workers

    def _let_go_idle(self) -> None:
        for each in [each for each in self._workers if each.run is None]:
            self._let_go(each)

    def _let_go(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.end()
        worker.wait()

    def _fix_plan(self, run: int) -> None:
        """Decide how a run is computed, where that is not decided yet: once for all seeds of an algorithm."""
        record = self._project.run(run)
        if recorded_plan(record) is not None:
            return
        wanted = of_record(self._project, record)
        alike = wanted.experiment.single(wanted.config, 0).hash()
        if alike not in self._plans:
            self._plans[alike] = self._planned(wanted, self._data_of(record).family)
        self._project.update_run(run, environment=record.environment | self._plans[alike])

    def _data_of(self, record: RunRecord) -> _Data:
        """The data that a run learns from; that of the run before, where it is the same."""
        experiment, reading = of_record(self._project, record).experiment, reading_of(record)
        key = experiment.task.model_dump_json(), reading
        if self._data is None or self._data.key != key:
            self._data = None  # before the next one needs the memory
            parcel = Parcel()
            with parcel.open():
                family = open_family(experiment, reading=reading)
            self._data = _Data(key, family, self._executor.sent(parcel))
        return self._data

    def _planned(self, wanted: Run, family: TaskFamily) -> dict[str, object]:
        """The plan of a run that has its share of the processors."""
        share = share_of(self._executor.processors, self._executor.jobs)
        training = wanted.experiment.training
        if training.threads == "auto" and share == 1:
            training = training.model_copy(update={"threads": 1})
        experiment = wanted.experiment.model_copy(update={"training": training})
        with closing(replace(wanted, experiment=experiment).trainer(family)) as trainer:
            plan = {name: trainer.record[name] for name in ("device", "threads", "chunk", "compiled")}
        if training.threads == "auto":
            plan["threads"] = min(plan["threads"], share)
        return plan

    def _hear(self) -> None:
        """Take what the workers say."""
        for worker, messages in self._executor.hear(self._workers, HEARTBEAT):
            for message in messages:
                self._take(worker, message)

    def _take(self, worker: Worker, message: object) -> None:
        run = worker.run
        if isinstance(message, Lost):
            self._bury(worker, message.how)
            return
        if run is None:
            return
        match message:
            case Writes(calls):
                self._write(run, calls)
                self._note_memory(run, calls)
                self._wrote(run, calls)
            case Question(name, arguments) if name in READS:
                worker.send(getattr(self._project, name)(*arguments))
            case Told():
                self._tell(self._project.run(run), message)
            case Over(status, reason):
                worker.run = None
                self._end(run, status, reason)

    def _write(self, run: int, calls: list[Call]) -> None:
        """In one commit; where the disk refuses, all wait until it does not, or until they must stop."""
        waited = False
        while True:
            try:
                with self._project.transaction():
                    for name, arguments, fields in calls:
                        if name in WRITES:
                            getattr(self._project, name)(*arguments, **fields)
                break
            except StorageError as error:
                if not waited:
                    self._tell_of(run, Waiting(str(error)))
                waited = True
                if self._control.wait(RETRY_SECONDS):
                    raise
        if waited:
            self._tell_of(run, WentOn())

    def _note_memory(self, run: int, calls: list[Call]) -> None:
        """What a run took at most is what those alike will take."""
        for name, arguments, _ in calls:
            if name == "save_result" and (cost := arguments[2].get("cost")) is not None:
                record = self._project.run(run)
                self._peaks[record.experiment_id, record.label] = cost["peak_memory"]

    def _share_of(self, record: RunRecord) -> Share:
        """What a run takes, whose plan is fixed."""
        plan = recorded_plan(record)
        assert plan is not None
        memory = self._peaks.get((record.experiment_id, record.label), 0)
        return Share(plan.threads, torch.device(plan.device).type != "cpu", memory)

    def _tell_of(self, run: int, notice: Notice) -> None:
        record = self._project.run(run)
        self._tell(record, Told(record.iterations, record.iterations_planned, record.seconds, notice))

    def _bury(self, worker: Worker, how: str) -> None:
        """A worker is lost: its run begins again where its last checkpoint is, unless it is lost by that."""
        run = worker.run
        self._let_go(worker)
        if run is None:
            return
        self._lost[run] += 1
        log.warning("run %d: its %s", run, how)
        if self._lost[run] > MOST_TRIES:
            why = f"its {how}, {self._lost[run]} times"
            self._project.update_run(run, status="failed", failure=why)
            self._end(run, "failed", why)
        else:
            self._waiting.appendleft(run)

    def _end(self, run: int, status: Status, reason: str) -> None:
        self._ended[run] = status
        self._waiting.extend(self._more())
        self._over(run, status, reason)
        if reason:
            self._refused(self._project.run(run), reason)


@dataclass(frozen=True)
class _Data:
    """Opened here, and as it goes to workers that cannot read it."""

    key: tuple[str, int]
    family: TaskFamily
    sent: Callable[[], Parcel]
