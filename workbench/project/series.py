"""How the points of a curve are packed into bytes.

A chunk is up to ``CHUNK`` points. Its bytes are self-contained: a header, the iterations (left out
where they are evenly spaced), the values (as float32 where that loses nothing), and a checksum.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096  # points

Iterations = NDArray[np.int64]
Values = NDArray[np.float64]

_HEADER = struct.Struct("<BIqqq")  # bytes per value, points, first, last, step (0: iterations listed)
_CHECKSUM = struct.Struct("<I")


def encode(x: Iterations, y: Values) -> bytes:
    """Pack points into bytes; :func:`decode` gives them back bit for bit (NaN as NaN)."""
    step = int(x[1] - x[0]) if len(x) > 1 else 1
    if not (step > 0 and np.array_equal(x, _spaced(int(x[0]), step, len(x)))):
        step = 0
    with np.errstate(over="ignore"):
        narrow = y.astype("<f4")
    exact = np.array_equal(narrow.astype(np.float64), y, equal_nan=True)
    body = b"".join(
        (
            _HEADER.pack(4 if exact else 8, len(x), int(x[0]), int(x[-1]), step),
            b"" if step else x.astype("<i8").tobytes(),
            (narrow if exact else y.astype("<f8")).tobytes(),
        )
    )
    return body + _CHECKSUM.pack(zlib.crc32(body))


def decode(data: bytes) -> tuple[Iterations, Values]:
    """Unpack the bytes of :func:`encode`.

    Raises
    ------
    ValueError
        If the bytes are not what was packed.
    """
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise ValueError("a piece of a curve is cut off")
    body = memoryview(data)[: -_CHECKSUM.size]
    if _CHECKSUM.unpack(data[-_CHECKSUM.size :])[0] != zlib.crc32(body):
        raise ValueError("a piece of a curve does not match its checksum")
    width, points, first, last, step = _HEADER.unpack_from(body)
    start = _HEADER.size + (0 if step else 8 * points)
    if width not in (4, 8) or points < 1 or step < 0 or len(body) != start + width * points:
        raise ValueError("a piece of a curve has the wrong length")
    if step:
        x = _spaced(first, step, points)
    else:
        x = np.frombuffer(body, "<i8", points, _HEADER.size).astype(np.int64)
    if x[0] != first or x[-1] != last:
        raise ValueError("a piece of a curve contradicts its header")
    return x, np.frombuffer(body, f"<f{width}", points, start).astype(np.float64)


def _spaced(first: int, step: int, points: int) -> Iterations:
    # int64 wraps around silently where hostile numbers overflow; decode then finds `last` wrong
    return np.int64(first) + np.int64(step) * np.arange(points, dtype=np.int64)
