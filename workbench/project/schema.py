"""The tables of a project file, and how a file of an older version becomes one of the newest.

Each version is one function that turns the version before it into itself; a new file runs them all.
A released function is never edited: a change of the tables is a new function. A file that is only read stays
as it is: what reads must know the tables of every version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x4D4C5742  # "MLWB", in the file's header


def _version_1(connection: sqlite3.Connection) -> None:
    """The first tables."""
    for statement in (
        """CREATE TABLE experiments (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            toml TEXT NOT NULL,
            config_hash TEXT NOT NULL,
            created REAL NOT NULL
        ) STRICT""",
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            experiment_id INTEGER NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            algorithm TEXT NOT NULL,
            label TEXT NOT NULL,
            task TEXT NOT NULL,
            seed INTEGER NOT NULL,
            status TEXT NOT NULL,
            failure TEXT NOT NULL,
            iterations INTEGER NOT NULL,
            iterations_planned INTEGER NOT NULL,
            seconds REAL NOT NULL,
            meta_iterations_per_second REAL,
            config_hash TEXT NOT NULL,
            data_hash TEXT NOT NULL,
            environment TEXT NOT NULL,
            created REAL NOT NULL,
            started REAL,
            ended REAL,
            notes TEXT NOT NULL,
            tags TEXT NOT NULL,
            colour TEXT NOT NULL,
            visible INTEGER NOT NULL,
            deleted INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX runs_of_experiment ON runs(experiment_id)",
        """CREATE TABLE series (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            UNIQUE (run_id, name)
        ) STRICT""",
        # The summary comes before the data, so that SQLite reads it without reading the data.
        """CREATE TABLE chunks (
            id INTEGER PRIMARY KEY,
            series_id INTEGER NOT NULL REFERENCES series(id) ON DELETE CASCADE,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            points INTEGER NOT NULL,
            summary BLOB NOT NULL,
            data BLOB NOT NULL,
            UNIQUE (series_id, first)
        ) STRICT""",
        """CREATE TABLE evaluations (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
            split TEXT NOT NULL,
            iteration INTEGER NOT NULL,
            body TEXT NOT NULL,
            digest BLOB NOT NULL,
            UNIQUE (run_id, split, iteration)
        ) STRICT""",
        """CREATE TABLE results (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
            split TEXT NOT NULL,
            episodes_hash TEXT NOT NULL,
            summary TEXT NOT NULL,
            digest BLOB NOT NULL,
            UNIQUE (run_id, split)
        ) STRICT""",
        """CREATE TABLE result_arrays (
            id INTEGER PRIMARY KEY,
            result_id INTEGER NOT NULL REFERENCES results(id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            dtype TEXT NOT NULL,
            shape TEXT NOT NULL,
            digest BLOB NOT NULL,
            data BLOB NOT NULL,
            UNIQUE (result_id, name)
        ) STRICT""",
        """CREATE TABLE checkpoints (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
            iteration INTEGER NOT NULL,
            created REAL NOT NULL,
            digest BLOB NOT NULL,
            state TEXT NOT NULL,
            tensors BLOB NOT NULL,
            UNIQUE (run_id, iteration)
        ) STRICT""",
        "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    ):
        connection.execute(statement)


def _version_2(connection: sqlite3.Connection) -> None:
    """Pieces of curves without a summary, which nothing drew from."""
    connection.execute("ALTER TABLE chunks RENAME TO chunks_before")  # so that its SQL is as written here
    connection.execute(
        """CREATE TABLE chunks (
            id INTEGER PRIMARY KEY,
            series_id INTEGER NOT NULL REFERENCES series(id) ON DELETE CASCADE,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            points INTEGER NOT NULL,
            data BLOB NOT NULL,
            UNIQUE (series_id, first)
        ) STRICT"""
    )
    for (series,) in connection.execute(
        "SELECT id FROM series"
    ).fetchall():  # each takes the room of the last
        connection.execute(
            "INSERT INTO chunks SELECT id, series_id, first, last, points, data FROM chunks_before"
            " WHERE series_id = ?",
            (series,),
        )
        connection.execute("DELETE FROM chunks_before WHERE series_id = ?", (series,))
    connection.execute("DROP TABLE chunks_before")


MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [_version_1, _version_2]


def newest() -> int:
    """The version that this program writes."""
    return len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring an open database (in autocommit mode) from ``version`` to the newest, or leave it be.

    All in one transaction: an error or a kill in the middle changes nothing.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {newest()}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def declared(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Every table, index, view and trigger of an open database, with its SQL."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchmany(1000)
    return set(rows)


def expected(version: int) -> set[tuple[object, ...]]:
    """What :func:`declared` gives for an untouched file of that version."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for step in MIGRATIONS[:version]:
            step(connection)
        return declared(connection)
    finally:
        connection.close()
