"""Finds images of different classes that cannot be told apart, such as Latin A and Greek Alpha."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# What may be done to one of two images before they are compared: nothing, a shift, a narrowing, a
# flattening, a slant (x and y in the original, as a function of x and y from the image's middle).
# The opposite changes need no entry: they are the same changes done to the other image.
_CHANGES = (
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    (1.0, 0.0, 1.0, 0.0, 1.0, 0.0),
    (1.0, 0.0, 0.0, 0.0, 1.0, 1.0),
    (1.25, 0.0, 0.0, 0.0, 1.0, 0.0),
    (1.0, 0.0, 0.0, 0.0, 1.25, 0.0),
    (1.0, 0.15, 0.0, 0.0, 1.0, 0.0),
)
_LEVELS = 128
_ROWS = 256


def likeness(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """The greatest correlation between an image of one class and a slightly changed one of another.

    Parameters
    ----------
    images : of each class, uint8 ``[n of the class, side, side]``, blank at the edges.

    Returns
    -------
    float32 ``[classes, classes]``, symmetric: Pearson's correlation over the pixels of blurred images.

    Notes
    -----
    All sums are of whole numbers below 2²⁴, which float32 holds exactly: every machine, however it
    orders the additions, agrees on every bit, and so on which classes look alike.
    """
    stacked = np.concatenate(list(images))
    starts = np.cumsum([0, *(len(each) for each in images[:-1])])
    plain, plain_sum, plain_spread = _statistics(stacked)
    if plain.shape[1] * (_LEVELS - 1) ** 2 >= 2**24:
        raise ValueError(f"images of {stacked.shape[1:]} pixels are too large for exact sums")
    best = np.full((len(plain), len(plain)), -1.0, np.float32)
    for change in _CHANGES:
        changed, changed_sum, changed_spread = _statistics(_change(stacked, change))
        for start in range(0, len(plain), _ROWS):
            rows = slice(start, start + _ROWS)
            correlation = (plain[rows] @ changed.T).astype(np.float64)
            correlation *= plain.shape[1]
            correlation -= np.outer(plain_sum[rows], changed_sum)
            correlation /= np.outer(plain_spread[rows], changed_spread)
            np.maximum(best[rows], correlation.astype(np.float32), out=best[rows])
    found = np.maximum.reduceat(np.maximum.reduceat(best, starts, 0), starts, 1)
    return np.maximum(found, found.T)


def _statistics(
    images: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Blurred images as rows, the sum of each and N times its standard deviation."""
    rows = _blur(images).reshape(len(images), -1).astype(np.float32)
    total, square = rows.sum(1, dtype=np.float64), np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return rows, total, np.sqrt(rows.shape[1] * square - total**2)


def _change(images: NDArray[np.uint8], change: Sequence[float]) -> NDArray[np.uint8]:
    a, b, c, d, e, f = change
    side = images.shape[-1]
    matrix = (a, b, c + side / 2 * (1 - a - b), d, e, f + side / 2 * (1 - d - e))
    changed = (
        Image.fromarray(each).transform(
            (side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
        )
        for each in images
    )
    return np.stack([np.asarray(each) for each in changed])


def _blur(images: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Weights 1 2 1 along both axes, in whole numbers below 128."""
    padded = np.pad(images.astype(np.uint32), ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    blurred: NDArray[np.uint32] = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) >> 5
    return blurred
