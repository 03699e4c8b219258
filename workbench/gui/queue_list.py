"""The runs that wait, to be looked at, put in another order, or taken out of the queue."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.gui import theme
from workbench.gui.plain import set_tip
from workbench.gui.session import Session
from workbench.words import visible

RUN = Qt.ItemDataRole.UserRole


class QueueList(QFrame):
    """A list that opens below a button, and closes by Esc or a click elsewhere.

    Parameters
    ----------
    undo : takes back what is done here, by its keys.
    """

    def __init__(self, session: Session, undo: QAction, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("queue_popup")
        self._session = session
        self.runs = QListWidget(self)
        self.runs.setObjectName("queue_list")
        self.runs.setAccessibleName("Runs that wait, in their order")
        self.runs.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.runs.setSpacing(3)
        set_tip(self.runs, "Alt+Up and Alt+Down move a run, Del takes it out; Ctrl+Z undoes it")
        layout = QVBoxLayout(self)
        layout.addWidget(self.runs)
        row = QHBoxLayout()
        for name, text, keys, act in (
            ("earlier", "Earlier", "Alt+Up", self._earlier),
            ("later", "Later", "Alt+Down", self._later),
            ("take_out", "Take out", "Del", self._take_out),
        ):
            button = QPushButton(text, self)
            button.setObjectName(f"queue_{name}")
            set_tip(button, f"{text} ({keys})")
            button.clicked.connect(act)
            row.addWidget(button)
            action = QAction(text, self)
            action.setShortcut(QKeySequence(keys))
            action.triggered.connect(act)
            self.addAction(action)
        self.addAction(undo)
        layout.addLayout(row)
        self.resize(380, 320)
        session.data.listed.connect(self._fill)

    def open_below(self, button: QWidget) -> None:
        """Show what waits."""
        self.setStyleSheet(f"#queue_popup {{ border: 1px solid {theme.edge()}; }}")
        self._fill()
        self.runs.setCurrentRow(0)
        self.move(button.mapToGlobal(QPoint(0, button.height())))
        self.show()
        self.runs.setFocus()

    @Slot()
    def _fill(self) -> None:
        """Show the queue as it is; what was chosen stays chosen."""
        waiting, data = self._session.queue.queued(), self._session.data
        if not waiting:
            self.hide()
        chosen, row = self._chosen(), self.runs.currentRow()
        names = [data.experiment(run).name for run in waiting]
        self.runs.clear()
        for run, name in zip(waiting, names, strict=True):
            more = f"   {name}" if len(set(names)) > 1 else ""
            item = QListWidgetItem(visible(f"{run.name}{more}"), self.runs)
            item.setData(RUN, run.id)
            item.setSelected(run.id in chosen)
        rows = [index for index, run in enumerate(waiting) if run.id in chosen]
        if not rows:
            self.runs.setCurrentRow(min(row, len(waiting) - 1))
        elif len(rows) == 1:
            self.runs.setCurrentRow(rows[0])

    def _chosen(self) -> list[int]:
        return [item.data(RUN) for item in self.runs.selectedItems()]

    @Slot()
    def _earlier(self) -> None:
        self._move(-1)

    @Slot()
    def _later(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        chosen = self._chosen()
        if len(chosen) == 1:
            self._session.move(chosen[0], by)

    @Slot()
    def _take_out(self) -> None:
        self._session.take_out(self._chosen())
