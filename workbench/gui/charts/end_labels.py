"""Names beside the ends of curves, which never overlap: a plot says by itself which curve is whose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from workbench.gui import theme
from workbench.gui.charts.items import set_pattern
from workbench.gui.charts.readout import Entry
from workbench.words import told_apart, tr

SWATCH, GAP, LEADER = 14, 4, 12
WIDEST = 0.3
"""Part of a plot's width that names may take."""
STEP = 8
"""Pixels by which the room for names grows, so that it does not change all the time."""


def spread(wanted: Sequence[float], height: float, low: float, high: float) -> list[float]:
    """Places from ``low`` to ``high``, between which there is room, that are ``height`` apart and as near as
    can be to those wanted."""
    order = np.argsort(wanted, kind="stable")
    blocks: list[tuple[float, list[int]]] = []  # where each begins, and who stands in it
    for index in order.tolist():
        members = [index]
        start = _start([wanted[index]], height, low, high)
        while blocks and blocks[-1][0] + len(blocks[-1][1]) * height > start:
            members = blocks.pop()[1] + members
            start = _start([wanted[each] for each in members], height, low, high)
        blocks.append((start, members))
    found = [0.0] * len(wanted)
    for start, members in blocks:
        for place, index in enumerate(members):
            found[index] = start + (place + 0.5) * height
    return found


def _start(wanted: Sequence[float], height: float, low: float, high: float) -> float:
    """Where a block of so many begins that is as near as can be to where its members would be."""
    middle = float(np.mean([each - place * height for place, each in enumerate(wanted)])) - height / 2
    return min(max(middle, low), high - len(wanted) * height)


class EndLabels(QWidget):
    """Lies over a plot and its right margin, and lets the mouse through."""

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self._plot = parent
        self.setObjectName(name)
        self.setAccessibleName(tr("Names of the curves"))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.shown: tuple[Entry, ...] = ()
        """The curves whose names stand there."""

        self._names: list[str] = []
        self._ends: list[QPointF | None] = []
        self._places: list[float] = []
        self._area = QRect()
        self._left = 0
        self.more = 0
        """How many more there are."""

        self.hide()

    @property
    def row(self) -> int:
        """Pixels that a name takes from top to bottom."""
        return self.fontMetrics().height() + 2

    def room_for(self, entries: Sequence[Entry], width: int) -> int:
        """Pixels that names need beside a plot of this width, in steps."""
        longest = max((self._width_of(each.name) for each in entries), default=0)
        wanted = -(-(longest + LEADER + SWATCH + 2 * GAP) // STEP) * STEP
        return min(wanted, int(WIDEST * width))

    def show_at(self, entries: Sequence[Entry], ends: Sequence[QPointF | None], area: QRect) -> None:
        """Show a name at each end, right of a plot's inside; where there is no room for all, those that are
        picked and the first, and how many more there are.

        Parameters
        ----------
        ends : in the parent's pixels, where a curve ends or leaves the picture; None: it is not seen, and
            its name stands lowest.
        area : the inside of the plot.
        """
        self.setVisible(bool(entries))
        self.setGeometry(self._plot.rect())
        most = max(1, area.height() // self.row)
        order = sorted(range(len(entries)), key=lambda index: not entries[index].strong)
        chosen = sorted(order[: most if len(entries) <= most else most - 1])
        self.more = len(entries) - len(chosen)
        self.shown, self._ends = tuple(entries[each] for each in chosen), [ends[each] for each in chosen]
        self._area, self._left = area, area.right() + LEADER
        wanted = [area.bottom() if each is None else each.y() for each in self._ends]
        bottom = area.bottom() + 1.0 - (self.row if self.more else 0)
        self._places = spread(wanted, self.row, area.top(), bottom)
        room = self.width() - self._left - SWATCH - 2 * GAP
        names = [each.name for each in self.shown]
        if any(self._width_of(name) > room for name in names):
            names = told_apart(names, max(6, room // self.fontMetrics().averageCharWidth() - 2))
        elided = Qt.TextElideMode.ElideMiddle
        self._names = [QFontMetrics(self._font(True)).elidedText(name, elided, room) for name in names]
        self.setAccessibleDescription("; ".join(each.label for each in entries))
        self.update()

    def _font(self, strong: bool) -> QFont:
        font = QFont(self.font())
        font.setBold(strong)
        return font

    def _width_of(self, name: str) -> int:
        """As it is when it is picked: nothing is to move then."""
        return QFontMetrics(self._font(True)).horizontalAdvance(name)

    def place_of(self, index: int) -> QRect:
        """Where a name stands."""
        top = round(self._places[index] - self.row / 2)
        return QRect(self._left, top, self.width() - self._left, self.row)

    def at(self, place: QPoint) -> Entry | None:
        """The curve whose name stands at a place."""
        found = enumerate(self.shown if self.isVisible() else ())
        return next((entry for index, entry in found if self.place_of(index).contains(place)), None)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, (entry, end, name) in enumerate(zip(self.shown, self._ends, self._names, strict=True)):
            place = self.place_of(index)
            middle = QPointF(place.left() - 2, self._places[index])
            if end is not None:
                leader = QColor(entry.colour)
                leader.setAlpha(110)
                painter.setPen(QPen(leader, 1, Qt.PenStyle.DotLine))
                corner = QPointF(max(end.x(), place.left() - LEADER + 1), end.y())
                painter.drawPolyline([end, corner, middle])
            pen = QPen(QColor(entry.colour), 3 if entry.strong else 2)
            set_pattern(pen, entry.dashed)
            painter.setPen(pen)
            painter.drawLine(middle, middle + QPointF(SWATCH, 0))
            painter.setFont(self._font(entry.strong))
            painter.setPen(QColor(theme.muted() if entry.faint else theme.foreground()))
            text = QRectF(place).adjusted(SWATCH + GAP, 0, 0, 0)
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        if self.more:
            painter.setPen(QColor(theme.muted()))
            painter.drawText(
                QPointF(self._left + SWATCH + GAP, self._area.bottom() - 2), tr("… and {} more", self.more)
            )
