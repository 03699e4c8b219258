"""The one kind of axis in the window, and the plots that have it: their numbers are those of the data.

pyqtgraph's own axes scale their numbers by SI prefixes whenever a label is visible and the range is one of
some, and are told not to with a range already set by scaling them once more. Here nothing scales: the texts
are made of the ticks' values and of nothing else.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QWidget

from workbench.analysis import numerals
from workbench.gui.plain import rich

SLANT = 60.0
"""Degrees."""
APART = 40.0
"""Pixels between the numbers of a logarithmic axis, at least."""
LARGEST_POWER = 300.0
Levels = list[tuple[float | None, list[float]]]


class Axis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """An axis with plain numbers, also where it is logarithmic; its scale is 1.

    Attributes
    ----------
    whole : what is counted has no halves: ticks stand at whole numbers only.
    percent : what is drawn are shares: the ticks' texts are in percent.
    slanted : names that have no room side by side: written upwards, each ending at the tick whose text is its
        number. Empty: the ticks' texts are written as they are.
    """

    whole = percent = False
    slanted: tuple[str, ...] = ()

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.autoSIPrefix = False
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)  # a picture, until the range changes

    def enableAutoSIPrefix(self, enable: bool = True) -> None:
        """Not here."""

    def updateAutoSIPrefix(self) -> None:
        """Not here."""

    def setScale(self, scale: float = 1.0) -> None:
        """Not here."""

    def labelString(self) -> str:
        """The label as plain text, in the axis's colour."""
        style = ";".join(f"{name}: {value}" for name, value in self.labelStyle.items())
        return rich('<span style="{}">{}</span>', style, self.labelText)

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        levels: list[tuple[float, float]] = super().tickSpacing(minVal, maxVal, size)
        if not self.whole:
            return levels
        return [(step, start) for step, start in levels if step >= 1] or [(1.0, 0.0)]

    def tickValues(self, minVal: float, maxVal: float, size: float) -> Levels:
        if not self.logMode:
            levels: Levels = super().tickValues(minVal, maxVal, size)
            return levels
        low, high = (min(max(each, -LARGEST_POWER), LARGEST_POWER) for each in sorted((minVal, maxVal)))
        if high - low >= 1:
            return _decades(low, high, size)
        first, last = 10.0**low, 10.0**high  # too narrow for decades: as on any axis
        return [
            (step, np.log10(step * np.arange(math.ceil(first / step), math.floor(last / step) + 1)).tolist())
            for step, _ in self.tickSpacing(first, last, size)[:1]
        ]

    def tickStrings(self, values: list[float], scale: float, spacing: float | None) -> list[str]:
        numbers = [10.0**each for each in values] if self.logMode else values
        if spacing is not None:
            low, high = (10.0**each if self.logMode else each for each in self.range)
            if self.percent:
                shares = [100 * each for each in numbers]
                return [f"{each}%" for each in numerals.steps(shares, 100 * spacing, 100 * abs(high - low))]
            return numerals.steps(numbers, spacing, abs(high - low))
        kept = (1, 2, 5) if abs(self.range[1] - self.range[0]) <= 3 else (1,)
        return [numerals.decade(each) if _leading(each) in kept else "" for each in numbers]

    def drawPicture(self, p: QPainter, axisSpec: Any, tickSpecs: Any, textSpecs: Any) -> None:
        super().drawPicture(p, axisSpec, tickSpecs, [] if self.slanted else textSpecs)
        for rect, _, text in textSpecs if self.slanted else []:
            name = self.slanted[int(text)]
            p.save()
            p.translate(rect.center().x() + p.fontMetrics().ascent() / 2, rect.top() + 2)
            p.rotate(-SLANT)
            p.drawText(QPointF(-p.fontMetrics().horizontalAdvance(name), 0), name)
            p.restore()


def _decades(low: float, high: float, size: float) -> Levels:
    """Powers of ten, as many as have room; between them, where they are few, their multiples."""
    room = max(1.0, size / APART)
    every = max(1, math.ceil((high - low) / room))
    first, last = math.ceil(low), math.floor(high)
    levels: Levels = [(None, [float(each) for each in range(first, last + 1) if each % every == 0])]
    if every == 1:
        powers, multiples = range(first - 1, last + 1), range(2, 10)
        between = [power + math.log10(times) for power in powers for times in multiples]
        levels.append((None, [each for each in between if low <= each <= high]))
    return levels


def _leading(value: float) -> int:
    """The first digit of a number that has but one."""
    return int(f"{value:.0e}"[0])


SIDES = ("left", "bottom", "right", "top")


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """A plot with axes of ours at the left and at the bottom (those at the other sides are hidden)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        item = pg.PlotItem(axisItems={side: Axis(side) for side in SIDES}, enableMenu=False)
        for side in SIDES[2:]:
            item.hideAxis(side)
        item.hideButtons()
        super().__init__(parent, plotItem=item)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # it is the chart's
        self.leave_room(0)

    def leave_room(self, right: int) -> None:
        """Keep so many pixels free on the right; a few are for the outermost numbers."""
        self.getPlotItem().layout.setContentsMargins(1, 8, max(8, right), 1)
