"""Which column of a long table is what: by its name, by what is in it, or as somebody says.

A long table has a row for each sample: of whom, when, and what was measured; there may be rows of doses, and
columns that say the same in all rows of a subject. Names are those of NONMEM (Boeckmann, Sheiner, Beal,
*NONMEM Users Guide*, part V, 1994; EVID, MDV, AMT, DV, DVID …) and what else people write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from workbench.data.reading import Columns
from workbench.data.tables import Table
from workbench.errors import DataError
from workbench.words import shown

SUBJECT = (
    *(
        "subject",
        "subjid",
        "usubjid",
        "subject_id",
        "subjectid",
        "patient",
        "patient_id",
        "patientid",
        "patid",
    ),
    *("id", "participant", "person", "individual", "animal", "child", "plot", "unit_id"),
)
TIME = (
    *("time", "t", "hours", "hour", "hrs", "hr", "h", "days", "day", "weeks", "week", "months", "month"),
    *("minutes", "min", "age", "years", "year"),
)
OUTCOME = (
    *(
        "dv",
        "conc",
        "concentration",
        "cp",
        "lidv",
        "y",
        "outcome",
        "response",
        "result",
        "measurement",
        "value",
    ),
    *("level", "aval", "c"),
)
DOSE = ("amt", "dose", "amount", "dosage")
NAMED: dict[str, tuple[str, ...]] = {
    "kind": ("dvid", "dvname", "ytype"),
    "event": ("evid",),
    "missing": ("mdv",),
    "interval": ("ii",),
    "additional": ("addl",),
    "rate": ("rate",),
    "steady": ("ss",),
    "unit": ("unit", "units", "dvu", "aval_unit"),
    "comment": ("c",),
    "split": ("split", "set", "partition"),
}
"""What else is found by its name alone."""

CONCENTRATIONS = ("conc", "concentration", "cp", "c")
SUFFIXES = ("mg", "g", "ug", "mcg", "ng", "iu", "h", "hr", "hrs", "hours", "min", "minutes", "days")
"""Units that stand behind names: ``dose_mg``."""

TIMES = {
    "h": ("hours", "hour", "hrs", "hr", "h"),
    "min": ("minutes", "min"),
    "days": ("days", "day"),
    "weeks": ("weeks", "week"),
    "months": ("months", "month"),
    "years": ("years", "year"),
}
"""Units of time by the names of columns."""

INDEX = ("", "rownames", "rowname", "row", "rowid", "index", "unnamed: 0", "x1", "...1", "obs")
MISSING = ("", ".", "na", "nan", "n/a", "null", "none", "-")
"""What stands where nothing was measured."""

_HEAD = re.compile(r"\s*(.*?)\s*(?:[(\[]\s*([^)\]]*?)\s*[)\]])?\s*", re.DOTALL)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WITH_UNIT = re.compile(rf"({_PLAIN.pattern})\s*([^\W\d][^\s]*)")
_COMMA = re.compile(r"[+-]?\d+,\d+")
MOST_LEVELS = 8
"""Of a covariate in words, each of which becomes a number of its own."""


@dataclass(frozen=True)
class Head:
    """The name of a column and its unit, which stands behind it or is its name, and the bare name in small
    letters."""

    name: str
    unit: str
    plain: str

    @classmethod
    def of(cls, text: str) -> Head:
        found = _HEAD.fullmatch(text)
        assert found is not None
        name, unit, plain = found[1], found[2] or "", found[1].lower().replace(" ", "_")
        base, _, last = plain.rpartition("_")
        if not unit and last in SUFFIXES and base in (*TIME, *OUTCOME, *DOSE):
            return cls(name, last, base)
        return cls(name, unit or next((each for each, names in TIMES.items() if plain in names), ""), plain)


@dataclass
class Roles:
    """What each column of a table is.

    Attributes
    ----------
    subject, time, outcome : their numbers.
    dose : amounts; None: there is none.
    others : what was found by name alone, by what it is.
    covariates : what is known of subjects.
    left : what is not read, and why.
    """

    subject: int
    time: int
    outcome: int
    dose: int | None
    others: dict[str, int]
    covariates: list[int] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)


def is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def number_in(cell: str) -> float | None:
    """A plain number, with a point or a comma before its decimals; None if it is none."""
    text = cell.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    return float(text.replace(",", ".")) if _COMMA.fullmatch(text) else None


def measured(cell: str) -> tuple[float, str] | None:
    """A number and the unit behind it, empty if there is none; None if it is no number."""
    plain = number_in(cell)
    if plain is not None:
        return plain, ""
    found = _WITH_UNIT.fullmatch(cell.strip())
    return (float(found[1]), found[2]) if found else None


def heads_of(table: Table) -> list[Head]:
    return [Head.of(name) for name in table.header]


def names_who_and_when(table: Table) -> bool:
    """Whether a column of subjects and one of times are there by their names."""
    plain = {head.plain for head in heads_of(table)}
    return bool(plain & set(SUBJECT)) and bool(plain & set(TIME))


def is_mostly_numbers(table: Table) -> bool:
    """Whether a table has three columns or more, and most of them are numbers."""
    few = [row for _, row in table.rows[:50]]
    numeric = [
        all(number_in(row[column]) is not None or is_missing(row[column]) for row in few)
        for column in range(len(table.header))
    ]
    return len(table.header) >= 3 and bool(few) and 2 * sum(numeric) >= len(numeric)


def roles_of(table: Table, chosen: Columns) -> Roles:
    """What each column is.

    Raises
    ------
    DataError
        If a column that is needed is not there, or several may be it.
    """
    return _Search(table, chosen).roles()


class _Search:
    """The search for roles in one table."""

    def __init__(self, table: Table, chosen: Columns) -> None:
        self.table, self.chosen = table, chosen
        self.heads = heads_of(table)
        self.columns = [[row[at] for _, row in table.rows] for at in range(len(self.heads))]
        self.taken: set[int] = set()

    def roles(self) -> Roles:
        time = self._said("time") if self.chosen.time else self._time()
        self.taken.add(time)
        subject = self._said("subject") if self.chosen.subject else self._subject(time)
        self.taken.add(subject)
        self.subjects = [cell.strip() for cell in self.columns[subject]]
        others = {what: at for what, names in NAMED.items() if (at := self._named(names)) is not None}
        if "comment" in others and not self._marks_comments(others["comment"]):
            del others["comment"]
        self.taken |= set(others.values())
        dose = self._said("dose") if self.chosen.dose else self._named(DOSE, numeric=True)
        self.taken |= {dose} if dose is not None else set()
        left = list(self._no_measurements())
        self.taken |= {at for at, _ in left}
        outcome = self._said("outcome") if self.chosen.outcome else self._outcome()
        self.taken.add(outcome)
        left = [(at, why) for at, why in left if at not in (outcome, time, subject, dose)]
        covariates, more = self._covariates()
        left = [*left, *more] if self.chosen.covariates is None else more
        return Roles(subject, time, outcome, dose, others, covariates, sorted(left))

    # --- by name ------------------------------------------------------------------------------------

    def _said(self, what: str) -> int:
        """The column that somebody has named."""
        return self._column(str(getattr(self.chosen, what)), what)

    def _column(self, name: str, what: str) -> int:
        names = [head.name for head in self.heads]
        exact = [at for at, text in enumerate(self.table.header) if text.strip() == name.strip()]
        alike = [at for at, head in enumerate(self.heads) if head.name.lower() == name.strip().lower()]
        found = exact or alike
        if len(found) != 1:
            told = f"{len(found)} columns are" if found else "no column is"
            raise DataError(
                f"{self.table.where}: {what}: {told} called {name!r}; the columns are {_list(names)}"
            )
        return found[0]

    def _named(self, names: Sequence[str], *, numeric: bool = False) -> int | None:
        for name in names:
            for at, head in enumerate(self.heads):
                if head.plain == name and at not in self.taken and not (numeric and not self._numbers(at)):
                    return at
        return None

    def _time(self) -> int:
        if (found := self._named(TIME, numeric=True)) is None:
            raise DataError(
                f"{self.table.where}: no column of times ({', '.join(TIME[:8])} …); the columns are "
                f"{_list([head.name for head in self.heads])}; say which it is (time, --time)"
            )
        return found

    def _subject(self, time: int) -> int:
        """By name, if it stands in several rows; or the one with the fewest values, each of which has every
        time once, in order."""
        for name in SUBJECT:
            found = next((at for at, head in enumerate(self.heads) if head.plain == name), None)
            if found is not None and found != time and self._repeats(found):
                return found
        times = [found and found[0] for found in map(measured, self.columns[time])]
        known = {"outcome": self.chosen.outcome, "dose": self.chosen.dose}
        fit = [
            (len(set(self.columns[at])), at)
            for at in range(len(self.heads))
            if at != time
            and self.heads[at].name not in known.values()
            and self._repeats(at)
            and not any(map(is_missing, self.columns[at]))
            and _rise(self.columns[at], times)
        ]
        if not fit:
            raise DataError(
                f"{self.table.where}: no column of subjects ({', '.join(SUBJECT[:4])} …) whose times go on; "
                f"the columns are {_list([head.name for head in self.heads])}; say which it is (subject, "
                "--subject)"
            )
        return min(fit)[1]

    def _repeats(self, at: int) -> bool:
        """Whether values stand in two rows or more, on average."""
        cells = [cell.strip() for cell in self.columns[at] if not is_missing(cell)]
        return 2 * len(set(cells)) <= len(cells) and len(set(cells)) > 1

    def _outcome(self) -> int:
        if (found := self._named(OUTCOME)) is not None:
            return found
        fit = [
            at
            for at in range(len(self.heads))
            if at not in self.taken and self._numbers(at) and not self._constant(at)
        ]
        names = [head.name for head in self.heads]
        if not fit:
            raise DataError(
                f"{self.table.where}: no column of what was measured ({', '.join(OUTCOME[:3])} …, numbers "
                f"that change within a subject); the columns are {_list(names)}; say which it is (outcome, "
                "--outcome)"
            )
        if len(fit) > 1:
            raise DataError(
                f"{self.table.where}: {len(fit)} columns may be what was measured: "
                f"{_list([names[at] for at in fit])}; say which it is (outcome, --outcome)"
            )
        return fit[0]

    def _marks_comments(self, at: int) -> bool:
        """Whether C is no concentration, but stands in rows that are comments."""
        return {cell.strip().lower() for cell in self.columns[at]} <= {"c", *MISSING}

    # --- by content ---------------------------------------------------------------------------------

    def _numbers(self, at: int) -> bool:
        """Whether there are numbers, and most of what is not missing are."""
        known = [cell for cell in self.columns[at] if not is_missing(cell)]
        return bool(known) and 2 * sum(measured(cell) is not None for cell in known) > len(known)

    def _constant(self, at: int) -> bool:
        """Whether a column says one thing of each subject, where it says any."""
        return all(len(values) <= 1 for values in self._by_subject(at).values())

    def _by_subject(self, at: int) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {name: set() for name in self.subjects}
        for name, cell in zip(self.subjects, self.columns[at], strict=True):
            if not is_missing(cell):
                found[name].add(cell.strip())
        return found

    def _no_measurements(self) -> Iterator[tuple[int, str]]:
        """Columns that number rows, of the table or of a subject."""
        counts: dict[str, int] = {}
        within = []
        for name in self.subjects:
            counts[name] = counts.get(name, 0) + 1
            within.append(float(counts[name]))
        through = list(map(float, range(1, len(self.subjects) + 1)))
        for at, head in enumerate(self.heads):
            if at in self.taken:
                continue
            numbers = [number_in(cell) for cell in self.columns[at]]
            if head.plain in INDEX or numbers == through:
                yield at, "row numbers"
            elif numbers == within:
                yield at, "numbers of a subject's rows"

    def _covariates(self) -> tuple[list[int], list[tuple[int, str]]]:
        """Columns that say something of subjects, and those that do not."""
        if self.chosen.covariates is not None:
            asked = [self._column(name, "covariates") for name in self.chosen.covariates]
            wrong = next((at for at in asked if not self._constant(at)), None)
            if wrong is not None:
                who = next(name for name, values in self._by_subject(wrong).items() if len(values) > 1)
                raise DataError(
                    f"{self.table.where}: covariates: {shown(self.heads[wrong].name)} changes within subject "
                    f"{shown(who)}; only what stays the same can be one"
                )
            rest = [at for at in range(len(self.heads)) if at not in self.taken and at not in asked]
            return asked, [(at, "not chosen") for at in rest]
        covariates, left = [], []
        for at in range(len(self.heads)):
            if at in self.taken:
                continue
            levels = {value for values in self._by_subject(at).values() for value in values}
            if not self._constant(at):
                left.append((at, "changes within subjects"))
            elif len(levels) < 2:
                left.append((at, "the same for all"))
            elif not self._numbers(at) and len(levels) > MOST_LEVELS:
                left.append((at, f"{len(levels)} different words"))
            else:
                covariates.append(at)
        return covariates, left


def _rise(cells: Sequence[str], times: Sequence[float | None]) -> bool:
    """Whether the times of each value go up, none of them twice."""
    own: dict[str, list[float]] = {}
    for cell, time in zip(cells, times, strict=True):
        if time is not None:
            own.setdefault(cell.strip(), []).append(time)
    return all(one < other for each in own.values() for one, other in pairwise(each))


def _list(names: Sequence[str]) -> str:
    return ", ".join(shown(name) or "(without a name)" for name in names[:20])
