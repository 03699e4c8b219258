"""Looking at a project file without touching it, and how it is kept while it is open.

A file is looked at before anything may change it: first what lies beside it and its header's bytes, then its
tables through a connection that takes no locks and creates no files. Only then is it opened for real. A file
beside which a killed process left a journal is looked at in a copy, since reading a journal changes files.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.project import schema
from workbench.project.database import BUSY_TIMEOUT, Mode, connect
from workbench.project.errors import ProjectError, translated
from workbench.project.locking import LockedElsewhere, WriterLock
from workbench.project.side_files import (
    JOURNAL,
    LOG,
    UnusableFile,
    check_contents,
    files_beside,
    page_size,
    read_carefully,
    refuse_kind,
    side_file,
    status_of,
)

_MAGIC = b"SQLite format 3\0"
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ncpfs", "davfs", "drvfs", "vboxsf",
            "fuse.sshfs", "fuse.davfs2", "fuse.rclone", "fuse.glusterfs", "fuse.grpcfuse", "ceph",
            "lustre", "virtiofs", "prl_fs", "fuse.vmhgfs-fuse"}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A project file as it was found.

    Attributes
    ----------
    status : of the file; a connection to it must be to this very one.
    beside : SQLite's files beside it, by suffix.
    clean : whether it was closed properly, so that the file alone has everything.
    """

    status: os.stat_result
    beside: dict[str, os.stat_result]
    clean: bool


def find(path: Path) -> Found:
    """Look at a file, and at what lies beside it; where this process has it open, at no content.

    Closing a file again would drop the locks that SQLite has on it for this process.

    Raises
    ------
    ProjectError
        If it is missing, cut off, no project, or of a newer version, or if something else than SQLite's files
        lies where SQLite would take it for them.
    """
    try:
        status = path.lstat()
        refuse_kind(status)
        if is_open(path):
            return Found(status, files_beside(path, status), clean=False)
        _refuse_open_elsewhere(path, status)
        with read_carefully(path) as file:
            header = file.read(100) or b""  # None where the system's own files would let us wait
    except UnusableFile as what:
        raise ProjectError(
            f"{path}: not a file that can be used: it {what}; a project is a regular file that ends in .mlwb"
        ) from None
    except FileNotFoundError:
        raise ProjectError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read: {error.strerror or error}") from None
    foreign = ProjectError(f"{path}: not a project of the Meta-Learning Workbench; open a .mlwb file")
    if not header.startswith(_MAGIC):
        raise foreign
    if len(header) < 100:
        raise ProjectError(f"{path}: is cut off after {len(header)} bytes; use a copy of it")
    write_version, read_version = header[18], header[19]
    changes, pages, version, application, counted = (
        struct.unpack_from(">I", header, offset)[0] for offset in (24, 28, 60, 68, 92)
    )
    if application != schema.APPLICATION_ID:
        raise foreign
    refuse_newer(path, version)
    beside = files_beside(path, status)
    for suffix in beside:
        check_contents(path, side_file(path, suffix), suffix, header)
    clean = write_version == read_version == 1 and not beside
    whole = pages * page_size(header)
    if clean and changes == counted and status.st_size < whole:
        raise ProjectError(
            f"{path}: is cut off: {status.st_size} of {whole} bytes are there; use a copy of it"
        )
    return Found(status, beside, clean)


def connect_to(path: Path, found: Found, mode: Mode, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open a file that was looked at, provided that it is still that one, with the same beside it."""
    connection = connect(path, mode, timeout)  # reads nothing yet, no journal either
    try:
        status = status_of(path)
        if status is None or not os.path.samestat(status, found.status):
            raise ProjectError(f"{path}: was replaced by another file in this moment; open it again")
        beside = files_beside(path, status)
        if mode == "rw" and not is_open(path):  # what it is about to take in was looked at
            for suffix in (JOURNAL, LOG):
                if _stamp(beside.get(suffix)) != _stamp(found.beside.get(suffix)):
                    raise ProjectError(f"{path}: what lies beside it changed in this moment; open it again")
    except BaseException:
        connection.close()
        raise
    return connection


def _stamp(status: os.stat_result | None) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns) if status is not None else ()


def refuse_newer(path: Path, version: int) -> None:
    """Raise a :class:`ProjectError` if a file's version is beyond what this program knows."""
    if version > schema.newest():
        raise ProjectError(
            f"{path}: made by a newer version of the workbench (file version {version}; this one reads "
            f"up to {schema.newest()}); update the workbench to open it"
        )


def check_tables(connection: sqlite3.Connection, path: Path) -> int:
    """Check that an open file has exactly the tables of its version, which is returned.

    Raises
    ------
    ProjectError
        If not: a table more, a view, a trigger or an altered column is no file of ours.
    """
    with translated(path):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        refuse_newer(path, version)
        if application != schema.APPLICATION_ID or version < 1:
            raise ProjectError(f"{path}: not a project of the Meta-Learning Workbench; open a .mlwb file")
        if schema.declared(connection) != schema.expected(version):
            raise ProjectError(f"{path}: its tables are not those of a project; it is damaged or altered")
    return int(version)


def use_journal(connection: sqlite3.Connection, path: Path) -> None:
    """Choose how commits are made safe: WAL, or the rollback journal where a folder cannot do WAL."""
    mode = "delete" if on_network(path) else "wal"
    try:
        (mode,) = connection.execute(f"PRAGMA journal_mode={mode}").fetchone()
    except sqlite3.OperationalError:  # cannot be changed now (no shared memory, a reader): stays as it is
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    # In WAL, NORMAL survives any crash of the program, and a power cut without damage.
    connection.execute(f"PRAGMA synchronous={'NORMAL' if mode == 'wal' else 'FULL'}")
    # What is in the -wal file takes its room twice; a small one leaves more of a nearly full disk.
    connection.execute("PRAGMA wal_autocheckpoint=256").fetchall()
    connection.execute("PRAGMA journal_size_limit=4194304").fetchall()


def on_network(path: Path) -> bool:
    """Whether a path is on a network share, where WAL's shared memory does not reach other machines."""
    if sys.platform == "win32":
        remote = 4
        drive = str(Path(path.drive + "\\"))
        return path.drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive) == remote
    try:
        mounts = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return False
    best, kind = 0, ""
    for line in mounts:
        _, place, file_system, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        if path.is_relative_to(place) and len(place) >= best:
            best, kind = len(place), file_system
    return kind in _NETWORK


@dataclass
class _OpenFile:
    status: os.stat_result
    users: int = 0
    lock: WriterLock | None = None


# The state of the operating system that SQLite and the lock file share per process, hence global:
# which files this process has open, and for which of them it is the writer.
_open_files: dict[Path, _OpenFile] = {}
_guard = threading.RLock()


@contextmanager
def opening() -> Iterator[None]:
    """One opening or closing at a time in this process."""
    with _guard:
        yield


def is_open(path: Path) -> bool:
    """Whether this process has the file open."""
    return path in _open_files


def is_ours(path: Path) -> bool:
    """Whether this process is the file's writer."""
    return path in _open_files and _open_files[path].lock is not None


def _refuse_open_elsewhere(path: Path, status: os.stat_result) -> None:
    for other, entry in _open_files.items():
        if os.path.samestat(entry.status, status):
            raise ProjectError(f"{path}: is open here already, under the name {other}")


def hold(path: Path, found: Found, lock: WriterLock | None = None) -> Callable[[], None]:
    """Count a connection of this process to a file; the returned function gives it up.

    When the last is given up, what the file's writers left in the journal goes into the file itself.
    """
    entry = _open_files.setdefault(path, _OpenFile(found.status))
    entry.users += 1
    entry.lock = entry.lock or lock

    def release() -> None:
        entry.users -= 1
        if entry.users == 0:
            del _open_files[path]
            last = entry.lock or _lock_of_a_closed_project(path)
            if last is not None:
                _fold(path)
                last.release()

    return release


def _lock_of_a_closed_project(path: Path) -> WriterLock | None:
    """For a reader that outlived the writer: the right to remove the empty journal that it held up."""
    with suppress(OSError, LockedElsewhere, ProjectError):
        log = status_of(side_file(path, LOG))
        if log is not None and log.st_size == 0:
            return WriterLock.acquire(path)
    return None


def _fold(path: Path) -> None:
    # If it does not succeed (the disk is full), nothing is lost: the commits stay in the -wal file, and
    # the next opening goes on from there. While another process reads, the emptied journal stays.
    with suppress(sqlite3.Error, ProjectError):
        connection = connect_to(path, find(path), "rw", timeout=0.2)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        finally:
            connection.close()
