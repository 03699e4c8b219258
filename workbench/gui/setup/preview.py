"""The picture of a sample episode: images in a grid, support and query apart, a curve, or words."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Slot
from PySide6.QtGui import QColor, QFontMetrics, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from workbench.data.found import BETWEEN
from workbench.gui import theme
from workbench.gui.charts.picture_cell import pixmap
from workbench.gui.charts.plot_cell import PlotCell
from workbench.gui.charts.word_cell import lines_height, paint_lines
from workbench.gui.setup.samples import Sample
from workbench.pictures import Panel, Picture
from workbench.words import tr

_MARGIN, _GAP, _BETWEEN, _LABEL, _HEAD = 6, 2, 10, 14, 16
_CELL = 26
_CURVE_HEIGHT = 140
_TEXT = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter


class EpisodeView(QWidget):
    """Paints a :class:`Sample`, or says in words why there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("episode_view")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.sample: Sample | None = None
        self.hint, self._wrong = "", False
        self._room = _CURVE_HEIGHT
        self._curves = PlotCell(self)
        self._curves.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # Setup scrolls
        self._curves.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self._curves)
        self._theme = theme.ThemeWatch(self)
        self._theme.changed.connect(self._restyle)
        self.set_hint(tr("No task yet"))

    @property
    def panel(self) -> Panel:
        """What is drawn; an empty panel where there is nothing."""
        return self.sample.drawing.panel if self.sample is not None else Panel()

    def set_sample(self, sample: Sample) -> None:
        """Show an episode."""
        self.sample, self.hint = sample, ""
        self.setAccessibleName(tr("Sample episode"))
        self.setAccessibleDescription(sample.caption)
        if self.panel.curves:
            self._curves.show_panel(self.panel)
        self._room = self._height()
        self._fit()

    def set_hint(self, text: str, *, wrong: bool = False) -> None:
        """Show words in place of a picture."""
        self.sample, self.hint, self._wrong = None, text, wrong
        self.setAccessibleName(tr("Sample episode"))
        self.setAccessibleDescription(text)
        self._fit()

    @Slot()
    def _restyle(self) -> None:
        if self.panel.curves:
            self._curves.show_panel(self.panel)
        self.update()

    def columns(self) -> tuple[int, int]:
        """How many support and query examples of a class fit beside each other."""
        room = (self.width() - 2 * _MARGIN - _LABEL - _BETWEEN) // (_CELL + _GAP)
        shots, queries = (max(map(len, part), default=0) for part in zip(*self._rows(), strict=True))
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
            return max(self._room, wrapped.height() + 20)  # of the last one, so that nothing moves
        if self.panel.curves:
            return _CURVE_HEIGHT
        if self.panel.lines:
            metrics, room = QFontMetricsF(self.font()), self.width() - 2 * _MARGIN
            return 2 * _MARGIN + round(lines_height(self.panel.lines, metrics, room))
        if seen := self.sample.drawing.seen:
            lines = sum(map(len, seen))
            return 2 * _MARGIN + lines * self.fontMetrics().lineSpacing() + len(seen) * _GAP
        return 2 * _MARGIN + _HEAD + len(self.panel.pictures) * (_CELL + _GAP)

    def _rows(self) -> list[tuple[list[Picture], list[Picture]]]:
        """The support and the query pictures of each row: those with and without a caption."""
        return [
            ([each for each in row if each.caption], [each for each in row if not each.caption])
            for row in self.panel.pictures
        ]

    def _fit(self) -> None:
        self._curves.setVisible(bool(self.panel.curves))
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
        elif self.sample.drawing.seen:
            _paint_texts(painter, self.rect(), self.sample)
        elif self.panel.pictures:
            self._paint_images(painter)
        elif self.panel.lines:
            paint_lines(painter, self.panel.lines, _MARGIN, _MARGIN, self.width() - 2 * _MARGIN)

    def _paint_images(self, painter: QPainter) -> None:
        assert self.sample is not None
        shrinks = self.panel.pictures[0][0].pixels.shape[2] > _CELL  # else each pixel is to be seen
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks)
        left, right = self.columns()
        step = _CELL + _GAP
        support_x = _MARGIN + _LABEL
        titles = [
            name if shown == count else tr("{} {} of {}", name, shown, count)
            for name, shown, count in (
                (tr("support"), left, self.sample.shots),
                (tr("query"), right, self.sample.queries),
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
        for row, (name, parts) in enumerate(zip(self.panel.row_names, self._rows(), strict=True)):
            y = _MARGIN + _HEAD + row * step
            painter.drawText(QRect(_MARGIN - 2, y, _LABEL - 2, _CELL), Qt.AlignmentFlag.AlignCenter, name)
            for x0, pictures, count in zip((support_x, query_x), parts, (left, right), strict=True):
                for column, picture in enumerate(pictures[:count]):
                    place = QRect(x0 + column * step, y, _CELL, _CELL)
                    painter.drawPixmap(place, pixmap(picture.pixels))
        painter.setPen(QColor(theme.grid()))
        middle = query_x - _BETWEEN // 2
        painter.drawLine(middle, _MARGIN + _HEAD, middle, self.height() - _MARGIN)


def _paint_texts(painter: QPainter, rect: QRect, sample: Sample) -> None:
    """For each class its name, a support text, and below it a query text."""
    metrics = painter.fontMetrics()
    line, y = metrics.lineSpacing(), _MARGIN
    room = rect.width() - 2 * _MARGIN - _LABEL
    left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    for name, seen in zip(sample.drawing.panel.row_names, sample.drawing.seen, strict=True):
        painter.setPen(QColor(theme.muted()))
        painter.drawText(QRect(_MARGIN, y, _LABEL, line), left, name)
        colours = (theme.accent(), theme.foreground(), theme.muted())
        for text, colour in zip(seen.values(), colours, strict=True):
            painter.setPen(QColor(colour))
            painter.drawText(QRect(_MARGIN + _LABEL, y, room, line), left, elided(metrics, text, room))
            y += line
        y += _GAP


def elided(metrics: QFontMetrics, text: str, room: int) -> str:
    """A text that fits into so many pixels; of a pair something of both is left."""
    parts = text.split(BETWEEN)
    each = (room - (len(parts) - 1) * metrics.horizontalAdvance(BETWEEN)) // len(parts)
    return BETWEEN.join(metrics.elidedText(part, Qt.TextElideMode.ElideRight, each) for part in parts)
