"""Words above the columns, beside the rows and over the cells of a grid on paper."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from workbench.export.drawing import draw
from workbench.export.wishes import Style
from workbench.pictures import RUNS, Curve, Figure, Head, Panel

LEARNERS = ("MAML-PG", "MAML", "Recurrent", "Oracle")
WAY = Curve("way", RUNS[0], np.linspace(0, 1, 9), np.linspace(0, 1, 9) ** 2)


def grid(**panel: object) -> Figure:
    """Four learners on two tasks."""
    cells = tuple(
        Panel(title=f"return \N{MINUS SIGN}{10 + number}.3 · success {number}0%", curves=(WAY,), **panel)  # type: ignore[arg-type]
        for number in range(8)
    )
    above = tuple(Head(name, "after 3 updates (60 episodes)", RUNS[at]) for at, name in enumerate(LEARNERS))
    told = "2.5 t, wheelbase 2.8 m, 29 m/s, friction 0.74, delay 0.3 s"
    return Figure(
        "f", cells, "", columns=4, column_heads=above, row_heads=(Head("Task 1", told), Head("Task 2", told))
    )


def drawn(figure: Figure, width: float) -> Canvas:
    canvas = draw(figure, Style(width=width))
    canvas.draw_without_rendering()
    return canvas


def texts(canvas: Canvas) -> list[Text]:
    found = [each for each in canvas.findobj(Text) if isinstance(each, Text) and each.get_text().strip()]
    return [each for each in found if each.get_visible() and each.get_figure() is not None]


@pytest.mark.parametrize("width", [85.0, 110.0, 175.0])
@pytest.mark.parametrize("axes", ["a map", "numbers"])
def test_words_of_neighbours_do_not_touch(width: float, axes: str) -> None:
    map_ = {"x_hidden": True, "y_hidden": True, "square": True, "ratio": 1.0}
    canvas = drawn(grid(**map_ if axes == "a map" else {"y_label": "pulls"}), width)
    words = [each for each in texts(canvas) if any(letter.isalpha() for letter in each.get_text())]
    heads = [each for each in words if each.get_text().replace("\n", "").strip() in LEARNERS]
    titles = [each for each in words if each.get_text().startswith("return")]
    assert (len(heads), len(titles)) == (4, 8)
    beside = [each for each in words if "wheelbase" in each.get_text().replace("\n", " ")]
    assert len(beside) == 2
    for group in (heads, titles[:4], titles[4:]):
        for one, other in pairwise(group):
            assert one.get_window_extent().x1 < other.get_window_extent().x0 + 2
    for one, other in combinations([*beside, *titles, *heads], 2):
        assert not one.get_window_extent().overlaps(other.get_window_extent())
    labels = [each for each in words if each.get_text() == "pulls"]
    assert len(labels) == (2 if axes == "numbers" else 0)
    for label in labels:
        assert not any(each.get_window_extent().overlaps(label.get_window_extent()) for each in beside)


@pytest.mark.parametrize("width", [85.0, 175.0])
def test_what_stands_over_a_cell_is_there_in_full(width: float) -> None:
    said = [each.get_text().replace("\n", " · ") for each in texts(drawn(grid(), width))]
    assert all(panel.title in said for panel in grid().panels)


def test_in_narrow_columns_the_heads_are_brief() -> None:
    narrow, wide = (
        " ".join(each.get_text() for each in texts(drawn(grid(), width))).replace("\n", " ")
        for width in (85.0, 300.0)
    )
    assert "after 3 updates" in narrow
    assert "episodes" not in narrow
    assert "after 3 updates (60 episodes)" in wide


def test_a_grid_without_heads_stays_as_it_was() -> None:
    figure = Figure("f", tuple(Panel(title=name, curves=(WAY,)) for name in "ab"), columns=2)
    canvas = drawn(figure, 85.0)
    assert [axes.get_title() for axes in canvas.axes] == ["a", "b"]
