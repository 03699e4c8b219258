"""Tables and JSON lines of pairs of texts: a source, a target, and the language (or domain) of the pair."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workbench.data.decoding import as_text, undecodable
from workbench.data.found import NOT_GIVEN, Finding, FoundPairs, Unreadable, about
from workbench.data.labels import made_one
from workbench.data.reading import NOW, Reading
from workbench.data.splits import completed, shared_classes, splits_of, unknown
from workbench.data.tables import first_line, read_table
from workbench.errors import DataError
from workbench.words import shown

SOURCE_COLUMNS = ("source", "src", "input", "instruction", "source_sentence")
TARGET_COLUMNS = ("target", "tgt", "output", "translation", "target_sentence")
TASK_COLUMNS = ("language", "lang", "target_language", "target_lang", "task", "domain", "group")
SPLIT_COLUMNS = ("split", "set", "partition")
TABLES = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")


class _Row(NamedTuple):
    """A pair as it stands in a file."""

    source: object
    target: object
    task: object
    split: object
    origin: str


class _Where(NamedTuple):
    """The names of the columns that a file has; None where it has none of a sort."""

    source: str
    target: str
    task: str | None
    split: str | None


def has_pairs(path: Path, reading: Reading = NOW) -> bool:
    """Whether a file names a column of sources and one of targets, in the first line of a table or the first
    object of JSON lines."""
    suffix = path.suffix.lower()
    if reading.rules == 1 or suffix not in (*TABLES, *LINES):
        return False
    first = first_line(path).lower()
    named = (any(name.encode() in first for name in names) for names in (SOURCE_COLUMNS, TARGET_COLUMNS))
    return all(named) and _columns(_names_in(path, first, reading)) is not None


def read_pairs(path: Path, reading: Reading = NOW) -> FoundPairs:
    """What is in a file of pairs; each language is a task.

    Raises
    ------
    DataError
        If it is none of the layouts, or no language is told.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    gathered = _Gathered(path, reading)
    if path.suffix.lower() in TABLES:
        table = read_table(content, str(path), path.suffix, reading).without_more_heads()
        gathered.bad += table.unreadable
        gathered.findings += table.findings
        rows: Iterator[tuple[str, Mapping[str, object]]] = (
            (f"{path}, line {line}", dict(zip(table.header[::-1], row[::-1], strict=True)))
            for line, row in table.rows
        )
        layout, names = "table of pairs", table.header
    else:
        text, findings = as_text(content, str(path), reading)
        gathered.findings += findings
        objects = list(_objects(text, path, gathered))
        layout, names = (
            "JSON lines of pairs",
            tuple(dict.fromkeys(name for _, each in objects for name in each)),
        )
        rows = iter(objects)
    where = _columns(names)
    if where is None:
        raise DataError(f"{path}: no columns source and target; it has {shown(', '.join(names))}")
    if where.task is None:
        raise DataError(
            f"{path}: no column says which language a pair is of; add one of {', '.join(TASK_COLUMNS)}: "
            "each of its words is a task"
        )
    for origin, row in rows:
        gathered.add(
            _Row(
                row.get(where.source),
                row.get(where.target),
                row.get(where.task),
                row.get(where.split or ""),
                origin,
            )
        )
    left = [
        name.strip() or "one without a name"
        for at, name in enumerate(names)
        if name not in where or name in names[:at]
    ]
    gathered.findings += about("columns", f"{path}: {len(left):,} column(s) not read", left)
    return gathered.found(layout)


def _names_in(path: Path, first: bytes, reading: Reading) -> Sequence[str]:
    """The columns that a first line names; none if it cannot be read."""
    try:
        if path.suffix.lower() in TABLES:
            return read_table(first + b"\n", str(path), path.suffix, reading).header
        held = json.loads(first)
        return tuple(held) if isinstance(held, dict) else ()
    except (DataError, ValueError, RecursionError):
        return ()


def _columns(names: Sequence[str]) -> _Where | None:
    known = {name.strip().lower(): name for name in reversed(names)}

    def first(wanted: Sequence[str]) -> str | None:
        return next((known[name] for name in wanted if name in known), None)

    source, target = first(SOURCE_COLUMNS), first(TARGET_COLUMNS)
    if source is None or target is None:
        return None
    return _Where(source, target, first(TASK_COLUMNS), first(SPLIT_COLUMNS))


def _objects(text: str, path: Path, gathered: _Gathered) -> Iterator[tuple[str, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would cut at U+2028 within a string
        if not line.strip():
            continue
        origin = f"{path}, line {number}"
        try:
            held = json.loads(line)
        except (ValueError, RecursionError):
            gathered.bad.append(Unreadable(origin, "no JSON"))
            continue
        if isinstance(held, dict):
            yield origin, held
        else:
            gathered.bad.append(Unreadable(origin, "no object with source and target"))


def _unlike(what: str, word: object) -> str:
    """Why a field cannot be used; empty where it can."""
    if word is None or (isinstance(word, str) and not word.strip()):
        return f"an empty {what}"
    if not isinstance(word, str):
        return f"a {what} that is no text"
    return "not UTF-8" if undecodable(word) else ""


class _Gathered:
    """Pairs as they come in, good ones and others."""

    def __init__(self, where: Path, reading: Reading) -> None:
        self.bad: list[Unreadable] = []
        self.findings: list[Finding] = []
        self._where, self._reading = where, reading
        self._good: list[tuple[str, str, str, str | None]] = []

    def add(self, row: _Row) -> None:
        """Take a row, or list it as one that cannot be read."""
        words = [str(each) if type(each) is int else each for each in row[:3]]
        why = [
            _unlike(what, word) for what, word in zip(("source", "target", "language"), words, strict=True)
        ]
        if any(why):
            self.bad.append(Unreadable(row.origin, next(filter(None, why))))
            return
        source, target, task = (" ".join(unicodedata.normalize("NFC", str(each)).split()) for each in words)
        split = row.split if isinstance(row.split, str) and row.split.strip() else None
        self._good.append((task, source, target, split))

    def found(self, layout: str) -> FoundPairs:
        """Everything that was taken; what stands several times, once.

        Raises
        ------
        DataError
            If there is nothing.
        """
        if not self._good:
            first = f" ({self.bad[0].origin}: {self.bad[0].why})" if self.bad else ""
            raise DataError(f"{self._where}: no pairs{first}; a source and a target are needed on each line")
        better, told = made_one(Counter(task for task, *_ in self._good), self._reading, "languages")
        self.findings += told
        self._good = [(better.get(good[0], good[0]), *good[1:]) for good in self._good]
        once = list(dict.fromkeys(self._good))
        if len(once) < len(self._good):
            count = len(self._good) - len(once)
            text = f"{count:,} pairs stand there more than once, and count once"
            self.findings.append(Finding("duplicates", text, count))
        names = sorted({task for task, *_ in once})
        number = {name: index for index, name in enumerate(names)}
        labels = np.array([number[task] for task, *_ in once], np.int64)
        order = labels.argsort(kind="stable")
        words = Counter(split for *_, split in once if split is not None)
        codes = splits_of(words)
        given = np.array([NOT_GIVEN if split is None else codes[split] for *_, split in once], np.int8)
        labels, given = labels[order], given[order]
        self.findings += unknown({word: count for word, count in words.items() if codes[word] == NOT_GIVEN})
        groups = ("",) * len(names)
        given, drawn = completed(names, groups, labels, given)
        self.findings += [*drawn, *shared_classes(names, labels, given)]
        return FoundPairs(
            layout=layout,
            where=self._where,
            names=tuple(names),
            groups=groups,
            labels=labels,
            given=given,
            findings=tuple(self.findings),
            unreadable=tuple(self.bad),
            pairs=[once[index][1:3] for index in order],
        )
