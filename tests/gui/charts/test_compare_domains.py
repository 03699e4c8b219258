"""Other domains in the view "Compare": a heat map, a table, and who leads where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from tests.gui.charts.test_compare import Show, cells, choose, show
from tests.test_domains import PLAIN, digits, domain, done
from workbench.analysis import domains
from workbench.gui import theme
from workbench.gui.charts.heat_cell import HeatCell

__all__ = ["show"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("domains")
    return done(folder / "p.mlwb", digits(domain("five shots", shots=5), learners=PLAIN))


@pytest.fixture
def dark() -> Iterator[None]:
    theme.apply("dark")
    yield
    theme.apply("light")


def test_the_heat_map_and_the_table_say_the_same(show: Show, project: Path) -> None:
    view = show(project)
    choose(view, "view", "domains")
    reached, drops = view.board.cells
    assert isinstance(reached, HeatCell)
    assert isinstance(drops, HeatCell)
    found = view._answer.domains if view._answer else None
    assert found is not None
    assert reached.panel == domains.figure(found).panels[0]
    place = view.tabs.indexOf(view.domains)
    assert view.tabs.isTabVisible(place)
    rows = cells(view.domains.table)
    assert [row[0] for row in rows] == ["digits (home)"] * 2 + ["five shots"] * 2
    told = {(row[1], row[0]): row[3] for row in rows}
    for learner, shades in zip(reached.panel.row_names, reached.panel.shades, strict=True):
        for name, shade in zip(reached.panel.x_names, shades, strict=True):
            assert shade.text.split("\n")[0] == told[learner, name].rstrip("%")
    assert "lead" in view.domains.words.text()
    assert view.note.startswith(view.domains.words.text())


def test_a_cell_tells_what_it_is_where_it_is_pointed_at(show: Show, project: Path, qtbot: QtBot) -> None:
    view = show(project)
    choose(view, "view", "domains")
    cell = view.board.cells[0]
    assert isinstance(cell, HeatCell)
    cell.resize(400, 200)
    cell.grab()
    rect, shade = cell._cells[-1]
    assert cell.told_at(rect.center()) == shade.told
    assert "five shots" in shade.told
    assert cell.told_at(QPointF(0, 0)) == ""


def test_cells_are_drawn_in_the_colours_of_the_window(show: Show, project: Path, dark: None) -> None:
    view = show(project)
    choose(view, "view", "domains")
    cell = view.board.cells[0]
    cell.resize(420, 220)
    picture = cell.grab().toImage()
    assert picture.pixelColor(0, 0).name() == theme.DARK.paper
    rect, shade = cell._cells[0]  # type: ignore[union-attr]
    fill, _ = theme.DARK.shaded(cell.panel.shade, shade.part)
    scale = picture.devicePixelRatio()
    corner = rect.topLeft() + QPointF(3, 3)
    assert picture.pixelColor(round(scale * corner.x()), round(scale * corner.y())).name() == fill


def test_nothing_of_domains_is_shown_where_there_are_none(show: Show, tmp_path: Path) -> None:
    view = show(done(tmp_path / "p.mlwb", digits(learners=PLAIN)))
    box = view._view_box
    assert box.findData("domains") < 0
    assert not view.tabs.isTabVisible(view.tabs.indexOf(view.domains))
