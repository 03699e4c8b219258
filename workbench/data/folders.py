"""Class folders, and groups of class folders, in a zip or a folder.

The layout of the Omniglot archive is one of these: ``images_background/Balinese/character01/0108_01.png``.
So is ``train/cat/1.jpg`` beside ``test/cat/2.jpg``: where such splits share classes, they are put together.
"""

from __future__ import annotations

import contextlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.data.found import LEFT_OUT, NOT_GIVEN, SPLIT_NAMES, Finding, FoundImages, about
from workbench.data.labels import made_one
from workbench.data.passed_over import sorted_out
from workbench.data.reading import NOW, Reading
from workbench.data.source import (
    Source,
    composed,
    folder_of,
    folders_above,
    hidden,
    open_source,
)
from workbench.data.splits import completed, splits_of
from workbench.errors import DataError
from workbench.words import shown


@dataclass(frozen=True)
class ImageClass:
    """A class folder: its name (the group's before it, if there is one) and its images in order.

    ``code`` is the split that its folder at ``depth`` says it belongs to.
    """

    name: str
    group: str
    images: tuple[str, ...]
    code: int = NOT_GIVEN
    depth: int = 0


def read_class_folders(source: Source, reading: Reading = NOW) -> FoundImages:
    """What is in class folders.

    Raises
    ------
    DataError
        If there are no images, an image lies outside of the class folders, or a folder has no images.
    """
    images, findings = sorted_out(source, reading)
    if not images:
        passed = [each.text for each in findings if each.what == "passed over"]
        beside = f"; {'; '.join(passed)}" if passed else ""
        raise DataError(
            f"{source.where}: no images; a folder with images (png, jpg, …) for each class is needed{beside}"
        )
    if reading.rules > 1:
        findings += _composed(images)
    classes = find_classes(source, images)
    classes = _with_splits_by_rule_1(classes) if reading.rules == 1 else _with_splits(classes)
    names = [each.name for each in classes]
    groups = [each.group for each in classes]
    bare = [_without_split(each) for each in classes]
    if any(each.code >= 0 for each in classes) and len({name for name, _ in bare}) < len(set(names)):
        names, groups = [name for name, _ in bare], [group for _, group in bare]
        shared = sorted(name for name, times in Counter(names).items() if times > 1)[:3]
        text = "the splits of the folders share classes, which are put together; choose another split"
        twice = len(bare) - len(set(names))
        findings.append(Finding("shared classes", text, twice, tuple(map(shown, shared))))
    elif reading.rules > 1:
        findings += _written_twice(names)
    if reading.rules > 1:
        counts = Counter(dict.fromkeys(names, 0))
        for name, each in zip(names, classes, strict=True):
            counts[name] += len(each.images)
        alike, told = made_one(counts, reading, "class folders")
        findings += told
        names = [alike.get(name, name) for name in names]
    group_of = dict(zip(names, groups, strict=True))
    unique = sorted(group_of)
    number = {name: index for index, name in enumerate(unique)}
    order = sorted(range(len(classes)), key=lambda index: (names[index], classes[index].code))
    paths = [path for index in order for path in classes[index].images]
    sizes = [len(classes[index].images) for index in order]
    labels = np.repeat([number[names[index]] for index in order], sizes).astype(np.int64)
    given = np.repeat([classes[index].code for index in order], sizes).astype(np.int8)
    if reading.rules > 1:
        given, drawn = completed(unique, [group_of[name] for name in unique], labels, given)
        findings += [*_left_out(classes), *drawn]
    return FoundImages(
        layout="class folders",
        where=source.where,
        names=tuple(unique),
        groups=tuple(group_of[name] for name in unique),
        labels=labels,
        given=given,
        findings=tuple(findings),
        origins=paths,
        opening=opening(source.where, paths, reading),
    )


def find_classes(source: Source, images: Sequence[str]) -> list[ImageClass]:
    """The class folders of a source's images, sorted by name.

    Folders that enclose everything are left out of the names.

    Raises
    ------
    DataError
        If an image lies outside of the class folders, or a folder has no images.
    """
    of_folder: dict[str, list[str]] = {}
    for file in images:
        of_folder.setdefault(folder_of(file), []).append(file)
    enclosing = {outer for folder in of_folder for outer in folders_above(folder)}
    mixed = [folder for folder in of_folder if folder in enclosing or not folder]
    if mixed:
        stray = shown(min(of_folder[min(mixed)]))
        raise DataError(f"{source.where}: the image {stray} lies beside class folders; move it into one")
    bare = [each for each in source.folders if each not in of_folder and each not in enclosing]
    empty = [each for each in bare if not hidden(each)]
    if empty:
        raise DataError(
            f"{source.where}: the class folder {shown(min(empty))} has no images; add some or remove it"
        )
    shared = _shared_depth(list(of_folder))
    classes = []
    for folder, files in of_folder.items():
        *group, name = unicodedata.normalize("NFC", folder).split("/")[shared:]
        ordered = tuple(sorted(files, key=composed))
        classes.append(ImageClass("/".join([*group, name]), "/".join(group), ordered))
    return sorted(classes, key=lambda each: each.name)


Opening = Callable[[], contextlib.AbstractContextManager[Callable[[int], bytes]]]


def opening(where: Path, paths: Sequence[str], reading: Reading) -> Opening:
    """What :class:`FoundImages` needs to read files of a source."""

    @contextlib.contextmanager
    def open_files() -> Iterator[Callable[[int], bytes]]:
        with open_source(where, reading) as source:
            yield lambda index: source.read(paths[index])

    return open_files


def _with_splits_by_rule_1(classes: Sequence[ImageClass]) -> list[ImageClass]:
    """Only the outermost folders can be splits, and all of them must be."""
    codes = [SPLIT_NAMES.get(each.group.partition("/")[0].lower(), NOT_GIVEN) for each in classes]
    if len(set(codes)) > 1 and NOT_GIVEN not in codes:
        return [replace(each, code=code) for each, code in zip(classes, codes, strict=True)]
    return list(classes)


def _with_splits(classes: Sequence[ImageClass]) -> list[ImageClass]:
    """The folders at some depth, the outermost first, are splits if training is among them and another."""
    parts = [each.name.split("/") for each in classes]
    for depth in range(min(map(len, parts)) if classes else 0):
        codes = splits_of({each[depth] for each in parts})
        if 0 not in codes.values() or len(set(codes.values()) - {NOT_GIVEN}) < 2:
            continue
        if NOT_GIVEN in codes.values() and depth:
            continue
        return [
            replace(each, code=_code(codes[own[depth]]), depth=depth)
            for each, own in zip(classes, parts, strict=True)
        ]
    return list(classes)


def _code(code: int) -> int:
    return LEFT_OUT if code == NOT_GIVEN else code


def _without_split(each: ImageClass) -> tuple[str, str]:
    """A class's name and group without the folder that is its split."""
    if each.code < 0:
        return each.name, each.group
    parts = each.name.split("/")
    del parts[each.depth]
    return "/".join(parts), "/".join(parts[:-1])


def _composed(images: Sequence[str]) -> list[Finding]:
    """Folders whose names have letters in parts, as some systems write them."""
    folders = {folder_of(file) for file in images}
    changed = sorted(composed(folder) for folder in folders if composed(folder) != folder)
    text = f"{len(changed):,} folders have letters in parts (e and an accent), which are put together (NFC)"
    return about("composed", text, changed)


def _written_twice(names: Sequence[str]) -> list[Finding]:
    """Folders whose names differ only in how their letters are composed are one class."""
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    text = f"{len(twice):,} class names are there in two ways of writing the same letters, and are one class"
    return about("merged", text, twice)


def _left_out(classes: Sequence[ImageClass]) -> list[Finding]:
    """Classes beside folders that are splits."""
    outside = [each.name for each in classes if each.code == LEFT_OUT]
    return about("left out", f"{len(outside):,} classes lie in no split's folder, and are in none", outside)


def _shared_depth(folders: Sequence[str]) -> int:
    """How many outer folders all class folders have in common, their own names not counted."""
    parts = [folder.split("/") for folder in folders]
    depth, limit = 0, min(map(len, parts)) - 1
    while depth < limit and len({each[depth] for each in parts}) == 1:
        depth += 1
    return depth
