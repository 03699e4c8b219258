"""Labels that look the same to a reader and are not to a program: ORDER and order, a blank behind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from workbench.data.found import Finding, some
from workbench.words import shown

_TWINS = str.maketrans("АВЕКМНОРСТХУІЈЅаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXYIJSaeopcyxijsABEZHIKMNOPTYXo")
"""Letters of Cyrillic and Greek that are drawn as those of Latin."""


_ABSENT = {
    "na",
    "n/a",
    "#n/a",
    "#na",
    "null",
    "nan",
    "none",
    "nil",
    "-",
    "--",
    "?",
    "<na>",
    "(null)",
    "missing",
}
"""What programs write where there is no value."""
_NUMBER = re.compile(r"([+-]?)0*([0-9]+)(?:[.,]0*)?")


def absent(labels: Sequence[str], counts: Sequence[int]) -> list[Finding]:
    """That labels look as if there were none."""
    found = [(label, n) for label, n in zip(labels, counts, strict=True) if label.casefold() in _ABSENT]
    if not found:
        return []
    listed, count = [f"{label} ({n:,})" for label, n in found], sum(n for _, n in found)
    text = f"{count:,} labels look as if there were none, and stay classes of their own: {some(listed)}"
    return [Finding("absent labels", text, count, tuple(listed[:3]))]


def appearance(label: str) -> str:
    """What a label looks like: those of the same appearance can be told apart by nobody; 1.0 and 01 are 1."""
    number = _NUMBER.fullmatch(label.strip())
    if number:
        return number[1].removeprefix("+") + number[2]
    plain = unicodedata.normalize("NFKC", label).translate(_TWINS)
    seen = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")  # of no width
    return " ".join(seen.casefold().split())


def look_alikes(labels: Sequence[str], counts: Sequence[int]) -> dict[str, str]:
    """Each label that looks like another one, with the one among them that has the most examples.

    Parameters
    ----------
    labels, counts : the different labels, and the number of examples of each.
    """
    alike: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        alike.setdefault(appearance(label), []).append(index)
    found: dict[str, str] = {}
    for indices in alike.values():
        if len(indices) > 1:
            best = max(indices, key=lambda index: (counts[index], -index))
            found |= {labels[index]: labels[best] for index in indices}
    return found


def told(alike: dict[str, str], *, merged: bool, what: str = "labels") -> list[Finding]:
    """What there is to say of :func:`look_alikes`."""
    if not alike:
        return []
    together: dict[str, list[str]] = {}
    for label, best in alike.items():
        together.setdefault(best, []).append(label)
    examples = [" = ".join(repr(shown(each)) for each in sorted(same)) for same in together.values()]
    more = f"{len(alike):,} {what} look like another one: {some(examples)}"
    done = "they are made one, as asked" if merged else "they stay classes of their own (--merge-labels)"
    return [Finding("look-alikes", f"{more}; {done}", len(alike), tuple(examples[:3]))]
