"""Figures one after the other, as an animation for a web page or a talk."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from workbench.export.drawing import to_bytes
from workbench.export.wishes import Style
from workbench.pictures import Figure

DOTS = 110
"""Dots per inch: it is looked at on a screen."""

WHOLE_MS, LONGEST_MS, SHORTEST_MS, END_MS = 8000, 800, 60, 2000
"""For all figures together, for one of them at most and at least, and for the last."""

COLOURS = 128


def to_gif(figures: Sequence[Figure], style: Style) -> bytes:
    """A GIF that begins anew when it is over, a frame for each figure; all are as large as the largest."""
    small = style.model_copy(update={"dots_per_inch": min(DOTS, style.dots_per_inch)})
    pages = [Image.open(io.BytesIO(to_bytes(figure, small, "png"))).convert("RGB") for figure in figures]
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
