"""Paints a panel's rows of small pictures on the screen, as large as fits."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from workbench.gui import theme
from workbench.gui.plain import show_tip
from workbench.pictures import WRONG, Array, Panel, Picture
from workbench.words import told_apart

GAP, FRAME = 5, 3
SMALLEST, LARGEST = 26, 96
"""Pixels across a picture."""


class PictureCell(QWidget):
    """One panel of pictures. A row that is too long for its line is broken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = Panel()
        self._drawn: list[list[QPixmap]] = []
        self._places: list[tuple[QRect, Picture, QPixmap]] = []
        self._headings: list[QRect] = []

    def show_panel(self, panel: Panel) -> None:
        """Draw a panel, in the colours of the theme."""
        self.panel = panel
        self._drawn = [[pixmap(picture.pixels) for picture in row] for row in panel.pictures]
        self._place()
        self.update()

    def _line(self) -> int:
        return self.fontMetrics().height()

    def _height(self, side: int, across: int) -> int:
        """Of everything, with so many pictures in a line."""
        under = self._line() if any(each.caption for row in self.panel.pictures for each in row) else 0
        lines = sum(math.ceil(len(row) / across) for row in self.panel.pictures)
        return len(self.panel.pictures) * (self._line() + GAP) + lines * (side + GAP + under)

    def _place(self) -> None:
        """Take the largest pictures with which everything fits; those that are too small are scrolled."""
        longest = max(map(len, self.panel.pictures), default=0)
        if not longest:
            return
        best, chosen = 0, 1
        for across in range(1, longest + 1):
            side = min(LARGEST, self.width() // across - GAP)
            while side > SMALLEST and self._height(side, across) > self.height():
                side -= 1
            if side < SMALLEST:
                break
            if side > best or (side == best == SMALLEST):
                best, chosen = side, across
        best, chosen = max(best, SMALLEST), math.ceil(longest / math.ceil(longest / chosen))
        self.setMinimumHeight(self._height(best, chosen) if best == SMALLEST else 0)
        self._places, self._headings, top = [], [], 0
        for pictures, drawn in zip(self.panel.pictures, self._drawn, strict=True):
            self._headings.append(QRect(0, top, self.width(), self._line()))
            top += self._line() + GAP // 2
            under = self._line() if any(each.caption for each in pictures) else 0
            for index, (picture, pixmap) in enumerate(zip(pictures, drawn, strict=True)):
                down, right = divmod(index, chosen)
                left = GAP + right * (best + GAP)
                place = QRect(left, top + down * (best + GAP + under), best, best)
                self._places.append((place, picture, pixmap))
            top += math.ceil(len(pictures) / chosen) * (best + GAP + under) + GAP // 2

    def minimumSizeHint(self) -> QSize:
        return QSize(4 * (SMALLEST + GAP), 3 * (SMALLEST + self._line()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.background()))
        painter.setPen(QColor(theme.foreground()))
        names = self.panel.row_titles or self.panel.row_names
        room = max(4, self.width() // self.fontMetrics().averageCharWidth())
        for place, name in zip(self._headings, told_apart(names, room), strict=False):
            shown = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
        for place, picture, pixmap in self._places:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, pixmap.width() > place.width())
            painter.drawPixmap(place, pixmap)
            self._frame(painter, place, picture)

    def _frame(self, painter: QPainter, place: QRect, picture: Picture) -> None:
        if picture.frame:
            colour = QColor(theme.colour(picture.frame))
            style = Qt.PenStyle.DashLine if picture.frame == WRONG else Qt.PenStyle.SolidLine
            pen = QPen(colour, FRAME, style, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.MiterJoin)
        else:
            colour, pen = QColor(theme.muted()), QPen(QColor(theme.grid()))
        painter.setPen(pen)
        painter.drawRect(place)
        painter.setPen(colour)
        under = QRect(place.left() - GAP, place.bottom() + 3, place.width() + 2 * GAP, self._line())
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, picture.caption)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            found = (picture for place, picture, _ in self._places if place.contains(event.pos()))
            picture = next(found, None)
            show_tip(event.globalPos(), picture.told if picture is not None else "", self)
            return True
        return super().event(event)


def pixmap(picture: Array) -> QPixmap:
    """``[channels, height, width]`` as a pixmap."""
    bytes_ = np.ascontiguousarray(np.rint(np.moveaxis(picture, 0, -1) * 255).astype(np.uint8))
    height, width, channels = bytes_.shape
    form = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    image = QImage(bytes_.tobytes(), width, height, width * channels, form)
    return QPixmap.fromImage(image.copy())
