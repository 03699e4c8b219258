"""Words that a person or a file brought along, as they may be shown anywhere.

A name out of a stranger's file is text: never markup, never a command to a terminal, never two lines.
"""

from __future__ import annotations

import unicodedata

LONGEST = 120
"""Letters of a name that are shown in a line."""

LONGEST_NAME = 200
"""Letters of a name that somebody gives."""

_JOINERS = "\u200c\u200d"  # parts of words in Persian and Hindi, and of emoji


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
