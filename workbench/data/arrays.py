"""Arrays in ``.npz`` files: images in the MedMNIST layout, and points of functions.

MedMNIST: Yang, Shi, Wei, Liu, Zhao, Ke, Pfister, Ni, Scientific Data 2023.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.found import (
    NOT_GIVEN,
    Finding,
    Found,
    FoundFunctions,
    FoundImages,
    Unreadable,
    about,
    some,
)
from workbench.data.labels import absent, made_one
from workbench.data.npz import Array, Header, load_npz, read_headers
from workbench.data.reading import NOW, Reading, refuse_beyond
from workbench.data.splits import completed, shared_classes, splits_of, unknown
from workbench.errors import DataError
from workbench.words import shown

_PARTS = ("train", "val", "test")
_LAYOUTS = (
    "give train_images, train_labels, val_images … (MedMNIST), or x, y and task (functions to be regressed)"
)
_LARGEST = 1e305
"""Of values whose deviations from their mean are still numbers."""
_STACK = "; of pictures class by class, beside a .json that names the classes, give the folder"
_DISTINGUISHED = 1e-3
"""Part of a column's spread that may be lost to 64 bits."""
_OF_A_LABEL, _OF_A_ROW, _OF_A_REFUSAL = 250, 120, 400
"""Bytes that are taken beside what is in the arrays, roughly."""


def read_arrays(path: Path, reading: Reading = NOW) -> Found:
    """What is in an ``.npz`` file.

    Raises
    ------
    DataError
        If it is damaged, holds pickled objects, swells beyond measure, or is of neither layout.
    """
    headers = read_headers(path)
    names = set(headers)
    try:
        if {"x", "y", "task"} <= names:
            return _functions(path, headers, reading)
        if {"train_images", "train_labels"} <= names:
            return _images(path, headers, reading)
    except SystemError:  # numpy's, of numbers that stand for no letter
        raise DataError(f"{path}: damaged: names in it are no text") from None
    raise DataError(f"{path}: has the arrays {shown(some(sorted(headers)))}; {_LAYOUTS}{_STACK}")


def _left_out(headers: Mapping[str, Header], read: Sequence[str]) -> list[Finding]:
    """That there are arrays of other names."""
    others = sorted(set(headers) - set(read))
    are = "arrays are" if len(others) > 1 else "array is"
    text = f"{len(others):,} {are} passed over, since the layout has none of that name"
    return about("passed over", text, others)


def _images(path: Path, headers: Mapping[str, Header], reading: Reading) -> FoundImages:
    for part in _PARTS:
        if f"{part}_images" in headers and f"{part}_labels" not in headers:
            raise DataError(f"{path}: has {part}_images, but no {part}_labels")
    read = [
        f"{part}_{what}" for part in _PARTS if f"{part}_images" in headers for what in ("images", "labels")
    ]
    labelled = [headers[name] for name in read if name.endswith("labels")]
    needed = sum(headers[name].bytes for name in read) + sum(each.bytes for each in labelled)
    needed += _OF_A_LABEL * sum(each.shape[0] for each in labelled if each.shape)
    refuse_beyond(reading, needed, f"{path}: its images and labels")
    arrays = load_npz(path, read)
    pixels: list[NDArray[np.uint8]] = []
    labels: list[Array] = []
    given: list[NDArray[np.int8]] = []
    for code, part in enumerate(_PARTS):
        if f"{part}_images" not in arrays:
            continue
        images, own = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        _check_images(path, f"{part}_images", images)
        if not own.ndim or not len(own) == own.size == len(images) or own.dtype.kind not in "iuU":
            raise DataError(
                f"{path}: {part}_labels is {own.dtype} {list(own.shape)}; one whole number for each of the "
                f"{len(images)} images is needed"
            )
        if pixels and images.shape[1:] != pixels[0].shape[1:]:
            raise DataError(f"{path}: {part}_images has another size than train_images")
        pixels.append(images.view(np.uint8))
        labels.append(own.reshape(-1))
        given.append(np.full(len(images), code, np.int8))
    all_labels = np.concatenate([each.astype(str) for each in labels]).tolist()
    if not all_labels:
        raise DataError(f"{path}: no images")
    findings = []
    if reading.rules > 1:
        findings = _left_out(headers, read)
        better = _with_one_label_each(Counter(all_labels), findings, reading)
        all_labels = [better[label] for label in all_labels]
    names = sorted(set(all_labels), key=_in_order)
    number = {name: index for index, name in enumerate(names)}
    classes = np.array([number[name] for name in all_labels], np.int64)
    order = classes.argsort(kind="stable")
    own_splits = np.concatenate(given)[order]
    groups = ("",) * len(names)
    if reading.rules > 1:
        own_splits, drawn = completed(names, groups, classes[order], own_splits)
        findings += [*drawn, *shared_classes(names, classes[order], own_splits)]
    origins = [f"{part}_images[{row}]" for part, each in _rows(given) for row in range(each)]
    chosen = [origins[index] for index in order]

    def pixels_of(index: int) -> NDArray[np.uint8]:
        row = int(order[index])
        for each in pixels:
            if row < len(each):
                return _plain(each[row])
            row -= len(each)
        raise IndexError(index)

    @contextlib.contextmanager
    def opening() -> Iterator[Callable[[int], NDArray[np.uint8]]]:
        yield pixels_of

    return FoundImages(
        layout="arrays in the MedMNIST layout",
        where=path,
        names=tuple(names),
        groups=groups,
        labels=classes[order],
        given=own_splits,
        findings=tuple(findings),
        origins=chosen,
        opening=opening,
    )


def read_labelled_images(path: Path) -> FoundImages:
    """What is in the arrays ``images`` and ``labels`` of a file; without labels all are of a class without a
    name.

    Raises
    ------
    DataError
        If it is damaged, or of another layout.
    """
    headers = read_headers(path)
    if "images" not in headers:
        raise DataError(f"{path}: has the arrays {shown(some(sorted(headers)))}; give images and labels")
    names = [name for name in ("images", "labels") if name in headers]
    refuse_beyond(NOW, sum(headers[name].bytes for name in names), f"{path}: its images and labels")
    arrays = load_npz(path, names)
    images = arrays["images"]
    _check_images(path, "images", images)
    own = arrays.get("labels", np.zeros(len(images), np.int64))
    if own.ndim > 2 or not len(own) == own.size == len(images) or own.dtype.kind not in "iuU":
        raise DataError(
            f"{path}: labels is {own.dtype} {list(own.shape)}; one whole number or word for each of the "
            f"{len(images)} images is needed"
        )
    if not len(images):
        raise DataError(f"{path}: no images")
    words = own.reshape(-1).astype(str).tolist() if "labels" in arrays else [""] * len(images)
    classes = sorted(set(words), key=_in_order)
    labels = np.array([classes.index(word) for word in words], np.int64)
    order = labels.argsort(kind="stable")

    @contextlib.contextmanager
    def opening() -> Iterator[Callable[[int], NDArray[np.uint8]]]:
        yield lambda index: _plain(images[order[index]].view(np.uint8))

    return FoundImages(
        layout="arrays of images",
        where=path,
        names=tuple(classes),
        groups=("",) * len(classes),
        labels=labels[order],
        given=np.full(len(images), NOT_GIVEN, np.int8),
        findings=tuple(_left_out(headers, names)),
        origins=[f"images[{row}]" for row in order],
        opening=opening,
    )


def _with_one_label_each(
    counts: Mapping[str, int], findings: list[Finding], reading: Reading
) -> dict[str, str]:
    """Labels with their letters put together, and made one if that is asked for; adds what is to be said.

    Parameters
    ----------
    counts : the number of examples of each.
    """
    whole = {name: unicodedata.normalize("NFC", name) for name in counts}
    changed = sum(counts[name] for name, better in whole.items() if name != better)
    if changed:
        text = f"{changed:,} labels have letters in parts (e and an accent), which are put together (NFC)"
        findings.append(Finding("composed", text, changed))
    better: Counter[str] = Counter()
    for name, count in counts.items():
        better[whole[name]] += count
    alike, said = made_one(dict(sorted(better.items())), reading)
    findings += said + absent(better)
    return {name: alike.get(each, each) for name, each in whole.items()}


def _rows(given: list[NDArray[np.int8]]) -> list[tuple[str, int]]:
    return [(_PARTS[int(each[0])], len(each)) for each in given if len(each)]


def _check_images(path: Path, name: str, images: Array) -> None:
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (1, 3))
    fits = fits and 0 not in images.shape[1:]  # of such, a tiny file can hold any number
    if not fits or images.dtype != np.uint8:
        raise DataError(
            f"{path}: {name} is {images.dtype} {list(images.shape)}; "
            "uint8 [images, height, width] or [images, height, width, 3] is needed"
        )


def _plain(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)


def _in_order(name: str) -> tuple[int, str]:
    """Numbers by their size, then words."""
    return (int(name) if re.fullmatch("-?[0-9]{1,20}", name) else 2**64, name)


def _functions(path: Path, headers: Mapping[str, Header], reading: Reading) -> FoundFunctions:
    of_task = headers["task"]
    count = int(np.prod(of_task.shape, dtype=object))
    for name in ("x", "y"):
        form = headers[name]
        if form.dtype.kind not in "iuf" or len(form.shape) not in (1, 2) or form.shape[0] != count:
            raise DataError(
                f"{path}: {name} is {form}; numbers [{count}] or [{count}, columns] are needed, "
                "one row for each entry of task"
            )
    widths = [headers[name].shape[1] if len(headers[name].shape) == 2 else 1 for name in ("x", "y")]
    if not count or of_task.dtype.kind not in "iuU" or not min(widths):
        raise DataError(f"{path}: task is {of_task}; a whole number for each row is needed")
    # read, as floats, without what is no number, and in order
    needed = headers["x"].bytes + headers["y"].bytes + count * (3 * 8 * sum(widths) + _OF_A_ROW)
    if _names_splits(headers, count):
        needed += 3 * headers["split"].bytes
    refuse_beyond(reading, needed + 3 * of_task.bytes, f"{path}: {count:,} points")
    read = ["x", "y", "task", *(["split"] if reading.rules > 1 and _names_splits(headers, count) else [])]
    arrays = load_npz(path, read)
    task = arrays["task"].reshape(-1)
    findings = _left_out(headers, read)
    columns: dict[str, NDArray[np.floating]] = {}
    for name in ("x", "y"):
        array = arrays.pop(name).reshape(count, -1)
        if reading.rules == 1:
            columns[name] = array.astype(np.float32)
        else:
            columns[name], rounded = _in_64_bits(f"{path}: {name}", array)
            findings += rounded
    sizes = np.maximum(np.abs(columns["x"]).max(1), np.abs(columns["y"]).max(1))
    with np.errstate(invalid="ignore"):
        sound = sizes <= (_LARGEST if reading.rules > 1 else np.inf)
    sound &= np.isfinite(sizes)
    bad = np.flatnonzero(~sound)
    if not sound.any():
        raise DataError(f"{path}: no row has finite numbers only")
    refuse_beyond(reading, _OF_A_REFUSAL * len(bad), f"{path}: {len(bad):,} rows without finite numbers")
    finite = np.isfinite(sizes)
    reasons = {True: f"a number beyond {_LARGEST:g}", False: "not a finite number"}
    unreadable = tuple(Unreadable(f"{path}, row {row}", reasons[bool(finite[row])]) for row in bad)
    task, x, y = task[sound], columns.pop("x")[sound], columns.pop("y")[sound]
    values, labels = np.unique(task, return_inverse=True)
    names = [str(value) for value in values.tolist()]
    if reading.rules > 1 and of_task.dtype.kind == "U":
        better = _with_one_label_each(
            dict(zip(names, np.bincount(labels).tolist(), strict=True)), findings, reading
        )
        unique = sorted(set(better.values()))
        number = {name: index for index, name in enumerate(unique)}
        names, labels = unique, np.array([number[better[name]] for name in names])[labels]
    order = labels.argsort(kind="stable")
    x, y = x[order], y[order]
    given = np.full(len(order), NOT_GIVEN, np.int8)
    if "split" in arrays:
        words, numbers = np.unique(arrays["split"].reshape(-1)[sound][order], return_inverse=True)
        codes = splits_of(words.tolist())
        given = np.array([codes[word] for word in words.tolist()], np.int8)[numbers]
        times = dict(zip(words.tolist(), np.bincount(numbers).tolist(), strict=True))
        findings += unknown(
            {word: n for word, n in times.items() if word.strip() and codes[word] == NOT_GIVEN}
        )
        given, drawn = completed(names, ("",) * len(names), labels[order], given)
        findings += [*drawn, *shared_classes(names, labels[order], given)]
    return FoundFunctions(
        layout="points of functions",
        where=path,
        names=tuple(names),
        groups=("",) * len(names),
        labels=labels[order].astype(np.int64),
        given=given,
        findings=(*findings, *_constant(x, y), _kept(x, y)) if reading.rules > 1 else (),
        unreadable=unreadable,
        x=x,
        y=y,
    )


def _names_splits(headers: Mapping[str, Header], count: int) -> bool:
    """Whether there is a word for each row that may be its split."""
    own = headers.get("split")
    return own is not None and own.dtype.kind == "U" and int(np.prod(own.shape, dtype=object)) == count


def _in_64_bits(what: str, array: Array) -> tuple[NDArray[np.float64], list[Finding]]:
    """Numbers as float64; and that some of them cannot be told exactly so.

    Raises
    ------
    DataError
        If what they differ by is lost.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = array.astype(np.float64)
        if array.dtype.itemsize < 8 or array.dtype == np.float64:
            return values, []
        changed = (values.astype(array.dtype) != array) & ~np.isnan(values)
    rows = np.flatnonzero(changed.any(1))
    if not len(rows):
        return values, []
    reach = float(np.abs(values[rows]).max())
    for column in range(values.shape[1]):
        spread = np.ptp(values[np.isfinite(values[:, column]), column])
        if changed[:, column].any() and np.spacing(reach) > _DISTINGUISHED * spread:
            raise DataError(
                f"{what} has whole numbers about {reach:.3g} that differ by {spread:.3g} only, which 64-bit "
                "floating point cannot tell apart; subtract their smallest first"
            )
    text = (
        f"{what}: {len(rows):,} numbers have more digits than 64-bit floating point and are rounded by up to "
        f"{np.spacing(reach) / 2:.3g}"
    )
    return values, about("rounded", text, [f"row {row}" for row in rows])


def _constant(x: NDArray[np.floating], y: NDArray[np.floating]) -> list[Finding]:
    """Columns that never change: of those of y, any method says all."""
    columns = [
        f"{name}{f'[{column}]' if each.shape[1] > 1 else ''} ({each[0, column]:.10g})"
        for name, each in (("x", x), ("y", y))
        for column in np.flatnonzero(each.min(0) == each.max(0)).tolist()
    ]
    return about("constant", "the same in every row, so that nothing can be learned from it", columns)


def _kept(x: NDArray[np.floating], y: NDArray[np.floating]) -> Finding:
    """What becomes of values."""
    spans = [
        some([f"{low:.10g} to {high:.10g}" for low, high in zip(each.min(0), each.max(0), strict=True)])
        for each in (x, y)
    ]
    text = (
        f"x ({spans[0]}) and y ({spans[1]}) are kept in 64 bits; training sees them standardised by its "
        "training tasks, and charts show them in these units"
    )
    return Finding("standardised", text, len(x))
