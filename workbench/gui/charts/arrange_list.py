"""Order, names and choice of the algorithms in a figure, by dragging or by keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from workbench.analysis.arrangement import Arrangement, Place
from workbench.analysis.source import Group
from workbench.gui.plain import set_tip
from workbench.words import tr, visible

KEY = Qt.ItemDataRole.UserRole
LONGEST = 200


class ArrangeList(QListWidget):
    """Drag to reorder, tick to show, double-click (or F2) to rename; Alt+Up and Alt+Down move by keys.

    Attributes
    ----------
    arranged : the person changed something.
    """

    arranged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._own_names: dict[str, str] = {}
        self.setObjectName("comparison_arrange")
        self.setAccessibleName(tr("Order and names in the figure"))
        set_tip(
            self,
            tr("Drag to reorder (or Alt+Up, Alt+Down), tick to show, F2 to rename; an empty name undoes"),
        )
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setSpacing(2)
        self.itemChanged.connect(self._changed)
        self.model().rowsMoved.connect(self._moved)

    def show_places(self, arrangement: Arrangement, groups: Sequence[Group]) -> None:
        """Show the places of algorithms; the current item stays current."""
        own_names = {group.key: group.own_name for group in groups}
        places = [each for each in arrangement.places if each.key in own_names]
        if places == self.places() and own_names == self._own_names:
            return
        self._own_names = own_names
        current = self.currentItem()
        key = current.data(KEY) if current is not None else None
        blocked = QSignalBlocker(self)
        self.clear()
        for place in places:
            own_name = own_names[place.key]
            item = QListWidgetItem(place.name or own_name)
            item.setData(KEY, place.key)
            set_tip(item, own_name)
            item.setFlags(
                (item.flags() | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsUserCheckable)
                & ~Qt.ItemFlag.ItemIsDropEnabled
            )
            item.setCheckState(Qt.CheckState.Checked if place.shown else Qt.CheckState.Unchecked)
            self.addItem(item)
            if place.key == key:
                self.setCurrentItem(item)
        blocked.unblock()

    def places(self) -> list[Place]:
        """What is shown; a name that is empty or another's is not taken."""
        taken = set(self._own_names.values())
        found = []
        for item in map(self.item, range(self.count())):
            key, name = str(item.data(KEY)), visible(" ".join(item.text().split()))[:LONGEST]
            name = "" if name in taken else name
            taken.add(name or self._own_names[key])
            found.append(Place(key, name, _is_ticked(item)))
        return found

    def hidden(self) -> list[str]:
        """The names of those that are not in the figure."""
        return [item.text() for item in map(self.item, range(self.count())) if not _is_ticked(item)]

    @Slot(QListWidgetItem)
    def _changed(self, item: QListWidgetItem) -> None:
        blocked = QSignalBlocker(self)
        place = self.places()[self.row(item)]
        item.setText(place.name or self._own_names[place.key])
        blocked.unblock()
        self.arranged.emit()

    @Slot()
    def _moved(self) -> None:
        self.arranged.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and by:
            self._move(by)
        else:
            super().keyPressEvent(event)

    def _move(self, by: int) -> None:
        row = self.currentRow()
        if row >= 0 and 0 <= row + by < self.count():
            blocked = QSignalBlocker(self)
            item = self.takeItem(row)
            self.insertItem(row + by, item)
            self.setCurrentRow(row + by)
            blocked.unblock()
            self.arranged.emit()


def _is_ticked(item: QListWidgetItem) -> bool:
    return item.checkState() == Qt.CheckState.Checked
