"""What can be focused or clicked has a name, a sign has a tool tip, and the keyboard reaches all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from tests.gui.finished import project_of
from workbench.gui.layout import PANELS
from workbench.gui.window import MainWindow

CONTROLS = (
    QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox, QLineEdit, QAbstractItemView
)  # fmt: skip
WITHOUT_TAB = {
    "reset_": "the field beside it has a context menu, which does the same",
    "search_list": "the field above it has the keyboard, whose arrow keys move in the list",
}
"""Beginnings of names of what Tab does not stop at, and how the keyboard does it."""


def of_qt(widget: QWidget) -> bool:
    """Whether it is a part of one of Qt's widgets, which itself is looked at."""
    parent = widget.parentWidget()
    inner = (QHeaderView, QScrollBar, QTabBar)
    return (
        isinstance(widget, QHeaderView | QScrollBar)
        or widget.objectName().startswith("qt_")
        or isinstance(parent, (QLineEdit, *inner))
        or (isinstance(parent, QAbstractScrollArea) and widget is parent.viewport())
        or (parent is not None and parent.metaObject().className() == "QComboBoxPrivateContainer")
    )


def controls(root: QWidget) -> Iterator[QWidget]:
    for widget in root.findChildren(QWidget):
        takes_focus = widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        if (takes_focus or isinstance(widget, CONTROLS)) and not of_qt(widget):
            yield widget


def wrong_in(root: QWidget) -> list[str]:
    """What a person with a keyboard and a screen reader would miss."""
    found = []
    for widget in controls(root):
        described = f"{type(widget).__name__} {widget.objectName()!r} in {widget.parentWidget()}"
        text = widget.text() if isinstance(widget, QAbstractButton | QLabel) else ""
        interface = QAccessible.queryAccessibleInterface(widget)
        bare = isinstance(widget, QLabel) or (isinstance(widget, QAbstractButton) and widget.icon().isNull())
        if bare and not text and widget.isHidden():
            continue  # it says something at times
        if not interface.text(QAccessible.Text.Name).strip():
            found.append(f"{described} has no name")
        if isinstance(widget, QAbstractButton) and not any(map(str.isalpha, text)) and not widget.toolTip():
            found.append(f"{described} is a sign without a tool tip")
        told = any(widget.objectName().startswith(each) for each in WITHOUT_TAB)
        if not (told or isinstance(widget, QLabel) or widget.focusPolicy() & Qt.FocusPolicy.TabFocus):
            found.append(f"{described} is out of the keyboard's reach")  # of labels, text is selected only
    return found


@pytest.fixture
def window(open_window: Open, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """With runs that are over, of which one is selected, and every panel seen once."""
    ids = project_of(tmp_path / "p.mlwb", "maml", "reptile", seeds=2)
    window = open_window(tmp_path / "p.mlwb")
    window.session.data.select(ids[:1])
    for name in PANELS:
        window.layout_.go_to(name)
        qtbot.waitUntil(window.layout_.docks[name].isVisible)
    return window


def test_all_of_the_window_has_names_and_is_reached_by_keyboard(window: MainWindow) -> None:
    assert len(list(controls(window))) > 150
    assert not wrong_in(window)


@pytest.mark.parametrize("family", ["images", "text", "driving", "mixtures"])
def test_so_has_setup_whatever_the_task(window: MainWindow, family: str, qtbot: QtBot) -> None:
    assert window.panels is not None
    setup = window.panels.setup
    setup.edits.set(("task", "family"), family)
    for key in setup.draft.algorithms():
        setup.show_field(("algorithm", key))
    assert not wrong_in(setup)


def test_so_have_dialogs(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    def opened(name: str) -> QWidget:
        found = [each for each in window.findChildren(QWidget, name) if each.isVisible()]
        assert len(found) == 1, name
        return found[0]

    folder = tmp_path / "pictures"
    folder.mkdir()
    window.actions_["get_data"].trigger()
    window.actions_["keys"].trigger()
    assert window.files.open_path(folder)
    window.actions_["use"].trigger()
    for name in ("get_dialog", "help", "import_dialog", "use_dialog"):
        assert not wrong_in(opened(name)), name
        opened(name).close()
    window.layout_.go_to("comparison_view")
    assert window.panels is not None
    qtbot.waitUntil(lambda: window.panels is not None and window.panels.compare.figure() is not None)
    window.actions_["export"].trigger()
    dialog = opened("export_dialog")
    assert not wrong_in(dialog)
    dialog.close()


def test_what_is_wrong_is_found(qtbot: QtBot) -> None:
    root = QWidget()
    qtbot.addWidget(root)
    QLineEdit(root)
    sign, mouse_only = QToolButton(root), QPushButton("Press", root)
    sign.setText("×")
    mouse_only.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    ends = ("has no name", "without a tool tip", "out of the keyboard's reach")
    assert sorted(each for each in ends if any(each in one for one in wrong_in(root))) == sorted(ends)
