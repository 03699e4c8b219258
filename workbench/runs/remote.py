"""A run in another process: what it sees of its project, and how it does the runs that it is sent."""

from __future__ import annotations

import logging
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.data.parcel import Parcel
from workbench.engine.events import Evaluated, Failed, Finished, MetaSteps, Trained
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.project import ExperimentRecord, RunRecord, Status
from workbench.project.records import Checkpoint
from workbench.runs.control import Control
from workbench.runs.experiments import of_record, open_family, reading_of
from workbench.runs.performing import Notice, Paused, WentOn, perform
from workbench.tasks.base import TaskFamily

WRITES = (
    "append_series", "add_evaluation", "save_checkpoint", "save_result", "update_run", "rewind"
)  # fmt: skip
"""What a run may do to its project."""

READS = "series_names", "series"
"""What it may ask while it runs."""

log = logging.getLogger(__name__)

Call = tuple[str, tuple[Any, ...], dict[str, Any]]
"""A method of a project, and what it is called with."""

TOLD = 0.2
"""Seconds between two reports of progress: they are for a person."""


@dataclass(frozen=True)
class Order:
    """A run to be done: all that there is to know of it.

    Attributes
    ----------
    project : the path of the project, for words.
    checkpoint : the newest; None where there is none. ``kept`` tells when there were checkpoints.
    data : gives own data to those who may not have the files; None: they have.
    """

    project: Path
    record: RunRecord
    experiment: ExperimentRecord
    checkpoint: Checkpoint | None
    kept: list[int]
    data: Callable[[], Parcel] | None = None


@dataclass(frozen=True)
class Writes:
    """What is to be written in one commit: names of :data:`WRITES` with what they are called with."""

    calls: list[Call]


@dataclass(frozen=True)
class Question:
    """What a run wants to know of its project, one of :data:`READS`."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Told:
    """Something for a person.

    Attributes
    ----------
    iteration, iterations, seconds : done; of the whole run; training time so far.
    preparing : of data, in words.
    """

    iteration: int
    iterations: int
    seconds: float
    notice: Notice | None = None
    preparing: str = ""


@dataclass(frozen=True)
class Over:
    """A run has ended so; or it could not even start, and why."""

    status: Status
    refused: str = ""


@dataclass(frozen=True)
class Asked:
    """What a person wants of a run, sent to it: to stop, to hold, to go on."""

    stop: bool = False
    pause: bool = False


class Line(Protocol):
    """What leads to the process that has the project, and back."""

    def send(self, message: Any, /) -> None:
        """Say something; waits while there is too much that was not heard yet."""

    def recv(self) -> Any:
        """What is said next.

        Raises
        ------
        EOFError, OSError
            If nobody is there any more.
        """


class RemoteProject:
    """The project of a run, as far as the run needs one. It reads what came with the order, and sends what is
    to be written; the process at the other end is the only one that has the file open.

    Parameters
    ----------
    line : to that process.
    answers : what it answers to questions.
    """

    def __init__(self, line: Line, answers: queue.SimpleQueue[Any], order: Order) -> None:
        self._line, self._answers, self._order = line, answers, order
        self._calls: list[Call] = []
        self.in_transaction = False
        self.path = order.project

    def run(self, run: int) -> RunRecord:
        return self._order.record

    def experiments(self) -> list[ExperimentRecord]:
        return [self._order.experiment]

    def checkpoint(self, run: int, most: int | None = None) -> Checkpoint | None:
        return self._order.checkpoint

    def checkpoint_iterations(self, run: int) -> list[int]:
        return self._order.kept

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.in_transaction = True
        try:
            yield
            self._line.send(Writes(self._calls))
        finally:
            self._calls, self.in_transaction = [], False

    def append_series(self, run: int, name: str, x: Any, y: Any) -> None:
        self._write("append_series", run, name, x, y)

    def add_evaluation(self, run: int, iteration: int, split: str, values: Any) -> None:
        self._write("add_evaluation", run, iteration, split, values)

    def save_checkpoint(self, run: int, iteration: int, state: dict[str, object], tensors: bytes) -> None:
        self._write("save_checkpoint", run, iteration, state, tensors)

    def save_result(self, run: int, split: str, summary: Any, arrays: Any, episodes_hash: str) -> None:
        self._write("save_result", run, split, summary, dict(arrays), episodes_hash)

    def update_run(self, run: int, **fields: Any) -> None:
        self._write("update_run", run, **fields)

    def rewind(self, run: int, iteration: int) -> None:
        self._write("rewind", run, iteration)

    def series_names(self, run: int) -> list[str]:
        found: list[str] = self._ask("series_names", run)
        return found

    def series(self, run: int, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        found: tuple[NDArray[np.int64], NDArray[np.float64]] = self._ask("series", run, name)
        return found

    def _write(self, name: str, *arguments: Any, **fields: Any) -> None:
        call = name, arguments, fields
        if self.in_transaction:
            self._calls.append(call)
        else:
            self._line.send(Writes([call]))

    def _ask(self, name: str, *arguments: Any) -> Any:
        self._line.send(Question(name, arguments))
        return self._answers.get()


class Serving:
    """Does the runs that it is sent, one after the other, until the line is cut."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._control = Control()
        self._family: tuple[tuple[str, str, int], TaskFamily] | None = None
        self._told = 0.0

    def listen(self) -> None:
        """Take what comes; when nothing can come any more, end, whatever is being computed."""
        while True:
            try:
                message = self._line.recv()
            except (EOFError, OSError):
                os._exit(1)
            if isinstance(message, Order):
                self._control = Control()
                self._orders.put(message)
            elif isinstance(message, Asked):
                self._heed(message)
            else:
                self._answers.put(message)

    def _heed(self, asked: Asked) -> None:
        if asked.stop:
            self._control.stop()
        elif asked.pause:
            self._control.pause()
        else:
            self._control.resume()

    def serve(self) -> None:
        while True:
            order = self._orders.get()
            try:
                over = Over(self._perform(order))
            except InputError as error:  # the data is gone, say
                over = Over("stopped", str(error))
            except BrokenPipeError:
                os._exit(1)
            except Exception as error:
                log.exception("run %d", order.record.id)
                over = Over("failed", f"{type(error).__name__}: {error}")
            self._line.send(over)

    def _perform(self, order: Order) -> Status:
        project = RemoteProject(self._line, self._answers, order)
        record = order.record
        experiment, reading = of_record(project, record).experiment, reading_of(record)
        key = experiment.task.model_dump_json(), record.data_hash, reading
        if self._family is None or self._family[0] != key:
            self._family = None  # before the next one needs the memory
            with (order.data() if order.data else Parcel()).open():
                self._family = key, open_family(experiment, self._preparing, reading)
        return perform(project, record.id, self._family[1], self._control, self._tell)

    def _preparing(self, done: float, what: str) -> None:
        if self._due():
            self._line.send(Told(0, 0, 0.0, preparing=f"{what} {done:.0%}"))

    def _tell(self, trainer: Trainer, notice: Notice) -> None:
        """Words for a person: what is measured is written, and need not be told again."""
        if isinstance(notice, MetaSteps) and not self._due():
            return
        if isinstance(notice, MetaSteps | Evaluated | Finished | Trained | Failed | Paused | WentOn):
            if isinstance(notice, Finished):
                notice = replace(notice, arrays={}, domains={})
            self._line.send(Told(trainer.iteration, trainer.iterations, trainer.seconds, notice))

    def _due(self) -> bool:
        now = time.monotonic()
        if now - self._told < TOLD:
            return False
        self._told = now
        return True

    def begin(self) -> None:
        """Listen, in a thread of its own."""
        Thread(target=self.listen, name="line", daemon=True).start()


def serve(line: Line) -> None:
    """Do the runs that come along a line; the body of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it decides
    serving = Serving(line)
    serving.begin()
    serving.serve()
