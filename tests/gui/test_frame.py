"""What holds all over the window: keys of menus, tool tips, themes, and what says where a file went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QRegularExpression, Qt, QTimer
from PySide6.QtGui import QAction, QPalette, QTextDocumentFragment
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from workbench.analysis.colours import contrast
from workbench.gui import dialogs, theme
from workbench.gui.window import MainWindow

ROLES = QPalette.ColorRole
TEXTS = (
    (ROLES.WindowText, ROLES.Window),
    (ROLES.Text, ROLES.Base),
    (ROLES.ButtonText, ROLES.Button),
    (ROLES.PlaceholderText, ROLES.Base),
)


def first_words(tip: str) -> str:
    """The first line of a tool tip."""
    plain = QTextDocumentFragment.fromHtml(tip).toPlainText() if "<" in tip else tip
    return plain.strip().split("\n")[0].rstrip("…").lower()


def shown(window: MainWindow) -> Iterator[tuple[str, str, str]]:
    """The names, words and tool tips of all controls: a sign such as ‹ is no word."""
    for action in window.actions_.values():
        yield action.objectName(), action.text(), action.toolTip()
    for widget in window.findChildren(QWidget):
        if isinstance(widget, QMenu | QLabel) or not widget.toolTip():
            continue
        words = widget.text() if isinstance(widget, QAbstractButton) else widget.accessibleName()
        yield widget.objectName(), words, widget.toolTip()


def test_menus_have_keys_of_their_own_and_no_tip_says_the_name_twice(open_window: Open) -> None:
    window = open_window()
    titles = [action.text() for action in window.menuBar().actions()]
    keys = [title[title.index("&") + 1].lower() for title in titles]
    assert len(set(keys)) == len(keys) > 4, titles
    for name, words, tip in shown(window):
        plain = words.replace("&", "").rstrip("…").lower()
        assert len(plain) < 3 or first_words(tip) != plain, f"{name} is called {words!r}, and says so"


def text_that_is_hard_to_read(window: MainWindow) -> Iterator[str]:
    """Controls whose colours are too near each other, disabled ones too."""
    groups = QPalette.ColorGroup
    for widget in [window, *window.findChildren(QWidget)]:
        palette = widget.palette()
        for text, behind in TEXTS:
            for group, least in ((groups.Active, 4.5), (groups.Disabled, 3.0)):
                found = contrast(palette.color(group, text).name(), palette.color(group, behind).name())
                if found < least:
                    yield f"{widget} {text.name} on {behind.name}: {found:.2f} ({group.name})"


def test_a_change_of_theme_reaches_every_widget_and_all_text_can_be_read(open_window: Open) -> None:
    window = open_window()
    for scheme, dark in (("dark", True), ("light", False), ("dark", True)):
        action = window.findChild(QAction, f"theme_{scheme}")
        assert action is not None
        action.trigger()
        QApplication.processEvents()
        for widget in window.findChildren(QWidget):
            for role in (ROLES.Window, ROLES.Base, ROLES.Button, ROLES.Mid, ROLES.Midlight):
                assert (widget.palette().color(role).lightness() < 128) == dark, (widget, role)
        assert not set(text_that_is_hard_to_read(window))


def test_a_copy_says_where_it_is(open_window: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    window = open_window()
    monkeypatch.setattr(dialogs, "file_to_save", lambda *_: tmp_path / "copy.mlwb")
    window.actions_["save_copy"].trigger()
    assert (tmp_path / "copy.mlwb").is_file()
    assert str(tmp_path / "copy.mlwb") in window.notices.texts()["file"]


def test_a_run_s_colour_is_chosen_among_those_of_runs(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)

    def press(name: str) -> None:
        dialog = parent.findChild(QDialog, "colour_dialog")
        assert dialog is not None
        assert len(dialog.findChildren(QToolButton)) == 12
        if not name:
            dialog.reject()
            return
        button = dialog.findChild(QToolButton, name)
        assert button is not None
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    for name, expected in (("colour_3", theme.run_colours()[2]), ("", "")):
        QTimer.singleShot(0, lambda name=name: press(name))
        assert dialogs.choose_colour(parent, "Colour", theme.run_colours()[0]) == expected
        for dialog in parent.findChildren(QDialog):
            dialog.setParent(None)


def test_what_hardly_anybody_means_is_asked_about_before_it_starts(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    assert window.panels is not None
    setup = window.panels.setup
    setup.edits.set(("training", "iterations"), 99_999_999_999)
    qtbot.waitUntil(setup.can_run)
    window.actions_["run"].trigger()
    assert not window.session.data.runs()

    def answer(words: str) -> QPushButton:
        QApplication.processEvents()
        found = window.findChildren(QPushButton, QRegularExpression("^notice_run_"))
        return next(each for each in found if each.isVisible() and each.text().startswith(words))

    run, back = answer("Run"), answer("Back")
    assert "99,999,999,999 iterations each" in run.text()
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    assert "run" not in window.notices.texts()
    assert not window.session.data.runs()
    window.actions_["run"].trigger()
    setup.edits.set(("training", "iterations"), 88_888_888_888)
    qtbot.waitUntil(setup.can_run)
    qtbot.mouseClick(answer("Run"), Qt.MouseButton.LeftButton)
    assert "That is a lot" in window.notices.texts()["run"], "it is another one by now"
    assert "88,888,888,888" in answer("Run").text()
    qtbot.mouseClick(answer("Run"), Qt.MouseButton.LeftButton)
    assert len(window.session.data.runs()) == setup.count()
    window.actions_["stop"].trigger()
