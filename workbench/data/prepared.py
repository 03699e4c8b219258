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
from workbench.data.pictures import BAD_PICTURE, decode, is_coloured, size_of
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading
from workbench.errors import DataError

MOST_BYTES = 2**31
"""Of all images together, or of what all texts become, as they are kept in memory."""

LARGEST_SIZE = 84
"""Side to which larger images are scaled unless another is asked for: that of mini-ImageNet."""

_LOOKED_AT = 50


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
            return _images(found, reading.size, reading.channels, progress)
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


def _images(found: FoundImages, size: int | None, channels: int | None, progress: Progress) -> Prepared:
    count = len(found.labels)
    with found.open() as read:
        size, channels = _form(read, count, size, channels)
        what = f"{found.where}: {count:,} images of {size} × {size} × {channels}"
        refuse_beyond_memory(what, count * channels * size * size, "choose a smaller size, or fewer images")
        pixels = np.empty((count, channels, size, size), np.uint8)
        good = np.zeros(count, np.bool_)
        constant, digests, unreadable, sizes = [], [], [*found.unreadable], []
        for index in range(count):
            if index % 50 == 0:
                progress(index / count, f"Reading image {index + 1:,} of {count:,}")
            try:
                content = read(index)
                pixels[index] = decode(content, size, channels)
                sizes.append(size_of(content))
            except BAD_PICTURE as error:
                unreadable.append(Unreadable(found.origin(index), str(error) or type(error).__name__))
                digests.append(b"")
                continue
            good[index] = True
            raw = content if isinstance(content, bytes) else content.tobytes()
            digests.append(hashlib.sha256(raw).digest())
            if pixels[index].min() == pixels[index].max():
                constant.append(found.origin(index))
    progress(1.0, f"Read {count:,} images")
    if not good.any():
        first = unreadable[0]
        raise DataError(f"{found.where}: none of the images can be read ({first.origin}: {first.why})")
    kept = np.flatnonzero(good)
    present, labels = np.unique(found.labels[kept], return_inverse=True)
    names = tuple(found.names[index] for index in present)
    origins = checks.Named(lambda index: found.origin(int(kept[index])), len(kept))
    given, own = found.given[kept], [digests[index] for index in kept]
    findings = [*found.findings, *_checked(found, own, origins, names, labels, given)]
    if constant:
        some = f"{len(constant):,} images show nothing: every pixel is the same"
        findings.append(Finding("constant", some, len(constant), tuple(constant[:3])))
    widths, heights = zip(*sizes, strict=True)
    return Prepared(
        kind="images",
        layout=found.layout,
        where=_writable(found.where),
        names=names,
        groups=tuple(found.groups[index] for index in present),
        labels=labels.astype(np.int64),
        given=given,
        findings=tuple(findings),
        unreadable=tuple(unreadable),
        arrays={"pixels": pixels if good.all() else pixels[kept]},
        origins=origins,
        digests=own,
        sizes=(min(widths), max(widths), min(heights), max(heights)),
    )


def refuse_beyond_memory(what: str, needed: int, mend: str) -> None:
    """Refuse examples that need more bytes than are allowed, before they take them.

    Raises
    ------
    DataError
        If they do.
    """
    if needed > MOST_BYTES:
        allowed = f"{MOST_BYTES / 2**30:g} GiB"
        raise DataError(f"{what} need {needed / 2**30:.1f} GiB; allowed: {allowed}; {mend}")


def _form(read: Any, count: int, size: int | None, channels: int | None) -> tuple[int, int]:
    """The side and the channels that suit the images: what a few of them say."""
    sides, coloured = [], False
    step = max(1, count // _LOOKED_AT)
    for index in range(0, count, step) if size is None or channels is None else ():
        try:
            content = read(index)
            sides.append(min(size_of(content)))
            coloured = coloured or is_coloured(content)
        except BAD_PICTURE:  # is listed when all are read
            continue
    usual = int(np.median(sides)) if sides else LARGEST_SIZE
    return size or max(4, min(LARGEST_SIZE, usual)), channels or (3 if coloured else 1)


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
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
