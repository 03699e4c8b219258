"""The tree of runs as it is seen: columns, folds, keyboard, and what is selected."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import (
    QElapsedTimer,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QAction, QColor, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from workbench.gui import theme
from workbench.gui.plain import Label, set_tip, without_keys
from workbench.gui.run_data import ALL, RunData
from workbench.gui.runs_model import PROGRESS, RunsModel
from workbench.gui.runs_tree import Node
from workbench.words import tr

AT_FIRST = ("State", "Value")
STATE = 1
LONG_STATE = " ▶ 99 of 100 · 59 min "
LEAST_NAME, LEAST, WIDEST, ROW = 110, 60, 320, 24
"""Pixels of the names' column, of others, and of a row's height."""
ROOMY = 400
"""Pixels of a table in which experiments have cells of their own beside their names."""
FEW = 60
"""Runs that pass a filter and are all unfolded."""
SEARCH_MILLISECONDS = 1000

Flags = QItemSelectionModel.SelectionFlag


class RunsTable(QTreeView):
    """The runs; what is selected in it is selected everywhere, and the other way round.

    Attributes
    ----------
    opened : the page of what is selected is asked for.
    only_asked : nothing but what is selected is to be shown.
    """

    opened = Signal()
    only_asked = Signal()

    def __init__(self, data: RunData, model: RunsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._data, self._model = data, model
        self._unfolded: set[str] = set()
        self._known: set[str] = set()
        self._chosen = set(AT_FIRST)
        self._before: tuple[list[str], int, int] = ([], 0, 0)
        self._few = self._busy = False
        self._searched = QElapsedTimer()
        self.setObjectName("runs_table")
        self.setAccessibleName(tr("Runs"))
        self.setModel(model)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names differ at their ends
        self.setIconSize(QSize(12, 12))
        self.setIndentation(14)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(_Cell(self))
        header = self.header()
        header.setStretchLastSection(False)
        header.setResizeContentsPrecision(0)  # only what is seen is measured
        header.setSortIndicatorClearable(True)  # a third click: the queue's order
        header.setSectionsMovable(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._ask_columns)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._rebuilt)
        data.opened.connect(self._begin)
        data.selection_changed.connect(self.follow)
        self._rebuilt()

    # --- what is unfolded, and where the keyboard is -----------------------------------------------

    @Slot()
    def _begin(self) -> None:
        """Another project is open."""
        self._unfolded, self._known = set(), set()

    def _note_folds(self) -> None:
        if not self._few:  # else the filter unfolded everything
            for node in self._model.nodes:
                opened = bool(node.children) and self.isExpanded(self._model.index_of(node))
                (self._unfolded.add if opened else self._unfolded.discard)(node.key)

    @Slot()
    def _remember(self) -> None:
        self._note_folds()
        node = self._model.node(self.currentIndex())
        place = node.number if node is not None else -1
        self._before = [each.key for each in self._model.nodes], place, self.verticalScrollBar().value()

    @Slot()
    def _rebuilt(self) -> None:
        """Unfold what was unfolded, and go back to where the keyboard was, or to what follows it."""
        keys, place, scrolled = self._before
        new = [each.key for each in self._data.experiments() if each.key not in self._known]
        self._unfolded |= set(new[-1:])
        self._known |= set(new)
        self._few = self._model.passing is not None and len(self._model.passing) <= FEW
        for node in self._model.nodes:
            if node.children and (self._few or node.key in self._unfolded):
                self.expand(self._model.index_of(node))
        self.fit()
        after = [*keys[place:], *reversed(keys[:place])] if place >= 0 else []
        here = next((found for each in after if (found := self._model.by_key(each)) is not None), None)
        self.setAutoScroll(False)
        if here is not None:
            self.selectionModel().setCurrentIndex(self._model.index_of(self._seen(here)), Flags.NoUpdate)
        self.follow(seen=False)
        self.setAutoScroll(True)
        self.verticalScrollBar().setValue(scrolled)

    def _seen(self, node: Node) -> Node:
        """The row, or the folded one that it is in."""
        if (parent := node.parent) is None:
            return node
        above = self._seen(parent)
        return node if above is parent and self.isExpanded(self._model.index_of(parent)) else above

    def select_here(self) -> None:
        """Select the row where the keyboard is."""
        self.selectionModel().select(self.currentIndex(), Flags.ClearAndSelect | Flags.Rows)

    # --- what is selected --------------------------------------------------------------------------

    def chosen(self) -> list[int]:
        """The runs of the selected rows, each once, top to bottom."""
        nodes = [node for each in self.selectionModel().selectedRows() if (node := self._model.node(each))]
        runs = (run for node in sorted(nodes, key=lambda node: node.number) for run in node.runs)
        return list(dict.fromkeys(runs))

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if self._busy:
            return
        runs = self.chosen()
        of = {node.experiment for run in runs if (node := self._model.node_of(run)) is not None}
        if len(of) == 1 and self._data.view != ALL:
            self._data.look_at(of.pop())
        self._data.select(runs)

    @Slot()
    def follow(self, *, seen: bool = True) -> None:
        """Select the rows of what was selected elsewhere, and bring the first of them into sight."""
        wanted = self._data.selected
        if set(self.chosen()) == set(wanted):
            return
        rows = self._rows_of(wanted)
        selection = QItemSelection()
        for node in rows:
            index = self._model.index_of(node)
            selection.select(index, index)
        self._busy = True
        self.selectionModel().select(selection, Flags.ClearAndSelect | Flags.Rows)
        self._busy = False
        if rows and seen:
            first = self._model.index_of(rows[0])
            self.selectionModel().setCurrentIndex(first, Flags.NoUpdate)
            self.scrollTo(first)  # which unfolds what it is in

    def _rows_of(self, runs: Iterable[int]) -> list[Node]:
        """The rows of these runs, as few as can be: that of an experiment or an algorithm whose runs are all
        among them, and more than one."""
        wanted = set(runs)

        def cover(node: Node) -> list[Node]:
            if wanted.issuperset(node.runs) and (len(node.runs) > 1 or not node.children):
                return [node]
            return [each for child in node.children for each in cover(child)]

        return [each for node in self._model.nodes if node.parent is None for each in cover(node)]

    # --- columns -----------------------------------------------------------------------------------

    def fill_columns(self, menu: QMenu) -> None:
        """Offer the columns; those of settings by the sections that they are in."""
        for old in menu.findChildren(QMenu):
            old.deleteLater()
        menu.clear()
        sections: dict[str, QMenu] = {}
        for column in self._model.columns[1:]:
            section, dot, _ = column.name.partition(".")
            if dot and section not in sections:
                sections[section] = menu.addMenu(section.capitalize())
            action = sections.get(section, menu).addAction(without_keys(tr(column.title)))
            action.setCheckable(True)
            action.setChecked(column.name in self._chosen)
            action.setData(column.name)
            set_tip(action, tr(column.tip))

    @Slot(QAction)
    def choose_column(self, action: QAction) -> None:
        """Show a column, or hide it."""
        (self._chosen.add if action.isChecked() else self._chosen.discard)(action.data())
        self.fit()

    @Slot(QPoint)
    def _ask_columns(self, at: QPoint) -> None:
        menu = QMenu(self)
        self.fill_columns(menu)
        menu.triggered.connect(self.choose_column)
        menu.exec(self.header().mapToGlobal(at))

    @Slot()
    def fit(self) -> None:
        """Give columns the room of their texts: half a number reads like another one. Names have the rest."""
        header, first, *others = self.header(), *range(len(self._model.columns))
        self._model.narrow = self.width() < ROOMY
        for row in range(self._model.rowCount()):
            self.setFirstColumnSpanned(row, QModelIndex(), self._model.narrow)
        for number in others:
            shown = self._model.columns[number].name in self._chosen
            header.setSectionHidden(number, not shown)
            if shown:
                live = bool(self._data.live) and number == STATE  # it says more from second to second
                least = self.fontMetrics().horizontalAdvance(LONG_STATE) if live else LEAST
                header.resizeSection(number, min(WIDEST, max(least, self.sizeHintForColumn(number))))
        bar = self.verticalScrollBar().sizeHint().width() + 2 * self.frameWidth()
        room = self.width() - bar - header.length() + header.sectionSize(first)
        wanted = min((self.width() - bar) // 2, self.sizeHintForColumn(first))
        if room < wanted and not header.isSectionHidden(STATE):  # a state can be read by its sign
            given = header.sectionSize(STATE) - max(LEAST, header.sectionSize(STATE) - wanted + room)
            header.resizeSection(STATE, header.sectionSize(STATE) - given)
            room += given
        header.resizeSection(
            first, max(LEAST_NAME, room)
        )  # of columns that are too many, scrolling takes care

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for hint in self.findChildren(Label):
            hint.setGeometry(12, 40, max(0, self.width() - 24), max(0, min(120, self.height() - 48)))
        self.fit()

    def kept(self) -> dict[str, object]:
        """Which columns are shown, and what is unfolded (JSON types)."""
        self._note_folds()
        return {"columns": sorted(self._chosen), "unfolded": sorted(self._unfolded)}

    def restore(self, state: dict[str, object]) -> None:
        """Take up what :meth:`kept` gave."""
        columns, unfolded = state.get("columns"), state.get("unfolded")
        self._chosen = set(map(str, columns)) if isinstance(columns, list) else set(AT_FIRST)
        if isinstance(unfolded, list):
            self._unfolded = set(map(str, unfolded))
        for node in self._model.nodes:
            self.setExpanded(self._model.index_of(node), node.key in self._unfolded)
        self.fit()

    # --- keyboard and mouse ------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex().siblingAtColumn(0)
        writing = self.state() == QAbstractItemView.State.EditingState  # the end of a name comes by here too
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not writing:
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Space and index.isValid():
            on = self._model.data(index, Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            state = Qt.CheckState.Unchecked if on else Qt.CheckState.Checked
            if self._model.flags(index) & Qt.ItemFlag.ItemIsUserCheckable:
                self._model.setData(index, state, Qt.ItemDataRole.CheckStateRole)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """A letter within a name that is being typed is no shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            searching = self._searched.isValid() and self._searched.elapsed() < SEARCH_MILLISECONDS
            if searching and event.text() and event.text().isprintable():
                event.accept()
                return True
        return super().event(event)

    def keyboardSearch(self, search: str) -> None:
        self._searched.start()
        super().keyboardSearch(search)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if event.modifiers() == Qt.KeyboardModifier.AltModifier:
            self.only_asked.emit()


class _Cell(QStyledItemDelegate):
    """A row's cell; a state has a quiet bar under it, as long as the run is not over."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        if index.column() == STATE or not index.parent().isValid():  # what is said last gives way first
            option.textElideMode = Qt.TextElideMode.ElideRight

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), ROW)

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
