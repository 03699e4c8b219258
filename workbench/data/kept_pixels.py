"""Pixels on their way from files to a data set: few in memory, many in a file of the cache.

What is in the cache is found by the content that it was made of, and used from there page by page: a set
larger than memory can be learned from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import mmap
import os
import struct
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from workbench.errors import DataError
from workbench.paths import cache_folder

Pixels = NDArray[np.uint8]
IN_MEMORY = 2**26
"""Bytes of pixels that are held in memory as they come; more go to the disk."""

SLOW = 2.0
"""Seconds after which what was read is kept."""

CHUNK = 2**24
_STALE = 24 * 3600.0
_LOG = logging.getLogger(__name__)


class Rows:
    """Takes pixels image by image.

    Parameters
    ----------
    shape : of one image.
    most : how many there may be.
    key : says what they are made of.
    """

    def __init__(self, shape: tuple[int, ...], most: int, key: str) -> None:
        self._shape, self._count, self._base = shape, 0, _base(key)
        self._began = time.monotonic()
        self._file: BinaryIO | None = None
        self._temporary: Path | None = None
        self._held: Pixels | None = None
        if most * int(np.prod(shape)) > IN_MEMORY:
            with contextlib.suppress(OSError):  # without a cache all is in memory
                self._file, self._temporary = _temporary_file()
        if self._file is None:
            self._held = np.empty((most, *shape), np.uint8)

    def add(self, pixels: Pixels) -> None:
        """One more image.

        Raises
        ------
        DataError
            If the disk is full.
        """
        if self._held is not None:
            self._held[self._count] = pixels
        else:
            assert self._file is not None
            try:
                self._file.write(np.ascontiguousarray(pixels).data)
            except OSError as error:
                raise DataError(
                    f"{cache_folder()}: cannot take the pixels ({error.strerror}); make room there"
                ) from None
        self._count += 1

    def done(self, facts: dict[str, Any]) -> Pixels:
        """All of them ``[N, *shape]``; kept in the cache, with facts about them, if that took long."""
        shape = (self._count, *self._shape)
        if self._held is not None:
            pixels = self._held[: self._count]
            if time.monotonic() - self._began < SLOW:
                return pixels
            try:
                self._file, self._temporary = _temporary_file()
                self._file.write(pixels.data)
            except OSError as error:
                _LOG.warning("the cache of images cannot be written: %s", error)
                return pixels
        assert self._file is not None
        assert self._temporary is not None
        self._file.close()
        target = self._base.with_suffix(".pixels")
        self._temporary.replace(target)
        self._temporary = None
        written, place = _temporary_file()
        with written:
            written.write(json.dumps({"shape": shape, "facts": facts}).encode())
        place.replace(self._base.with_suffix(".json"))
        return self._held[: self._count] if self._held is not None else _mapped(target, shape)

    def close(self) -> None:
        """Remove what was not finished."""
        if self._file is not None:
            self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


def load(key: str) -> tuple[Pixels, dict[str, Any]] | None:
    """Pixels that were kept, and the facts about them; None if there are none, or they are damaged."""
    base = _base(key)
    try:
        told = json.loads(base.with_suffix(".json").read_bytes())
        shape, facts = tuple(told["shape"]), dict(told["facts"])
        path = base.with_suffix(".pixels")
        if path.stat().st_size != int(np.prod(shape)):
            raise ValueError("of another size")
        return _mapped(path, shape), facts
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("the cache of images cannot be read and is made again: %s", error)
        return None


def _mapped(path: Path, shape: Sequence[int]) -> Pixels:
    """Pixels of a file; whoever changes them changes a copy in memory."""
    size = tuple(shape)
    if int(np.prod(size)) <= IN_MEMORY:
        return np.fromfile(path, np.uint8).reshape(size)
    return np.memmap(path, np.uint8, "c", shape=size)


def chunks(array: NDArray[Any]) -> Iterator[Any]:
    """The bytes of an array, piece by piece; those of a mapped file are read past the mapping, since pages
    that are looked at once would stay in memory."""
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.filename is not None:
        with Path(array.filename).open("rb") as file:
            file.seek(array.offset)
            left = array.nbytes
            while left:
                piece = file.read(min(CHUNK, left))
                if not piece:
                    raise DataError(f"{array.filename}: has become shorter; import the data again")
                left -= len(piece)
                yield piece
        return
    whole = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for start in range(0, len(whole), CHUNK):
        yield whole[start : start + CHUNK].data


def save_npz(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays so that :func:`load_npz_mapped` can map them, without holding any in memory."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            head = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array_header_1_0(entry, head)
                for piece in chunks(array):
                    entry.write(piece)


def load_npz_mapped(path: Path, name: str) -> Pixels | None:
    """One array of bytes of an ``.npz`` file, mapped; None if it is small, packed or not there.

    Its content is not checked.
    """
    with zipfile.ZipFile(path) as archive:
        try:
            entry = archive.getinfo(f"{name}.npy")
        except KeyError:
            return None
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size <= IN_MEMORY:
            return None
        with archive.open(entry) as inside:
            if npy.read_magic(inside) != (1, 0):
                return None
            shape, fortran, dtype = npy.read_array_header_1_0(inside)
            head = inside.tell()
        assert archive.fp is not None
        archive.fp.seek(entry.header_offset)
        _, own, extra = struct.unpack("<4s22xHH", archive.fp.read(30))
    size = int(np.prod(shape))
    if fortran or dtype != np.uint8 or size != entry.file_size - head:
        return None
    begin = entry.header_offset + 30 + own + extra + head
    return np.memmap(path, np.uint8, "c", begin, tuple(shape))


def _base(key: str) -> Path:
    return cache_folder() / f"images-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _temporary_file() -> tuple[BinaryIO, Path]:
    folder = cache_folder()
    for left in folder.glob(".images-*"):  # of a program that was killed
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE:
                left.unlink()
    handle, name = tempfile.mkstemp(dir=folder, prefix=".images-")
    return os.fdopen(handle, "wb"), Path(name)
