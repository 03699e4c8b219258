"""Words in figures: drawn as they are, readable by every reader of the file, short enough for one column."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.text
import numpy as np
import pytest

from tests.analysis.invented import add
from workbench.export import documents
from workbench.export.drawing import draw, to_bytes
from workbench.export.wishes import Style, Wish
from workbench.pictures import Curve, Figure, Panel, Picture, Text
from workbench.project import Project
from workbench.words import visible

HOSTILE = [
    "<b>bold</b> & \"co\"", "$x_1^2$", "\\alpha_{", "_hidden", "100 % %s", "]]>", "日本 🦊",
    "a\x1b[31m\x07\x00b", "\u202eexe.txt", "two\nlines", "\ud800\ufffe", "x" * 50_000,
]  # fmt: skip


def figure_of(names: list[str]) -> Figure:
    """A figure with every kind of text that a figure has."""
    x = np.arange(4.0)
    curves = tuple(Curve(name, "#0072b2", x, x + i) for i, name in enumerate(names))
    picture = Picture(np.zeros((1, 4, 4)), names[0])
    panels = (
        Panel(names[0], names[0], names[0], curves=curves, texts=(Text(1, 1, names[0]),)),
        Panel(x_names=(*names, "b", "c", "d")[:4], curves=curves),
        Panel(pictures=((picture,),), row_names=(names[0],)),
    )
    return Figure("words", panels, caption=names[0])


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_is_drawn_as_it_is_in_a_file_that_can_be_read(name: str) -> None:
    root = ET.fromstring(to_bytes(figure_of([name]), Style(), "svg"))
    words = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    if len(name) < 40:
        lines = name.split("\n")
        assert words.count(visible(lines[0])) >= 5
    assert not any(letter < " " for word in words for letter in word)


def test_every_name_is_drawn_in_the_formats_without_text() -> None:
    for form in ("png", "pdf"):
        assert to_bytes(figure_of(HOSTILE), Style(dots_per_inch=72), form)


@pytest.mark.parametrize(
    "names",
    [
        [f"a_very_long_label_without_any_space_that_ends_in_{each}" for each in "ABC"],
        [f"{each}_and_then_a_very_long_label_without_any_space_that_ends_alike" for each in "ABC"],
        [f"long words before it, {each}, and as many of the long words behind it" for each in "ABC"],
        ["x" * 50_000 + each for each in "ABC"],
    ],
)
def test_long_names_are_told_apart_and_stay_inside_one_column(names: list[str]) -> None:
    canvas = draw(figure_of(names), Style())
    canvas.draw_without_rendering()
    legend = canvas.legends[0]
    assert len({text.get_text() for text in legend.get_texts()}) == 3
    extent = legend.get_window_extent()
    assert extent.x0 >= -1
    assert extent.x1 <= canvas.bbox.x1 + 1
    ticks = [text.get_text() for text in canvas.axes[1].get_xticklabels()][:3]
    assert len(set(ticks)) == 3
    assert all(6 < len(text) < 40 for text in ticks)
    for text in canvas.findobj(matplotlib.text.Text):
        assert isinstance(text, matplotlib.text.Text)
        assert len(text.get_text()) < 200
    assert canvas.get_size_inches()[1] < 15


def test_a_figure_says_in_full_what_its_legend_has_no_room_for() -> None:
    names = [f"a very long label {'of words ' * 12}that ends in {each}" for each in "AB"]
    root = ET.fromstring(to_bytes(figure_of(names), Style(), "svg"))
    said = "".join(root.itertext())
    assert all(name in said for name in names)


def test_a_comparison_in_one_column_tells_long_labels_apart(tmp_path: Path) -> None:
    labels = [f"a_very_long_label_without_any_space_that_ends_in_{each}" for each in "ABC"]
    with Project.create(tmp_path / "p.mlwb") as project:
        for rate, label in enumerate(labels, 1):
            add(project, label, np.full((2, 20), float(rate)), inner_lr=0.01 * rate)
        path = tmp_path / "c.svg"
        documents.save(project, "comparison", "svg", Wish(), path)
    words = {text.text for text in ET.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")}
    assert [any(word and word.endswith(f"_{each}") for word in words) for each in "ABC"] == [True] * 3


def test_letters_without_a_shape_are_said_where_they_become_boxes(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        add(project, "学習 α 🦊", np.ones((1, 10)))
        said = {
            form: documents.save(project, "comparison", form, Wish(), tmp_path / f"c.{form}")
            for form in ("png", "svg", "csv")
        }
    assert said["png"].endswith(" The font has no shape for 学習🦊; an SVG keeps them as text.")
    assert said["svg"] == said["csv"] == said["png"].partition(" The font has")[0]
    assert "学習 α 🦊" in (tmp_path / "c.svg").read_text(encoding="utf-8")
