"""One writer at a time, across processes: an operating-system lock that dies with its process.

The lock is on a file beside the project (``.name.mlwb.lock``). It cannot be on the project itself:
SQLite holds POSIX locks there, and a process loses those when it closes *any* handle of the file.
A lock file that a killed process left behind is unlocked, hence harmless; the next writer reuses it.
Whatever else lies under that name is neither written to nor removed.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.locks import try_lock
from workbench.project.side_files import (
    UnusableFile,
    hidden_file,
    in_the_way,
    open_carefully,
    owners,
    refuse_side,
    status_of,
)
from workbench.words import shown

_PATIENCE = 0.3  # seconds: a reader that looks at a killed project holds the lock for a moment
_LONGEST = 4096  # bytes of a lock file: it holds its owner's name
_OWNER = re.compile(rb"(process \d+ on [^\r\n]*)?")


class LockedElsewhere(Exception):  # noqa: N818 (an answer, not a mistake)
    """Another process writes the project; the text names it."""


class WriterLock:
    """The right to write a project; at most one process has it."""

    def __init__(self, file: Path, descriptor: int, ours: bool) -> None:
        self._file = file
        self._descriptor = descriptor
        self._ours = ours

    @classmethod
    def acquire(cls, project: Path) -> WriterLock:
        """Take the lock.

        Raises
        ------
        LockedElsewhere
            If another process has it.
        ProjectError
            If something that is no lock file lies in its place.
        OSError
            If the folder cannot be written, or cannot lock files.
        """
        file = hidden_file(project, ".lock")
        deadline = time.monotonic() + _PATIENCE
        while True:
            descriptor = _open(project, file, os.O_RDWR)
            if descriptor is None:
                with suppress(FileExistsError):  # another process was quicker
                    os.close(open_carefully(file, os.O_RDWR | os.O_CREAT | os.O_EXCL))
                continue
            try:
                if try_lock(descriptor, shared=False):
                    if same_file(descriptor, file):
                        ours = _is_ours(descriptor)
                        if ours:
                            _write_owner(descriptor)
                        return cls(file, descriptor, ours)
                elif time.monotonic() > deadline:
                    raise LockedElsewhere(_owner(descriptor))
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(0.01)

    def release(self) -> None:
        """Give the lock back and remove its file."""
        ours = self._ours and same_file(self._descriptor, self._file)
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(self._descriptor)
        if ours:  # removed while still locked: who opened it before sees in same_file that it is gone
            with suppress(OSError):
                self._file.unlink()
        if sys.platform != "win32":
            os.close(self._descriptor)


@contextmanager
def no_writer(project: Path) -> Iterator[bool]:
    """Inside the block: True if no process writes the project, and then none can start to.

    Creates no file, so it works in a folder that cannot be written.

    Raises
    ------
    ProjectError
        If something that is no lock file lies in its place.
    """
    descriptor = None
    try:
        descriptor = _open(project, hidden_file(project, ".lock"), os.O_RDONLY)
        free = descriptor is None or try_lock(descriptor, shared=True)
    except OSError:  # not ours to read: somebody else's, take it for a writer's
        free = False
    try:
        yield free
    finally:
        if descriptor is not None:
            os.close(descriptor)


def check_lock_file(project: Path) -> None:
    """Raise a :class:`ProjectError` if something lies in the lock file's place that is none."""
    file = hidden_file(project, ".lock")
    with suppress(OSError):
        status = status_of(file)
        if status is not None:
            try:
                refuse_side(status, {status.st_uid}, _LONGEST)
            except UnusableFile as what:
                raise in_the_way(project, file, what) from None


def _open(project: Path, file: Path, flags: int) -> int | None:
    """A lock file's descriptor; None if there is none."""
    check_lock_file(project)
    try:
        return open_carefully(file, flags)
    except FileNotFoundError:
        return None
    except UnusableFile as what:
        raise in_the_way(project, file, what) from None


def same_file(descriptor: int, file: Path) -> bool:
    """Whether the open file is still the one of that name, not one that its owner removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.lstat())
    except FileNotFoundError:
        return False


def _is_ours(descriptor: int) -> bool:
    """Whether a lock file is one that this program made for this user: nothing in it but its owner's name."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    status = os.fstat(descriptor)
    return status.st_uid in owners(None) and _OWNER.fullmatch(os.read(descriptor, _LONGEST)) is not None


def _write_owner(descriptor: int) -> None:
    with suppress(OSError):  # a full disk: the name is a courtesy, the lock is what counts
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())


def _owner(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return shown(os.read(descriptor, 200).decode(errors="replace").strip()) or "another process"
