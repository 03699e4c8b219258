"""Twelve colours of runs that eyes can tell apart, the colour-blind among them, on paper and in the dark."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.analysis.colours import LEAST_CONTRAST, PAPER, Palette, contrast
from workbench.gui.theme import DARK
from workbench.pictures import RUNS, SOLID

Array = NDArray[np.float64]

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color vision
# deficiency", at full severity, on linear RGB.
EYES: dict[str, Array] = {
    "usual": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
}
TO_XYZ: Array = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def seen(colour: str, eyes: str) -> Array:
    """CIE L*a*b* of a colour as these eyes see it."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt((TO_XYZ @ np.clip(EYES[eyes] @ linear, 1e-3, 1)) / TO_XYZ.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, other: str, eyes: str) -> float:
    """How far apart two colours are (ΔE*ab; 2.3 is just noticeable)."""
    return float(np.linalg.norm(seen(one, eyes) - seen(other, eyes)))


@pytest.mark.parametrize("palette", [PAPER, DARK], ids=["paper", "dark"])
@pytest.mark.parametrize("eyes", EYES)
def test_colours_of_runs_are_far_apart(palette: Palette, eyes: str) -> None:
    assert len(palette.runs) == len(RUNS) == 12
    later = set(palette.runs[SOLID:])
    pairs = list(combinations(palette.runs, 2))
    assert min(apart(*pair, eyes) for pair in pairs if later & set(pair)) > 18
    assert min(apart(*pair, eyes) for pair in pairwise(palette.runs)) > 14
    assert min(apart(*pair, "usual") for pair in pairs) > 18


@pytest.mark.parametrize(("palette", "least"), [(PAPER, LEAST_CONTRAST), (DARK, 3.0)], ids=["paper", "dark"])
def test_lines_stand_out_from_what_is_behind_them(palette: Palette, least: float) -> None:
    assert min(contrast(each, palette.paper) for each in palette.runs) >= least
    assert min(contrast(each, palette.paper) for each in palette.runs[SOLID:]) >= 3.0
    for text in (palette.ink, palette.muted, palette.right, palette.wrong):
        assert contrast(text, palette.paper) >= 4.5
