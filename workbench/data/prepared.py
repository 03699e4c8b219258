"""Everything in a source read and checked: what can be registered, or learned from at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data import checks
from workbench.data.found import (
    Finding,
    Found,
    FoundFunctions,
    FoundImages,
    FoundText,
    Ints,
    Kind,
    Unreadable,
    given_split,
)
from workbench.data.kept_pixels import chunks
from workbench.data.picture_set import read_pictures
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Examples as arrays, sorted by class.

    Attributes
    ----------
    arrays : by kind: ``pixels`` uint8 ``[N, channels, size, size]``; ``text`` (UTF-8 bytes of all texts) and
        ``ends``; ``x`` and ``y``.
    origins : what to call each example.
    digests : SHA-256 of each example's content.
    sizes : smallest and largest width and height of the images as they were.
    """

    kind: Kind
    layout: str
    where: str
    names: tuple[str, ...]
    groups: tuple[str, ...]
    labels: Ints
    given: NDArray[np.int8]
    findings: tuple[Finding, ...]
    unreadable: tuple[Unreadable, ...]
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)
    origins: Sequence[str] = field(repr=False)
    digests: Sequence[bytes] = field(repr=False)
    sizes: tuple[int, int, int, int] | None = None

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of examples of each class."""
        return tuple(np.bincount(self.labels, minlength=len(self.names)).tolist())

    def given_split(self) -> dict[str, list[str]] | None:
        """The classes of each split as the source has them, if it names splits that share no class."""
        return given_split(self.names, self.groups, self.labels, self.given)

    def texts(self) -> list[str]:
        """The texts, one by one."""
        return unpacked(self.arrays)

    def hash(self) -> str:
        """SHA-256 of names, labels and content."""
        return content_hash(self.kind, self.names, self.groups, self.labels, self.arrays)


def prepare(found: Found, reading: Reading = NOW, *, progress: Progress = silent) -> Prepared:
    """Read every example, and check all of them. What cannot be read is left out and listed.

    Parameters
    ----------
    found : what :func:`workbench.data.look.look` found.
    reading : how it was found, with the size and the channels of images.
    progress : told how far it has come; what it raises ends the work.

    Raises
    ------
    DataError
        If nothing can be read, or it would not fit into memory.
    """
    match found:
        case FoundImages():
            return _images(found, reading, progress)
        case FoundText():
            progress(0.5, f"Checking {len(found.texts):,} texts")
            arrays = packed(found.texts)
            digests = [hashlib.sha256(text.casefold().encode()).digest() for text in found.texts]
        case FoundFunctions():
            progress(0.5, f"Checking {len(found.x):,} points")
            arrays = {"x": found.x, "y": found.y}
            digests = []  # that a function has a point twice says nothing
        case _:
            raise TypeError(f"{found!r} is of no kind that is known")
    origins = checks.Named(found.origin, len(found.labels))
    findings = (*found.findings, *_checked(found, digests, origins, found.names, found.labels, found.given))
    return Prepared(
        kind=found.kind,
        layout=found.layout,
        where=_writable(found.where),
        names=found.names,
        groups=found.groups,
        labels=found.labels,
        given=found.given,
        findings=findings,
        unreadable=found.unreadable,
        arrays=arrays,
        origins=origins,
        digests=digests,
    )


def _writable(path: Path) -> str:
    """A path in UTF-8, whatever bytes the folder's names have."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _checked(
    found: Found,
    digests: Sequence[bytes],
    origins: Sequence[str],
    names: Sequence[str],
    labels: Ints,
    given: NDArray[np.int8],
) -> list[Finding]:
    findings = []
    if found.kind != "functions":
        findings += checks.duplicates(digests, labels, given, names, origins)
    findings += checks.small_classes(names, labels, found.kind)
    return findings


def _images(found: FoundImages, reading: Reading, progress: Progress) -> Prepared:
    read = read_pictures(found, reading, progress)
    present, labels = np.unique(found.labels[read.kept], return_inverse=True)
    names = tuple(found.names[index] for index in present)
    origins = checks.Named(lambda index: found.origin(int(read.kept[index])), len(read.kept))
    given = found.given[read.kept]
    checked = _checked(found, read.digests, origins, names, labels, given)
    return Prepared(
        kind="images",
        layout=found.layout,
        where=_writable(found.where),
        names=names,
        groups=tuple(found.groups[index] for index in present),
        labels=labels.astype(np.int64),
        given=given,
        findings=(*found.findings, *checked, *read.findings),
        unreadable=read.unreadable,
        arrays={"pixels": read.pixels},
        origins=origins,
        digests=read.digests,
        sizes=read.sizes,
    )


def packed(texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Texts as two arrays without a pickle: all bytes, and where each text ends."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(each) for each in encoded], dtype=np.int64)
    return {"text": np.frombuffer(b"".join(encoded), np.uint8), "ends": ends}


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """The texts in what :func:`packed` gave."""
    content, ends = arrays["text"].tobytes(), arrays["ends"].tolist()
    return [content[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def content_hash(
    kind: Kind,
    names: Sequence[str],
    groups: Sequence[str],
    labels: Ints,
    arrays: Mapping[str, NDArray[Any]],
) -> str:
    """SHA-256 of a set, whichever file it came from."""
    head = [kind, list(names), list(groups)]
    digest = hashlib.sha256(json.dumps(head).encode())
    for name, array in sorted({**arrays, "labels": labels}.items()):
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        for chunk in chunks(array):
            digest.update(chunk)
    return digest.hexdigest()
