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
from workbench.words import tr, visible

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
        self.runs.setAccessibleName(tr("Runs that wait, in their order"))
        self.runs.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.runs.setUniformItemSizes(True)
        self.runs.setSpacing(3)
        set_tip(self.runs, tr("Alt+Up and Alt+Down move a run, Del takes it out; Ctrl+Z undoes it"))
        layout = QVBoxLayout(self)
        layout.addWidget(self.runs)
        row = QHBoxLayout()
        for name, text, keys, act in (
            ("earlier", tr("Earlier"), "Alt+Up", self._earlier),
            ("later", tr("Later"), "Alt+Down", self._later),
            ("take_out", tr("Take out"), "Del", self._take_out),
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
        self.move(button.mapToGlobal(QPoint(button.width() - self.width(), button.height())))
        self.show()
        self._fill()
        self.runs.setCurrentRow(0)
        self.runs.setFocus()

    @Slot()
    def _fill(self) -> None:
        """Show the queue as it is; what was chosen stays chosen."""
        if self.isHidden():
            return
        waiting, chosen, row = self._session.queue.queued(), self._chosen(), self.runs.currentRow()
        self.setVisible(bool(waiting))
        names = [self._session.data.experiment(run).name for run in waiting]
        several = len(set(names)) > 1
        self.runs.clear()
        for run, name in zip(waiting, names, strict=True):
            item = QListWidgetItem(visible(f"{run.name}   {name}" if several else run.name), self.runs)
            item.setData(RUN, run.id)
        rows = [index for index, run in enumerate(waiting) if run.id in chosen]
        self.runs.setCurrentRow(rows[0] if rows else min(row, len(waiting) - 1))
        for index in rows:
            self.runs.item(index).setSelected(True)

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
