"""Texts with labels as they come in from tables and JSON, and what has to be done to them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from workbench.data.decoding import undecodable
from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, FoundText, Unreadable, about
from workbench.data.labels import absent, made_one
from workbench.data.reading import Reading
from workbench.data.splits import completed, shared_classes, splits_of, unknown
from workbench.errors import DataError
from workbench.words import shown

LONGEST_LABEL = 200
FEWEST_LANGUAGES = 3
"""So that each split has one."""
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
    language: object = None


class Good(NamedTuple):
    """One example that was taken; words that are empty are none."""

    label: str
    text: str
    group: str
    split: int | str
    language: str = ""

    def by_language(self) -> Good:
        """The same, its label told apart from that of other languages."""
        return self._replace(label=f"{self.language}/{self.label}", group=self.language)


class Gathered:
    """Rows as they come in, good ones and others, and what was done to them."""

    finds: ClassVar[type[FoundText]] = FoundText

    def __init__(self, reading: Reading) -> None:
        self.bad: list[Unreadable] = []
        self.findings: list[Finding] = []
        self._reading = reading
        self._good: list[Good] = []
        self._changes: dict[str, list[str]] = {}
        self._numbers: list[str] = []

    def add(self, row: Row) -> None:
        """Take a row, or list it as one that cannot be read."""
        text, label, group, language = row.text, *map(_word, (row.label, row.group, row.language))
        if isinstance(text, str) and label is None and row.label is not None:
            self._refuse(row, "a label that is neither a word nor a whole number")
        elif not isinstance(text, str) or not isinstance(label, str):
            self._refuse(row, NO_TEXT)
        elif any(map(undecodable, (text, label, group or "", language or ""))):
            self._refuse(row, "not UTF-8")
        elif not text.strip() or not label.strip():
            self._refuse(row, "an empty text, or an empty label")
        elif len(label) > LONGEST_LABEL:
            self._refuse(row, "a label of more than 200 letters")
        elif self._reading.rules == 1:
            group = row.group.strip() if isinstance(row.group, str) else ""
            self._good.append(Good(" ".join(label.split()), " ".join(text.split()), group, self._split(row)))
        else:
            if not isinstance(row.label, str):
                self._numbers.append(row.origin)
            if group is None and row.group is not None:
                self._note("group", row)
            given = [label, text, group or "", language or ""]
            parts = [unicodedata.normalize("NFC", each) for each in given]
            if parts != given:
                self._note("composed", row)
            plain = [self.plain(each) for each in parts]
            if plain[0] != parts[0]:
                self._note("label blanks", row)
            if len(plain[0]) > 1 and plain[0][0] == plain[0][-1] and plain[0][0] in "\"'":
                self._note("label quotes", row)
            if plain[1] != parts[1].strip():
                self._note("text blanks", row)
            self._good.append(Good(plain[0], plain[1], plain[2], self._split(row), plain[3]))

    def plain(self, text: str) -> str:
        """A text or a word with single blanks."""
        return " ".join(text.split())

    def apart(self, rows: Sequence[Good]) -> tuple[Sequence[Good], list[Finding]]:
        """Rows whose labels are told apart by language, where there are several languages that share some;
        and what is to be said of it."""
        languages = {row.language for row in rows}
        if self._reading.rules < 3 or languages == {""}:
            return rows, []
        labels = {row.label for row in rows}
        shared = len({(row.language, row.label) for row in rows}) > len(labels)
        without = sum(not row.language for row in rows)
        if len(languages) < FEWEST_LANGUAGES or not shared or without:
            few = f"there {'are' if len(languages) > 1 else 'is'} {len(languages)}; three are needed"
            why = few if len(languages) < FEWEST_LANGUAGES else "no label is in two of them"
            if without:
                why = f"{without:,} rows name none"
            return rows, [Finding("languages", f"labels are not told apart by language: {why}", len(rows))]
        rows, alike = self.languages_made_one(rows)
        told = [row.by_language() for row in rows]
        example = shown(min(row.label for row in told))
        text = (
            f"labels are told apart by language (such as {example}), so that splits are by language; "
            f'within = "group" makes tasks of one language; {len(languages):,} languages'
        )
        return told, [*about("languages", text, sorted(languages)), *alike]

    def languages_made_one(self, rows: Sequence[Good]) -> tuple[Sequence[Good], list[Finding]]:
        """Rows whose languages are one if they look alike and are to be, and what is to be said of that."""
        counts = Counter(row.language for row in rows)
        better, told = made_one(counts, self._reading, "languages")
        return [row._replace(language=better.get(row.language, row.language)) for row in rows], told

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
        rows: Sequence[Good] = self._good
        alike: list[Finding] = []
        if newer:
            counts = Counter(row.label for row in rows)
            better, alike = made_one(dict(sorted(counts.items())), self._reading)
            alike += absent(counts)
            rows, told = self.apart([row._replace(label=better.get(row.label, row.label)) for row in rows])
            alike += told
        names = sorted({row.label for row in rows})
        number = {name: index for index, name in enumerate(names)}
        group_of: dict[str, set[str]] = {}
        for row in rows:
            group_of.setdefault(row.label, set()).add(row.group)
        groups = tuple(min(group_of[name]) if len(group_of[name]) == 1 else "" for name in names)
        labels = np.array([number[row.label] for row in rows], np.int64)
        order = labels.argsort(kind="stable")
        words = Counter(row.split for row in rows if isinstance(row.split, str))
        codes = splits_of(words)
        own = [codes[row.split] if isinstance(row.split, str) else row.split for row in rows]
        labels, given = labels[order], np.array(own, np.int8)[order]
        findings = [*self.findings, *alike]
        if newer:
            several = [name for name in names if len(group_of[name]) > 1]
            text = f"{len(several):,} labels stand in several groups, and belong to none"
            findings += about("groups", text, several)
            findings += unknown({word: count for word, count in words.items() if codes[word] == NOT_GIVEN})
            given, drawn = completed(names, groups, labels, given)
            findings += [*drawn, *shared_classes(names, labels, given), *self._told()]
        return self.finds(
            layout=layout,
            where=where,
            names=tuple(names),
            groups=groups,
            labels=labels,
            given=given,
            findings=tuple(findings),
            unreadable=tuple(self.bad),
            texts=[rows[index].text for index in order],
            order=order.tolist(),
        )

    def _told(self) -> list[Finding]:
        if len(self._numbers) < len(self._good) and self._numbers:
            self._changes["numbers"] = self._numbers
        places = {change: without_the_file(self._changes.get(change, [])) for change in _CHANGES}
        return [
            finding
            for change, words in _CHANGES.items()
            for finding in about(change, words.format(f"{len(places[change]):,}"), places[change])
        ]


def without_the_file(origins: list[str]) -> list[str]:
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
