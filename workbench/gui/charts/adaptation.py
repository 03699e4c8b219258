"""What the inner loop does: query loss or accuracy by inner step, live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QWidget

from workbench.analysis.adaptation import Adaptation, AdaptationCurve, Settings
from workbench.analysis.beyond import extent, farthest_of
from workbench.analysis.numerals import count, value
from workbench.analysis.quantities import usual
from workbench.gui import theme
from workbench.gui.charts.curve_chart import CurveChart, Extent, name_control
from workbench.gui.charts.curve_items import CurveMarks
from workbench.gui.charts.readout import Drawn, Entry
from workbench.gui.plain import Label
from workbench.gui.run_data import RunData
from workbench.gui.settings_bar import SettingsBar
from workbench.measures import known
from workbench.pictures import Curve, Figure
from workbench.words import marked, tr

NOTHING = marked("No run yet. Press Run (Ctrl+R); how each learner adapts appears here at once.")
ALL_HIDDEN = marked("All runs are hidden. Tick a run in the table to see how it adapts.")
WAITING = marked("No validation yet. The first is measured before training starts.")
NOT_MEASURED = marked("None of the runs that are shown measures this. Choose another quantity.")
NO_TEST = marked("No run has reached its meta-test yet. It is measured once, at the end of training.")
NOT_YET = marked("No run was validated that early. Move the slider to the right.")


class AdaptationChart(CurveChart):
    """One curve for each algorithm, with its 95% interval, and a slider over past meta-iterations."""

    title: ClassVar[str] = marked("Adaptation")
    object_name: ClassVar[str] = "adaptation_chart"

    def __init__(self, data: RunData, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._adaptation = Adaptation(data)
        self._drawn: list[AdaptationCurve] = []
        self._curves: list[Curve] = []
        self._items: list[CurveMarks] = []
        self._iterations: list[int] = []
        self._wanted: int | None = None
        self._decided = False
        self._showing: tuple[object, ...] | None = None
        self.bar = SettingsBar(Settings, "adaptation", self.tools, self, without={"at"})
        self.bar.changed.connect(self._chosen)
        self.tools.addStretch(1)
        self._make_slider()
        self.bar.restore({"quantity": Settings().quantity})  # of the choices that are offered
        self.plot.getAxis("bottom").whole = True

    # --- controls ----------------------------------------------------------------------------------

    def _make_slider(self) -> None:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 0)
        self.slider.setPageStep(5)
        name_control(
            self.slider,
            "adaptation_slider",
            tr("Meta-iteration"),
            tr("Look back at earlier meta-iterations; at the right end the newest is followed"),
        )
        self.place = Label()
        self.place.setObjectName("adaptation_place")
        self.place.setMinimumWidth(
            self.place.fontMetrics().horizontalAdvance("meta-iteration 100 000 (live)")
        )
        self._slider_row = QWidget()
        row = QHBoxLayout(self._slider_row)
        row.setContentsMargins(0, 0, 0, 0)
        label = Label(tr("Looking back"))
        label.setBuddy(self.slider)
        row.addWidget(label)
        row.addWidget(self.slider, 1)
        row.addWidget(self.place)
        self.body.addWidget(self._slider_row)
        self.slider.valueChanged.connect(self._slid)

    @property
    def live(self) -> bool:
        """Whether the newest validation is shown, whichever that is."""
        return self._wanted is None

    @property
    def settings(self) -> Settings:
        """What the controls say."""
        return self.bar.settings.model_copy(update={"at": self._wanted})

    @Slot(str)
    def _chosen(self, name: str = "") -> None:
        self._decided |= name == "quantity"
        self.set_following(True)  # another quantity has another range
        self.mark_stale()

    @Slot(int)
    def _slid(self, position: int) -> None:
        at_end = position >= len(self._iterations) - 1
        self._wanted = None if at_end else self._iterations[position]
        self.mark_stale()

    def _offer_quantities(self) -> None:
        """The measures of the shown runs; what was chosen stays."""
        choices = self._adaptation.choices(self.bar.settings.split)
        if not self._decided:
            self.bar.restore({"quantity": usual(self.data).name})
        self.bar.offer("quantity", {name: tr("Query {}", known(name).quantity) for name in choices})

    def _offer_iterations(self) -> None:
        """The slider's places; it stays at its meta-iteration, or at the end, as there come more."""
        iterations = self._adaptation.iterations()
        if iterations != self._iterations:
            self._iterations = iterations
            last = max(0, len(iterations) - 1)
            position = last
            if self._wanted is not None:
                position = max(0, int(np.searchsorted(iterations, self._wanted, side="right")) - 1)
            self.slider.blockSignals(True)
            self.slider.setRange(0, last)
            self.slider.setValue(position)
            self.slider.blockSignals(False)
        self.slider.setEnabled(len(iterations) > 1)
        if not iterations:
            self.place.setText("")
        elif self.live:
            self.place.setText(tr("meta-iteration {} (newest)", count(iterations[-1])))
        else:
            self.place.setText(tr("meta-iteration {}", count(iterations[self.slider.value()])))
        self.slider.setAccessibleDescription(self.place.text())

    @Slot()
    def forget(self) -> None:
        super().forget()
        self._adaptation = Adaptation(self.data)
        self._wanted, self._showing = None, None

    # --- drawing -----------------------------------------------------------------------------------

    def redraw(self) -> None:
        self._offer_quantities()
        self._offer_iterations()
        settings, showing = self.settings, self._what_is_there()
        if showing == self._showing:
            return  # training losses grow five times a second, validations now and then
        self._showing = showing
        self._slider_row.setVisible(settings.split == "validation")
        self.bar["axis"].setVisible(self._adaptation.acted(settings))
        self.bar["before"].setEnabled(settings.split == "validation")
        self.bar["log_y"].setEnabled(settings.row.open)
        self.set_logarithmic(x=False, y=settings.log_y and settings.row.open)
        self._take(settings)
        self.set_hint(self._missing())
        self._dress()
        self.set_label("left", self._adaptation.y_label(settings))
        self.set_label("bottom", self._adaptation.x_label(settings))
        self.show_range()

    def _take(self, settings: Settings) -> None:
        self._drawn = self._adaptation.curves(settings)
        self._curves = [self._adaptation.drawn(each) for each in self._drawn]

    def _what_is_there(self) -> tuple[object, ...]:
        """All that the picture depends on, but for the size."""
        runs = []
        for run in self.data.shown():
            evaluations = self.data.evaluations(run.id)
            newest = evaluations[-1] if evaluations else None
            told = (len(evaluations), newest and newest[0], id(newest and newest[1]))
            tested = id(self.data.result(run.id))
            known = told, tested, self.data.diverged_at(run)
            runs.append((run.id, run.name, run.label, run.seed, self.data.colour(run), *known))
        return self.settings, self.following, self.data.selected, len(self.data.runs()), *runs

    def _missing(self) -> str:
        if self._drawn:
            return ""
        if not self.data.runs():
            return tr(NOTHING)
        shown, settings = self.data.shown(), self.settings
        if not shown:
            return tr(ALL_HIDDEN)
        if settings.split == "test" and not any(self.data.result(run.id) for run in shown):
            return tr(NO_TEST)
        if settings.split == "validation" and not self._iterations:
            return tr(WAITING)
        return (
            tr(NOT_YET) if settings.quantity in self._adaptation.choices(settings.split) else tr(NOT_MEASURED)
        )

    def _dress(self) -> None:
        while len(self._items) > len(self._drawn):
            self._items.pop().remove()
        while len(self._items) < len(self._drawn):
            self._items.append(CurveMarks(self.plot.getPlotItem()))
        picked = set(self.data.selected)
        some = any(run.id in picked for each in self._drawn for run in each.group.runs)
        entries = []
        for order, (items, each, curve) in enumerate(
            zip(self._items, self._drawn, self._curves, strict=True)
        ):
            strong = any(run.id in picked for run in each.group.runs) and not each.reference
            faded, colour = each.reference or (some and not strong), theme.colour(curve.colour)
            if not each.reference:
                diverged = self.data.divergence(each.group.runs)
                label = f"{curve.label} ⚠ {diverged}" if diverged else curve.label
                short = f"{each.group.label}{' ⚠' if diverged else ''}"
                entries.append(Entry(label, colour, strong, faded, curve.dashed, short, each.group.ids))
            items.dress(curve, colour, 100 if strong else order, strong=strong, faded=faded)
        if len(entries) < len(self._drawn):
            entries.append(Entry(tr("before training"), theme.muted(), faint=True, dashed=1))
        self.readout.set_entries(entries)

    def whole(self) -> Extent | None:
        cap = np.inf if self.everything else self._farthest()
        ends = extent(self._curves, cap, log=self.y_log, room=1.0)
        if ends is None:
            return None
        steps = np.concatenate([each.x for each in self._curves])
        left, right = min(0.0, float(steps.min())), max(1.0, float(steps.max()))
        margin = 0.02 * (right - left)
        return left - margin, right + margin, *ends

    def _farthest(self) -> float:
        """How far from 0 a value may lie to set the range."""
        return farthest_of(self._curves) if self.settings.row.open else np.inf

    def beyond(self) -> list[tuple[str, float]]:
        cap = self._farthest()
        found = [(each.label, float(np.fmax.reduce(each.y))) for each in self._curves if each.label]
        return [(label, value) for label, value in found if abs(value) > cap]

    def draw_range(self, *, anew: bool) -> None:
        if not anew:
            return  # all of it is drawn always
        far = self.far()
        for items, curve in zip(self._items, self._curves, strict=False):
            y, low, high = curve.y, curve.low, curve.high
            if low is not None and high is not None and curve.label not in far:
                if self.y_log:  # an interval that reaches 0 reaches the foot of the picture
                    low = np.where(low > 0, low, np.where(np.isnan(low), np.nan, y * 1e-6))
                low, high = (self.to_view(each, log=self.y_log) for each in (low, high))
            else:
                low = high = None
            items.draw(replace(curve, y=self.to_view(y, log=self.y_log), low=low, high=high))

    def values_at(self, x: float) -> tuple[str, list[str]]:
        curves = [each for each in self._curves if each.label]
        measured = np.unique(np.concatenate([np.empty(0), *(each.x for each in curves)]))
        gaps = np.diff(measured)
        around = float(gaps.min()) / 2 if len(gaps) else 0.5
        if not len(measured) or not measured[0] - around <= x <= measured[-1] + around:
            return "", ["–"] * len(curves)
        at = int(measured[np.abs(measured - x).argmin()])
        return self._adaptation.place(self.settings, at), [self._value(each, at) for each in curves]

    def _value(self, curve: Curve, step: int) -> str:
        """What a curve shows at a place on the axis."""
        found = np.flatnonzero((curve.x == step) & np.isfinite(curve.y))
        if not len(found):
            return "–"
        index, unit = int(found[0]), " %" if self.settings.row.share else ""
        half = float(curve.high[index] - curve.y[index]) if curve.high is not None else np.nan
        note = f" ({curve.points[index]})" if curve.points[index] else ""
        return f"{value(float(curve.y[index]), half)}{unit}{note}"

    def logarithmic(self) -> list[QCheckBox]:
        return [box for name in ("log_y",) if isinstance(box := self.bar[name], QCheckBox)]

    def drawn(self) -> list[Drawn]:
        own = [items for items, each in zip(self._items, self._drawn, strict=False) if not each.reference]
        pairs = zip(self.readout.entries, own, strict=False)
        return [(entry, items.line.points) for entry, items in pairs]

    # --- what is kept and taken away ---------------------------------------------------------------

    def restyle(self) -> None:
        super().restyle()
        self._showing = None

    def figure(self) -> Figure | None:
        self._take(self.settings)
        x_range, y_range = self.shown_ranges()
        return self._adaptation.figure(self.settings, y_log=self.y_log, x_range=x_range, y_range=y_range)

    def state(self) -> dict[str, object]:
        return {name: each for name, each in self.bar.state().items() if name != "quantity" or self._decided}

    def restore(self, state: Mapping[str, object]) -> None:
        self.bar.restore(state)
        self._decided |= "quantity" in state
        self._chosen()
