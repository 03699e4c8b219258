"""Texts with labels in JSON: lists, lists by split (CLINC-150: Larson et al., EMNLP 2019), or by label."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Never

from workbench.data.decoding import undecodable
from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, Unreadable, about, some
from workbench.data.gathered import NO_TEXT, Gathered, Row
from workbench.data.reading import Reading, refuse_beyond
from workbench.data.source import UNREADABLE
from workbench.data.splits import splits_of
from workbench.errors import DataError
from workbench.words import shown

JSON_ERRORS: tuple[type[Exception], ...] = (*UNREADABLE, RecursionError)
_OF_A_VALUE, _OF_A_LETTER = 120, 6
"""Bytes of memory, roughly."""


class _Object(dict[str, object]):
    """An object that remembers which of its keys was there twice."""

    twice: str | None = None


def _object(pairs: list[tuple[str, object]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        found.twice = next(key for key in keys if keys.count(key) > 1)
    return found


def _no_number(word: str) -> Never:
    raise ValueError(f"{word} is no number of JSON")


def _parsed(text: str, reading: Reading) -> object:
    if reading.rules == 1:
        return json.loads(text)
    return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)


class JsonTexts:
    """Reads JSON into rows.

    Parameters
    ----------
    columns : finds the text, the label, the group, the split and the language of an object by its keys.
    """

    def __init__(self, gathered: Gathered, reading: Reading, columns: tuple[Sequence[str], ...]) -> None:
        self._gathered, self._reading = gathered, reading
        self._columns = columns
        self._text, self._label, *_ = columns
        self._unread: set[str] = set()

    def say_what_is_not_read(self, where: str) -> None:
        """Keys of objects that are none of the columns."""
        if self._unread and self._reading.rules > 1:
            keys = sorted(self._unread)
            text = f"{where}: {len(keys):,} {'keys are' if len(keys) > 1 else 'key is'} not read"
            self._gathered.findings += about("columns", text, keys)

    def read_document(self, text: str, where: str, code: int = NOT_GIVEN) -> None:
        """A whole file, which is that split.

        Raises
        ------
        DataError
            If it is none of the layouts, or no JSON.
        """
        count = text.count(",") + text.count("[") + text.count("{")
        needed = _OF_A_LETTER * len(text) + _OF_A_VALUE * count
        refuse_beyond(self._reading, needed, f"{where}: about {count:,} values of JSON")
        try:
            self._from_document(_parsed(text, self._reading), where, code)
        except JSON_ERRORS as error:
            raise DataError(f"{where}: not valid JSON ({shown(str(error))})") from None

    def read_lines(self, text: str, where: str, code: int = NOT_GIVEN) -> None:
        """A value on each line of a file, which is that split."""
        count = text.count("\n")
        needed = _OF_A_LETTER * len(text) + 4 * _OF_A_VALUE * count
        refuse_beyond(self._reading, needed, f"{where}: {count:,} lines of JSON")
        for number, line in enumerate(text.split("\n"), 1):  # splitlines would cut at U+2028 within a string
            if not line.strip():
                continue
            origin = f"{where}, line {number}"
            try:
                self._from_entry(_parsed(line, self._reading), code, origin)
            except (ValueError, RecursionError):
                why = "not UTF-8" if undecodable(line) else "not valid JSON"
                self._gathered.bad.append(Unreadable(origin, why))

    def _from_document(self, data: object, where: str, code: int) -> None:
        if isinstance(data, list):
            self._from_entries(data, code, where)
            return
        if not isinstance(data, dict) or not all(isinstance(part, list) for part in data.values()):
            raise DataError(
                f'{where}: a list of texts with labels, or lists by split ({{"train": [[text, label], …]}}), '
                "is needed"
            )
        if isinstance(data, _Object) and data.twice is not None:
            raise DataError(f"{where}: the key {shown(data.twice)} is there twice; put its lists together")
        if self._reading.rules > 1 and self._are_columns(data, where):
            keys = list(data)
            self._from_entries(
                (dict(zip(keys, row, strict=True)) for row in zip(*data.values(), strict=True)), code, where
            )
            return
        codes = self._codes(data)
        if any(code != NOT_GIVEN for code in codes.values()):
            for key, part in data.items():
                if codes[key] != NOT_GIVEN:
                    self._from_entries(part, codes[key], f"{where}, {shown(str(key))}")
            left = sorted(str(key) for key, code in codes.items() if code == NOT_GIVEN)
            if left:
                count = sum(len(data[key]) for key in left)
                text = f"{shown(some(left))} ({count:,} examples): no split for training, validation or test"
                finding = Finding("left out", text, count, tuple(map(shown, left[:3])))
                self._gathered.findings.append(finding)
            return
        for label, part in data.items():
            for index, text in enumerate(part):
                self._gathered.add(Row(text, label, None, code, f"{where}, {shown(str(label))}[{index}]"))

    def _are_columns(self, data: Mapping[str, Sequence[object]], where: str) -> bool:
        """Whether lists are columns of a table: of texts and of labels, which repeat.

        Raises
        ------
        DataError
            If they are of different lengths.
        """
        keys = {str(key).lower(): key for key in data}
        label = next((keys[name] for name in self._label if name in keys), None)
        labels = data[label] if label is not None and any(name in keys for name in self._text) else []
        words = {each for each in labels if isinstance(each, str | int)}
        if not words or 2 * len(words) > len(labels):
            return False
        if len(lengths := {len(part) for part in data.values()}) > 1:
            raise DataError(
                f"{where}: its columns have {min(lengths):,} to {max(lengths):,} entries; as many are needed"
            )
        return True

    def _codes(self, data: Mapping[str, Sequence[object]]) -> dict[str, int]:
        if self._reading.rules == 1:
            return {key: SPLIT_NAMES.get(str(key).lower(), NOT_GIVEN) for key in data}
        codes = splits_of(list(data))
        of_words = any(
            isinstance(each, str) for key in data if codes[key] != NOT_GIVEN for each in data[key][:1]
        )
        return dict.fromkeys(data, NOT_GIVEN) if of_words else codes  # a list of words belongs to a label

    def _from_entries(self, entries: Iterable[object], code: int, where: str) -> None:
        for index, entry in enumerate(entries):
            self._from_entry(entry, code, f"{where}[{index}]")

    def _from_entry(self, entry: object, code: int, origin: str) -> None:
        """An object with a text and a label, or a pair of them."""
        if isinstance(entry, Mapping):
            lowered = {str(key).lower(): value for key, value in entry.items()}
            twice = entry.twice if isinstance(entry, _Object) else None
            if twice is not None or (self._reading.rules > 1 and len(lowered) < len(entry)):
                key = twice if twice is not None else _like_another(entry)
                self._gathered.bad.append(Unreadable(origin, f"the key {shown(key)} is there twice"))
                return

            keys = [next((name for name in names if name in lowered), None) for names in self._columns]
            self._unread.update(lowered.keys() - keys)
            text, label, group, named, language = (None if key is None else lowered[key] for key in keys)
            if self._reading.rules > 1:
                named = str(named).strip() or None if isinstance(named, str | int) else None
            own = named if isinstance(named, str) else code
            self._gathered.add(Row(text, label, group, own, origin, language))
        elif isinstance(entry, list) and len(entry) == 2:
            self._gathered.add(Row(entry[0], entry[1], None, code, origin))
        else:
            self._gathered.bad.append(Unreadable(origin, NO_TEXT))


def _like_another(entry: Mapping[str, object]) -> str:
    lowered = [str(key).lower() for key in entry]
    return next(key for key in entry if lowered.count(str(key).lower()) > 1)
