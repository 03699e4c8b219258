"""A figure as it will stand on a page: beside columns of text, all in one scale."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPixmap

from workbench.analysis.colours import PAPER, blend
from workbench.export.wishes import WIDTHS

DPI = 150
"""Of the picture that is put onto the page."""

MM = 25.4 / DPI
MARGIN, LINE = 8.0, 4.2
"""Around the text, and from one of its lines to the next; millimetres."""


def on_a_sheet(figure: QPixmap, room: QSize, ratio: float) -> tuple[QPixmap, float, float]:
    """The upper part of a page with a figure, and the figure's width and height in millimetres.

    Parameters
    ----------
    room : for the page, in points of the screen.
    ratio : pixels of the screen in a point.
    """
    width, height = figure.width() * MM, figure.height() * MM
    text = max(width, WIDTHS["two"])
    across, down = text + 2 * MARGIN, height + 2 * MARGIN + 3 * LINE
    scale = ratio * min(room.width() / across, room.height() / down)  # pixels in a millimetre
    sheet = QPixmap(round(across * scale), round(room.height() * ratio))
    sheet.fill(QColor(PAPER.paper))
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.scale(scale, scale)
    column = WIDTHS["one"]
    for left in (MARGIN, MARGIN + text - column):
        top = MARGIN + (height + 2 * LINE if left < MARGIN + width else 0)
        while top < sheet.height() / scale:
            line = QRectF(left, top, column, LINE / 2)
            painter.fillRect(line, QColor(blend(PAPER.paper, PAPER.muted, 0.1)))
            top += LINE
    painter.drawPixmap(QRectF(MARGIN, MARGIN, width, height), figure, QRectF(figure.rect()))
    painter.end()
    sheet.setDevicePixelRatio(ratio)
    return sheet, width, height
