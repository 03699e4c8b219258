"""The picture of a sample episode: images in a grid, support and query apart, or a curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui import theme
from workbench.gui.setup.samples import Sample

_MARGIN, _GAP, _BETWEEN, _LABEL, _HEAD = 6, 2, 10, 14, 16
_CELL = 26
_CURVE_HEIGHT = 130
_EMPTY_HEIGHT = 90
_TEXT = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter


class EpisodeView(QWidget):
    """Paints a :class:`Sample`, or says in words why there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("episode_view")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.sample: Sample | None = None
        self.hint, self._wrong = "", False
        self._support: list[list[QImage]] = []
        self._query: list[list[QImage]] = []
        self.set_hint("No task yet")

    def set_sample(self, sample: Sample) -> None:
        """Show an episode."""
        self.sample, self.hint = sample, ""
        self._support = [] if sample.is_curve else _images(sample.support)
        self._query = [] if sample.is_curve else _images(sample.query)
        self.setAccessibleName("Sample episode")
        self.setAccessibleDescription(caption(sample))
        self._fit()

    def set_hint(self, text: str, *, wrong: bool = False) -> None:
        """Show words in place of a picture."""
        self.sample, self.hint, self._wrong = None, text, wrong
        self.setAccessibleName("Sample episode")
        self.setAccessibleDescription(text)
        self._fit()

    def columns(self) -> tuple[int, int]:
        """How many support and query examples of a class fit beside each other."""
        assert self.sample is not None
        room = (self.width() - 2 * _MARGIN - _LABEL - _BETWEEN) // (_CELL + _GAP)
        shots, queries = self.sample.support.shape[1], self.sample.query.shape[1]
        left = min(shots, max(1, room // 3, room - queries))
        return left, max(1, min(queries, room - left))

    def sizeHint(self) -> QSize:
        return QSize(240, self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def _height(self) -> int:
        if self.sample is None:
            flags = int(_TEXT)
            wrapped = self.fontMetrics().boundingRect(
                QRect(0, 0, max(100, self.width() - 24), 4000), flags, self.hint
            )
            return max(_EMPTY_HEIGHT, wrapped.height() + 20)
        if self.sample.is_curve:
            return _CURVE_HEIGHT
        if self.sample.texts:
            lines = 3 * len(self.sample.texts)
            return 2 * _MARGIN + lines * self.fontMetrics().lineSpacing() + len(self.sample.texts) * _GAP
        return 2 * _MARGIN + _HEAD + len(self._support) * (_CELL + _GAP)

    def _fit(self) -> None:
        if self._height() != self.height():
            self.setFixedHeight(self._height())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QColor(theme.grid()))
        painter.setBrush(QColor(theme.background()))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if self.sample is None:
            painter.setPen(QColor(theme.wrong() if self._wrong else theme.muted()))
            painter.drawText(self.rect().adjusted(12, 8, -12, -8), int(_TEXT), self.hint)
        elif self.sample.is_curve:
            _paint_curve(painter, self.rect(), self.sample)
        elif self.sample.texts:
            _paint_texts(painter, self.rect(), self.sample)
        else:
            self._paint_images(painter)

    def _paint_images(self, painter: QPainter) -> None:
        assert self.sample is not None
        shrinks = self.sample.support.shape[3] > _CELL  # else each pixel is to be seen
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks)
        left, right = self.columns()
        step = _CELL + _GAP
        support_x = _MARGIN + _LABEL
        titles = [
            name if shown == count else f"{name} {shown} of {count}"
            for name, shown, count in (
                ("support", left, self.sample.shots),
                ("query", right, self.sample.queries),
            )
        ]
        query_x = support_x + left * step - _GAP + _BETWEEN
        painter.setPen(QColor(theme.muted()))
        small = painter.font()
        small.setPointSizeF(small.pointSizeF() * 0.85)
        painter.setFont(small)
        head = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
        painter.drawText(QRect(support_x, _MARGIN - 2, query_x - support_x, _HEAD), int(head), titles[0])
        wide = painter.fontMetrics().horizontalAdvance(f"{titles[0]}  ")
        painter.drawText(QRect(max(query_x, support_x + wide), _MARGIN - 2, 100, _HEAD), int(head), titles[1])
        for row, (supports, queries) in enumerate(zip(self._support, self._query, strict=True)):
            y = _MARGIN + _HEAD + row * step
            painter.drawText(QRect(_MARGIN - 2, y, _LABEL - 2, _CELL), Qt.AlignmentFlag.AlignCenter, str(row))
            for x0, images, count in ((support_x, supports, left), (query_x, queries, right)):
                for column, image in enumerate(images[:count]):
                    painter.drawImage(QRect(x0 + column * step, y, _CELL, _CELL), image)
        painter.setPen(QColor(theme.grid()))
        middle = query_x - _BETWEEN // 2
        painter.drawLine(middle, _MARGIN + _HEAD, middle, self.height() - _MARGIN)


def caption(sample: Sample) -> str:
    """What the episode is, in words."""
    if sample.texts:
        return (
            f"{sample.ways} classes, {sample.shots} support and {sample.queries} query texts each, "
            f"{sample.split} split; of each class one support text and one query text"
        )
    if sample.is_curve:
        return f"{sample.shots} support points (dots) of one {sample.split} task; its curve is the query"
    fewer = f"; the first {len(sample.support)} classes" if len(sample.support) < sample.ways else ""
    return (
        f"{sample.ways} classes (rows, with their labels), {sample.shots} support and {sample.queries} "
        f"query images each, {sample.split} split{fewer}"
    )


def _images(pictures: NDArray[np.uint8]) -> list[list[QImage]]:
    """Each with a copy of its own of the pixels."""
    height, width = pictures.shape[2:4]
    return [
        [QImage(each.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy() for each in row]
        for row in pictures
    ]


def _paint_texts(painter: QPainter, rect: QRect, sample: Sample) -> None:
    """For each class its name, a support text, and below it a query text."""
    metrics = painter.fontMetrics()
    line, y = metrics.lineSpacing(), _MARGIN
    room = rect.width() - 2 * _MARGIN - _LABEL
    left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    for number, (name, support, query) in enumerate(sample.texts):
        painter.setPen(QColor(theme.muted()))
        painter.drawText(QRect(_MARGIN, y, _LABEL, line), left, str(number))
        colours = (theme.accent(), theme.foreground(), theme.muted())
        for text, colour in zip((name, support, query), colours, strict=True):
            painter.setPen(QColor(colour))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRect(_MARGIN + _LABEL, y, room, line), left, shown)
            y += line
        y += _GAP


def _paint_curve(painter: QPainter, rect: QRect, sample: Sample) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = painter.fontMetrics()
    both = np.concatenate([sample.support, sample.query])
    (x0, y0), (x1, y1) = both.min(0), both.max(0)
    y0, y1 = (y0 - 0.5, y1 + 0.5) if y1 - y0 < 1e-9 else (y0, y1)
    x0, x1 = (x0 - 0.5, x1 + 0.5) if x1 - x0 < 1e-9 else (x0, x1)
    texts = [f"{y1:.3g}", f"{y0:.3g}"]
    left = max(metrics.horizontalAdvance(text) for text in texts) + 10
    area = QRectF(rect).adjusted(left, 10, -10, -metrics.height() - 6)

    def place(point: Any) -> QPointF:
        across = (point[0] - x0) / (x1 - x0)
        return QPointF(area.left() + across * area.width(), area.bottom() - _part(point[1]) * area.height())

    def _part(y: float) -> float:
        return float((y - y0) / (y1 - y0))

    painter.setPen(QColor(theme.grid()))
    painter.drawRect(area)
    if y0 < 0 < y1:
        painter.drawLine(place((x0, 0)), place((x1, 0)))
    painter.setPen(QColor(theme.muted()))
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for text, y in zip(texts, (area.top(), area.bottom()), strict=True):
        painter.drawText(QRectF(0, y - 8, left - 4, 16), int(right), text)
    below = QRectF(area.left(), area.bottom() + 2, area.width(), metrics.height())
    painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), f"{x0:.3g}")
    painter.drawText(below, int(Qt.AlignmentFlag.AlignHCenter), "x")
    painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), f"{x1:.3g}")
    colours = theme.run_colours()
    painter.setPen(QPen(QColor(colours[0]), 1.6))
    painter.drawPolyline(QPolygonF([place(point) for point in sample.query]))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours[1]))
    for point in sample.support:
        painter.drawEllipse(place(point), 3.2, 3.2)
