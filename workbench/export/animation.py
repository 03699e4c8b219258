"""Figures one after the other, as an animation for a web page or a talk."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from workbench.export import heads
from workbench.export.drawing import to_bytes
from workbench.export.wishes import Style
from workbench.pictures import Figure

DOTS, COLUMN_MM = 110, 36.0
"""Dots per inch, since it is looked at on a screen; and how wide a column of its panels is at least."""

WHOLE_MS, LONGEST_MS, SHORTEST_MS, END_MS = 8000, 800, 60, 2000
"""For all figures together, for one of them at most and at least, and for the last."""

COLOURS = 128


def to_gif(figures: Sequence[Figure], style: Style) -> bytes:
    """A GIF that begins anew when it is over, a frame for each figure; all are as large as the largest, and
    what is drawn stays where it is when heads take another line."""
    columns = max(each.columns + bool(each.row_heads) for each in figures)
    width = max(style.width_mm, COLUMN_MM * columns)
    small = style.model_copy(update={"dots_per_inch": min(DOTS, style.dots_per_inch), "width": width})
    above = max(heads.above(each, max(1, min(each.columns, len(each.panels))), small) for each in figures)
    drawn = (to_bytes(figure, small, "png", above=above) for figure in figures)
    pages = [Image.open(io.BytesIO(each)).convert("RGB") for each in drawn]
    size = max(page.width for page in pages), max(page.height for page in pages)
    frames = []
    for page in pages:
        frame = Image.new("RGB", size, "white")
        frame.paste(page)
        frames.append(frame.quantize(COLOURS, dither=Image.Dither.NONE))
    each = min(LONGEST_MS, max(SHORTEST_MS, WHOLE_MS // len(frames)))
    content = io.BytesIO()
    frames[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[*[each] * (len(frames) - 1), END_MS],
        loop=0,
        disposal=1,
    )
    return content.getvalue()
