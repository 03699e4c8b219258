"""The project file as the rest of the program sees it."""

from __future__ import annotations

import os
import secrets
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from workbench.project import schema
from workbench.project.check import CheckedStore
from workbench.project.database import connect
from workbench.project.errors import ProjectError, StorageError, translate, translated
from workbench.project.file import (
    check_header,
    check_tables,
    copy_aside,
    hold,
    is_open,
    is_ours,
    opening,
    remove_side_files,
    side_file,
    use_journal,
)
from workbench.project.locking import LockedElsewhere, WriterLock, no_writer
from workbench.project.run_store import RunStore


class Project(CheckedStore):
    """An open project file; a context manager that closes it.

    One process writes a project at a time; another that opens it gets it read-only. Within the
    process, each thread opens the project for itself (or takes a :meth:`reader`); all of those that
    are not read-only may write, one transaction at a time.

    Opening a damaged or foreign file raises :class:`ProjectError` and changes nothing, on it or beside
    it. A read-only project never changes the file either; of a file whose writer was killed it shows a
    copy, which does not follow later changes.

    Attributes
    ----------
    path : the file, absolute.
    read_only, read_only_reason : whether changes are refused, and why, in words.
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

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make a new project, and open it.

        Raises
        ------
        ProjectError
            If the name is taken, or the file cannot be made there.
        """
        path = _absolute(path)
        with opening():
            lock = _lock_to_replace(path)
            try:
                if path.exists():
                    raise ProjectError(f"{path}: exists already; open it, or choose another name")
                _replace(path, lambda connection: schema.migrate(connection, 0))
            finally:
                lock.release()
            return cls.open(path)

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Open a project; read-only if asked to, or if it cannot be written (see ``read_only_reason``).

        Opened for writing, runs that a dead process left ``running`` become ``interrupted``, and a
        file of an older version becomes one of the newest, with a copy of the old one kept beside it.

        Raises
        ------
        ProjectError
            If the file is missing, damaged, no project, or made by a newer version.
        """
        path = _absolute(path)
        with opening():
            clean = is_open(path) or check_header(path)
            if read_only:
                return cls._open_to_read(path, clean, "it was opened read-only")
            if is_ours(path):
                return cls._open_to_write(path, clean, None)
            if not os.access(path, os.W_OK):
                return cls._open_to_read(path, clean, "the file is write-protected")
            try:
                lock = WriterLock.acquire(path)
            except LockedElsewhere as owner:
                return cls._open_to_read(path, clean, f"it is open for writing in another window: {owner}")
            except OSError as error:
                why = error.strerror or str(error)
                return cls._open_to_read(path, clean, f"its folder cannot be written or locked: {why}")
            try:
                return cls._open_to_write(path, clean, lock)
            except StorageError as error:
                lock.release()
                return cls._open_to_read(path, clean, str(error))
            except BaseException:
                lock.release()
                raise

    @classmethod
    def _open_to_write(cls, path: Path, clean: bool, lock: WriterLock | None) -> Self:
        if not is_open(path):
            _look(path, clean)
        with ExitStack() as undo, translated(path):
            connection = undo.enter_context(closing(connect(path, "rw")))
            version = check_tables(connection, path)
            if version < schema.newest():
                _copy(connection, _backup_name(path, version))
                schema.migrate(connection, version)
            project = cls(connection, path)
            if lock is not None:
                project._mark_interrupted()
            use_journal(connection, path)
            project._release = hold(path, lock)
            undo.pop_all()
        return project

    @classmethod
    def _open_to_read(cls, path: Path, clean: bool, reason: str) -> Self:
        with ExitStack() as undo, translated(path), no_writer(path) as free:
            live = is_open(path) or not free
            folder = None if live or clean else undo.enter_context(copy_aside(path))
            if folder is None:
                connection = undo.enter_context(closing(connect(path, "ro")))
            else:  # to read what the journal holds, SQLite must be able to write
                connection = undo.enter_context(closing(connect(Path(folder) / path.name, "rw")))
                connection.execute("PRAGMA synchronous=OFF")
            version = check_tables(connection, path)
            if version < schema.newest():
                if folder is None:
                    folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="workbench-"))
                    copy = undo.enter_context(closing(connect(Path(folder) / path.name, "rwc")))
                    connection.backup(copy)
                    connection.close()
                    connection = copy
                schema.migrate(connection, version)
            connection.execute("PRAGMA query_only=ON")
            project = cls(connection, path, reason)
            project.writer_alive = is_ours(path) or not free
            _read_lists(project)
            if folder is None:
                undo.callback(hold(path))
            project._release = undo.pop_all().close
        return project

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the project; the last to close in this process leaves a single file. May be repeated."""
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
            done = min(self.run(run).iterations, iteration)
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
        target = _absolute(path)
        with opening():
            if is_open(target) or target == self.path:
                raise ProjectError(f"{target}: is open; choose another name for the copy")
            lock = _lock_to_replace(target)
        try:
            _copy(self._connection, target)
        finally:
            lock.release()


def _absolute(path: str | Path) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ProjectError(f"{path!s}: no usable path: {error}") from None


def _look(path: Path, clean: bool) -> None:
    """Check a file's tables, and that its lists can be read, without changing anything on it or beside."""
    with ExitStack() as stack, translated(path):
        if clean:
            connection = stack.enter_context(closing(connect(path, "immutable")))
        else:
            folder = stack.enter_context(copy_aside(path))
            connection = stack.enter_context(closing(connect(Path(folder) / path.name, "rw")))
            connection.execute("PRAGMA synchronous=OFF")
        if check_tables(connection, path) == schema.newest():
            _read_lists(RunStore(connection, path))


def _read_lists(store: RunStore) -> None:
    store.experiments()
    store.runs()
    store.runs(deleted=True)


def _backup_name(path: Path, version: int) -> Path:
    """A free name for the copy that is kept of a file of an older version."""
    stem, number = f"{path.stem}.version{version}", 1
    while (backup := path.with_name(f"{stem}{f'-{number}' if number > 1 else ''}{path.suffix}")).exists():
        number += 1
    return backup


def _lock_to_replace(path: Path) -> WriterLock:
    """The right to write a file that is about to be made or replaced."""
    try:
        return WriterLock.acquire(path)
    except LockedElsewhere as owner:
        raise ProjectError(f"{path}: is open in another window: {owner}; choose another name") from None
    except OSError as error:
        raise translate(error, path) from None


def _copy(connection: sqlite3.Connection, path: Path) -> None:
    _replace(path, connection.backup)


def _replace(path: Path, fill: Callable[[sqlite3.Connection], object]) -> None:
    """Put a database in a file's place once it is complete and on the disk, or leave all as it was."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with translated(path):
            with closing(connect(part, "rwc")) as connection:
                fill(connection)
                connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            remove_side_files(path)
            part.replace(path)
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                side_file(part, suffix).unlink(missing_ok=True)
