"""Arrays in ``.npz`` files. Nothing is unpickled, and a file is measured by its headers before it is read.

Files of the program's own may be larger than memory: large arrays of bytes stay on the disk, and are used
from there page by page.
"""

from __future__ import annotations

import mmap
import struct
import tokenize
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from workbench.data.source import UNREADABLE
from workbench.errors import DataError
from workbench.words import shown

Array = NDArray[np.generic]
"""Of whatever type of numbers or letters."""
Arrays = Mapping[str, Array]

MOST_BYTES = 2**31
"""Of all arrays of a stranger's file together."""

IN_MEMORY = 2**26
"""Bytes of an array of the program's own that are held in memory; more are used from the disk."""

MOST_ARRAYS = 1000
_CHUNK = 2**24
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_BOMB_BYTES, _BOMB_RATIO = 2**27, 250
ARRAY_ERRORS: tuple[type[Exception], ...] = (
    *(*UNREADABLE, KeyError, MemoryError),
    *(TypeError, tokenize.TokenError),  # what numpy's parser makes of headers that are no dictionary
)


class Header(NamedTuple):
    """What an array says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    bytes: int
    fortran: bool = False

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def read_headers(path: Path) -> dict[str, Header]:
    """The form of each array of a file, none of which is read.

    Raises
    ------
    DataError
        If it is no such file, damaged, or holds pickled objects.
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
    return found


def refuse_giant(path: Path, headers: Mapping[str, Header]) -> None:
    """Refuse a file with more in it than memory should hold.

    Raises
    ------
    DataError
        If it is that large.
    """
    total = sum(each.bytes for each in headers.values())
    if total > MOST_BYTES:
        raise DataError(f"{path}: {total / 2**30:.1f} GiB of arrays; allowed: {MOST_BYTES / 2**30:g}")


def load_npz(path: Path, names: Collection[str]) -> dict[str, Array]:
    """The arrays of the given names.

    Raises
    ------
    DataError
        If they cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as loaded:
            return {name: np.asarray(loaded[name]) for name in names}
    except ARRAY_ERRORS as error:
        raise DataError(f"{path}: no readable .npz file ({shown(str(error))})") from None


def save_own(file: BinaryIO, arrays: Mapping[str, Array]) -> None:
    """Write arrays so that :func:`load_own` can leave them on the disk, without holding any in memory."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            head = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array_header_1_0(entry, head)
                for piece in chunks(array):
                    entry.write(piece)


def load_own(path: Path) -> dict[str, Array]:
    """All arrays of a file that :func:`save_own` wrote. The content of those that stay on the disk is not
    checked; whoever changes them changes a copy in memory.

    Raises
    ------
    DataError
        As :func:`read_headers`.
    """
    headers = read_headers(path)
    mapped: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, header in headers.items():
                entry = archive.getinfo(f"{name}.npy")
                as_it_is = entry.compress_type == zipfile.ZIP_STORED and not header.fortran
                if as_it_is and header.dtype == np.uint8 and header.bytes > IN_MEMORY:
                    mapped[name] = np.memmap(
                        path, np.uint8, "c", _begin(archive, entry, header), header.shape
                    )
    except ARRAY_ERRORS as error:
        raise DataError(f"{path}: no readable .npz file ({shown(str(error))})") from None
    return mapped | load_npz(path, headers.keys() - mapped.keys())


def chunks(array: Array) -> Iterator[bytes | memoryview]:
    """The bytes of an array, piece by piece; those of a mapped file are read past the mapping, since pages
    that are looked at once would stay in memory.

    Raises
    ------
    DataError
        If the file has become shorter.
    """
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.filename is not None:
        with Path(array.filename).open("rb") as file:
            file.seek(array.offset)
            left = array.nbytes
            while left:
                piece = file.read(min(_CHUNK, left))
                if not piece:
                    raise DataError(f"{array.filename}: has become shorter; import the data again")
                left -= len(piece)
                yield piece
        return
    whole = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for start in range(0, len(whole), _CHUNK):
        yield whole[start : start + _CHUNK].data


def _begin(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, header: Header) -> int:
    """Where the content of an array begins in its file."""
    assert archive.fp is not None
    archive.fp.seek(entry.header_offset)
    _, name, extra = _LOCAL_HEADER.unpack(archive.fp.read(_LOCAL_HEADER.size))
    own = _LOCAL_HEADER.size + int(name) + int(extra)
    return entry.header_offset + own + entry.file_size - header.bytes


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
        shape, fortran, dtype = read_header(file)
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
    return Header(shape, dtype, needed, fortran)
