"""The model of the tree of runs: what of it is seen, in which order, and what changes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont

from workbench.gui import icons, theme
from workbench.gui.plain import tip
from workbench.gui.run_columns import DIVERGED, Column, RunColumns, in_order
from workbench.gui.run_data import RunData
from workbench.gui.run_queue import RunQueue
from workbench.gui.runs_tree import STAR, Node, RunsTree, laid_out
from workbench.words import LONGEST_NAME, shown, tr

Index = QModelIndex | QPersistentModelIndex
Roles = Qt.ItemDataRole

PLAIN = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
TICKED = PLAIN | Qt.ItemFlag.ItemIsUserCheckable
NAMED = TICKED | Qt.ItemFlag.ItemIsEditable
PROGRESS = Roles.UserRole
"""Part done, 0 to 1, of what has begun and is not over."""


class RunsModel(QAbstractItemModel):
    """Experiments, their algorithms, and the runs of each.

    Attributes
    ----------
    renamed : the person wrote another name for a run; the model itself changes nothing.
    ticked : the person ticked a row, or took the tick away; its runs, and whether they are to be shown.
    """

    renamed = Signal(int, str)
    ticked = Signal(object, bool)

    def __init__(self, data: RunData, queue: RunQueue) -> None:
        super().__init__(data)
        self._data = data
        self.tree = RunsTree(data)
        self.says = RunColumns(data, queue, self.tree)
        self.nodes: list[Node] = []
        self.columns = self.says.all([])
        self._roots: list[Node] = []
        self._by_key: dict[str, Node] = {}
        self._of_run: dict[int, Node] = {}
        self._sorted: tuple[str, bool] = ("", False)
        self._filter = ""
        self.passing: list[int] | None = None
        """The runs that pass the filter; None where there is none."""
        self.narrow = False
        """Whether what an experiment has in other columns stands behind its name."""

        data.opened.connect(self._forget)
        data.listed.connect(self.rebuild)
        data.viewed.connect(self._viewed)
        data.grew.connect(self._grew)
        self.rebuild()

    @Slot()
    def _viewed(self) -> None:
        if self._arranged != self._data.arrangement:
            self.rebuild()

    @Slot()
    def _forget(self) -> None:
        self.tree.forget()
        self.says.forget()
        self.rebuild()

    def filter(self, text: str) -> None:
        """Let only those runs pass in which all words of a text are found, here and in charts."""
        self._filter = text
        self.rebuild()
        if self._roots and not any(self._data.passes(run) for run in self._data.in_view()):
            self._data.look_at(self._roots[0].key)

    @Slot()
    def rebuild(self) -> None:
        """Bring the tree up to date with the runs, and with the filter which of them pass it."""
        self._arranged = self._data.arrangement
        self.tree.look()
        self.passing = self.tree.passing(self._filter)
        self._data.filter(self.passing)
        roots = self.tree.roots()
        columns = self.says.all(roots)
        chosen = next((each for each in columns if each.name == self._sorted[0]), None)
        nodes = laid_out(roots, in_order(chosen, falling=self._sorted[1]))
        same = [node.key for node in nodes] == [node.key for node in self.nodes]
        if same and [each.name for each in columns] == [each.name for each in self.columns]:
            self._take(nodes, columns)
            for parent in [None, *(node for node in nodes if node.children)]:
                self._changed(parent.children if parent is not None else self._roots)
            return
        self.beginResetModel()
        self._take(nodes, columns)
        self.endResetModel()

    def _take(self, nodes: list[Node], columns: tuple[Column, ...]) -> None:
        self.nodes, self.columns = nodes, columns
        self._roots = [node for node in nodes if node.parent is None]
        self._by_key = {node.key: node for node in nodes}
        self._of_run = {node.run: node for node in nodes if node.run is not None}

    @Slot(object)
    def _grew(self, grown: object) -> None:
        assert isinstance(grown, set)
        changed: dict[str, Node] = {}
        for run in grown:
            node = self._of_run.get(run)
            while node is not None:
                changed[node.key], node = node, node.parent
        self.says.forget(changed)
        for node in changed.values():
            self._changed([node])

    def _changed(self, nodes: Sequence[Node]) -> None:
        if nodes:
            last = len(self.columns) - 1
            self.dataChanged.emit(self.index_of(nodes[0]), self.index_of(nodes[-1], last))

    # --- rows --------------------------------------------------------------------------------------

    def node(self, index: Index) -> Node | None:
        """The row of an index; None above all rows."""
        return self.nodes[index.internalId()] if index.isValid() else None

    def node_of(self, run: int) -> Node | None:
        """The row of a run, if it is in the tree."""
        return self._of_run.get(run)

    def by_key(self, key: str) -> Node | None:
        """The row of a key, if it is in the tree."""
        return self._by_key.get(key)

    def index_of(self, node: Node, column: int = 0) -> QModelIndex:
        """The index of a row."""
        return self.createIndex(node.row, column, node.number)

    # --- Qt's side ---------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        node = self.node(parent)
        rows = node.children if node is not None else self._roots
        fits = 0 <= row < len(rows) and 0 <= column < len(self.columns)
        return self.index_of(rows[row], column) if fits else QModelIndex()

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        node = self.node(index)
        return self.index_of(node.parent) if node is not None and node.parent is not None else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (as Qt declares it)
        node = self.node(parent)
        if parent.column() > 0:
            return 0
        return len(node.children if node is not None else self._roots)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Roles.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Roles.TextAlignmentRole and column.name == "Value":
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return {Roles.DisplayRole: tr(column.title), Roles.ToolTipRole: tip(tr(column.tip))}.get(Roles(role))

    def data(self, index: Index, role: int = Roles.DisplayRole) -> object:
        node, column = self.node(index), self.columns[index.column()]
        if node is None or not (runs := self.says.records(node)):
            return None
        name = index.column() == 0
        match role:
            case Roles.DisplayRole:
                if node.parent is None and self.narrow:
                    more = (self.says.state(node), self.says.value(node)) if name else ()
                    return " · ".join(filter(None, [self.says.name(node) if name else "", *more]))
                starred = " ★" if name and node.run is not None and STAR in runs[0].tags else ""
                return column.text(node) + starred
            case Roles.EditRole if node.run is not None:
                return runs[0].name
            case Roles.ToolTipRole:
                return tip(self._tip(node, column))
            case Roles.DecorationRole if name and node.parent is not None:
                return icons.swatch(theme.colour(self._data.colour(runs[0])))
            case Roles.CheckStateRole if name:
                told = {run.visible for run in runs}
                both = Qt.CheckState.Checked if told == {True} else Qt.CheckState.Unchecked
                return Qt.CheckState.PartiallyChecked if len(told) > 1 else both
            case Roles.ForegroundRole if column.name == "State" and self.says.went_wrong(node):
                return QColor(theme.wrong())
            case Roles.ForegroundRole if node.parent is None and not name:
                return QColor(theme.muted())
            case Roles.TextAlignmentRole if column.name == "Value":
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Roles.FontRole if node.parent is None and name:
                font = QFont()
                font.setBold(True)
                return font
            case Roles.AccessibleTextRole:
                return f"{tr(column.title)}: {column.text(node)}"
            case _ if role == PROGRESS and column.name == "State":
                return self.says.progress(node)
        return None

    def _tip(self, node: Node, column: Column) -> str:
        """What a cell says, whole, and what is known behind it."""
        runs, text = self.says.records(node), column.text(node)
        if node.run is not None and runs[0].failure:
            return f"{text}\n{runs[0].failure}"
        name = runs[0].name if node.run is not None else self.says.name(node)
        if column.name in ("State", "Value") and node.parent and (diverged := self._data.divergence(runs)):
            return tr("{}: {}\nTraining {}: {}", name, text, diverged, tr(DIVERGED))
        if column.name == "Value" and node.parent is not None and node.run is None:
            seeds = self.says.reached(node)[0].seeds
            return tr("{}: {}, mean over {} seeds", name, text, seeds) if seeds > 1 else tr(column.tip)
        if column.name == "Run":
            if node.run is None:
                return str(self.data(self.index_of(node)) or name)
            return "\n".join(filter(None, [name, runs[0].notes]))
        return f"{name}: {text}" if text else tr(column.tip)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if index.column() or self._data.read_only:
            return PLAIN
        node = self.node(index)
        return NAMED if node is not None and node.run is not None else TICKED

    def setData(self, index: Index, value: object, role: int = Roles.EditRole) -> bool:
        node = self.node(index)
        if node is None:
            return False
        if role == Roles.CheckStateRole:
            self.ticked.emit(node.runs, Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        name = shown(str(value).strip(), LONGEST_NAME)
        known = self._data.run(node.run) if node.run is not None else None
        if role != Roles.EditRole or not name or known is None or name == known.name:
            return False
        self.renamed.emit(known.id, name)
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        name = self.columns[column].name if 0 <= column < len(self.columns) else ""
        self._sorted = name, order == Qt.SortOrder.DescendingOrder
        self.rebuild()
