"""Folders for what lives no longer than its process, and the end of those whose process was killed.

A folder is its owner's alone, and holds a file that its process keeps locked. A lock ends with its process,
so the next start of the program finds out without guessing which folders nobody uses any more.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.locks import try_lock
from workbench.project.locking import same_file
from workbench.project.side_files import UnusableFile, open_carefully

_PREFIX = "workbench-"
_IN_USE = ".in-use-by-the-workbench"


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that only this user can look into; it goes when the block ends."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = _take(folder)
        if descriptor is not None:
            break
    try:
        yield folder
    finally:
        _remove(folder, descriptor)


def clear_left_folders() -> None:
    """Remove the folders that killed processes left; whatever is not surely one of them stays."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and _is_private(entry):
                folder = Path(entry.path)
                descriptor = _take(folder, make=False)
                if descriptor is not None:
                    _remove(folder, descriptor)


def _is_private(entry: os.DirEntry[str]) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    mine = not hasattr(os, "geteuid") or (
        status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == stat.S_IRWXU
    )
    return stat.S_ISDIR(status.st_mode) and mine


def _take(folder: Path, make: bool = True) -> int | None:
    """Hold a folder's lock; None if another process holds it, or there is none to hold."""
    file = folder / _IN_USE
    try:
        descriptor = open_carefully(file, os.O_RDWR | (os.O_CREAT | os.O_EXCL if make else 0), 0o600)
    except (OSError, UnusableFile):
        if make and folder.is_dir():
            raise
        return None
    try:
        if try_lock(descriptor, shared=False) and same_file(descriptor, file):
            return descriptor
    except OSError:  # a file system without locks: nobody can tell later that it is in use
        if make:
            with suppress(OSError):
                file.unlink()
            return descriptor
    os.close(descriptor)
    return None


def _remove(folder: Path, descriptor: int) -> None:
    # The locked file goes last: a folder that is removed in part can be taken up again. Links in it are
    # removed, not followed.
    if os.name == "nt":  # an open file cannot be removed there
        os.close(descriptor)
    with suppress(OSError):
        for each in folder.iterdir():
            if each.name != _IN_USE:
                _remove_one(each)
        shutil.rmtree(folder, ignore_errors=True)
    if os.name != "nt":
        os.close(descriptor)


def _remove_one(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
