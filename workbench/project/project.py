"""The project file as the rest of the program sees it."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Self

from workbench.project import schema
from workbench.project.aside import recovered
from workbench.project.check import CheckedStore
from workbench.project.errors import ProjectError, StorageError, translated
from workbench.project.file import (
    Found,
    check_tables,
    connect_to,
    find,
    hold,
    is_open,
    is_ours,
    opening,
    use_journal,
)
from workbench.project.locking import LockedElsewhere, WriterLock, check_lock_file, no_writer
from workbench.project.replacing import backup_name, place_for, put
from workbench.project.run_store import RunStore
from workbench.project.side_files import LOG, LONGEST_NAME, SHARED, side_file


class Project(CheckedStore):
    """An open project file; a context manager that closes it.

    One process writes a project at a time; another that opens it gets it read-only. Within the
    process, each thread opens the project for itself (or takes a :meth:`reader`); all of those that
    are not read-only may write, one transaction at a time.

    Opening a damaged or foreign file raises :class:`ProjectError` and changes nothing, on it or beside
    it; so does opening one beside which something lies that is not its own. A read-only project never
    changes the file either; of a file whose writer was killed it shows a copy, which does not follow later
    changes.

    Attributes
    ----------
    path : the file, absolute.
    read_only, read_only_reason : whether changes are refused, and why, in words.
    closed : whether it was closed: nothing can be read any more.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        read_only_reason: str = "",
        release: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(connection, path, read_only_reason)
        self._release = release
        self.closed = False

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make a new project, and open it.

        Raises
        ------
        ProjectError
            If the name is taken, or the file cannot be made there.
        """
        path = absolute(path)
        with opening():
            with place_for(path, new=True) as put_there:
                put_there(lambda connection: schema.migrate(connection, 0))
            return cls.open(path)

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Open a project; read-only if asked to, or if it cannot be written (see ``read_only_reason``).

        Opened for writing, runs that a dead process left ``running`` become ``interrupted``, and a
        file of an older version becomes one of the newest, with a copy of the old one kept beside it;
        opened read-only, it is shown as it is.

        Raises
        ------
        ProjectError
            If the file is missing, damaged, no project, or made by a newer version.
        """
        path = absolute(path)
        with opening():
            if read_only:
                return cls._open_to_read(path, "it was opened read-only")
            found = find(path)
            check_lock_file(path)
            if is_ours(path):
                return cls._open_to_write(path, None)
            why_not = _why_not_written(path, found)
            if why_not:
                return cls._open_to_read(path, why_not)
            try:
                lock = WriterLock.acquire(path)
            except LockedElsewhere as owner:
                return cls._open_to_read(path, f"it is open for writing in another window: {owner}")
            except OSError as error:
                why = error.strerror or str(error)
                return cls._open_to_read(path, f"its folder cannot be written or locked: {why}")
            try:
                return cls._open_to_write(path, lock)
            except StorageError as error:
                lock.release()
                return cls._open_to_read(path, str(error))
            except BaseException:
                lock.release()
                raise

    @classmethod
    def _open_to_write(cls, path: Path, lock: WriterLock | None) -> Self:
        found = find(path)  # again, now that no other process can write
        if not is_open(path):
            _look(path, found)
        with ExitStack() as undo, translated(path):
            connection = undo.enter_context(closing(connect_to(path, found, "rw")))
            version = check_tables(connection, path)
            if version < schema.newest():
                put(backup_name(path, version), connection.backup, new=True)
                schema.migrate(connection, version)
            project = cls(connection, path)
            if lock is not None:
                project._mark_interrupted()
            use_journal(connection, path)
            project._release = hold(path, found, lock)
            undo.pop_all()
        return project

    @classmethod
    def _open_to_read(cls, path: Path, reason: str) -> Self:
        with ExitStack() as undo, translated(path), no_writer(path) as free:
            found = find(path)
            in_place = is_open(path) or found.clean or (not free and not _lacks_memory(found))
            if in_place:
                connection = undo.enter_context(closing(connect_to(path, found, "ro")))
            else:  # to read what the journal holds, SQLite must be able to write
                connection = undo.enter_context(recovered(path))
            check_tables(connection, path)
            connection.execute("PRAGMA query_only=ON")
            project = cls(connection, path, reason)
            project.writer_alive = is_ours(path) or not free
            _read_lists(project)
            if in_place:
                undo.callback(hold(path, found))
            project._release = undo.pop_all().close
        return project

    def version_of_data(self) -> int:
        """A number that is another one once somebody else has written."""
        return int(self._rows("PRAGMA data_version")[0][0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the project; the last to close in this process leaves a single file. May be repeated."""
        self.closed = True
        with opening():
            self._connection.close()
            if self._release is not None:
                self._release()
                self._release = None

    def reader(self) -> Self:
        """A read-only view of the same file for the calling thread, which sees every commit at once."""
        return type(self).open(self.path, read_only=True)

    def rewind(self, run: int, iteration: int) -> None:
        """Forget what a run has produced after an iteration, to resume from that iteration's checkpoint.

        Drops later points, evaluations and checkpoints, and the run's results, which belong to its end.
        """
        with self.transaction():
            done = max(0, min(self.run(run).iterations, iteration))
            self.truncate_series(run, iteration)
            self._change("DELETE FROM evaluations WHERE run_id = ? AND iteration > ?", (run, iteration))
            self._change("DELETE FROM checkpoints WHERE run_id = ? AND iteration > ?", (run, iteration))
            self._change("DELETE FROM results WHERE run_id = ?", (run,))
            self.update_run(run, iterations=done)

    def save_copy(self, path: str | Path) -> None:
        """Write a copy of the project, as of now, also while a run is writing; replaces a file there.

        Raises
        ------
        ProjectError
            If that file is open; StorageError where the disk refuses, and no half-written file is left.
        """
        if self.in_transaction:
            raise RuntimeError("a copy is made outside of a transaction")
        target = absolute(path)
        with ExitStack() as held:
            with opening():
                if is_open(target) or target == self.path:
                    raise ProjectError(f"{target}: is open; choose another name for the copy")
                put_there = held.enter_context(place_for(target, new=False))
            put_there(self._connection.backup)


def absolute(path: str | Path) -> Path:
    """The file that is meant: a link to a project is followed here, once; beside it is beside that file.

    Raises
    ------
    ProjectError
        If it leads nowhere, as links in a circle do.
    """
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ProjectError(f"{path!s}: no usable path: {error}") from None


def _why_not_written(path: Path, found: Found) -> str:
    """Why a file can only be read; empty if it may be written."""
    if not os.access(path, os.W_OK):
        return "the file is write-protected"
    if found.status.st_nlink > 1:  # another name has another lock and other journals, which nobody here sees
        return "the file is known under another name as well (a hard link); make a copy"
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        return f"its name is longer than {LONGEST_NAME} bytes, so that no journal can be kept beside it"
    return ""


def _lacks_memory(found: Found) -> bool:
    """Whether a log lies there without the shared memory that a living writer would have beside it."""
    return LOG in found.beside and SHARED not in found.beside


def _look(path: Path, found: Found) -> None:
    """Check a file's tables, and that its lists can be read, without changing anything on it or beside."""
    with ExitStack() as stack, translated(path):
        if found.clean:
            connection = stack.enter_context(closing(connect_to(path, found, "immutable")))
        else:
            connection = stack.enter_context(recovered(path))
        check_tables(connection, path)
        store = RunStore(connection, path)
        _read_lists(store)
        if found.beside and store._rows("PRAGMA quick_check(1)", timeout=math.inf) != [("ok",)]:
            beside = " and ".join(side_file(path, suffix).name for suffix in found.beside)
            raise ProjectError(
                f"{path}: is damaged, or {beside} beside it is of another file; nothing was touched, "
                "use a copy of it"
            )


def _read_lists(store: RunStore) -> None:
    store.experiments()
    store.listing()
