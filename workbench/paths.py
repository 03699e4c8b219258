"""Where the program keeps files of its own, and how it writes them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
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

    Parameters
    ----------
    path : the file.
    write : writes the content to the open file that it is given.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
