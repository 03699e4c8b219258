"""How the points of a curve are packed into bytes, and thinned to what a chart can show.

A chunk is up to ``CHUNK`` points. Its bytes are self-contained: a header, the iterations (left out
where they are evenly spaced), the values (as float32 where that loses nothing), and a checksum. Its
summary holds, for every ``BLOCK`` points, the lowest and the highest of them, packed the same way:
a chart a thousand pixels wide is drawn from the summaries of a million points, and no spike is lost.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096  # points
BLOCK = 64  # points

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


def summarise(x: Iterations, y: Values) -> tuple[Iterations, Values]:
    """The lowest and the highest point of every block: always two points per block, in order."""
    chosen = _extremes(y, BLOCK)
    return x[chosen], y[chosen]


def decimate(x: Iterations, y: Values, width: int) -> tuple[Iterations, Values]:
    """At most ``2 * width`` of the points: the lowest and the highest of each of ``width`` columns.

    A column is a group of neighbouring points. NaN is kept where a column holds nothing else.
    """
    if len(x) <= 2 * width:
        return x, y
    chosen = np.unique(_extremes(y, -(-len(x) // width)))
    return x[chosen], y[chosen]


def decimate_summary(x: Iterations, y: Values, width: int) -> tuple[Iterations, Values]:
    """As :func:`decimate`, from summaries put end to end; a column is then a group of blocks."""
    blocks = -(-len(x) // 2)
    chosen = _extremes(y, 2 * -(-blocks // width))
    kept, unique = np.unique(x[chosen], return_index=True)
    return kept, y[chosen[unique]]


def _extremes(y: Values, size: int) -> NDArray[np.intp]:
    """Indices of the lowest and the highest value of every ``size`` neighbours, in order."""
    groups = -(-len(y) // size)
    # the last group is filled up with its last point again, which changes neither extreme
    index = np.minimum(np.arange(groups * size), len(y) - 1).reshape(groups, size)
    values = y[index]
    missing = np.isnan(values)
    low = np.where(missing, np.inf, values).argmin(axis=1)
    high = np.where(missing, -np.inf, values).argmax(axis=1)
    pairs = np.sort(np.stack([low, high], axis=1), axis=1)
    return np.take_along_axis(index, pairs, axis=1).ravel()
