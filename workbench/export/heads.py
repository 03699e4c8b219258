"""The words of a grid of panels on paper: above its columns, beside its rows, and over each of its cells."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.axes import Axes

from workbench.analysis.colours import on_paper
from workbench.export.wishes import Style
from workbench.pictures import Figure, Head
from workbench.words import told_apart, visible

LETTER, BOLD = 0.58, 0.84
"""Mean width of a letter in parts of the font's size, and how many bold ones stand for one."""

BESIDE, LEAST_BESIDE, MOST_BESIDE = 0.75, 0.85, 0.35
"""Width of the words beside a row: in panels; in inches at least; in parts of the figure at most."""

SMALLEST, MOST_LINES = 0.62, 7
"""How far letters shrink over a narrow cell, and the lines of a head at most."""

OF_ITS_OWN = 0.88
"""The part of a column that numbers and names of axes beside it leave."""

BRIEF = 20
"""Letters of a column below which its head goes without what stands in brackets."""


def beside(figure: Figure, columns: int, width: float) -> float:
    """Inches of the words beside the rows of a figure that is so wide."""
    if not figure.row_heads:
        return 0.0
    return min(MOST_BESIDE * width, max(LEAST_BESIDE, BESIDE * width / (columns + BESIDE)))


def above(figure: Figure, columns: int, style: Style) -> float:
    """Inches of the heads above a figure's columns; 0 where it has none."""
    width = style.width_mm / 25.4
    each = (width - beside(figure, columns, width)) / columns
    return max((head_height(head, each, style) for head in figure.column_heads), default=0.0)


def letters(inches: float, points: float) -> int:
    """How many letters have room in a width."""
    return max(4, int(inches * 72 / (points * LETTER)))


def over_cells(figure: Figure, width: float, style: Style) -> tuple[list[str], float]:
    """What stands over each panel, in lines where it is too long for one, and the font's size for it.

    Parameters
    ----------
    width : of a panel, in inches.
    """
    room, titles = letters(OF_ITS_OWN * width, style.font_size), [panel.title for panel in figure.panels]
    if not figure.column_heads:
        return told_apart(titles, max(12, letters(width, style.font_size))), style.font_size
    lines = [title.split(" · ") for title in titles]
    if max(map(len, titles)) <= room:
        return titles, style.font_size
    longest = max(len(line) for each in lines for line in each)
    shrunk = max(SMALLEST, min(1.0, room / longest))
    room = int(room / shrunk)
    flat = iter(told_apart([line for each in lines for line in each], room))
    return ["\n".join(next(flat) for _ in each) for each in lines], shrunk * style.font_size


def head_height(head: Head, width: float, style: Style) -> float:
    """Inches of a head in a width of so many."""
    title, more, _ = _lines(head, width, style)
    return (len(title) + len(more)) * style.font_size / 72 * 1.5


def draw_head(axes: Axes, head: Head, width: float, style: Style) -> None:
    """A head: its title in the colour of what it stands for, and more about it beneath."""
    axes.set_axis_off()
    title, more, shrunk = _lines(head, width, style)
    colour = on_paper(head.colour, 0.0) if head.colour and not style.black else "#000000"
    place: dict[str, Any] = {"va": "top", "transform": axes.transAxes, "in_layout": False}
    size = shrunk * style.font_size
    axes.text(0.0, 1.0, "\n".join(title), color=colour, fontweight="bold", fontsize=size, **place)
    axes.text(0.0, 1.0, "\n".join([*([""] * len(title)), *more]), fontsize=style.font_size * 0.9, **place)


def _lines(head: Head, width: float, style: Style) -> tuple[list[str], list[str], float]:
    """The title of a head and more about it, line by line, and how far the title shrinks."""
    room, words = letters(OF_ITS_OWN * width, style.font_size), visible(head.title)
    bold = max(4, int(BOLD * room))
    shrunk = max(SMALLEST, min(1.0, bold / max(map(len, words.split()), default=1)))
    bold = int(bold / shrunk)
    words = told_apart([words], 2 * bold)[0]
    title = textwrap.wrap(words, bold, max_lines=2, placeholder="…", break_on_hyphens=False) or [words]
    text = visible(head.text)
    if head.colour and room < BRIEF:
        text = text.partition(" (")[0]
    return title, textwrap.wrap(text, int(room / 0.9), max_lines=MOST_LINES, placeholder=" …"), shrunk
