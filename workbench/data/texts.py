"""Texts with labels: tables, JSON lines, and JSON as in CLINC-150 (Larson et al., EMNLP 2019)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workbench.data import tables
from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, FoundText, Unreadable, some
from workbench.data.reading import NOW, Reading
from workbench.data.source import UNREADABLE
from workbench.data.tables import Table, as_text, read_table, undecodable
from workbench.errors import DataError
from workbench.words import shown

TEXT_COLUMNS = ("text", "sentence", "utterance", "query", "question", "content", "message", "title")
LABEL_COLUMNS = ("label", "class", "category", "intent", "target", "topic", "label_text")
GROUP_COLUMNS = ("group", "domain", "coarse", "scenario")
SPLIT_COLUMNS = ("split", "set", "partition")
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
LONGEST_LABEL = 200
JSON_ERRORS: tuple[type[Exception], ...] = (*UNREADABLE, RecursionError)
_NEEDED = "a text and a label are needed on each line"


class _Row(NamedTuple):
    text: Any
    label: Any
    group: Any
    split: int
    origin: str


class _Gathered:
    """Rows as they come in, good ones and others."""

    def __init__(self) -> None:
        self.good: list[tuple[str, str, str, int]] = []
        self.bad: list[Unreadable] = []
        self.findings: list[Finding] = []

    def add(self, row: _Row) -> None:
        text, label = row.text, row.label
        label = str(label) if isinstance(label, int) and not isinstance(label, bool) else label
        group = row.group if isinstance(row.group, str) else ""
        if not isinstance(text, str) or not isinstance(label, str):
            self.bad.append(Unreadable(row.origin, "no text, or no label"))
        elif any(map(undecodable, (text, label, group))):
            self.bad.append(Unreadable(row.origin, "not UTF-8"))
        elif not text.strip() or not label.strip():
            self.bad.append(Unreadable(row.origin, "an empty text, or an empty label"))
        elif len(label) > LONGEST_LABEL:
            self.bad.append(Unreadable(row.origin, "a label of more than 200 letters"))
        else:
            self.good.append((" ".join(label.split()), " ".join(text.split()), group.strip(), row.split))


def read_texts(path: Path, reading: Reading = NOW) -> FoundText:
    """What is in a file of texts.

    Raises
    ------
    DataError
        If it is none of the layouts.
    """
    try:
        if path.stat().st_size > tables.MOST_TEXT:
            raise DataError(f"{path}: {path.stat().st_size / 2**20:.0f} MiB of text are too many (256 MiB)")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    gathered = _Gathered()
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        _from_table(gathered, read_table(content, str(path), suffix), NOT_GIVEN)
        return _found(path, "table", gathered)
    text = as_text(content, str(path))
    if suffix == ".json":
        try:
            _from_json(gathered, json.loads(text), str(path))
        except JSON_ERRORS as error:
            raise DataError(f"{path}: not valid JSON ({shown(str(error))})") from None
        return _found(path, "JSON", gathered)
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would cut at U+2028 within a string
        if line.strip():
            _from_line(gathered, line, f"{path}, line {number}")
    return _found(path, "JSON lines", gathered)


def read_text_tables(where: Path, parts: Mapping[int, Table], reading: Reading = NOW) -> FoundText:
    """Texts in one table for each split."""
    gathered = _Gathered()
    for code, table in parts.items():
        _from_table(gathered, table, code)
    return _found(where, "split files of texts", gathered)


def has_texts(table: Table) -> bool:
    """Whether a table has a column of texts."""
    return table.column(TEXT_COLUMNS) is not None


def _from_table(gathered: _Gathered, table: Table, code: int) -> None:
    gathered.bad += table.unreadable
    text, label = table.column(TEXT_COLUMNS), table.column(LABEL_COLUMNS)
    group, split = table.column(GROUP_COLUMNS), table.column(SPLIT_COLUMNS)
    rows = list(table.rows)
    if text is None or label is None:
        if len(table.header) != 2 or text is not None or label is not None:
            raise DataError(
                f"{table.where}: the first line must name the columns text and label; "
                f"it has {shown(', '.join(table.header))}"
            )
        rows.insert(0, (1, list(table.header)))  # no header: fewer different labels than texts
        kinds = [len({row[column] for _, row in rows if column < len(row)}) for column in (0, 1)]
        label = 0 if kinds[0] < kinds[1] else 1
        text = 1 - label
        others = [row[label] for _, row in rows[1:] if label < len(row)]
        if others and table.header[label] not in others and min(Counter(others).values()) > 1:
            header = shown(", ".join(table.header))
            said = f"the first line ({header}) is read as an example, though no other has its label; "
            mend = "if it names the columns, call them text and label"
            gathered.findings.append(Finding("first line", f"{table.where}: {said}{mend}", 1, (header,)))

    def cell(row: list[str], column: int | None) -> str | None:
        return row[column] if column is not None and column < len(row) else None

    for line, row in rows:
        named = cell(row, split)
        own = SPLIT_NAMES.get(named.strip().lower(), NOT_GIVEN) if named else code
        origin = f"{table.where}, line {line}"
        gathered.add(_Row(cell(row, text), cell(row, label), cell(row, group), own, origin))


def _from_line(gathered: _Gathered, line: str, origin: str) -> None:
    try:
        _from_entry(gathered, json.loads(line), NOT_GIVEN, origin)
    except (ValueError, RecursionError):
        why = "not UTF-8" if undecodable(line) else "not valid JSON"
        gathered.bad.append(Unreadable(origin, why))


def _from_entry(gathered: _Gathered, entry: Any, code: int, origin: str) -> None:
    """An object with a text and a label, or a pair of them."""
    if isinstance(entry, Mapping):
        lowered = {str(key).lower(): value for key, value in entry.items()}

        def get(names: Sequence[str]) -> Any:
            return next((lowered[name] for name in names if name in lowered), None)

        named = get(SPLIT_COLUMNS)
        own = SPLIT_NAMES.get(named.lower(), NOT_GIVEN) if isinstance(named, str) else code
        gathered.add(_Row(get(TEXT_COLUMNS), get(LABEL_COLUMNS), get(GROUP_COLUMNS), own, origin))
    elif isinstance(entry, list) and len(entry) == 2:
        gathered.add(_Row(entry[0], entry[1], "", code, origin))
    else:
        gathered.bad.append(Unreadable(origin, "no text, or no label"))


def _from_json(gathered: _Gathered, data: Any, where: str) -> None:
    if isinstance(data, list):
        _from_entries(gathered, data, NOT_GIVEN, where)
        return
    if not isinstance(data, dict) or not all(isinstance(part, list) for part in data.values()):
        raise DataError(
            f'{where}: a list of texts with labels, or lists by split ({{"train": [[text, label], …]}}), '
            "is needed"
        )
    codes = {key: SPLIT_NAMES.get(str(key).lower(), NOT_GIVEN) for key in data}
    if any(code != NOT_GIVEN for code in codes.values()):
        for key, part in data.items():
            if codes[key] != NOT_GIVEN:
                _from_entries(gathered, part, codes[key], f"{where}, {shown(str(key))}")
        left = sorted(str(key) for key, code in codes.items() if code == NOT_GIVEN)
        if left:
            count = sum(len(data[key]) for key in left)
            text = f"{shown(some(left))} ({count:,} examples): no split for training, validation or test"
            gathered.findings.append(Finding("left out", text, count, tuple(map(shown, left[:3]))))
        return
    for label, part in data.items():
        for index, text in enumerate(part):
            gathered.add(_Row(text, label, "", NOT_GIVEN, f"{where}, {shown(str(label))}[{index}]"))


def _from_entries(gathered: _Gathered, entries: Iterable[Any], code: int, where: str) -> None:
    for index, entry in enumerate(entries):
        _from_entry(gathered, entry, code, f"{where}[{index}]")


def _found(where: Path, layout: str, gathered: _Gathered) -> FoundText:
    if not gathered.good:
        first = f" ({gathered.bad[0].origin}: {gathered.bad[0].why})" if gathered.bad else ""
        raise DataError(f"{where}: no texts with labels{first}; {_NEEDED}")
    rows = gathered.good
    names = sorted({label for label, *_ in rows})
    number = {name: index for index, name in enumerate(names)}
    group_of: dict[str, set[str]] = {}
    for label, _, group, _ in rows:
        group_of.setdefault(label, set()).add(group)
    groups = tuple(min(group_of[name]) if len(group_of[name]) == 1 else "" for name in names)
    labels = np.array([number[label] for label, *_ in rows], np.int64)
    order = labels.argsort(kind="stable")
    return FoundText(
        layout=layout,
        where=where,
        names=tuple(names),
        groups=groups,
        labels=labels[order],
        given=np.array([code for *_, code in rows], np.int8)[order],
        findings=tuple(gathered.findings),
        unreadable=tuple(gathered.bad),
        texts=[rows[index][1] for index in order],
    )
