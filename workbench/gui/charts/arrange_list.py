"""Order, names and choice of the algorithms in a figure, by dragging or by keys."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from workbench.analysis.arrangement import Arrangement, Place
from workbench.gui.plain import set_tip
from workbench.words import visible

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
        self.setObjectName("comparison_arrange")
        self.setAccessibleName("Order and names in the figure")
        set_tip(
            self, "Drag to reorder (or Alt+Up, Alt+Down), tick to show, F2 to rename; an empty name undoes"
        )
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.itemChanged.connect(self._changed)
        self.model().rowsMoved.connect(self._moved)

    def show_places(self, arrangement: Arrangement) -> None:
        """Show an arrangement; the current item stays current."""
        if arrangement == self.arrangement():
            return
        current = self.currentItem()
        key = current.data(KEY) if current is not None else None
        blocked = QSignalBlocker(self)
        self.clear()
        for place in arrangement.places:
            item = QListWidgetItem(place.name)
            item.setData(KEY, place.key)
            set_tip(item, place.key)
            item.setFlags(
                (item.flags() | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsUserCheckable)
                & ~Qt.ItemFlag.ItemIsDropEnabled
            )
            item.setCheckState(Qt.CheckState.Checked if place.shown else Qt.CheckState.Unchecked)
            self.addItem(item)
            if place.key == key:
                self.setCurrentItem(item)
        blocked.unblock()

    def arrangement(self) -> Arrangement:
        """What is shown; a name that is empty or another's is not taken."""
        items = [self.item(row) for row in range(self.count())]
        taken = {str(item.data(KEY)) for item in items}
        places = []
        for item in items:
            key, name = str(item.data(KEY)), visible(" ".join(item.text().split()))[:LONGEST]
            name = name if name and name not in taken else key
            taken.add(name)
            places.append(Place(key, name, item.checkState() == Qt.CheckState.Checked))
        return Arrangement(tuple(places))

    @Slot(QListWidgetItem)
    def _changed(self, item: QListWidgetItem) -> None:
        blocked = QSignalBlocker(self)
        item.setText(self.arrangement().places[self.row(item)].name)
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
