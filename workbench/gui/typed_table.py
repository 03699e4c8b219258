"""A small table of numbers that is typed in, or pasted from a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from workbench.gui.plain import set_tip

FIRST_ROWS, MOST_ROWS = 6, 10_000


class TypedTable(QTableWidget):
    """Cells that are typed into; there is always an empty row at the end.

    Enter goes on to the next cell, Ctrl+V takes cells out of a spreadsheet, Delete empties what is selected.

    Attributes
    ----------
    edited : something else stands in it.
    """

    edited = Signal()

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self.setObjectName(name)
        self.setAccessibleName(title)
        set_tip(self, "Type numbers, or paste them from a spreadsheet (Ctrl+V)")
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(  # not when the cursor comes by: it would paste into the one cell
            triggers.DoubleClicked
            | triggers.SelectedClicked
            | triggers.AnyKeyPressed
            | triggers.EditKeyPressed
        )
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().setDefaultSectionSize(22)
        self.itemChanged.connect(self._changed)

    def show_columns(self, names: Sequence[str]) -> None:
        """Begin anew, with columns of those names."""
        self.clear()
        self._names = list(names)
        self.setColumnCount(len(names))
        self.setHorizontalHeaderLabels(list(names))
        self.setRowCount(FIRST_ROWS)

    @property
    def filled(self) -> bool:
        """Whether anything stands in it."""
        return any(any(row) for row in self._cells())

    def as_csv(self) -> str:
        """What stands in it under the names of the columns: each row of the table is a line, up to the last
        that has something."""
        rows = self._cells()
        while rows and not any(rows[-1]):
            rows.pop()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._names)
        for row in rows:
            if any(row):
                writer.writerow(row)
            else:
                text.write("\n")
        return text.getvalue()

    def put(self, text: str, row: int = 0, column: int = 0) -> None:
        """Fill in cells from a place on, out of lines with tabs (or semicolons, or commas) between them."""
        sign = next((each for each in "\t;," if each in text), "\t")
        lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
        for down, cells in enumerate(csv.reader(lines[:MOST_ROWS], delimiter=sign)):
            self.setRowCount(max(self.rowCount(), row + down + 2))
            for across, cell in enumerate(cells[: self.columnCount() - column]):
                self.setItem(row + down, column + across, QTableWidgetItem(cell.strip()))

    def _cells(self) -> list[list[str]]:
        return [
            [
                item.text().strip() if (item := self.item(row, column)) else ""
                for column in range(self.columnCount())
            ]
            for row in range(self.rowCount())
        ]

    @Slot(QTableWidgetItem)
    def _changed(self, item: QTableWidgetItem) -> None:
        if item.text() and item.row() == self.rowCount() - 1 < MOST_ROWS:
            self.setRowCount(self.rowCount() + 1)
        self.edited.emit()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        if hint == QAbstractItemDelegate.EndEditHint.SubmitModelCache:
            row, column = self.currentRow(), self.currentColumn() + 1
            if column == self.columnCount():
                row, column = row + 1, 0
            self.setCurrentCell(min(row, self.rowCount() - 1), column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.put(
                QGuiApplication.clipboard().text(), max(0, self.currentRow()), max(0, self.currentColumn())
            )
        elif event.matches(QKeySequence.StandardKey.Delete):
            for index in self.selectedIndexes():
                self.setItem(index.row(), index.column(), QTableWidgetItem(""))
        else:
            super().keyPressEvent(event)
