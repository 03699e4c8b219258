"""Every text in the window can be said in another language: an invented one finds those that cannot."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QAbstractListModel, QCoreApplication, Qt, QTranslator
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialogButtonBox,
    QDoubleSpinBox,
    QGraphicsTextItem,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QTabBar,
    QTextBrowser,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.data import sources
from tests.gui.conftest import Open
from tests.gui.finished import DIGITS, project_of
from workbench.algorithms import ALGORITHMS
from workbench.cli import texts
from workbench.gui.export_dialog import ExportDialog
from workbench.gui.plain import Label
from workbench.gui.setup.import_dialog import ImportDialog
from workbench.networks import NETWORKS
from workbench.settings import draft, fields_of
from workbench.tasks import FAMILIES
from workbench.words import plural, tr

PARTS = re.compile(r"(\{[^{}]*\}|<[^<>]*>|&\w+;)")
"""What stays as it is in a text: places for values, markup."""

QT = re.compile(r"qt_|Scroll(Left|Right)Button|: title$")
"""Where Qt and pyqtgraph speak, which bring translations of their own; titles of windows are names."""

NOT_YET = re.compile(
    "comparison_(tests|protocol|pivot|board|view|diagnosis|domains|group|warning)"
    "|prediction_(board|view)|inside_(board|view)|(adaptation_chart|learning_curves)_legend"
    "|data_summary|episode_view|get_(sets|details)|import_(found|counted|error|findings|progress)"
    "|run_facts|algorithm_about"
)
"""Where sentences are put together below the window, in English as yet. It only gets shorter."""

NAMES = re.compile(
    r"\b(Ctrl|Shift|Alt)\+\S+|\b(Del|Space|Esc|F\d+)\b"  # keys
    r"|\b(min|ms|MiB|GB|mm|pt|rad|px)\b"  # units
    r"|\b(Meta-Learning Workbench|Python|PyTorch|Qt for Python|pyqtgraph|CPU|SHA-256|MIT)\b"  # names
    r"|\b(cpu|cuda)\b"  # as files have them
    r"|\b[0-9a-f]{8,}\b|\*\.\w+"  # hashes, kinds of files
)
"""What is the same in every language."""


def _bracketed(text: str) -> str:
    parts = PARTS.split(text)
    return "".join(
        part if PARTS.fullmatch(part) or not re.search(r"[^\W\d_]", part) else f"⟦{part}⟧" for part in parts
    )


def forget_fields() -> None:
    """Fields are read anew, in the language of then."""
    fields_of.cache_clear()
    draft._fields.cache_clear()


@pytest.fixture(scope="module")
def catalogue() -> dict[str, str]:
    """Every text that the command lists, in an invented language: ⟦itself⟧."""
    forget_fields()
    return {text: _bracketed(text) for text in texts.texts()}


@pytest.fixture
def invented(qapp: QApplication, catalogue: dict[str, str]) -> Iterator[None]:
    class Invented(QTranslator):
        def translate(
            self, context: str, text: str, about: str | None = None, number: int = -1
        ) -> str | None:
            return catalogue.get(text) if context == "workbench" else None

        def isEmpty(self) -> bool:
            return False

    translator = Invented(qapp)
    forget_fields()
    assert QCoreApplication.installTranslator(translator)
    yield
    QCoreApplication.removeTranslator(translator)
    forget_fields()


def shown_in(window: QWidget) -> Iterator[tuple[str, str]]:
    """Every text that a widget shows or has ready, and where."""
    for widget in [window, *window.findChildren(QWidget)]:
        where = f"{type(widget).__name__} {_named(widget)}"
        yield f"{where}: title", widget.windowTitle()
        yield f"{where}: tip", widget.toolTip()
        yield f"{where}: accessible name", widget.accessibleName()
        yield f"{where}: accessible description", widget.accessibleDescription()
        match widget:
            case QPushButton() if _is_standard(widget):
                pass
            case QLabel() | QAbstractButton():
                yield where, widget.text()
            case QComboBox():
                yield from ((where, widget.itemText(i)) for i in range(widget.count()))
            case QTabBar():
                yield from ((where, widget.tabText(i)) for i in range(widget.count()))
            case QSpinBox() | QDoubleSpinBox():
                yield where, f"{widget.prefix()} {widget.suffix()} {widget.specialValueText()}"
            case QLineEdit():
                yield f"{where}: placeholder", widget.placeholderText()
            case QTextBrowser():
                yield where, widget.toPlainText()
            case QPlainTextEdit():
                yield f"{where}: placeholder", widget.placeholderText()
            case QProgressBar():
                yield where, widget.text()
            case QAbstractItemView():
                yield from _items(where, widget)
            case pg.GraphicsView():
                for item in widget.scene().items():
                    yield f"{where}: tip", item.toolTip()
                    yield where, item.toPlainText() if isinstance(item, QGraphicsTextItem) else ""
    for action in window.findChildren(QAction):
        if isinstance(action.parent(), pg.GraphicsScene):
            continue
        yield f"action {action.objectName()}", action.text()
        yield f"action {action.objectName()}: tip", action.toolTip()


def _is_standard(button: QPushButton) -> bool:
    """Whether Qt says what is on it."""
    box, none = button.parent(), QDialogButtonBox.StandardButton.NoButton
    return isinstance(box, QDialogButtonBox) and box.standardButton(button) != none


def _named(widget: QWidget | None) -> str:
    """The name of a widget, or of what it is in."""
    while widget is not None and not widget.objectName():
        widget = widget.parentWidget()
    return widget.objectName() if widget is not None else ""


def _items(where: str, view: QAbstractItemView) -> Iterator[tuple[str, str]]:
    model = view.model()
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
    columns = range(1 if isinstance(model, QAbstractListModel) else model.columnCount())
    rows = [model.index(row, 0) for row in range(model.rowCount())]
    for first in rows:
        rows += [model.index(row, 0, first) for row in range(model.rowCount(first))]
    for role in roles:
        for column in columns:
            yield f"{where}: header", str(model.headerData(column, Qt.Orientation.Horizontal, role) or "")
            for first in rows:
                yield f"{where}: item", str(first.siblingAtColumn(column).data(role) or "")


class Reader:
    """Tells what no translation reaches.

    Parameters
    ----------
    names : that people or files gave, or that stand in files.
    """

    def __init__(self, *names: str) -> None:
        known = {*names, *ALGORITHMS, *FAMILIES, *NETWORKS}
        for each in ALGORITHMS.values():
            paper = each.citation
            known |= {each.title, *((paper.authors, paper.title, paper.venue, "arXiv") if paper else ())}
        for section in texts.sections():
            for name, field in fields_of(section).items():
                known |= {name, *map(str, field.choices)}
        words = "|".join(map(re.escape, sorted(filter(None, known), key=len, reverse=True)))
        self._names = re.compile(rf"(?<!\w)({words})(?!\w)")

    def missed(self, window: QWidget) -> set[str]:
        """Places with their texts."""
        return {
            f"{where}: {text[:120]!r}: {rest}"
            for where, text in shown_in(window)
            if not QT.search(where) and not NOT_YET.search(where) and (rest := self._rest(text))
        }

    def _rest(self, text: str) -> str:
        """What is left of a text without translations, markup and names."""
        plain = unescape(re.sub("<style.*?</style>|<code>.*?</code>|<[^<>]*>", " ", text, flags=re.DOTALL))
        rest = re.sub(r"⟦[^⟦⟧]*⟧", " ", plain.replace("&", ""))
        rest = self._names.sub(" ", NAMES.sub(" ", rest))
        return " ".join(rest.split()) if re.search(r"[^\W\d_]{2}", rest) else ""


@pytest.mark.usefixtures("invented")
def test_texts_and_numbers_of_things_are_translated(catalogue: dict[str, str]) -> None:
    assert tr("{} of {}", 3, 4) == "3⟦ of ⟧4"
    assert plural(1, "run") == "1⟦ runs⟧"
    assert tr("nobody's") == "nobody's"
    assert len(catalogue) > 1_000


@pytest.mark.usefixtures("invented")
def test_a_text_that_cannot_be_translated_is_found(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    label = Label(tr("{} of {}", "mine", plural(3, "run")), window)
    label.setObjectName("told")
    assert Reader("mine").missed(window) == set()
    label.setText("things of mine")
    assert Reader("mine").missed(window) == {"Label told: 'things of mine': things of"}


@pytest.mark.usefixtures("invented")
def test_the_first_window_is_translated(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window, reader = open_window(), Reader("lines", platform.platform())
    for action in ("get_data", "keys", "search"):
        window.actions_[action].trigger()
    assert window.panels is not None
    setup = window.panels.setup
    setup.import_path(sources.functions(tmp_path / "lines.npz"))
    dialog = window.findChild(ImportDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.accept_button.isEnabled())
    assert reader.missed(window) == set()
    dialog.reject()


@pytest.mark.usefixtures("invented")
def test_a_window_with_finished_runs_is_translated(open_window: Open, tmp_path: Path) -> None:
    path = tmp_path / "kept.mlwb"
    project_of(path, "maml", "protonet", seeds=2, text=DIGITS)
    window, reader = open_window(path), Reader("kept", "small digits")
    window.tile_charts()
    for dock in window.layout_.docks.values():
        dock.raise_()
        QApplication.processEvents()
    for selected in ([1], [1, 2]):
        window.session.data.select(selected)
        QApplication.processEvents()
        assert reader.missed(window) == set()
    chart = window.chart_in_view()
    assert chart is not None
    figure = chart.figure()
    assert figure is not None
    dialog = ExportDialog(figure, window.worker, window)
    assert reader.missed(dialog) == set()
    dialog.reject()
