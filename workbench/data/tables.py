"""Tables in text files, whatever program wrote them: encodings, separators, lines that cannot be read."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.data.found import Unreadable
from workbench.errors import DataError

MOST_TEXT = 2**28
LONGEST_FIELD = 2**20


@dataclass(frozen=True)
class Table:
    """Lines of a file: their numbers and fields; the first is the header."""

    where: str
    header: tuple[str, ...]
    rows: Sequence[tuple[int, list[str]]]
    unreadable: tuple[Unreadable, ...]

    def column(self, names: Sequence[str]) -> int | None:
        """Where the first of these names stands in the header."""
        lowered = [name.strip().lower() for name in self.header]
        return next((lowered.index(name) for name in names if name in lowered), None)


def as_text(content: bytes, where: str) -> str:
    """The text of a file in UTF-8, or in UTF-16 if it says so; bytes that are neither stay apart.

    Such a byte becomes a lone surrogate: :func:`undecodable` finds the lines that have one.

    Raises
    ------
    DataError
        If it is too large, or no text at all.
    """
    if len(content) > MOST_TEXT:
        raise DataError(f"{where}: {len(content) / 2**20:.0f} MiB of text are too many; allowed: 256 MiB")
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content[:4096]:
        raise DataError(f"{where}: not a text file in UTF-8")
    return content.decode("utf-8-sig", "surrogateescape")


def undecodable(text: str) -> bool:
    """Whether a text holds bytes that are not UTF-8."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def read_table(content: bytes, where: str, suffix: str) -> Table:
    """The lines of a file whose fields stand between commas, semicolons or tabs (in a ``.tsv``: tabs only).

    Lines that are not UTF-8 are left out and listed. A quote that is never closed is refused: it would make
    one field of everything after it.

    Raises
    ------
    DataError
        If it is no such table, or empty.
    """
    text = as_text(content, where)
    first = text.partition("\n")[0]
    separator = "\t" if suffix.lower() == ".tsv" else max(",;\t", key=first.count)
    rows: list[tuple[int, list[str]]] = []
    unreadable: list[Unreadable] = []
    before = csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    over = 0
    try:
        for row in reader:
            over = reader.line_num
            if not any(field.strip() for field in row):
                continue
            if any(map(undecodable, row)):
                unreadable.append(Unreadable(f"{where}, line {reader.line_num}", "not UTF-8"))
            else:
                rows.append((reader.line_num, row))
    except csv.Error as error:
        raise DataError(f"{where}, line {over + 1}: not a table ({error})") from None
    finally:
        csv.field_size_limit(before)
    if not rows:
        raise DataError(f"{where}: no lines that can be read")
    return Table(where, tuple(rows[0][1]), rows[1:], tuple(unreadable))
