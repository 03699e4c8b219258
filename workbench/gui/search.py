"""Search: a field that finds any command, run or setting by words, over a list of what is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.analysis.numerals import count
from workbench.gui import theme
from workbench.gui.plain import set_tip, set_tree_tip
from workbench.words import tr, visible

MOST = 50
"""Entries that are listed."""
WIDTH, HEIGHT, TOP = 640, 400, 52
MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class Entry(NamedTuple):
    """Something that can be found: its name, what it is, and what is done when it is chosen."""

    text: str
    note: str
    act: Callable[[], object]
    tip: str = ""
    able: bool = True


class Search(QFrame):
    """Lies over the top of the window while it has the keyboard.

    Parameters
    ----------
    gather : tells everything that can be found at present.
    """

    def __init__(self, gather: Callable[[], Iterable[Entry]], window: QWidget) -> None:
        super().__init__(window)
        self._gather, self._window, self._before = gather, window, window
        self._entries: list[tuple[Entry, str]] = []
        self._found: list[Entry] = []
        self._used: list[tuple[object, ...]] = []
        self.setObjectName("search")
        self.field = QLineEdit(self)
        self.field.setObjectName("search_field")
        self.field.setAccessibleName(tr("Search"))
        self.field.setPlaceholderText(tr("A command, run, experiment, setting or algorithm"))
        set_tip(self.field, tr("Words in any order; Up and Down choose, Enter does it, Esc closes"))
        self.list = QTreeWidget(self)
        self.list.setObjectName("search_list")
        self.list.setAccessibleName(tr("Found"))
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the field has the keyboard, and moves in it
        layout = QVBoxLayout(self)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.field.textChanged.connect(self._fill)
        self.field.returnPressed.connect(self._choose)
        self.list.itemClicked.connect(self._choose)
        self.field.installEventFilter(self)
        self.hide()

    @Slot()
    def search(self) -> None:
        """Open with all that there is; where it is open, close."""
        if self.isVisible():
            self._leave()
            return
        window = self._window
        self._before = window.focusWidget() or window
        self._entries = [(each, f"{each.text} {each.note}".casefold()) for each in self._gather()]
        width = min(WIDTH, window.width() - 32)
        self.setGeometry((window.width() - width) // 2, TOP, width, min(HEIGHT, window.height() - TOP - 8))
        self.setStyleSheet(f"#search {{ border: 1px solid {theme.edge()}; background: palette(window); }}")
        self.list.setColumnWidth(0, width // 2)
        self.field.clear()
        self._fill()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    @Slot()
    def _fill(self) -> None:
        """List what has all words; first what is called so, begins so, can be done, was used."""
        words = self.field.text().casefold().split()
        begins = [re.compile(rf"(?<!\w){re.escape(word)}") for word in words]

        def rank(known: tuple[Entry, str]) -> tuple[bool, int, bool, int]:
            entry, said = known
            name = entry.text.casefold()
            misses = sum((not each.search(said)) + (not each.search(name)) for each in begins)
            used = self._used.index(entry[:2]) if entry[:2] in self._used else MOST
            return name.split() != words, misses, not entry.able, used

        having = [each for each in self._entries if all(word in each[1] for word in words)]
        self._found = [entry for entry, _ in sorted(having, key=rank)[:MOST]]
        self.list.clear()
        muted = QColor(theme.muted())
        for entry in self._found:
            item = QTreeWidgetItem(self.list, [visible(entry.text), visible(entry.note)])
            item.setForeground(1, muted)
            set_tree_tip(item, 0, entry.tip or entry.text)
            if not entry.able:
                item.setText(1, tr("not now: {}", entry.tip))
                item.setForeground(0, muted)
        more = tr("… and {} more: type further", count(len(having) - MOST)) if len(having) > MOST else ""
        if last := more or ("" if having else tr("Nothing is called so")):
            QTreeWidgetItem(self.list, [last]).setDisabled(True)
        self.list.setCurrentIndex(self.list.model().index(0, 0))

    @Slot()
    def _choose(self) -> None:
        row = self.list.currentIndex().row()
        if 0 <= row < len(self._found) and (entry := self._found[row]).able:
            self._used = [entry[:2], *(each for each in self._used if each != entry[:2])][:MOST]
            self._leave()
            entry.act()

    def _leave(self) -> None:
        """Close, with the keyboard where it was."""
        self._before.setFocus()
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The field's keys that move in the list; whoever goes elsewhere is done here."""
        if event.type() == QEvent.Type.FocusOut and QApplication.activePopupWidget() is None:
            self.hide()
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in MOVES:
                return QApplication.sendEvent(self.list, event)
            if event.key() == Qt.Key.Key_Escape:
                self._leave()
                return True
        return False
