"""An SQLite connection that trusts nothing in its file, and whose errors a person can read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from workbench.project.errors import DamagedError, ProjectError, StorageError, StorageFull, translated
from workbench.words import shown

Mode = Literal["ro", "rw", "rwc", "immutable"]

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another connection's transaction."""
_STATEMENT_TIMEOUT = 60.0  # seconds: longer only if damage makes a table endless
_MAX_ROWS = 200_000  # of one answer, for the same reason

_MOST_SAID = 300  # letters of what is wrong with a value

# Far above what our own statements need, far below what a hostile schema could ask for.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 50,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 10,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 25_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 16,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 50,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 100,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 2,
}


def connect(path: Path, mode: Mode, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open an SQLite file in autocommit mode, hardened against what it may contain.

    ``immutable`` reads without locks and creates no file, for a file that nobody writes; ``ro`` reads
    beside a writer; ``rwc`` creates the file.
    """
    posix = path.as_posix()
    address = "file://" + quote(posix if posix.startswith("/") else "/" + posix)
    query = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    connection = sqlite3.connect(f"{address}?{query}", uri=True, timeout=timeout, isolation_level=None)
    try:
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        if hasattr(connection, "setconfig"):  # Python 3.12
            connection.setconfig(getattr(sqlite3, "SQLITE_DBCONFIG_DEFENSIVE"), True)  # noqa: B009
        pragmas = ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "foreign_keys=ON")
        for pragma in (*pragmas, "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        if mode in ("ro", "immutable"):
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    connection.text_factory = _text
    return connection


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "backslashreplace")  # so that no row hides those beside it


class Database:
    """A connection to a project file, with transactions and translated errors.

    Belongs to the thread that opened it; another thread opens its own.

    Attributes
    ----------
    path : the file, for messages.
    read_only_reason : why the file cannot be written through this object; empty where it can.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, read_only_reason: str = "") -> None:
        self.path = path
        self.read_only_reason = read_only_reason
        self._connection = connection
        self._depth = 0
        self._failed = False
        deadline = self._deadline = [float("inf")]  # a list: the handler must not keep self alive
        connection.set_progress_handler(lambda: time.monotonic() > deadline[0], 100_000)

    @property
    def read_only(self) -> bool:
        """Whether changes are refused; :attr:`read_only_reason` says why."""
        return bool(self.read_only_reason)

    @property
    def in_transaction(self) -> bool:
        """Whether a :meth:`transaction` is open."""
        return self._depth > 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything changed inside is written in one commit, or not at all.

        May be nested; the outermost commits. An error inside undoes the whole.

        Raises
        ------
        StorageError
            If the disk or the folder refuses; nothing was written then, and it can be tried again.
        ProjectError
            If the project is read-only.
        """
        if self.read_only:
            raise ProjectError(f"{self.path}: cannot be changed here: {self.read_only_reason}")
        if self._depth == 0:
            with translated(self.path):
                self._connection.execute("BEGIN IMMEDIATE")
            self._failed = False
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self._refuse_after_failure()
                with translated(self.path):
                    self._connection.execute("COMMIT")
        except BaseException as error:
            self._failed = True
            if self._depth == 1:
                self._undo(disk_full=isinstance(error, StorageFull))
            raise
        finally:
            self._depth -= 1

    def _undo(self, disk_full: bool) -> None:
        with suppress(sqlite3.Error):  # SQLite has undone it already, or will at the next opening
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if disk_full:  # the -wal file can be used again from its start once the file itself has it all
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _change(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one changing statement inside the open transaction."""
        self._refuse_after_failure()
        self._deadline[0] = time.monotonic() + _STATEMENT_TIMEOUT
        with translated(self.path):
            return self._connection.execute(sql, parameters)

    def _rows(
        self, sql: str, parameters: Sequence[object] = (), timeout: float = _STATEMENT_TIMEOUT
    ) -> list[tuple[Any, ...]]:
        """All rows of a query, within reason."""
        self._deadline[0] = time.monotonic() + timeout
        with translated(self.path):
            rows = self._connection.execute(sql, parameters).fetchmany(_MAX_ROWS + 1)
        if len(rows) > _MAX_ROWS:
            raise ProjectError(f"{self.path}: a table does not come to an end; it is damaged, use a copy")
        return rows

    def _integers(self, sql: str, parameters: Sequence[object] = ()) -> list[int]:
        """The first column of a query, checked."""
        try:
            return [stored_integer(row[0]) for row in self._rows(sql, parameters)]
        except ValueError as error:
            raise self._damaged("a table", error) from None

    def _damaged(self, what: str, why: object) -> DamagedError:
        said = f"{shown(what, _MOST_SAID)} is damaged: {shown(str(why), _MOST_SAID)}"
        return DamagedError(f"{self.path}: {said}")

    def _refuse_after_failure(self) -> None:
        # SQLite ends a transaction by itself when the disk is full: what follows would not be undone
        if self._failed or not self._connection.in_transaction:
            raise StorageError(f"{self.path}: an earlier change of this transaction failed; repeat all of it")


def stored_integer(value: object) -> int:
    """A number from a column, or a :class:`ValueError` where a damaged file holds something else."""
    if not isinstance(value, int):
        raise ValueError("a number is missing")
    return value


def stored_number(value: object) -> float:
    """A float from a column, or a :class:`ValueError` where a damaged file holds something else."""
    if not isinstance(value, float):
        raise ValueError("a number is missing")
    return value


def stored_bytes(value: object) -> bytes:
    """Bytes from a column, or a :class:`ValueError` where a damaged file holds something else."""
    if not isinstance(value, bytes):
        raise ValueError("its bytes are missing")
    return value
