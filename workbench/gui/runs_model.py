"""The table of runs: what each column says."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QColor

from workbench.analysis import quantities
from workbench.analysis.numerals import duration
from workbench.analysis.reached import reached
from workbench.gui import icons, theme
from workbench.gui.plain import tip
from workbench.gui.run_data import RunData
from workbench.gui.run_queue import RunQueue
from workbench.problems import measure_of
from workbench.project import RunRecord
from workbench.summaries import Summary
from workbench.words import LONGEST_NAME, shown

Index = QModelIndex | QPersistentModelIndex
Roles = Qt.ItemDataRole
SORT = Roles.UserRole
PROGRESS = Roles.UserRole + 1
"""Part done, 0 to 1, for a run that has begun and is not over."""

SIGNS = {
    "queued": "○", "running": "▶", "paused": "‖", "stopped": "■", "interrupted": "⚠", "failed": "✗",
    "finished": "✓",
}  # fmt: skip


DIVERGED = (
    "from there on its loss is not finite, or over ten times what it was before training. "
    "A lower learning rate, or clipped gradients, may hold it."
)


class Column(NamedTuple):
    """A column: its heading, what it shows of a run, what it is sorted by, and what it means."""

    title: str
    text: Callable[[RunRecord], str]
    key: Callable[[RunRecord], Any]
    tip: str


class RunsModel(QAbstractTableModel):
    """One row for each run, in the order of the queue.

    Attributes
    ----------
    renamed, shown_or_hidden : the person wrote a name, or ticked a run; the model itself changes nothing.
    """

    renamed = Signal(int, str)
    shown_or_hidden = Signal(int, bool)

    def __init__(self, data: RunData, queue: RunQueue) -> None:
        super().__init__(data)
        self._data, self._queue = data, queue
        self._runs = data.runs()
        self.columns = (
            Column("Run", lambda r: r.name, lambda r: r.name.casefold(), "Tick to show it in the charts."),
            Column("State", self._state, self._progress_key, "What the run does, and how far it is."),
            Column("Value", self._value, self._value_key, "Meta-test; before the end the newest validation."),
            Column("Left", self._left, self._left_key, "Training time that is left at the present speed."),
            Column("Seed", lambda r: str(r.seed), lambda r: r.seed, "Seed of weights and training episodes."),
            Column("Algorithm", lambda r: r.label, lambda r: r.label.casefold(), "The algorithm."),
            Column("Task", lambda r: r.task, lambda r: r.task, "The task family."),
            Column("Experiment", self._experiment, self._experiment, "The experiment it belongs to."),
            Column("Per second", self._rate, self._rate_key, "Meta-iterations per second."),
        )  # fmt: skip
        data.listed.connect(self._relist)
        data.grew.connect(self._grew)

    # --- what the columns say ----------------------------------------------------------------------

    def _state(self, run: RunRecord) -> str:
        doing = self._queue.doing(run) if run.id == self._queue.running else ""
        if doing and run.status != "paused":
            return doing
        diverged = self._data.divergence([run])
        if diverged and run.status in ("finished", "failed"):
            return f"⚠ {diverged}"
        state = f"{SIGNS[run.status]} {run.status}"
        if run.status == "running":
            left = self._left(run)
            state = f"{SIGNS[run.status]} {self._part(run):.0%}" + (f" · {left}" if left else "")
        return f"{state} · ⚠ {diverged}" if diverged else state

    def _part(self, run: RunRecord) -> float:
        return run.iterations / run.iterations_planned if run.iterations_planned else 0.0

    def _progress_key(self, run: RunRecord) -> str:
        diverged = self._data.diverged_at(run) is not None
        return f"{run.status} {'diverged' if diverged else ''} {self._part(run):.6f}"

    def newest(self, run: RunRecord) -> Summary | None:
        """The newest evaluation of a run."""
        result: Summary | None = self._data.result(run.id) if run.status == "finished" else None
        evaluations = self._data.evaluations(run.id) if result is None else []
        return evaluations[-1][1] if evaluations else result

    def _value(self, run: RunRecord) -> str:
        summary = self.newest(run)
        measure, mean, _ = reached(summary)
        if summary is None or mean is None:
            return "–"
        return quantities.text(measure_of(measure, summary), mean, digits=3)

    def _value_key(self, run: RunRecord) -> float:
        mean = reached(self.newest(run)).mean
        return math.inf if mean is None else mean

    def _left(self, run: RunRecord) -> str:
        seconds = self._queue.seconds_left(run.id)
        return "" if seconds is None else duration(seconds)

    def _left_key(self, run: RunRecord) -> float:
        seconds = self._queue.seconds_left(run.id)
        return math.inf if seconds is None else seconds

    def _experiment(self, run: RunRecord) -> str:
        return self._data.experiment(run).name

    def _rate(self, run: RunRecord) -> str:
        rate = run.meta_iterations_per_second
        return rounded(rate) if rate else ""

    def _rate_key(self, run: RunRecord) -> float:
        return run.meta_iterations_per_second or 0.0

    def _tip(self, run: RunRecord, column: Column) -> str:
        if run.failure:
            return run.failure
        if column.title in ("State", "Value") and (diverged := self._data.divergence([run])):
            return f"{run.name}: {column.text(run)}\nTraining {diverged}: {DIVERGED}"
        if column.title == "Run" and run.notes:
            return f"{run.name}\n{run.notes}"
        return f"{run.name}: {column.text(run)}" if column.text(run) else column.tip

    # --- Qt's side ---------------------------------------------------------------------------------

    def run_at(self, row: int) -> RunRecord:
        """The run in a row."""
        return self._runs[row]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (as Qt declares it)
        return 0 if parent.isValid() else len(self._runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Roles.DisplayRole
    ) -> str | None:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        return {Roles.DisplayRole: column.title, Roles.ToolTipRole: tip(column.tip)}.get(Roles(role))

    def data(self, index: Index, role: int = Roles.DisplayRole) -> object:
        run, column = self._runs[index.row()], self.columns[index.column()]
        name = column.title == "Run"
        match role:
            case Roles.DisplayRole:
                return column.text(run)
            case Roles.EditRole if name:
                return run.name
            case Roles.ToolTipRole:
                return tip(self._tip(run, column))
            case Roles.DecorationRole if name:
                return icons.swatch(theme.colour(self._data.colour(run)))
            case Roles.CheckStateRole if name:
                return Qt.CheckState.Checked if run.visible else Qt.CheckState.Unchecked
            case Roles.ForegroundRole if column.title == "State" and (
                run.failure or self._data.diverged_at(run) is not None
            ):
                return QColor(theme.wrong())
            case Roles.AccessibleTextRole:
                return f"{column.title}: {column.text(run)}"
            case _ if role == SORT:
                return column.key(run)
            case _ if role == PROGRESS and column.title == "State":
                active = run.status in ("running", "paused", "stopped", "interrupted")
                return self._part(run) if active and run.iterations_planned else None
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.column() == 0 and not self._data.read_only:
            flags |= Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def setData(self, index: Index, value: object, role: int = Roles.EditRole) -> bool:
        run = self._runs[index.row()]
        if role == Roles.CheckStateRole:
            self.shown_or_hidden.emit(run.id, Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        name = shown(str(value).strip(), LONGEST_NAME)
        if role != Roles.EditRole or not name or name == run.name:
            return False
        self.renamed.emit(run.id, name)
        return True

    @Slot()
    def _relist(self) -> None:
        runs = self._data.runs()
        if [each.id for each in runs] != [each.id for each in self._runs]:
            self.beginResetModel()
            self._runs = runs
            self.endResetModel()
            return
        self._runs = runs
        self._changed(range(len(runs)))

    @Slot(object)
    def _grew(self, grown: object) -> None:
        assert isinstance(grown, set)
        self._runs = self._data.runs() if len(self._runs) == len(self._data.runs()) else self._runs
        self._changed([row for row, run in enumerate(self._runs) if run.id in grown])

    def _changed(self, rows: range | list[int]) -> None:
        for row in rows:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))


def rounded(rate: float) -> str:
    """A rate with the digits that mean something: ``412``, ``5.3``, ``0.42``."""
    return f"{rate:.0f}" if rate >= 20 else f"{rate:.2g}"
