"""Experiments, runs and settings in a project."""

from __future__ import annotations

import json
import time
from typing import Any, Unpack

from workbench.project.database import Database
from workbench.project.errors import ProjectError
from workbench.project.records import (
    RUN_COLUMNS,
    ExperimentRecord,
    RunFields,
    RunRecord,
    experiment_record,
    run_columns,
    run_record,
    to_json,
)

_RUNS = f"SELECT {', '.join(RUN_COLUMNS)} FROM runs"


class RunStore(Database):
    """The part of a project that lists experiments and runs.

    Attributes
    ----------
    writer_alive : whether some process writes the project now. If not, a run that says ``running`` was
        left by a dead process, and is shown as ``interrupted``.
    """

    writer_alive = True

    def add_experiment(self, name: str, toml: str, config_hash: str) -> int:
        """Store a configuration; its id."""
        with self.transaction():
            cursor = self._change(
                "INSERT INTO experiments (name, toml, config_hash, created) VALUES (?, ?, ?, ?)",
                (name, toml, config_hash, time.time()),
            )
            return cursor.lastrowid or 0

    def experiments(self) -> list[ExperimentRecord]:
        """All experiments, oldest first."""
        rows = self._rows("SELECT id, name, toml, config_hash, created FROM experiments ORDER BY id")
        records = []
        for row in rows:
            try:
                records.append(experiment_record(row))
            except ValueError as error:
                raise self._damaged(f"experiment {row[0]}", error) from None
        return records

    def add_run(self, experiment_id: int, **fields: Unpack[RunFields]) -> int:
        """Put a run at the end of the queue; its id.

        Parameters
        ----------
        fields : as in :class:`RunRecord`; ``name``, ``algorithm``, ``task`` and ``seed`` are required.
        """
        missing = {"name", "algorithm", "task", "seed"} - fields.keys()
        if missing:
            raise ValueError(f"a run needs {', '.join(sorted(missing))}")
        with self.transaction():
            last = self._rows("SELECT MAX(position) FROM runs")[0][0] or 0
            defaults: RunFields = {
                "position": last + 1,
                "label": fields["algorithm"],
                "status": "queued",
                "failure": "",
                "iterations": 0,
                "iterations_planned": 0,
                "seconds": 0.0,
                "config_hash": "",
                "data_hash": "",
                "environment": {},
                "created": time.time(),
                "notes": "",
                "tags": (),
                "colour": "",
                "visible": True,
                "deleted": False,
            }
            columns = {"experiment_id": int(experiment_id)} | run_columns({**defaults, **fields})
            cursor = self._change(
                f"INSERT INTO runs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                tuple(columns.values()),
            )
            return cursor.lastrowid or 0

    def runs(self, *, deleted: bool = False) -> list[RunRecord]:
        """The runs in the order of the queue; with ``deleted``, those put aside instead."""
        rows = self._rows(f"{_RUNS} WHERE deleted = ? ORDER BY position, id", (int(deleted),))
        return [self._record(row) for row in rows]

    def run(self, run: int) -> RunRecord:
        """One run.

        Raises
        ------
        ProjectError
            If there is none of that id.
        """
        rows = self._rows(f"{_RUNS} WHERE id = ?", (run,))
        if not rows:
            raise self._no_run(run)
        return self._record(rows[0])

    def update_run(self, run: int, **fields: Unpack[RunFields]) -> None:
        """Change fields of a run; the others stay."""
        columns = run_columns(fields)
        assignments = ", ".join(f"{name} = ?" for name in columns) or "id = id"
        with self.transaction():
            cursor = self._change(f"UPDATE runs SET {assignments} WHERE id = ?", (*columns.values(), run))
            if cursor.rowcount != 1:
                raise self._no_run(run)

    def delete_run(self, run: int) -> None:
        """Remove a run with everything that it holds, for good."""
        with self.transaction():
            if self._change("DELETE FROM runs WHERE id = ?", (run,)).rowcount != 1:
                raise self._no_run(run)

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a value that JSON can hold (the window's layout, the project's notes) under a key."""
        with self.transaction():
            self._change("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, to_json(value)))

    def setting(self, key: str, default: Any = None) -> Any:
        """The value kept under a key, or the default where there is none or it is damaged."""
        rows = self._rows("SELECT value FROM settings WHERE key = ?", (key,))
        try:
            return json.loads(rows[0][0])
        except (IndexError, TypeError, ValueError, RecursionError):
            return default

    def _mark_interrupted(self) -> None:
        """Runs that say ``running`` while nobody writes the project were left by a dead process."""
        if self._rows("SELECT 1 FROM runs WHERE status = 'running' LIMIT 1"):
            with self.transaction():
                self._change("UPDATE runs SET status = 'interrupted' WHERE status = 'running'")

    def _record(self, row: tuple[Any, ...]) -> RunRecord:
        if not self.writer_alive:
            index = RUN_COLUMNS.index("status")
            if row[index] == "running":
                row = (*row[:index], "interrupted", *row[index + 1 :])
        try:
            return run_record(row)
        except ValueError as error:
            raise self._damaged(f"run {row[0]}", error) from None

    def _no_run(self, run: int) -> ProjectError:
        return ProjectError(f"{self.path}: there is no run {run}")
