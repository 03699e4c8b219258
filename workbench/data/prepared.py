"""Everything in a source read and checked: what can be registered, or learned from at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.data import checks
from workbench.data.found import (
    Examples,
    Finding,
    Found,
    FoundFunctions,
    FoundImages,
    FoundPairs,
    FoundSubjects,
    FoundText,
    Ints,
    Kind,
)
from workbench.data.npz import Array, Arrays, chunks
from workbench.data.picture_set import PictureSet, read_pictures
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading


@dataclass(frozen=True, kw_only=True)
class Prepared(Examples):
    """Examples as arrays.

    Attributes
    ----------
    kind, where : of the source: what is learned from it, and its path.
    arrays : by kind: ``pixels`` uint8 ``[N, channels, size, size]``; ``text`` (UTF-8 bytes of all texts, of
        pairs each source before its target) and ``ends``; ``x`` and ``y``; ``time``, ``y``, ``doses``,
        ``covariates`` and ``words`` (JSON in UTF-8: names and units) of subjects.
    origin : what to call an example, by its index.
    digests : SHA-256 of each example's content.
    sizes : smallest and largest width and height of the images as they were.
    """

    kind: Kind
    where: str
    arrays: Arrays = field(repr=False)
    origin: Callable[[int], str] = field(repr=False)
    digests: Sequence[bytes] = field(repr=False)
    sizes: tuple[int, int, int, int] | None = None

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
    arrays: Arrays
    sizes, of_pictures = None, tuple[Finding, ...]()
    match found:
        case FoundImages():
            read = read_pictures(found, reading, progress)
            found, arrays, digests = _left(found, read), {"pixels": read.pixels}, read.digests
            sizes, of_pictures = read.sizes, read.findings
        case FoundText():
            progress(0.5, f"Checking {len(found.texts):,} texts")
            arrays = packed(found.texts)
            digests = [hashlib.sha256(text.casefold().encode()).digest() for text in found.texts]
        case FoundFunctions():
            progress(0.5, f"Checking {len(found.x):,} points")
            arrays = {"x": found.x, "y": found.y}
            digests = []  # that a function has a point twice says nothing
        case FoundSubjects():
            progress(0.5, f"Checking {len(found.y):,} samples")
            words = np.frombuffer(json.dumps(dict(found.told)).encode(), np.uint8)
            arrays = {"time": found.time, "y": found.y, "doses": found.doses}
            arrays |= {"covariates": found.covariates, "words": words}
            digests = []
        case FoundPairs():
            progress(0.5, f"Checking {len(found.pairs):,} pairs")
            arrays = packed([text for pair in found.pairs for text in pair])
            digests = []  # that two languages say a thing alike says nothing
        case _:
            raise TypeError(f"{found!r} is of no kind that is known")
    checked = checks.duplicates(digests, found.labels, found.given, found.names, found.origin)
    checked += checks.small_classes(found.names, found.labels, found.kind)
    return Prepared(
        kind=found.kind,
        layout=found.layout,
        where=str(found.where).encode("utf-8", "backslashreplace").decode(),
        names=found.names,
        groups=found.groups,
        labels=found.labels,
        given=found.given,
        findings=(*found.findings, *checked, *of_pictures),
        unreadable=found.unreadable,
        arrays=arrays,
        origin=found.origin,
        digests=digests,
        sizes=sizes,
    )


def _left(found: FoundImages, read: PictureSet) -> FoundImages:
    """What was found without the pictures that cannot be read."""
    present, labels = np.unique(found.labels[read.kept], return_inverse=True)
    return replace(
        found,
        names=tuple(found.names[index] for index in present),
        groups=tuple(found.groups[index] for index in present),
        labels=labels.astype(np.int64),
        given=found.given[read.kept],
        origins=[found.origins[index] for index in read.kept],
        unreadable=read.unreadable,
    )


def packed(texts: Sequence[str]) -> dict[str, Array]:
    """Texts as two arrays without a pickle: all bytes, and where each text ends."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(each) for each in encoded], dtype=np.int64)
    return {"text": np.frombuffer(b"".join(encoded), np.uint8), "ends": ends}


def unpacked(arrays: Arrays) -> list[str]:
    """The texts in what :func:`packed` gave."""
    content, ends = arrays["text"].tobytes(), arrays["ends"].tolist()
    return [content[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def text_at(arrays: Arrays, index: int) -> str:
    """One of the texts in what :func:`packed` gave."""
    start, end = [0, *arrays["ends"][:1]] if index == 0 else arrays["ends"][index - 1 : index + 1].tolist()
    return arrays["text"][start:end].tobytes().decode()


def content_hash(
    kind: Kind,
    names: Sequence[str],
    groups: Sequence[str],
    labels: Ints,
    arrays: Arrays,
) -> str:
    """SHA-256 of a set, whichever file it came from."""
    head = [kind, list(names), list(groups)]
    digest = hashlib.sha256(json.dumps(head).encode())
    for name, array in sorted({**arrays, "labels": labels}.items()):
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        for chunk in chunks(array):
            digest.update(chunk)
    return digest.hexdigest()
