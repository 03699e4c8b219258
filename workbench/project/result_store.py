"""What a run leaves: test results with their per-task arrays, and checkpoints to resume from."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.project.database import Database, stored_bytes, stored_integer, stored_number
from workbench.project.declared import check_arrays, from_json, reached, to_json
from workbench.project.digests import digest
from workbench.project.errors import ProjectError, StorageError
from workbench.project.records import Checkpoint, Result
from workbench.summaries import TestSummary
from workbench.words import LONGEST_NAME, shown

_DTYPES = ("<f4", "<f8", "<i4", "<i8", "|u1", "|b1")  # what a result array may be; never objects
_MAX_DIMENSIONS = 8
_MAX_STATE = 1_000_000  # letters of a state's JSON; the largest that a run can write has a quarter of it


class ResultStore(Database):
    """The part of a project that holds results and checkpoints."""

    def save_result(
        self,
        run: int,
        split: str,
        summary: TestSummary,
        arrays: Mapping[str, NDArray[np.generic]],
        episodes_hash: str,
    ) -> None:
        """Store a run's result on a split, replacing an earlier one.

        Parameters
        ----------
        summary : what JSON can hold (the shape of ``test`` in ``show --json``).
        arrays : per-task values, such as ``loss`` [steps, tasks]; float, int or bool.
        episodes_hash : hash of the frozen episodes, the same for runs that may be compared.
        """
        text = to_json(dict(summary))
        packed = {name: _pack(name, array) for name, array in arrays.items()}
        with self.transaction():
            self._change("DELETE FROM results WHERE run_id = ? AND split = ?", (run, split))
            cursor = self._change(
                "INSERT INTO results (run_id, split, episodes_hash, summary, digest) VALUES (?, ?, ?, ?, ?)",
                (run, split, episodes_hash, text, digest(split, episodes_hash, text)),
            )
            for name, (dtype, shape, data) in packed.items():
                self._change(
                    "INSERT INTO result_arrays (result_id, name, dtype, shape, digest, data)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (cursor.lastrowid, name, dtype, shape, digest(name, dtype, shape, data), data),
                )

    def result_splits(self, run: int) -> list[str]:
        """The splits that a run has results on."""
        rows = self._rows("SELECT split FROM results WHERE run_id = ? ORDER BY split", (run,))
        return [shown(str(row[0]), LONGEST_NAME) for row in rows]

    def result(self, run: int, split: str, *, arrays: bool = True) -> Result | None:
        """A run's result on a split, or None; without ``arrays``, only its summary is read.

        Raises
        ------
        ProjectError
            If it is damaged.
        """
        rows = self._rows(
            "SELECT id, episodes_hash, summary, digest FROM results WHERE run_id = ? AND split = ?",
            (run, split),
        )
        if not rows:
            return None
        identifier, episodes_hash, text, stored = rows[0]
        try:
            if digest(split, episodes_hash, text) != stored:
                raise ValueError("it does not match its checksum")
            told = reached(text)
            found = self._arrays(identifier) if arrays else {}
            check_arrays(found, told)
        except ValueError as error:
            raise self._damaged(f"run {run}, result on {split!r}", error) from None
        return Result(split, shown(str(episodes_hash), LONGEST_NAME), told, found)

    def save_checkpoint(
        self, run: int, iteration: int, state: Mapping[str, object], tensors: bytes, *, keep: int = 2
    ) -> None:
        """Store a trainer's state after an iteration; of the run's checkpoints the newest ``keep`` stay.

        Parameters
        ----------
        state : what JSON can hold.
        tensors : any bytes, by convention those of a safetensors file; given back as they are.
        """
        iteration, text, tensors = int(iteration), to_json(dict(state)), bytes(tensors)
        with self.transaction():
            self._change(
                "INSERT OR REPLACE INTO checkpoints (run_id, iteration, created, digest, state, tensors)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (run, iteration, time.time(), digest(iteration, text, tensors), text, tensors),
            )
            self._change(
                "DELETE FROM checkpoints WHERE run_id = ? AND iteration NOT IN"
                " (SELECT iteration FROM checkpoints WHERE run_id = ? ORDER BY iteration DESC LIMIT ?)",
                (run, run, max(1, keep)),
            )

    def checkpoint_iterations(self, run: int) -> list[int]:
        """The iterations that a run has checkpoints of, newest first; unread, so maybe damaged."""
        return self._integers(
            "SELECT iteration FROM checkpoints WHERE run_id = ? ORDER BY iteration DESC", (run,)
        )

    def checkpoint_digests(self, run: int) -> list[str]:
        """The checksums of a run's checkpoints, newest first; unread, so what they are of may be damaged."""
        rows = self._rows(
            "SELECT hex(digest) FROM checkpoints WHERE run_id = ? ORDER BY iteration DESC", (run,)
        )
        return [str(row[0]) for row in rows]

    def checkpoint(self, run: int, most: int | None = None) -> Checkpoint | None:
        """The newest checkpoint of a run that is undamaged, or None.

        Parameters
        ----------
        most : bytes that its tensors can have.

        Raises
        ------
        ProjectError
            If they have more; they are not even read then.
        """
        for iteration in self.checkpoint_iterations(run):
            if most is not None:
                self._refuse_giant(run, iteration, most)
            try:
                return self._checkpoint_at(run, iteration)
            except StorageError:
                raise
            except ProjectError:
                continue  # damaged; an older one may be whole
        return None

    def _refuse_giant(self, run: int, iteration: int, most: int) -> None:
        sizes = self._integers(
            "SELECT length(tensors) FROM checkpoints WHERE run_id = ? AND iteration = ?", (run, iteration)
        )
        if max(sizes, default=0) > most:
            raise ProjectError(
                f"{self.path}: run {run}: the checkpoint's tensors have {max(sizes):,} bytes, "
                f"no more than {most:,} are demanded"
            )

    def _checkpoint_at(self, run: int, iteration: int) -> Checkpoint:
        rows = self._rows(
            "SELECT iteration, created, digest, state, tensors FROM checkpoints"
            " WHERE run_id = ? AND iteration = ?",
            (run, iteration),
        )
        try:
            stored_iteration, created, stored, state, tensors = rows[0]
            tensors = stored_bytes(tensors)
            if digest(stored_integer(stored_iteration), state, tensors) != stored:
                raise ValueError("it does not match its checksum")
            if len(state) > _MAX_STATE:
                raise ValueError("its state is too long a text")
            return Checkpoint(iteration, from_json(state, dict), tensors, stored_number(created))
        except (IndexError, ValueError) as error:
            raise self._damaged(f"run {run}, checkpoint at {iteration}", error) from None

    def _arrays(self, result: int) -> dict[str, NDArray[np.generic]]:
        rows = self._rows(
            "SELECT name, dtype, shape, digest, data FROM result_arrays WHERE result_id = ? ORDER BY id",
            (result,),
        )
        return {str(row[0]): _unpack(*row) for row in rows}


def _pack(name: str, array: NDArray[np.generic]) -> tuple[str, str, bytes]:
    array = np.asarray(array)
    little = array.dtype.newbyteorder("<")
    if little.str not in _DTYPES or array.ndim > _MAX_DIMENSIONS:
        raise ValueError(f"array {name!r} is {array.dtype}; a result takes {', '.join(_DTYPES)}")
    return little.str, to_json(list(array.shape)), array.astype(little).tobytes()


def _unpack(name: str, dtype: object, shape: object, stored: object, data: object) -> NDArray[np.generic]:
    if digest(name, dtype, shape, data) != stored:
        raise ValueError(f"array {name!r} does not match its checksum")
    sizes = from_json(shape, list)
    if dtype not in _DTYPES or len(sizes) > _MAX_DIMENSIONS:
        raise ValueError(f"array {name!r} has a type that is not allowed")
    sizes = [stored_integer(size) for size in sizes]
    content, kind = stored_bytes(data), np.dtype(str(dtype))
    if any(size < 0 for size in sizes) or math.prod(sizes) * kind.itemsize != len(content):
        raise ValueError(f"array {name!r} has the wrong length")
    return np.frombuffer(content, kind).reshape(sizes).copy()
