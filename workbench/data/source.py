"""The files in a folder or a zip, whoever made it.

Nothing of a zip is unpacked to the disk. What could harm is refused before it is read: names that lead
out of the archive, links, devices, and files that swell beyond all measure.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.errors import DataError
from workbench.words import shown

LARGEST_FILE = 2**28
"""Bytes of one file that are read into memory."""

MOST_ENTRIES = 2_000_000
_BOMB_BYTES, _BOMB_RATIO = 2**26, 250
"""A file that is larger, and packed more tightly, than any picture or text: it only wants to swell."""

UNREADABLE: tuple[type[Exception], ...] = (  # what zipfile, zlib and readers raise for damaged files
    *(OSError, EOFError, SyntaxError, ValueError, RuntimeError, NotImplementedError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


@dataclass(frozen=True)
class Source:
    """A zip or a folder.

    Attributes
    ----------
    where : its path.
    files, folders : the paths within it, hidden ones included.
    unsafe : names in it that lead outside, or stand for something that is no file; none of ``files``.
    read : returns a file's content, or raises one of ``UNREADABLE`` or DataError.
    hash : returns the SHA-256 of the whole content, given the files that count.
    """

    where: Path
    files: Sequence[PurePosixPath]
    folders: Sequence[PurePosixPath]
    unsafe: Sequence[str]
    read: Callable[[PurePosixPath], bytes]
    hash: Callable[[Sequence[PurePosixPath]], str]

    def refuse_unsafe(self) -> None:
        """Refuse a source that was made to do harm, or by mistake could.

        Raises
        ------
        DataError
            Naming what leads outside.
        """
        if self.unsafe:
            more = f" and {len(self.unsafe) - 1} more" if len(self.unsafe) > 1 else ""
            raise DataError(
                f"{self.where}: {shown(self.unsafe[0])}{more} leads outside or is no plain file; "
                "nothing of it was read; remove it"
            )


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
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
    except UNREADABLE as error:
        raise DataError(f"{path}: no readable zip ({error}); give a zip or a folder with images") from None
    with archive:
        yield _zip(path, archive)


def refuse_bomb(size: int, packed: int) -> None:
    """Refuse an entry of a zip that would swell beyond measure.

    Raises
    ------
    ValueError
        If it would.
    """
    if size > LARGEST_FILE:
        raise ValueError(f"{size / 2**20:.0f} MiB are too many for one file")
    if size > _BOMB_BYTES and size > _BOMB_RATIO * max(packed, 1):
        raise ValueError(f"{packed / 2**10:.0f} KiB that swell to {size / 2**20:.0f} MiB")


def hidden(path: PurePosixPath) -> bool:
    """Whether a program left it there for itself."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def composed(path: PurePosixPath) -> str:
    """Some systems write é as e and an accent; the order of files must not depend on that."""
    return unicodedata.normalize("NFC", str(path))


def _zip(path: Path, archive: zipfile.ZipFile) -> Source:
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise DataError(f"{path}: {len(infos):,} entries are too many; allowed: {MOST_ENTRIES:,}")
    unsafe = [_entry_name(each) for each in infos if _leads_outside(each)]
    entries = {PurePosixPath(_entry_name(each)): each for each in infos if not _leads_outside(each)}

    def read(inner: PurePosixPath) -> bytes:
        refuse_bomb(entries[inner].file_size, entries[inner].compress_size)
        return archive.read(entries[inner])

    def content_hash(files: Sequence[PurePosixPath]) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    files = [inner for inner, entry in entries.items() if not _entry_name(entry).endswith("/")]
    # some programs list the folders, others only the files in them
    folders = {*entries, *(file.parent for file in files)} - {*files, PurePosixPath()}
    return Source(path, files, list(folders), unsafe, read, content_hash)


def _folder(path: Path) -> Source:
    files: list[PurePosixPath] = []
    folders: list[PurePosixPath] = []
    unsafe: list[str] = []
    root = path.resolve()
    for folder, inner_folders, inner_files in os.walk(path):
        relative = PurePosixPath(Path(folder).relative_to(path).as_posix())
        for names, kept in ((inner_folders, folders), (inner_files, files)):
            for name in names:
                leads_away = _is_strange(Path(folder) / name, root)
                (unsafe.append(str(relative / name)) if leads_away else kept.append(relative / name))
        if len(files) > MOST_ENTRIES:
            raise DataError(f"{path}: more than {MOST_ENTRIES:,} files; that is too many")

    def read(inner: PurePosixPath) -> bytes:
        size = (path / inner).stat().st_size
        refuse_bomb(size, size)
        return (path / inner).read_bytes()

    def content_hash(wanted: Sequence[PurePosixPath]) -> str:
        digest = hashlib.sha256()
        for file in sorted(wanted):
            try:
                content = hashlib.sha256(read(file)).hexdigest()
            except UNREADABLE as error:
                content = str(error)
            digest.update(f"{file}\0{content}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    return Source(path, files, folders, unsafe, read, content_hash)


def _is_strange(path: Path, root: Path) -> bool:
    """A link to a folder or to a place outside, a pipe, a device."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # dangling, or a loop
            return True
        return not target.is_relative_to(root) or not target.is_file()
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _leads_outside(entry: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(_entry_name(entry))
    drive = len(name.parts) > 0 and len(name.parts[0]) == 2 and name.parts[0][1] == ":"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    strange = kind not in (0, stat.S_IFREG, stat.S_IFDIR)
    return name.is_absolute() or ".." in name.parts or drive or strange


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The name of a zip's entry: many programs write UTF-8 without the flag that says so."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")
