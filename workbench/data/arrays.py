"""Arrays in ``.npz`` files: images in the MedMNIST layout, and points of functions.

MedMNIST: Yang, Shi, Wei, Liu, Zhao, Ke, Pfister, Ni, Scientific Data 2023. Nothing is unpickled, and a
file is measured before it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tokenize
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from workbench.data.found import NOT_GIVEN, Found, FoundFunctions, FoundImages, Unreadable, some
from workbench.data.reading import NOW, Reading
from workbench.data.source import UNREADABLE
from workbench.errors import DataError
from workbench.words import shown

MOST_BYTES = 2**31
"""Of all arrays of a file together."""

_BOMB_BYTES, _BOMB_RATIO = 2**27, 250
_PARTS = ("train", "val", "test")
_LAYOUTS = (
    "give train_images, train_labels, val_images … (MedMNIST), or x, y and task (functions to be regressed)"
)
ARRAY_ERRORS: tuple[type[Exception], ...] = (
    *(*UNREADABLE, KeyError, MemoryError),
    *(TypeError, tokenize.TokenError),  # what numpy's parser makes of headers that are no dictionary
)
Arrays = Mapping[str, NDArray[Any]]


def read_arrays(path: Path, reading: Reading = NOW) -> Found:
    """What is in an ``.npz`` file.

    Raises
    ------
    DataError
        If it is damaged, holds pickled objects, swells beyond measure, or is of neither layout.
    """
    arrays = load_npz(path)
    try:
        if {"x", "y", "task"} <= set(arrays):
            return _functions(path, arrays)
        if "train_images" in arrays and "train_labels" in arrays:
            return _images(path, arrays)
    except SystemError:  # numpy's, of numbers that stand for no letter
        raise DataError(f"{path}: damaged: names in it are no text") from None
    raise DataError(f"{path}: has the arrays {shown(some(sorted(arrays)))}; {_LAYOUTS}")


def load_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file.

    Raises
    ------
    DataError
        If it is no such file, damaged, holds pickled objects or swells beyond measure.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(_measured(path, archive, entry) for entry in archive.infolist())
            if total > MOST_BYTES:
                raise DataError(f"{path}: {total / 2**30:.1f} GiB of arrays; allowed: {MOST_BYTES / 2**30:g}")
        with np.load(path, allow_pickle=False) as loaded:
            return {name: np.asarray(loaded[name]) for name in loaded.files}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except ARRAY_ERRORS as error:
        raise DataError(f"{path}: no readable .npz file ({shown(str(error))})") from None


def _measured(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """The bytes of an array, if its header tells the truth."""
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
    return int(needed)


def _images(path: Path, arrays: Arrays) -> FoundImages:
    pixels: list[NDArray[np.uint8]] = []
    labels: list[NDArray[Any]] = []
    given: list[NDArray[np.int8]] = []
    for code, part in enumerate(_PARTS):
        if f"{part}_images" not in arrays:
            continue
        if f"{part}_labels" not in arrays:
            raise DataError(f"{path}: has {part}_images, but no {part}_labels")
        images, own = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        _check_images(path, part, images)
        if not own.ndim or not len(own) == own.size == len(images) or own.dtype.kind not in "iuU":
            raise DataError(
                f"{path}: {part}_labels is {own.dtype} {list(own.shape)}; one whole number for each of the "
                f"{len(images)} images is needed"
            )
        if pixels and images.shape[1:] != pixels[0].shape[1:]:
            raise DataError(f"{path}: {part}_images has another size than train_images")
        pixels.append(images)
        labels.append(own.reshape(-1))
        given.append(np.full(len(images), code, np.int8))
    all_labels = np.concatenate([each.astype(str) for each in labels])
    if not len(all_labels):
        raise DataError(f"{path}: no images")
    names = sorted(set(all_labels.tolist()), key=_in_order)
    number = {name: index for index, name in enumerate(names)}
    classes = np.array([number[name] for name in all_labels.tolist()], np.int64)
    order = classes.argsort(kind="stable")
    origins = [f"{part}_images[{row}]" for part, each in _rows(given) for row in range(each)]
    chosen = [origins[index] for index in order]

    def read(index: int) -> NDArray[np.uint8]:
        row = int(order[index])
        for each in pixels:
            if row < len(each):
                return _plain(each[row])
            row -= len(each)
        raise IndexError(index)

    @contextlib.contextmanager
    def opening() -> Iterator[Callable[[int], NDArray[np.uint8]]]:
        yield read

    return FoundImages(
        layout="arrays in the MedMNIST layout",
        where=path,
        names=tuple(names),
        groups=("",) * len(names),
        labels=classes[order],
        given=np.concatenate(given)[order],
        origins=chosen,
        opening=opening,
        hash=lambda: _file_hash(path),
    )


def _rows(given: list[NDArray[np.int8]]) -> list[tuple[str, int]]:
    return [(_PARTS[int(each[0])], len(each)) for each in given if len(each)]


def _check_images(path: Path, part: str, images: NDArray[Any]) -> None:
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (1, 3))
    fits = fits and 0 not in images.shape[1:]  # of such, a tiny file can hold any number
    if not fits or images.dtype != np.uint8:
        raise DataError(
            f"{path}: {part}_images is {images.dtype} {list(images.shape)}; "
            "uint8 [images, height, width] or [images, height, width, 3] is needed"
        )


def _plain(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)


def _in_order(name: str) -> tuple[int, str]:
    """Numbers by their size, then words."""
    return (int(name) if re.fullmatch("-?[0-9]{1,20}", name) else 2**64, name)


def _functions(path: Path, arrays: Arrays) -> FoundFunctions:
    task = arrays["task"].reshape(-1)
    columns = {}
    for name in ("x", "y"):
        array = arrays[name]
        if array.dtype.kind not in "iuf" or array.ndim not in (1, 2) or len(array) != len(task):
            raise DataError(
                f"{path}: {name} is {array.dtype} {list(array.shape)}; numbers [{len(task)}] or "
                f"[{len(task)}, columns] are needed, one row for each entry of task"
            )
        columns[name] = array.reshape(len(task), -1).astype(np.float32)
    if not len(task) or task.dtype.kind not in "iuU" or not min(each.shape[1] for each in columns.values()):
        raise DataError(f"{path}: task is {task.dtype} [{len(task)}]; a whole number for each row is needed")
    finite = np.isfinite(columns["x"]).all(1) & np.isfinite(columns["y"]).all(1)
    unreadable = tuple(
        Unreadable(f"{path}, row {row}", "not a finite number") for row in np.flatnonzero(~finite)
    )
    if not finite.any():
        raise DataError(f"{path}: no row has finite numbers only")
    task, x, y = task[finite], columns["x"][finite], columns["y"][finite]
    values, labels = np.unique(task, return_inverse=True)
    order = labels.argsort(kind="stable")
    return FoundFunctions(
        layout="points of functions",
        where=path,
        names=tuple(str(value) for value in values.tolist()),
        groups=("",) * len(values),
        labels=labels[order].astype(np.int64),
        given=np.full(len(order), NOT_GIVEN, np.int8),
        unreadable=unreadable,
        x=x[order],
        y=y[order],
    )


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
