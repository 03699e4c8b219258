"""The panel of runs: a table that can be sorted and filtered, and what can be done to its runs."""

from __future__ import annotations

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QAction, QColor, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workbench.gui import theme
from workbench.gui.plain import Label, set_tip
from workbench.gui.runs_model import PROGRESS, SORT, RunsModel
from workbench.gui.session import Session

SHOWN_AT_FIRST = ("Run", "State", "Value")
WHOLE = ("State", "Value")
"""The columns whose texts are not cut."""
LEAST_NAME = 110


class RunsPanel(QWidget):
    """The runs of the project; what is selected here is what the Run menu acts on.

    Attributes
    ----------
    selection_changed : other runs are selected.
    """

    selection_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = RunsModel(session.data, session.queue)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(SORT)
        self._sorted.setFilterKeyColumn(-1)
        self._sorted.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

        self.filter = QLineEdit(self)
        self.filter.setObjectName("runs_filter")
        self.filter.setAccessibleName("Filter runs")
        self.filter.setPlaceholderText("Filter runs")
        set_tip(self.filter, "Show the runs in which any column has this text")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._sorted.setFilterFixedString)

        self.table = _Table(self)
        self.table.setModel(self._sorted)
        self.table.setItemDelegateForColumn(1, _ProgressDelegate(self.table))
        header = self.table.horizontalHeader()
        header.setSortIndicatorClearable(True)  # a third click: the queue's order
        self.table.setSortingEnabled(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._choose_columns)
        self._size_columns()
        self.table.selectionModel().selectionChanged.connect(self._select)

        self._hint = Label("No runs yet.\nTick algorithms in Setup and press Run.", self.table)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.filter)
        layout.addWidget(self.table)

        self.model.renamed.connect(self._rename)
        self.model.shown_or_hidden.connect(self._show_or_hide)
        session.data.listed.connect(self._relisted)
        self._relisted()

    def add_actions(self, actions: list[QAction]) -> None:
        """What the context menu offers; None of it is lost without a mouse: the Run menu has it too."""
        self.table.addActions(actions)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def selected(self) -> list[int]:
        """The selected runs, top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.run_at(self._source_row(row)).id for row in rows]

    def select(self, run: int) -> None:
        """Select one run."""
        for row in range(self.model.rowCount()):
            if self.model.run_at(row).id == run:
                index = self._sorted.mapFromSource(self.model.index(row, 0))
                flags = QItemSelectionModel.SelectionFlag
                self.table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)

    def edit_name(self) -> None:
        """Let the person write another name for the selected run."""
        index = self.table.currentIndex()
        if index.isValid():
            self.table.setFocus()
            self.table.edit(index.siblingAtColumn(0))

    def state(self) -> dict[str, object]:
        """Which columns are shown, how wide they are (JSON types)."""
        header = self.table.horizontalHeader()
        return {
            column.title: header.sectionSize(number) * (not header.isSectionHidden(number))
            for number, column in enumerate(self.model.columns)
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take up what :meth:`state` gave."""
        self._size_columns()
        header = self.table.horizontalHeader()
        for number, column in enumerate(self.model.columns):
            width = state.get(column.title)
            if isinstance(width, int):
                header.setSectionHidden(number, width <= 0)
                if width > 0:
                    header.resizeSection(number, min(width, 2000))
        self._fit()

    def _size_columns(self) -> None:
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(False)
        widths = {"Run": 150, "State": 100, "Value": 48, "Experiment": 150}
        for number, column in enumerate(self.model.columns):
            header.setSectionHidden(number, column.title not in SHOWN_AT_FIRST)
            header.resizeSection(number, widths.get(column.title, 80))

    def _fit(self) -> None:
        """Make room for texts that must be whole: half a number reads like another one. Names give way."""
        header = self.table.horizontalHeader()
        for number, column in enumerate(self.model.columns):
            if column.title not in WHOLE or header.isSectionHidden(number):
                continue
            more = self.table.sizeHintForColumn(number) - header.sectionSize(number)
            if more > 0:
                header.resizeSection(number, header.sectionSize(number) + more)
                header.resizeSection(0, max(LEAST_NAME, header.sectionSize(0) - more))
        bar = self.table.verticalScrollBar().sizeHint().width() + 2 * self.table.frameWidth()
        room, name = self.table.width() - bar - header.length(), header.sectionSize(0)
        if room > 0 or name + room >= LEAST_NAME:  # of columns that are too many, scrolling takes care
            header.resizeSection(0, name + room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _source_row(self, row: int) -> int:
        return self._sorted.mapToSource(self._sorted.index(row, 0)).row()

    @Slot()
    def _select(self) -> None:
        self._session.data.select(self.selected())
        self.selection_changed.emit()

    @Slot()
    def _relisted(self) -> None:
        self._hint.setVisible(not self.model.rowCount())
        self._fit()
        self.selection_changed.emit()

    @Slot(int, str)
    def _rename(self, run: int, name: str) -> None:
        self._session.change_runs(f"Rename to {name}", {run: {"name": name}})

    @Slot(int, bool)
    def _show_or_hide(self, run: int, visible: bool) -> None:
        chosen = self.selected()
        runs = chosen if run in chosen else [run]
        text = "Show in charts" if visible else "Hide in charts"
        self._session.change_runs(text, {each: {"visible": visible} for each in runs})

    @Slot(QPoint)
    def _choose_columns(self, at: QPoint) -> None:
        menu = QMenu(self)
        header = self.table.horizontalHeader()
        for number, column in enumerate(self.model.columns[1:], 1):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not header.isSectionHidden(number))
            action.setData(number)
        chosen = menu.exec(header.mapToGlobal(at))
        if chosen is not None:
            header.setSectionHidden(chosen.data(), not chosen.isChecked())


class _Table(QTableView):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("runs_table")
        self.setAccessibleName("Runs")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names differ at their ends
        self.setTabKeyNavigation(False)  # Tab leaves the table
        self.setIconSize(QSize(12, 12))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for hint in self.findChildren(Label):
            hint.setGeometry(12, 40, max(0, self.width() - 24), max(0, min(120, self.height() - 48)))


class _ProgressDelegate(QStyledItemDelegate):
    """A state with a quiet bar under it, as long as the run is not over."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        part = index.data(PROGRESS)
        if part is None:
            return
        cell: QRect = option.rect
        whole = QRect(cell.left() + 4, cell.bottom() - 3, cell.width() - 8, 3)
        painter.fillRect(whole, QColor(theme.grid()))
        whole.setWidth(round(whole.width() * part))
        painter.fillRect(whole, QColor(theme.accent()))
