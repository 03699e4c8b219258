"""What the roles of a picture look like: a palette for each painter, the one of white paper here."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass

from workbench.pictures import INK, MUTED, RIGHT, RUNS, WRONG

LEAST_CONTRAST = 2.2
FAINTEST, STRONGEST = 0.06, 0.9
"""How strong the colours of a heat map's cells are."""


@dataclass(frozen=True)
class Palette:
    """Colours (``#rrggbb``) by role; ``runs`` are those of algorithms, in the order of the roles."""

    runs: tuple[str, ...]
    ink: str
    paper: str
    muted: str
    right: str
    wrong: str

    def of(self, role: str, shade: float = 0.0) -> str:
        """The colour of a role, or one that a person chose, in one of a curve's shades."""
        named = {INK: self.ink, MUTED: self.muted, RIGHT: self.right, WRONG: self.wrong}
        colour = self.runs[RUNS.index(role)] if role in RUNS else named.get(role, role)
        return blend(colour, self.ink if shade < 0 else self.paper, abs(shade)) if shade else colour

    def shaded(self, role: str, part: float) -> tuple[str, str]:
        """The colour of a cell whose colour is so strong, from 0 to 1 (NaN: none), and that of its text."""
        strength = FAINTEST + (STRONGEST - FAINTEST) * part if math.isfinite(part) else 0.0
        cell = blend(self.paper, self.of(role), strength)
        return cell, max((self.ink, self.paper), key=lambda text: contrast(text, cell))


# Okabe and Ito's colours (jfly.uni-koeln.de/color), safe for colour-blind eyes; yellow is darkened, and grey
# stands in for black. Four more are far from these and from each other, in such eyes too. The order keeps
# neighbours apart.
_ON_PAPER = "#0072b2 #d55e00 #009e73 #cc79a7 #b58900 #56b4e9 #7a4fbf #4d4d4d #6b176b #8f3a22 #2222e6 #2b1f8f"
PAPER = Palette(
    tuple(_ON_PAPER.split()),
    ink="#1d2025",
    paper="#ffffff",
    muted="#5c636b",
    right="#00815d",
    wrong="#c0281b",
)


def on_paper(role: str, shade: float = 0.0) -> str:
    """The colour of a role on white paper, dark enough to be seen."""
    return on_white(PAPER.of(role, shade))


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
    return contrast(colour, "#ffffff")


def contrast(one: str, other: str) -> float:
    """The same of two colours."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def blend(start: str, end: str, part: float) -> str:
    """The colour a part (0 to 1) of the way from one to another."""
    pairs = zip(_parts(start), _parts(end), strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * part)):02x}" for a, b in pairs)


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(
        f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation)
    )
