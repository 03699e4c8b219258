"""The files of published sets on this machine: whole ones by name, parts in a folder of their own."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from workbench.data.progress import Progress, silent
from workbench.data.published.download import USUAL, Broken, Patience, Refused, Wanted, fetch, refuse_full
from workbench.data.published.listing import Entry, File
from workbench.errors import DataError
from workbench.locks import try_lock
from workbench.paths import data_folder, write_atomically
from workbench.words import listed

State = Literal["downloaded", "partly", ""]
_BLOCK, _LOCK = 2**20, ".lock"


def folder_of(entry: Entry) -> Path:
    """Where a set's files lie, or are taken from when somebody has put them there."""
    return data_folder() / "downloads" / (entry.folder or entry.name)


def parts_of(entry: Entry) -> Path:
    """Where its files grow."""
    return data_folder() / "downloads" / ".parts" / (entry.folder or entry.name)


def table_of(name: str) -> Path:
    """The table that a set of sentences is kept in."""
    return data_folder() / "tables" / f"{name}.tsv"


def state_of(entry: Entry) -> State:
    """What of it is here, by names and sizes."""
    folder, parts = folder_of(entry), parts_of(entry)
    here = [file for file in entry.files if _fits(folder / file.name, file)]
    if entry.files and len(here) == len(entry.files):
        return "downloaded"
    begun = any(_bytes(parts / f"{file.name}.part") for file in entry.files)
    return "partly" if here or begun else ""


def obtain(entry: Entry, progress: Progress = silent, patience: Patience = USUAL) -> Path:
    """Have all files of a set, and return their folder.

    Files that are there are checked and used, whoever put them there; parts are gone on with.

    Raises
    ------
    DataError
        If one cannot be had, or is there and is another one; nothing that is there is changed.
    """
    if not entry.files:
        raise DataError(f"{entry.title} cannot be fetched: {entry.instructions}")
    folder, parts = folder_of(entry), parts_of(entry)
    for each in (folder, parts):
        each.mkdir(parents=True, exist_ok=True)
    missing = [file for file in entry.files if not _is_here(entry, file, folder, progress)]
    refuse_full(
        parts, sum((file.size or file.at_most) - _bytes(parts / f"{file.name}.part") for file in missing)
    )
    if missing:
        with _alone(entry, parts):
            for file in missing:
                if not (folder / file.name).exists():  # another program may have had it meanwhile
                    _obtain(entry, file, folder, parts, _Rate(entry, file, progress), patience)
    with suppress(OSError):  # parts of other files may lie there: sets may share a folder
        (parts / _LOCK).unlink(missing_ok=True)
        parts.rmdir()
    return folder


def remove(entry: Entry) -> None:
    """Delete a set's files and parts; what was imported of them stays."""
    for each in (folder_of(entry), parts_of(entry)):
        with suppress(FileNotFoundError):
            shutil.rmtree(each)


def by_hand(entry: Entry, file: File) -> str:
    """How a file is had without this program, in words."""
    return f"fetch {entry.public(file)} by hand and put it into {folder_of(entry)} as {file.name}"


def _is_here(entry: Entry, file: File, folder: Path, progress: Progress) -> bool:
    path = folder / file.name
    if not path.exists():
        return False
    if not path.is_file():
        raise DataError(f"{path}: is no file; move it away")
    pin = _pin(folder, file)
    expected = file.hash or pin

    def beat(done: int) -> None:
        progress(done / max(file.size or file.at_most, done, 1), f"{entry.title}: checking {file.name}")

    found = _hash_of(path, expected, beat)
    if expected and found != expected:
        whose = "is published" if file.hash else "it had at first"
        raise DataError(
            f"{path}: its hash is {found}, and {expected} {whose}; it is left as it is; move it away, "
            f"or put the right file there ({entry.public(file)})"
        )
    if not expected:
        _keep_pin(folder, file, found)
    return True


def _obtain(entry: Entry, file: File, folder: Path, parts: Path, rate: _Rate, patience: Patience) -> None:
    """Fetch a file into its part, from the first address that has it; it gets its name once it is whole."""
    part, expected = parts / f"{file.name}.part", file.hash or _pin(folder, file)
    wanted = Wanted(file.size, file.limit, bool(expected))
    whys = []
    for address in entry.addresses(file):
        try:
            found = _fetched(address, file, part, wanted, expected, rate, patience)
        except (Refused, Broken) as error:
            whys.append(f"{address}: {error}")
            continue
        if not expected:
            _keep_pin(folder, file, found)
        (parts / file.name).replace(folder / file.name)
        part.with_suffix(".origin").unlink(missing_ok=True)
        return
    raise DataError(
        f"{entry.title}: {file.name} could not be had: {listed(whys, 4, '; ')}; {by_hand(entry, file)}"
    )


def _fetched(
    address: str, file: File, part: Path, wanted: Wanted, expected: str, rate: _Rate, patience: Patience
) -> str:
    """Let pooch have the file, whole and checked, in the folder of its part; returns its hash."""
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)  # it would say on standard error what we say ourselves
    found = [""]

    def download(url: str, target: object, _: object) -> None:
        for again in (True, False):
            pieces = fetch(url, part, wanted, rate.told, patience)
            found[0] = _hash_of(part, expected, rate.checked)
            if not expected or found[0] == expected:
                break
            part.unlink()
            if not (again and pieces):  # some of them may have been of another file
                raise Refused(f"what came has the hash {found[0]}; {expected} is expected")
        with part.open("r+b") as whole:
            os.fsync(whole.fileno())
        part.replace(str(target))

    registry = {file.name: expected or None}
    store = pooch.create(path=part.parent, base_url="", registry=registry, urls={file.name: address})
    (part.parent / file.name).unlink(missing_ok=True)
    try:
        store.fetch(file.name, downloader=download)
    except ValueError as error:
        raise Refused(str(error).split(". ")[0]) from None
    return found[0]


def _hash_of(path: Path, like: str, beat: Callable[[int], None]) -> str:
    """``sha256:…`` of a file, or ``md5:…`` where that is known of it."""
    name = like.partition(":")[0] or "sha256"
    digest, done = hashlib.new(name, usedforsecurity=False), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            beat(done)
    return f"{name}:{digest.hexdigest()}"


def _pin(folder: Path, file: File) -> str:
    """The hash that a file without a published one had when it was first used here."""
    with suppress(OSError, ValueError):
        return f"sha256:{(folder / _pin_name(file)).read_text(encoding='ascii').split()[0]}"
    return ""


def _keep_pin(folder: Path, file: File, found: str) -> None:
    line = f"{found.removeprefix('sha256:')}  {file.name}\n".encode("ascii")
    write_atomically(folder / _pin_name(file), lambda target: target.write(line))


def _pin_name(file: File) -> str:
    return f".{file.name}.sha256"  # hidden: it is no data


def _bytes(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _fits(path: Path, file: File) -> bool:
    return path.is_file() and (not file.size or _bytes(path) == file.size)


@contextmanager
def _alone(entry: Entry, parts: Path) -> Iterator[None]:
    """Hold the parts of a set against other programs."""
    descriptor = os.open(parts / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not try_lock(descriptor, shared=False):
            raise DataError(
                f"{entry.title} is being fetched by another workbench; wait for it, or stop it there"
            )
        for left in parts.glob("tmp*"):  # pooch's, of a program that was killed
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


class _Rate:
    """Tells how far a file has come, and how fast."""

    def __init__(self, entry: Entry, file: File, progress: Progress) -> None:
        self._title, self._file, self._progress = entry.title, file, progress
        sizes = [each.size or each.at_most for each in entry.files]
        self._all, self._before = sum(sizes), sum(sizes[: entry.files.index(file)])
        self._since: tuple[float, int] | None = None

    def told(self, done: int) -> None:
        now = time.monotonic()
        begun, had = self._since = self._since or (now, done)
        rate = (done - had) / 1e6 / (now - begun) if now > begun + 0.2 else 0.0
        size = self._file.size or self._file.at_most
        of = f"{done / 1e6:,.1f} of {'up to ' if not self._file.size else ''}{size / 1e6:,.1f} MB"
        speed = f", {rate:,.1f} MB/s" if rate else ""
        self._progress(self._part(done), f"{self._title}: {self._file.name}, {of}{speed}")

    def checked(self, done: int) -> None:
        self._progress(self._part(self._file.size or done), f"{self._title}: checking {self._file.name}")

    def _part(self, done: int) -> float:
        size = self._file.size or self._file.at_most
        return min(1.0, (self._before + min(done, size)) / max(self._all, 1))
