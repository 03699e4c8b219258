"""Finds and reads images in a zip or a folder: class folders, or groups of class folders.

The layout of the Omniglot archive is one of these: ``images_background/Balinese/character01/0108_01.png``.
Nothing of a zip is unpacked to the disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from workbench.tasks.base import DataError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm"}
_LARGEST_FILE = 2**28
_UNREADABLE = (  # what zipfile and Pillow raise for damaged, encrypted, foreign or huge files
    *(OSError, EOFError, SyntaxError, ValueError, RuntimeError, NotImplementedError),
    *(struct.error, zlib.error, zipfile.BadZipFile),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


@dataclass(frozen=True)
class ImageSource:
    """A zip or a folder with images.

    Attributes
    ----------
    where : its path.
    files, folders : the paths within it.
    read : returns a file's content, or raises DataError.
    hash : returns the SHA-256 of the whole content.
    """

    where: Path
    files: Sequence[PurePosixPath]
    folders: Sequence[PurePosixPath]
    read: Callable[[PurePosixPath], bytes]
    hash: Callable[[], str]


@dataclass(frozen=True)
class ImageClass:
    """A class folder: its name (the group's before it, if there is one) and its images in order."""

    name: str
    group: str
    images: tuple[PurePosixPath, ...]


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[ImageSource]:
    """Open a zip or a folder.

    Raises
    ------
    DataError
        If there is no such file, or it is neither.
    """
    if path.is_dir():
        yield _folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; give the path of a zip or a folder with images") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: no readable zip ({error}); give a zip or a folder with images") from None
    with archive:
        yield _zip(path, archive)


def find_classes(source: ImageSource) -> list[ImageClass]:
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
        if file.suffix.lower() in SUFFIXES and not _hidden(file):
            images.setdefault(file.parent, []).append(file)
    if not images:
        raise DataError(
            f"{source.where}: no images; a folder with images (png, jpg, …) for each class is needed"
        )
    enclosing = {parent for folder in images for parent in folder.parents}
    for folder in sorted(images):
        if folder in enclosing or folder == PurePosixPath():
            stray = min(images[folder])
            raise DataError(f"{source.where}: the image {stray} lies beside class folders; move it into one")
    for folder in sorted(source.folders):
        if not _hidden(folder) and folder not in images and folder not in enclosing:
            raise DataError(f"{source.where}: the class folder {folder} has no images; add some or remove it")
    shared = _shared_depth(list(images))
    classes = []
    for folder, files in images.items():
        *group, name = (unicodedata.normalize("NFC", part) for part in folder.parts[shared:])
        ordered = tuple(sorted(files, key=_by_name))
        classes.append(ImageClass("/".join([*group, name]), "/".join(group), ordered))
    return sorted(classes, key=lambda each: each.name)


@contextlib.contextmanager
def naming(where: Path, image: PurePosixPath) -> Iterator[None]:
    """Turn whatever goes wrong with an image into a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except _UNREADABLE as error:
        raise DataError(
            f"{where}: the image {image} cannot be read ({error}); replace or remove it"
        ) from None


def _zip(path: Path, archive: zipfile.ZipFile) -> ImageSource:
    entries = {PurePosixPath(_entry_name(entry)): entry for entry in archive.infolist()}

    def read(inner: PurePosixPath) -> bytes:
        with naming(path, inner):
            _refuse_huge(entries[inner].file_size)
            return archive.read(entries[inner])

    def content_hash() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    files = [inner for inner, entry in entries.items() if not _entry_name(entry).endswith("/")]
    # some programs list the folders, others only the files in them
    folders = {*entries, *(file.parent for file in files)} - {*files, PurePosixPath()}
    return ImageSource(path, files, sorted(folders), read, content_hash)


def _folder(path: Path) -> ImageSource:
    files, folders = [], []
    for folder, inner_folders, inner_files in os.walk(path):
        relative = PurePosixPath(Path(folder).relative_to(path).as_posix())
        folders += [relative / name for name in inner_folders]
        files += [relative / name for name in inner_files]

    def read(inner: PurePosixPath) -> bytes:
        with naming(path, inner):
            _refuse_huge((path / inner).stat().st_size)
            return (path / inner).read_bytes()

    def content_hash() -> str:
        digest = hashlib.sha256()
        for file in sorted(files):
            if file.suffix.lower() in SUFFIXES:
                digest.update(f"{file}\0{hashlib.sha256(read(file)).hexdigest()}\n".encode())
        return digest.hexdigest()

    return ImageSource(path, files, folders, read, content_hash)


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The name of a zip's entry: many programs write UTF-8 without the flag that says so."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _refuse_huge(size: int) -> None:
    if size > _LARGEST_FILE:
        raise ValueError(f"{size / 2**20:.0f} MiB are too many for one image")


def _hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _by_name(path: PurePosixPath) -> str:
    """Some systems write é as e and an accent; the order must not depend on that."""
    return unicodedata.normalize("NFC", str(path))


def _shared_depth(folders: Sequence[PurePosixPath]) -> int:
    """How many outer folders all class folders have in common, their own names not counted."""
    depth = 0
    limit = min(len(folder.parts) for folder in folders) - 1
    while depth < limit and len({folder.parts[depth] for folder in folders}) == 1:
        depth += 1
    return depth
