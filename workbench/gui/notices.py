"""Notices at the top of the window: what the person should know, and can answer when they like."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.plain import Label
from workbench.words import marked, tr

BUTTONS = 5
"""So many answers have a button; of more, the others are in a menu, so that no notice widens the window."""

MORE, CLOSE = marked(("More", "Close"))
Answer = tuple[str, Callable[[], object]]


class Notices(QFrame):
    """One line for each notice; nothing modal, and no room taken where there is none.

    Attributes
    ----------
    filled : whether there is any.
    """

    filled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notices")
        self._lines: dict[str, _Line] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def say(self, key: str, text: str, answers: Sequence[Answer] = ()) -> None:
        """Show a notice in place of the last one of that key; any answer takes it away."""
        self.clear(key)
        line = self._lines[key] = _Line(key, text, answers, self)
        self._layout.addWidget(line)
        self.filled.emit(True)

    def clear(self, key: str) -> None:
        """Take a notice away, if it is there."""
        line = self._lines.pop(key, None)
        if line is not None:
            line.hide()
            line.deleteLater()
            self.filled.emit(bool(self._lines))

    def enter(self, key: str) -> None:
        """Give the keyboard to the first answer of a notice: Tab leads on, Enter and Space choose."""
        line = self._lines.get(key)
        if line is not None:
            line.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def texts(self) -> dict[str, str]:
        """What is said at present, by key."""
        return {key: line.text.text() for key, line in self._lines.items()}

    @Slot()
    def restyle(self) -> None:
        """Take the colours of the present theme."""
        for line in self._lines.values():
            line.restyle()


class _Text(Label):
    """Words as high as they are in their width, which a tool bar would not ask them."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setWordWrap(True)
        self.setFixedHeight(self.heightForWidth(self.width()))


class _Line(QFrame):
    def __init__(self, key: str, text: str, answers: Sequence[Answer], notices: Notices) -> None:
        super().__init__(notices)
        self._key, self._notices = key, notices
        self._answers = dict(answers)
        self.text = _Text(text, self)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 8, 4)
        layout.addWidget(self.text, 1)
        self.buttons: list[QPushButton] = []
        shown, others = list(self._answers)[:BUTTONS], list(self._answers)[BUTTONS:]
        for label in [*shown, *([tr(MORE)] if others else []), tr(CLOSE)]:
            button = QPushButton(label, self)
            button.setAutoDefault(True)  # Enter chooses, too
            self.buttons.append(button)
            button.setObjectName(_name(key, label))
            if others and label == tr(MORE):
                button.setMenu(self._menu(others))
            else:
                button.clicked.connect(self._answer)
            layout.addWidget(button)
        self.restyle()

    def _menu(self, labels: Sequence[str]) -> QMenu:
        menu = QMenu(self)
        for label in labels:
            action = menu.addAction(label)
            action.setObjectName(_name(self._key, label))
            action.triggered.connect(self._answer)
        return menu

    def restyle(self) -> None:
        self.setStyleSheet(
            f"_Line {{ background: {theme.warning()}; }} QLabel {{ color: {theme.foreground()}; }}"
        )

    @Slot()
    def _answer(self) -> None:
        asked = self.sender()
        assert isinstance(asked, QPushButton | QAction)
        act = self._answers.get(asked.text())
        self._notices.clear(self._key)
        if act is not None:
            act()


def _name(key: str, label: str) -> str:
    return f"notice_{key}_{label.lower().replace(' ', '_')}"
