"""The curves of a run: metric series and evaluations over time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from workbench.project import series as packing
from workbench.project.database import Database, stored_bytes, stored_integer
from workbench.project.declared import LARGEST, MOST_ITERATIONS, evaluation, to_json
from workbench.project.digests import digest
from workbench.project.errors import ProjectError
from workbench.project.series import CHUNK, Iterations, Values
from workbench.summaries import Summary
from workbench.words import LONGEST_NAME, shown

_MAX_SMALL = 64  # rows of a few points at a curve's end before they are put together


class CurveStore(Database):
    """The part of a project that holds curves.

    A series is a list of chunks. What is appended becomes a row of its own, so that a commit writes
    little; small rows are put together as they pile up, so that reading stays quick.
    """

    def append_series(self, run: int, name: str, x: ArrayLike, y: ArrayLike) -> None:
        """Add points to the end of a series (which need not exist).

        Parameters
        ----------
        x : iterations, int64, rising, all after the series' last.
        y : values, float64; NaN and infinity are kept.

        Raises
        ------
        ProjectError
            If a point is not after the last; :meth:`rewind` first when resuming.
        """
        new_x, new_y = np.asarray(x, np.int64), np.asarray(y, np.float64)
        if new_x.ndim != 1 or new_x.shape != new_y.shape:
            raise ValueError("x and y must be one-dimensional and equally long")
        if not len(new_x):
            return
        if new_x[0] < 0 or np.any(np.diff(new_x) <= 0):
            raise ValueError(f"the iterations of {name!r} must not be negative and must rise")
        with self.transaction():
            series = self._series_id(run, name, create=True)
            small, before = self._end_of(series)
            if new_x[0] <= before:
                raise ProjectError(
                    f"{self.path}: run {run} has {name!r} up to iteration {before} already; "
                    f"iteration {new_x[0]} would double it"
                )
            points = len(new_x) + sum(count for _, count in small)
            if small and (points >= CHUNK or len(small) >= _MAX_SMALL):
                parts = [self._chunk(chunk) for chunk, _ in small]
                new_x = np.concatenate([*(part[0] for part in parts), new_x])
                new_y = np.concatenate([*(part[1] for part in parts), new_y])
                for chunk, _ in small:
                    self._change("DELETE FROM chunks WHERE id = ?", (chunk,))
            for start in range(0, len(new_x), CHUNK):
                self._write_chunk(series, new_x[start : start + CHUNK], new_y[start : start + CHUNK])

    def series_names(self, run: int) -> list[str]:
        """The names of a run's series, in alphabetical order."""
        rows = self._rows("SELECT name FROM series WHERE run_id = ? ORDER BY name", (run,))
        return [shown(str(row[0]), LONGEST_NAME) for row in rows]

    def series(self, run: int, name: str) -> tuple[Iterations, Values]:
        """Every point; empty where there is no such series.

        Returns
        -------
        x, y : int64 and float64 [points]
        """
        rows = self._rows(
            "SELECT first, last, data FROM chunks WHERE series_id = ? ORDER BY first",
            (self._series_id(run, name),),
        )
        parts = [(np.empty(0, np.int64), np.empty(0, np.float64))]
        try:
            for first, last, data in rows:
                x, y = points_of(data)
                if not stored_integer(first) <= x[0] <= x[-1] <= stored_integer(last):
                    raise ValueError("a piece is not of the range that it says")
                parts.append((x, y))
            for (before, _), (after, _) in pairwise(parts[1:]):
                if after[0] <= before[-1]:
                    raise ValueError("its pieces overlap")
        except ValueError as error:
            raise self._damaged(f"run {run}, {name!r}", error) from None
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    def truncate_series(self, run: int, after: int) -> None:
        """Drop every point of a run's series that comes after that iteration."""
        with self.transaction():
            for series in self._integers("SELECT id FROM series WHERE run_id = ?", (run,)):
                self._change("DELETE FROM chunks WHERE series_id = ? AND first > ?", (series, after))
                for chunk in self._integers(
                    "SELECT id FROM chunks WHERE series_id = ? AND last > ?", (series, after)
                ):
                    x, y = self._chunk(chunk)
                    self._change("DELETE FROM chunks WHERE id = ?", (chunk,))
                    if kept := int(np.searchsorted(x, after, "right")):
                        self._write_chunk(series, x[:kept], y[:kept])

    def add_evaluation(self, run: int, iteration: int, split: str, values: Summary) -> None:
        """Store an evaluation (step-wise losses and the like; JSON, arrays allowed), replacing its equal."""
        body = to_json(values)
        with self.transaction():
            self._change(
                "INSERT OR REPLACE INTO evaluations (run_id, split, iteration, body, digest)"
                " VALUES (?, ?, ?, ?, ?)",
                (run, split, int(iteration), body, digest(split, int(iteration), body)),
            )

    def evaluations(self, run: int, split: str, *, ends: bool = False) -> list[tuple[int, Summary]]:
        """A run's evaluations on a split, as (iteration, values) in the order of the iterations.

        Parameters
        ----------
        ends : only the first and the last, where a project's thousands of runs are listed.
        """
        of = "FROM evaluations WHERE run_id = ?1 AND split = ?2"
        some = f" AND iteration IN ((SELECT MIN(iteration) {of}), (SELECT MAX(iteration) {of}))"
        rows = self._rows(
            f"SELECT iteration, body, digest {of}{some if ends else ''} ORDER BY iteration", (run, split)
        )
        found = []
        for iteration, body, stored in rows:
            try:
                if not 0 <= stored_integer(iteration) <= MOST_ITERATIONS:
                    raise ValueError("no run is that long")
                if digest(split, iteration, body) != stored:
                    raise ValueError("it does not match its checksum")
                found.append((iteration, evaluation(body)))
            except ValueError as error:
                raise self._damaged(f"run {run}, evaluation at {iteration}", error) from None
        return found

    def _series_id(self, run: int, name: str, create: bool = False) -> int:
        found = self._integers("SELECT id FROM series WHERE run_id = ? AND name = ?", (run, name))
        if found:
            return found[0]
        if not create:
            return -1
        return self._change("INSERT INTO series (run_id, name) VALUES (?, ?)", (run, name)).lastrowid or -1

    def _end_of(self, series: int) -> tuple[list[tuple[int, int]], int]:
        """The small rows at the end, as (id, points) in order, and the last iteration (-1: none)."""
        rows = self._rows(
            "SELECT id, points, last FROM chunks WHERE series_id = ? ORDER BY first DESC LIMIT ?",
            (series, _MAX_SMALL),
        )
        small = []
        try:
            last = stored_integer(rows[0][2]) if rows else -1
            for chunk, points, _ in rows:
                if stored_integer(points) >= CHUNK:
                    break
                small.append((chunk, points))
        except ValueError as error:
            raise self._damaged("a curve", error) from None
        return small[::-1], last

    def _write_chunk(self, series: int, x: Iterations, y: Values) -> None:
        self._change(
            "INSERT INTO chunks (series_id, first, last, points, data) VALUES (?, ?, ?, ?, ?)",
            (series, int(x[0]), int(x[-1]), len(x), packing.encode(x, y)),
        )

    def _chunk(self, chunk: int) -> tuple[Iterations, Values]:
        rows = self._rows("SELECT data FROM chunks WHERE id = ?", (chunk,))
        try:
            return points_of(rows[0][0])
        except (IndexError, ValueError) as error:
            raise self._damaged("a curve", error) from None


def points_of(data: object) -> tuple[Iterations, Values]:
    """The points of a piece, checked: a :class:`ValueError` where they cannot be those of a run."""
    x, y = packing.decode(stored_bytes(data))
    if x[0] < 0 or x[-1] > MOST_ITERATIONS or np.any(np.diff(x) < 0):
        raise ValueError("its iterations do not rise")
    if np.any(np.isfinite(y) & (np.abs(y) > LARGEST)):
        raise ValueError("it holds numbers that cannot be")
    return x, y
