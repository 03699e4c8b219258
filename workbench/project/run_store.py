"""Experiments, runs and settings in a project."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Unpack

from workbench.project.database import Database
from workbench.project.declared import LARGEST_ID, plain, to_json
from workbench.project.errors import ProjectError
from workbench.project.records import (
    EXPERIMENT,
    RUN,
    Damaged,
    ExperimentRecord,
    RunFields,
    RunRecord,
    experiment_record,
    run_columns,
    run_record,
)

_known = lru_cache(maxsize=16_384)(run_record)  # a list of runs is read often, and few of its rows are others
_RUNS = f"SELECT {', '.join(RUN)} FROM runs"
_EXPERIMENTS = f"SELECT {', '.join(EXPERIMENT)} FROM experiments"


class RunStore(Database):
    """The part of a project that lists experiments and runs.

    What cannot be as it was written is in no list, and does not hide the others; :meth:`damaged` names it.

    Attributes
    ----------
    writer_alive : whether some process writes the project now. If not, a run that says ``running`` was
        left by a dead process, and is shown as ``interrupted``.
    """

    writer_alive = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._left_out: dict[int, str] = {}

    def add_experiment(self, name: str, toml: str, config_hash: str) -> int:
        """Store a configuration; its id."""
        with self.transaction():
            return self._added(
                "INSERT INTO experiments (name, toml, config_hash, created) VALUES (?, ?, ?, ?)",
                (name, toml, config_hash, time.time()),
            )

    def experiments(self) -> list[ExperimentRecord]:
        """All experiments, oldest first."""
        return [each for each in self._experiments() if isinstance(each, ExperimentRecord)]

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
            last = self._rows("SELECT MAX(position) FROM runs WHERE position < ?", (LARGEST_ID,))[0][0] or 0
            defaults: RunFields = {
                "position": max(last, 0) + 1,
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
            return self._added(
                f"INSERT INTO runs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                tuple(columns.values()),
            )

    def runs(self, *, deleted: bool = False) -> list[RunRecord]:
        """The runs in the order of the queue; with ``deleted``, those put aside instead."""
        return [each for each in self.listing()[0] if each.deleted == deleted]

    def listing(self) -> tuple[list[RunRecord], list[Damaged]]:
        """Every run, those put aside as well, in the order of the queue; and those that are in no list since
        something of them is not as it was written."""
        found = self._runs(f"{_RUNS} ORDER BY position, id")
        return (
            [each for each in found if isinstance(each, RunRecord)],
            [each for each in found if isinstance(each, Damaged)],
        )

    def damaged(self) -> list[Damaged]:
        """The runs that are in no list."""
        return sorted(self.listing()[1], key=lambda each: each.id)

    def run(self, run: int) -> RunRecord:
        """One run.

        Raises
        ------
        ProjectError
            If there is none of that id.
        DamagedError
            If it cannot be as it was written.
        """
        owner = " WHERE id = (SELECT experiment_id FROM runs WHERE id = ?)"  # not all: it is asked often
        for found in self._runs(f"{_RUNS} WHERE id = ?", (run,), owner):
            if isinstance(found, Damaged):
                raise self._damaged(f"run {run}", found.why)
            return found
        raise self._no_run(run)

    def update_run(self, run: int, **fields: Unpack[RunFields]) -> None:
        """Change fields of a run; the others stay."""
        columns = run_columns(fields)
        assignments = ", ".join(f"{name} = ?" for name in columns) or "id = id"
        with self.transaction():
            cursor = self._change(f"UPDATE runs SET {assignments} WHERE id = ?", (*columns.values(), run))
            if cursor.rowcount != 1:
                raise self._no_run(run)

    def set_setting(self, key: str, value: object) -> None:
        """Keep a value that JSON can hold (the window's layout, the project's notes) under a key."""
        with self.transaction():
            self._change("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, to_json(value)))

    def setting(self, key: str, default: object = None) -> Any:
        """The value kept under a key, or the default where there is none or it is damaged."""
        rows = self._rows("SELECT value FROM settings WHERE key = ?", (key,))
        try:
            return plain(json.loads(rows[0][0]))
        except (IndexError, TypeError, ValueError, RecursionError):
            return default

    def _mark_interrupted(self) -> None:
        """Runs that say ``running`` while nobody writes the project were left by a dead process."""
        if self._rows("SELECT 1 FROM runs WHERE status = 'running' LIMIT 1"):
            with self.transaction():
                self._change("UPDATE runs SET status = 'interrupted' WHERE status = 'running'")

    def _experiments(
        self, where: str = "", parameters: tuple[int, ...] = ()
    ) -> Iterator[ExperimentRecord | Damaged]:
        for row in self._rows(f"{_EXPERIMENTS}{where} ORDER BY id", parameters):
            try:
                yield experiment_record(row)
            except ValueError as error:
                yield Damaged(row[0], str(error))

    def _runs(self, sql: str, parameters: tuple[int, ...] = (), owner: str = "") -> list[RunRecord | Damaged]:
        owners = {each.id: each for each in self._experiments(owner, parameters)}
        return [self._record(row, owners) for row in self._rows(sql, parameters)]

    def _record(
        self, row: tuple[Any, ...], owners: Mapping[int, ExperimentRecord | Damaged]
    ) -> RunRecord | Damaged:
        try:
            record = _known(row)
        except ValueError as error:
            return Damaged(row[0], str(error))
        match owners.get(record.experiment_id):
            case None:
                return Damaged(record.id, f"its experiment {record.experiment_id} is not there")
            case Damaged(why=why):
                return Damaged(record.id, f"its experiment {record.experiment_id}: {why}")
        if record.id in self._left_out:
            return Damaged(record.id, self._left_out[record.id])
        if record.status == "running" and not self.writer_alive:
            return replace(record, status="interrupted")
        return record

    def _added(self, sql: str, values: tuple[object, ...]) -> int:
        """Insert a row; its id."""
        added = self._change(sql, values).lastrowid or 0
        if not 1 <= added <= LARGEST_ID:
            raise ProjectError(f"{self.path}: has counted as far as it can; begin a new project")
        return added

    def _no_run(self, run: int) -> ProjectError:
        return ProjectError(f"{self.path}: there is no run {run}")
