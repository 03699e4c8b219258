"""Labels that look the same to a reader and are not to a program: ORDER and order, a blank behind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from workbench.data.found import Finding, about, some
from workbench.data.reading import Reading
from workbench.words import shown

_TWINS = str.maketrans("АВЕКМНОРСТХУІЈЅаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXYIJSaeopcyxijsABEZHIKMNOPTYXo")
"""Letters of Cyrillic and Greek that are drawn as those of Latin."""


_ABSENT = {
    *("na", "n/a", "#n/a", "#na", "null", "nan", "none", "nil", "-", "--", "?", "<na>", "(null)", "missing"),
}
"""What programs write where there is no value."""
_NUMBER = re.compile(r"([+-]?)0*([0-9]+)(?:[.,]0*)?")


def absent(counts: Mapping[str, int]) -> list[Finding]:
    """That labels, each of so many examples, look as if there were none."""
    found = {label: n for label, n in sorted(counts.items()) if label.casefold() in _ABSENT}
    count = sum(found.values())
    text = f"{count:,} labels look as if there were none, and stay classes of their own"
    return about("absent labels", text, [f"{label} ({n:,})" for label, n in found.items()], count)


def appearance(label: str) -> str:
    """What a label looks like: those of the same appearance can be told apart by nobody; 1.0 and 01 are 1."""
    number = _NUMBER.fullmatch(label.strip())
    if number:
        return number[1].removeprefix("+") + number[2]
    plain = unicodedata.normalize("NFKC", label).translate(_TWINS)
    seen = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")  # of no width
    return " ".join(seen.casefold().split())


def made_one(
    counts: Mapping[str, int], reading: Reading, what: str = "labels"
) -> tuple[dict[str, str], list[Finding]]:
    """Each label that looks like another one with the one among them that has the most examples, if they are
    to be made one; and what is to be said of them.

    Parameters
    ----------
    counts : the number of examples of each label.
    """
    alike: dict[str, list[str]] = {}
    for label in counts:
        alike.setdefault(appearance(label), []).append(label)
    together = {max(same, key=counts.__getitem__): same for same in alike.values() if len(same) > 1}
    better = {label: best for best, same in together.items() for label in same}
    if not better:
        return {}, []
    merged = reading.merge_labels
    examples = [" = ".join(repr(shown(each)) for each in sorted(same)) for same in together.values()]
    more = f"{len(better):,} {what} look like another one: {some(examples)}"
    done = "they are made one, as asked" if merged else f"they stay {what} of their own (--merge-labels)"
    told = Finding("look-alikes", f"{more}; {done}", len(better), tuple(examples[:3]))
    return better if merged else {}, [told]
