"""Paints a panel's curves on the screen: axes, lines, bands, points with whiskers, words."""

from __future__ import annotations

import math
import textwrap
from dataclasses import replace
from unicodedata import east_asian_width

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from workbench.analysis import numerals
from workbench.analysis.numerals import value
from workbench.gui import theme
from workbench.gui.charts.axis import SLANT, Plot
from workbench.gui.charts.brushes import Brushes
from workbench.gui.charts.curve_items import CurveMarks
from workbench.gui.charts.items import Grid
from workbench.pictures import Array, Curve, Panel
from workbench.words import told_apart

LONGEST_WORD, LONGEST_TICK = 32, 18
"""Letters of a word in the plot, and of a slanted name below it."""

MOST_LINES = 3
SLIM, FILLED = 0.05, 0.6
"""What is left free around the curves, and how full a range must be to stay."""

BEAM = 0.045
NEAR, CLICK = 10, 4
"""Pixels: how near a point a click must be, and how far the mouse may wander in it."""


class PlotCell(Plot):
    """One panel of curves. Its items are kept and get new points: to make them takes ten times as long.

    Attributes
    ----------
    picked : a curve or a point was clicked: the ids of its runs.
    """

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        self.panel = Panel()
        self._curves: list[CurveMarks] = []
        self._placed: list[Curve] = []
        self._selected: frozenset[int] = frozenset()
        self._pressed = QPoint()
        self._extra: list[pg.GraphicsObject] = []
        self._moving: pg.ScatterPlotItem | None = None
        self.outer = True, True
        """Whether the axes at the left and at the bottom are named: in a grid, those at its edges."""
        self.bare = False
        """Whether the axis at the left has no numbers: in a grid whose rows are alike, but for the first."""
        self.slim = False
        """Whether it is one of many side by side, for which there is little room."""
        super().__init__(parent)
        self._take_room()
        self.getViewBox().disableAutoRange()
        self._brushes = Brushes(self.getViewBox())
        self._dress: tuple[object, ...] = ()
        self._origins = "", ""
        self._named = False
        self._grid = Grid(self.getViewBox(), None, self.getAxis("left"))
        self.getViewBox().sigRangeChanged.connect(self._range_changed)
        self.getViewBox().sigResized.connect(self._range_changed)

    def _take_room(self) -> None:
        """As small as can be read: with numbers beside it, or without."""
        bare = self.panel.y_hidden or self.bare
        width = (66 if bare else 120) if self.slim else (90 if bare else 150)
        self.setMinimumSize(width, 80 if self.panel.x_hidden else 100)

    def set_slim(self, slim: bool) -> None:
        """Take less room than what is easily read needs, or that much again."""
        if slim != self.slim:
            self.slim = slim
            self._take_room()

    def sizeHint(self) -> QSize:
        """No more than it needs: a grid of them takes what there is."""
        size: QSize = self.minimumSize()
        return size

    def show_panel(self, panel: Panel) -> None:
        """Draw a panel, in the colours of the theme."""
        if not panel.brushed or panel.x_names != self.panel.x_names:
            self._brushes.clear()
        self.panel = panel
        origins = _origin(panel, "x"), _origin(panel, "y")
        self._origins = origins[0][1], origins[1][1]
        self._dress_axes()
        plot = self.getPlotItem()
        while len(self._curves) > len(panel.curves):
            self._curves.pop().remove()
        while len(self._curves) < len(panel.curves):
            self._curves.append(CurveMarks(plot))
        self._placed = [_placed(curve, panel, origins[0][0], origins[1][0]) for curve in panel.curves]
        self.select(self._selected)
        for marks, curve, told in zip(self._curves, self._placed, panel.curves, strict=True):
            tips = [self._tip(told, at) for at in range(len(told.x))] if told.kind != "line" else None
            marks.draw(curve, tips, beam=BEAM if panel.x_names else 0.0)
        self._write(panel)
        self._frame(panel, self._placed)
        self._name_positions()

    def select(self, runs: frozenset[int]) -> None:
        """Let the curves of these runs stand out."""
        self._selected = runs
        picked = [not runs.isdisjoint(curve.runs) for curve in self._placed]
        for order, (marks, curve, strong) in enumerate(zip(self._curves, self._placed, picked, strict=True)):
            faded = any(picked) and not strong and bool(curve.runs)
            colour = theme.colour(curve.colour, curve.shade)
            marks.dress(curve, colour, order, strong=strong, faded=faded)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position().toPoint()
        left, place = event.button() == Qt.MouseButton.LeftButton, self._in_view(self._pressed)
        if not (left and self.panel.brushed and self._brushes.press(place, len(self.panel.x_names))):
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if not self._brushes.held:
            super().mouseMoveEvent(event)
        elif (place - self._pressed).manhattanLength() > CLICK:
            self._brushes.drag(self._in_view(place))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place, held = event.position().toPoint(), self._brushes.held
        clicked = (place - self._pressed).manhattanLength() <= CLICK
        if held:
            self._brushes.release()
        else:
            super().mouseReleaseEvent(event)
        if held and not clicked:
            self.picked.emit(self._brushes.passing(self._placed))
        elif event.button() == Qt.MouseButton.LeftButton and clicked:
            self._brushes.clear()
            self.picked.emit(self.runs_at(place))

    def _in_view(self, place: QPoint) -> QPointF:
        found: QPointF = self.getViewBox().mapSceneToView(self.mapToScene(place))
        return found

    def runs_at(self, place: QPoint) -> tuple[int, ...]:
        """The runs of the point that is nearest to a place and near it; empty for none."""
        found: tuple[int, ...] = ()
        least = float(NEAR)
        middle = self._in_view(place)
        across, up = (float(each) or 1.0 for each in self.getViewBox().viewPixelSize())
        for curve in (each for each in self._placed if each.runs and len(each.x)):
            away = np.hypot((curve.x - middle.x()) / across, (curve.y - middle.y()) / up)
            at = int(np.nanargmin(away)) if np.isfinite(away).any() else 0
            if away[at] < least:
                each_its_own = len(curve.runs) == len(curve.x)
                found, least = curve.runs[at : at + 1] if each_its_own else curve.runs, float(away[at])
        return found

    @property
    def moving(self) -> tuple[float, float] | None:
        """Where what moves stands; None where nothing does."""
        if self._moving is None or not self._moving.isVisible():
            return None
        x, y = self._moving.getData()
        return float(x[0]), float(y[0])

    def show_time(self, part: float) -> None:
        """Put what moves where it is when a part of the time is over, from 0 to 1."""
        moving, place = self.panel.moving, self.panel.moved(part)
        if self._moving is None and place is not None:
            self._moving = pg.ScatterPlotItem(pxMode=True, size=11)
            self._moving.setZValue(60)
            self.addItem(self._moving, ignoreBounds=True)
        if self._moving is None:
            return
        self._moving.setVisible(place is not None)
        if moving is not None and place is not None:
            self._moving.setBrush(QColor(theme.colour(moving.colour, moving.shade)))
            self._moving.setPen(pg.mkPen(theme.background(), width=1.5))
            self._moving.setData(*([each] for each in place))

    def _dress_axes(self) -> None:
        """Colours and names; an axis that gets any is laid out anew, so only where something has changed."""
        panel = replace(self.panel, title="", curves=(), texts=(), x_range=None, y_range=None, moving=None)
        x_label, y_label = panel.x_label + self._origins[0], panel.y_label + self._origins[1]
        y_label = self._within(y_label, self.height() - 38)
        dress = theme.palette(), self.outer, self.bare, x_label, y_label, panel
        if dress == self._dress:
            return
        self._dress = dress
        self._take_room()
        self.setBackground(theme.background())
        self.showAxis("left", not panel.y_hidden)
        self.showAxis("bottom", not panel.x_hidden)
        self.setMouseEnabled(x=not panel.x_names, y=not panel.y_names)
        self.getViewBox().setAspectLocked(panel.square)
        left = self.getAxis("left")
        left.setStyle(showValues=not self.bare)
        left.setTicks([list(enumerate(panel.y_names))] if panel.y_names else None)
        self._grid.set_colour(QColor(theme.grid()))
        self._grid.setVisible(not panel.y_hidden)
        for at, (side, label, log) in enumerate(
            (("left", y_label, panel.y_log), ("bottom", x_label, panel.x_log))
        ):
            axis = self.getAxis(side)
            if log != axis.logMode:
                axis.setLogMode(log)
            axis.setPen(theme.grid())
            axis.setTextPen(theme.foreground())
            text = label if self._origins[1 - at] or self.outer[at] else ""
            if axis.isVisible() and axis.labelText != text:  # a label would show a hidden axis
                axis.setLabel(text)
                axis.showLabel(bool(text))
                axis.resizeEvent()  # which puts the label in the middle
        self.getAxis("left").percent = panel.y_percent

    def _within(self, label: str, room: int) -> str:
        """A label in so much room, its unit whole."""
        metrics, (name, sign, unit) = self.fontMetrics(), label.partition(" (")
        left = room - metrics.horizontalAdvance(sign + unit)
        return f"{metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, left)}{sign}{unit}"

    def _tip(self, curve: Curve, at: int) -> str:
        y, name = float(curve.y[at]), curve.points[at] if curve.points else curve.label
        scale = 100.0 if self.panel.y_percent else 1.0
        text = value(scale * y) + (" %" if self.panel.y_percent else "")
        return f"{name}: {text}" if name else text

    def _write(self, panel: Panel) -> None:
        """The words among the curves, and lines between positions that have names."""
        for item in self._extra:
            self.removeItem(item)
        self._extra = []
        words = told_apart([text.text for text in panel.texts], LONGEST_WORD)
        for text, word in zip(panel.texts, words, strict=True):
            across = {"left": 0.0, "center": 0.5, "right": 1.0}[text.align]
            down = 1.0 if text.over else 0.0 if text.under else 0.5
            item = pg.TextItem(word, color=theme.foreground(), anchor=(across, down))
            item.setPos(text.x, text.y)
            self._extra.append(item)
        if panel.x_names and not panel.y_hidden:
            pen = pg.mkPen(theme.grid(), width=1)
            self._extra += [pg.InfiniteLine(at - 0.5, pen=pen) for at in range(1, len(panel.x_names))]
        for item in self._extra:
            self.addItem(item, ignoreBounds=True)

    @Slot(object)
    def _range_changed(self, *_: object) -> None:
        self._grid.follow()

    # --- ranges ------------------------------------------------------------------------------------

    def _frame(self, panel: Panel, placed: list[Curve]) -> None:
        """Show everything, or the range that was asked for. A range that still fits stays, since axes that
        change are dear, and restless."""
        x = _range([curve.x for curve in placed])
        y = _range([part for each in placed for part in (each.y, each.low, each.high) if part is not None])
        if panel.x_names:
            x = -0.5, len(panel.x_names) - 0.5
        asked = _in_view(panel.x_range, panel.x_log), _in_view(panel.y_range, panel.y_log)
        up = _wider(asked[1], 0.02) if asked[1] else None
        (x0, x1), (y0, y1) = self.getViewBox().viewRange()
        fits = y0 <= y[0] and y[1] <= y1 and y[1] - y[0] > FILLED * (y1 - y0)
        if panel.y_names:
            up = -0.5, len(panel.y_names) - 0.5
        across = asked[0] or (x if panel.x_names else _wider(x, SLIM))
        up = up or ((y0, y1) if fits else _wider(y, 2 * SLIM))
        if not np.allclose((x0, x1, y0, y1), (*across, *up)):
            self.getViewBox().setRange(xRange=across, yRange=up, padding=0)

    def _name_positions(self) -> None:
        """Names under their positions, wrapped and elided to the room that there is, or slanted."""
        axis, metrics = self.getAxis("bottom"), self.fontMetrics()
        names = list(self.panel.x_names)
        if not names:
            if self._named:
                axis.slanted = ()
                axis.setTicks(None)
                axis.setHeight(None)
            self._named = False
            return
        axis.slanted, self._named = (), True
        room = max(30, self.width() - 70) / len(names) - 6
        wide = any(east_asian_width(letter) in "WF" for name in names for letter in name)
        letters = max(3, int(room / (metrics.height() if wide else metrics.averageCharWidth())))
        if not wide and any(len(word) > letters for name in names for word in name.split()):
            axis.slanted = tuple(told_apart(names, LONGEST_TICK))
            longest = max(map(metrics.horizontalAdvance, axis.slanted))
            axis.setTicks([[(position, str(position)) for position in range(len(names))]])
            axis.setHeight(round(longest * math.sin(math.radians(SLANT))) + 14)
            return
        if any(len(textwrap.wrap(name, letters)) > MOST_LINES for name in names):
            names = told_apart(names, (MOST_LINES - 1) * letters)
        wrapped = [textwrap.wrap(name, letters, max_lines=MOST_LINES, placeholder="…") for name in names]
        axis.setTicks([[(position, "\n".join(lines)) for position, lines in enumerate(wrapped)]])
        label = metrics.lineSpacing() if axis.labelText else 0
        axis.setHeight(max(map(len, wrapped)) * metrics.lineSpacing() + 10 + label)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.panel.curves:
            self._dress_axes()
            self._name_positions()


def _origin(panel: Panel, axis: str) -> tuple[float, str]:
    """What the numbers of an axis are counted from, and that in words (see :func:`numerals.origin`)."""
    if panel.x_log if axis == "x" else panel.y_log:
        return 0.0, ""
    low, high = _range([curve.x if axis == "x" else curve.y for curve in panel.curves])
    return numerals.origin(low, high)


def _placed(curve: Curve, panel: Panel, x_origin: float, y_origin: float) -> Curve:
    """The curve in view coordinates."""
    y, low, high = (
        None if each is None else to_view(each - y_origin, log=panel.y_log)
        for each in (curve.y, curve.low, curve.high)
    )
    assert y is not None
    return replace(curve, x=to_view(curve.x - x_origin, log=panel.x_log), y=y, low=low, high=high)


def to_view(values: Array, *, log: bool) -> Array:
    """View coordinates, which are logarithms (base 10) on a logarithmic axis; NaN where there is none."""
    if not log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)


def _in_view(ends: tuple[float, float] | None, log: bool) -> tuple[float, float] | None:
    return None if ends is None else (math.log10(ends[0]), math.log10(ends[1])) if log else ends


def _range(parts: list[Array]) -> tuple[float, float]:
    """From the lowest to the highest of all; 0 to 1 where there is nothing."""
    found = np.concatenate([np.empty(0), *parts])
    found = found[np.isfinite(found)]
    return (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)


def _wider(ends: tuple[float, float], part: float) -> tuple[float, float]:
    room = part * (ends[1] - ends[0]) or 0.05 * abs(ends[0]) or 0.5
    return ends[0] - room, ends[1] + room
