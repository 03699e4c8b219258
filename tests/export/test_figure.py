"""Figures: the right size, the same bytes twice, their data as CSV, nothing global changed."""

from __future__ import annotations

import csv
import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from workbench.analysis.colours import blend, contrast_with_white, on_white
from workbench.analysis.figure import as_csv, rows
from workbench.export.drawing import FORMATS, draw, save, to_bytes
from workbench.export.wishes import Style
from workbench.pictures import Curve, Figure, Panel, Picture

X = np.arange(1.0, 51.0)


def curves(count: int = 2) -> tuple[Curve, ...]:
    colours = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
    return tuple(
        Curve(f"learner {i} (n = 3)", colours[i % 4], X, i + 1 / X, i + 0.9 / X, i + 1.1 / X)
        for i in range(count)
    )


def learning(count: int = 2, panels: int = 1) -> Figure:
    panel = Panel("", "meta-iterations", "query loss (MSE)", curves=curves(count))
    return Figure("learning_curves", (panel,) * panels, "A caption.", columns=2)


def comparison() -> Figure:
    names = ("MAML", "Reptile, with a name that is long enough to be wrapped", "From scratch")
    points = [
        Curve(
            "each seed",
            "#0072b2",
            np.array([i - 0.2, i + 0.0]),
            np.array([i, i + 1.0]),
            kind="markers",
            faint=True,
        )
        for i in range(3)
    ]
    means = [
        Curve(
            "mean over seeds", "#0072b2", np.array([i + 0.2]), np.array([i + 0.5]),
            np.array([i + 0.1]), np.array([np.nan if i == 2 else i + 0.9]), np.array([2]), kind="markers",
        )
        for i in range(3)
    ]  # fmt: skip
    panel = Panel(y_label="query loss", x_names=names, curves=(*points, *means))
    return Figure("comparison", (panel,), table=({"algorithm": "MAML", "mean": 0.25},))


def pictures() -> Figure:
    grey, colour = np.full((1, 8, 8), 0.5), np.zeros((3, 8, 8))
    grid = ((Picture(grey, "A ✓", "#00815d"), Picture(colour, "B ✗", "#c0281b")), (Picture(grey),))
    return Figure("predictions", (Panel("Task 1", pictures=grid, row_names=("A", "B")),))


EVERY = pytest.mark.parametrize("figure", [learning(), learning(4, 3), comparison(), pictures()])


@EVERY
@pytest.mark.parametrize("black", [False, True])
def test_the_same_figure_gives_the_same_bytes(figure: Figure, black: bool) -> None:
    for form in FORMATS:
        assert to_bytes(figure, Style(black=black), form) == to_bytes(figure, Style(black=black), form)


@EVERY
def test_a_figure_is_as_wide_as_the_column(figure: Figure, tmp_path: Path) -> None:
    for width in (85.0, 175.0):
        save(figure, Style(width=width, dots_per_inch=200), tmp_path / "f.png")
        with Image.open(tmp_path / "f.png") as image:
            assert image.width == pytest.approx(width / 25.4 * 200, abs=1)
    save(figure, Style(width=85, height=60, dots_per_inch=100), tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as image:
        assert image.height == pytest.approx(60 / 25.4 * 100, abs=1)


def test_the_name_of_an_axis_fits_a_low_figure() -> None:
    panel = Panel("", "meta-iterations", "Meta-validation mean squared error of queries", curves=curves())
    canvas = draw(Figure("low", (panel,), "A caption."), Style(width=85, height=40))
    canvas.draw_without_rendering()
    place = canvas.axes[0].yaxis.label.get_window_extent()
    assert 0 <= place.y0 < place.y1 <= canvas.bbox.height


def test_text_stays_text_and_fonts_are_embedded() -> None:
    svg = to_bytes(learning(), Style(), "svg").decode()
    assert "query loss (MSE)" in svg
    assert "learner 1 (n = 3)" in svg
    assert "<dc:date>" not in svg
    pdf = to_bytes(learning(), Style(), "pdf")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"/CreationDate" not in pdf


def test_nothing_global_changes() -> None:
    before = dict(matplotlib.rcParams.items())
    to_bytes(learning(), Style(font_size=13, black=True), "pdf")
    assert dict(matplotlib.rcParams.items()) == before


def test_two_threads_that_draw_do_not_disturb_each_other() -> None:
    styles = [Style(font_size=size, black=black) for size in (6, 12) for black in (False, True)]
    alone = [to_bytes(learning(), style, "pdf") for style in styles]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda style: to_bytes(learning(), style, "pdf"), styles)) == alone


@pytest.mark.parametrize("width", [85.0, 175.0])
@pytest.mark.parametrize("count", [1, 4])
def test_the_legend_covers_no_data(width: float, count: int) -> None:
    canvas = draw(learning(count, panels=2), Style(width=width))
    canvas.draw_without_rendering()
    (legend,) = canvas.legends
    box = legend.get_window_extent()
    assert {text.get_text() for text in legend.get_texts()} == {each.label for each in curves(count)}
    assert not any(axes.get_window_extent().overlaps(box) for axes in canvas.axes)
    assert box.x0 >= 0
    assert box.x1 <= canvas.bbox.x1


@pytest.mark.parametrize("width", [85.0, 175.0])
def test_names_of_positions_do_not_overlap(width: float) -> None:
    canvas = draw(comparison(), Style(width=width))
    canvas.draw_without_rendering()
    labels = canvas.axes[0].get_xticklabels()
    if slant := labels[0].get_rotation():  # lines side by side: their distance must exceed their height
        apart = np.diff(canvas.axes[0].transData.transform([(i, 0) for i in range(3)])[:, 0]).min()
        assert apart * np.sin(np.radians(slant)) > labels[0].get_fontsize() * canvas.dpi / 72
    else:
        boxes = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_black_and_white_tells_curves_apart_without_colour() -> None:
    canvas = draw(learning(4), Style(black=True))
    lines = [line for line in canvas.axes[0].get_lines() if line.get_label().startswith("_child")]
    looks = {(line.get_linestyle(), str(line._dash_pattern), line.get_marker()) for line in lines}
    assert len(looks) == 4
    assert {line.get_color() for line in lines} == {"#000000"}
    svg = to_bytes(learning(4), Style(black=True), "svg").decode()
    greys = {name for name in re.findall(r"#[0-9a-f]{6}", svg) if len({name[1:3], name[3:5], name[5:]}) > 1}
    assert not greys


def test_every_picture_has_its_frame_and_caption() -> None:
    axes = draw(pictures(), Style()).axes[0]
    assert len(axes.images) == len(axes.patches) == 3
    assert [text.get_text() for text in axes.texts] == ["A", "A ✓", "B ✗", "B"]


def test_what_is_written_is_whole_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no format"):
        save(learning(), Style(), tmp_path / "f.bmp")
    with pytest.raises(OSError, match="No such file"):
        save(learning(), Style(), tmp_path / "gone" / "f.png")
    assert list(tmp_path.iterdir()) == []


def test_csv_holds_every_point(tmp_path: Path) -> None:
    save(learning(), Style(), tmp_path / "f.csv")
    read = list(csv.DictReader(io.StringIO((tmp_path / "f.csv").read_text())))
    assert len(read) == 100
    assert read[51] == {
        "panel": "1", "curve": "learner 1 (n = 3)", "raw": "False", "x": "2.0", "y": "1.5", "low": "1.45",
        "high": "1.55", "n": "", "x_label": "meta-iterations", "y_label": "query loss (MSE)",
    }  # fmt: skip


def test_points_beside_a_named_position_belong_to_it() -> None:
    found = list(rows(comparison()))
    assert [row["x"] for row in found[:4:2]] == list(comparison().panels[0].x_names[:2])
    assert {row["x"] for row in found} == set(comparison().panels[0].x_names)


def test_a_table_is_csv_where_it_is_asked_for_or_all_there_is() -> None:
    assert as_csv(comparison(), table=True) == "algorithm,mean\nMAML,0.25\n"
    assert as_csv(replace(pictures(), table=comparison().table)) == "algorithm,mean\nMAML,0.25\n"
    assert as_csv(pictures()) == ""


@pytest.mark.parametrize("colour", ["#ffffff", "#e4e6e9", "#e6c229", "#8fd0f7", "#ffff00"])
def test_pale_colours_can_be_seen_on_paper(colour: str) -> None:
    assert contrast_with_white(colour) < 2.2 <= contrast_with_white(on_white(colour))


def test_colours_blend() -> None:
    assert [blend("#000000", "#ff8040", part) for part in (0, 0.5, 1)] == ["#000000", "#804020", "#ff8040"]
    assert on_white("#0072b2") == "#0072b2"
