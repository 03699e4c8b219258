"""The slim bar above a panel: its name, and buttons that show in the dark, too."""

from __future__ import annotations

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QToolButton, QWidget

from workbench.gui import icons, theme
from workbench.gui.plain import Label, set_tip
from workbench.words import tr

HEIGHT = 28


class TitleBar(QWidget):
    """Names a dock; without height where a tab does."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self._dock, self._tabbed = dock, False
        title = dock.windowTitle()
        self._apart = self._button(
            f"float_{dock.objectName()}", tr("{} in a window of its own, or back", title)
        )
        self._apart.clicked.connect(self._float)
        self._close = self._button(f"close_{dock.objectName()}", tr("Close {}", title))
        set_tip(self._close, tr("Close {}; View → Panels brings it back", title))
        self._close.clicked.connect(dock.close)
        name = Label(title, self)
        name.setStyleSheet("font-weight: 600;")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 4, 0)
        layout.setSpacing(2)
        layout.addWidget(name, 1)
        layout.addWidget(self._apart)
        layout.addWidget(self._close)
        self._theme = theme.ThemeWatch(self)
        self._theme.changed.connect(self._restyle)
        self._restyle()

    def _button(self, name: str, says: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setAccessibleName(says)
        set_tip(button, tr("A window of its own, or back to its place"))
        button.setAutoRaise(True)
        button.setIconSize(QSize(12, 12))
        button.setFixedSize(22, 22)
        return button

    def set_tabbed(self, tabbed: bool) -> None:
        """Take no room where a tab has the name already."""
        if tabbed != self._tabbed:
            self._tabbed = tabbed
            for part in (self._apart, self._close):
                part.setVisible(not tabbed)
            self.updateGeometry()
            if (layout := self._dock.layout()) is not None:
                layout.invalidate()
                layout.activate()

    def sizeHint(self) -> QSize:
        return QSize(60, 0 if self._tabbed else HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @Slot()
    def _float(self) -> None:
        self._dock.setFloating(not self._dock.isFloating())

    @Slot()
    def _restyle(self) -> None:
        self._apart.setIcon(icons.apart())
        self._close.setIcon(icons.close())
