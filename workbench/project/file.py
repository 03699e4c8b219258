"""Looking at a project file without touching it, and how it is kept while it is open.

A file is looked at before anything may change it: first its header's bytes, then its tables through a
connection that takes no locks and creates no files. Only then is it opened for real. A file beside
which a killed process left a journal is looked at in a copy, since reading a journal can change files.
"""

from __future__ import annotations

import ctypes
import shutil
import sqlite3
import stat
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.project import schema
from workbench.project.database import connect
from workbench.project.errors import ProjectError, translated
from workbench.project.locking import LockedElsewhere, WriterLock

_MAGIC = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ncpfs", "davfs", "drvfs", "vboxsf",
            "fuse.sshfs", "fuse.davfs2", "fuse.rclone", "fuse.glusterfs", "fuse.grpcfuse", "ceph",
            "lustre", "virtiofs", "prl_fs", "fuse.vmhgfs-fuse"}  # fmt: skip


def side_file(path: Path, suffix: str) -> Path:
    """The file that SQLite keeps beside a database under that suffix."""
    return path.with_name(path.name + suffix)


def remove_side_files(path: Path) -> None:
    """Remove journals whose database is gone or about to be replaced; else they'd be applied to the new."""
    for suffix in _SIDE_FILES:
        side_file(path, suffix).unlink(missing_ok=True)


def check_header(path: Path) -> bool:
    """Read the first bytes of a file; whether it was closed properly.

    Only for a file that this process has not open: closing it again drops SQLite's locks on it.

    Raises
    ------
    ProjectError
        If it is missing, cut off, no project, or of a newer version.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ProjectError(f"{path}: not a file; a project is a file that ends in .mlwb")
        with path.open("rb") as file:
            header = file.read(100)
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
    page_size, changes, pages, version, application, counted = (
        struct.unpack_from(">" + code, header, offset)[0]
        for code, offset in (("H", 16), ("I", 24), ("I", 28), ("I", 60), ("I", 68), ("I", 92))
    )
    if application != schema.APPLICATION_ID:
        raise foreign
    refuse_newer(path, version)
    clean = write_version == read_version == 1 and not any(
        side_file(path, suffix).exists() for suffix in _SIDE_FILES
    )
    page_size = 65536 if page_size == 1 else page_size
    if clean and changes == counted and status.st_size < pages * page_size:
        raise ProjectError(
            f"{path}: is cut off: {status.st_size} of {pages * page_size} bytes are there; use a copy of it"
        )
    return clean


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


def copy_aside(path: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of its own with a copy of an improperly closed file and its journals.

    Raises
    ------
    StorageError
        If there is no room for it.
    """
    folder = tempfile.TemporaryDirectory(prefix="workbench-", ignore_cleanup_errors=True)
    try:
        with translated(path):
            for suffix in ("", "-wal", "-journal"):
                if side_file(path, suffix).exists():
                    shutil.copyfile(side_file(path, suffix), Path(folder.name) / (path.name + suffix))
    except BaseException:
        folder.cleanup()
        raise
    return folder


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


def hold(path: Path, lock: WriterLock | None = None) -> Callable[[], None]:
    """Count a connection of this process to a file; the returned function gives it up.

    When the last is given up, what the file's writers left in the journal goes into the file itself.
    """
    entry = _open_files.setdefault(path, _OpenFile())
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
    with suppress(OSError, LockedElsewhere):
        if side_file(path, "-wal").stat().st_size == 0:
            return WriterLock.acquire(path)
    return None


def _fold(path: Path) -> None:
    # If it does not succeed (the disk is full), nothing is lost: the commits stay in the -wal file, and
    # the next opening goes on from there. While another process reads, the emptied journal stays.
    with suppress(sqlite3.Error):
        connection = connect(path, "rw", timeout=0.2)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        finally:
            connection.close()
