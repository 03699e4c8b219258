"""How the files of published sets become examples, where they are not laid out like a person's own."""

from __future__ import annotations

import contextlib
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Found, FoundImages
from workbench.data.gathered import Gathered, Row
from workbench.data.look import look
from workbench.data.progress import Progress
from workbench.data.published.download import refuse_full
from workbench.data.published.listing import Entry
from workbench.data.reading import Columns, Reading
from workbench.data.source import LARGEST_FILE, UNREADABLE, content_of, open_source
from workbench.errors import DataError
from workbench.words import shown

_MOST_OF_ALL = 2**32
"""Bytes in an archive that is unpacked."""
_UNPACKED: tuple[type[Exception], ...] = (tarfile.TarError, *UNREADABLE)
_UNLIKE: tuple[type[Exception], ...] = (KeyError, IndexError, TypeError, *UNREADABLE)
_SIDE, _RECORD = 32, 2 + 3 * 32 * 32


@dataclass(frozen=True)
class Table:
    """Rows of words, for the families that learn from tables of sentences."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def tsv(self) -> bytes:
        """As text: fields between tabs, blanks in place of what would end a field or a line."""
        lines = ["\t".join(" ".join(field.split()) for field in row) for row in (self.header, *self.rows)]
        return ("\n".join(lines) + "\n").encode()


Made = Found | Table
Maker = Callable[[Entry, Path, Path, Progress], Made]
"""Given a set, the folder of its files, an empty folder to work in, and whom to tell."""


def made(entry: Entry, folder: Path, working: Path, progress: Progress) -> Made:
    """The examples of a set whose files are in a folder.

    Raises
    ------
    DataError
        If its files are not what they should be, or nothing is known of how it is made.
    """
    maker = MAKERS.get(entry.making)
    if maker is None:
        known = ", ".join(map(repr, MAKERS))
        raise DataError(f"{entry.name}: making {shown(entry.making)!r} is not known; known: {known}")
    try:
        found = maker(entry, folder, working, progress)
    except _UNLIKE as error:
        raise DataError(f"{folder}: not the files of {entry.title} ({shown(str(error), 120)})") from None
    if isinstance(found, Table):
        return found
    if entry.classes:
        found = replace(found, names=tuple(entry.classes.get(name, name) for name in found.names))
    where = folder / entry.files[0].name if len(entry.files) == 1 else folder
    return replace(found, where=where)


def reading_of(entry: Entry) -> Reading:
    """How its files are read."""
    size, channels = (
        value if isinstance(value := entry.task.get(key), int) else None for key in ("size", "channels")
    )
    columns = Columns.of(entry.columns) if entry.columns else None
    return Reading(size=size, channels=channels, columns=columns)


def split_of(entry: Entry, found: Found) -> dict[str, object]:
    """Its split as under ``[task.split]``, with classes named that take turns; empty: none is published."""
    turns = entry.split.get("turns")
    if not isinstance(turns, list | tuple):
        return dict(entry.split)
    named: dict[str, object] = {}
    for split in dict.fromkeys(turns):
        named[split] = [name for i, name in enumerate(found.names) if turns[i % len(turns)] == split]
    return named


def _as_it_is(entry: Entry, folder: Path, working: Path, progress: Progress) -> Found:
    path = folder / entry.files[0].name if len(entry.files) == 1 else folder
    return look(path, reading_of(entry), progress=progress)


# --- archives ------------------------------------------------------------------------------------------


def _in_tar(path: Path, progress: Progress) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each plain file of a packed tape archive, none of which is unpacked to disk.

    Links, devices and other things in it are passed over: names in it are only names.
    """
    whole, total = max(path.stat().st_size, 1), 0
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as archive:
            for member in archive:
                progress(min(1.0, file.tell() / whole), f"Unpacking {path.name}")
                total += max(0, member.size)
                if member.size > LARGEST_FILE or total > _MOST_OF_ALL:
                    raise DataError(f"{path}: {shown(member.name)} swells beyond measure")
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    yield member.name.removeprefix("./"), member.size, content
    except _UNPACKED as error:
        raise DataError(f"{path}: damaged archive ({shown(str(error))})") from None


def _pictures_in_tar(entry: Entry, folder: Path, working: Path, progress: Progress) -> Found:
    """Class folders of pictures, repacked so that each can be read by itself."""
    path = folder / entry.files[0].name
    refuse_full(working, path.stat().st_size)
    repacked = working / f"{entry.name}.zip"
    with zipfile.ZipFile(repacked, "w", zipfile.ZIP_STORED) as target:
        for name, _, content in _in_tar(path, progress):
            parts = name.split("/")
            if "images" in parts[:-2] and name.lower().endswith((".jpg", ".jpeg", ".png")):
                target.writestr("/".join(parts[-2:]), content.read())
    return look(repacked, reading_of(entry), progress=progress)


def _cifar100(entry: Entry, folder: Path, working: Path, progress: Progress) -> Found:
    """CIFAR-100's binary version: records of superclass, class and 32 × 32 pixels, plane by plane."""
    path = folder / entry.files[0].name
    wanted = {"train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"}
    held = {
        name.rpartition("/")[2]: content.read()
        for name, _, content in _in_tar(path, progress)
        if name.rpartition("/")[2] in wanted
    }
    if missing := sorted(wanted - held.keys()):
        raise DataError(f"{path}: {missing[0]} is not in it")
    fine, coarse = (held[f"{what}_label_names.txt"].decode().split() for what in ("fine", "coarse"))
    if any(len(held[part]) % _RECORD or not held[part] for part in ("train.bin", "test.bin")):
        raise DataError(f"{path}: its pictures are not records of {_RECORD} bytes")
    records = np.concatenate(
        [np.frombuffer(held[part], np.uint8).reshape(-1, _RECORD) for part in ("train.bin", "test.bin")]
    )
    labels = records[:, 1].astype(np.int64)
    if labels.max() >= len(fine) or records[:, 0].max() >= len(coarse):
        raise DataError(f"{path}: numbers of classes that have no name")
    order = labels.argsort(kind="stable")
    group_of = dict(zip(labels.tolist(), records[:, 0].tolist(), strict=True))
    present = sorted(group_of)
    count = len(held["train.bin"]) // _RECORD
    origins = [f"train[{i}]" if i < count else f"test[{i - count}]" for i in order.tolist()]

    @contextlib.contextmanager
    def opening() -> Iterator[Callable[[int], NDArray[np.uint8]]]:
        def picture(index: int) -> NDArray[np.uint8]:
            planes = records[order[index], 2:].reshape(3, _SIDE, _SIDE)
            return np.ascontiguousarray(planes.transpose(1, 2, 0))

        yield picture

    return FoundImages(
        layout="records of CIFAR-100",
        where=path,
        names=tuple(fine[number] for number in present),
        groups=tuple(coarse[group_of[number]] for number in present),
        labels=np.searchsorted(present, labels[order]).astype(np.int64),
        given=np.full(len(order), NOT_GIVEN, np.int8),
        origins=origins,
        opening=opening,
    )


def _newsgroups(entry: Entry, folder: Path, working: Path, progress: Progress) -> Found:
    """Messages without their heads, each in the folder of its group; what a group is about comes first in its
    name."""
    path = folder / entry.files[0].name
    gathered = Gathered(reading_of(entry))
    for name, _, content in _in_tar(path, progress):
        parts = name.split("/")
        if len(parts) >= 2:
            body = content.read().decode("latin-1").partition("\n\n")[2]
            gathered.add(Row(body, parts[-2], parts[-2].partition(".")[0], None, name))
    return gathered.found(path, "messages of newsgroups")


# --- tables of sentences -------------------------------------------------------------------------------


def _xnli(entry: Entry, folder: Path, working: Path, progress: Progress) -> Table:
    """Premise, hypothesis and label in JSON lines, a file for each split."""
    path = folder / entry.files[0].name
    rows: list[tuple[str, ...]] = []
    with open_source(path) as source:
        source.refuse_unsafe()
        for file in source.files:
            parts = file.rpartition("/")[2].split(".")
            if parts[-1] != "jsonl" or parts[-2] not in SPLIT_NAMES or "__MACOSX" in file:
                continue
            split = ("train", "validation", "test")[SPLIT_NAMES[parts[-2]]]
            for line in filter(str.strip, content_of(source, file).decode().split("\n")):
                progress(0.5, f"Reading {path.name}")
                row = json.loads(line)
                told = (row["sentence1"], row["sentence2"], row["gold_label"], row["language"])
                rows.append((*map(str, told), split))
    if not rows:
        raise DataError(f"{path}: no sentences in it")
    return Table(("premise", "hypothesis", "label", "language", "split"), rows)


def _aligned(entry: Entry, folder: Path, working: Path, progress: Progress) -> Table:
    """Files of sentences, line by line each other's translations: ``NAME.xxx-eng.xxx`` beside ``….eng``."""
    rows: list[tuple[str, ...]] = []
    for file in entry.files:
        pair, _, language = file.name.rpartition(".")
        other = pair.rpartition("-")[2]
        if language == other:
            continue
        progress(0.5, f"Reading {file.name}")
        sides = []
        for side in (other, language):
            try:
                sides.append(
                    (folder / f"{pair}.{side}").read_text(encoding="utf-8").removesuffix("\n").split("\n")
                )
            except (OSError, ValueError) as error:
                raise DataError(f"{folder / f'{pair}.{side}'}: cannot be read ({error})") from None
        if len(sides[0]) != len(sides[1]):
            raise DataError(
                f"{folder / pair}: {len(sides[0]):,} and {len(sides[1]):,} lines; a line in each for a pair "
                "is needed"
            )
        rows += [(one, two, language) for one, two in zip(*sides, strict=True) if one.strip() and two.strip()]
    return Table(("source", "target", "language"), rows)


MAKERS: dict[str, Maker] = {
    "as it is": _as_it_is,
    "pictures in a tar": _pictures_in_tar,
    "CIFAR-100": _cifar100,
    "newsgroups": _newsgroups,
    "XNLI": _xnli,
    "aligned lines": _aligned,
}
