"""A small table of numbers that is typed in, or pasted from a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from workbench.gui.plain import set_tip
from workbench.words import shown, tr

FIRST_ROWS, MOST_ROWS = 6, 10_000


class TypedTable(QTableWidget):
    """Cells that are typed into; there is always an empty row at the end.

    Enter goes on to the next cell, Ctrl+V takes cells out of a spreadsheet, Delete empties what is selected.

    Attributes
    ----------
    edited : something else stands in it.
    told : what became of cells that were pasted, in a sentence.
    """

    edited = Signal()
    told = Signal(str)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self.setObjectName(name)
        self.setAccessibleName(title)
        set_tip(self, tr("Type numbers, or paste them from a spreadsheet (Ctrl+V)"))
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(  # not when the cursor comes by: it would paste into the one cell
            triggers.DoubleClicked
            | triggers.SelectedClicked
            | triggers.AnyKeyPressed
            | triggers.EditKeyPressed
        )
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.verticalHeader().setDefaultSectionSize(22)
        self.itemChanged.connect(self._changed)

    def show_columns(self, names: Sequence[str]) -> None:
        """Begin anew, with columns of those names."""
        self.clear()
        self._names = list(names)
        self.setColumnCount(len(names))
        self.setHorizontalHeaderLabels(list(names))
        self.setRowCount(FIRST_ROWS)
        self._fit()

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
        """Fill in cells from a place on, out of lines with tabs (or semicolons, or commas) between them.

        A first line that has names of our columns says which ones these are.
        """
        sign = next((each for each in "\t;," if each in text), "\t")
        lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
        rows = list(csv.reader(lines[:MOST_ROWS], delimiter=sign))
        ours = [_plain(name) for name in self._names]
        said = [_plain(cell) for cell in rows[0]] if rows else []
        places = list(range(column, self.columnCount()))
        if len(known := set(said) & set(ours)) > 1 or known == set(said) != set():
            places = [ours.index(name) if name in known else -1 for name in said]
            left = [cell.strip() for cell, name in zip(rows[0], said, strict=True) if name not in known]
            del rows[0]
            if left:
                self.told.emit(
                    tr("Not taken, since there are no such columns here: {}.", ", ".join(map(shown, left)))
                )
        for down, cells in enumerate(rows):
            self.setRowCount(max(self.rowCount(), row + down + 2))
            for across, cell in zip(places, cells, strict=False):
                if across >= 0:
                    self.setItem(row + down, across, QTableWidgetItem(cell.strip()))

    def _cells(self) -> list[list[str]]:
        return [
            [
                item.text().strip() if (item := self.item(row, column)) else ""
                for column in range(self.columnCount())
            ]
            for row in range(self.rowCount())
        ]

    def _fit(self) -> None:
        """Give every column the room of its name at least."""
        header = self.horizontalHeader()
        count, modes = self.columnCount(), QHeaderView.ResizeMode
        fits = count * max(map(header.sectionSizeHint, range(count)), default=0) <= self.viewport().width()
        header.setSectionResizeMode(modes.Stretch if fits else modes.ResizeToContents)
        header.setStretchLastSection(not fits)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

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


def _plain(name: str) -> str:
    """The name of a column without its unit."""
    return name.partition("(")[0].strip().lower()
