"""Rows of small images with frames and captions, in one pair of matplotlib axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbench.analysis.colours import on_paper
from workbench.pictures import WRONG, Array, Panel, Picture
from workbench.words import told_apart, visible

ACROSS = 10
"""Pictures in a line; a row of more goes on in the next."""

GAP = 0.16
CAPTION = 0.42
LONGEST_ROW_NAME, LONGEST_CAPTION = 18, 14
"""Letters beside a row and under a picture."""


def shape_of(panel: Panel) -> tuple[float, float]:
    """Width and height of the grid, in pictures' sides."""
    across = max((len(line) for _, line in _lines(panel)), default=1)
    captioned = any(picture.caption for row in panel.pictures for picture in row)
    down = len(_lines(panel)) * (1 + GAP + (CAPTION if captioned else 0.0))
    return across * (1 + GAP) + _names_width(panel), down


def _lines(panel: Panel) -> list[tuple[str, tuple[Picture, ...]]]:
    """The rows, each with its name, in lines of so many pictures."""
    names = _row_names(panel) or [""] * len(panel.pictures)
    return [
        (name if not first else "", row[first : first + ACROSS])
        for name, row in zip(names, panel.pictures, strict=True)
        for first in range(0, max(1, len(row)), ACROSS)
    ]


def _names_width(panel: Panel) -> float:
    return 0.34 * max(map(len, _row_names(panel)), default=0)


def _row_names(panel: Panel) -> list[str]:
    return told_apart(list(map(visible, panel.row_names)), LONGEST_ROW_NAME)


def draw_pictures(axes: Axes, panel: Panel, font_size: float, *, colour: bool) -> None:
    """Draw a panel's pictures; a wrong frame is dotted, for prints and colour-blind eyes."""
    across, down = shape_of(panel)
    captioned = any(picture.caption for row in panel.pictures for picture in row)
    pitch = 1 + GAP + (CAPTION if captioned else 0.0)
    names = _names_width(panel)
    written = [picture.caption for row in panel.pictures for picture in row]
    captions = dict(zip(written, told_apart(written, LONGEST_CAPTION), strict=True))
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-names, across - names)
    axes.set_ylim(down, 0)
    for row, (name, pictures) in enumerate(_lines(panel)):
        top = row * pitch + GAP / 2
        axes.text(-0.1, top + 0.5, name, ha="right", va="center", fontsize=font_size * 0.9)
        for column, picture in enumerate(pictures):
            left = column * (1 + GAP) + GAP / 2
            axes.imshow(
                _shown(picture.pixels),
                extent=(left, left + 1, top + 1, top),
                cmap="gray",
                vmin=0.0,
                vmax=1.0,
                interpolation="nearest",
                aspect="equal",
            )
            frame: dict[str, Any] = {"edgecolor": "#bbbbbb", "linewidth": 0.4}
            if picture.frame:
                frame = {
                    "edgecolor": on_paper(picture.frame) if colour else "#000000",
                    "linewidth": 1.0,
                    "linestyle": ":" if picture.frame == WRONG else "-",
                }
            axes.add_patch(Rectangle((left, top), 1, 1, fill=False, **frame))
            if picture.caption:
                caption = captions[picture.caption]
                axes.text(left + 0.5, top + 1.05, caption, ha="center", va="top", fontsize=font_size * 0.7)
    axes.set_xlim(-names, across - names)  # imshow sets them to its own
    axes.set_ylim(down, 0)


def _shown(pixels: Array) -> Array:
    """``[channels, height, width]`` as matplotlib takes it."""
    clipped = np.clip(pixels, 0.0, 1.0)
    return clipped[0] if len(clipped) == 1 else np.moveaxis(clipped[:3], 0, -1)
