"""Small widgets of the setup, and the order in which Tab goes through them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.plain import Elided, Label, set_tip
from workbench.words import tr


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
        self.heading.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        # a style sheet, because Fusion frames a checked button
        self.heading.setStyleSheet(
            f"QToolButton {{ border: 1px solid transparent; border-radius: 3px; {theme.HEADING * strong}"
            " padding: 2px 0; text-align: left; }"
            "QToolButton:hover { background: palette(midlight); }"
            "QToolButton:focus { border-color: palette(highlight); }"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._summary = Elided()
        self._summary.setObjectName(f"{name}_summary")
        self._summary.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.heading)
        top.addWidget(self._summary, 1)
        if strong:
            layout.setContentsMargins(0, 8, 0, 0)
        layout.addLayout(top)
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
        set_tip(self.heading, tr("Show or hide: {}", title))

    def set_summary(self, text: str) -> None:
        """Say beside the heading what is in it, in short."""
        self._summary.setText(text)
        self.heading.setAccessibleDescription(text)

    @Slot(bool)
    def _turn(self, opened: bool) -> None:
        self.heading.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.body.setVisible(opened)
        self.toggled.emit(opened)


class Reason(Label):
    """Why Run is not possible; a click, or Enter, goes to the field."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)

    def say(self, text: str, *, linked: bool) -> None:
        """Show a reason; with a link, it can be clicked."""
        self.setText(text)
        self.setVisible(bool(text))
        self.setAccessibleName(tr("Cannot run: {}", text) if text else "")
        set_tip(self, tr("Go to the field") if linked else "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if linked else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if linked else Qt.CursorShape.ArrowCursor)
        colour, line = (theme.wrong(), "underline") if linked else (theme.muted(), "none")
        self.setStyleSheet(f"color: {colour}; text-decoration: {line};")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


def order_tabs(root: QWidget) -> None:
    """Let the focus go through ``root`` in the order of its layouts."""
    layout = root.layout()
    if layout is not None:
        for before, after in pairwise(_stops(layout)):
            if before.nextInFocusChain() is not after:
                QWidget.setTabOrder(before, after)


def _stops(layout: QLayout) -> Iterator[QWidget]:
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                yield widget
            inner = widget.layout()
        if inner is not None:
            yield from _stops(inner)


def muted_label(text: str) -> Label:
    """A text of second rank."""
    label = Label(text)
    label.setWordWrap(True)
    label.setForegroundRole(label.palette().ColorRole.PlaceholderText)
    return label


def stack(owner: QWidget, *parts: QWidget) -> QVBoxLayout:
    """Widgets below each other, without margins."""
    layout = QVBoxLayout(owner)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for part in parts:
        layout.addWidget(part)
    return layout
