"""A project full of hostile names in the real window: every word is shown as it is, and nothing ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QAbstractListModel, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as QtOfTexts
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGraphicsTextItem,
    QLabel,
    QPlainTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.analysis.invented import add
from tests.gui.conftest import Open
from workbench.gui import theme
from workbench.gui.export_dialog import ExportDialog
from workbench.problems.predicted import class_titles
from workbench.project import Project

ZEBRA = "<b>ZEBRA</b>"
LABELS = [
    f"{ZEBRA} &amp; $x_1^2$ %s", f'red">{ZEBRA}<table>', f"\\alpha_{{ {ZEBRA} 🦊 日本 \u05d0\u05d1",
    f"{ZEBRA} {'a_very_long_name_without_a_space_' * 5}A",
    f"{ZEBRA} {'a_very_long_name_without_a_space_' * 5}B",
]  # fmt: skip
NAME = f"<img src=x>{ZEBRA} && %d"
NOTES = f"{'<table>' * 5000}{ZEBRA}\nsecond line {ZEBRA}"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "a & b [*].mlwb"
    with Project.create(path) as project:
        chance = np.random.default_rng(3)
        for number, label in enumerate(LABELS, 1):
            loss = chance.exponential(1.0, (2, 30)) + number
            for run in add(project, label, loss, name=NAME, inner_lr=0.01 * number):
                project.update_run(run, name=f"{label}, {run}", notes=NOTES, tags=[ZEBRA, "<i>x</i>"])
        project.update_run(1, failure=f"failed: {ZEBRA}", status="failed")
    return path


def as_read(text: str) -> str:
    """What a reader sees of a text that Qt may take for HTML."""
    if not QtOfTexts.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def shown_in(window: QWidget) -> Iterator[tuple[str, str]]:
    """Every text that a widget shows or has ready: where, and as it is read."""
    for widget in [window, *window.findChildren(QWidget)]:
        where = f"{type(widget).__name__} {widget.objectName()}"
        yield f"{where}: tool tip", as_read(widget.toolTip())
        if isinstance(widget, QLabel):
            plain = widget.textFormat() is Qt.TextFormat.PlainText
            yield where, widget.text() if plain else as_read(widget.text())
        if isinstance(widget, QComboBox):
            yield from ((where, widget.itemText(i)) for i in range(widget.count()))
        if isinstance(widget, QPlainTextEdit):
            yield where, widget.toPlainText()
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            model = widget.model()
            for row in range(model.rowCount()):
                for column in range(1 if isinstance(model, QAbstractListModel) else model.columnCount()):
                    index = model.index(row, column)
                    yield where, str(index.data() or "")
                    tip = index.data(Qt.ItemDataRole.ToolTipRole)
                    yield f"{where}: tool tip", as_read(str(tip or ""))
        if isinstance(widget, pg.GraphicsView):
            for item in widget.scene().items():
                yield f"{where}: tool tip", as_read(item.toolTip())
                if isinstance(item, QGraphicsTextItem):
                    yield where, item.toPlainText()
    for action in window.findChildren(QAction):
        yield f"action {action.objectName()}", action.text().replace("&&", "&")
        yield f"action {action.objectName()}: tool tip", as_read(action.toolTip())


def check(widget: QWidget) -> set[str]:
    """Where the zebra is shown; it is never without its tags."""
    seen = set()
    for where, text in shown_in(widget):
        if "ZEBRA" in text:
            seen.add(where)
            assert text.count("ZEBRA") == text.count(ZEBRA), (where, text[:300])
    return seen


def test_a_project_full_of_hostile_names_is_shown_as_it_is(
    open_window: Open, qtbot: QtBot, hostile: Path
) -> None:
    window = open_window(hostile)
    assert window.windowTitle().replace("[*][*]", "[*]").startswith("a & b [*]")
    window.tile_charts()
    for scheme in ("light", "dark"):
        theme.apply(scheme)  # type: ignore[arg-type]
        qtbot.wait_exposed(window)
        for _ in range(20):
            QApplication.processEvents()
        assert not window.grab().isNull()
        seen = check(window)
    assert len(seen) > 8, seen


def test_a_figure_with_hostile_names_is_exported_from_the_window(
    open_window: Open, qtbot: QtBot, hostile: Path
) -> None:
    window = open_window(hostile)
    window.tile_charts()
    chart = window.chart_in_view()
    assert chart is not None
    figure = chart.figure()
    assert figure is not None
    dialog = ExportDialog(figure, window.worker, window)
    qtbot.waitUntil(lambda: not dialog.preview.pixmap().isNull(), timeout=60_000)
    check(dialog)
    dialog.reject()


def test_a_class_out_of_somebodys_data_is_named_visibly() -> None:
    titles = class_titles(2, ("a\x1b[31m", "x" * 5000))
    assert titles[0] == "A  a␛[31m"
    assert len(titles[1]) < 200
