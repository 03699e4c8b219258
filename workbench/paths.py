"""Where the program keeps files of its own, and how it writes them."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import platformdirs


def cache_folder() -> Path:
    """The folder for what can be made again, made if need be; ``WORKBENCH_CACHE`` names another one."""
    named = os.environ.get("WORKBENCH_CACHE")
    folder = Path(named) if named else platformdirs.user_cache_path("metalearning-workbench", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_folder() -> Path:
    """The folder for what must not be lost: untitled projects, the window's settings.

    Made if need be; ``WORKBENCH_DATA`` names another one.
    """
    named = os.environ.get("WORKBENCH_DATA")
    folder = Path(named) if named else platformdirs.user_data_path("metalearning-workbench", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def resource(name: str) -> Traversable:
    """A file that ships with the program: inside the package when installed, beside it in a checkout."""
    packaged = files("workbench").joinpath("resources", name)
    return packaged if packaged.is_file() else Path(__file__).parents[1] / "resources" / name


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Make a file whole or not at all; of several writers at once the last wins.

    A link is written through: the file that it names is replaced. What cannot be replaced by a file (a pipe,
    a device, a file in a folder that takes no new ones) is written to as it is. A new file has the rights
    that the user gives to new files, one that was there keeps its own.

    Parameters
    ----------
    path : the file.
    write : writes the content to the open file that it is given.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    try:
        before = path.stat()
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        _write_in_place(path, write)
        return
    target = path.resolve()
    if before is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    # short, whatever the file's own name: names have at most 255 bytes
    temporary = target.with_name(f".{os.getpid()}-{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(temporary, flags, 0o666)  # less the user's umask
    except PermissionError:
        if before is None:
            raise
        _write_in_place(target, write)
        return
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        if before is not None:
            if sys.platform != "win32":
                with suppress(OSError):  # another owner's, where only the folder is ours
                    os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(stat.S_IMODE(before.st_mode))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_in_place(path: Path, write: Callable[[BinaryIO], object]) -> None:
    content = BytesIO()  # whole before the first byte of it is seen; some writers want to seek, too
    write(content)
    with path.open("wb", buffering=0) as file:
        left = content.getbuffer()
        while left:
            left = left[file.write(left) or 0 :]
