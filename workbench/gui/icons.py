"""Small icons, drawn in the theme's colours."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

from workbench.gui import theme

SIDE = 32


def _play(painter: QPainter) -> None:
    painter.drawPolygon(QPolygonF([QPointF(8, 5), QPointF(27, 16), QPointF(8, 27)]))


def _pause(painter: QPainter) -> None:
    painter.drawRect(QRectF(7, 6, 6.5, 20))
    painter.drawRect(QRectF(18.5, 6, 6.5, 20))


def _stop(painter: QPainter) -> None:
    painter.drawRect(QRectF(7, 7, 18, 18))


def _apart(painter: QPainter) -> None:
    painter.setPen(QPen(painter.brush(), 3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(4, 11, 17, 17))
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in ((12, 4), (28, 4), (28, 20))]))


def _close(painter: QPainter) -> None:
    painter.setPen(QPen(painter.brush(), 3))
    painter.drawLine(6, 6, 26, 26)
    painter.drawLine(26, 6, 6, 26)


def _curves(painter: QPainter) -> None:
    pen = painter.pen()
    pen.setColor(QColor(theme.accent()))
    pen.setWidthF(3)
    painter.setPen(pen)
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in ((3, 5), (9, 17), (17, 23), (29, 26))]))
    pen.setColor(QColor(theme.run_colours()[1]))
    painter.setPen(pen)
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in ((3, 9), (9, 11), (17, 14), (29, 16))]))


def _icon(draw: Callable[[QPainter], None], normal: str = "") -> QIcon:
    icon = QIcon()
    for mode, colour in (
        (QIcon.Mode.Normal, normal or theme.foreground()),
        (QIcon.Mode.Disabled, theme.grid()),
    ):
        pixmap = QPixmap(SIDE, SIDE)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        draw(painter)
        painter.end()
        icon.addPixmap(pixmap, mode)
    return icon


def swatch(colour: str, side: int = 12) -> QIcon:
    """A run's colour, with an edge that shows on any background; the same in a selected row."""
    pixmap, icon = QPixmap(side, side), QIcon()
    pixmap.fill(QColor(theme.background()))
    painter = QPainter(pixmap)
    painter.fillRect(1, 1, side - 2, side - 2, QColor(colour))
    painter.end()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(pixmap, mode)
    return icon


def play(colour: str = "") -> QIcon:
    """Run, or go on."""
    return _icon(_play, colour)


def pause(colour: str = "") -> QIcon:
    """Hold."""
    return _icon(_pause, colour)


def stop() -> QIcon:
    """End, with a checkpoint."""
    return _icon(_stop)


def apart() -> QIcon:
    """In a window of its own."""
    return _icon(_apart)


def close() -> QIcon:
    """Away from the window."""
    return _icon(_close)


def program() -> QIcon:
    """The program itself: two learners' curves."""
    return _icon(_curves)
