"""Class folders, and groups of class folders, in a zip or a folder.

The layout of the Omniglot archive is one of these: ``images_background/Balinese/character01/0108_01.png``.
So is ``train/cat/1.jpg`` beside ``test/cat/2.jpg``: where such splits share classes, they are put together.
"""

from __future__ import annotations

import contextlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, FoundImages
from workbench.data.pictures import SUFFIXES
from workbench.data.reading import NOW, Reading
from workbench.data.source import Source, composed, hidden, open_source
from workbench.errors import DataError
from workbench.words import shown


@dataclass(frozen=True)
class ImageClass:
    """A class folder: its name (the group's before it, if there is one) and its images in order."""

    name: str
    group: str
    images: tuple[PurePosixPath, ...]


def read_class_folders(source: Source, reading: Reading = NOW) -> FoundImages:
    """What is in class folders.

    Raises
    ------
    DataError
        If there are no images, an image lies outside of the class folders, or a folder has no images.
    """
    classes = find_classes(source)
    code_of = [SPLIT_NAMES.get(each.group.partition("/")[0].lower(), NOT_GIVEN) for each in classes]
    by_split = len(set(code_of)) > 1 and NOT_GIVEN not in code_of
    codes = code_of if by_split else [NOT_GIVEN] * len(classes)
    names = [each.name for each in classes]
    groups = [each.group for each in classes]
    findings = []
    bare = [name.partition("/")[2] for name in names]
    if by_split and len(set(bare)) < len(bare):
        names, groups = bare, [group.partition("/")[2] for group in groups]
        shared = sorted(name for name, times in Counter(bare).items() if times > 1)[:3]
        text = "the splits of the folders share classes, which are put together; choose another split"
        twice = len(bare) - len(set(bare))
        findings.append(Finding("shared classes", text, twice, tuple(map(shown, shared))))
    group_of = dict(zip(names, groups, strict=True))
    unique = sorted(group_of)
    number = {name: index for index, name in enumerate(unique)}
    order = sorted(range(len(classes)), key=lambda index: (names[index], codes[index]))
    paths = [path for index in order for path in classes[index].images]
    sizes = [len(classes[index].images) for index in order]
    return FoundImages(
        layout="class folders",
        where=source.where,
        names=tuple(unique),
        groups=tuple(group_of[name] for name in unique),
        labels=np.repeat([number[names[index]] for index in order], sizes).astype(np.int64),
        given=np.repeat([codes[index] for index in order], sizes).astype(np.int8),
        findings=tuple(findings),
        origins=[str(path) for path in paths],
        opening=opening(source.where, paths),
        hash=hashing(source.where, paths),
    )


def find_classes(source: Source) -> list[ImageClass]:
    """The class folders in a source, sorted by name.

    Folders that enclose everything are left out of the names. Hidden files, ``__MACOSX`` and files
    that are no images are passed over.

    Raises
    ------
    DataError
        If there are no images, an image lies outside of the class folders, or a folder has no images.
    """
    images: dict[PurePosixPath, list[PurePosixPath]] = {}
    for file in source.files:
        if file.suffix.lower() in SUFFIXES and not hidden(file):
            images.setdefault(file.parent, []).append(file)
    if not images:
        raise DataError(
            f"{source.where}: no images; a folder with images (png, jpg, …) for each class is needed"
        )
    enclosing = {parent for folder in images for parent in folder.parents}
    mixed = [folder for folder in images if folder in enclosing or folder == PurePosixPath()]
    if mixed:
        stray = shown(str(min(images[min(mixed)])))
        raise DataError(f"{source.where}: the image {stray} lies beside class folders; move it into one")
    bare = [each for each in source.folders if each not in images and each not in enclosing]
    empty = [each for each in bare if not hidden(each)]
    if empty:
        raise DataError(
            f"{source.where}: the class folder {shown(str(min(empty)))} has no images; add some or remove it"
        )
    shared = _shared_depth(list(images))
    classes = []
    for folder, files in images.items():
        *group, name = (unicodedata.normalize("NFC", part) for part in folder.parts[shared:])
        ordered = tuple(sorted(files, key=composed))
        classes.append(ImageClass("/".join([*group, name]), "/".join(group), ordered))
    return sorted(classes, key=lambda each: each.name)


Opening = Callable[[], contextlib.AbstractContextManager[Callable[[int], bytes]]]


def opening(where: Path, paths: Sequence[PurePosixPath]) -> Opening:
    """What :class:`FoundImages` needs to read files of a source."""

    @contextlib.contextmanager
    def open_files() -> Iterator[Callable[[int], bytes]]:
        with open_source(where) as source:
            yield lambda index: source.read(paths[index])

    return open_files


def hashing(where: Path, paths: Sequence[PurePosixPath]) -> Callable[[], str]:
    """What :class:`FoundImages` needs to tell whether files of a source have changed."""

    def content_hash() -> str:
        with open_source(where) as source:
            return source.hash(paths)

    return content_hash


def _shared_depth(folders: Sequence[PurePosixPath]) -> int:
    """How many outer folders all class folders have in common, their own names not counted."""
    depth = 0
    limit = min(len(folder.parts) for folder in folders) - 1
    while depth < limit and len({folder.parts[depth] for folder in folders}) == 1:
        depth += 1
    return depth
