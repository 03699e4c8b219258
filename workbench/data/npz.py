"""Arrays in ``.npz`` files. Nothing is unpickled, and a file is measured by its headers before it is read."""

from __future__ import annotations

import tokenize
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from workbench.data.source import UNREADABLE
from workbench.errors import DataError
from workbench.words import shown

MOST_BYTES = 2**31
"""Of all arrays of a file together."""

MOST_ARRAYS = 1000
_BOMB_BYTES, _BOMB_RATIO = 2**27, 250
ARRAY_ERRORS: tuple[type[Exception], ...] = (
    *(*UNREADABLE, KeyError, MemoryError),
    *(TypeError, tokenize.TokenError),  # what numpy's parser makes of headers that are no dictionary
)


class Header(NamedTuple):
    """What an array says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bytes: int

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def read_headers(path: Path) -> dict[str, Header]:
    """The form of each array of a file, none of which is read.

    Raises
    ------
    DataError
        If it is no such file, damaged, holds pickled objects or swells beyond measure.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ARRAYS:
                raise DataError(f"{path}: {len(entries):,} arrays are too many; allowed: {MOST_ARRAYS:,}")
            found = {each.filename.removesuffix(".npy"): _header(path, archive, each) for each in entries}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except ARRAY_ERRORS as error:
        raise DataError(f"{path}: no readable .npz file ({shown(str(error))})") from None
    total = sum(each.bytes for each in found.values())
    if total > MOST_BYTES:
        raise DataError(f"{path}: {total / 2**30:.1f} GiB of arrays; allowed: {MOST_BYTES / 2**30:g}")
    return found


def load_npz(path: Path, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of a file: those of the given names, or all.

    Raises
    ------
    DataError
        As :func:`read_headers`.
    """
    names = read_headers(path) if names is None else names
    try:
        with np.load(path, allow_pickle=False) as loaded:
            return {name: np.asarray(loaded[name]) for name in names}
    except ARRAY_ERRORS as error:
        raise DataError(f"{path}: no readable .npz file ({shown(str(error))})") from None


def _header(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Header:
    """That of an array, if it tells the truth about its bytes."""
    name = shown(entry.filename)
    if not entry.filename.endswith(".npy"):
        raise DataError(f"{path}: {name} is no array; an .npz file holds nothing but arrays")
    size, packed = entry.file_size, max(1, entry.compress_size)
    if size > _BOMB_BYTES and size > _BOMB_RATIO * packed:
        raise DataError(f"{path}: {name} would swell from {packed:,} to {size:,} bytes; it was not read")
    with archive.open(entry) as file:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{path}: {name} has a format that is not read here; save it as plain numbers")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            raise DataError(
                f"{path}: {name} holds pickled objects, which could run a program; save it as plain numbers"
            )
        needed = dtype.itemsize
        for length in shape:
            needed *= length
        if needed != size - file.tell():
            raise DataError(
                f"{path}: {name} is damaged: its header says {needed:,} bytes, and there are others"
            )
    return Header(shape, dtype, needed)
