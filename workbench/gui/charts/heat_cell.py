"""Paints a panel's heat map on the screen: cells with their numbers, named at the left and below."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from workbench.gui import theme
from workbench.gui.plain import show_tip
from workbench.pictures import Panel, Shade
from workbench.words import told_apart, visible

EDGE, GAP = 8, 2
LONGEST_NAME, MOST_BESIDE = 24, 0.42
"""Letters of a row's name, and the part of the width that they have at most."""

LEAST_ACROSS, WIDEST, TALLEST = 64, 220, 72
"""Pixels of a cell: so wide it is counted with where its texts are not known yet, and at most."""


class HeatCell(QWidget):
    """One panel of shades."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = Panel()
        self._cells: list[tuple[QRectF, Shade]] = []

    def show_panel(self, panel: Panel) -> None:
        """Draw a panel, in the colours of the theme."""
        self.panel = panel
        told = (shade.told or shade.text for row in panel.shades for shade in row)
        self.setAccessibleDescription("; ".join(told))
        self.setMinimumSize(self.minimumSizeHint())
        self.update()

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        texts = [shade.text.split("\n") for row in self.panel.shades for shade in row]
        widest = max((metrics.horizontalAdvance(line) for text in texts for line in text), default=0)
        cell = widest + 14
        lines, line = max(map(len, texts), default=1), metrics.lineSpacing()
        return QSize(
            round(cell * max(1, len(self.panel.x_names)) + self._beside() + 2 * EDGE),
            len(self.panel.shades) * (lines * line + 6) + 2 * line + 2 * EDGE,
        )

    def _names(self) -> list[str]:
        return told_apart([visible(name) for name in self.panel.row_names], LONGEST_NAME)

    def _beside(self) -> float:
        metrics = QFontMetricsF(self.font())
        return max(map(metrics.horizontalAdvance, self._names()), default=0.0) + EDGE

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.background()))
        rows, columns = len(self.panel.shades), len(self.panel.x_names)
        if not rows or not columns:
            return
        line = QFontMetricsF(self.font()).lineSpacing()
        beside, below = min(self._beside(), MOST_BESIDE * self.width()), 2 * line + GAP
        across = min(WIDEST, (self.width() - beside - 2 * EDGE) / columns)
        down = min(TALLEST, (self.height() - below - 2 * EDGE) / rows)
        left = EDGE + beside + max(0.0, (self.width() - beside - 2 * EDGE - columns * across) / 2)
        self._cells = []
        for row, (name, shades) in enumerate(zip(self._names(), self.panel.shades, strict=True)):
            top = EDGE + row * down
            painter.setPen(QColor(theme.foreground()))
            place = QRectF(left - beside, top, beside - EDGE, down)
            room = math.ceil(place.width()) + 1
            fitting = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, fitting)
            for column, shade in enumerate(shades):
                cell = QRectF(left + column * across, top, across - GAP, down - GAP)
                self._cells.append((cell, shade))
                self._paint(painter, cell, shade)
        painter.setPen(QColor(theme.foreground()))
        for column, name in enumerate(self.panel.x_names):
            place = QRectF(left + column * across, EDGE + rows * down, across - GAP, below)
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
            painter.drawText(place, int(flags | Qt.TextFlag.TextWordWrap), visible(name))

    def _paint(self, painter: QPainter, cell: QRectF, shade: Shade) -> None:
        fill, text = theme.palette().shaded(self.panel.shade, shade.part)
        painter.fillRect(cell, QColor(fill))
        painter.setPen(QColor(text))
        font = QFont(self.font())
        font.setBold(shade.strong)
        painter.setFont(font)
        lines = "\n".join(map(visible, shade.text.split("\n")))
        painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), lines)
        painter.setFont(self.font())

    def told_at(self, place: QPointF) -> str:
        """What is said of the cell at a place."""
        return next((shade.told for cell, shade in self._cells if cell.contains(place)), "")

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            show_tip(event.globalPos(), self.told_at(QPointF(event.pos())), self)
            return True
        return super().event(event)
