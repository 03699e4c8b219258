"""Colours of the window on white paper."""

from __future__ import annotations

import colorsys

# Okabe and Ito's colours (jfly.uni-koeln.de/color), safe for colour-blind eyes; yellow is darkened, and grey
# stands in for black. The order keeps neighbours apart.
ON_PAPER = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#7a4fbf", "#4d4d4d")
"""Colours of algorithms, in the order in which they are given out."""

LEAST_CONTRAST = 2.2
DARKEST, LIGHTEST = 0.55, 0.45
"""How far shades of a colour go towards ink and paper."""


def on_white(colour: str) -> str:
    """The colour, darkened if it could hardly be seen on white; light greys become dark ones.

    Parameters
    ----------
    colour : ``#rrggbb``.
    """
    if contrast_with_white(colour) >= LEAST_CONTRAST:
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(colour))
    red, green, blue = _parts(colour)
    if max(red, green, blue) - min(red, green, blue) < 0.1:
        return _hex(hue, 1 - lightness, saturation)
    while contrast_with_white(_hex(hue, lightness, saturation)) < LEAST_CONTRAST:
        lightness -= 0.02
    return _hex(hue, lightness, saturation)


def contrast_with_white(colour: str) -> float:
    """WCAG's ratio, 1 to 21."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def blend(start: str, end: str, part: float) -> str:
    """The colour a part (0 to 1) of the way from one to another."""
    pairs = zip(_parts(start), _parts(end), strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * part)):02x}" for a, b in pairs)


def shade(colour: str, place: int, count: int, *, ink: str, paper: str) -> str:
    """One of several shades of a colour: towards the ink at first, towards the paper at last.

    They differ in lightness, so that colour-blind eyes and grey prints tell them apart.

    Parameters
    ----------
    place, count : which of how many; a single one is the colour itself.
    ink, paper : of the picture, ``#rrggbb``.
    """
    part = 2 * place / (count - 1) - 1 if count > 1 else 0.0  # -1 to 1
    return blend(colour, ink, -DARKEST * part) if part < 0 else blend(colour, paper, LIGHTEST * part)


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(
        f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation)
    )
