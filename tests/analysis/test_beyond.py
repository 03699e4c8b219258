"""A curve that diverged leaves a figure's range, and its caption says so; other figures stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.beyond import framed
from workbench.pictures import Curve, Figure, Panel

STEPS = np.arange(20.0)
TAME = 5 * np.exp(-STEPS / 8)
WILD = 4 * 10**STEPS


def drawn(*values: np.ndarray, y_log: bool = False, y_range: tuple[float, float] | None = None) -> Figure:
    curves = tuple(
        Curve(f"learner {n}", "#000000", STEPS, y, low=0.9 * y, high=1.1 * y) for n, y in enumerate(values)
    )
    return Figure("learning_curves", (Panel(curves=curves, y_log=y_log, y_range=y_range),), "A caption.")


@pytest.mark.parametrize("y_log", [False, True])
def test_one_that_diverged_does_not_press_the_others_flat(y_log: bool) -> None:
    found = framed(drawn(TAME, WILD, y_log=y_log))
    (panel,) = found.panels
    assert panel.y_range is not None
    bottom, top = panel.y_range
    assert bottom < TAME.min()
    assert TAME.max() < top < 100
    assert found.caption == "A caption. Beyond the picture: learner 1 (4×10¹⁹)."
    assert [curve.shaded for curve in panel.curves] == [True, False]
    np.testing.assert_array_equal(panel.curves[1].y, WILD)  # the data stay whole


def test_what_keeps_to_the_picture_changes_nothing() -> None:
    for figure in (drawn(TAME), drawn(TAME, 2 * TAME), drawn(np.full(20, np.nan)), drawn()):
        assert framed(figure) is figure


def test_a_chosen_range_stays_and_what_leaves_it_is_named() -> None:
    found = framed(drawn(TAME, WILD, y_range=(0.0, 8.0)))
    assert found.panels[0].y_range == (0.0, 8.0)
    assert "Beyond the picture: learner 1" in found.caption
    everything = drawn(TAME, WILD, y_range=(0.0, 1e20))
    assert framed(everything) is everything


def test_one_alone_is_shown_as_far_as_it_did_not_diverge() -> None:
    (panel,) = framed(drawn(WILD)).panels
    assert panel.y_range is not None
    assert 4 < panel.y_range[1] < 100
