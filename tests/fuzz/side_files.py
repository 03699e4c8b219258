"""What may lie beside a project that somebody sent: links, pipes, devices, journals that are none.

A part of the search ``projects``: :func:`mutate` lays it out, :func:`state` tells whether anything changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

LOCK = "lock"
SUFFIXES = ("-journal", "-wal", "-shm", LOCK)
VICTIM = "thesis.txt"
"""A file of the user in the same folder, which everything here points at; made by :func:`mutate`."""

MAGIC = bytes.fromhex("d9d505f920a163d7")
_PRECIOUS = b"Chapter 1. Three years of work.\n" * 40
_ELSEWHERE = 65534  # a user who is not the one that runs this

Kind = Callable[[Path, Path, Path, Random], None]
"""Puts something under a name: the name, the project's path, the victim's, chance."""


State = dict[str, tuple[object, ...]]


def place(project: Path, suffix: str) -> Path:
    """The name under which a project's side file lies."""
    name = f".{project.name}.lock" if suffix == LOCK else project.name + suffix
    return project.with_name(name)


def mutate(folder: Path, rng: Random) -> list[str]:
    """Lay one to three things beside the project in a folder; what was done, in words.

    The folder holds one project (``*.mlwb``); a victim is put there too. What lay under a name before goes.
    """
    (project,) = [each for each in folder.iterdir() if each.suffix == ".mlwb" and not each.is_symlink()]
    done = []
    for suffix in rng.sample(SUFFIXES, rng.choice((1, 1, 1, 2, 3))):
        kind = rng.choice(list(KINDS))
        lay(project, suffix, kind, rng)
        done.append(f"{suffix}: {kind}")
    return done


def lay(project: Path, suffix: str, kind: str, rng: Random) -> None:
    """Put a thing of a kind under the name of a project's side file."""
    victim = project.with_name(VICTIM)
    if not victim.exists():
        victim.write_bytes(_PRECIOUS)
    file = place(project, suffix)
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    file.unlink(missing_ok=True)
    KINDS[kind](file, project, victim, rng)


def state(folder: Path) -> State:
    """Everything in a folder: kind, owner, time of change, number, and content where it is a file."""
    found: State = {}
    for file in sorted(folder.rglob("*")):
        status = file.lstat()
        content: object = ""
        if stat.S_ISLNK(status.st_mode):
            content = str(file.readlink())
        elif stat.S_ISREG(status.st_mode) and status.st_size < 1 << 26:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
        own = () if stat.S_ISDIR(status.st_mode) else (status.st_mtime_ns, status.st_nlink)
        found[str(file.relative_to(folder))] = (
            status.st_mode,
            status.st_uid,
            status.st_ino,
            status.st_size,
            content,
            *own,
        )
    return found


def changed(project: Path, before: State, after: State, *, writes: bool) -> str:
    """What a command changed that it must not, in one line; empty if nothing.

    Parameters
    ----------
    writes : whether it may change the project and take up what its own killed process left beside it.
    """
    own = {each.name for each in (project, *(place(project, suffix) for suffix in SUFFIXES)) if writes}
    wrong = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    return ", ".join(sorted(f"{name} changed" for name in wrong if name not in own))


def _link(file: Path, project: Path, victim: Path, rng: Random) -> None:
    targets = [victim.name, str(victim), "/dev/zero", "/dev/full", "nowhere", str(project.parent), file.name]
    file.symlink_to(rng.choice([*targets, project.name, "../" + project.parent.name + "/" + victim.name]))


def _hard_link(file: Path, project: Path, victim: Path, rng: Random) -> None:
    file.hardlink_to(victim)


def _pipe(file: Path, project: Path, victim: Path, rng: Random) -> None:
    os.mkfifo(file)


def _socket(file: Path, project: Path, victim: Path, rng: Random) -> None:
    _node(file, stat.S_IFSOCK)


def _device(file: Path, project: Path, victim: Path, rng: Random) -> None:
    _node(file, stat.S_IFCHR, os.makedev(1, rng.choice((3, 5, 7))))  # null, zero, full


def _node(file: Path, kind: int, number: int = 0) -> None:
    try:
        os.mknod(file, kind | 0o666, number)
    except PermissionError:  # a pipe anybody can make
        os.mkfifo(file)


def _folder(file: Path, project: Path, victim: Path, rng: Random) -> None:
    file.mkdir()
    if rng.random() < 0.5:
        (file / "mine.txt").write_bytes(_PRECIOUS)


def _hollow(file: Path, project: Path, victim: Path, rng: Random) -> None:
    start = rng.choice((b"", b"x", MAGIC, left_beside(project, "-wal")[:4096], struct.pack("<I", 3007000)))
    file.write_bytes(start)
    os.truncate(file, rng.choice((1 << 31, 1 << 40, 1 << 42)))


def _of_another(file: Path, project: Path, victim: Path, rng: Random) -> None:
    file.write_bytes(
        rng.choice((b"", left_beside(project, "-wal"), left_beside(project, "-journal"), _PRECIOUS))
    )
    try:
        os.chown(file, _ELSEWHERE, -1)
    except PermissionError:
        file.write_bytes(_PRECIOUS)


def _text(file: Path, project: Path, victim: Path, rng: Random) -> None:
    noise = rng.randbytes(rng.randrange(9000))
    file.write_bytes(rng.choice((_PRECIOUS, b"a", b"\n", "naïve\n".encode(), noise)))


def _empty(file: Path, project: Path, victim: Path, rng: Random) -> None:
    file.write_bytes(b"")


def _zeros(file: Path, project: Path, victim: Path, rng: Random) -> None:
    file.write_bytes(bytes(rng.choice((1, 3, 12, 28, 512, 4096, 32768))))


def _super(file: Path, project: Path, victim: Path, rng: Random) -> None:
    """A journal that names the victim, for SQLite to delete."""
    body = rng.choice((left_beside(project, "-journal"), MAGIC + bytes(504), _header(0, 0, 4096)))
    file.write_bytes(body + with_super(str(rng.choice((victim, project, victim.parent)))))


def with_super(name: str) -> bytes:
    """The end of a journal that belongs to a transaction over several files, which the named one lists."""
    text = name.encode()
    start = struct.pack(">I", 0x40000000 // 4096 + 1) + text
    return start + struct.pack(">II", len(text), sum(text) & 0xFFFFFFFF) + MAGIC


def _header(count: int, pages: int, page: int) -> bytes:
    return (MAGIC + struct.pack(">IIIII", count, 0, pages, 512, page)).ljust(512, b"\0")


def _journal(file: Path, project: Path, victim: Path, rng: Random) -> None:
    """A hot journal: of this project, of another, or a damaged one."""
    body = bytearray(
        rng.choice(
            (left_beside(project, "-journal"), _header(rng.randrange(3), 0, 4096), _header(0, 1, 1024))
        )
    )
    _damage(body, rng)
    file.write_bytes(body)


def _log_of(file: Path, project: Path, victim: Path, rng: Random) -> None:
    """A write-ahead log, sound or damaged."""
    body = bytearray(left_beside(project, "-wal"))
    _damage(body, rng)
    file.write_bytes(body)


def _shared(file: Path, project: Path, victim: Path, rng: Random) -> None:
    body = struct.pack("<I", 3007000) + rng.randbytes(132)
    file.write_bytes(body.ljust(rng.choice((3, 136, 32768)), b"\0"))


def _damage(body: bytearray, rng: Random) -> None:
    if body and rng.random() < 0.6:
        for _ in range(rng.randrange(1, 4)):
            length = rng.choice((min(64, len(body)), len(body)))
            body[rng.randrange(length)] = rng.randrange(256)
        del body[rng.choice((len(body), rng.randrange(len(body)))) :]


KINDS: dict[str, Kind] = {
    "link": _link,
    "hard link": _hard_link,
    "pipe": _pipe,
    "socket": _socket,
    "device": _device,
    "folder": _folder,
    "hollow giant": _hollow,
    "another user's": _of_another,
    "text": _text,
    "empty": _empty,
    "zeros": _zeros,
    "journal with a super-journal": _super,
    "journal": _journal,
    "log": _log_of,
    "shared memory": _shared,
}
if sys.platform == "win32":
    for _name in ("link", "hard link", "pipe", "socket", "device", "hollow giant", "another user's"):
        del KINDS[_name]


_KILLED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=" + sys.argv[2])
database.execute("PRAGMA cache_size=1")
database.execute("BEGIN")
database.execute("INSERT OR REPLACE INTO settings VALUES ('left', ?)", ('"%s"' % ("x" * 30_000),))
if sys.argv[2] == "wal":
    database.execute("COMMIT")
os._exit(9)
"""


def left_beside(project: Path, suffix: str) -> bytes:
    """What a process that was killed while it wrote this project would leave under that suffix."""
    with suppress(OSError):
        return _left(project.read_bytes(), "delete" if suffix == "-journal" else "wal", suffix)
    return b""


@cache
def _left(content: bytes, mode: str, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "P.mlwb"
        path.write_bytes(content)
        subprocess.run(
            [sys.executable, "-c", _KILLED, str(path), mode], stderr=subprocess.DEVNULL, check=False
        )
        left = path.with_name(path.name + suffix)
        return left.read_bytes() if left.exists() else b""
