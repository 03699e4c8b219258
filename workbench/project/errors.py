"""What can go wrong with a project file, each in one line that a person can act on."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import InputError


class ProjectError(InputError):
    """A file that is no project, is damaged, or cannot do what was asked. The text is one line."""


class DamagedError(ProjectError):
    """A part of the file is not as it was written; the others can be read."""


class StorageError(ProjectError):
    """The disk or the folder refuses for now; the same call can be tried again later."""


class StorageFull(StorageError):  # noqa: N818 (a state of the disk, not a mistake)
    """There is no room on the disk; the same call succeeds once there is."""


_FULL = "{}: the disk is full; free some room and continue"
_STORAGE = {
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": "{}: cannot be written any more; make the file and its folder writable",
    "SQLITE_PERM": "{}: cannot be written; make the file and its folder writable",
    "SQLITE_IOERR": "{}: the disk reports an error or a limit; check the disk, its quota and its connection",
    "SQLITE_CANTOPEN": "{}: cannot be opened; check that the file and its folder are there and writable",
    "SQLITE_BUSY": "{}: is busy in another program; try again in a moment",
    "SQLITE_LOCKED": "{}: is busy; try again in a moment",
    "SQLITE_PROTOCOL": "{}: is busy in another program; try again in a moment",
}


def translate(error: sqlite3.Error | OSError, path: Path) -> ProjectError:
    """The error that a person should see instead of SQLite's or the system's."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return StorageFull(_FULL.format(path))
        return StorageError(f"{path}: {error.strerror or type(error).__name__}")
    name = getattr(error, "sqlite_errorname", None) or ""
    for prefix, text in _STORAGE.items():
        if name == prefix or name.startswith(prefix + "_"):
            return (StorageFull if prefix == "SQLITE_FULL" else StorageError)(text.format(path))
    if name == "SQLITE_INTERRUPT":
        return ProjectError(f"{path}: reading it does not come to an end; it is damaged, use a copy")
    if name == "SQLITE_CONSTRAINT_FOREIGNKEY":
        return ProjectError(f"{path}: that run or experiment is not in the project")
    if name.startswith("SQLITE_CONSTRAINT"):
        return ProjectError(f"{path}: a value does not fit its place ({name})")
    return ProjectError(f"{path}: is damaged ({name or type(error).__name__}); use a copy of it")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the system into :class:`ProjectError`.

    Wrong use (another thread's connection, a closed project) stays a ``ProgrammingError``: that is
    a bug in the caller, not the file's state.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error
    except UnicodeDecodeError as error:  # SQLite's message quotes the file's damaged bytes
        raise ProjectError(f"{path}: is damaged (text); use a copy of it") from error
