"""What the runs that are set up would take, beside the button that starts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.analysis import beforehand, costs
from workbench.analysis.equal import TITLES, By, lengths
from workbench.analysis.numerals import duration
from workbench.config import Experiment
from workbench.gui import theme
from workbench.gui.plain import Label, name_window, set_tip
from workbench.gui.setup.draft import Draft
from workbench.gui.setup.task_data import TaskData, in_words
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.summaries import CostEntry

COST = "cost"


class CostLine(QWidget):
    """A line that offers to say what all runs take, and says it; by algorithm in a table.

    Attributes
    ----------
    changed : it says something else.
    wanted : every algorithm is to be trained for so many meta-iterations (or as it is, where None).

    Parameters
    ----------
    draft, data : what is set up.
    worker : measures.
    """

    changed = Signal()
    wanted = Signal(list)

    def __init__(self, draft: Draft, data: TaskData, worker: Worker) -> None:
        super().__init__()
        self._draft, self._data, self._worker = draft, data, worker
        self._measured: Experiment | None = None
        self._entries: Sequence[CostEntry] = ()
        self.before: Callable[[Experiment], float | None] = lambda _: None
        """What earlier runs tell of the seconds that an experiment takes."""

        self._told: tuple[Experiment | None, float | None] = None, None
        self._running = False
        self.ask = QPushButton(tr("Estimate time and memory"))
        self.ask.setObjectName("estimate_cost")
        self.ask.setFlat(True)
        set_tip(
            self.ask,
            tr(
                "Try each ticked algorithm for some seconds, to say what all runs take: time, memory, "
                "operations, room on disk. Not while a run trains: each would disturb the other"
            ),
        )
        self.ask.setEnabled(False)
        self.ask.clicked.connect(self._ask)
        self.answer = Label()
        self.answer.setObjectName("cost")
        self.answer.setWordWrap(True)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details = QPushButton(tr("By algorithm…"))
        self.details.setObjectName("cost_details")
        self.details.setFlat(True)
        set_tip(self.details, tr("What a run of each algorithm takes, by phase"))
        self.details.clicked.connect(self._show_details)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for part in (self.answer, self.details, self.ask):
            layout.addWidget(part)
        self._begin()

    @property
    def short(self) -> str:
        """Time and memory in short, where they are known: ``about 9 min · 700 MiB``."""
        if self._entries:
            whole = costs.queue(self._entries)
            return tr("about {} · {}", duration(whole["seconds"]), costs.size(whole["peak_memory"]))
        return "" if self.seconds is None else tr("about {}", duration(self.seconds))

    @property
    def seconds(self) -> float | None:
        """Of all runs: as measured, or as earlier runs tell; None where neither is known."""
        if self._entries:
            return costs.queue(self._entries)["seconds"]
        experiment = self._draft.experiment()
        if experiment is None:
            return None
        if self._told[0] != experiment:
            self._told = experiment, self.before(experiment)
        return self._told[1]

    @property
    def doubt(self) -> str:
        """Why so much may not be meant; see :func:`~workbench.analysis.beforehand.doubt`."""
        experiment = self._draft.experiment()
        return beforehand.doubt(experiment, self.seconds) if experiment is not None else ""

    def refresh(self, *, running: bool) -> None:
        """Bring it up to date: with what is set up, and whether a run trains."""
        if running != self._running:
            self._running, self._told = running, (None, None)  # a run that has ended tells more
        experiment = self._draft.experiment()
        disturbs = running and self._worker.waits_for(COST)  # a run that has begun meanwhile
        if self._measured is not None and (disturbs or experiment != self._measured):
            self._measured = None
            self._worker.cancel(COST)
            self._begin()
        if self._measured is None:
            known = self.seconds
            self._say(
                tr("About {}, as earlier runs took", duration(known)) if known is not None else "",
                theme.muted(),
            )
        ready = experiment is not None and self._data.family() is not None and not self._data.misfit()[1]
        self.ask.setEnabled(ready and not running and not self._worker.waits_for(COST))

    def _begin(self) -> None:
        self._entries = ()
        self.answer.hide()
        self.details.hide()
        self.ask.show()

    @Slot()
    def _ask(self) -> None:
        experiment, family = self._draft.experiment(), self._data.family()
        if experiment is None or family is None:
            return

        def job(progress: Progress) -> list[CostEntry]:
            from workbench import runs

            return runs.costs(experiment, family, progress)

        self._measured = experiment
        self._say(tr("Measuring…"), theme.muted())
        self.ask.hide()
        what = tr("Measuring what the runs take")
        self._worker.submit(COST, what, job, weakly(self._take), weakly(self._refuse))
        self.refresh(running=self._running)

    def _take(self, entries: Sequence[CostEntry]) -> None:
        self._entries = entries
        self._say(costs.words(entries), theme.muted())
        self.details.show()
        self.changed.emit()
        self.refresh(running=self._running)

    def _refuse(self, error: Exception) -> None:
        self._say(in_words(error), theme.wrong())
        self.ask.show()
        self.refresh(running=self._running)

    def _say(self, text: str, colour: str) -> None:
        self.answer.setText(text)
        self.answer.setStyleSheet(f"color: {colour};")
        self.answer.setVisible(bool(text))

    @Slot()
    def _show_details(self) -> None:
        dialog = CostDialog(self._entries, self)
        dialog.wanted.connect(self.wanted)
        dialog.show()


class CostDialog(QDialog):
    """What a run of each algorithm takes, in a table; makes their budgets equal."""

    wanted = Signal(list)

    def __init__(self, entries: Sequence[CostEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cost_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        name_window(self, tr("What the runs take"))
        (_, *heads), *rows = costs.rows(entries)
        table = QTableWidget(len(rows), len(heads), self)
        table.setObjectName("cost_table")
        table.setAccessibleName(tr("What a run of each algorithm takes"))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalHeaderLabels(heads)
        table.setVerticalHeaderLabels([name for name, *_ in rows])
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for number, (_, *cells) in enumerate(rows):
            for column, cell in enumerate(cells):
                item = QTableWidgetItem(cell)
                item.setTextAlignment(right)
                table.setItem(number, column, item)
        table.resizeColumnsToContents()
        note = Label(
            tr(
                "Estimated from some seconds of each. Operations are floating-point ones of matrix products "
                "and convolutions; memory is the program's at its most; on disk is what the project grows by."
            ),
            self,
        )
        note.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        self._entries, self._shares = entries, dict[QAbstractButton, By]()
        trained = sum(each["iterations"] > 0 for each in entries)
        for by, title in TITLES.items():
            share = QPushButton(tr("Equal {}", title))
            share.setObjectName(f"equal_{by}")
            set_tip(share, tr("Train each for as long as takes as much of that as {}", entries[0]["label"]))
            share.setEnabled(trained > 1)
            buttons.addButton(share, QDialogButtonBox.ButtonRole.ActionRole)
            self._shares[share] = by
        buttons.clicked.connect(self._share)
        layout = QVBoxLayout(self)
        layout.addWidget(table, 1)
        layout.addWidget(note)
        layout.addWidget(buttons)
        self.resize(760, 320)

    @Slot(QAbstractButton)
    def _share(self, button: QAbstractButton) -> None:
        by = self._shares.get(button)
        if by is not None:
            self.wanted.emit(lengths(self._entries, by))
            self.close()
