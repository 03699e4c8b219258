"""Pictures of a new case: of classes that a run has never seen, and others that nobody has labelled."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.arrays import read_labelled_images
from workbench.data.folders import opening
from workbench.data.found import NOT_GIVEN, Finding, FoundImages
from workbench.data.look import look, refuse_unlike_data
from workbench.data.passed_over import sorted_out
from workbench.data.picture_set import read_pictures
from workbench.data.pictures import SUFFIXES
from workbench.data.progress import Progress, silent
from workbench.data.reading import Reading
from workbench.data.source import composed, folder_of, open_source
from workbench.errors import DataError
from workbench.words import shown

NEEDED = "a folder or a zip of class folders with pictures, or an .npz file with images and labels"
_OPTION = re.compile(r" \(--[^)]*\)")
"""What an import could be told; a run has decided it."""


@dataclass(frozen=True)
class Pictures:
    """Pictures as a run takes them.

    Attributes
    ----------
    pixels : ``[n, channels, size, size]``.
    classes : names; empty where nobody says what the pictures are.
    labels : the class of each, ``[n]``, ascending.
    names : what each is called.
    notes : what reading did to them.
    """

    pixels: NDArray[np.uint8]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_labelled(path: Path, reading: Reading, progress: Progress = silent) -> Pictures:
    """Pictures whose class folders, or labels, say what they are.

    Raises
    ------
    DataError
        If there are none, or one cannot be read.
    """
    if path.is_file() and path.suffix.lower() == ".npz":
        found = read_labelled_images(path)
        if found.names == ("",):
            raise DataError(f"{path}: has no labels; give the array labels, a whole number for each image")
    elif path.is_file() and path.suffix.lower() in SUFFIXES:
        raise DataError(f"{path}: one picture without a label; give {NEEDED}")
    else:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder; give {NEEDED}")
        seen = look(path, reading, progress=progress)
        if not isinstance(seen, FoundImages):
            raise DataError(f"{path}: holds {seen.kind}, no pictures; give {NEEDED}")
        found = seen
    return _read(found, reading, progress)


def read_any(
    path: Path, classes: Sequence[str] | None, reading: Reading, progress: Progress = silent
) -> Pictures:
    """Pictures with their labels, or without any: one picture, or a folder of them.

    Parameters
    ----------
    classes : that are known; a single folder of another name is no class. None: any will do.

    Raises
    ------
    DataError
        If there are none, one cannot be read, or one is of another class.
    """
    suffix = path.suffix.lower()
    if path.is_file() and suffix == ".npz":
        read = _read(read_labelled_images(path), reading, progress)
    elif path.is_file() and suffix in SUFFIXES:
        content = path.read_bytes()
        read = _read(
            _unlabelled(path, [path.name], lambda: contextlib.nullcontext(lambda _: content)),
            reading,
            progress,
        )
    else:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder; give pictures, or {NEEDED}")
        flat = _flat(path, classes or (), reading)
        read = read_labelled(path, reading, progress) if flat is None else _read(flat, reading, progress)
    if classes is None:
        return read
    unknown = next((name for name in read.classes if name not in classes), None)
    if unknown is not None:
        first = read.names[int(np.flatnonzero(read.labels == read.classes.index(unknown))[0])]
        known = shown(", ".join(classes))
        raise DataError(
            f"{path}: {first} is of class {shown(unknown)!r}, which the support set has not; it has {known}"
        )
    return read


def _flat(path: Path, classes: Sequence[str], reading: Reading) -> FoundImages | None:
    """Pictures that lie in one place which is no class; None where there are class folders."""
    refuse_unlike_data(path)
    with open_source(path, reading) as source:
        source.refuse_unsafe()
        images, findings = sorted_out(source, reading)
    folders = {folder_of(image) for image in images}
    if len(folders) != 1 or folders.pop().rpartition("/")[2] in classes:
        return None
    paths = sorted(images, key=composed)
    return _unlabelled(path, paths, opening(path, paths, reading), tuple(findings))


Opening = Callable[[], contextlib.AbstractContextManager[Callable[[int], bytes]]]


def _unlabelled(
    path: Path, origins: list[str], opening: Opening, findings: tuple[Finding, ...] = ()
) -> FoundImages:
    count = len(origins)
    return FoundImages(
        layout="pictures without labels",
        where=path,
        names=("",),
        groups=("",),
        labels=np.zeros(count, np.int64),
        given=np.full(count, NOT_GIVEN, np.int8),
        findings=findings,
        origins=origins,
        opening=opening,
    )


def _read(found: FoundImages, reading: Reading, progress: Progress) -> Pictures:
    read = read_pictures(found, reading, progress)
    if read.unreadable:
        first = read.unreadable[0]
        raise DataError(f"{found.where}: {first.origin} cannot be read: {first.why}; mend or remove it")
    notes = [_OPTION.sub("", each.text) for each in (*found.findings, *read.findings)]
    classes = () if found.names == ("",) else found.names
    names = tuple(map(found.origin, range(len(found.labels))))
    return Pictures(read.pixels, classes, found.labels, names, tuple(notes))
