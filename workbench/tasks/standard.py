"""Standardised values, and the way back to a person's own units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standard:
    """What 0 and 1 stand for in each column of values ``[N, columns]``.

    Attributes
    ----------
    mean : what becomes 0.
    spread : what becomes 1: the standard deviation, or 1 where a column is constant.
    """

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, known: Floats) -> Standard:
        """That of known values, of any offset and scale up to 1e305.

        Deviations from the middle of the range are measured by the largest of them: no square overflows or
        vanishes, and an offset far beyond the spread costs no digits.
        """
        middle = known.min(0) / 2 + known.max(0) / 2
        apart = known - middle
        reach = np.abs(apart).max(0)
        unit = apart / np.where(reach > 0, reach, 1.0)
        spread = reach * unit.std(0)
        return cls(middle + reach * unit.mean(0), np.where(spread > 0, spread, 1.0))

    def applied(self, values: Floats) -> Floats:
        """Values in standard units, ``[…, columns]``."""
        standard: Floats = (values - self.mean) / self.spread
        return standard

    def undone(self, standard: NDArray[np.floating]) -> Floats:
        """Values in a person's own units, ``[…, columns]``."""
        values: Floats = self.mean + self.spread * standard.astype(np.float64)
        return values


@dataclass(frozen=True)
class Standards:
    """Those of inputs and of values that are regressed."""

    x: Standard
    y: Standard
