"""Tables in text files, whatever program wrote them: separators, quotes, lines that cannot be read."""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from workbench.data.decoding import Encoding, encoding_of, undecodable
from workbench.data.found import Finding, Unreadable, about
from workbench.data.reading import NOW, Reading, refuse_beyond
from workbench.errors import DataError
from workbench.words import shown

LONGEST_FIELD = 2**20
SEPARATORS = ",;\t|"
_SAID = re.compile(r"\"?sep=([,;\t|])\"?\s*", re.IGNORECASE)
"""A first line that says what stands between fields, as Excel has it."""
_LOOKED_AT = 100
_LOOKED_AT_FIRST = 2**16
_OF_A_LINE, _OF_A_BYTE = 400, 4
"""Bytes of memory, roughly."""

Row = tuple[int, list[str]]
"""The number of the first line of a row, and its fields."""


@dataclass(frozen=True)
class Table:
    """Rows of a file with the numbers of their lines; all have as many fields as the first, the header."""

    where: str
    header: tuple[str, ...]
    rows: Sequence[Row]
    unreadable: tuple[Unreadable, ...]
    findings: tuple[Finding, ...] = ()

    def column(self, names: Sequence[str]) -> int | None:
        """Where the first of these names stands in the header."""
        lowered = [name.strip().lower() for name in self.header]
        return next((lowered.index(name) for name in names if name in lowered), None)

    def without_more_heads(self) -> Table:
        """Without rows that repeat the header, as files have that were put together from several."""
        head = _plain(self.header)
        more = [line for line, row in self.rows if _plain(row) == head]
        if not more:
            return self
        rows = [(line, row) for line, row in self.rows if _plain(row) != head]
        listed = [f"line {line}" for line in more]
        lines = (
            "more lines that name the columns are" if len(more) > 1 else "more line that names the columns is"
        )
        told = about("heads", f"{self.where}: {len(more):,} {lines} passed over", listed)
        return replace(self, rows=rows, findings=(*self.findings, *told))


def first_line(path: Path) -> bytes:
    """What tells the columns of a file, in UTF-8: its first line that is not empty, after one that says what
    stands between fields. Empty where nothing can be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT_FIRST)
    except OSError:
        return b""
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        head = head.decode("utf-16", "ignore").encode("utf-8", "replace")
    lines = [line for line in head.splitlines(keepends=True) if line.strip()]
    said = lines and _SAID.fullmatch(lines[0].decode("utf-8-sig", "replace"))
    return b"".join(lines[: 2 if said else 1])


def read_table(content: bytes, where: str, suffix: str, reading: Reading = NOW) -> Table:
    """The rows of a file whose fields stand between commas, semicolons, tabs or bars.

    Rows that have more or fewer fields than the first, or are no text, are left out and listed. Between
    commas a quote that is never closed is refused: it would make one field of everything after it. Between
    tabs quotes are letters like others, unless they enclose fields wherever they stand (RFC 4180).

    Raises
    ------
    DataError
        If it is no such table, or empty.
    """
    encoding = encoding_of(content, where, reading)
    if reading.rules == 1:
        return _by_rule_1(content, where, suffix, encoding)
    count = max(content.count(b"\n"), content.count(b"\r"))
    refuse_beyond(
        reading, _OF_A_BYTE * len(content) + _OF_A_LINE * count, f"{where}: {count:,} lines of text"
    )

    def lines() -> Iterator[str]:
        return _lines(content, encoding)

    said = _SAID.fullmatch(next(lines(), ""))
    separator = said[1] if said else _separator(lines, suffix)
    literal = separator == "\t" and _quotes_are_letters(lines)
    sorted_out = _SortedOut(where)
    rows = _literally(lines()) if literal else _by_quotes(lines(), separator, where)
    if said:
        next(rows)
    with _field_limit():
        kept = list(sorted_out.kept(rows, literal=literal))
    if not kept:
        raise DataError(f"{where}: no lines that can be read")
    findings = (*encoding.findings, *sorted_out.findings(literal=literal))
    return Table(where, tuple(kept[0][1]), kept[1:], tuple(sorted_out.unreadable), findings)


def _plain(row: Sequence[str]) -> list[str]:
    return [field.strip().lower() for field in row]


def _lines(content: bytes, encoding: Encoding) -> Iterator[str]:
    """Lines that end as most programs have it; where they do, what some programs end them by is a blank."""
    newline = "\n" if b"\n" in content else "\r"
    for line in io.TextIOWrapper(io.BytesIO(content), encoding.name, encoding.errors, newline=newline):
        yield line.rstrip("\r\n").replace("\r", "\v") + "\n"


class _SortedOut:
    """What is no row like the first, as rows go by."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.unreadable: list[Unreadable] = []
        self._empty: list[str] = []
        self._quoted: list[str] = []
        self._long: list[str] = []

    def kept(self, rows: Iterator[tuple[int, int, list[str]]], *, literal: bool) -> Iterator[Row]:
        width = 0
        for first, last, row in rows:
            if not any(field.strip() for field in row):
                if len(row) > 1:
                    self._empty.append(f"line {first}")
                continue
            while width and len(row) > width and not row[-1].strip():
                row.pop()  # separators behind the last field
            reason = self._reason(row, width)
            if reason and not width:
                raise DataError(f"{self.where}, line {first}: not a table (the first line has {reason})")
            if reason:
                self.unreadable.append(Unreadable(f"{self.where}, line {first}", reason))
                continue
            width = width or len(row)
            if literal and any('"' in field for field in row):
                self._quoted.append(f"line {first}")
            if last > first:
                self._long.append(f"lines {first} to {last}")
            yield first, row

    def _reason(self, row: list[str], width: int) -> str:
        if any(map(undecodable, row)):
            return "not UTF-8"
        if any("\0" in field for field in row):
            return "a zero among its letters"
        if any(len(field) > LONGEST_FIELD for field in row):
            return f"a field of more than {LONGEST_FIELD:,} letters"
        if width and len(row) != width:
            fields = f"{len(row)} field{'s' if len(row) > 1 else ''}"
            return f"{fields}; the first line has {width}"
        return ""

    def findings(self, *, literal: bool) -> Iterator[Finding]:
        texts = {
            "empty rows": (self._empty, "rows without anything in them are passed over"),
            "quotes": (
                self._quoted if literal else [],
                "rows have quotes, not all of them around fields; every line is read as it stands, with them",
            ),
            "long rows": (
                self._long,
                "rows go over several lines, between quotes; if these are rows of their own, a quote among "
                "them is not closed",
            ),
        }
        for what, (places, text) in texts.items():
            yield from about(what, f"{self.where}: {len(places):,} {text}", places)


def _by_quotes(lines: Iterator[str], separator: str, where: str) -> Iterator[tuple[int, int, list[str]]]:
    """First line, last line and fields of each row, as RFC 4180 has it."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    over = 0
    try:
        for row in reader:
            yield over + 1, reader.line_num, row
            over = reader.line_num
    except csv.Error as error:
        raise DataError(f"{where}, line {over + 1}: not a table ({shown(str(error))})") from None


def _literally(lines: Iterator[str]) -> Iterator[tuple[int, int, list[str]]]:
    """The same, each line being a row."""
    for number, line in enumerate(lines, 1):
        yield number, number, line.rstrip("\r\n").split("\t")


def _quotes_are_letters(lines: Callable[[], Iterator[str]]) -> bool:
    """Whether fields between tabs are to be read with their quotes.

    So it is where quotes stand elsewhere than around fields, and where taking them for quotes would make one
    row of several that are sound; unless the first line shows that all fields are enclosed.
    """
    width = literal = enclosing = 0
    letters = all_enclosed = False
    for _, _, row in _literally(lines()):
        if any(field.strip() for field in row):
            all_enclosed = all_enclosed if width else all(map(_is_enclosed, row))
            width = width or len(row)
            literal += len(row) == width
            quoted = [field for field in row if '"' in field]
            enclosing += bool(quoted)
            letters = letters or not all(map(_is_enclosed, quoted))
    if not enclosing:
        return True
    try:
        with _field_limit():
            rows = [len(row) for _, _, row in _by_quotes(lines(), "\t", "") if any(map(str.strip, row))]
    except DataError:
        return True
    quoted_rows = rows.count(rows[0]) if rows else 0
    if all_enclosed:
        return False
    return literal > quoted_rows or (literal == quoted_rows and letters)


def _is_enclosed(field: str) -> bool:
    inner = field[1:-1].replace('""', "")
    return len(field) > 1 and field[0] == field[-1] == '"' and '"' not in inner


def _separator(lines: Callable[[], Iterator[str]], suffix: str) -> str:
    """What most of the first rows agree in, or the first line has most of."""
    first = next((line for line in lines() if line.strip()), "")
    if suffix.lower() == ".tsv" and "\t" in first:
        return "\t"

    def agreement(separator: str) -> tuple[float, int]:
        with _field_limit():
            try:
                rows = [row for row in csv.reader(islice(lines(), _LOOKED_AT), delimiter=separator) if row]
            except csv.Error:
                return 0.0, 0
        widths = [len(row) for row in rows]
        alike = widths.count(widths[0]) / len(widths) if widths and widths[0] > 1 else 0.0
        return alike, first.count(separator)

    return max(SEPARATORS, key=agreement)


@contextmanager
def _field_limit() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _by_rule_1(content: bytes, where: str, suffix: str, encoding: Encoding) -> Table:
    """Every row as it is, however many fields it has; quotes enclose fields between tabs too."""
    text = content.decode(encoding.name, encoding.errors)
    first = text.partition("\n")[0]
    separator = "\t" if suffix.lower() == ".tsv" else max(",;\t", key=first.count)
    rows, unreadable = [], []
    with _field_limit():
        for _, line, row in _by_quotes(io.StringIO(text, newline=""), separator, where):
            if any(map(undecodable, row)):
                unreadable.append(Unreadable(f"{where}, line {line}", "not UTF-8"))
            elif any(field.strip() for field in row):
                rows.append((line, row))
    if not rows:
        raise DataError(f"{where}: no lines that can be read")
    return Table(where, tuple(rows[0][1]), rows[1:], tuple(unreadable))
