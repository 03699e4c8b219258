"""Files of texts with labels: tables, JSON lines and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.data.decoding import as_text
from workbench.data.found import NOT_GIVEN, Finding, FoundText, about
from workbench.data.gathered import Gathered, Good, Row
from workbench.data.json_texts import JsonTexts
from workbench.data.reading import NOW, Reading
from workbench.data.source import Source, content_of, suffix_of
from workbench.data.tables import Table, read_table
from workbench.errors import DataError
from workbench.words import shown

TEXT_COLUMNS = ("text", "sentence", "utterance", "query", "question", "content", "message", "title", "utt")
LABEL_COLUMNS = ("label", "class", "category", "intent", "target", "topic", "label_text")
GROUP_COLUMNS = ("group", "domain", "coarse", "scenario")
SPLIT_COLUMNS = ("split", "set", "partition")
LANGUAGE_COLUMNS = ("language", "lang", "locale")
TABLES = (".csv", ".tsv")
SUFFIXES = (*TABLES, ".json", ".jsonl", ".ndjson")
_LAYOUTS = {**dict.fromkeys(TABLES, "table"), ".json": "JSON"}
_NO_LABEL = "unlabelled"
_FEWEST_LABELS = 3
"""So that each split has one."""


def read_texts(path: Path, reading: Reading = NOW) -> FoundText:
    """What is in a file of texts.

    Raises
    ------
    DataError
        If it is none of the layouts.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    gathered = Gathered(reading)
    suffix = path.suffix.lower()
    _from_file(gathered, content, str(path), suffix, NOT_GIVEN, reading)
    return gathered.found(path, _LAYOUTS.get(suffix, "JSON lines"))


def read_text_tables(where: Path, parts: Mapping[int, Table], reading: Reading = NOW) -> FoundText:
    """Texts in one table for each split."""
    gathered = Gathered(reading)
    for code, table in parts.items():
        _from_table(gathered, table, code, reading)
    return gathered.found(where, "split files of texts")


def read_text_files(source: Source, files: Mapping[int, str], reading: Reading) -> FoundText:
    """Texts in one file for each split, of whatever layout.

    Raises
    ------
    DataError
        If one of them cannot be read, or is of none of the layouts.
    """
    gathered = Gathered(reading)
    for code, file in files.items():
        _from_file(
            gathered,
            content_of(source, file),
            f"{source.where}: {shown(file)}",
            suffix_of(file),
            code,
            reading,
        )
    return gathered.found(source.where, "split files of texts")


def _from_file(
    gathered: Gathered, content: bytes, where: str, suffix: str, code: int, reading: Reading
) -> None:
    if suffix in TABLES:
        _from_table(gathered, read_table(content, where, suffix, reading), code, reading)
        return
    text, findings = as_text(content, where, reading)
    gathered.findings += findings
    languages = LANGUAGE_COLUMNS if reading.rules > 2 else ()
    columns = TEXT_COLUMNS, LABEL_COLUMNS, GROUP_COLUMNS, SPLIT_COLUMNS, languages
    reader = JsonTexts(gathered, reading, columns)
    if suffix == ".json":
        reader.read_document(text, where, code)
    else:
        reader.read_lines(text, where, code)
    reader.say_what_is_not_read(where)


def read_new_texts(path: Path, reading: Reading = NOW) -> tuple[FoundText, bool]:
    """Texts of which nobody need know the labels, in their order, and whether they have some.

    Raises
    ------
    DataError
        If it is none of the layouts, or some have labels and others none.
    """
    suffix = path.suffix.lower()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    gathered = WithoutLabels(reading)
    table = read_table(content, str(path), suffix, reading) if suffix in TABLES else None
    text = None if table is None else table.column(TEXT_COLUMNS)
    if table is not None and text is None and len(table.header) == 1:
        table, text = replace(table, rows=[(1, list(table.header)), *table.rows]), 0  # without a heading
    if table is not None and text is not None and table.column(LABEL_COLUMNS) is None:
        gathered.bad += table.unreadable
        for line, row in table.rows:
            gathered.add(Row(row[text], None, None, NOT_GIVEN, f"{table.where}, line {line}"))
    else:
        _from_file(gathered, content, str(path), suffix, NOT_GIVEN, reading)
    return gathered.of_one_task(path, "texts")


class WithoutLabels(Gathered):
    """Takes rows of one task, which may have no labels."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self.unlabelled: list[str] = []

    def add(self, row: Row) -> None:
        if row.label is None:
            self.unlabelled.append(row.origin)
            row = row._replace(label=_NO_LABEL)
        super().add(row)

    def apart(self, rows: Sequence[Good]) -> tuple[Sequence[Good], list[Finding]]:
        return rows, []

    def of_one_task(self, where: Path, layout: str) -> tuple[FoundText, bool]:
        """Everything that was taken, and whether it has labels.

        Raises
        ------
        DataError
            If some have labels and others none.
        """
        found = self.found(where, layout)
        if 0 < len(self.unlabelled) < len(found.labels):
            raise DataError(f"{self.unlabelled[0]}: no label, which others have; label all of them, or none")
        return found, not self.unlabelled


def has_texts(table: Table) -> bool:
    """Whether a table has a column of texts."""
    return table.column(TEXT_COLUMNS) is not None


def _from_table(gathered: Gathered, table: Table, code: int, reading: Reading) -> None:
    gathered.bad += table.unreadable
    text, label = table.column(TEXT_COLUMNS), table.column(LABEL_COLUMNS)
    group, split = table.column(GROUP_COLUMNS), table.column(SPLIT_COLUMNS)
    language = table.column(LANGUAGE_COLUMNS) if reading.rules > 2 else None
    rows = list(table.rows)
    if text is None or label is None:
        if len(table.header) != 2 or text is not None or label is not None:
            raise DataError(
                f"{table.where}: the first line must name the columns text and label; "
                f"it has {_named(table.header)}{_missing(text, label)}"
            )
        rows.insert(0, (1, list(table.header)))  # no header: fewer different labels than texts
        text, label = _text_and_label(gathered, table, rows, reading)
    elif reading.rules > 1:
        table = table.without_more_heads()
        rows = list(table.rows)
        say_what_is_not_read(gathered, table, (text, label, group, split, language))

    gathered.findings += table.findings

    def cell(row: list[str], column: int | None) -> str | None:
        return row[column] if column is not None and column < len(row) else None

    for line, row in rows:
        named = cell(row, split) or ""
        own = (named if reading.rules == 1 else named.strip()) or code
        origin = f"{table.where}, line {line}"
        spoken = cell(row, language)
        gathered.add(Row(cell(row, text), cell(row, label), cell(row, group), own, origin, spoken))


def _text_and_label(
    gathered: Gathered, table: Table, rows: list[tuple[int, list[str]]], reading: Reading
) -> tuple[int, int]:
    """Which of two columns without names has the texts, and which the labels.

    Raises
    ------
    DataError
        If the first line is a header after all, in words that are not known.
    """
    kinds = [len({row[column] for _, row in rows if column < len(row)}) for column in (0, 1)]
    label = 0 if kinds[0] < kinds[1] else 1
    others = Counter(row[label] for _, row in rows[1:] if label < len(row))
    if others and table.header[label] not in others and min(others.values()) > 1:
        header = _named(table.header)
        mend = "call them text and label"
        if reading.rules > 1 and len(others) < _FEWEST_LABELS:
            raise DataError(
                f"{table.where}: the first line ({header}) names no columns that are known, and is no "
                f"example, since no other line has its label; {mend}"
            )
        said = f"the first line ({header}) is read as an example, though no other has its label; "
        text = f"{table.where}: {said}if it names the columns, {mend}"
        gathered.findings.append(Finding("first line", text, 1, (header,)))
    return 1 - label, label


def _missing(text: int | None, label: int | None) -> str:
    if text is None and label is None:
        return ""
    what, names = ("texts", TEXT_COLUMNS) if text is None else ("labels", LABEL_COLUMNS)
    return f", and no column of {what} ({', '.join(names)})"


def say_what_is_not_read(gathered: Gathered, table: Table, used: Sequence[int | None]) -> None:
    """Columns of a table that are none of those that are used."""
    left = [name for index, name in enumerate(table.header) if index not in used]
    are = "columns are" if len(left) > 1 else "column is"
    names = [name.strip() or "one without a name" for name in left]
    gathered.findings += about("columns", f"{table.where}: {len(left):,} {are} not read", names)


def _named(header: tuple[str, ...]) -> str:
    return shown(", ".join(header))
