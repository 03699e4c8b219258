"""One writer at a time, across processes: an operating-system lock that dies with its process.

The lock is on a file beside the project (``.name.mlwb.lock``). It cannot be on the project itself:
SQLite holds POSIX locks there, and a process loses those when it closes *any* handle of the file.
A lock file that a killed process left behind is unlocked, hence harmless; the next writer reuses it.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 0.3  # seconds: a reader that looks at a killed project holds the lock for a moment
_LOCKED_BYTE = 1 << 20  # Windows locks bytes and forbids reading them: one far behind the owner's name

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, shared: bool) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class LockedElsewhere(Exception):  # noqa: N818 (an answer, not a mistake)
    """Another process writes the project; the text names it."""


def _lock_file(project: Path) -> Path:
    return project.with_name(f".{project.name}.lock")


class WriterLock:
    """The right to write a project; at most one process has it."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, project: Path) -> WriterLock:
        """Take the lock.

        Raises
        ------
        LockedElsewhere
            If another process has it.
        OSError
            If the folder cannot be written, or cannot lock files.
        """
        file = _lock_file(project)
        deadline = time.monotonic() + _PATIENCE
        while True:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                if _try_lock(descriptor, shared=False):
                    if _is(descriptor, file):
                        _write_owner(descriptor)
                        return cls(file, descriptor)
                elif time.monotonic() > deadline:
                    raise LockedElsewhere(_owner(descriptor))
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(0.01)

    def release(self) -> None:
        """Give the lock back and remove its file."""
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(self._descriptor)
            with suppress(OSError):
                self._file.unlink()
        else:  # removed while still locked: who opened it before sees in _is that it is gone
            with suppress(OSError):
                self._file.unlink()
            os.close(self._descriptor)


@contextmanager
def no_writer(project: Path) -> Iterator[bool]:
    """Inside the block: True if no process writes the project, and then none can start to.

    Creates no file, so it works in a folder that cannot be written.
    """
    descriptor = None
    try:
        descriptor = os.open(_lock_file(project), os.O_RDONLY)
        free = _try_lock(descriptor, shared=True)
    except FileNotFoundError:
        free = True
    except OSError:  # not ours to read: somebody else's, take it for a writer's
        free = False
    try:
        yield free
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is(descriptor: int, file: Path) -> bool:
    """Whether the open file is still the one of that name, not one that its owner removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _write_owner(descriptor: int) -> None:
    with suppress(OSError):  # a full disk: the name is a courtesy, the lock is what counts
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())


def _owner(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return " ".join(os.read(descriptor, 200).decode(errors="replace").split()) or "another process"
