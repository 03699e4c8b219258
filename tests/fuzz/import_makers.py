"""Data as programs, people and strangers write it: tables, JSON and arrays, sound and damaged, by chance."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np


class Made(NamedTuple):
    """A source; and the number of its examples, if every one must be kept or named."""

    path: Path
    examples: int | None


_LETTERS = (
    *("a", "b", "Z", "0", " ", "  ", "\t", "\n", "\r", "\r\n", '"', '""', "'", ",", ";", "|", "\\", "#"),
    *("é", "e\u0301", "\u00a0", "\u2028", "\u202e", "\u200b", "я", "表", "🙂", "\x00", "\x1b[31m", "=1+1"),
)
_CODECS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "cp1251", "shift_jis", "gbk")


def table(chance: Random, folder: Path) -> Made:
    """Texts between separators, written by the rules or without any."""
    rows = [(_text(chance), f"label {n % 4}") for n in range(chance.randrange(1, 25))]
    suffix = chance.choice(("csv", "csv", "tsv"))
    separator = "\t" if suffix == "tsv" else chance.choice(",;\t|")
    head = chance.choice(([], [("text", "label")], [("text", "label")], [("what", "why")]))
    if chance.random() < 0.2:
        head, rows = [("text", "label", "split")], [(*row, chance.choice(("train", "test"))) for row in rows]
    file, exact = io.StringIO(newline=""), False
    if chance.random() < 0.7:
        quoting = chance.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC))
        writer = csv.writer(
            file, delimiter=separator, quoting=quoting, lineterminator=chance.choice(("\n", "\r\n"))
        )
        writer.writerows([*head, *rows])
        exact = head != [] and head[0][0] == "text" and separator != "\t"
    else:
        file.write("".join(separator.join(row) + "\n" for row in (*head, *rows)))
    path = folder / f"made.{suffix}"
    codec = chance.choice(_CODECS) if chance.random() < 0.4 else "utf-8"
    path.write_bytes(_damaged(chance, file.getvalue().encode(codec, "replace")))
    sound = path.read_bytes() == file.getvalue().encode("utf-8")
    return Made(path, len(rows) if sound and exact else None)


def texts_in_json(chance: Random, folder: Path) -> Made:
    """Lists, lists by split or by label, or lines, of what may be an example."""
    rows = [_entry(chance) for _ in range(chance.randrange(1, 20))]
    path = folder / chance.choice(("made.json", "made.jsonl"))
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=chance.random() < 0.5) + "\n" for row in rows)
    else:
        keys = ("train", "test", "val", "dev", "eval", "oos", "label", "", "Train")
        by_key: dict[str, list[Any]] = {}
        for row in rows:
            by_key.setdefault(chance.choice(keys), []).append(row)
        text = json.dumps(chance.choice((rows, rows, by_key, rows[0])), ensure_ascii=False)
    content = text.encode("utf-8", "surrogatepass")
    path.write_bytes(_damaged(chance, content))
    return Made(path, len(rows) if path.suffix == ".jsonl" and path.read_bytes() == content else None)


def arrays(chance: Random, folder: Path) -> Made:
    """Points of functions, or images, of any type and shape."""
    path, count = folder / "made.npz", chance.randrange(1, 40)
    if chance.random() < 0.6:
        held = {"x": _numbers(chance, count), "y": _numbers(chance, count), "task": _labels(chance, count)}
    else:
        held = {}
        for part in chance.sample(("train", "val", "test"), chance.randrange(1, 4)):
            shape = (count, *chance.choice(((8, 8), (8, 8, 3), (8, 8, 1), (8,), (0, 8))))
            images = np.random.default_rng(chance.getrandbits(32)).integers(0, 256, shape)
            held[f"{part}_images"] = images.astype(chance.choice((np.uint8, np.uint8, np.uint8, np.int16)))
            held[f"{part}_labels"] = _labels(chance, count).reshape(chance.choice(((-1,), (-1, 1))))
    if chance.random() < 0.2:
        held["more"] = np.ones(3)
    (np.savez_compressed if chance.random() < 0.5 else np.savez)(path, **held)
    strange = chance.random() < 0.1
    if strange:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(chance.choice(("z.npy", "note.txt", "../x.npy")), bytes(chance.randrange(200)))
    content = path.read_bytes()
    path.write_bytes(_damaged(chance, content))
    sound = path.read_bytes() == content and not strange
    return Made(path, count if sound and "x" in held else None)


MAKERS = (table, texts_in_json, arrays)


def _text(chance: Random) -> str:
    return "".join(chance.choices(_LETTERS, k=chance.randrange(9))) + chance.choice(("", "word", "two words"))


def _entry(chance: Random) -> Any:
    value: Any = chance.choice(
        (_text(chance), 1, 2.5, True, None, [], {}, float("nan"), 10**30, "\ud800", "a" * 300)
    )
    good = chance.random() < 0.7
    label = f"label {chance.randrange(4)}"
    forms: tuple[Any, ...] = (
        [_text(chance) if good else value, label],
        {"text": _text(chance), "label": label if good else value, "split": chance.choice(("train", "x", 3))},
        {"Text": _text(chance), "text": value, "intent": label} if not good else [_text(chance), label],
        value if not good else {"utterance": _text(chance), "intent": chance.randrange(3)},
    )
    return chance.choice(forms)


def _numbers(chance: Random, count: int) -> np.ndarray:
    shape = chance.choice(((count,), (count, 1), (count, 2), (count, 0), (count + 1,), ()))
    shape = shape if chance.random() < 0.2 else (count,)
    numbers = np.random.default_rng(chance.getrandbits(32)).normal(size=shape)
    scale = 10.0 ** chance.choice((0, 0, 0, 6, 15, -300, 290, 307))
    with np.errstate(all="ignore"):
        numbers = chance.choice((0.0, 0.0, 1.0, 1e3)) * scale + scale * numbers
        if numbers.size and chance.random() < 0.3:
            numbers.flat[chance.randrange(numbers.size)] = chance.choice((np.nan, np.inf, -np.inf, 1e306))
        kinds = ("f8", "f8", "f8", "f4", "f2", "i8", "u1", "?", "c16", "U5", "S3", "g", ">f8", "M8[s]")
        if chance.random() < 0.1:
            return 2**62 + np.arange(count) * chance.choice((1, 1000, 10**15))
        return numbers.astype(chance.choice(kinds) if chance.random() < 0.5 else "f8")


def _labels(chance: Random, count: int) -> np.ndarray:
    labels = np.arange(count) % chance.randrange(1, 9)
    return labels.astype(chance.choice(("i8", "i8", "u1", "U9", "f8", "?", "S3", "O")))


def _damaged(chance: Random, content: bytes) -> bytes:
    """The content, now and then with some bytes changed, cut or doubled."""
    if chance.random() < 0.6 or not content:
        return content
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20))):
        place = chance.randrange(len(changed) + 1)
        how = chance.randrange(4)
        if how == 0 and place < len(changed):
            changed[place] = chance.randrange(256)
        elif how == 1:
            changed[place:place] = bytes(chance.choices(range(256), k=chance.randrange(5)))
        elif how == 2:
            del changed[place : place + chance.randrange(9)]
        else:
            changed[place:place] = changed[place : place + 30]
    return bytes(changed)
