"""Every file that opening a project may touch, and which of them may be used.

Beside ``P.mlwb`` SQLite keeps a journal, a write-ahead log and shared memory, and the program a lock file.
SQLite takes whatever lies there under those names for its own: it truncates, overwrites and deletes it, and
deletes the files that a journal names. Who sends a project chooses what lies there. So each of these files
is looked at first: only regular files of this project, of its owner and of a plausible size are used, and
they are opened without following links. Where something else lies, the project is refused and nothing is
touched.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from workbench.project.errors import ProjectError, translate

JOURNAL, LOG, SHARED = "-journal", "-wal", "-shm"
SUFFIXES = (LOG, SHARED, JOURNAL)

LONGEST_NAME = 255 - len(JOURNAL)  # bytes of a name, so that the system allows that of the journal too
_LARGE = 1 << 30  # bytes: a journal beyond this holds at most a few times what its project holds
_HOLLOW = 1 << 26  # bytes: a file beyond this that takes hardly any room was not written by SQLite

_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_LOG_MAGIC = (0x377F0682, 0x377F0683)
_LOG_VERSION = 3007000

# What a system lacks is left out: links and pipes that it lacks as well.
_CAREFULLY = 0
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    _CAREFULLY |= getattr(os, _flag, 0)

_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class UnusableFile(Exception):  # noqa: N818 (an answer, not a mistake)
    """A file that must not be touched; the text says what it is, as in "is a link"."""


def side_file(path: Path, suffix: str) -> Path:
    """The file that SQLite keeps beside a database under that suffix."""
    return path.with_name(path.name + suffix)


def short_name(start: str, ending: str) -> str:
    """A file's name; a long one is cut and gets a digest, so that its journal's name is not too long."""
    if len(os.fsencode(start + ending)) <= LONGEST_NAME:
        return start + ending
    ending = f"~{hashlib.sha256(os.fsencode(start)).hexdigest()[:16]}{ending}"
    room = max(1, LONGEST_NAME - len(os.fsencode(ending)))
    # cut between letters: half of one is no name to some systems
    return os.fsencode(start)[:room].decode(errors="ignore") + ending


def hidden_file(path: Path, ending: str) -> Path:
    """A hidden file beside a project: its lock, or what is about to take its place."""
    return path.with_name(short_name(f".{path.name}", ending))


def owners(status: os.stat_result | None) -> set[int]:
    """Whose files SQLite keeps beside a project: its owner's; and the user's own, unless that is root.

    Root's are given to the project's owner at once.
    """
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    if status is None:
        return {user}
    return {status.st_uid} if user == 0 else {status.st_uid, user}


def status_of(path: Path) -> os.stat_result | None:
    """What lies under a name, itself and not what it leads to; None where nothing can lie."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if len(os.fsencode(path.name)) > LONGEST_NAME:
            return None
        raise


def refuse_kind(status: os.stat_result) -> None:
    """Raise :class:`UnusableFile` for what is no regular file, or is hollow."""
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise UnusableFile(f"is {_KINDS.get(kind, 'no regular file')}")
    room = 512 * getattr(status, "st_blocks", 0)  # none is told by some systems, for files in the cloud
    if status.st_size > _HOLLOW and 0 < room < status.st_size // 16:
        raise UnusableFile(f"claims to hold {status.st_size:,} bytes and is all but empty")


def refuse_side(status: os.stat_result, owned_by: Collection[int], most: int) -> None:
    """Raise :class:`UnusableFile` for what is no file of this project's owner alone, of plausible size."""
    refuse_kind(status)
    if status.st_nlink > 1:
        raise UnusableFile("is known under another name as well (a hard link)")
    if status.st_uid not in owned_by:
        raise UnusableFile("belongs to another user")
    if status.st_size > most:
        raise UnusableFile(f"is implausibly large ({status.st_size:,} bytes)")


def open_carefully(path: Path, flags: int, mode: int = 0o666) -> int:
    """A descriptor of a regular file, opened without following a link and without waiting.

    Raises
    ------
    UnusableFile
        If it is something else, also if it becomes that in this moment.
    OSError
        If it cannot be opened.
    """
    status = status_of(path)
    if status is not None:
        refuse_kind(status)  # before: opening alone can set a device going
    descriptor = os.open(path, flags | _CAREFULLY, mode)
    try:
        refuse_kind(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_carefully(path: Path) -> BinaryIO:
    """A regular file, open for reading without a buffer; raises as :func:`open_carefully`."""
    return os.fdopen(open_carefully(path, os.O_RDONLY), "rb", buffering=0)


def in_the_way(path: Path, file: Path, what: object) -> ProjectError:
    """The error for something beside a project that must not be touched."""
    return ProjectError(f"{path}: {file.name} beside it {what}; nothing was touched, move it away first")


def files_beside(path: Path, project: os.stat_result | None) -> dict[str, os.stat_result]:
    """SQLite's files beside a project by suffix, none of which is opened.

    Parameters
    ----------
    project : the status of the project's file; None where there is none (yet).

    Raises
    ------
    ProjectError
        If one of them is not what SQLite could have left there.
    """
    found = {}
    most = _LARGE + (4 * project.st_size if project is not None else 0)
    for suffix in SUFFIXES:
        file = side_file(path, suffix)
        try:
            status = status_of(file)
            if status is not None:
                refuse_side(status, owners(project), most)
                found[suffix] = status
        except UnusableFile as what:
            raise in_the_way(path, file, what) from None
        except OSError as error:
            raise translate(error, file) from None
    return found


def check_contents(path: Path, file: Path, suffix: str, header: bytes | None) -> None:
    """Check that a file of that suffix is one that SQLite left for this project.

    Only for a project that this process has not open: closing the file again drops SQLite's locks on it.

    Parameters
    ----------
    path : the project, for messages.
    file : what is checked: the file beside it, or a copy of that.
    header : the first 100 bytes of the project; None for one that is about to be made or replaced.

    Raises
    ------
    ProjectError
        If it is not, or is a journal that names another file: SQLite would delete that one.
    """
    beside = side_file(path, suffix)
    try:
        with read_carefully(file) as opened:
            {JOURNAL: _check_journal, LOG: _check_log, SHARED: _check_shared}[suffix](opened, header)
    except FileNotFoundError:  # its process has just ended properly
        return
    except UnusableFile as what:
        raise in_the_way(path, beside, what) from None
    except OSError as error:
        raise translate(error, beside) from None


_FOREIGN = "is not of SQLite, or damaged"
_OTHERS = "is of another project"


def page_size(header: bytes) -> int:
    """Bytes of a page, by a project's first bytes."""
    (size,) = struct.unpack_from(">H", header, 16)
    return 65536 if size == 1 else int(size)


def _check_journal(file: BinaryIO, header: bytes | None) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(_JOURNAL_MAGIC)))
    if file.read() == _JOURNAL_MAGIC and size > len(_JOURNAL_MAGIC):
        raise UnusableFile("is a journal that names another file, which SQLite would delete")
    file.seek(0)
    start = file.read(28)
    # what is not yet safe on the disk has zeros in the place of the magic number and of the count behind it
    magic = next((each for each in (_JOURNAL_MAGIC, bytes(12)) if each.startswith(start[: len(each)])), None)
    if magic is None:
        raise UnusableFile(_FOREIGN)
    if len(start) < 28:  # the disk was full
        return
    sector, page = struct.unpack_from(">II", start, 20)
    if not (_power_of_two(sector, 32) and _power_of_two(page, 512)):
        raise UnusableFile(_FOREIGN)
    if header is None:
        return
    if page != page_size(header):
        raise UnusableFile(_OTHERS)
    file.seek(sector)
    record = file.read(4 + 100)
    if len(record) == 104 and record[:4] == b"\0\0\0\1":  # the first page as it was
        before = record[4:]
        (was,), (now,) = struct.unpack_from(">I", before, 24), struct.unpack_from(">I", header, 24)
        if before[68:72] != header[68:72] or (now - was) % 2**32 > 1:  # each change counts one on
            raise UnusableFile(_OTHERS)


def _check_log(file: BinaryIO, header: bytes | None) -> None:
    start = file.read(32)
    if not any(struct.pack(">I", magic).startswith(start[:4]) for magic in _LOG_MAGIC):
        raise UnusableFile(_FOREIGN)
    if len(start) < 32:  # the disk was full
        return
    version, page = struct.unpack_from(">II", start, 4)
    if version != _LOG_VERSION or not _power_of_two(page, 512):
        raise UnusableFile(_FOREIGN)
    if header is not None and page != page_size(header):
        raise UnusableFile(_OTHERS)


def _check_shared(file: BinaryIO, header: bytes | None) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(4)
    known = [bytes(4), *(struct.pack(order + "I", _LOG_VERSION) for order in "<>")]
    if (size not in (0, 3) and size % 32768) or not any(each.startswith(start) for each in known):
        raise UnusableFile(_FOREIGN)


def _power_of_two(number: int, least: int) -> bool:
    return least <= number <= 65536 and number & (number - 1) == 0
