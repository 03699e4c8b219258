"""A table of results that sorts by value and is copied as tab-separated text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from workbench.analysis.numerals import raised
from workbench.gui.plain import set_tip
from workbench.words import tr

SORT_ROLE = Qt.ItemDataRole.UserRole + 1
WIDEST = 240
LAST = float("inf")
"""Where a missing number sorts."""


@dataclass(frozen=True)
class Column:
    """A column: the key of its values, its heading, what it means, and how a value is written."""

    key: str
    heading: str
    tip: str
    form: str = ""

    def shown(self, value: object) -> str:
        """The value as the table shows it."""
        if value is None:
            return "–"
        return raised(format(value, self.form)) if self.form and not isinstance(value, str) else str(value)


class ResultTable(QTableView):
    """Rows of values; numbers sort as numbers, and Ctrl+C copies what is selected (or everything).

    Attributes
    ----------
    picked : other rows are selected: the ids that they have under ``runs``, which is no column.
    """

    picked = Signal(object)

    def __init__(self, columns: Sequence[Column], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = list(columns)
        self._rows: list[Mapping[str, object]] = []
        self._following = False
        self._model = QStandardItemModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(SORT_ROLE)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().hide()
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names differ at their ends
        self.verticalHeader().setDefaultSectionSize(22)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)  # Tab leaves the table

    def show_rows(self, columns: Sequence[Column], rows: Sequence[Mapping[str, object]]) -> None:
        """Show other rows; the order that was chosen stays. Columns without any value are not seen."""
        if list(columns) == self._columns and list(rows) == self._rows and self._model.columnCount():
            return
        self._following = True  # what goes with its rows was not chosen to go
        self._model.removeRows(0, self._model.rowCount())
        self._columns, self._rows = list(columns), list(rows)
        self._model.setColumnCount(len(self._columns))
        for index, column in enumerate(self._columns):
            heading = QStandardItem(tr(column.heading))
            set_tip(heading, tr(column.tip))
            self._model.setHorizontalHeaderItem(index, heading)
        for row in self._rows:
            self._model.appendRow([self._item(column, row.get(column.key)) for column in self._columns])
        for index, column in enumerate(self._columns):
            known = (row.get(column.key) is not None for row in self._rows)
            self.setColumnHidden(index, index > 0 and bool(self._rows) and not any(known))
        self._following = False
        self.resizeColumnsToContents()
        self.setColumnWidth(0, min(WIDEST, self.columnWidth(0)))

    @staticmethod
    def _item(column: Column, value: object) -> QStandardItem:
        item = QStandardItem(column.shown(value))
        missing = value is None or (column.form and isinstance(value, str))  # words in a number's place
        item.setData(LAST if missing else value, SORT_ROLE)
        about = tr(column.tip)
        set_tip(item, f"{value}\n{about}" if isinstance(value, str) else about)
        if not isinstance(value, str):
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return item

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        runs = [run for row in self._chosen() for run in self._of(row)]
        if not self._following and (runs or not self._chosen()):
            self.picked.emit(runs)

    def select(self, runs: Iterable[int]) -> None:
        """Select the rows of these runs, without telling of it."""
        wanted, model = set(runs), self.selectionModel()
        rows = range(self._sorted.rowCount())
        found = [row for row in rows if not wanted.isdisjoint(self._of(row))]
        if found == self._chosen() or not any(map(self._of, rows)):
            return
        self._following = True
        flags = QItemSelectionModel.SelectionFlag
        model.clearSelection()
        for row in found:
            model.select(self._sorted.index(row, 0), flags.Select | flags.Rows)
        self._following = False

    def _chosen(self) -> list[int]:
        return sorted({index.row() for index in self.selectionModel().selectedRows()})

    def _of(self, row: int) -> Sequence[int]:
        """The runs of a row as it is shown."""
        runs = self._rows[self._sorted.mapToSource(self._sorted.index(row, 0)).row()].get("runs", ())
        assert isinstance(runs, Sequence)
        return runs

    def as_text(self) -> str:
        """The selected rows (or all) as shown, with every digit, separated by tabs."""
        rows = self._chosen() or range(self._sorted.rowCount())
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow([tr(column.heading) for column in self._columns])
        for row in rows:
            source = self._rows[self._sorted.mapToSource(self._sorted.index(row, 0)).row()]
            values = [source.get(column.key) for column in self._columns]
            writer.writerow(["" if value is None else value for value in values])
        return text.getvalue()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.as_text())
        else:
            super().keyPressEvent(event)
