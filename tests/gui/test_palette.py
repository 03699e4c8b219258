"""Search finds commands, runs, settings and algorithms by words; help is one page that can be searched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QMenu, QPushButton, QTreeWidget
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from tests.gui.finished import invent
from workbench.algorithms import ALGORITHMS
from workbench.gui import actions
from workbench.gui.findable import entries
from workbench.gui.help import ABOUT, KEYS, LEARNERS, MEASURED, PANEL
from workbench.gui.layout import PANELS
from workbench.gui.search import MOST, Search
from workbench.gui.window import MainWindow
from workbench.project import Project


def part(window: MainWindow) -> tuple[Search, QLineEdit, QTreeWidget]:
    search = window.findChild(Search, "search")
    field, found = window.findChild(QLineEdit, "search_field"), window.findChild(QTreeWidget, "search_list")
    assert search is not None
    assert field is not None
    assert found is not None
    return search, field, found


def listed(window: MainWindow) -> list[tuple[str, str]]:
    """What is found: names and notes."""
    found = part(window)[2]
    rows = [found.topLevelItem(row) for row in range(found.topLevelItemCount())]
    return [(row.text(0), row.text(1)) for row in rows]


@pytest.fixture
def ask(open_window: Open, qtbot: QtBot) -> Callable[..., MainWindow]:
    """Opens search by its keys and types words into it; in a new window, or in that of before."""
    windows: list[MainWindow] = []

    def ask(words: str) -> MainWindow:
        if not windows:
            windows.append(open_window())
            windows[0].activateWindow()
            qtbot.waitUntil(windows[0].isActiveWindow)
        window = windows[0]
        search, field, _ = part(window)
        if not search.isVisible():
            qtbot.keyClick(window.focusWidget() or window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert window.focusWidget() is field
        field.clear()
        qtbot.keyClicks(field, words)
        return window

    return ask


def test_a_command_is_found_by_the_beginnings_of_its_words_in_any_order_and_done(
    ask: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    window = ask("")
    before = part(window)[0]._before
    assert len(listed(window)) == MOST + 1
    assert listed(window)[-1][0].startswith("… and ")
    ask("once charts all")
    assert listed(window) == [("All charts at once", "View   Ctrl+0")]
    assert not window.layout_.docks["adaptation_chart"].visibleRegion().rectCount()
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert not part(window)[0].isVisible()
    qtbot.waitUntil(lambda: bool(window.layout_.docks["adaptation_chart"].visibleRegion().rectCount()))
    ask("")
    assert listed(window)[0] == ("All charts at once", "View   Ctrl+0"), "what was used comes first"
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    assert not part(window)[0].isVisible()
    ask("quitt")
    assert listed(window) == [("Nothing is called so", "")]
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert part(window)[0].isVisible(), "there is nothing to do"
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.focusWidget() is not part(window)[1]
    assert before is not part(window)[1]


def test_what_cannot_be_done_now_says_so_and_does_nothing(
    ask: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    window = ask("hold pause")
    assert listed(window)[0][0] == "Nothing is called so", "tips are not names"
    ask("pa")
    assert "Pause" in [name for name, _ in listed(window)]
    assert listed(window)[0] == ("Patients", "File ▸ Samples"), "what can be done stands before"
    ask("pause")
    assert listed(window)[0] == ("Pause", "not now: Hold the running run; the queue waits (Ctrl+P)")
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert part(window)[0].isVisible()


def test_whoever_goes_elsewhere_closes_it_and_the_button_opens_it(
    ask: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    window = ask("run")
    window.runs_panel.filter.setFocus()
    assert not part(window)[0].isVisible()
    button = window.findChild(QPushButton, "search_button")
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert part(window)[0].isVisible()
    found = part(window)[2]
    qtbot.keyClicks(window.focusWidget(), "waves private")
    place = found.visualItemRect(found.topLevelItem(0)).center()
    qtbot.mouseClick(found.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert window.panels is not None
    assert "private" in str(window.panels.draft.value(("name",)))


def test_every_command_stands_in_a_menu_with_a_status_tip_and_is_found(open_window: Open) -> None:
    window = open_window()
    found = {entry.text for entry in entries(window)}
    for name, action in window.actions_.items():
        assert action.iconText() in found, name
        assert action.statusTip(), name
    known = [each for each in actions.COMMANDS if each.name != actions.SEPARATOR]
    assert len(known) == len(window.actions_) + len(actions.SUBMENUS)
    for menu in window.menuBar().findChildren(QMenu):
        for action in menu.actions() if menu.title() else ():
            nothing = action.isSeparator() or action.text() == "None yet"
            assert nothing or action.statusTip(), action.text()


def test_every_setting_that_is_found_is_brought_into_view_with_the_keyboard(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window()
    assert window.panels is not None
    setup = window.panels.setup
    fields = [entry for entry in entries(window) if entry.note == "Setup"]
    assert len(fields) > 60
    assert "Inner learning rate of MAML" in {each.text for each in fields}
    for entry in fields:
        window.runs_panel.filter.setFocus()
        entry.act()
        focused = window.focusWidget()
        assert setup.isAncestorOf(focused), entry.text


def test_runs_groups_and_experiments_are_selected_and_shown(open_window: Open, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb") as project:
        invent(project, "MAML", [1.0, 2.0, 3.0], experiment="First")
        invent(project, "ANIL", [4.0, 4.5], experiment="Second")
    window = open_window(tmp_path / "p.mlwb")
    data = window.session.data
    first, last = data.experiments()
    data.look_at(last.key)

    def act(text: str, note: str) -> None:
        entry = next(each for each in entries(window) if (each.text, each.note) == (text, note))
        entry.act()

    act(first.name, "Experiment")
    assert data.view == first.key
    nodes = window.runs_panel.model.nodes
    group = next(node for node in nodes if node.experiment == first.key and node.title == "MAML")
    act(group.title, "3 runs of First")
    assert set(data.selected) == set(group.runs)
    run = first.runs[0]
    window.runs_panel.filter.setText("nothing is called so")
    act(run.name, first.name)
    assert data.selected == (run.id,)
    assert data.passes(run), "the filter does not hide what was chosen"
    assert window.focusWidget() is window.runs_panel.table


def test_help_is_one_page_that_is_filtered_and_opens_where_the_keyboard_is(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window()
    page = window.help.page
    window.layout_.go_to("runs")
    window.actions_["keys"].trigger()
    assert window.help.isVisible()
    assert not window.help.isModal()
    height = page.viewport().height()

    def top() -> set[str]:
        return {page.cursorForPosition(QPoint(8, y)).block().text() for y in range(4, 32, 4)}

    assert "Runs" in top(), "what tells of the panel"
    said = page.toPlainText()
    assert height < page.document().size().height()
    for part in (KEYS, PANEL, LEARNERS, MEASURED, ABOUT):
        assert part in said
    for title in (
        *PANELS.values(),
        *(each.title for each in ALGORITHMS.values()),
        "Ctrl+L",
        "Accuracy (%)",
        "PyTorch",
    ):
        assert title in said
    field = window.help.findChild(QLineEdit, "help_filter")
    assert field is not None
    assert field.hasFocus() or not window.help.isActiveWindow()
    qtbot.keyClicks(field, "finn fomaml")
    said = page.toPlainText()
    assert "FOMAML" in said
    assert "ProtoNet" not in said
    assert KEYS not in said
    qtbot.keyClicks(field, " nothing")
    assert page.toPlainText() == "Nothing is said of this."
    window.actions_["algorithms"].trigger()
    assert not field.text()
    assert LEARNERS in top()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert not window.help.isVisible()
