"""Which encoding the bytes of a text are in."""

from __future__ import annotations

import codecs
import re
from itertools import islice
from typing import NamedTuple

from workbench.data.found import Finding, some
from workbench.data.reading import Reading
from workbench.data.zip_names import guess
from workbench.errors import DataError
from workbench.words import shown

MOST_TEXT = 2**28
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST_WORDS = 2000
_UNUSUAL = {
    **dict.fromkeys(("cp437", "cp850", "cp852", "cp737", "cp862", "cp720", "cp866"), 0.3),  # of DOS
    **{"koi8-r": 0.1, "euc_jp": 0.1, "cp874": 0.15},
}
"""What counts against code pages of texts, where others fit about as well."""
_WORD = re.compile(rb"[\x40-\xff]*[\x80-\xff][\x40-\xff]*")
"""Letters that are not ASCII, and those beside them; no second byte of a letter is below 64."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Encoding(NamedTuple):
    """How bytes are to be decoded, and what is to be said of it."""

    name: str
    errors: str
    findings: tuple[Finding, ...] = ()


def encoding_of(content: bytes, where: str, reading: Reading) -> Encoding:
    """What a text is in: what it says, UTF-8, or else what makes the best words of it; or as asked for.

    Single bytes that are not what all others are become lone surrogates: :func:`undecodable` finds the lines
    that have one.

    Raises
    ------
    DataError
        If it is too large, no text, or not in the encoding that is asked for.
    """
    if len(content) > MOST_TEXT:
        raise DataError(f"{where}: {len(content) / 2**20:.0f} MiB of text are too many; allowed: 256 MiB")
    if reading.rules == 1:
        return _by_rule_1(content, where)
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    asked = reading.encoding
    if asked is not None:
        same = marked is not None and codecs.lookup(asked).name in marked.removesuffix("-sig")
        _check(content, where, marked if same and marked else asked)
        return Encoding(marked if same and marked else asked, "strict")
    if marked is not None and marked != "utf-8-sig":
        _check(content, where, marked)
        return Encoding(marked, "strict")
    if b"\0" in content[:4096]:
        return _without_mark(content, where)
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _guessed(content, where)
    return Encoding("utf-8-sig", "strict")


def as_text(content: bytes, where: str, reading: Reading) -> tuple[str, tuple[Finding, ...]]:
    """The text, and how its encoding was found.

    Raises
    ------
    DataError
        As :func:`encoding_of`.
    """
    found = encoding_of(content, where, reading)
    return content.decode(found.name, found.errors), found.findings


def undecodable(text: str) -> bool:
    """Whether a text holds bytes that are no letters."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def _by_rule_1(content: bytes, where: str) -> Encoding:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", "replace")
    if b"\0" in content[:4096]:
        raise DataError(f"{where}: not a text file in UTF-8")
    return Encoding("utf-8-sig", "surrogateescape")


def _check(content: bytes, where: str, name: str) -> None:
    try:
        content.decode(name)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = " ".join(f"{each:02x}" for each in content[error.start : error.end][:4])
        raise DataError(
            f"{where}, line {line}: the bytes {byte} (at {error.start:,}) are not "
            f"{name.removesuffix('-sig')}; give the encoding that it is in (--encoding)"
        ) from None
    except UnicodeError as error:
        raise DataError(
            f"{where}: not {name} ({shown(str(error))}); give its encoding (--encoding)"
        ) from None


def _without_mark(content: bytes, where: str) -> Encoding:
    """UTF-16 that does not say so has a zero beside every letter of ASCII; others with zeros are no texts."""
    start = content[:4096]
    ends = {"utf-16-le": start[1::2], "utf-16-be": start[::2]}
    name = max(ends, key=lambda each: ends[each].count(0))
    other = start[::2] if name == "utf-16-le" else start[1::2]
    if 2 * ends[name].count(0) > len(ends[name]) and 0 not in other:
        _check(content, where, name)
        text = f"{where} does not say its encoding and is read as {name}"
        return Encoding(name, "strict", (Finding("encoding", text, 1),))
    raise DataError(f"{where}: not a text file: there are zeros between its letters")


def _guessed(content: bytes, where: str) -> Encoding:
    as_utf8 = Encoding("utf-8-sig", "surrogateescape")
    text = content.decode(*as_utf8[:2])
    strange = len(text) - len(text.encode("utf-8", "ignore").decode())
    if len(text) - len(text.encode("ascii", "ignore")) >= 2 * strange:
        return as_utf8  # but for a few bytes, which are named with their lines
    matches = islice(_WORD.finditer(content), _MOST_WORDS)
    words = list(dict.fromkeys(match[0] for match in matches))
    name = guess(words, _UNUSUAL)
    if name is None:
        return as_utf8
    try:
        content.decode(name)
    except UnicodeError:
        return as_utf8
    examples = [shown(word.decode(name, "replace")) for word in words[:3]]
    lines = sum(map(undecodable, text.split("\n")))
    said = (
        f"{where} is not in UTF-8; {lines:,} of its lines are read as {name}: {some(examples)}; if that is "
        "wrong, give its encoding (--encoding)"
    )
    return Encoding(name, "strict", (Finding("encoding", said, lines, tuple(examples)),))
