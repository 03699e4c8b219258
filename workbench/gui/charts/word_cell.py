"""Paints a panel's lines of words on the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from workbench.gui import theme
from workbench.pictures import Line, Panel, wrapped
from workbench.words import visible

EDGE, LEAST, MARK = 4, 120, 1.6
"""Pixels around lines, of a line at least, and of what underlines a word."""


class WordCell(QWidget):
    """One panel of lines; as high as these need."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = Panel()

    def show_panel(self, panel: Panel) -> None:
        """Write a panel, in the colours of the theme."""
        self.panel = panel
        self.setAccessibleDescription("; ".join(" ".join(word.text for word in line) for line in panel.lines))
        self._take_room()
        self.update()

    def _take_room(self) -> None:
        metrics = QFontMetricsF(self.font())
        self.setMinimumSize(
            LEAST, round(lines_height(self.panel.lines, metrics, self.width() - 2 * EDGE)) + 2 * EDGE
        )

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST, self.fontMetrics().lineSpacing())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._take_room()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.background()))
        paint_lines(painter, self.panel.lines, EDGE, EDGE, self.width() - 2 * EDGE)


def lines_height(lines: tuple[Line, ...], metrics: QFontMetricsF, room: float) -> float:
    """Pixels of lines in so much room."""
    count = sum(len(wrapped(line, metrics.horizontalAdvance, room)) for line in lines)
    return count * metrics.lineSpacing()


def paint_lines(painter: QPainter, lines: tuple[Line, ...], x: float, y: float, room: float) -> None:
    """Write lines from a place on, in so much room."""
    metrics = QFontMetricsF(painter.font())
    for line in lines:
        for row in wrapped(line, metrics.horizontalAdvance, room):
            for left, word in row:
                text, colour = visible(word.text), QColor(theme.colour(word.colour))
                painter.setPen(colour)
                if left + metrics.horizontalAdvance(text) > room:
                    text = _fitting(text, metrics, room - left)
                painter.drawText(round(x + left), round(y + metrics.ascent()), text)
                if word.marked:
                    painter.setPen(QPen(colour, MARK))
                    under = round(y + metrics.ascent() + 2.5)
                    painter.drawLine(
                        round(x + left), under, round(x + left + metrics.horizontalAdvance(text)), under
                    )
            y += metrics.lineSpacing()


def _fitting(text: str, metrics: QFontMetricsF, room: float) -> str:
    """As much of a word as fits, which is longer than a line."""
    while text and metrics.horizontalAdvance(text + "…") > room:
        text = text[:-1]
    return text + "…"
