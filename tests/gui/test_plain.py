"""Words in the window are words: nothing but our own markup is taken for HTML."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QMenu, QTreeWidgetItem, QWidget
from pytestqt.qtbot import QtBot

import workbench.gui
from workbench.gui import plain
from workbench.gui.charts.axis import Axis
from workbench.gui.plain import Label, Markup, Question, coloured, rich, tip

GUI = Path(workbench.gui.__file__).parent
TAKE_HTML = {
    "QErrorMessage", "QInputDialog", "QLabel", "QMessageBox", "QProgressDialog", "QSplashScreen",
    "QTextBrowser", "QTextEdit", "QToolTip", "QWhatsThis", "QGraphicsTextItem", "QStaticText", "QWizard",
}  # fmt: skip
"""Classes of Qt's that take a text for HTML where it looks like it."""
PLOTS_TAKE_HTML = {"LabelItem", "LegendItem"}
SET_HTML = {
    "setToolTip", "setWhatsThis", "setHtml", "insertHtml", "appendHtml", "setTextFormat", "setTitle",
    "addLegend", "setInformativeText", "setDetailedText", "setMarkdown", "setDefaultStyleSheet",
    "setWindowTitle",
}  # fmt: skip
NAMES_OF_OURS = {"setWindowTitle"}
"""Fit for words that are written out in the code."""


def html_by_another_way(source: str, name: str = "") -> list[str]:
    """Where a module shows a text that may be taken for HTML, not by way of ``workbench.gui.plain``."""
    tree = ast.parse(source)
    return [f"{name}:{line}: {what}" for line, what in sorted(_found(tree))]


def _found(tree: ast.Module) -> Iterator[tuple[int, str]]:
    asked = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                if each.name in TAKE_HTML | PLOTS_TAKE_HTML and not _only_its_names(tree, each.name, asked):
                    yield node.lineno, each.name
        elif isinstance(node, ast.Attribute) and node.attr in TAKE_HTML | PLOTS_TAKE_HTML:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call):
            yield from _called(node)
        elif isinstance(node, ast.FunctionDef):
            answers = [each for each in ast.walk(node) if _name(each) == "ToolTipRole"]
            if answers and not any(_name(each) == "tip" for each in ast.walk(node)):
                yield answers[0].lineno, "ToolTipRole"  # type: ignore[attr-defined]


def _called(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = _name(node.func)
    written_out = bool(node.args) and isinstance(node.args[0], ast.Constant)
    if name in SET_HTML and not (name in NAMES_OF_OURS and written_out):
        yield node.lineno, str(name)
    if name == "rich" and not written_out:
        yield node.lineno, "rich() of a text that is not written out"
    if name == "Markup":
        yield node.lineno, "Markup"
    for given in node.keywords:
        if given.arg == "html" or (
            given.arg == "tip" and _name(getattr(given.value, "func", None)) != "tipped"
        ):
            yield node.lineno, f"{given.arg}="


def _name(node: object) -> str | None:
    return getattr(node, "attr", None) or getattr(node, "id", None)


def _only_its_names(tree: ast.Module, name: str, asked: set[int]) -> bool:
    """Whether a class is used for its constants alone, as in ``QMessageBox.ButtonRole``."""
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    return all(id(node) in asked for node in uses)


def test_no_module_of_the_window_shows_a_text_by_another_way() -> None:
    modules = [path for path in GUI.rglob("*.py") if path.name != "plain.py"]
    assert len(modules) > 50
    found = [
        each
        for path in modules
        for each in html_by_another_way(path.read_text(encoding="utf-8"), str(path.relative_to(GUI)))
    ]
    assert not found


@pytest.mark.parametrize(
    "planted",
    [
        "from PySide6.QtWidgets import QLabel\nlabel = QLabel(run.name)\n",
        "from PySide6.QtWidgets import QLabel\nclass Name(QLabel): ...\n",
        "from PySide6 import QtWidgets\nQtWidgets.QMessageBox.warning(window, 'Failed', run.failure)\n",
        "from PySide6.QtWidgets import QMessageBox\nQMessageBox.warning(window, 'Failed', run.failure)\n"
        "box = QMessageBox(window)\n",
        "item.setToolTip(run.name)\n",
        "plot.setTitle(run.name)\n",
        "text = pg.TextItem(html=f'<b>{run.name}</b>')\n",
        "dots = pg.ScatterPlotItem(tip=lambda x, y, data: data)\n",
        "label.setText(rich(f'<b>{run.name}</b>'))\n",
        "label.setText(Markup(run.name))\n",
        "def data(self, index, role):\n    if role == Roles.ToolTipRole:\n        return run.name\n",
    ],
)
def test_a_text_that_goes_another_way_is_found(planted: str) -> None:
    assert html_by_another_way(planted)


HOSTILE = [
    "<b>bold</b>", "<table>" * 5000, '<img src="file:///etc/passwd">', 'red">…<b>', "a &amp; b", "a && b & c",
    "\u202etxt.exe", "\x1b[31mred\x07\x00", "one\ntwo", "x" * 50_000, "🦊👩‍🚀", "$x_1^2$", "%s %d {0}",
    "a\\b\\n", "<!DOCTYPE html><script>", "\x85\u2028next", "[*]", "<qt>&nbsp;", "\u200bzero width",
]  # fmt: skip
"""Names that somebody may give, or send."""


def plainly(text: str) -> str:
    """What a reader sees of a text that Qt may take for HTML."""
    if not plain.QtOfTexts.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_reads_as_it_is_wherever_it_is_shown(qtbot: QtBot, name: str) -> None:
    shown = plain._seen(name)
    widget = QWidget()
    qtbot.addWidget(widget)
    label = Label(name, widget)
    assert label.textFormat() is Qt.TextFormat.PlainText
    assert label.text() == shown
    label.setText(rich("<b>{}</b>", "mine"))
    assert label.textFormat() is Qt.TextFormat.RichText
    label.setText(name)
    assert label.textFormat() is Qt.TextFormat.PlainText
    plain.set_tip(widget, name)
    cut = shown if len(name) <= plain.LONGEST_TIP else plain._seen(name[: plain.LONGEST_TIP - 1] + "…")
    assert plainly(widget.toolTip()) == cut
    item = QTreeWidgetItem(["a"])
    plain.set_tree_tip(item, 0, name)
    assert plainly(item.toolTip(0)) == cut
    document = QTextDocument()
    document.setHtml(rich("<p>{}</p>", name))
    assert document.toPlainText() == " ".join(shown.split())
    action = QMenu(widget).addAction(plain.without_keys(name))
    assert action.text().replace("&&", "\0").count("&") == 0
    box = Question("Title", name, widget)
    assert box.textFormat() is Qt.TextFormat.PlainText
    assert box.text() == shown
    plain.name_window(widget, name)
    assert "\x1b" not in widget.windowTitle()
    axis = Axis("left")
    axis.setLabel(name[:500])
    assert axis.label.toPlainText().strip() == " ".join(plain._seen(name[:500]).split())


@pytest.mark.parametrize(
    "colour", ['red">…', '"><table>' * 50, "", "#12345", "#ff0000;background:url(x)", "\x00"]
)
def test_a_colour_out_of_a_file_cannot_leave_its_place(colour: str) -> None:
    assert coloured("●", colour) == "●"
    assert plain.legend([("●", colour, "<i>a b</i>")]) == "●&nbsp;&lt;i&gt;a&nbsp;b&lt;/i&gt;"


def test_markup_comes_from_templates_only() -> None:
    assert isinstance(rich("<b>{}</b>", "<"), Markup)
    assert rich("<b>{}</b>{}", "<", rich("<i>{}</i>", '"')) == "<b>&lt;</b><i>&quot;</i>"
    assert tip(rich("<b>{}</b>", "x")) == "<b>x</b>"
