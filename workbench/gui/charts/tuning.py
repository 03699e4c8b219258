"""What sweeps have tried: each trial, one setting at a time, what tuning is worth, what matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from workbench.analysis import tuning
from workbench.analysis.sweep import short
from workbench.analysis.tuning import PICTURES, Tuning
from workbench.gui import theme
from workbench.gui.charts.base import Chart
from workbench.gui.charts.board import Board
from workbench.gui.plain import Chooser, Label, set_tip
from workbench.gui.run_data import RunData
from workbench.gui.weakly import weakly
from workbench.gui.worker import Worker
from workbench.pictures import Figure
from workbench.settings import Section, fields_of, setting
from workbench.words import marked, tr

JOB = "tuning"
SLOW = "importance"
"""The picture that takes a second, and is made in the background."""

NO_SWEEP = marked(
    "No setting has been tried yet. In Setup, the context menu of a number or a choice makes it a range: "
    "each algorithm is then tried equally often, and what validates best is tested."
)


class Choices(Section):
    """What a person chose."""

    view: Literal["lines", "slices", "multiples", "best", "importance"] = setting(
        "lines", label="Picture", titles=PICTURES, help="What the picture shows"
    )
    by: str = setting("", help="The setting by whose values trials stand apart")


class TuningView(Chart):
    """The trials of the sweeps in view.

    Attributes
    ----------
    use_asked : the settings of a run are wanted in Setup: its id.
    """

    title = marked("Tuning")
    object_name = "tuning_view"
    use_asked = Signal(int)

    def __init__(self, data: RunData, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._worker = worker
        self._wanted = Choices()
        self._found: list[Tuning] = []
        self._asked: tuple[int, ...] = ()
        self._slow: Figure | str | None = None
        field = fields_of(Choices)["view"]
        self._view = Chooser(tr(field.help), self)
        self._view.setObjectName("tuning_picture")
        self._view.setAccessibleName(field.label)
        for name, title in PICTURES.items():
            self._view.addItem(tr(title), name)
        self._view.activated.connect(self._chosen)
        self.tools.addWidget(self._view)
        self._by = Chooser(tr(fields_of(Choices)["by"].help), self)
        self._by.setObjectName("tuning_by")
        self._by.setAccessibleName(tr("Apart by"))
        self._by.activated.connect(self._chosen)
        self.tools.addWidget(self._by)
        self.tools.addStretch(1)
        self.use = QPushButton(tr("Use the best in Setup"), self)
        self.use.setObjectName("tuning_use")
        set_tip(self.use, tr("Set up what was best, or the trial that is picked, without the sweep"))
        self.use.clicked.connect(self._use)
        self.tools.addWidget(self.use)
        self.board = Board("tuning_board", tr("Trials"), self)
        self.board.picked.connect(data.select)
        self.body.addWidget(self.board, 1)
        self._note = Label(parent=self)
        self._note.setObjectName("tuning_view_note")
        self._note.setAccessibleName(tr("What was tried"))
        self._note.setWordWrap(True)
        self.body.addWidget(self._note)

    def state(self) -> dict[str, object]:
        kept: dict[str, object] = self._wanted.model_dump()
        return kept

    def restore(self, state: Mapping[str, object]) -> None:
        self._wanted = Choices.out_of(state)
        self._view.setCurrentIndex(self._view.findData(self._wanted.view))
        self.mark_stale()

    @Slot()
    def forget(self) -> None:
        self._worker.cancel(JOB)
        self._asked, self._slow = (), None

    def restyle(self) -> None:
        self.board.restyle()
        self._note.setStyleSheet(f"color: {theme.muted()}")

    def redraw(self) -> None:
        self._found = tuning.tunings(self.data)
        drawn = self.figure()
        self.set_hint("" if self._found else tr(NO_SWEEP))
        for part in (self._view, self.use, self._note, self.board):
            part.setVisible(bool(self._found))
        self._offer_settings()
        self.use.setEnabled(self._best() is not None)
        self.board.show_figure(drawn)
        self.board.select(self.data.selected)
        said = drawn.caption if drawn is not None else self._why_nothing()
        chosen = tuning.words(self._found, between="\n")
        self._note.setText(f"{chosen}\n{said}" if self._found else "")

    def _offer_settings(self) -> None:
        """The settings by which trials can stand apart, where they are to."""
        names = tuning.dividing(self._found)
        self._by.setVisible(self._wanted.view == "multiples" and bool(names))
        if [self._by.itemData(at) for at in range(self._by.count())] != names:
            self._by.clear()
            for name, title in zip(names, short(names), strict=True):
                self._by.addItem(title, name)
        self._by.setCurrentIndex(self._by.findData(self._wanted.by))

    def figure(self) -> Figure | None:
        if not self._found:
            return None
        if self._wanted.view != SLOW:
            return tuning.picture(self._found, self._wanted.view, self._wanted.by)
        self._ask()
        return self._slow if isinstance(self._slow, Figure) else None

    def _ask(self) -> None:
        """Have it said what matters, if there is more to go by than when it was last asked."""
        found = self._found
        runs = tuple(run.id for each in found for run, _ in each.tried)
        if runs != self._asked:
            self._asked, self._slow = runs, None
            self._worker.submit(
                JOB,
                tr("comparing"),
                lambda _: tuning.importance(found),
                weakly(self._take),
                weakly(self._failed),
            )

    def _take(self, figure: Figure | None) -> None:
        self._slow = figure or tr("Too few trials to say what matters.")
        self.mark_stale()

    def _failed(self, error: Exception) -> None:
        self._slow = str(error)
        self.mark_stale()

    def _why_nothing(self) -> str:
        if self._wanted.view == SLOW:
            return self._slow if isinstance(self._slow, str) else tr("Computing…")
        return tr("No trial has come to a number yet.")

    @Slot(int)
    def _chosen(self, _: int) -> None:
        self._wanted = Choices(view=self._view.currentData(), by=self._by.currentData() or "")
        self.mark_stale()

    def _best(self) -> int | None:
        """The picked trial, or the best of the first algorithm."""
        ids = {run.id for each in self._found for run, _ in each.tried}
        picked = [run for run in self.data.selected if run in ids]
        best = [each.best[0].id for each in self._found if each.best is not None]
        return next(iter(picked or best), None)

    @Slot()
    def _use(self) -> None:
        run = self._best()
        if run is not None:
            self.use_asked.emit(run)
