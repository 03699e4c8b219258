"""One classification task: the support images of each class on top, the queries below, right or wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from workbench.analysis.prediction_figure import (
    MOST_SUPPORT,
    RIGHT_MARK,
    WRONG_MARK,
    as_pictures,
    class_names,
    class_titles,
)
from workbench.engine.predicted import Predictions
from workbench.gui import theme
from workbench.gui.plain import show_tip
from workbench.pictures import Array
from workbench.words import told_apart

GAP, BLOCK_GAP, FRAME = 5, 14, 3
SMALLEST, LARGEST = 26, 96


@dataclass(frozen=True)
class Tile:
    """A picture and what is said of it; ``right`` is None for a support example."""

    picture: QPixmap
    text: str
    tip: str
    right: bool | None = None


class PictureBoard(QScrollArea):
    """Shows one task; its columns are the true classes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("prediction_pictures")
        self.setAccessibleName("Support and query images")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # arrow keys scroll
        self.setWidgetResizable(False)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self._board = Board(self)
        self.setWidget(self._board)

    @property
    def queries(self) -> list[list[Tile]]:
        """The queries of each class."""
        return self._board.queries

    @property
    def support(self) -> list[list[Tile]]:
        """The support examples of each class."""
        return self._board.support

    def show_predictions(self, predictions: Predictions, chosen: int) -> None:
        """Draw the first task after the chosen step (its index)."""
        self._board.take(predictions, chosen)
        self._board.fit(self.viewport().size())
        accuracy = predictions.accuracy[chosen, 0]
        self.setAccessibleDescription(f"{accuracy:.0%} of {predictions.query_y.shape[1]} queries right")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._board.fit(self.viewport().size())


class Board(QWidget):
    """Paints the tiles, as large as fits."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.support: list[list[Tile]] = []
        self.queries: list[list[Tile]] = []
        self._names: tuple[str, ...] = ()
        self._titles: tuple[str, ...] = ()
        self._places: list[tuple[QRect, Tile]] = []
        self._side = SMALLEST
        self._across = 1

    def take(self, predictions: Predictions, chosen: int) -> None:
        """Make the tiles of the first task."""
        self._names, self._titles = class_names(predictions.ways), class_titles(predictions)
        support = as_pictures(predictions.support_x[0])
        query = as_pictures(predictions.query_x[0])
        outputs, labels = predictions.outputs[chosen, 0], predictions.labels[chosen, 0]
        self.support, self.queries = [], []
        for label, title in enumerate(self._titles):
            shown = np.flatnonzero(predictions.support_y[0] == label)
            tip = f"class {title}: support example, one of {len(shown)}"
            self.support.append([Tile(_pixmap(support[i]), "", tip) for i in shown[:MOST_SUPPORT]])
            tiles = []
            for i in np.flatnonzero(predictions.query_y[0] == label):
                predicted, right = self._names[labels[i]], bool(labels[i] == label)
                mark = RIGHT_MARK if right else WRONG_MARK
                tip = f"true class {title}, predicted {predicted} ({outputs[i].max():.0%})"
                tiles.append(Tile(_pixmap(query[i]), f"{predicted} {mark}", tip, right))
            self.queries.append(tiles)
        self.updateGeometry()
        self.update()

    def fit(self, room: QSize) -> None:
        """Take the largest tiles with which everything fits, or scroll."""
        if not self._names:
            return
        best, across = SMALLEST, 1
        most = max(map(len, self.queries), default=1) or 1
        block = (room.width() - BLOCK_GAP * len(self._names)) / len(self._names)
        for columns in range(1, most + 1):
            side = min(LARGEST, int(block / columns) - GAP)
            while side > SMALLEST and self._height(side, columns) > room.height():
                side -= 1
            if side >= best:
                best, across = side, columns
            elif side < SMALLEST:
                break
        if best == SMALLEST:  # scroll: as many columns as the width holds
            across = max(1, min(most, int(block / (SMALLEST + GAP))))
        self._side, self._across = best, across
        self._place()
        width = len(self._names) * (across * (best + GAP) + BLOCK_GAP)
        self.resize(max(room.width(), width), max(room.height(), self._height(best, across)))
        self.update()

    def _line(self) -> int:
        return self.fontMetrics().height()

    def _support_rows(self, columns: int) -> int:
        return max((-(-len(tiles) // columns) for tiles in self.support), default=0)

    def _height(self, side: int, columns: int) -> int:
        rows = max((-(-len(tiles) // columns) for tiles in self.queries), default=0)
        support = self._support_rows(columns) * (side + GAP)
        return 3 * self._line() + 4 * GAP + support + rows * (side + GAP + self._line())

    def _place(self) -> None:
        self._places = []
        side, columns = self._side, self._across
        for label in range(len(self._names)):
            left = BLOCK_GAP // 2 + label * (columns * (side + GAP) + BLOCK_GAP)
            top = 2 * self._line() + GAP
            for index, tile in enumerate(self.support[label]):
                row, column = divmod(index, columns)
                place = QRect(left + column * (side + GAP), top + row * (side + GAP), side, side)
                self._places.append((place, tile))
            top = self._queries_top()
            for index, tile in enumerate(self.queries[label]):
                row, column = divmod(index, columns)
                at = top + row * (side + GAP + self._line())
                self._places.append((QRect(left + column * (side + GAP), at, side, side), tile))

    def _queries_top(self) -> int:
        support = self._support_rows(self._across) * (self._side + GAP)
        return 3 * self._line() + 3 * GAP + support

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.background()))
        line = self._line()
        painter.setPen(QColor(theme.muted()))
        painter.drawText(QRect(BLOCK_GAP // 2, 2, self.width(), line), 0, "Support: what the learner may see")
        top = self._queries_top() - line - GAP
        painter.drawText(QRect(BLOCK_GAP // 2, top, self.width(), line), 0, "Queries: what it predicts")
        pitch = self._across * (self._side + GAP) + BLOCK_GAP
        room = max(4, (pitch - BLOCK_GAP) // self.fontMetrics().averageCharWidth())
        for label, title in enumerate(told_apart(self._titles, room)):
            left = BLOCK_GAP // 2 + label * pitch
            painter.setPen(QColor(theme.foreground()))
            shown = self.fontMetrics().elidedText(title, Qt.TextElideMode.ElideMiddle, pitch - BLOCK_GAP)
            painter.drawText(QRect(left, line + 3, pitch - BLOCK_GAP, line), 0, shown)
            if label:
                painter.setPen(QColor(theme.grid()))
                painter.drawLine(left - BLOCK_GAP // 2 - 2, line, left - BLOCK_GAP // 2 - 2, self.height())
        for place, tile in self._places:
            shrunk = tile.picture.width() > place.width()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrunk)
            painter.drawPixmap(place, tile.picture)
            self._frame(painter, place, tile)

    def _frame(self, painter: QPainter, place: QRect, tile: Tile) -> None:
        if tile.right is None:
            painter.setPen(QColor(theme.grid()))
            painter.drawRect(place)
            return
        colour = QColor(theme.right() if tile.right else theme.wrong())
        style = Qt.PenStyle.SolidLine if tile.right else Qt.PenStyle.DashLine
        painter.setPen(QPen(colour, FRAME, style, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.MiterJoin))
        painter.drawRect(place)
        painter.setPen(colour)
        under = QRect(place.left() - GAP, place.bottom() + 3, place.width() + 2 * GAP, self._line())
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, tile.text)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            tile = next((tile for place, tile in self._places if place.contains(event.pos())), None)
            show_tip(event.globalPos(), tile.tip if tile is not None else "", self)
            return True
        return super().event(event)


def _pixmap(picture: Array) -> QPixmap:
    """``[channels, height, width]`` as a pixmap."""
    bytes_ = np.ascontiguousarray(np.rint(np.moveaxis(picture, 0, -1) * 255).astype(np.uint8))
    height, width, channels = bytes_.shape
    form = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    image = QImage(bytes_.tobytes(), width, height, width * channels, form)
    return QPixmap.fromImage(image.copy())
