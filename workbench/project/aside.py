"""An improperly closed project in a copy of its own, where what its process left can be taken in.

To read what a journal holds, SQLite must write it into the file and delete the journal. Of a file that is
only looked at, that happens to a copy.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from workbench.project.database import connect
from workbench.project.errors import ProjectError, StorageFull, translated
from workbench.project.side_files import JOURNAL, LOG, check_contents, read_carefully, side_file, status_of
from workbench.project.temporaries import private_folder

_PIECE = 1 << 20

# In an unfinished file, a page that is not yet written can hold rows of another table.
_EXPERIMENTS = """SELECT id, created, config_hash FROM experiments WHERE typeof(name) = 'text'
    AND typeof(toml) = 'text' AND typeof(config_hash) = 'text' AND typeof(created) = 'real'"""


@contextmanager
def recovered(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a copy of a file, with what its journals hold taken in; the file stays as it is.

    Raises
    ------
    StorageError
        If there is no room for it.
    ProjectError
        If a journal is not one that SQLite could have left there, or is of another project.
    """
    with _copy_aside(path) as copy, translated(path):
        with closing(connect(copy, "immutable")) as connection:  # sees no journal
            before = _experiments(connection)
        undoes = side_file(copy, JOURNAL).exists()
        with closing(connect(copy, "rw")) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # takes it in
            if _contradict(before, _experiments(connection), undoes):
                raise ProjectError(
                    f"{path}: the journal beside it is of another project; nothing was touched, move it away "
                    "first"
                )
            yield connection


_Known = dict[int, tuple[object, ...]]


def _experiments(connection: sqlite3.Connection) -> _Known | None:
    """What is for ever about each experiment of a file; None where it is damaged."""
    with suppress(sqlite3.Error, UnicodeDecodeError):
        return {row[0]: row[1:] for row in connection.execute(_EXPERIMENTS).fetchmany(100_000)}
    return None


def _contradict(before: _Known | None, after: _Known | None, undoes: bool) -> bool:
    """Whether a journal is of another project: experiments only come, unless it undoes a half-done change."""
    if before is None or after is None:
        return False
    if undoes:
        return any(after[number] != before[number] for number in before.keys() & after.keys())
    return not before.items() <= after.items()


@contextmanager
def _copy_aside(path: Path) -> Iterator[Path]:
    """A copy of an improperly closed file and of its journals, in a folder of its own.

    Raises
    ------
    StorageError
        If there is no room for it.
    ProjectError
        If a journal is not one that SQLite could have left there.
    """
    wanted = ("", LOG, JOURNAL)
    with private_folder() as folder:
        copy = folder / "copy.mlwb"
        with translated(path):
            needed = sum(_room(side_file(path, suffix)) for suffix in wanted)
            free = shutil.disk_usage(folder).free
            if needed > free:
                raise StorageFull(
                    f"{path}: was not closed properly and is looked at in a copy of {needed:,} bytes; "
                    f"{folder.parent} has room for {free:,}"
                )
            for suffix in wanted:
                _copy(side_file(path, suffix), side_file(copy, suffix))
            with copy.open("rb") as file:
                header = file.read(100)
        for suffix in wanted[1:]:  # once more: of what SQLite is going to read
            check_contents(path, side_file(copy, suffix), suffix, header)
        yield copy


def _room(path: Path) -> int:
    """Bytes that a copy of a file takes, holes left out."""
    status = status_of(path)
    if status is None:
        return 0
    return min(status.st_size, 512 * getattr(status, "st_blocks", 0) or status.st_size)


def _copy(source: Path, target: Path) -> None:
    """Copy as much of a file as there is now, holes left out; nothing if there is none."""
    try:
        opened = read_carefully(source)
    except FileNotFoundError:
        return
    with opened as read, target.open("xb") as written:
        size, place = os.fstat(read.fileno()).st_size, 0
        while place < size:
            place, end = _piece(read.fileno(), place, size)
            read.seek(place)
            written.seek(place)
            while place < end and (piece := read.read(min(_PIECE, end - place))):
                place += written.write(piece)
            if place < end:  # it was cut off meanwhile
                break
        written.truncate(min(place, size))


def _piece(descriptor: int, place: int, size: int) -> tuple[int, int]:
    """Where the next part of a file begins that is no hole, and where it ends."""
    if not hasattr(os, "SEEK_DATA"):
        return place, size
    try:
        start = os.lseek(descriptor, place, os.SEEK_DATA)
        return start, min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
    except OSError as error:
        # only a hole is left, or the file system cannot tell
        return (size, size) if error.errno == errno.ENXIO else (place, size)
