"""One subject of a new case: samples, doses and what else is known, out of a long table.

Rows are read by the rules of :mod:`workbench.data.subjects`. Columns are those that a run was trained on, by
their names there, or else by the names that people give them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.columns import OUTCOME, SUBJECT, TIME, Roles, heads_of, is_missing, roles_of
from workbench.data.reading import Columns
from workbench.data.subjects import LongReader, Subject
from workbench.data.tables import Table, read_table
from workbench.data.texts import TABLES
from workbench.errors import DataError
from workbench.words import plural, shown

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NewSubject:
    """What a table says of one subject.

    Attributes
    ----------
    time, y : of each sample, in order; y is NaN where nothing was measured: that is what may be asked for.
    places : what each row is called in a message.
    doses : time and amount of each, ``[doses, 2]``.
    known : what stands in other columns, and where, by their names.
    units : of the outcome, of times and of doses, where the table says them.
    notes : what reading did, a line each.
    """

    time: Floats
    y: Floats
    places: tuple[str, ...]
    doses: Floats
    known: Mapping[str, tuple[str, str]]
    units: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Which samples have an outcome."""
        return ~np.isnan(self.y)

    def part(self, rows: NDArray[np.bool_]) -> NewSubject:
        """Of some of its samples."""
        places = tuple(place for place, own in zip(self.places, rows.tolist(), strict=True) if own)
        return replace(self, time=self.time[rows], y=self.y[rows], places=places)


def read_subject(path: Path, like: Columns, *, once: bool) -> NewSubject:
    """The rows of one subject.

    Parameters
    ----------
    like : what the columns are called; of the covariates, those that may be there.
    once : whether an amount that stands in all rows is one dose at time 0.

    Raises
    ------
    DataError
        If a cell cannot be read, in one line that says where; or there are several subjects.
    """
    if path.suffix.lower() not in TABLES:
        raise DataError(f"{path}: a table (.csv, .tsv) with a row for each sample is needed")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    table = read_table(content, str(path), path.suffix)
    if not table.rows:
        raise DataError(f"{path}: names its columns, but has no rows")
    table, columns = _completed(table, like)
    roles = roles_of(table, columns)
    return _OneReader(path, table, roles, columns, once=once).one()


def _completed(table: Table, like: Columns) -> tuple[Table, Columns]:
    """The table with a column of subjects and one of outcomes, and what its columns are called."""
    heads = heads_of(table)
    names = {head.name.lower() for head in heads}
    plain = {head.plain: head.name for head in heads}

    def called(name: str) -> str:
        return name if name.lower() in names else ""

    def with_column(table: Table, name: str, cell: str) -> Table:
        rows = [(line, [*row, cell]) for line, row in table.rows]
        return replace(table, header=(*table.header, name), rows=rows)

    time, outcome = called(like.time), called(like.outcome)
    subject = called(like.subject) or next((plain[each] for each in SUBJECT if each in plain), "")
    if not time and not plain.keys() & set(TIME):
        raise DataError(f"{table.where}, line 1: has no column {like.time}")
    if not subject:
        subject = "subject"
        table = with_column(table, subject, "1")
    if not outcome and not plain.keys() & set(OUTCOME):
        outcome = like.outcome
        table = with_column(table, outcome, "")
    covariates = tuple(filter(None, map(called, like.covariates or ())))
    named = {"subject": subject, "time": time, "outcome": outcome, "dose": called(like.dose)}
    return table, replace(like, covariates=covariates, **named)


class _OneReader(LongReader):
    """Goes through the rows of one subject."""

    def __init__(self, path: Path, table: Table, roles: Roles, chosen: Columns, *, once: bool) -> None:
        self._may_be_once = once
        self._places: list[str] = []
        super().__init__(path, table, roles, chosen)

    def one(self) -> NewSubject:
        for line, row in self.rows:
            self._take(line, row)
        if self.bad:
            raise DataError(f"{self.bad[0].origin}: {self.bad[0].why}")
        if len(self.subjects) != 1:
            names = ", ".join(map(shown, list(self.subjects)[:6]))
            raise DataError(
                f"{self.path}: has rows of {len(self.subjects)} subjects, {names}; give those of one"
            )
        (subject,) = self.subjects.values()
        roles = self.roles
        if roles.dose is not None and self.once:
            self._one_dose_each()
        units = {"unit": roles.outcome, "time_unit": roles.time, "dose_unit": roles.dose}
        return NewSubject(
            np.array(subject.time, np.float64),
            np.array(subject.y, np.float64),
            tuple(self._places),
            np.array(subject.doses, np.float64).reshape(-1, 2),
            {self.heads[at].name: self._cell(at) for at in roles.covariates},
            {
                what: found
                for what, at in units.items()
                if at is not None and (found := self.heads[at].unit or self._unit_of(at))
            },
            tuple(self._noted()),
        )

    def _cell(self, at: int) -> tuple[str, str]:
        """What a column says, which is the same in all rows, and where; empty if it says nothing."""
        for line, row in self.rows:
            if not is_missing(row[at]):
                return row[at].strip(), self._place(line, at)
        return "", ""

    def _sample(self, subject: Subject, line: int, row: list[str], time: float) -> None:
        before = len(subject.y)
        super()._sample(subject, line, row, time)
        if len(subject.y) == before:
            roles = self.roles
            dosed = roles.dose is not None and not is_missing(row[roles.dose]) and not self.once
            kind, which = roles.others.get("kind"), self.which or self.chosen.which
            if dosed or (kind is not None and which and row[kind].strip() != which):
                return
            subject.time.append(time)
            subject.y.append(np.nan)
        self._places.append(f"line {line}")

    def _dose_is_the_same_in_all_rows(self) -> bool:
        at = self.roles.dose
        if at is None or not self._may_be_once or self.roles.others.keys() & {"event", "additional"}:
            return False
        cells = {row[at].strip() for _, row in self.rows}
        return len(cells) == 1 and not is_missing(min(cells))

    def _noted(self) -> list[str]:
        left = [shown(self.heads[at].name) for at, why in self.roles.left if why == "not chosen"]
        found = [each.text for each in self.more]
        found += [f"{self.path}: the dose stands in every row; taken as one at time 0"] * self.once
        if left:
            found.append(f"{self.path}: columns that this run does not know are not read: {', '.join(left)}")
        for what, lines in self.notes.items():
            if what != "nothing measured":
                found.append(f"{self.path}: {plural(len(lines), 'row')}: {what}; the first: {lines[0]}")
        return found
