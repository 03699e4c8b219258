"""The log folded to a line: its newest entry beside the button that unfolds it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from workbench.gui.log_panel import LogPanel
from workbench.gui.plain import Elided, set_tip
from workbench.words import tr


class LogLine(QWidget):
    """Stands in the status bar; shows and hides the log's dock."""

    def __init__(self, log: LogPanel, dock: QDockWidget) -> None:
        super().__init__()
        self._log, self._dock = log, dock
        self.button = QToolButton()
        self.button.setObjectName("log_button")
        self.button.setAccessibleName(tr("Log"))
        set_tip(self.button, tr("Unfold or fold everything that happened (Ctrl+8)"))
        self.button.setText(tr("Log"))
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.clicked.connect(self._turn)
        self.newest = Elided()
        self.newest.setObjectName("log_newest")
        self.newest.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.button)
        layout.addWidget(self.newest, 1)
        log.textChanged.connect(self._show_newest)
        dock.visibilityChanged.connect(self._show_state)
        self._show_state()

    @Slot()
    def _turn(self) -> None:
        self._dock.setVisible(self._dock.isHidden())

    @Slot()
    def _show_newest(self) -> None:
        self.newest.setText(self._log.document().lastBlock().text())

    @Slot()
    def _show_state(self) -> None:
        folded = self._dock.isHidden()
        self.button.setArrowType(Qt.ArrowType.RightArrow if folded else Qt.ArrowType.DownArrow)
        self.newest.setVisible(folded)
