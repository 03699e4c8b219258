"""The names in a zip, most of which do not say how their bytes are meant.

The format knows two encodings, cp437 and UTF-8 under a flag; what programs write in fact is the code page of
the machine. Bytes are decoded first and cut at "/" afterwards: in Shift-JIS the second byte of a letter can
be that of a backslash.
"""

from __future__ import annotations

import contextlib
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workbench.data.found import Finding, some
from workbench.data.reading import Reading
from workbench.errors import DataError
from workbench.words import shown

CODE_PAGES = (
    *("cp437", "cp850", "cp1252", "cp1254", "cp852", "cp1250", "cp866", "cp1251", "koi8-r", "cp737"),
    *("cp1253", "cp862", "cp1255", "cp720", "cp1256", "cp874", "cp932", "euc_jp", "gbk", "big5", "cp949"),
)
"""What names are tried in; of two that fit alike the first is taken."""

_UNUSUAL = {"koi8-r": 0.1, "euc_jp": 0.3}  # of Unix, where zips are in UTF-8 today
_CHINESE = ("gbk", "big5")

_UTF8, _UNICODE_PATH = 0x800, 0x7075
_LOOKED_AT = 500
_LIKELY = 0.5
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґ"
_GREEK = "αοιετσνηυρπκμλςάωίόδγέύχήθφώβξζψϊϋ"
"""Letters from the most common to the rarest."""
_COMMON_HANGUL = frozenset(
    "이다는가고의하에을지한은도를사기자로아나시어인리대정서수과보만그해라일스들전장부제상원국구주동우면공생말"
    "여유성년학경게물신마적소비방조세계모오무안데산교트와분선화영행문실개관러용미당입회중발드바음내체타양강"
)
_PUNCTUATION = frozenset("“”„‘’‚«»‹›–—…•§°©®™€£·¿¡½²³±×÷µ№")
_COMMON_LATIN = frozenset("éèêëàâäáãåçíîïñóôöõøúùûüßæœąćęłńśźżčďěňřšťůýžőűăîșțışğ")


def names_of(
    where: Path, entries: Sequence[zipfile.ZipInfo], reading: Reading
) -> tuple[list[str], list[Finding]]:
    """The names of a zip's entries, with "/" between folders, and what was guessed about them.

    Raises
    ------
    DataError
        If the encoding that is asked for does not fit.
    """
    if reading.rules == 1:
        return [_by_rule_1(entry) for entry in entries], []
    names: list[str] = []
    unsure: list[tuple[int, bytes]] = []
    flagged: list[tuple[int, bytes]] = []
    for number, entry in enumerate(entries):
        name = entry.orig_filename.partition("\0")[0]
        names.append(name)
        raw = None if name.isascii() else _bytes_of(name)
        if raw is None:
            continue
        if entry.flag_bits & _UTF8:
            flagged.append((number, raw))
            continue
        said = _unicode_path(entry.extra, raw)
        if said is not None:
            names[number] = said
        else:
            unsure.append((number, raw))
    if flagged and _was_garbled([names[number] for number, _ in flagged], [raw for _, raw in flagged]):
        unsure += flagged
    encoding, findings = reading.encoding, []
    if encoding is None:
        # one program wrote them all: some would be UTF-8 by chance
        if all(_as_utf8(names, number, raw) for number, raw in unsure):
            unsure = []
        encoding = guess(raw for _, raw in unsure)
    for number, raw in unsure:
        try:
            names[number] = raw.decode(encoding or "cp437")
        except UnicodeError:
            wrong = shown(raw.decode("ascii", "backslashreplace"))
            raise DataError(f"{where}: the name {wrong} is not {encoding}; give another --encoding") from None
    if unsure:
        parts = {part for number, _ in unsure for part in names[number].split("/") if not part.isascii()}
        listed = shown(some(sorted(parts)))
        unsaid = f"{len(unsure):,} names of the zip do not say what encoding they are in, and"
        if encoding is None:
            text = f"{unsaid} cannot be read for sure: {listed}; give it (--encoding)"
        elif reading.encoding is None:
            text = f"{unsaid} are read as {encoding}: {listed}; if that is wrong, give it (--encoding)"
        else:
            text = f"{len(unsure):,} names of the zip are read as {encoding}, as asked: {listed}"
        findings.append(Finding("encoding", text, len(unsure), tuple(map(shown, sorted(parts)[:3]))))
    return [name.replace("\\", "/") for name in names], findings


def _by_rule_1(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    if not entry.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _bytes_of(name: str) -> bytes | None:
    """What stands in the zip, which zipfile has read as cp437."""
    try:
        return name.encode("cp437")
    except UnicodeError:  # a newer zipfile has found a better name
        return None


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in UTF-8 that some programs add, if it belongs to this one."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        content, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and length > 5 and content[0] == 1:
            if struct.unpack("<I", content[1:5])[0] != zlib.crc32(raw):
                return None
            try:
                return content[5:].decode()
            except UnicodeError:
                return None
    return None


def _as_utf8(names: list[str], number: int, raw: bytes) -> bool:
    """Whether a name is UTF-8 without the flag; it is then taken as that."""
    try:
        names[number] = raw.decode()
    except UnicodeError:
        return False
    return True


def guess(raws: Iterable[bytes], unusual: Mapping[str, float] = _UNUSUAL) -> str | None:
    """The code page in which names make the best words; None if none is likely.

    Parameters
    ----------
    unusual : what counts against some code pages.
    """
    parts = {part for raw in raws for part in raw.split(b"/") if not part.isascii()}
    chosen = sorted(parts)[:: 1 + len(parts) // _LOOKED_AT]
    if not chosen:
        return None
    scores = {}
    for page in CODE_PAGES:
        try:
            texts = [raw.decode(page) for raw in chosen]
            for raw in parts:
                raw.decode(page)
        except UnicodeError:
            continue
        unknown = sum(byte > 127 for raw in chosen for byte in raw)
        scores[page] = sum(map(_likeliness, texts)) / unknown - unusual.get(page, 0.0)
        if page in _CHINESE and any("\u3040" <= letter <= "\u309f" for text in texts for letter in text):
            scores[page] -= 0.4  # these have hiragana as well, which stand in Japanese
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best is not None and scores[best] >= _LIKELY else None


def _was_garbled(names: Sequence[str], raws: Sequence[bytes]) -> bool:
    """Whether names in UTF-8 are another program's cp437 of something else: no words, unless they are taken
    back to bytes and read anew."""
    page = guess(raws)
    if page in (None, "cp437"):
        return False
    letters = sum(not letter.isascii() for name in names for letter in name)
    return sum(map(_likeliness, names)) < 0.2 * letters


def _likeliness(text: str) -> float:
    """How much a text looks like words: about 1 for each byte that is not ASCII if it does."""
    total, before, script = 0.0, "", ""
    for letter in text:
        if letter.isascii():
            own = "LATIN" if letter.isalpha() else ""
        else:
            own = _script(letter)
            total += _weight(letter, own)
            if letter.isupper() and before:
                total -= 1.0 if before.islower() else 0.3
        kana_or_han = {own, script} <= {"HIRAGANA", "KATAKANA", "CJK"}
        if own and script and own != script and not kana_or_han:
            total -= 1.5
        before, script = letter, own
    return total


def _script(letter: str) -> str:
    is_letter = letter.isalpha() or unicodedata.category(letter) == "Mn"  # vowels of Thai are marks
    return unicodedata.name(letter, "").partition(" ")[0] if is_letter else ""


def _weight(letter: str, script: str) -> float:
    """Of a letter that is not ASCII; one of two bytes counts for both."""
    lower = letter.lower()
    match script:
        case "CYRILLIC":
            return _by_rank(lower, _CYRILLIC)
        case "LATIN":
            return 0.9 if lower in _COMMON_LATIN else -0.2
        case "GREEK":
            return _by_rank(lower, _GREEK)
        case "HEBREW" | "THAI" | "ARABIC":
            return 0.95
        case "HIRAGANA" | "KATAKANA":
            return 2.0
        case "CJK":
            return _of_ideograph(letter)
        case "HANGUL":
            return 2.2 if letter in _COMMON_HANGUL else 1.5 if _fits(letter, "euc_kr") else -1.0
    return 0.6 if letter in _PUNCTUATION else -1.5


def _by_rank(letter: str, alphabet: str) -> float:
    place = alphabet.find(letter)
    return 1.25 - 0.8 * place / len(alphabet) if place >= 0 else -0.5


def _of_ideograph(letter: str) -> float:
    """High for the first level of a national standard: what is in daily use."""
    levels = (("gb2312", 0xB0, 0xD7, 1.9), ("euc_jp", 0xB0, 0xCF, 1.9), ("big5", 0xA4, 0xC6, 1.6))
    for encoding, first, last, weight in levels:
        if _fits(letter, encoding) and first <= letter.encode(encoding)[0] <= last:
            return weight
    return -1.0


def _fits(letter: str, encoding: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeError:
        return False
    return True
