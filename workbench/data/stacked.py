"""Pictures class by class in one array, beside JSON that names the classes: both in one folder.

The array is ``[classes, examples, height, width]``, with colours behind, or ``[classes, examples, bytes]`` of
square pictures in black and white, eight pixels to a byte (numpy's ``packbits``). The JSON has a list as long
as there are classes, of names or of ``[group, name]``, and may have splits, as lists of numbers of classes.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.decoding import as_text
from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, FoundImages, about
from workbench.data.npz import Header, load_npz, read_headers, refuse_giant
from workbench.data.reading import Reading, refuse_beyond
from workbench.data.source import Source, content_of, hidden, suffix_of
from workbench.data.splits import completed
from workbench.errors import DataError
from workbench.words import shown

_OF_A_PICTURE = 200
"""Bytes that are taken beside a picture's pixels, roughly."""
_BITS = 8


def stack_in(source: Source) -> tuple[str, str] | None:
    """The arrays and the JSON in a folder that has one of each, where the arrays are such a stack."""
    if not source.where.is_dir():
        return None
    seen = [file for file in source.files if not hidden(file)]
    arrays, words = ([file for file in seen if suffix_of(file) == end] for end in (".npz", ".json"))
    if len(arrays) != 1 or len(words) != 1 or "/" in arrays[0] + words[0]:
        return None
    headers = read_headers(source.where / arrays[0])
    return (arrays[0], words[0]) if _is_stack(headers) else None


def _is_stack(headers: Mapping[str, Header]) -> bool:
    if len(headers) != 1:
        return False
    (only,) = headers.values()
    plain = only.dtype in (np.dtype(np.uint8), np.dtype(np.bool_)) and 0 not in only.shape
    return plain and (len(only.shape) in (3, 4) or (len(only.shape) == 5 and only.shape[-1] in (1, 3)))


def read_stack(source: Source, arrays: str, words: str, reading: Reading) -> FoundImages:
    """What is in such a folder.

    Raises
    ------
    DataError
        If the JSON does not name the classes, or the pictures are not square.
    """
    path, where = source.where / arrays, f"{source.where}: {shown(words)}"
    headers = read_headers(path)
    refuse_giant(path, headers)
    ((key, header),) = headers.items()
    classes, examples = header.shape[:2]
    side = math.isqrt(_BITS * header.shape[2]) if len(header.shape) == 3 else 0
    if len(header.shape) == 3 and side * side != _BITS * header.shape[2]:
        raise DataError(
            f"{path}: {key} is {header}; [classes, examples, height, width] is needed, or the bits of square "
            "pictures"
        )
    refuse_beyond(reading, header.bytes + _OF_A_PICTURE * classes * examples, f"{path}: its pictures")
    text, findings = as_text(content_of(source, words), where, reading)
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: no JSON ({shown(str(error))})") from None
    if not isinstance(told, dict):
        told = {"classes": told}
    names, groups, named = _names(told, classes, where)
    given, more = _splits(told, classes, where)
    order = sorted(range(classes), key=names.__getitem__)
    stack = load_npz(path, [key])[key]
    white = 255 if side or stack.dtype == np.bool_ or int(stack.max()) <= 1 else 1
    labels = np.repeat(np.arange(classes, dtype=np.int64), examples)
    names, groups = tuple(names[i] for i in order), tuple(groups[i] for i in order)
    own, drawn = completed(names, groups, labels, np.repeat(given[order], examples))

    def picture(index: int) -> NDArray[np.uint8]:
        pixels = stack[order[index // examples], index % examples]
        if side:
            pixels = np.unpackbits(pixels.view(np.uint8)).reshape(side, side)
        pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
        return np.ascontiguousarray(pixels.astype(np.uint8) * np.uint8(white))

    @contextlib.contextmanager
    def opening() -> Iterator[Callable[[int], NDArray[np.uint8]]]:
        yield picture

    called = Finding("names", f"{words}: the classes are called as in its list {named}", classes)
    notes = [*findings, called, *more, *drawn]
    if white > 1:
        notes.append(Finding("black and white", f"{arrays}: 0 is black, 1 is white", len(labels)))
    return FoundImages(
        layout="a stack of pictures beside JSON",
        where=source.where,
        names=names,
        groups=groups,
        labels=labels,
        given=own,
        findings=tuple(notes),
        origins=[f"{key}[{order[i // examples]}, {i % examples}]" for i in range(len(labels))],
        opening=opening,
    )


def _names(told: Mapping[str, Any], classes: int, where: str) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Names (with the group's before them) and groups of the classes, and where they stand."""
    for key, value in told.items():
        if not isinstance(value, list) or len(value) != classes:
            continue
        pairs = [("", each) if isinstance(each, str) else each for each in value]
        if all(
            isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(word, str) for word in pair)
            for pair in pairs
        ):
            names = tuple(f"{group}/{name}" if group else name for group, name in pairs)
            if len(set(names)) < classes or not all(name.strip() for name in names):
                raise DataError(f"{where}: {shown(key)}: names of classes must differ, and not be empty")
            return names, tuple(group for group, _ in pairs), shown(key)
    raise DataError(
        f"{where}: no list of {classes:,} names, one for each class, or of [group, name]; the pictures are "
        f"of {classes:,} classes"
    )


def _splits(told: Mapping[str, Any], classes: int, where: str) -> tuple[NDArray[np.int8], list[Finding]]:
    """The split of each class: those in the JSON, or the first of several ways to divide."""
    given = np.full(classes, NOT_GIVEN, np.int8)
    splits = told.get("splits")
    if not isinstance(splits, dict) or not splits:
        return given, []
    ways = {key: each for key, each in splits.items() if isinstance(each, dict)} or {"splits": splits}
    name, parts = next(iter(ways.items()))
    taken = {SPLIT_NAMES[key.lower()]: each for key, each in parts.items() if key.lower() in SPLIT_NAMES}
    for code, numbers in taken.items():
        sound = isinstance(numbers, list) and all(
            type(each) is int and 0 <= each < classes and given[each] == NOT_GIVEN for each in numbers
        )
        if not sound or len(set(numbers)) < len(numbers):
            raise DataError(
                f"{where}: splits, {shown(name)}: numbers of classes from 0 to {classes - 1:,} are needed, "
                "each once"
            )
        given[numbers] = code
    text = f"of {len(ways):,} ways to divide, the first is taken"
    return given, about("split", text, [shown(each) for each in ways]) if len(ways) > 1 else []
