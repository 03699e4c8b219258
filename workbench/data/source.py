"""The files in a folder or a zip, whoever made it.

Nothing of a zip is unpacked to the disk. What could harm is refused before it is read: names that lead
out of the archive, links, devices, and files that swell beyond all measure. Paths within a source are texts
with "/" between the folders: there may be hundreds of thousands.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import posixpath
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.data.found import Finding, about
from workbench.data.reading import NOW, Reading
from workbench.data.zip_names import names_of
from workbench.errors import DataError
from workbench.words import shown

LARGEST_FILE = 2**28
"""Bytes of one file that are read into memory."""

_READ_BY_PEOPLE = ("", ".txt", ".md", ".rst", ".html", ".pdf")
"""Of files that say something of the zips beside them."""

MOST_ENTRIES = 2_000_000
_BOMB_BYTES, _BOMB_RATIO = 2**26, 250
"""A file that is larger, and packed more tightly, than any picture or text: it only wants to swell."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 1

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
    peek : returns the first bytes of a file, or raises likewise.
    findings : what its list of files has shown.
    """

    where: Path
    files: Sequence[str]
    folders: Sequence[str]
    unsafe: Sequence[str]
    read: Callable[[str], bytes]
    peek: Callable[[str], bytes]
    findings: tuple[Finding, ...] = ()

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
def open_source(path: Path, reading: Reading = NOW) -> Iterator[Source]:
    """Open a zip or a folder.

    Raises
    ------
    DataError
        If there is no such file, or it is neither.
    """
    with contextlib.ExitStack() as stack:
        if not path.is_dir():
            yield _zip(path, stack.enter_context(_archive(path)), reading)
            return
        zips = zips_within(path) if reading.rules > 1 else []
        if not zips:
            yield _folder(path)
            return
        yield _joined(path, [_zip(each, stack.enter_context(_archive(each)), reading) for each in zips])


def zips_within(folder: Path) -> list[Path]:
    """The zips that lie in a folder, two or more, if nothing else does but what people read."""
    seen: list[Path] = []
    with contextlib.suppress(OSError):
        seen = [each for each in sorted(folder.iterdir()) if not hidden(each.name)]
    zips = [each for each in seen if suffix_of(each.name) == ".zip"]
    alone = all(
        suffix_of(each.name) in (".zip", *_READ_BY_PEOPLE) and each.is_file() and not each.is_symlink()
        for each in seen
    )
    return zips if alone and len(zips) > 1 else []


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; give the path of a zip or a folder with images") from None
    except UNREADABLE as error:
        raise DataError(f"{path}: no readable zip ({error}); give a zip or a folder with images") from None


def _joined(path: Path, parts: Sequence[Source]) -> Source:
    """Several zips as one source: each is a folder of its name, unless it holds one of that name only."""
    own = _folder(path)
    place = {file: (own, file) for file in own.files if suffix_of(file) != ".zip"}
    folders: list[str] = []
    for part in parts:
        stem = part.where.stem
        alone = all(hidden(file) or file.startswith(f"{stem}/") for file in part.files)
        prefix = "" if alone else f"{stem}/"
        place |= {prefix + file: (part, file) for file in part.files}
        folders += [prefix + folder for folder in part.folders]

    def read(inner: str) -> bytes:
        part, file = place[inner]
        return part.read(file)

    def peek(inner: str) -> bytes:
        part, file = place[inner]
        return part.peek(file)

    told = about("joined", f"{len(parts):,} zips are read together", [part.where.name for part in parts])
    unsafe = [*own.unsafe, *(f"{part.where.name}: {name}" for part in parts for name in part.unsafe)]
    findings = (*told, *(each for part in parts for each in part.findings))
    return Source(path, list(place), list(dict.fromkeys(folders)), unsafe, read, peek, findings)


def content_of(source: Source, file: str) -> bytes:
    """A file of a source.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        return source.read(file)
    except UNREADABLE as error:
        raise DataError(f"{source.where}: {shown(file)}: cannot be read ({error})") from None


def content_hash(path: Path) -> str:
    """SHA-256 of all that reading a path can meet: every name there, and what is in every file."""
    digest = hashlib.sha256()
    if not path.is_dir():
        return _file_hash(path)
    source, zips = _folder(path), {each.name for each in zips_within(path)}
    for kind, names in (("folder", source.folders), ("file", source.files), ("unsafe", source.unsafe)):
        for name in sorted(names):
            content = _file_hash(path / name, whole=name in zips) if kind == "file" else ""
            digest.update(f"{kind} {name}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _file_hash(path: Path, whole: bool = True) -> str:
    """That of a file; of one that is too large to be read only its size, unless it is wanted whole."""
    try:
        size = path.stat().st_size
        if not path.is_file() or (size > LARGEST_FILE and not whole):
            return f"{size} bytes"
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return str(error)


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


def suffix_of(path: str) -> str:
    """The end of a file's name in small letters, with its dot."""
    return posixpath.splitext(path)[1].lower()


def folder_of(path: str) -> str:
    """The folder that a file or a folder lies in; empty at the top."""
    return path.rpartition("/")[0]


def folders_above(path: str) -> list[str]:
    """All folders around a file or a folder, the innermost first; the last is empty: the top."""
    above = []
    while path:
        path = folder_of(path)
        above.append(path)
    return above


def hidden(path: str) -> bool:
    """Whether a program left it there for itself."""
    return path.startswith(".") or "/." in path or "__MACOSX" in path.split("/")


def composed(path: str) -> str:
    """Some systems write é as e and an accent; the order of files must not depend on that."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def _zip(path: Path, archive: zipfile.ZipFile, reading: Reading) -> Source:
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise DataError(f"{path}: {len(infos):,} entries are too many; allowed: {MOST_ENTRIES:,}")
    names, found = names_of(path, infos, reading)
    unsafe: list[str] = []
    entries: dict[str, zipfile.ZipInfo] = {}
    listed: set[str] = set()
    twice: list[str] = []
    for name, info in zip(names, infos, strict=True):
        if _leads_outside(name, info):
            unsafe.append(name)
            continue
        plain = _plain(name)
        if name.endswith("/"):
            listed.add(plain)
            continue
        if plain in entries:
            twice.append(plain)
        entries[plain] = info
    text = f"{len(twice):,} entries of the zip have the name of a later one, which is taken"
    found = found + about("passed over", text, twice)

    def read(inner: str) -> bytes:
        refuse_bomb(entries[inner].file_size, entries[inner].compress_size)
        return _content(archive, entries[inner])

    def peek(inner: str) -> bytes:
        with archive.open(entries[inner]) as file:
            return file.read(PEEKED)

    # some programs list the folders, others only the files in them
    folders = _with_outer(listed, {folder_of(file) for file in entries}) - entries.keys()
    return Source(path, list(entries), list(folders), unsafe, read, peek, tuple(found))


PEEKED = 64
"""The first bytes of a file, which tell what it is."""


def _with_outer(*sets: set[str]) -> set[str]:
    found: set[str] = set()
    for folder in set().union(*sets):
        while folder and folder not in found:
            found.add(folder)
            folder = folder_of(folder)
    return found


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The content of an entry. What is stored or deflated is read without zipfile's detours: there may be
    hundreds of thousands of small ones."""
    file = archive.fp
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if file is None or entry.compress_type not in kinds or entry.flag_bits & _ENCRYPTED:
        return archive.read(entry)
    file.seek(entry.header_offset)
    head = file.read(30)
    if len(head) < 30 or head[:4] != b"PK\3\4":
        raise zipfile.BadZipFile("Bad magic number for file header")
    _, name, extra = _LOCAL_HEADER.unpack(head)
    file.seek(entry.header_offset + 30 + name + extra)
    content = file.read(entry.compress_size)
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        content = zlib.decompressobj(-15).decompress(content, entry.file_size + 1)
    if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {shown(entry.filename)!r}")
    return content


def _folder(path: Path) -> Source:
    files: list[str] = []
    folders: list[str] = []
    unsafe: list[str] = []
    root = path.resolve()
    for folder, inner_folders, inner_files in os.walk(path):
        relative = Path(folder).relative_to(path).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        for names, kept in ((inner_folders, folders), (inner_files, files)):
            for name in names:
                leads_away = _is_strange(os.path.join(folder, name), root)  # noqa: PTH118 (there may be many)
                (unsafe if leads_away else kept).append(prefix + name)
        if len(files) > MOST_ENTRIES:
            raise DataError(f"{path}: more than {MOST_ENTRIES:,} files; that is too many")

    def peek(inner: str) -> bytes:
        with (path / inner).open("rb") as file:
            return file.read(PEEKED)

    return Source(path, files, folders, unsafe, lambda inner: _plain_file(path / inner), peek)


def _plain_file(path: Path) -> bytes:
    size = path.stat().st_size
    refuse_bomb(size, size)
    return path.read_bytes()


def _is_strange(path: str, root: Path) -> bool:
    """A link to a folder or to a place outside, a pipe, a device."""
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        try:
            target = Path(path).resolve(strict=True)
        except (OSError, RuntimeError):  # dangling, or a loop
            return True
        return not target.is_relative_to(root) or not target.is_file()
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _leads_outside(name: str, entry: zipfile.ZipInfo) -> bool:
    drive = name[1:2] == ":" and name[2:3] in ("", "/")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    strange = kind not in (0, stat.S_IFREG, stat.S_IFDIR)
    return name.startswith("/") or (".." in name and ".." in name.split("/")) or drive or strange


def _plain(name: str) -> str:
    """A path without empty parts and dots that stand for nothing."""
    if "//" not in name and "/./" not in name and not name.startswith("./"):
        return name.rstrip("/")
    return "/".join(part for part in name.split("/") if part not in ("", "."))
