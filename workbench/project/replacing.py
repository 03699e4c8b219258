"""Making a project's file whole or not at all, in a place that may be taken."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from workbench.project.database import connect
from workbench.project.errors import ProjectError, translate, translated
from workbench.project.locking import LockedElsewhere, WriterLock
from workbench.project.side_files import (
    LONGEST_NAME,
    SUFFIXES,
    UnusableFile,
    check_contents,
    files_beside,
    hidden_file,
    open_carefully,
    refuse_kind,
    short_name,
    side_file,
    status_of,
)

Fill = Callable[[sqlite3.Connection], object]


@contextmanager
def place_for(path: Path, *, new: bool) -> Iterator[Callable[[Fill], None]]:
    """The right to write a file, which the given function then does: once it is whole, it is in its place.

    Parameters
    ----------
    new : whether nothing may be there yet; else a file there is replaced.

    Raises
    ------
    ProjectError
        If the name is taken, or a process has the file open; StorageError where the disk refuses. All is
        then as it was.
    """
    _leftovers(path, new)
    try:
        lock = WriterLock.acquire(path)
    except LockedElsewhere as owner:
        raise ProjectError(f"{path}: is open in another window: {owner}; choose another name") from None
    except OSError as error:
        raise translate(error, path) from None
    try:
        yield lambda fill: put(path, fill, new=new)
    finally:
        lock.release()


def put(path: Path, fill: Fill, *, new: bool) -> None:
    """Put a database in a file's place once it is complete and on the disk, or leave all as it was."""
    part = hidden_file(path, f".{secrets.token_hex(8)}.part")
    try:
        with translated(path):
            os.close(open_carefully(part, os.O_RDWR | os.O_CREAT | os.O_EXCL))
            with closing(connect(part, "rw")) as connection:
                fill(connection)
                connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            for left in _leftovers(path, new):
                left.unlink(missing_ok=True)
            part.replace(path)
    finally:
        for suffix in ("", *SUFFIXES):
            with suppress(OSError):
                side_file(part, suffix).unlink(missing_ok=True)


def backup_name(path: Path, version: int) -> Path:
    """A free name for the copy that is kept of a file of an older version."""
    number = 1
    while True:
        ending = f".version{version}{f'-{number}' if number > 1 else ''}{path.suffix}"
        backup = path.with_name(short_name(path.stem, ending))
        if all(status_of(side_file(backup, suffix)) is None for suffix in ("", *SUFFIXES)):
            return backup
        number += 1


def _leftovers(path: Path, new: bool) -> list[Path]:
    """What SQLite left beside a file that is gone or about to be replaced; else it'd be applied to the new.

    Raises
    ------
    ProjectError
        If the name is taken, or something else lies beside it.
    """
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise ProjectError(f"{path}: a project's name has at most {LONGEST_NAME} bytes; choose a shorter one")
    status = status_of(path)
    if status is not None and new:
        raise ProjectError(f"{path}: exists already; open it, or choose another name")
    try:
        if status is not None:
            refuse_kind(status)
    except UnusableFile as what:
        raise ProjectError(f"{path}: {what}; choose another name") from None
    found = files_beside(path, status)
    for suffix in found:
        check_contents(path, side_file(path, suffix), suffix, None)
    return [side_file(path, suffix) for suffix in found]
