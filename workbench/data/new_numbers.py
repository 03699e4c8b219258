"""Numbers of a new case: points of one function in a table or in arrays.

What a run was trained on has no more than x and y; so the columns of a table are called ``x`` and ``y`` (of
several numbers ``x1``, ``x2``, …), or whatever they are called they stand in that order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.found import Finding
from workbench.data.npz import load_npz, read_headers
from workbench.data.reading import NOW, Reading
from workbench.data.tables import Table, read_table
from workbench.errors import DataError
from workbench.words import shown

Floats = NDArray[np.float64]
LARGEST = 1e305
"""Of values whose deviations from their mean are still numbers."""

_TABLES = (".csv", ".tsv", ".txt")
_NUMBERED = re.compile(r"([xy])\s*[\[(_ ]?\s*(\d+)\s*[\])]?")


@dataclass(frozen=True)
class Numbers:
    """Points.

    Attributes
    ----------
    x, y : ``[n, inputs]`` and ``[n, outputs]``; y is None where the file does not say it.
    columns : what the numbers of x and of y are called.
    places : what each row is called in a message.
    aside : the cells of columns that are no numbers of x or y, by name.
    """

    x: Floats
    y: Floats | None
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    places: Sequence[str]
    findings: tuple[Finding, ...] = ()
    aside: Mapping[str, Sequence[str]] = field(default_factory=dict)


def column_names(letter: str, count: int) -> tuple[str, ...]:
    """What the columns of x or y are called: ``x``, or ``x1``, ``x2``, …"""
    return (letter,) if count == 1 else tuple(f"{letter}{number}" for number in range(1, count + 1))


def read_numbers(
    path: Path,
    inputs: int,
    outputs: int,
    *,
    with_y: bool,
    aside: Sequence[str] = (),
    reading: Reading = NOW,
) -> Numbers:
    """Points out of a table (.csv, .tsv) or arrays (.npz).

    Parameters
    ----------
    inputs, outputs : how many numbers x and y have.
    with_y : whether y must be there; else it may.
    aside : names of columns, or arrays, that may stand beside these.

    Raises
    ------
    DataError
        If it is of another shape, or has a cell that is no number: with its row and column.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _of_arrays(path, inputs, outputs, with_y=with_y, aside=aside)
    needed = _needed(inputs, outputs, with_y=with_y)
    if suffix not in _TABLES:
        raise DataError(f"{path}: {needed} in a table (.csv, .tsv) or arrays (.npz) are needed")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    table = read_table(content, str(path), suffix, reading)
    if table.unreadable:
        first = table.unreadable[0]
        raise DataError(f"{first.origin}: {first.why}; as many are needed in every row")
    if any(_is_number(name) for name in table.header):
        raise DataError(f"{path}, line 1: has numbers; the first line must name the columns: {needed}")
    others = {name: column for name in aside if (column := table.column([name])) is not None}
    places = _places(table, inputs, outputs, with_y=with_y, others=set(others.values()))
    if places is None:
        header = shown(", ".join(table.header))
        raise DataError(f"{path}, line 1: has the columns {header}; needed: {needed}")
    if not table.rows:
        raise DataError(f"{path}: names its columns, but has no rows")
    values = [_parsed(table, column) for column in places]
    columns = [table.header[column].strip() or f"column {column + 1}" for column in places]
    return Numbers(
        np.stack(values[:inputs], 1),
        np.stack(values[inputs:], 1) if len(values) > inputs else None,
        (tuple(columns[:inputs]), tuple(columns[inputs:])),
        [f"line {line}" for line, _ in table.rows],
        table.findings,
        {name: [row[column].strip() for _, row in table.rows] for name, column in others.items()},
    )


def _needed(inputs: int, outputs: int, *, with_y: bool) -> str:
    names = ", ".join(column_names("x", inputs))
    values = ", ".join(column_names("y", outputs))
    if not outputs:
        return names
    return f"{names}, {values}" if with_y else f"{names} (and {values}, where it is known)"


def _places(
    table: Table, inputs: int, outputs: int, *, with_y: bool, others: Collection[int]
) -> list[int] | None:
    """The columns of x and then of y, by their names or else by their order; None if they are not there."""
    known: dict[tuple[str, int], int] = {}
    left = [column for column in range(len(table.header)) if column not in others]
    for column in left:
        name = table.header[column]
        plain = name.strip().lower()
        found = _NUMBERED.fullmatch(plain)
        if plain in ("x", "y"):
            known.setdefault((plain, 1), column)
        elif found:
            known.setdefault((found[1], int(found[2])), column)
    x, y = (
        [known.get((letter, number)) for number in range(1, count + 1)]
        for letter, count in (("x", inputs), ("y", outputs))
    )
    whole = None not in x and (None not in y or (not with_y and not any(key[0] == "y" for key in known)))
    if whole and known.keys() <= {
        *(("x", n + 1) for n in range(inputs)),
        *(("y", n + 1) for n in range(outputs)),
    }:
        return [each for each in (*x, *y) if each is not None]
    if not known and len(left) in ((inputs + outputs,) if with_y else (inputs, inputs + outputs)):
        return left
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parsed(table: Table, column: int) -> Floats:
    """A column as numbers."""
    name = table.header[column].strip() or f"column {column + 1}"
    values = np.empty(len(table.rows))
    for at, (line, row) in enumerate(table.rows):
        cell = row[column].strip()
        why = ""
        if not cell:
            why = "is empty"
        elif not _is_number(cell):
            point = ", in which a point stands before the decimals" if "," in cell else ""
            why = f"{shown(cell)!r} is no number{point}"
        elif not math.isfinite(float(cell)):
            why = f"{shown(cell)!r} is no finite number"
        elif abs(float(cell)) > LARGEST:
            why = f"{shown(cell)} is beyond {LARGEST:g}"
        if why:
            raise DataError(f"{table.where}, line {line}, column {shown(name)}: {why}")
        values[at] = float(cell)
    return values


def _of_arrays(path: Path, inputs: int, outputs: int, *, with_y: bool, aside: Sequence[str]) -> Numbers:
    headers = read_headers(path)
    if "x" not in headers or (with_y and "y" not in headers):
        have = shown(", ".join(sorted(headers)))
        raise DataError(f"{path}: has the arrays {have}; needed: x{', y' if with_y else ' (and y)'}")
    widths = {"x": inputs, "y": outputs}
    names = [name for name in widths if name in headers and widths[name]]
    for name in names:
        form = headers[name]
        wide = form.shape[1:] == (widths[name],) or (form.shape[1:] == () and widths[name] == 1)
        rows = headers["x"].shape[:1]
        if form.dtype.kind not in "iuf" or not wide or form.shape[:1] != rows or not form.shape[0]:
            raise DataError(
                f"{path}: {name} is {form}; numbers [rows, {widths[name]}] are needed, as many rows of each"
            )
    others = [name for name in aside if name in headers]
    for name in others:
        if headers[name].shape != headers["x"].shape[:1]:
            raise DataError(f"{path}: {name} is {headers[name]}; one for each row of x is needed")
    arrays = load_npz(path, [*names, *others])
    values = {name: arrays[name].astype(np.float64).reshape(-1, widths[name]) for name in names}
    for name, array in values.items():
        bad = np.argwhere(~np.isfinite(array) | (np.abs(array) > LARGEST))
        if len(bad):
            row, column = bad[0]
            raise DataError(f"{path}: {name}, row {row}, column {column}: {array[row, column]} is no number")
    columns = column_names("x", inputs), column_names("y", outputs) if "y" in values else ()
    return Numbers(
        values["x"],
        values.get("y"),
        columns,
        [f"row {row}" for row in range(len(values["x"]))],
        aside={name: arrays[name].astype(str).tolist() for name in others},
    )
