"""A heading that opens and closes what is below it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from workbench.gui.plain import set_tip


class Collapsible(QWidget):
    """A heading with an arrow over a body.

    Parameters
    ----------
    title : the heading.
    name : object name of the heading.
    strong : whether it heads a part of the panel, or a few fields of one.
    """

    toggled = Signal(bool)

    def __init__(
        self, title: str, name: str, body: QWidget, *, strong: bool = False, opened: bool = True
    ) -> None:
        super().__init__()
        self.body = body
        self.heading = QToolButton()
        self.heading.setObjectName(name)
        self.heading.setAutoRaise(True)
        self.heading.setCheckable(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        # a style sheet, because Fusion frames a checked button
        weight = "bold" if strong else "normal"
        self.heading.setStyleSheet(
            f"QToolButton {{ border: 1px solid transparent; border-radius: 3px; font-weight: {weight};"
            " padding: 2px 0; text-align: left; }"
            "QToolButton:hover { background: palette(midlight); }"
            "QToolButton:focus { border-color: palette(highlight); }"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.heading)
        layout.addWidget(body)
        self.set_title(title)
        self.heading.toggled.connect(self._turn)
        self.heading.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.heading.setChecked(opened)
        self._turn(opened)

    @property
    def opened(self) -> bool:
        return self.heading.isChecked()

    def set_opened(self, opened: bool) -> None:
        self.heading.setChecked(opened)

    def set_title(self, title: str) -> None:
        self.heading.setText(title)
        self.heading.setAccessibleName(title)
        set_tip(self.heading, f"Show or hide: {title}")

    @Slot(bool)
    def _turn(self, opened: bool) -> None:
        self.heading.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.body.setVisible(opened)
        self.toggled.emit(opened)
