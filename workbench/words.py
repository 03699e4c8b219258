"""Words that a person or a file brought along, as they may be shown anywhere.

A name out of a stranger's file is text: never markup, never a command to a terminal, never two lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import TypeVar

T = TypeVar("T")

LONGEST = 120
"""Letters of a name that are shown in a line."""

LONGEST_NAME = 200
"""Letters of a name that somebody gives."""

NO_MEDICAL_DEVICE = "A learned predictor is no medical device."
"""Said wherever somebody may take a prediction for a finding."""

_JOINERS = "\u200c\u200d"  # parts of words in Persian and Hindi, and of emoji

Translate = Callable[[str, int], str]
"""A text of ours in another language; with a number, its form for so many (−1: no number)."""
_translate: Translate = lambda text, number: text  # noqa: E731


def speak(translate: Translate) -> None:
    """Say :func:`tr` and :func:`plural` in another language from now on."""
    global _translate
    _translate = translate


def tr(template: str, *values: object) -> str:
    """A text that is written out in the code, in the language of the reader, with values in its ``{}``."""
    text = _translate(template, -1)
    return text.format(*values) if values else text


def marked(texts: T) -> T:
    """Texts that are declared, and translated where they are shown; a mapping's are its values."""
    return texts


def visible(text: str) -> str:
    """The text with every letter that cannot be seen, or that commands, as its picture.

    Control characters become Unicode's pictures of them (␛ for ESC, ␊ for a line break); what turns the
    direction of writing, has no meaning, or is half of a pair, its number (``\\u202e``). Nothing else
    changes, so a text without such letters comes back as it is.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _picture(letter) for letter in text)


def _picture(letter: str) -> str:
    number = ord(letter)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "\u2421"
    if letter in _JOINERS or unicodedata.category(letter) == "Zs" or _may_be_given(number):
        return letter
    return letter.encode("unicode_escape", "backslashreplace").decode()


def _may_be_given(number: int) -> bool:
    """Whether a number has no letter yet but may get one, as those of this year's emoji."""
    never = number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
    return not never and unicodedata.category(chr(number)) == "Cn"


def unfit_name(text: str) -> str:
    """What is wrong with a name that somebody gives; empty where nothing is."""
    allowed = f"allowed: up to {LONGEST_NAME} letters that can be seen, on one line"
    hidden = next(((place, each) for place, each in enumerate(text, 1) if visible(each) != each), None)
    if hidden is not None:
        return f"'{shown(text)}' holds U+{ord(hidden[1]):04X} (letter {hidden[0]}); {allowed}"
    return f"'{shown(text)}' has {len(text):,} letters; {allowed}" if len(text) > LONGEST_NAME else ""


def shown(text: str, most: int = LONGEST) -> str:
    """The text as it stands in a line: visible, and cut where it is longer than ``most`` letters."""
    text = visible(text)
    return text if len(text) <= most else f"{text[: most - 3]}…"


def plural(number: int, one: str, several: str = "") -> str:
    """A number of things: ``1 pair``, ``3 pairs``, ``2 families``; translated as ``{n} pairs``."""
    several = f"{{n}} {several or f'{one}s'}"
    text = _translate(several, number)
    return (f"{{n}} {one}" if text == several and number == 1 else text).replace("{n}", str(number))


def several(one: str) -> str:
    """A noun for more than one: ``pulls``, ``matches``."""
    return f"{one}es" if one.endswith(("s", "x", "ch", "sh")) else f"{one}s"


def listed(names: Sequence[str], most: int = 6, sign: str = ", ") -> str:
    """Names in a line, the first ``most`` of them: ``A, B and 3 more``."""
    rest = len(names) - most
    and_ = " and" if sign == ", " else f"{sign.rstrip()} and"
    return sign.join(names[:most]) + (f"{and_} {rest} more" if rest > 0 else "")


def ranges(numbers: Sequence[int]) -> str:
    """Numbers in a line: runs of them as ranges."""
    parts: list[list[int]] = []
    for each in numbers:
        if parts and each == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], each]
        else:
            parts.append([each])
    return ", ".join("–".join(map(str, dict.fromkeys(part))) for part in parts)


def numbered(names: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """The names, each once: what is there (or taken) already gets a number, ``A (2)``."""
    known, found = set(taken), []
    for name in names:
        free = next(each for each in chain([name], (f"{name} ({n})" for n in count(2))) if each not in known)
        known.add(free)
        found.append(free)
    return found


def told_apart(names: Sequence[str], most: int) -> list[str]:
    """The names in so many letters each, shortened where they are the same; different ones stay different.

    Names that fit stay as they are. Letters are left out of the middle of a name, or from around what
    distinguishes it from those that would read like it; what cannot be told apart in so few gets a number.
    """
    known = list(dict.fromkeys(names))
    short = {name: _cut(name, most) for name in known}
    for _ in range(_ROUNDS):
        alike = _alike(short)
        if not alike:
            break
        for group in alike:
            short |= _around_what_differs([name for name in group if len(name) > most], most)
    taken = set(known)
    for group in _alike(short):
        for name in [name for name in group if len(name) > most]:
            short[name] = next(text for text in _numbered(name, most) if text not in taken)
            taken.add(short[name])
    return [short[name] for name in names]


_ROUNDS = 3


def _cut(text: str, most: int) -> str:
    """A text with its middle left out where it is too long."""
    if len(text) <= most:
        return text
    end = max(0, most - 1) // 2
    start = max(0, most - 1 - end)
    return f"{text[:start].rstrip()}…{text[len(text) - end :].lstrip()}"


def _alike(short: Mapping[str, str]) -> list[list[str]]:
    """Names that read the same when shortened."""
    found: dict[str, list[str]] = {}
    for name, text in short.items():
        found.setdefault(text, []).append(name)
    return [group for group in found.values() if len(group) > 1]


def _around_what_differs(names: Sequence[str], most: int) -> dict[str, str]:
    if len(names) < 2:
        return {}
    before = _alike_letters(names)
    after = _alike_letters([name[before:][::-1] for name in names])
    own = {name: _cut(name[before : len(name) - after], most - 2) for name in names}
    room = most - max(map(len, own.values()))
    start = _cut(names[0][:before], max(1, room // 2))
    end = _cut(names[0][len(names[0]) - after :], max(1, room - len(start)))
    return {name: start + text + end for name, text in own.items()}


def _alike_letters(names: Sequence[str]) -> int:
    """With how many letters all of the names begin."""
    first, last = min(names), max(names)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))


def _numbered(name: str, most: int) -> Iterator[str]:
    for number in count(1):
        yield f"{_cut(name, max(1, most - len(f' ({number})')))} ({number})"
