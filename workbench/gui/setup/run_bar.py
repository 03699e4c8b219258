"""What the Run button says, and why it cannot be pressed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from workbench.gui import theme
from workbench.gui.plain import Label, set_tip


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
        self.setAccessibleName(f"Cannot run: {text}" if text else "")
        set_tip(self, "Go to the field" if linked else "")
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


def run_text(algorithms: int, seeds: int) -> str:
    """How many runs there will be: ``Run 3 algorithms × 3 seeds = 9 runs``."""

    def count(number: int, what: str) -> str:
        return f"{number} {what}{'s' * (number != 1)}"

    return (
        f"Run {count(algorithms, 'algorithm')} × {count(seeds, 'seed')} = {count(algorithms * seeds, 'run')}"
    )
