"""Other domains in the form: added, named, set up, removed, undone; what is wrong is said there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import workbench.algorithms
import workbench.networks
import workbench.tasks  # noqa: F401 (they make the kinds known)
from tests.test_domains import digits, domain
from workbench.gui.setup.domain_list import DomainList, read, written
from workbench.gui.setup.draft import DOMAINS, Draft
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form


class Shown:
    """A form of languages with its list of domains."""

    def __init__(self, qtbot: QtBot) -> None:
        self.draft, self.undo = Draft(), QUndoStack()
        self.draft.set(("task", "family"), "languages")
        self.form = Form(Edits(self.draft, self.undo), ("task",))
        self.draft.changed.connect(self.form.refresh)
        qtbot.addWidget(self.form)
        self.form.show()
        found = self.form.findChildren(DomainList)
        self.list: DomainList = found[0]

    @property
    def said(self) -> object:
        return self.draft.table()["task"].get("domain")  # type: ignore[attr-defined]


@pytest.fixture
def shown(qtbot: QtBot) -> Shown:
    return Shown(qtbot)


def typed(widget: object, text: str) -> None:
    widget.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(widget, text)  # type: ignore[call-overload]
    widget.editingFinished.emit()  # type: ignore[attr-defined]


def test_a_domain_is_added_named_and_set_up_by_the_keyboard(shown: Shown) -> None:
    QTest.keyClick(shown.list.add, Qt.Key.Key_Space)
    (entry,) = shown.list.entries
    typed(entry.name, "new order")
    typed(entry.settings, 'structures = "new_order", pairs = 5')
    assert shown.said == [{"name": "new order", "structures": "new_order", "pairs": 5}]
    assert shown.draft.complaints() == {}
    (found,) = shown.draft.experiment().task.domain or ()  # type: ignore[union-attr]
    assert found.settings["pairs"] == 5


def test_what_is_wrong_is_said_at_the_domain_and_is_found_again(shown: Shown) -> None:
    shown.list.add.click()
    (entry,) = shown.list.entries
    assert "say what differs" in entry.message.text()
    typed(entry.settings, "pairz = 5")
    assert entry.message.text() == "pairz: unknown key; did you mean 'pairs'?"
    path = (*DOMAINS, 0, "pairz")
    assert shown.draft.complaints()[path]
    assert shown.form.widget_of(path) is entry.settings
    typed(entry.settings, "pairs = ")
    assert "cannot be read" in entry.message.text()
    assert entry.settings.text() == "pairs = "
    assert shown.draft.experiment() is None


def test_every_change_of_domains_can_be_undone(shown: Shown) -> None:
    shown.list.add.click()
    entry = shown.list.entries[0]
    typed(entry.settings, "pairs = 5")
    entry.gone.click()
    assert shown.said is None
    shown.undo.undo()
    assert shown.said == [{"name": "domain 1", "pairs": 5}]
    assert shown.list.entries[0].settings.text() == "pairs = 5"
    shown.undo.undo()
    assert shown.said == [{"name": "domain 1"}]
    shown.undo.undo()
    assert shown.said is None
    assert not shown.list.entries


def test_families_that_give_the_same_tasks_are_offered(shown: Shown) -> None:
    shown.draft.set(("task", "family"), "digits")
    shown.draft.set(("task", "ways"), 2)
    found = shown.form.findChildren(DomainList)[-1]
    found.add.click()
    box = found.entries[0].family
    assert [box.itemText(at) for at in range(box.count())] == ["As the task", "Glyphs", "Images"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert shown.draft.value(DOMAINS) == [{"name": "domain 1", "family": "glyphs"}]


def test_an_experiment_that_is_loaded_shows_what_differs_and_means_the_same(shown: Shown) -> None:
    e = digits(domain("more", shots=5), domain("letters", family="glyphs", examples=30))
    shown.draft.load(e)
    found = shown.form.findChildren(DomainList)[-1]
    assert [each.settings.text() for each in found.entries] == ["shots = 5", "examples = 30"]
    assert shown.draft.experiment() == e


@pytest.mark.parametrize(
    "settings",
    [
        {"pairs": 5, "structures": "new_order"},
        {"invert": True, "path": 'a "quoted", path\\here'},
        {"split": {"train": ["a", "b"], "fractions": [0.5, 0.25, 0.25]}},
    ],
)
def test_settings_in_a_line_are_read_back(settings: dict[str, object]) -> None:
    assert read(written(settings)) == settings
