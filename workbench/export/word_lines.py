"""Writes a panel's lines of words on paper."""

from __future__ import annotations

from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from workbench.analysis.colours import on_paper
from workbench.export.fonts import FAMILY
from workbench.pictures import Panel, wrapped
from workbench.words import visible

SPACING, SMALLER = 1.5, 0.9
"""Of lines, in parts of the font's size; of letters, in parts of the figure's."""


def lines_height(panel: Panel, width: float, font_size: float) -> float:
    """Inches of a panel that is so many wide."""
    size = SMALLER * font_size
    room = _room(width)
    count = sum(len(wrapped(line, lambda text: width_of(text, size), room)) for line in panel.lines)
    return max(1, count) * size * SPACING / 72


def draw_lines(
    axes: Axes, panel: Panel, size_in: tuple[float, float], font_size: float, *, colour: bool
) -> None:
    """Write the lines of a panel; what is marked is underlined.

    Parameters
    ----------
    size_in : inches across and down.
    """
    size, (width, height) = SMALLER * font_size, size_in
    room, y = _room(width), 0.0
    axes.set_axis_off()
    for line in panel.lines:
        for row in wrapped(line, lambda text: width_of(text, size), room):
            y -= size * SPACING
            for left, word in row:
                text = visible(word.text)
                role = on_paper(word.colour) if colour else "#000000"
                axes.text(left, y, text, fontsize=size, color=role, va="baseline", in_layout=False)
                if word.marked:
                    ends = [left, left + width_of(text, size)]
                    axes.plot(ends, [y - 0.22 * size] * 2, color=role, linewidth=0.12 * size, clip_on=False)
    axes.set_xlim(0, room)
    axes.set_ylim(-height * 72 - 0.4 * size, 0)


def _room(width: float) -> float:
    """Points of axes in so many inches: the layout leaves some between panels."""
    return max(1.0, 72 * (0.97 * width - 0.09))


@lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """Points that a text is wide."""
    if not text.strip():
        return 0.58 * size * len(text)  # more than the font's: what a word's letters leave beside them
    drawn = TextPath((0, 0), text, size=size, prop=FontProperties(family=FAMILY))
    return float(drawn.get_extents().width)
