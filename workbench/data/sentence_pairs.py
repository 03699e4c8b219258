"""Tables and JSON lines of two texts with a label: inference, paraphrase; of several languages or genres."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from workbench.data.decoding import as_text
from workbench.data.found import BETWEEN, NOT_GIVEN, Finding, FoundSentencePairs, FoundText, about
from workbench.data.gathered import FEWEST_LANGUAGES, Gathered, Good, Row, without_the_file
from workbench.data.json_texts import JsonTexts
from workbench.data.reading import NOW, Reading
from workbench.data.tables import first_line, read_table
from workbench.data.texts import (
    LABEL_COLUMNS,
    SPLIT_COLUMNS,
    TABLES,
    TEXT_COLUMNS,
    WithoutLabels,
    say_what_is_not_read,
)
from workbench.errors import DataError
from workbench.words import plural, shown

PAIR_COLUMNS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("text_a", "text_b"),
    ("question1", "question2"),
)
GOLD_COLUMNS = ("gold_label", *LABEL_COLUMNS, "is_duplicate", "relation")
TASK_COLUMNS = ("language", "lang", "locale", "genre", "domain", "group", "scenario")
LINES = (".jsonl", ".ndjson")
NO_GOLD = "-"
"""The label of a pair on which annotators did not agree, in SNLI and those after it."""

_PAIR = "a pair"
"""The key that two texts get when they are put together."""


class _Where(NamedTuple):
    """The names of the columns that a file has, as it writes them; None where it has none of a sort."""

    texts: tuple[str, str]
    label: str | None
    task: str | None
    split: str | None


def has_sentence_pairs(path: Path, reading: Reading = NOW) -> bool:
    """Whether a file names two columns of texts that belong together, in the first line of a table or the
    first object of JSON lines; and none of single texts, which earlier versions have read."""
    suffix = path.suffix.lower()
    if reading.rules < 3 or suffix not in (*TABLES, *LINES):
        return False
    first = first_line(path)
    try:
        if suffix in TABLES:
            names: Sequence[str] = read_table(first, str(path), suffix, reading).header
        else:
            names = _keys_of(json.loads(first))
    except (DataError, ValueError, RecursionError):
        return False
    known = {name.strip().lower() for name in names}
    return _columns(names) is not None and not known.intersection(TEXT_COLUMNS)


def read_sentence_pairs(path: Path, reading: Reading = NOW) -> FoundText:
    """What is in a file of labelled pairs; each language, or genre, is a group of classes.

    Raises
    ------
    DataError
        If it is no such file, or no column says of which language a pair is.
    """
    gathered = _Pairs(reading)
    return gathered.found(path, _read(path, reading, gathered))


def read_new_sentence_pairs(path: Path) -> tuple[FoundText, bool]:
    """Pairs of one task of which nobody need know the labels, in their order, and whether they have some.

    Raises
    ------
    DataError
        If it is no such file, or some have labels and others none.
    """
    gathered = _OfOneTask(NOW)
    return gathered.of_one_task(path, _read(path, NOW, gathered))


class _Pairs(Gathered):
    """Takes rows whose text is a pair, and whose language is known."""

    finds = FoundSentencePairs
    needs_task: ClassVar[bool] = True

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._without_gold: list[str] = []

    def add(self, row: Row) -> None:
        texts = row.text if isinstance(row.text, tuple) else (None, None)
        if isinstance(row.label, str) and row.label.strip() == NO_GOLD:
            self._without_gold.append(row.origin)
        elif not all(isinstance(each, str) and each.strip() for each in texts):
            self._refuse(row, "one of the two texts is missing")
        elif self.needs_task and row.language in (None, ""):
            self._refuse(row, "no word in the column of its language (or genre, domain, …)")
        else:
            whole = BETWEEN.join(each.replace(BETWEEN, " → ").strip() for each in texts)
            super().add(row._replace(text=whole))

    def plain(self, text: str) -> str:
        return BETWEEN.join(map(super().plain, text.split(BETWEEN)))

    def apart(self, rows: Sequence[Good]) -> tuple[Sequence[Good], list[Finding]]:
        rows, told = self.languages_made_one(rows)
        return [row.by_language() for row in rows], told

    def found(self, where: Path, layout: str) -> FoundText:
        text = f"{len(self._without_gold):,} pairs have no gold label ({NO_GOLD}), and are passed over"
        self.findings += about("no gold label", text, without_the_file(self._without_gold))
        found = super().found(where, layout)
        languages = sorted(set(found.groups))
        if self.needs_task and len(languages) < FEWEST_LANGUAGES:
            raise DataError(
                f"{where}: pairs of {plural(len(languages), 'language')} ({shown(', '.join(languages))}); "
                "whole languages (or genres, domains) go to training, validation and test, so that "
                f"{FEWEST_LANGUAGES} are needed or more"
            )
        return found


class _OfOneTask(WithoutLabels, _Pairs):
    """Takes pairs of one task, which may have no labels."""

    needs_task = False


class _JsonPairs(JsonTexts):
    """Reads objects with two texts."""

    def __init__(self, gathered: Gathered, reading: Reading, where: _Where) -> None:
        names = ((each.strip().lower(),) if each else () for each in where[1:])
        label, task, split = names
        super().__init__(gathered, reading, ((_PAIR,), label, (), split, task))
        self._texts = tuple(name.strip().lower() for name in where.texts)

    def _from_entry(self, entry: object, code: int, origin: str) -> None:
        if isinstance(entry, dict):
            lowered = {str(key).lower(): key for key in entry}
            pair = tuple(entry.pop(lowered[name], None) if name in lowered else None for name in self._texts)
            entry[_PAIR] = pair
        super()._from_entry(entry, code, origin)


def _read(path: Path, reading: Reading, gathered: _Pairs) -> str:
    """Gather the rows of a file, and say what its layout is."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    suffix = path.suffix.lower()
    if suffix not in (*TABLES, *LINES):
        raise DataError(f"{path}: pairs of sentences stand in a {', '.join(TABLES)} or {LINES[0]} file")
    if suffix in TABLES:
        table = read_table(content, str(path), suffix, reading).without_more_heads()
        where = _needed(path, table.header, gathered)
        gathered.bad += table.unreadable
        gathered.findings += table.findings
        for line, cells in table.rows:
            row = dict(zip(table.header[::-1], cells[::-1], strict=True))  # of two alike the first
            label, task, split = (row.get(name) if name else None for name in where[1:])
            pair, own = tuple(row[name] for name in where.texts), (split or "").strip() or NOT_GIVEN
            gathered.add(Row(pair, label, None, own, f"{path}, line {line}", (task or "").strip()))
        used = [*where.texts, *filter(None, where[1:])]
        say_what_is_not_read(gathered, table, [table.header.index(each) for each in used])
        return "table of pairs of sentences"
    text, findings = as_text(content, str(path), reading)
    gathered.findings += findings
    reader = _JsonPairs(gathered, reading, _needed(path, _first_keys(text), gathered))
    reader.read_lines(text, str(path))
    reader.say_what_is_not_read(str(path))
    return "JSON lines of pairs of sentences"


def _first_keys(text: str) -> tuple[str, ...]:
    """The keys of the first object of JSON lines."""
    for line in filter(str.strip, text.split("\n")):
        try:
            if keys := _keys_of(json.loads(line)):
                return keys
        except (ValueError, RecursionError):
            continue
    return ()


def _keys_of(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, Mapping) else ()


def _columns(names: Sequence[str]) -> _Where | None:
    known = {name.strip().lower(): name for name in reversed(names)}

    def first(wanted: Sequence[str]) -> str | None:
        return next((known[name] for name in wanted if name in known), None)

    pair = next(((known[a], known[b]) for a, b in PAIR_COLUMNS if a in known and b in known), None)
    if pair is None:
        return None
    return _Where(pair, first(GOLD_COLUMNS), first(TASK_COLUMNS), first(SPLIT_COLUMNS))


def _needed(path: Path, names: Sequence[str], gathered: _Pairs) -> _Where:
    """The columns of a file.

    Raises
    ------
    DataError
        If one is missing that is needed.
    """
    where, has = _columns(names), f"it has {shown(', '.join(names)) or 'none'}"
    if where is None:
        pairs = "; ".join(map(" and ".join, PAIR_COLUMNS))
        raise DataError(f"{path}: no two columns of texts that belong together ({pairs}); {has}")
    if where.label is None and gathered.needs_task:
        raise DataError(f"{path}: no column of labels ({', '.join(GOLD_COLUMNS)}); {has}")
    if where.task is None and gathered.needs_task:
        raise DataError(
            f"{path}: no column says of which language or genre a pair is, as tasks need; add one of "
            f"{', '.join(TASK_COLUMNS)}; {has}"
        )
    return where
