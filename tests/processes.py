"""Processes of the command line; most are begun at once, forked from one that has imported everything."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Semaphore
from typing import TextIO

CLI = [sys.executable, "-c", "from workbench.cli import main; main()"]
"""A command as a process of its own from its very start, where the start is what is tested."""

METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_CONTEXT = multiprocessing.get_context(METHOD)
if METHOD == "forkserver":
    # with what a run imports only when it comes to it, which takes most of a short run's time
    _CONTEXT.set_forkserver_preload(
        ["workbench.headless", "torch._dynamo", "sklearn.datasets", "tests.processes"]
    )


@dataclass
class Command:
    """A command in a process of its own.

    Attributes
    ----------
    process : the process, to wait for or to send signals to.
    said : what it writes to standard output and standard error, line by line.
    room : so many lines it may write now, where that is limited.
    """

    process: BaseProcess
    said: TextIO
    room: Semaphore | None = None

    def lines(self) -> Iterator[str]:
        """What it says; each line that is done with lets one that :func:`started` holds back go on."""
        for line in self.said:
            yield line
            if self.room is not None:
                self.room.release()

    @property
    def returncode(self) -> int | None:
        """As subprocess has it; None while the process runs."""
        return self.process.exitcode

    def wait(self, seconds: float) -> None:
        """Wait until the process ends, but no longer than that."""
        self.process.join(seconds)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it to the process."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)


@contextlib.contextmanager
def started(*arguments: object, ahead: int | None = None) -> Iterator[Command]:
    """Begin a command; at the end, wait for it (or kill it, after an error in between).

    With ``ahead``, it is never more than so many lines of standard error ahead of who reads its ``lines``.
    """
    reading, writing = _CONTEXT.Pipe(duplex=False)
    environment = dict(os.environ)
    room = None if ahead is None else _CONTEXT.Semaphore(ahead)
    process = _CONTEXT.Process(target=_main, args=([*map(str, arguments)], writing, environment, room))
    process.start()
    writing.close()
    with os.fdopen(os.dup(reading.fileno()), encoding="utf-8") as said:
        reading.close()
        try:
            yield Command(process, said, room)
        except BaseException:
            process.kill()
            raise
        finally:
            process.join()


def finished(*arguments: object) -> str:
    """Do a command to its end, which must be a good one; returns what it said."""
    with started(*arguments) as command:
        said = command.said.read()
    assert command.returncode == 0, said
    return said


class _HeldBack(io.TextIOWrapper):
    """A stream whose lines wait until there is room for them."""

    room: Semaphore

    def write(self, text: str) -> int:
        for _ in range(text.count("\n")):
            self.room.acquire()
        return super().write(text)


def _main(arguments: list[str], out: Connection, environment: dict[str, str], room: Semaphore | None) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for stream in (1, 2):
        os.dup2(out.fileno(), stream)
    out.close()
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    if room is not None:
        sys.stderr = _HeldBack(sys.stderr.detach(), encoding="utf-8", line_buffering=True)
        sys.stderr.room = room
    sys.argv = ["workbench", *arguments]
    from workbench.cli import main

    main()
