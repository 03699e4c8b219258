"""Measures while meta-training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QSpinBox, QWidget

from workbench.analysis.beyond import farthest
from workbench.analysis.curves import window_at
from workbench.analysis.learning import AXIS_LABELS, usual_choice
from workbench.analysis.learning import LearningCurves as Curves
from workbench.analysis.numerals import count, number, value
from workbench.analysis.thinning import column_edges
from workbench.analysis.traces import Axis, Settings, Trace, When
from workbench.gui import theme
from workbench.gui.charts.curve_chart import (
    Array,
    CurveChart,
    Extent,
    power,
)
from workbench.gui.charts.curve_items import CurveItems
from workbench.gui.charts.readout import Drawn, Entry, Reading, told
from workbench.gui.run_data import RunData
from workbench.gui.settings_bar import SettingsBar
from workbench.pictures import Figure
from workbench.words import marked, shown, tr

BEFORE: dict[When, str] = marked({"training": "Training", "validation": "Val.", "report": ""})
"""What stands before a measure in the list of choices."""
SMOOTHED = 50
"""Points in the moving average of a training curve, until another window is chosen."""
MOST_WINDOWS = 100
FEW_CURVES = 8  # so many are drawn wide; among more, thin lines are easier to tell apart
FEW_POINTS = 60  # so many validations are marked, so that one sees where they stand
BEYOND = 0.35  # part of the range that is drawn beyond it, on each side

NOTHING = marked(
    "No run yet. Press Run (Ctrl+R) to start the experiment; its curves appear here as they grow."
)
ALL_HIDDEN = marked("All runs are hidden. Tick a run in the table to see its curves.")
WAITING = marked("No values yet. The first appear within a second of training.")
NOT_MEASURED = marked("None of the runs that are shown measures this. Choose another measure.")
UNCOUNTED = marked(
    "The operations of these runs are not counted: that is done at the end of runs of a second and more."
)
NOT_IN_TRAINING = marked("Training does not measure this. Choose Validation, or another measure.")
NO_TRAINING = marked("These runs have no training curves: their learners are not meta-trained.")


class LearningCurves(CurveChart):
    """Measures of training, of validation and of an algorithm's own, by meta-iteration, time or tasks."""

    title: ClassVar[str] = marked("Learning curves")
    object_name: ClassVar[str] = "learning_curves"
    room = (0.3, 0.0)

    def __init__(self, data: RunData, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._curves = Curves(data)
        self._windows: dict[str, int] = {}
        self._items: list[CurveItems] = []
        self._decided = False
        self._ready: tuple[float, float, float] | None = None
        self.bar = SettingsBar(Settings, "learning", self.tools, self)
        self.bar.changed.connect(self._chosen)
        self.tools.addStretch(1)
        smoothing = self.bar["smoothing"]
        assert isinstance(smoothing, QSpinBox)
        smoothing.setSpecialValueText(tr("Smooth off"))
        self._smoothing = smoothing
        self._offer_choices()
        self.restore({})

    # --- controls ----------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """What the controls say."""
        chosen = self.bar.settings
        return chosen if chosen.when == "validation" else chosen.model_copy(update={"step": None})

    @Slot(str)
    def _chosen(self, name: str) -> None:
        self._decided |= name == "measure"
        if name == "smoothing":
            self._windows[self.settings.measure] = self.settings.smoothing
        else:
            self._show_tools()
            self.set_following(True)  # another quantity or axis has another range
        self.mark_stale()

    def _show_tools(self) -> None:
        """Fit the controls to the measure: its window is the one that was chosen for it, or the usual one."""
        settings = self.settings
        smooth = settings.when == "training" and settings.row.smoothing != "none"
        self.bar.restore({"smoothing": self._windows.get(settings.measure, SMOOTHED if smooth else 1)})
        self.bar["step"].setVisible(settings.when == "validation")

    def _offer_choices(self) -> None:
        """What the shown runs measure, and after which inner steps; what was chosen stays."""
        chosen = self.settings.measure
        wanted = chosen if self._decided else usual_choice(self.data)
        choices = dict.fromkeys((*self._curves.choices(), chosen, wanted))
        self.bar.offer("measure", {each: _text(each) for each in choices})
        if wanted != chosen:
            self.bar.restore({"measure": wanted})
            self._show_tools()
        if self.settings.when == "validation":
            self.bar.offer("step", {each: tr("step {}", each) for each in self._curves.steps()})

    @Slot()
    def forget(self) -> None:
        super().forget()
        self._curves = Curves(self.data)

    # --- drawing -----------------------------------------------------------------------------------

    def redraw(self) -> None:
        self._offer_choices()
        settings = self.settings
        self.set_logarithmic(x=settings.log_x, y=settings.log_y and settings.row.open)
        self.bar["log_y"].setEnabled(settings.row.open)
        self._curves.update(settings)
        self.set_hint(self._missing())
        drawn = self._curves.drawn
        self._say_smoothing()
        self._dress(drawn)
        self.plot.getAxis("bottom").whole = settings.axis in ("iterations", "tasks")
        self.set_label("bottom", tr(AXIS_LABELS[settings.axis]))
        self.set_label("left", self._curves.y_label())
        self.show_range()

    def _say_smoothing(self) -> None:
        """Beside the window that was chosen, the one that the curves are long enough for."""
        window, longest = self.settings.smoothing, max((len(e.x) for e in self._curves.drawn), default=0)
        widest = window_at(longest - 1, window) if longest else window
        suffix = "" if widest == window else tr(" (now {})", count(widest))
        if suffix != self._smoothing.suffix():
            self._smoothing.setSuffix(suffix)

    def _missing(self) -> str:
        if self._curves.drawn:
            return ""
        if not self.data.runs():
            return tr(NOTHING)
        shown = self.data.shown()
        if not shown:
            return tr(ALL_HIDDEN)
        if any(each.uncounted for each in self._curves.traces):
            return tr(UNCOUNTED)
        training = self.settings.when == "training"
        if not training and any(self.data.evaluations(run.id) for run in shown):
            return tr(NOT_MEASURED)
        if training and all(run.status == "finished" for run in shown):
            return tr(NOT_IN_TRAINING) if any(run.iterations_planned for run in shown) else tr(NO_TRAINING)
        return tr(WAITING)

    def _dress(self, drawn: list[Trace]) -> None:
        """One set of items for each curve, in its colours."""
        while len(self._items) > len(drawn):
            self._items.pop().remove(self.plot)
        while len(self._items) < len(drawn):
            self._items.append(CurveItems(self.plot))
        entries = []
        picked = set(self.data.selected)
        some = any(run.id in picked for each in drawn for run in each.group.runs)
        for index, (items, trace) in enumerate(zip(self._items, drawn, strict=True)):
            strong = any(run.id in picked for run in trace.group.runs)
            colour = theme.colour(self.data.colour(trace.group.runs[0]), trace.shade)
            faint = some and not strong
            diverged = self.data.divergence(trace.group.runs)
            label = f"{trace.label} ⚠ {diverged}" if diverged else trace.label
            short = f"{trace.name or trace.group.label}{' ⚠' if diverged else ''}"
            entries.append(Entry(label, colour, strong, faint, trace.pattern, short, trace.group.ids))
            items.dress(
                colour, strong, faint, trace.pattern, len(drawn) <= FEW_CURVES, 100 if strong else index
            )
        named = self.settings.when != "report" and self.settings.row.open
        for trace in self._curves.traces if named else ():  # what is not there looks as if not asked for
            diverged = "" if trace.has_points else self.data.divergence(trace.group.runs)
            if diverged:
                colour = theme.colour(self.data.colour(trace.group.runs[0]))
                label, pattern = tr("{} ⚠ {}: no value", trace.label, diverged), trace.pattern
                entries.append(Entry(label, colour, dashed=pattern, runs=trace.group.ids))
        self.readout.set_entries(entries)

    def whole(self) -> Extent | None:
        drawn = self._curves.drawn
        cap = self._cap()
        found = [trace.bounds(log=self.y_log, cap=cap) for trace in drawn]
        bounds = [each for each in found if each is not None]
        ends = self._curves.extent()
        if ends is None or not bounds:
            return None
        left, right = ends
        bottom, top = min(each[0] for each in bounds), max(each[1] for each in bounds)
        if self.settings.row.share:
            bottom, top = max(bottom, 0.0), min(top, 100.0)
        if self.x_log:
            first = [float(trace.x[trace.x > 0][0]) for trace in drawn if trace.x[-1] > 0]
            left, right = np.log10(min(first, default=1.0)), np.log10(max(right, 1.0))
        if self.y_log:
            bottom, top = np.log10(bottom), np.log10(top)
        return float(left), float(right), float(bottom), float(top)

    def _cap(self) -> float:
        """How far from 0 a value may lie to set the range."""
        return np.inf if self.everything else self._farthest()

    def _farthest(self) -> float:
        if not self.settings.row.open:
            return np.inf
        return farthest([each.start for each in self._curves.drawn])

    def beyond(self) -> list[tuple[str, float]]:
        found = []
        cap = self._farthest()
        for trace in self._curves.drawn:
            low, high = trace.bounds(log=False) or (0.0, 0.0)
            value = high if abs(high) >= abs(low) else low
            if abs(value) > cap:
                found.append((trace.label, value))
        return found

    def draw_range(self, *, anew: bool) -> None:
        left, right = self.view.viewRange()[0]
        if not anew and self._covers(left, right):
            return
        # more than is visible, so that dragging finds it drawn
        self._ready = (left - BEYOND * (right - left), right + BEYOND * (right - left), right - left)
        low, high = (power(each, self.x_log) for each in self._ready[:2])
        columns = round(self.columns * (1 + 2 * BEYOND))
        few = len(self._items) <= FEW_CURVES
        fine = column_edges(low, high, columns // (2 if few else 4), log=self.x_log)
        coarse = column_edges(low, high, columns // (3 if few else 5), log=self.x_log)
        marked = self.settings.when != "training"
        far = self.far()
        for items, trace in zip(self._items, self._curves.drawn, strict=False):
            if trace.level:
                self._draw_level(items, trace, low, high)
                continue
            # neither loses a peak; a smoothed curve has none that need finer columns
            shapes = [(items.main, trace.main, coarse if trace.smoothed else fine)]
            if trace.smoothed:
                shapes.append((items.raw, trace.raw, fine))
            for item, joined, edges in shapes:
                index = trace.indices(joined, low, high, edges)
                x = self.to_view(trace.x[index], log=self.x_log)
                y = self.to_view(joined.mean[index], log=self.y_log)
                item.set_data(x, y)
                if item is items.main:
                    items.mark(x, y, len(trace.x) == 1 or (marked and len(index) <= FEW_POINTS))
            if not trace.smoothed:
                items.raw.clear()
            if items.strong or (self._curves.banded and trace.label not in far):
                self._draw_band(items, trace, low, high, coarse)
            else:
                items.band.clear()

    def _draw_level(self, items: CurveItems, trace: Trace, left: float, right: float) -> None:
        """What is not meta-trained, from one side of the picture to the other."""
        x, y, low, high = trace.across(left, right)
        x = self.to_view(x, log=self.x_log)
        items.main.set_data(x, self.to_view(y, log=self.y_log))
        items.mark(x, y, False)
        items.raw.clear()
        if len(trace.group.runs) > 1:
            items.band.set_data(x, *(self.to_view(each, log=self.y_log) for each in (low, high)))
        else:
            items.band.clear()

    def _covers(self, left: float, right: float) -> bool:
        """Whether what is drawn serves for a range: it lies within, and is about as wide."""
        if self._ready is None:
            return False
        first, last, width = self._ready
        return first <= left and right <= last and 0.75 < (right - left) / width < 1.33

    def _draw_band(self, items: CurveItems, trace: Trace, low: float, high: float, edges: Array) -> None:
        outline = trace.outline(low, high, edges)
        if outline is None:
            items.band.clear()
            return
        x, bottom, top = outline
        if self.y_log:  # an interval that reaches 0 reaches the foot of the picture
            bounds = trace.bounds(log=True)
            bottom = np.maximum(bottom, bounds[0] * 1e-6 if bounds else 0.0)
        items.band.set_data(
            self.to_view(x, log=self.x_log),
            self.to_view(bottom, log=self.y_log),
            self.to_view(top, log=self.y_log),
        )

    def values_at(self, x: float) -> tuple[str, list[str]]:
        readings: list[Reading] = []
        settings = self.settings
        unit = " %" if settings.row.share else ""
        for trace in self._curves.drawn:
            index = trace.nearest(x)
            if index is None or not trace.main.n[index]:
                readings.append(None)
                continue
            mean, n = float(trace.main.mean[index]), int(trace.main.n[index])
            text = value(mean, float(trace.main.high[index]) - mean) + unit
            text = text if len(trace.group.runs) == 1 else f"{text} (n = {n})"
            place = "" if trace.level else _place(float(trace.x[index]), settings.axis)
            readings.append((place, text))
        names: dict[Axis, str] = {"iterations": tr("meta-iteration "), "tasks": tr("tasks seen ")}
        return told(readings, names.get(settings.axis, ""))

    def logarithmic(self) -> list[QCheckBox]:
        return [box for name in ("log_x", "log_y") if isinstance(box := self.bar[name], QCheckBox)]

    def drawn(self) -> list[Drawn]:
        pairs = zip(self.readout.entries, self._items, strict=False)
        return [(entry, items.main.points) for entry, items in pairs]

    # --- what is kept and taken away ---------------------------------------------------------------

    def restyle(self) -> None:
        super().restyle()
        for items in self._items:
            items.forget_dress()

    def figure(self) -> Figure | None:
        self._curves.update(self.settings)
        x_range, y_range = self.shown_ranges()
        return self._curves.figure(
            x_log=self.x_log,
            y_log=self.y_log,
            x_range=x_range,
            y_range=y_range,
            zoomed=not self.following,
        )

    def state(self) -> dict[str, object]:
        kept = {name: each for name, each in self.bar.state().items() if name != "measure" or self._decided}
        return kept | {"smoothing": dict(self._windows)}

    def restore(self, state: Mapping[str, object]) -> None:
        self.bar.restore({name: value for name, value in state.items() if name != "smoothing"})
        self._decided |= "measure" in state
        windows = state.get("smoothing")
        for measure, window in list(windows.items() if isinstance(windows, dict) else ())[:MOST_WINDOWS]:
            if isinstance(window, int) and 1 <= window <= self._smoothing.maximum():
                self._windows[str(measure)] = window
        self._offer_choices()
        self._show_tools()
        self.mark_stale()


def _place(x: float, axis: Axis) -> str:
    """A place on the horizontal axis, as the readout says it."""
    match axis:
        case "seconds":
            return f"{number(x)} s"
        case "operations":
            return tr("{}×10⁹ operations", number(x))
    return count(round(x))


def _text(measure: str) -> str:
    """What can be drawn, in the list of choices."""
    drawn = Settings(measure=measure)
    return (
        f"{tr(BEFORE[drawn.when])} {drawn.row.quantity}" if BEFORE[drawn.when] else shown(tr(drawn.row.title))
    )
