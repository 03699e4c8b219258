"""Figures one after the other, as an animation for a web page or a talk."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from workbench.export import heads
from workbench.export.drawing import to_pictures
from workbench.export.wishes import Style
from workbench.pictures import Figure

DOTS, COLUMN_MM = 110, 36.0
"""Dots per inch, since it is looked at on a screen; and how wide a column of its panels is at least."""

WHOLE_MS, LONGEST_MS, SHORTEST_MS, END_MS = 8000, 800, 60, 2000
"""For all figures together, for one of them at most and at least, and for the last."""

ALL_MOVES_MS, MOVE_MS, FRAME_MS = 24_000, 2400, 100
"""The same for figures in which something moves: for all together, for one at most, and for a frame of it."""

COLOURS, NEARLY_WHITE = 128, 247


def to_gif(figures: Sequence[Figure], style: Style) -> bytes:
    """A GIF that begins anew when it is over: a frame for each figure, or where something moves in one as
    many as it takes. All are as large as the largest, and what is drawn stays where it is when heads take
    another line."""
    columns = max(each.columns + bool(each.row_heads) for each in figures)
    width = max(style.width_mm, COLUMN_MM * columns)
    small = style.model_copy(update={"dots_per_inch": min(DOTS, style.dots_per_inch), "width": width})
    above = max(heads.above(each, max(1, min(each.columns, len(each.panels))), small) for each in figures)
    stays = min(LONGEST_MS, max(SHORTEST_MS, WHOLE_MS // len(figures)))
    pages: list[Image.Image] = []
    shown: list[int] = []
    for figure in figures:
        moves = min(MOVE_MS, ALL_MOVES_MS // len(figures)) if _moves(figure) else 0
        parts = np.linspace(0.0, 1.0, max(2, moves // FRAME_MS)) if moves else np.ones(1)
        drawn = [Image.fromarray(each) for each in to_pictures(figure, small, parts.tolist(), above=above)]
        palette = _with_white(drawn[-1])  # one for all: what stands still stays
        pages += [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in drawn]
        shown += [*[moves // len(drawn)] * (len(drawn) - 1), stays]
    size = max(page.width for page in pages), max(page.height for page in pages)
    frames = [page if page.size == size else _on_paper(page, size) for page in pages]
    content = io.BytesIO()
    frames[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[*shown[:-1], END_MS],
        loop=0,
        disposal=1,
    )
    return content.getvalue()


def _moves(figure: Figure) -> bool:
    return any(panel.moving is not None and len(panel.moving.x) > 1 for panel in figure.panels)


def _on_paper(page: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A page on a white one of that size."""
    paper = Image.new("RGB", size, "white")
    paper.paste(page.convert("RGB"))
    return paper.quantize(palette=_with_white(paper), dither=Image.Dither.NONE)


def _with_white(page: Image.Image) -> Image.Image:
    """The page in few colours, of which what is nearly white is white: else paper would flicker."""
    found = page.quantize(COLOURS, dither=Image.Dither.NONE)
    colours = np.array(found.getpalette()).reshape(-1, 3)
    colours[colours.min(1) >= NEARLY_WHITE] = 255
    found.putpalette(colours.ravel().tolist())
    return found
