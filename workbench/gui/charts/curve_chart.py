"""A plot of curves: zoom and pan by mouse and keyboard, a cursor with values, axes that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QCheckBox, QMenu, QToolButton, QWidget

from workbench.analysis.beyond import told_beyond
from workbench.gui import theme
from workbench.gui.charts.base import PlotChart
from workbench.gui.charts.curve_picker import CurvePicker
from workbench.gui.charts.end_labels import EndLabels
from workbench.gui.charts.items import Grid
from workbench.gui.charts.readout import Drawn, Entry, Readout
from workbench.gui.plain import set_tip, without_keys
from workbench.gui.run_data import RunData
from workbench.words import tr

Array = NDArray[np.float64]
Extent = tuple[float, float, float, float]

NOTHING = np.empty(0)
FILLED = 0.5  # how full a range must be to stay
PAN, ZOOM = 0.1, 0.8  # a key press, as part of the range
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
_ZOOMS = {Qt.Key.Key_Plus: ZOOM, Qt.Key.Key_Equal: ZOOM, Qt.Key.Key_Minus: 1 / ZOOM}
_KEYS = {Qt.Key.Key_A, *_ARROWS, *_ZOOMS}


class CurveChart(PlotChart):
    """Follows what grows until the person zooms or pans; Follow, a double click or A brings it back.

    Subclasses override :meth:`whole`, :meth:`draw_range` and :meth:`values_at`. View coordinates are
    logarithms (base 10) on an axis that is logarithmic.
    """

    room: ClassVar[tuple[float, float]] = (0.0, 0.1)
    """What is left free for what a running run brings, as part of the range across and up."""

    def __init__(self, data: RunData, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self.following = True
        self.x_log = self.y_log = False
        self._quiet = False
        self._room = 0
        self._beyond = ""
        self._cursor_x: float | None = None
        self.follow_button = QToolButton(self.plot)
        self.follow_button.setObjectName(f"{self.object_name}_follow")
        self.follow_button.setText(tr("Show all"))
        self.follow_button.setAccessibleName(tr("Show all and follow"))
        set_tip(self.follow_button, tr("Show the whole range and follow new values (A, or double click)"))
        self.follow_button.clicked.connect(self.follow)
        self.follow_button.setCursor(Qt.CursorShape.ArrowCursor)
        self.follow_button.hide()
        self.all_button = QToolButton(self.plot)
        self.all_button.setObjectName(f"{self.object_name}_beyond")
        self.all_button.setAccessibleName(tr("What lies beyond the picture"))
        self.all_button.setCheckable(True)
        self.all_button.setCursor(Qt.CursorShape.ArrowCursor)
        self.all_button.toggled.connect(self.follow)
        self.all_button.hide()
        self._prepare_plot()
        self.readout = Readout(self.plot, f"{self.object_name}_legend")
        self.labels = EndLabels(self.plot, f"{self.object_name}_names")
        self.picker = CurvePicker(self.plot, self.labels, data, self.drawn)

    def _prepare_plot(self) -> None:
        plot = self.plot
        plot.setAccessibleName(tr("{}, plot", tr(self.title)))
        plot.setAccessibleDescription(
            tr("Arrows move, plus and minus zoom, A shows all, Shift with left and right reads values")
        )
        plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.view = plot.getViewBox()
        self._grid = Grid(self.view, plot.getAxis("bottom"), plot.getAxis("left"))
        self.view.disableAutoRange()
        self.view.setDefaultPadding(0.0)
        self.view.sigRangeChangedManually.connect(self._taken_over)
        self.view.sigRangeChanged.connect(self._range_changed)
        self.view.sigResized.connect(self._resized)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setZValue(50)
        self._cursor.hide()
        plot.addItem(self._cursor, ignoreBounds=True)
        plot.installEventFilter(self)
        plot.viewport().installEventFilter(self)
        plot.setMouseTracking(True)
        plot.viewport().setMouseTracking(True)

    # --- what subclasses say -----------------------------------------------------------------------

    def whole(self) -> Extent | None:
        """Left, right, bottom and top of everything, in view coordinates; None where there is nothing."""
        return None

    def beyond(self) -> list[tuple[str, float]]:
        """The curves that go farther than the range that is shown by itself: label and farthest value."""
        return []

    def draw_range(self, *, anew: bool) -> None:
        """Draw what lies in the visible range; ``anew``: not only the range has changed."""

    def values_at(self, x: float) -> tuple[str, list[str]]:
        """The cursor's place in words, and the value of each entry of the legend there."""
        return "", []

    def logarithmic(self) -> list[QCheckBox]:
        """The controls that make axes logarithmic."""
        return []

    def drawn(self) -> list[Drawn]:
        """The curves as drawn: their names stand at their ends, or the legend keeps out of their way."""
        return []

    # --- ranges ------------------------------------------------------------------------------------

    def set_logarithmic(self, *, x: bool, y: bool) -> None:
        """Make axes logarithmic or linear."""
        if (x, y) != (self.x_log, self.y_log):
            self.x_log, self.y_log = x, y
            self._quiet = True  # what was 15,000 must not be taken for its logarithm
            self.view.setRange(xRange=(0.0, 1.0), yRange=(0.0, 1.0), padding=0)
            self._quiet = False
            self.plot.getAxis("bottom").setLogMode(x=x)
            self.plot.getAxis("left").setLogMode(y=y)
            self.set_following(True)

    def show_range(self) -> None:
        """Draw after the data or the settings have changed; while following, everything."""
        extent = self._steady(self._framed()) if self.following else None
        if extent is not None:
            self._quiet = True
            self.view.setRange(xRange=extent[:2], yRange=extent[2:], padding=0)
            self._quiet = False
        self._grid.follow()
        self.draw_range(anew=True)
        self._say_beyond()
        self._name_ends()
        self._say_values()
        self._place_readout()

    def _framed(self) -> Extent | None:
        """Everything, with a margin."""
        extent = self.whole()
        if extent is None:
            return None
        left, right, bottom, top = extent
        right = right if right > left else left + 1.0
        margin = 0.04 * (top - bottom) or 0.05 * abs(top) or 0.5
        side = 0.01 * (right - left)
        return left - side, right + side, bottom - margin, top + margin

    def _steady(self, extent: Extent | None) -> Extent | None:
        """While a run is running, a range with some room to grow: axes that change are dear, and restless."""
        if extent is None or not any(run.status == "running" for run in self.data.shown()):
            return extent
        left, right, bottom, top = extent
        (x0, x1), (y0, y1) = self.view.viewRange()
        inside = x0 <= left and right <= x1 and y0 <= bottom and top <= y1
        if inside and right - left > FILLED * (x1 - x0) and top - bottom > FILLED * (y1 - y0):
            return x0, x1, y0, y1
        across, up = self.room[0] * (right - left), self.room[1] * (top - bottom)
        return left, right + across, bottom - up, top + up

    @property
    def everything(self) -> bool:
        """Whether what diverged is in the range too, whatever that does to the others."""
        return self.all_button.isChecked()

    def far(self) -> set[str]:
        """The curves that leave the picture: their bands would cover all of it."""
        return set() if self.everything else {label for label, _ in self.beyond()}

    def _say_beyond(self) -> None:
        words = told_beyond(self.beyond())
        self.all_button.setVisible(bool(words))
        set_tip(self.all_button, "" if self.everything else tr("{}. Press to see all of it.", words))
        self._beyond = tr("▼ Without what diverged") if self.everything else f"▲ {words}"

    def shown_ranges(self) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """What is visible across and up, in the units of the axes (also of a chart never shown)."""
        if not self.following:
            return self.x_range, self.y_range
        extent = self._framed()
        if extent is None:
            return None, None
        x = [power(each, self.x_log) for each in extent[:2]]
        y = [power(each, self.y_log) for each in extent[2:]]
        return (x[0], x[1]), (y[0], y[1])

    @property
    def columns(self) -> int:
        """Pixels across the plot's inside."""
        return max(50, int(self.view.width() * self.devicePixelRatioF()))

    @property
    def x_range(self) -> tuple[float, float]:
        """What is visible across, in the units of the axis."""
        low, high = self.view.viewRange()[0]
        return power(low, self.x_log), power(high, self.x_log)

    @property
    def y_range(self) -> tuple[float, float]:
        """What is visible up and down, in the units of the axis."""
        low, high = self.view.viewRange()[1]
        return power(low, self.y_log), power(high, self.y_log)

    def to_view(self, values: Array, *, log: bool) -> Array:
        """View coordinates; NaN where a logarithm has none."""
        if not log:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(values > 0, np.log10(values), np.nan)

    @Slot()
    def follow(self) -> None:
        """Show everything, and keep showing everything."""
        self.set_following(True)
        self.show_range()

    def set_following(self, following: bool) -> None:
        """Follow from the next redrawing on, or stay where the person went."""
        self.following = following
        self.follow_button.setVisible(not following)

    @Slot(object)
    def _taken_over(self, _: object = None) -> None:
        self.set_following(False)

    @Slot()
    def _range_changed(self, *_: object) -> None:
        self._draw_again(anew=False)

    @Slot(object)
    def _resized(self, _: object = None) -> None:
        self._draw_again(anew=True)

    def _draw_again(self, *, anew: bool) -> None:
        if not self._quiet and self.isVisible():
            self._grid.follow()
            self.draw_range(anew=anew)
            self._name_ends()
            self._place_readout()

    @Slot()
    def forget(self) -> None:
        self.set_cursor(None)
        self.set_following(True)

    @Slot()
    def look_anew(self) -> None:
        self.set_following(True)
        super().look_anew()

    def restyle(self) -> None:
        super().restyle()
        self._cursor.setPen(pg.mkPen(theme.muted(), width=1))
        self._grid.set_colour(QColor(theme.grid()))
        self.readout.update()

    # --- mouse and keyboard ------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if isinstance(event, QKeyEvent) and watched is self.plot:
            known = event.key() in _KEYS and not event.modifiers() & (
                Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
            )
            if known and kind == QEvent.Type.ShortcutOverride:
                event.accept()  # the key is ours while the plot has the focus
                return True
            if known and kind == QEvent.Type.KeyPress:
                self._key(event)
                return True
        elif watched is self.plot and kind in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            focused = kind == QEvent.Type.FocusIn
            self.view.setBorder(pg.mkPen(theme.accent(), width=1) if focused else None)
        elif watched is self.plot.viewport():
            if isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseButtonDblClick:
                self.follow()
                return True
            if isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseMove:
                self._hover(event.position())
            elif kind == QEvent.Type.Leave:
                self.set_cursor(None)
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key == Qt.Key.Key_A:
            self.follow()
        elif key in _ZOOMS:
            self._taken_over()
            self.view.scaleBy((_ZOOMS[key], _ZOOMS[key]))
        else:
            across, up = _ARROWS[key]
            (left, right), (bottom, top) = self.view.viewRange()
            if shift and across:
                self.set_cursor(self._next_place(across))
            else:
                self._taken_over()
                self.view.translateBy(x=across * PAN * (right - left), y=up * PAN * (top - bottom))

    def _next_place(self, direction: int) -> float:
        """Where the cursor goes by keyboard, in view coordinates."""
        left, right = self.view.viewRange()[0]
        middle = (left + right) / 2
        here = self._cursor_x if self._cursor_x is not None else middle
        return float(min(max(here + direction * (right - left) / 50, left), right))

    def fill_menu(self, menu: QMenu, place: QPoint | None) -> None:
        entry = None if place is None else self.picker.at(self.plot.mapFrom(self, place))
        entries = [each for each in self.readout.entries if each.runs]
        if entry is not None:
            self._offer(menu, tr("Select {}"), self.data.select, [entry])
            self._offer(menu, tr("Hide {}"), self._hide, [entry])
            self._offer(menu, tr("Show only {}"), self.data.show_only, [entry])
        elif entries:
            for title, act in ((tr("Hide"), self._hide), (tr("Show only"), self.data.show_only)):
                self._offer(menu.addMenu(title), "{}", act, entries)
        menu.addSeparator()
        for control in self.logarithmic():
            action = menu.addAction(control.text(), control.toggle)
            action.setCheckable(True)
            action.setChecked(control.isChecked())
            action.setEnabled(control.isEnabled())
        menu.addAction(tr("Reset the view"), self.follow)

    def _hide(self, runs: Iterable[int]) -> None:
        self.data.show(runs, False)

    @staticmethod
    def _offer(
        menu: QMenu, text: str, act: Callable[[Iterable[int]], None], entries: Iterable[Entry]
    ) -> None:
        for entry in entries:
            menu.addAction(without_keys(text.format(entry.name)), partial(act, entry.runs))

    def _hover(self, position: QPointF) -> None:
        scene = self.plot.mapToScene(position.toPoint())
        inside = self.view.sceneBoundingRect().contains(scene)
        self.set_cursor(float(self.view.mapSceneToView(scene).x()) if inside else None)

    def set_cursor(self, x: float | None) -> None:
        """Put the cursor at a place in view coordinates, or take it away."""
        self._cursor_x = x
        if x is not None:
            self._cursor.setPos(x)
        self._cursor.setVisible(x is not None)
        self._say_values()

    def _say_values(self) -> None:
        if self._cursor_x is None:
            self.readout.set_values("", [])
        else:
            self.readout.set_values(*self.values_at(power(self._cursor_x, self.x_log)))
        self._place_readout()

    @property
    def _area(self) -> QRect:
        """The plot's inside, in its pixels."""
        area: QRect = self.plot.mapFromScene(self.view.sceneBoundingRect()).boundingRect()
        return area

    def _name_ends(self) -> None:
        """Write the curves' names beside their ends."""
        entries, area, points = self.readout.entries, self._area, dict(self.drawn())
        (left, right), (bottom, top) = self.view.viewRange()
        ends: list[QPointF | None] = []
        for x, y in (points.get(each, (NOTHING, NOTHING)) for each in entries):
            known = np.isfinite(x) & np.isfinite(y)
            x, y = x[known], y[known]
            if not len(x) or x[-1] < left or x[0] > right:
                ends.append(None)
                continue
            end = min(float(x[-1]), right)
            across, up = (
                (end - left) / (right - left),
                (float(np.interp(end, x, y)) - bottom) / (top - bottom),
            )
            up = min(max(up, 0.0), 1.0)
            ends.append(QPointF(area.left() + across * area.width(), area.bottom() - up * area.height()))
        self.labels.show_at(entries, ends, area)
        room = self.labels.room_for(entries, self.plot.width())
        if room != self._room:
            self._room = room
            self.plot.leave_room(room)  # which draws again

    def _place_readout(self) -> None:
        """Put the values at the cursor to the side where the cursor is not, and the buttons on top."""
        area = self._area
        self.readout.setVisible(bool(self.readout.values))
        (left, right), at = self.view.viewRange()[0], self._cursor_x
        self.readout.place(area, left=at is not None and at > (left + right) / 2)
        self.follow_button.adjustSize()
        self.follow_button.move(area.center().x() - self.follow_button.width() // 2, area.top() + 6)
        self.all_button.setText(
            self.fontMetrics().elidedText(self._beyond, Qt.TextElideMode.ElideRight, area.width() - 30)
        )
        self.all_button.adjustSize()
        below = self.follow_button.height() + 4 if self.follow_button.isVisible() else 0
        self.all_button.move(
            max(area.left() + 6, area.center().x() - self.all_button.width() // 2), area.top() + 6 + below
        )
        self.all_button.raise_()


def power(value: float, log: bool) -> float:
    """A place on an axis from one in view coordinates."""
    return float(10.0 ** min(max(value, -300.0), 300.0)) if log else float(value)


def name_control(control: QWidget, name: str, spoken: str, tip: str) -> None:
    """Give a control what every control has."""
    control.setObjectName(name)
    control.setAccessibleName(spoken)
    set_tip(control, tip)
