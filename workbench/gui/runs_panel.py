"""The panel of runs: the tree, its filter and columns, and the page of what is selected."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSplitter, QToolButton, QVBoxLayout, QWidget

from workbench.analysis.numerals import count
from workbench.gui.plain import Label, set_tip
from workbench.gui.run_page import RunPage
from workbench.gui.runs_model import RunsModel
from workbench.gui.runs_table import RunsTable
from workbench.gui.session import Session
from workbench.words import marked, tr

FILTER = marked(
    "Name, algorithm, tag, note, state, or a setting such as inner_lr=0.1; “archived” shows the archive"
)
NONE_YET = marked("No runs yet.\nTick algorithms in Setup and press Run.")
NONE_PASSES = marked("No run passes the filter.")


class RunsPanel(QWidget):
    """The runs of the project."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = RunsModel(session.data, session.queue)
        self.filter = _Filter(self)
        self.filter.textChanged.connect(self._filter)
        self._passing = Label(parent=self)
        self._passing.setObjectName("runs_passing")
        self._passing.hide()
        self.columns = QToolButton(self)
        self.columns.setObjectName("runs_columns")
        self.columns.setText(tr("Columns"))
        set_tip(self.columns, tr("Choose what stands beside the runs, settings that differ among it"))
        self.columns.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.columns.setMenu(QMenu(self.columns))
        self.table = RunsTable(session.data, self.model, self)
        self.filter.left.connect(self.table.setFocus)
        self.columns.menu().aboutToShow.connect(self._fill_columns)
        self.columns.menu().triggered.connect(self.table.choose_column)
        self._hint = Label(tr(NONE_YET), self.table)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self.page = RunPage(session, self.model)
        self._parts = QSplitter(Qt.Orientation.Vertical)
        self._parts.setObjectName("runs_parts")
        self._parts.addWidget(self.table)
        self._parts.addWidget(self.page)
        self._parts.setCollapsible(0, False)
        self._parts.setSizes([300, 220])
        self._parts.setStretchFactor(0, 1)
        top = QHBoxLayout()
        for widget in (self.filter, self._passing, self.columns):
            top.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self._parts)
        self.setFocusProxy(self.table)

        self.table.opened.connect(self.open_page)
        self.model.renamed.connect(self._rename)
        self.model.ticked.connect(self._show_or_hide)
        session.data.opened.connect(self.filter.clear)
        session.data.listed.connect(self._relisted)
        self._relisted()

    def add_actions(self, actions: list[QAction]) -> None:
        """What the context menu offers; None of it is lost without a mouse: the menus have it too."""
        self.table.addActions(actions)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def selected(self) -> list[int]:
        """The selected runs."""
        return list(self._session.data.selected)

    def edit_name(self) -> None:
        """Let the person write another name for the selected run."""
        index = self.table.currentIndex()
        if index.isValid():
            self.table.setFocus()
            self.table.edit(index.siblingAtColumn(0))

    @Slot()
    def open_page(self) -> None:
        """Go to the page of what is selected."""
        self.show_page()
        self.page.enter()

    def show_page(self) -> None:
        """Make room for the page where it was folded away."""
        table, page = self._parts.sizes()
        if not page:
            self._parts.setSizes([table * 3 // 5, table * 2 // 5])

    def state(self) -> dict[str, object]:
        """Columns, folds and order of the tree, and the page's share (JSON types)."""
        return {**self.table.kept(), "parts": self._parts.sizes()}

    def restore(self, state: dict[str, object]) -> None:
        """Take up what :meth:`state` gave."""
        self.table.restore(state)
        match state.get("parts"):
            case [int(table), int(page)] if table > 0 and page >= 0:
                self._parts.setSizes([table, page])

    @Slot(str)
    def _filter(self, text: str) -> None:
        self.model.filter(text)
        self._relisted()

    @Slot()
    def _relisted(self) -> None:
        passing, runs = self.model.passing, self._session.data.runs()
        self._passing.setVisible(passing is not None)
        self._passing.setText(tr("{} of {}", count(len(passing or [])), count(len(runs))))
        self._hint.setText(tr(NONE_PASSES if runs else NONE_YET))
        self._hint.setVisible(not self.model.nodes)
        self.table.fit()

    @Slot()
    def _fill_columns(self) -> None:
        self.table.fill_columns(self.columns.menu())

    @Slot(int, str)
    def _rename(self, run: int, name: str) -> None:
        self._session.change_runs(tr("Rename to {}", name), {run: {"name": name}})

    @Slot(object, bool)
    def _show_or_hide(self, runs: tuple[int, ...], visible: bool) -> None:
        chosen = self.selected()
        ticked = chosen if set(runs) <= set(chosen) else runs
        text = tr("Show in charts") if visible else tr("Hide in charts")
        self._session.change_runs(text, {each: {"visible": visible} for each in ticked})


class _Filter(QLineEdit):
    """What is typed here chooses the runs; Escape empties it, Down and Enter go on to the runs."""

    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("runs_filter")
        self.setAccessibleName(tr("Filter runs and charts"))
        self.setPlaceholderText(tr("Filter runs and charts"))
        set_tip(self, tr(FILTER))
        self.setClearButtonEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)
