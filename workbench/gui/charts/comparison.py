"""Algorithms side by side on identical meta-test episodes: over tasks and over seeds, shown apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QSizePolicy, QSplitter, QWidget

from workbench.analysis import reports
from workbench.analysis.comparison import (
    Compared,
    Episodes,
    compare,
    episodes,
    figure,
)
from workbench.analysis.diagnosis import PREVALENCE
from workbench.analysis.pareto import TIMES
from workbench.analysis.source import Grouping
from workbench.gui.charts.base import Chart
from workbench.gui.charts.board import Board
from workbench.gui.charts.comparison_words import columns, notes, nothing_yet, off_the_chart, row_of
from workbench.gui.charts.result_table import ResultTable
from workbench.gui.plain import Label, set_tip
from workbench.gui.run_data import RunData
from workbench.measures import LOSS, Measure, known
from workbench.pictures import Figure
from workbench.project import RunRecord
from workbench.settings import Section, fields_of, setting
from workbench.words import marked, tr

LAST_STEP = -1
ROOM = 1.3
"""By so much a logarithmic axis goes beyond what is drawn."""
REACHED, COST, SPEED, SETTINGS, RANKS = "reached", "cost", "speed", "settings", "ranks"
PICTURES = marked({
    REACHED: "What was reached",
    COST: "Against …",
    SPEED: "Time to adapt",
    SETTINGS: "Parallel coordinates",
    RANKS: "Ranks over task families",
})  # fmt: skip
DOMAINS = "domains"
OF_DOMAINS = marked({DOMAINS: "Other domains"})
"""The picture that is there where runs were tested on other domains."""

ROC, RELIABILITY = "roc", "reliability"
OF_A_DIAGNOSIS = marked({ROC: "ROC curves", RELIABILITY: "Reliability"})
"""Pictures that are there where a diagnosis was asked for."""


class Choices(Section):
    """What a person chose; the rest is what the runs have that is most telling."""

    view: Literal["reached", "cost", "speed", "settings", "ranks", "domains", "roc", "reliability"] = setting(
        REACHED, label="Picture", titles=PICTURES | OF_DOMAINS | OF_A_DIAGNOSIS, help="What the picture shows"
    )
    x: str = setting("seconds", label="Against", help="What was reached is drawn against this")
    time: Literal["steps", "milliseconds", "examples"] = setting(
        "steps", titles=TIMES, help="What time to adapt is counted in"
    )
    group: str = setting("", label="Test episodes", help="Runs are compared only on the same episodes")
    measure: str = setting("", help="What is compared: of the queries, or what runs measure besides")
    step: int = setting(LAST_STEP, label="Inner step", help="After how many inner steps (adaptation)")
    log_y: bool = setting(False, help="Logarithmic vertical axis, where all values are above zero")
    rows: str = setting("algorithm", help="What the rows of the pivot table are")
    columns: str = setting("task", help="What its columns are")
    prevalence: float = setting(
        PREVALENCE, ge=0.001, le=99.9, unit="%", help="How many of all people are ill"
    )


class ComparisonView(Chart):
    """What each algorithm reached on the frozen meta-test episodes."""

    title = marked("Compare")
    object_name = "comparison_view"

    def __init__(self, data: RunData, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._grouping = Grouping(data)
        self._group: Episodes | None = None
        self._compared: list[Compared] = []
        self._wanted = Choices()
        self._drawn: tuple[object, ...] | None = None
        self._boxes: dict[str, QComboBox] = {}
        self._group_box = self._combo("group", 12)
        self._measure_box = self._combo("measure", 9)
        self._step_box = self._combo("step", 17)
        field = fields_of(Choices)["log_y"]
        self.log_y = QCheckBox(field.label, self)
        self.log_y.setObjectName("comparison_log_y")
        self.log_y.setAccessibleName(field.label)
        set_tip(self.log_y, field.help)
        self.log_y.toggled.connect(self._log_chosen)
        self.tools.addWidget(self.log_y)
        self.tools.addStretch(1)
        self._note = Label(parent=self)
        self._note.setObjectName(f"{self.object_name}_note")
        self._note.setAccessibleName(tr("What is compared"))
        self._note.setWordWrap(True)
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = ResultTable(columns(self.row), self)
        self.table.setObjectName(f"{self.object_name}_table")
        self.table.setAccessibleName(tr("Results by algorithm"))
        set_tip(self.table, tr("Click a heading to sort; Ctrl+C copies the rows"))
        self.board = Board("comparison_board", tr("Comparison"), self)
        for part in (self.board, self.table):
            part.picked.connect(data.select)
        data.selection_changed.connect(self._show_selected)
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.setObjectName(f"{self.object_name}_splitter")
        splitter.addWidget(self.board)
        splitter.addWidget(self.table)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([300, 140])
        self.board.setMinimumHeight(120)
        self.table.setMinimumHeight(70)
        self.body.addWidget(splitter, 1)
        self.body.addWidget(self._note)
        self._splitter = splitter

    def _combo(self, name: str, letters: int = 6, *, part: str = "") -> QComboBox:
        """A box for the row of tools, at least so many letters wide, whatever is in it."""
        box, field = QComboBox(self), fields_of(Choices)[name]
        self._boxes[name] = box
        box.setObjectName(f"comparison_{part}{name}")
        box.setAccessibleName(field.label)
        set_tip(box, field.help)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        box.setMinimumContentsLength(letters)
        box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        box.activated.connect(self._chosen)
        self.tools.addWidget(box)
        return box

    # --- what is chosen ----------------------------------------------------------------------------

    @Slot(int)
    def _chosen(self, _: int) -> None:
        """Keep what the person chose, and nothing that merely stood beside it."""
        name, box = next((name, box) for name, box in self._boxes.items() if box is self.sender())
        self._wanted = self._wanted.model_copy(update={name: box.currentData()})
        self.mark_stale()

    @Slot(bool)
    def _log_chosen(self, chosen: bool) -> None:
        self._wanted = self._wanted.model_copy(update={"log_y": chosen})
        self.mark_stale()

    @Slot()
    def forget(self) -> None:
        self._wanted, self._drawn = Choices(), None

    def state(self) -> dict[str, object]:
        kept: dict[str, object] = self._wanted.model_dump(exclude_unset=True)
        return kept

    def restore(self, state: Mapping[str, object]) -> None:
        self._wanted = Choices.out_of(state)
        self.log_y.setChecked(self._wanted.log_y)
        self.mark_stale()

    @property
    def measure(self) -> str:
        """The name of the measure that is compared, or a key of the runs' reports."""
        return str(self._measure_box.currentData() or LOSS.name)

    @property
    def row(self) -> Measure:
        """The measure that is compared."""
        return self._group.row(self.measure) if self._group else known(self.measure)

    @property
    def step(self) -> int | None:
        """The inner step; None: the last, after which alone reports are made."""
        if reports.last_only(self.measure):
            return None
        chosen = self._step_box.currentData()
        return None if chosen in (None, LAST_STEP) else int(chosen)

    # --- the picture -------------------------------------------------------------------------------

    def restyle(self) -> None:
        self._drawn = None
        self.board.restyle()

    def redraw(self) -> None:
        seen = [(each, self.data.colour(each), self.data.result(each.id)) for each in self._shown()]
        state = (tuple(seen), len(self.data.runs()), self._wanted)
        if state != self._drawn:  # a run that trains changes nothing here
            self._drawn = state
            self._draw_anew()

    def _shown(self) -> list[RunRecord]:
        """The shown runs, without what changes while they train."""
        return [replace(each, iterations=0, seconds=0.0) for each in self.data.shown()]

    def _draw_anew(self) -> None:
        found, unfinished = episodes(self.data)
        self._offer("group", {each.hash: each.title for each in found})
        chosen = self._group_box.currentData()
        self._group = next((each for each in found if each.hash == chosen), None)
        self._group_box.setVisible(len(found) > 1)
        for part in (self._measure_box, self._step_box, self.log_y, self._splitter):
            part.setVisible(self._group is not None)
        if self._group is None:
            self._compared = []
            self._note.setText("")
            self.set_hint(nothing_yet(self.data, unfinished))
            return
        self.set_hint("")
        self._offer_measures(self._group)
        self._compared = compare(self.data, self._group, self.measure, self.step, self._grouping)
        self._draw()
        rows = [row_of(each) for each in self._compared]
        self.table.show_rows(columns(self.row, rows), rows)
        self._show_selected()
        said = notes(self.data, self._group, self._compared, found, unfinished, self.measure, self.step)
        self._note.setText(" ".join(each for each in said if each))

    @Slot()
    def _show_selected(self) -> None:
        """Let what is selected elsewhere stand out."""
        for part in (self.board, self.table):
            part.select(self.data.selected)

    def _offer_measures(self, group: Episodes) -> None:
        measures = group.measures
        self._offer("measure", {name: tr(group.row(name).title) for name in measures})
        self._measure_box.setEnabled(len(measures) > 1)
        steps = {LAST_STEP: tr("after the last step ({})", group.steps[-1])}
        steps |= {
            each: tr("after step {}", each) if each else tr("before adaptation") for each in group.steps
        }
        self._offer("step", steps)
        self._step_box.setVisible(not reports.last_only(self.measure))

    def _offer(self, name: str, titles: Mapping[str, str] | Mapping[int, str]) -> None:
        """The choices of a box; what the person chose stays chosen as long as it is there."""
        box = self._boxes[name]
        blocked = QSignalBlocker(box)
        if list(titles.items()) != [(box.itemData(i), box.itemText(i)) for i in range(box.count())]:
            box.clear()
            for value, text in titles.items():
                box.addItem(text, value)
        box.setCurrentIndex(max(0, box.findData(getattr(self._wanted, name))))
        blocked.unblock()

    def _draw(self) -> None:
        """What was reached. One that diverged does not press all others flat."""
        drawn = self._reached()
        if drawn is not None:
            drawn = replace(drawn, legend=False)  # what the points are, the note below says
            (panel,) = drawn.panels
            beyond = [] if panel.y_log else off_the_chart(self._compared, self.row)
            near = [each for each in self._compared if each not in beyond and each.seeds]
            if beyond and near:
                low = min(np.nanmin(each.means - np.nan_to_num(each.halves)) for each in near)
                high = max(np.nanmax(each.means + np.nan_to_num(each.halves)) for each in near)
                room = 0.08 * (high - low)
                drawn = replace(drawn, panels=(replace(panel, y_range=(low - room, high + room)),))
        self.board.show_figure(drawn)

    def _reached(self) -> Figure | None:
        if self._group is None:
            return None
        drawn = figure(self.data, self._group, self._compared, self.measure, self.step)
        (panel,) = drawn.panels
        heights = np.concatenate([np.empty(0), *(curve.y for curve in panel.curves)])
        self.log_y.setEnabled(self.row.open and bool((heights > 0).all()))
        if not (self._wanted.log_y and self.log_y.isEnabled() and len(heights)):
            return drawn
        bounds = (each for curve in panel.curves for each in (curve.low, curve.high) if each is not None)
        ends = np.concatenate([np.empty(0), *bounds])
        known = np.concatenate([heights, ends[ends > 0]])
        foot, top = float(known.min()) / ROOM, float(known.max()) * ROOM
        # an interval that reaches 0 reaches the foot of the picture
        curves = tuple(
            curve if curve.low is None else replace(curve, low=np.where(curve.low > 0, curve.low, foot))
            for curve in panel.curves
        )
        return replace(drawn, panels=(replace(panel, y_log=True, y_range=(foot, top), curves=curves),))

    @property
    def note(self) -> str:
        """What is compared and what is left out, in words."""
        return self._note.text()

    # --- export ------------------------------------------------------------------------------------

    def figure(self) -> Figure | None:
        self.catch_up()  # an export may come while another chart is on the screen
        return self._reached()
