"""Draws a panel's heat map on paper: cells with their numbers, named at the left and below."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbench.analysis.colours import PAPER
from workbench.export.heads import letters
from workbench.pictures import INK, Panel
from workbench.words import told_apart, visible

LONGEST_NAME, ROW = 24, 3.1
"""Letters of a row's name; height of a row, in lines."""

MOST_LINES = 3
SMALLER = 0.9


def shades_height(panel: Panel, width: float, font_size: float) -> float:
    """Inches of a panel that is so many wide."""
    line = font_size * SMALLER / 72 * 1.3
    below = max((len(_wrapped(panel, name, width, font_size)) for name in panel.x_names), default=0)
    return (ROW * len(panel.shades) + below + 1.2) * line


def draw_shades(axes: Axes, panel: Panel, font_size: float, *, colour: bool) -> None:
    """Draw the cells; in black and white, in greys."""
    width = axes.get_figure().get_size_inches()[0]  # type: ignore[union-attr]
    size = font_size * SMALLER
    for row, shades in enumerate(panel.shades):
        for column, shade in enumerate(shades):
            fill, text = PAPER.shaded(panel.shade if colour else INK, shade.part)
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, edgecolor="white", linewidth=1.0))
            weight = "bold" if shade.strong else "normal"
            axes.text(
                column + 0.5,
                row + 0.5,
                visible_lines(shade.text),
                ha="center",
                va="center",
                color=text,
                fontsize=size,
                weight=weight,
                linespacing=1.15,
            )
    names = ["\n".join(_wrapped(panel, name, width, font_size)) for name in panel.x_names]
    axes.set_xticks([at + 0.5 for at in range(len(names))], names)
    rows = told_apart([visible(name) for name in panel.row_names], LONGEST_NAME)
    axes.set_yticks([at + 0.5 for at in range(len(rows))], rows)
    axes.tick_params(length=0)
    axes.set_xlim(0, len(names))
    axes.set_ylim(len(rows), 0)
    for side in axes.spines.values():
        side.set_visible(False)


def visible_lines(text: str) -> str:
    """Lines of text, what cannot be seen in them as pictures."""
    return "\n".join(map(visible, text.split("\n")))


def _wrapped(panel: Panel, name: str, width: float, font_size: float) -> list[str]:
    room = letters(0.72 * width / max(1, len(panel.x_names)), font_size * SMALLER)
    return textwrap.wrap(visible(name), max(5, room), max_lines=MOST_LINES, placeholder="…") or [""]
