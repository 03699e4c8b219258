"""What is wrong with a project: SQLite's own checks, every checksum, everything decoded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np

from workbench.project.curve_store import CurveStore, points_of
from workbench.project.declared import from_json, tables
from workbench.project.errors import DamagedError, ProjectError
from workbench.project.records import Damaged
from workbench.project.result_store import ResultStore
from workbench.project.run_store import RunStore
from workbench.words import shown

Read = TypeVar("Read")
_MOST = 100  # problems of a kind: more tell nothing more


class CheckedStore(RunStore, CurveStore, ResultStore):
    """All parts of a project, and a check of all of them."""

    def verify(self) -> list[str]:
        """Check everything; one line per problem, none if all is well. Never raises on damage."""
        found: list[str] = []
        for check in (self._check_pages, self._check_references, self._check_lists, self._check_runs):
            try:
                found.extend(check())
            except ProjectError as error:
                found.append(self._line(error))
        return found[:_MOST]

    def _check_pages(self) -> Iterator[str]:
        for (text,) in self._rows(f"PRAGMA integrity_check({_MOST})", timeout=math.inf):
            if text != "ok":
                yield " ".join(str(text).split())

    def _check_references(self) -> Iterator[str]:
        for table, _, parent, _ in self._rows("PRAGMA foreign_key_check", timeout=math.inf)[:_MOST]:
            yield f"a row of {table} names one of {parent} that is not there"

    def of_sound_runs(self, read: Callable[[], Read]) -> Read:
        """What a function reads of the project; anew without the runs of which it cannot read something.

        Those are listed as damaged from then on.

        Raises
        ------
        DamagedError
            If something else than a run is damaged.
        """
        try:
            return read()
        except DamagedError:
            for run in self._integers("SELECT id FROM runs"):
                for problem in self._check_run(run):
                    self._left_out[run] = problem
                    break
            return read()

    def _check_lists(self) -> Iterator[str]:
        for each in self._experiments():
            if isinstance(each, Damaged):
                yield f"experiment {each.id} is damaged: {each.why}"
                continue
            try:
                tables(each.toml)
            except ValueError as error:
                yield f"experiment {each.id}, {each.name!r}: {error}"
        for each in self.damaged():
            yield f"run {each.id} is damaged: {each.why}"
        values = self._rows("SELECT key, value FROM settings")
        for key, value in values:
            yield from self._tried(partial(self._check_setting, key, value))

    def _check_setting(self, key: object, value: object) -> None:
        try:
            from_json(value, object)
        except ValueError as error:
            raise self._damaged(f"setting {shown(str(key))!r}", error) from None

    def _check_runs(self) -> Iterator[str]:
        for run in self._integers("SELECT id FROM runs"):
            yield from self._check_run(run)
            for iteration in self.checkpoint_iterations(run):
                yield from self._tried(partial(self._checkpoint_at, run, iteration))

    def _check_run(self, run: int) -> Iterator[str]:
        for series, name in self._rows("SELECT id, name FROM series WHERE run_id = ?", (run,)):
            yield from self._tried(partial(self._check_series, run, series, shown(str(name))))
        for (split,) in self._rows("SELECT DISTINCT split FROM evaluations WHERE run_id = ?", (run,)):
            yield from self._tried(partial(self.evaluations, run, split))
        for (split,) in self._rows("SELECT split FROM results WHERE run_id = ?", (run,)):
            yield from self._tried(partial(self.result, run, split))

    def _check_series(self, run: int, series: int, name: str) -> None:
        end = -1
        for chunk in self._integers("SELECT id FROM chunks WHERE series_id = ? ORDER BY first", (series,)):
            row = self._rows("SELECT first, last, points, data FROM chunks WHERE id = ?", (chunk,))
            try:
                first, last, points, data = row[0]
                x, _ = points_of(data)
                if (first, last, points) != (x[0], x[-1], len(x)):
                    raise ValueError("a piece contradicts its description")
                if x[0] <= end or np.any(np.diff(x) <= 0):
                    raise ValueError("its iterations do not rise")
                end = int(x[-1])
            except (IndexError, ValueError) as error:
                raise self._damaged(f"run {run}, {name!r}", error) from None

    def _tried(self, read: Callable[[], object]) -> Iterator[str]:
        try:
            read()
        except ProjectError as error:
            yield self._line(error)

    def _line(self, error: ProjectError) -> str:
        return str(error).removeprefix(f"{self.path}: ")
