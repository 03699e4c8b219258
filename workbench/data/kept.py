"""Arrays in the user's cache folder: what is slow to make, found again by what it was made of.

Nothing there is needed: without the folder the program is slower, no more. It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.data import npz
from workbench.errors import DataError
from workbench.paths import cache_folder, write_atomically

Pixels = NDArray[np.uint8]
_DAY = 24 * 3600.0
_USED = {".images-*": _DAY, ".*.part": _DAY, "set-*.npz": 30 * _DAY, "images-*": _DAY}
"""How long files stay that nobody uses: of a program that was killed, prepared sets, an earlier version's."""
_LOG = logging.getLogger(__name__)


def load_arrays(name: str, key: str) -> dict[str, npz.Array]:
    """Arrays stored under a name and key; none where there are none, or the file is damaged."""
    try:
        path = _path(name, key)
        if not path.exists():
            return {}
        with contextlib.suppress(OSError):  # a folder that is only read
            os.utime(path)
        return npz.load_own(path)
    except (OSError, DataError) as error:
        _LOG.warning("the cache of %s cannot be read and is made again: %s", name, error)
        return {}


def store_arrays(name: str, key: str, arrays: npz.Arrays) -> None:
    """Store arrays for :func:`load_arrays`, whole or not at all; without a cache nothing is stored."""
    try:
        path = _path(name, key)
        _remove_unused(path.parent)
        write_atomically(path, lambda file: npz.save_own(file, arrays))
    except OSError as error:
        _LOG.warning("the cache of %s cannot be written: %s", name, error)


class Rows:
    """Takes pixels image by image: few in memory, many in a file of the cache folder that goes when they do.

    Parameters
    ----------
    shape : of one image.
    most : how many there may be.
    """

    def __init__(self, shape: tuple[int, ...], most: int) -> None:
        self._shape, self._count = shape, 0
        self._file: tempfile._TemporaryFileWrapper[bytes] | None = None
        if most * int(np.prod(shape)) > npz.IN_MEMORY:
            with contextlib.suppress(OSError):  # without a cache all is in memory
                _remove_unused(cache_folder())
                self._file = tempfile.NamedTemporaryFile(dir=cache_folder(), prefix=".images-")  # noqa: SIM115
        self._held = np.empty((most if self._file is None else 0, *shape), np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None and kind is not None:
            self._file.close()

    def add(self, pixels: Pixels) -> None:
        """One more image.

        Raises
        ------
        DataError
            If the disk is full.
        """
        if self._file is None:
            self._held[self._count] = pixels
        else:
            try:
                self._file.write(np.ascontiguousarray(pixels).data)
            except OSError as error:
                raise _full(error) from None
        self._count += 1

    def done(self) -> Pixels:
        """All of them ``[N, *shape]``; whoever changes those in a file changes a copy in memory.

        Raises
        ------
        DataError
            If the disk is full.
        """
        if self._file is None or not self._count:
            return self._held[: self._count]
        try:
            self._file.flush()
        except OSError as error:
            raise _full(error) from None
        pixels = np.memmap(self._file.name, np.uint8, "c", shape=(self._count, *self._shape))
        weakref.finalize(pixels, self._file.close)
        return pixels


def _full(error: OSError) -> DataError:
    return DataError(f"{cache_folder()}: cannot take the pixels ({error.strerror}); make room there")


def _path(name: str, key: str) -> Path:
    return cache_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


def _remove_unused(folder: Path) -> None:
    for pattern, longest in _USED.items():
        for left in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > longest:
                    left.unlink()
