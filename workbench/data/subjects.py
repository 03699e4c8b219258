"""Long tables: samples of subjects over time, with doses and what else is known of each.

Rows are read as NONMEM reads them where they have its columns: EVID 1 is a dose, MDV 1 no measurement, AMT
an amount, ADDL more doses every II, DVID which of several outcomes. Without them, an amount is a dose at the
time of its row, unless it stands in every row of each subject alike: then it is one dose at time 0.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.data.columns import (
    CONCENTRATIONS,
    Head,
    Roles,
    heads_of,
    is_missing,
    is_mostly_numbers,
    measured,
    names_who_and_when,
    number_in,
    roles_of,
)
from workbench.data.found import NOT_GIVEN, Finding, FoundSubjects, Unreadable, about
from workbench.data.reading import NOW, Columns, Reading
from workbench.data.splits import splits_of
from workbench.data.tables import Row, Table, read_table
from workbench.data.texts import LABEL_COLUMNS, TABLES, TEXT_COLUMNS
from workbench.errors import DataError
from workbench.words import shown

LARGEST = 1e30
"""Of times, values and amounts."""

MOST_DOSES = 1000
"""Of one subject."""

_LOOKED_AT = 2**18
"""Bytes in which the names of columns are."""

FEWEST = 3
"""Subjects, so that each split has one."""


def long_table(path: Path, reading: Reading = NOW) -> Table | None:
    """The rows of a file that is a table of subjects; None if it is none, and nobody says that it is.

    Raises
    ------
    DataError
        If somebody says so, and it is no table.
    """
    said = reading.columns is not None
    if path.suffix.lower() not in TABLES or reading.rules == 1:
        if said:
            raise DataError(f"{path}: a table of subjects is a .csv or .tsv file")
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not said:
        head = content[: 2**16].split(b"\n")[0].lower()
        if any(name.encode() in head for name in TEXT_COLUMNS) and any(
            name.encode() in head for name in LABEL_COLUMNS
        ):
            return None
    try:
        table = read_table(content, str(path), path.suffix, reading).without_more_heads()
    except DataError:
        if said:
            raise
        return None
    if said:
        return table
    named = [table.column(names) is not None for names in (TEXT_COLUMNS, LABEL_COLUMNS)]
    long = not all(named) and (names_who_and_when(table) or (not any(named) and is_mostly_numbers(table)))
    return table if long else None


def columns_in(path: Path) -> tuple[str, ...]:
    """The names of the columns of a file, to choose among; none if it is no table."""
    try:
        with path.open("rb") as file:
            content = file.read(_LOOKED_AT)
        whole = content if len(content) < _LOOKED_AT else content[: content.rfind(b"\n") + 1]
        header = read_table(whole, str(path), path.suffix).header
    except (OSError, DataError):
        return ()
    return tuple(name.strip() for name in header)


def read_subjects(path: Path, table: Table, reading: Reading = NOW) -> FoundSubjects:
    """The samples in a long table.

    Raises
    ------
    DataError
        If a column is missing, times go back, units are mixed, a subject is in two splits, or there are
        fewer than three subjects: with the line and the column.
    """
    columns = reading.columns or Columns()
    if not table.rows:
        raise DataError(f"{path}: names its columns, but has no rows")
    roles = roles_of(table, columns)
    return LongReader(path, table, roles, columns).found()


@dataclass
class Subject:
    """What rows have told of one subject so far."""

    name: str
    time: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    doses: list[tuple[float, float]] = field(default_factory=list)
    last: tuple[float, int] = (-math.inf, 0)
    split: tuple[str, int] | None = None


class LongReader:
    """Goes through the rows of one table."""

    def __init__(self, path: Path, table: Table, roles: Roles, chosen: Columns) -> None:
        self.path, self.table, self.roles, self.chosen = path, table, roles, chosen
        self.heads: list[Head] = heads_of(table)
        self.subjects: dict[str, Subject] = {}
        self.bad: list[Unreadable] = list(table.unreadable)
        self.notes: dict[str, list[str]] = {}
        self.units: dict[int, tuple[str, int]] = {}
        self.more: list[Finding] = []
        self.rows = self._counted()
        self.once = self._dose_is_the_same_in_all_rows()
        self.which = self._which()

    def found(self) -> FoundSubjects:
        for line, row in self.rows:
            self._take(line, row)
        if self.roles.dose is not None and self.once:
            self._one_dose_each()
        kept = [each for each in self.subjects.values() if each.time]
        empty = [each.name for each in self.subjects.values() if not each.time]
        if len(kept) < FEWEST:
            raise DataError(
                f"{self.path}: {len(kept)} subjects with samples; at least {FEWEST} are needed, one for each "
                "of training, validation and test"
            )
        if not any(len(each.time) > 1 for each in kept):
            raise DataError(f"{self.path}: no subject has two samples, so that nothing could be predicted")
        covariates, names, more = self._covariates([each.name for each in kept])
        counts = [len(each.time) for each in kept]
        given = [self._code(each) for each in kept]
        roles, heads = self.roles, self.heads
        outcome, time = heads[roles.outcome], heads[roles.time]
        dosed = any(each.doses for each in kept)
        dose = heads[roles.dose] if roles.dose is not None and dosed else None
        told: dict[str, object] = {
            "subject": heads[roles.subject].name,
            "outcome": outcome.name,
            "which": self.which,
            "unit": self.chosen.unit or outcome.unit or self._unit_of(roles.outcome),
            "time": time.name,
            "time_unit": self.chosen.time_unit or time.unit or self._unit_of(roles.time),
            "dose": dose.name if dose else "",
            "dose_unit": dose.unit or self._unit_of(roles.dose) if dose else "",
            "covariates": names,
        }
        doses = [(at, *dose) for at, each in enumerate(kept) for dose in each.doses]
        return FoundSubjects(
            layout="table of subjects",
            where=self.path,
            names=tuple(each.name for each in kept),
            groups=("",) * len(kept),
            labels=np.repeat(np.arange(len(kept)), counts),
            given=np.repeat(np.array(given, np.int8), counts),
            findings=(*self.table.findings, self._taken(told), *more, *self._told(empty)),
            unreadable=tuple(self.bad),
            time=np.array([value for each in kept for value in each.time]),
            y=np.array([value for each in kept for value in each.y]),
            doses=np.array(doses, np.float64).reshape(-1, 3),
            covariates=covariates,
            told=told,
        )

    # --- one row ----------------------------------------------------------------------------------------

    def _take(self, line: int, row: list[str]) -> None:
        name = " ".join(row[self.roles.subject].split())
        if is_missing(name):
            self._refuse(line, self.roles.subject, "no subject")
            return
        subject = self.subjects.setdefault(name, Subject(name))
        self._split(subject, line, row)
        time = self._number(line, row, self.roles.time)
        if time is None:
            if is_missing(row[self.roles.time]):
                self._refuse(line, self.roles.time, "no time")
            return
        before, earlier = subject.last
        if time < before:
            raise DataError(
                f"{self._place(line, self.roles.time)}: {time:g} after {before:g} (line {earlier}) of the "
                f"same subject, {shown(name)}; times must not go back: sort the rows, or give what begins "
                "anew a subject of its own"
            )
        subject.last = time, line
        event = self._code_in(line, row, "event")
        if event in (3, 4):
            raise DataError(
                f"{self._place(line, self.roles.others['event'])}: EVID {event} begins anew; give what "
                "follows a subject of its own"
            )
        self._dose(subject, line, row, time, event)
        if event in (None, 0):
            self._sample(subject, line, row, time)
        elif event != 1:
            self._note(f"EVID {event}: neither sample nor dose, passed over", line)

    def _sample(self, subject: Subject, line: int, row: list[str], time: float) -> None:
        roles = self.roles
        if self._code_in(line, row, "missing"):
            return
        kind = roles.others.get("kind")
        if kind is not None and self.which and row[kind].strip() != self.which:
            return
        cell = row[roles.outcome].strip()
        if cell.startswith("<"):
            self._note("below the limit of quantification (<), taken as missing", line)
            return
        if is_missing(cell):
            if roles.dose is None or is_missing(row[roles.dose]) or self.once:
                self._note("nothing measured", line)
            return
        value = self._number(line, row, roles.outcome)
        if value is None:
            return
        if value < 0 and self._concentrations:
            self._refuse(line, roles.outcome, f"{value:g} is below 0, which no concentration is")
            return
        self._one_unit(line, row)
        subject.time.append(time)
        subject.y.append(value)

    def _dose(self, subject: Subject, line: int, row: list[str], time: float, event: int | None) -> None:
        at = self.roles.dose
        if at is None or event not in (None, 1) or is_missing(row[at]):
            return
        amount = self._number(line, row, at)
        if not amount:
            return
        if amount < 0:
            self._refuse(line, at, f"{amount:g} is below 0, which no dose is")
            return
        more = int(self._value(line, row, "additional") or 0)
        every = self._value(line, row, "interval") or 0.0
        if more and every <= 0:
            self._refuse(
                line, self.roles.others["additional"], f"{more} more doses (ADDL), and no interval (II)"
            )
            return
        for what, words in (("rate", "an infusion's RATE, given at once"), ("steady", "a steady state (SS)")):
            if self._value(line, row, what):
                self._note(f"{words}: not read", line)
        if len(subject.doses) + more >= MOST_DOSES:
            raise DataError(
                f"{self._place(line, at)}: subject {shown(subject.name)} has more than {MOST_DOSES:,} doses"
            )
        subject.doses += [(time + count * every, amount) for count in range(more + 1)]

    def _split(self, subject: Subject, line: int, row: list[str]) -> None:
        at = self.roles.others.get("split")
        if at is None or is_missing(row[at]):
            return
        word = row[at].strip()
        if subject.split is None:
            subject.split = word, line
        elif subject.split[0] != word:
            raise DataError(
                f"{self._place(line, at)}: subject {shown(subject.name)} is in {shown(word)} here and in "
                f"{shown(subject.split[0])} in line {subject.split[1]}; a subject belongs in one split only"
            )

    # --- cells ------------------------------------------------------------------------------------------

    def _number(self, line: int, row: list[str], at: int) -> float | None:
        """A number; None where there is none, which is listed unless the cell says so."""
        cell = row[at].strip()
        if is_missing(cell):
            return None
        found = measured(cell)
        if found is None:
            self._refuse(line, at, f"{shown(cell)!r} is no number")
            return None
        value, unit = found
        if "," in cell:
            self._note("a comma before the decimals", line)
        if not abs(value) <= LARGEST:
            self._refuse(line, at, f"{shown(cell)} is beyond {LARGEST:g}")
            return None
        self._unit(line, at, unit)
        return value

    def _unit(self, line: int, at: int, unit: str) -> None:
        known, first = self.units.setdefault(at, (unit, line))
        if unit != known:
            one, other = (f"in {shown(each)}" if each else "without a unit" for each in (unit, known))
            raise DataError(
                f"{self._place(line, at)}: {one}, and {other} in line {first}; one column has one unit"
            )

    def _one_unit(self, line: int, row: list[str]) -> None:
        """That of a column of its own, which is the outcome's."""
        at = self.roles.others.get("unit")
        if at is not None and not is_missing(row[at]):
            self._unit(line, at, row[at].strip())

    def _unit_of(self, at: int | None) -> str:
        if at is None:
            return ""
        said = self.roles.others.get("unit") if at == self.roles.outcome else None
        return next(
            (self.units[each][0] for each in (at, said) if each in self.units and self.units[each][0]), ""
        )

    def _value(self, line: int, row: list[str], what: str) -> float | None:
        at = self.roles.others.get(what)
        return None if at is None else self._number(line, row, at)

    def _code_in(self, line: int, row: list[str], what: str) -> int | None:
        value = self._value(line, row, what)
        return None if value is None else int(value)

    def _place(self, line: int, at: int) -> str:
        name = self.heads[at].name or f"{at + 1}"
        return f"{self.table.where}, line {line}, column {shown(name)}"

    def _refuse(self, line: int, at: int, why: str) -> None:
        self.bad.append(Unreadable(self._place(line, at), why))

    def _note(self, what: str, line: int) -> None:
        self.notes.setdefault(what, []).append(f"line {line}")

    # --- the table --------------------------------------------------------------------------------------

    @property
    def _concentrations(self) -> bool:
        """Whether what is measured cannot be below zero."""
        plain = self.heads[self.roles.outcome].plain
        return self.roles.dose is not None or plain in CONCENTRATIONS

    def _counted(self) -> list[Row]:
        """The rows that are no comments."""
        at = self.roles.others.get("comment")
        if at is None:
            return list(self.table.rows)
        said = [line for line, row in self.table.rows if not is_missing(row[at])]
        self.notes |= {"comments, passed over": [f"line {line}" for line in said]} if said else {}
        left = set(said)
        return [(line, row) for line, row in self.table.rows if line not in left]

    def _dose_is_the_same_in_all_rows(self) -> bool:
        at = self.roles.dose
        if at is None or self.roles.others.keys() & {"event", "additional"}:
            return False
        by_subject: dict[str, set[str]] = {}
        for _, row in self.rows:
            by_subject.setdefault(row[self.roles.subject], set()).add(row[at].strip())
        several = len(self.rows) > len(by_subject)
        return several and all(len(each) == 1 and not is_missing(min(each)) for each in by_subject.values())

    def _one_dose_each(self) -> None:
        """Of amounts that stand in every row: one at time 0."""
        for each in self.subjects.values():
            each.doses = [(0.0, each.doses[0][1])] if each.doses else []

    def _which(self) -> str:
        """The kind of outcome that is taken, where rows have several."""
        at = self.roles.others.get("kind")
        if at is None:
            return ""
        counts = Counter(
            row[at].strip()
            for _, row in self.rows
            if not is_missing(row[at]) and not is_missing(row[self.roles.outcome])
        )
        if not counts:
            return ""
        name = shown(self.heads[at].name)
        known = ", ".join(f"{shown(word)} ({count:,})" for word, count in sorted(counts.items()))
        if self.chosen.which and self.chosen.which not in counts:
            raise DataError(
                f"{self.table.where}: which: {name} is nowhere {self.chosen.which!r}; it is {known}"
            )
        which = self.chosen.which or min(
            counts, key=lambda word: (number_in(word) is None, number_in(word) or 0, word)
        )
        if len(counts) > 1:
            rest = sum(counts.values()) - counts[which]
            text = f"of the outcomes by {name}, {known}, {shown(which)} is taken"
            self.more.append(Finding("outcomes", f"{text}; choose another with which (--which)", rest))
        return which

    def _code(self, subject: Subject) -> int:
        if subject.split is None:
            return NOT_GIVEN
        words = {each.split[0] for each in self.subjects.values() if each.split is not None}
        return splits_of(words)[subject.split[0]]

    def _covariates(self, names: list[str]) -> tuple[np.ndarray, list[str], list[Finding]]:
        """A number, or one for each word, of each subject; their names; and who lacks some."""
        columns: list[list[float]] = []
        titles, findings = [], []
        for at in self.roles.covariates:
            cells: dict[str, str] = {}
            for _, row in self.rows:
                if not is_missing(row[at]):
                    cells.setdefault(" ".join(row[self.roles.subject].split()), row[at].strip())
            lacking = [name for name in names if name not in cells]
            title = self.heads[at].name
            text = f"{shown(title)} is not known of {len(lacking):,} subjects, for whom the mean is taken"
            findings += about("covariates", text, lacking)
            own = [cells.get(name) for name in names]
            numbers = [math.nan if cell is None else number_in(cell) for cell in own]
            if None not in numbers:
                columns.append([float(each) for each in numbers if each is not None])
                titles.append(title)
                continue
            levels = sorted({cell for cell in own if cell is not None})
            for level in levels[1:]:
                columns.append([math.nan if cell is None else float(cell == level) for cell in own])
                titles.append(f"{title} = {level}")
        return np.array(columns, np.float64).reshape(len(columns), len(names)).T.copy(), titles, findings

    def _taken(self, told: dict[str, object]) -> Finding:
        """What was made of the columns, in one line."""
        roles, heads = self.roles, self.heads
        units = {"unit": told["unit"], "time_unit": told["time_unit"], "dose_unit": told["dose_unit"]}

        def said(what: str, name: str, unit: str) -> str:
            return f"{what} {shown(name)}" + (f" ({shown(str(units[unit]))})" if units.get(unit) else "")

        parts = [
            f"subject {shown(heads[roles.subject].name)}",
            said("time", heads[roles.time].name, "time_unit"),
            said("outcome", heads[roles.outcome].name, "unit"),
        ]
        if told["dose"]:
            how = ", one at time 0 of each" if self.once else ""
            parts.append(said("doses", str(told["dose"]), "dose_unit") + how)
        if roles.covariates:
            parts.append("covariates " + ", ".join(shown(heads[at].name) for at in roles.covariates))
        if roles.left:
            parts.append(
                "not read " + ", ".join(f"{shown(heads[at].name)} ({why})" for at, why in roles.left)
            )
        return Finding("columns", "; ".join(parts), len(heads))

    def _told(self, empty: list[str]) -> list[Finding]:
        findings = list(self.more)
        for what, lines in self.notes.items():
            findings += about("rows", f"{len(lines):,} rows: {what}", lines)
        text = f"{len(empty):,} subjects have no sample and are left out"
        findings += about("left out", text, empty)
        undosed = [each.name for each in self.subjects.values() if each.time and not each.doses]
        if self.roles.dose is None or len(undosed) == len(self.subjects):
            return findings
        return findings + about("doses", f"{len(undosed):,} subjects have no dose", undosed)
