"""Texts with labels as they come in from tables and JSON, and what has to be done to them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workbench.data.decoding import undecodable
from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, FoundText, Unreadable, about
from workbench.data.labels import absent, made_one
from workbench.data.reading import Reading
from workbench.data.splits import completed, shared_classes, splits_of, unknown
from workbench.errors import DataError

LONGEST_LABEL = 200
NO_TEXT = "no text, or no label"
_NEEDED = "a text and a label are needed on each line"
_CHANGES = {
    "composed": "{} rows have letters in parts (e and an accent), which are put together (NFC)",
    "label blanks": "{} labels are taken without blanks at their ends, and with single plain ones within",
    "label quotes": "{} labels are taken with the quotes around them",
    "text blanks": "{} texts have line breaks or several blanks in a row, which become one blank",
    "numbers": "{} labels are numbers, others are words; the number 1 and the word 1 are one label",
    "group": "{} groups are neither words nor whole numbers and are left out",
}
"""What reading does to rows, and how it is said."""


class Row(NamedTuple):
    """One example as it stands in a file; ``split`` in its own words, or the number of the file's."""

    text: object
    label: object
    group: object
    split: object
    origin: str


class Gathered:
    """Rows as they come in, good ones and others, and what was done to them."""

    def __init__(self, reading: Reading) -> None:
        self.bad: list[Unreadable] = []
        self.findings: list[Finding] = []
        self._reading = reading
        self._good: list[tuple[str, str, str, int | str]] = []
        self._changes: dict[str, list[str]] = {}
        self._numbers: list[str] = []

    def add(self, row: Row) -> None:
        """Take a row, or list it as one that cannot be read."""
        text, label, group = row.text, _word(row.label), _word(row.group)
        if isinstance(text, str) and label is None and row.label is not None:
            self._refuse(row, "a label that is neither a word nor a whole number")
        elif not isinstance(text, str) or not isinstance(label, str):
            self._refuse(row, NO_TEXT)
        elif any(map(undecodable, (text, label, group or ""))):
            self._refuse(row, "not UTF-8")
        elif not text.strip() or not label.strip():
            self._refuse(row, "an empty text, or an empty label")
        elif len(label) > LONGEST_LABEL:
            self._refuse(row, "a label of more than 200 letters")
        elif self._reading.rules == 1:
            group = row.group.strip() if isinstance(row.group, str) else ""
            self._good.append((" ".join(label.split()), " ".join(text.split()), group, self._split(row)))
        else:
            if not isinstance(row.label, str):
                self._numbers.append(row.origin)
            if group is None and row.group is not None:
                self._note("group", row)
            parts = [unicodedata.normalize("NFC", each) for each in (label, text, group or "")]
            if parts != [label, text, group or ""]:
                self._note("composed", row)
            plain = [" ".join(each.split()) for each in parts]
            if plain[0] != parts[0]:
                self._note("label blanks", row)
            if len(plain[0]) > 1 and plain[0][0] == plain[0][-1] and plain[0][0] in "\"'":
                self._note("label quotes", row)
            if plain[1] != parts[1].strip():
                self._note("text blanks", row)
            self._good.append((plain[0], plain[1], plain[2], self._split(row)))

    def _split(self, row: Row) -> int | str:
        if not isinstance(row.split, str):
            return row.split if isinstance(row.split, int) else NOT_GIVEN
        if self._reading.rules == 1:
            return SPLIT_NAMES.get(row.split.strip().lower(), NOT_GIVEN)
        return row.split

    def _refuse(self, row: Row, why: str) -> None:
        self.bad.append(Unreadable(row.origin, why))

    def _note(self, change: str, row: Row) -> None:
        self._changes.setdefault(change, []).append(row.origin)

    def found(self, where: Path, layout: str) -> FoundText:
        """Everything that was taken.

        Raises
        ------
        DataError
            If there is nothing.
        """
        if not self._good:
            first = f" ({self.bad[0].origin}: {self.bad[0].why})" if self.bad else ""
            raise DataError(f"{where}: no texts with labels{first}; {_NEEDED}")
        newer = self._reading.rules > 1
        rows, alike = self._good, list[Finding]()
        if newer:
            counts = Counter(label for label, *_ in rows)
            better, alike = made_one(dict(sorted(counts.items())), self._reading)
            rows = [(better.get(row[0], row[0]), *row[1:]) for row in rows]
        names = sorted({label for label, *_ in rows})
        number = {name: index for index, name in enumerate(names)}
        group_of: dict[str, set[str]] = {}
        for label, _, group, _ in rows:
            group_of.setdefault(label, set()).add(group)
        groups = tuple(min(group_of[name]) if len(group_of[name]) == 1 else "" for name in names)
        labels = np.array([number[label] for label, *_ in rows], np.int64)
        order = labels.argsort(kind="stable")
        words = Counter(code for *_, code in rows if isinstance(code, str))
        codes = splits_of(words)
        own = [codes[code] if isinstance(code, str) else code for *_, code in rows]
        labels, given = labels[order], np.array(own, np.int8)[order]
        findings = [*self.findings, *alike]
        if newer:
            several = [name for name in names if len(group_of[name]) > 1]
            findings += absent(Counter(label for label, *_ in rows))
            text = f"{len(several):,} labels stand in several groups, and belong to none"
            findings += about("groups", text, several)
            findings += unknown({word: count for word, count in words.items() if codes[word] == NOT_GIVEN})
            given, drawn = completed(names, groups, labels, given)
            findings += [*drawn, *shared_classes(names, labels, given), *self._told()]
        return FoundText(
            layout=layout,
            where=where,
            names=tuple(names),
            groups=groups,
            labels=labels,
            given=given,
            findings=tuple(findings),
            unreadable=tuple(self.bad),
            texts=[rows[index][1] for index in order],
            order=order.tolist(),
        )

    def _told(self) -> list[Finding]:
        if len(self._numbers) < len(self._good) and self._numbers:
            self._changes["numbers"] = self._numbers
        places = {change: _without_the_file(self._changes.get(change, [])) for change in _CHANGES}
        return [
            finding
            for change, words in _CHANGES.items()
            for finding in about(change, words.format(f"{len(places[change]):,}"), places[change])
        ]


def _without_the_file(origins: list[str]) -> list[str]:
    """Places by their lines, where all are in one file: it is known."""
    files = {origin.rpartition(", line ")[0] for origin in origins}
    if len(files) > 1 or "" in files:
        return origins
    return [f"line {origin.rpartition(', line ')[2]}" for origin in origins]


def _word(value: object) -> str | None:
    """A label or a group: a word, or a whole number as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None
