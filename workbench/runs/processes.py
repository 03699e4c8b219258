"""Runs in processes of this machine."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait

import psutil

from workbench.engine.devices import most_threads
from workbench.project import Project, RunRecord
from workbench.runs.control import Control
from workbench.runs.executor import Executor, Lost, Share, Worker
from workbench.runs.hosting import Host, Tell
from workbench.runs.remote import serve

log = logging.getLogger(__name__)


class _Process(Worker):
    """A process, and the line to it."""

    def __init__(self, share: Share) -> None:
        super().__init__(share, started=True)
        context = multiprocessing.get_context("spawn")  # a fork would share torch's threads
        self.line, there = context.Pipe()
        self.process = context.Process(target=serve, args=(there,), daemon=True, name="workbench-run")
        self.process.start()
        there.close()

    def send(self, message: object) -> None:
        try:
            self.line.send(message)
        except OSError:
            log.warning("a process is gone")

    def end(self) -> None:
        self.line.close()

    def wait(self) -> None:
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()

    def take(self) -> object:
        """Something that it says."""
        try:
            return self.line.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode
            how = (
                f"was killed (signal {-code})" if code is not None and code < 0 else f"ended with code {code}"
            )
            return Lost(f"process {how}")


class LocalProcesses(Executor):
    """Processes of this machine; each reads the data itself."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    @property
    def jobs(self) -> int:
        return self._jobs

    @property
    def processors(self) -> Sequence[int]:
        return [max(most_threads(), self._jobs)]

    @property
    def free(self) -> int | None:
        return psutil.virtual_memory().available

    def begin(self, share: Share) -> Worker:
        return _Process(share)

    def hear(self, workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, list[object]]]:
        """One message of each, so that none waits for long."""
        lines = {each.line: each for each in workers if isinstance(each, _Process)}
        ready = wait(lines, seconds)
        return [(worker, [worker.take()]) for line, worker in lines.items() if line in ready]


class Processes(Host):
    """Does runs in several processes: see :class:`Host`."""

    def __init__(
        self,
        project: Project,
        jobs: int,
        control: Control,
        tell: Tell,
        refused: Callable[[RunRecord, str], None],
    ) -> None:
        super().__init__(project, LocalProcesses(jobs), control, tell, refused)
