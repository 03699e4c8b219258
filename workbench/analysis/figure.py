"""The data of a figure, written as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator

from workbench.analysis import tables
from workbench.pictures import Figure


def rows(figure: Figure) -> Iterator[dict[str, object]]:
    """The figure's data, tidy: one row for each point of each curve (pictures have none)."""
    for at, panel in enumerate(figure.panels):
        for curve in panel.curves:
            for index, (x, y) in enumerate(zip(curve.x.tolist(), curve.y.tolist(), strict=True)):
                yield {
                    "panel": figure.title_of(at) or at + 1,
                    "curve": curve.label,
                    "raw": curve.faint,
                    "x": _named(x, panel.x_names),
                    "y": _named(y, panel.y_names),
                    "low": None if curve.low is None else float(curve.low[index]),
                    "high": None if curve.high is None else float(curve.high[index]),
                    "n": None if curve.n is None else int(curve.n[index]),
                    "x_label": panel.x_label,
                    "y_label": panel.y_label,
                }


def _named(x: float, names: tuple[str, ...]) -> float | str:
    """The name of the position that a point stands at, or beside."""
    nearest = round(x) if names and math.isfinite(x) else -1
    return names[nearest] if 0 <= nearest < len(names) else x


def as_csv(figure: Figure, *, table: bool = False) -> str:
    """The figure's data as CSV: its curves' points, or the table that belongs to it.

    Parameters
    ----------
    table : write the table; a figure without curves has no other data.
    """
    points = [] if table else list(rows(figure))
    return tables.as_csv(points or figure.table)
