"""The curves' values at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from workbench.gui import theme
from workbench.gui.charts.items import set_pattern
from workbench.words import told_apart, tr

SWATCH, GAP, MARGIN = 18, 6, 6


@dataclass(frozen=True)
class Entry:
    """One curve in the legend.

    Attributes
    ----------
    label : what it is, with how much it is the mean of.
    short : its name beside its end; empty: the label.
    runs : the runs that it is of.
    """

    label: str
    colour: str
    strong: bool = False
    faint: bool = False
    dashed: int = 0
    short: str = ""
    runs: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What stands beside its end."""
        return self.short or self.label


Array = NDArray[np.float64]
Drawn = tuple[Entry, tuple[Array, Array]]
"""A curve that is drawn, with its points in view coordinates."""


Reading = tuple[str, str] | None
"""Where a curve was measured, in words, and its value there; None: nowhere near."""


def told(readings: Sequence[Reading], name: str) -> tuple[str, list[str]]:
    """The place that all values were measured at, named, and the values; or each value with its own place. A
    value without one holds everywhere."""
    places = {each[0] for each in readings if each is not None and each[0]}
    if len(places) <= 1:
        header = name + places.pop() if places else ""
        return header, ["–" if each is None else each[1] for each in readings]
    return tr("{}nearest to the cursor", name), [
        "–" if each is None else tr("{} at {}", each[1], each[0]) if each[0] else each[1] for each in readings
    ]


class Readout(QWidget):
    """Lies over a corner of the plot while there is a cursor, and lets the mouse through.

    It is painted by hand: what changes while the mouse moves are a few texts in places that stay, so
    nothing flickers or jumps.
    """

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(tr("Legend"))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.entries: tuple[Entry, ...] = ()
        self.values: tuple[str, ...] = ()
        self.header = ""
        self._value_width = 0
        self.hide()

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show these curves."""
        if tuple(entries) == self.entries:
            return
        self.entries, self.values, self.header, self._value_width = tuple(entries), (), "", 0
        self.setAccessibleDescription("; ".join(each.label for each in self.entries))
        self.update()

    def set_values(self, header: str, values: Sequence[str]) -> None:
        """Say where the cursor is and the value of each curve there; no values: nothing."""
        if (header, tuple(values)) == (self.header, self.values):
            return
        self.header, self.values = header, tuple(values)
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(each) for each in values), default=0)
        self._value_width = max(self._value_width, widest) if values else 0
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        labels = max((metrics.horizontalAdvance(each.label) for each in self.entries), default=0)
        values = self._value_width + 2 * GAP if self.values else 0
        rows = len(self.entries) + bool(self.values)
        width = 2 * MARGIN + SWATCH + GAP + labels + values + 2
        return QSize(
            max(width, metrics.horizontalAdvance(self.header) + 2 * MARGIN), self._row() * rows + MARGIN
        )

    def place(self, area: QRect, *, left: bool) -> None:
        """Move to the upper left, or right, of a plot's inside."""
        inside = area.adjusted(8, 6, -8, -6)
        target = QRect(inside.topLeft(), self.sizeHint().boundedTo(inside.size()))
        if not left:
            target.moveRight(inside.right())
        if target != self.geometry():
            self.setGeometry(target)

    def _row(self) -> int:
        return self.fontMetrics().height() + 2

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        back = QColor(theme.background())
        back.setAlpha(225)
        painter.setPen(QColor(theme.grid()))
        painter.setBrush(back)
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        top, row, metrics = MARGIN // 2, self._row(), self.fontMetrics()
        if self.values:
            painter.setPen(QColor(theme.muted()))
            painter.drawText(
                QRect(MARGIN, top, self.width() - 2 * MARGIN, row), Qt.AlignmentFlag.AlignRight, self.header
            )
            top += row
        fitting = max(1, (self.height() - top) // row)
        shown = self.entries if len(self.entries) <= fitting else self.entries[: fitting - 1]
        for index, entry in enumerate(shown):
            self._paint_entry(painter, entry, index, top)
            top += row
        if len(shown) < len(self.entries):
            painter.setPen(QColor(theme.muted()))
            more = tr("… and {} more", len(self.entries) - len(shown))
            painter.drawText(MARGIN + SWATCH + GAP, top + metrics.ascent() + 1, more)

    def _paint_entry(self, painter: QPainter, entry: Entry, index: int, top: int) -> None:
        metrics, row = self.fontMetrics(), self._row()
        pen = QPen(QColor(entry.colour), 3 if entry.strong else 2)
        set_pattern(pen, entry.dashed)
        painter.setPen(pen)
        middle = top + row / 2
        painter.drawLine(QPointF(MARGIN, middle), QPointF(MARGIN + SWATCH, middle))
        painter.setPen(QColor(theme.muted() if entry.faint else theme.foreground()))
        left = MARGIN + SWATCH + GAP
        value = self.values[index] if index < len(self.values) else ""
        room = self.width() - left - MARGIN - (self._value_width + GAP if self.values else 0)
        label = entry.label
        if metrics.horizontalAdvance(label) > room:
            most = max(4, room // metrics.averageCharWidth())
            label = told_apart([each.label for each in self.entries], most)[index]
        label = metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, room)
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(left, top, room, row), flags | Qt.AlignmentFlag.AlignLeft, label)
        if value:
            place = QRect(self.width() - MARGIN - self._value_width, top, self._value_width, row)
            painter.drawText(place, flags | Qt.AlignmentFlag.AlignRight, value)
