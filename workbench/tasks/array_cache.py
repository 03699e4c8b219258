"""Keeps arrays that are slow to make (drawn letters, decoded images) in the user's cache folder."""

from __future__ import annotations

import hashlib
import logging
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.paths import cache_folder, write_atomically

Arrays = Mapping[str, NDArray[Any]]
_LOG = logging.getLogger(__name__)


def load_arrays(name: str, key: str) -> Arrays:
    """Arrays stored under a name and key; none where there are none, or the file is damaged."""
    try:
        with _path(name, key).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {each: archive[each] for each in archive.files}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        _LOG.warning("the cache of %s cannot be read and is made again: %s", name, error)
        return {}


def store_arrays(name: str, key: str, arrays: Mapping[str, Any]) -> None:
    """Store arrays for :func:`load_arrays`; without a cache the program is slower, no more."""
    try:
        write_atomically(_path(name, key), lambda file: np.savez(file, **arrays))
    except OSError as error:
        _LOG.warning("the cache of %s cannot be written: %s", name, error)


def _path(name: str, key: str) -> Path:
    return cache_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
