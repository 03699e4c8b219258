"""The view "Compare" in full: what was reached, tested, under which conditions, against what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from workbench.analysis import critical_difference, diagnosis, domains, pareto, sweep
from workbench.analysis.arrangement import Arrangement
from workbench.gui.charts.arrange_list import ArrangeList
from workbench.gui.charts.compare_job import Answer, Question, answer
from workbench.gui.charts.compare_tables import TESTS, ProtocolCards, rows_of
from workbench.gui.charts.comparison import (
    COST,
    DOMAINS,
    OF_A_DIAGNOSIS,
    OF_DOMAINS,
    PICTURES,
    RANKS,
    REACHED,
    ROC,
    SETTINGS,
    SPEED,
    ComparisonView,
)
from workbench.gui.charts.diagnosis_page import DiagnosisPage
from workbench.gui.charts.domain_page import DomainPage
from workbench.gui.charts.heat_cell import LEAST_ACROSS
from workbench.gui.charts.result_table import Column, ResultTable
from workbench.gui.plain import Elided, Label, set_tip
from workbench.gui.run_data import RunData
from workbench.gui.weakly import weakly
from workbench.gui.worker import Worker
from workbench.pictures import Figure
from workbench.words import plural, tr

T = TypeVar("T", diagnosis.Diagnosed, sweep.Setup)
JOB = "comparison"
BESIDE = 140
"""Pixels beside the cells of a heat map, for names and edges."""


class CompareView(ComparisonView):
    """The comparison with its tests, protocol, settings and costs; these are computed in the background.

    Parameters
    ----------
    worker : computes.
    """

    def __init__(self, data: RunData, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._worker = worker
        self._arrangement = Arrangement()
        self._question: Question | None = None
        self._answer: Answer | None = None
        self._view_box, self._x_box = self._combo("view", 14), self._combo("x")
        self._time_box = self._combo("time")
        self._offer("time", {name: tr(title) for name, title in pareto.TIMES.items()})
        self._offer("view", {name: tr(title) for name, title in PICTURES.items()})
        self.tools.insertWidget(0, self._view_box)
        self.tools.insertWidget(1, self._x_box)
        self.tools.insertWidget(2, self._time_box)
        self._board_hint = Label(parent=self)
        self._board_hint.setObjectName("comparison_board_hint")
        self._board_hint.setWordWrap(True)
        self._board_hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget(self)
        self._splitter.replaceWidget(0, self._stack)
        for page in (self.board, self._board_hint):
            self._stack.addWidget(page)
        self._stack.setMinimumHeight(120)
        self.board.show()
        self._make_tabs()
        self._splitter.setStretchFactor(0, 3)
        self._splitter.setStretchFactor(1, 2)
        self._splitter.setSizes([260, 180])

    def _make_tabs(self) -> None:
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("comparison_tabs")
        self.tabs.setAccessibleName(tr("Details of the comparison"))
        self.tabs.setDocumentMode(True)
        self.tabs.setMinimumHeight(120)  # whatever words are on its pages
        self._splitter.replaceWidget(1, self.tabs)
        self.tests = ResultTable(TESTS, self)
        self.tests.setObjectName("comparison_tests")
        self.tests.setAccessibleName(tr("Paired tests"))
        self.tests.selectionModel().currentRowChanged.connect(self._say_words)
        self._tests_note = Label(parent=self)
        self._tests_note.setObjectName("comparison_tests_note")
        self._tests_note.setAccessibleName(tr("What may be claimed"))
        self._tests_note.setWordWrap(True)
        self._tests_note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cards = ProtocolCards(self)
        self.pivot = ResultTable([], self)
        self.pivot.setObjectName("comparison_pivot")
        self.pivot.setAccessibleName(tr("Means by two settings"))
        self._pivot_note = Elided(parent=self)
        self._pivot_note.setObjectName("comparison_pivot_note")
        self.diagnoses = DiagnosisPage(self)
        self.diagnoses.prevalence_changed.connect(self._of_other_people)
        self.arrange = ArrangeList(self)
        self.arrange.arranged.connect(self._arranged)
        boxes = QHBoxLayout()
        for name in ("rows", "columns"):
            box = self._combo(name, part="pivot_")
            label = Label(box.accessibleName(), self)
            label.setBuddy(box)
            boxes.addWidget(label)
            boxes.addWidget(box)
        boxes.addStretch(1)
        self.table.show()
        self.tabs.addTab(self.table, tr("Results"))
        self.tabs.addTab(_page(self.tests, self._tests_note), tr("Tests"))
        self.tabs.addTab(self.cards, tr("Protocol"))
        self.tabs.addTab(_page(boxes, self.pivot, self._pivot_note), tr("Pivot"))
        self.tabs.addTab(self.arrange, tr("Arrange"))
        self._diagnosis_tab = self.tabs.addTab(self.diagnoses, tr("Diagnosis"))
        self.domains = DomainPage(self)
        self._domain_tab = self.tabs.addTab(self.domains, tr("Domains"))
        for tab in (self._diagnosis_tab, self._domain_tab):
            self.tabs.setTabVisible(tab, False)

    # --- what is chosen ----------------------------------------------------------------------------

    @Slot()
    def forget(self) -> None:
        self._worker.cancel(JOB)
        self._question = self._answer = None
        self.restore({})

    def state(self) -> dict[str, object]:
        return super().state() | {"arrange": self._arrangement.to_json()}

    def restore(self, state: Mapping[str, object]) -> None:
        super().restore(state)
        self._arrange(Arrangement.from_json(state.get("arrange")))
        self._offer(
            "view", {name: tr(title) for name, title in (PICTURES | OF_DOMAINS | OF_A_DIAGNOSIS).items()}
        )
        self.diagnoses.set_prevalence(self._wanted.prevalence)
        self._show_answer()

    @Slot(float)
    def _of_other_people(self, prevalence: float) -> None:
        self._wanted = self._wanted.model_copy(update={"prevalence": prevalence})
        self._show_answer()

    @Slot()
    def _arranged(self) -> None:
        shown = self.arrange.places()
        here = {each.key for each in shown}
        others = (each for each in self._arrangement.places if each.key not in here)
        self._arrange(Arrangement((*shown, *others)))
        self._drawn = None
        self.mark_stale()

    def _arrange(self, arrangement: Arrangement) -> None:
        """Order and names hold for all charts and tables; what is hidden is so from the figures here."""
        self._arrangement = arrangement
        self.data.arrange(arrangement.whole)

    def _seen(self, found: Iterable[T]) -> list[T]:
        """Those that are not hidden."""
        return [each for each in found if each.key not in self._arrangement.hidden]

    # --- the picture -------------------------------------------------------------------------------

    def restyle(self) -> None:
        super().restyle()
        if self._answer is not None and (self._answer.own or self._answer.others):
            self.cards.restyle()

    def set_hint(self, text: str) -> None:
        super().set_hint(text)
        for box in (self._view_box, self._x_box):
            box.setVisible(not text)

    def _draw(self) -> None:
        groups = [each.group for each in self._compared]
        self._arrangement = self._arrangement.of(groups)
        self.arrange.show_places(self._arrangement, groups)
        self._compared = [each for each in self._compared if each.group.key not in self._arrangement.hidden]
        if self._view_box.currentData() == REACHED:
            super()._draw()

    def _draw_anew(self) -> None:
        super()._draw_anew()
        if self._group is None:
            self._question = self._answer = None
            self._worker.cancel(JOB)
            return
        if hidden := self.arrange.hidden():
            self._note.setText(tr("{} Hidden from the figure: {}.", self._note.text(), ", ".join(hidden)))
        self._ask()
        self._show_answer()

    def _ask(self) -> None:
        path = self.data.path
        if path is None or self._group is None:
            return
        question = Question(
            path,
            tuple((each.id, each.status) for each in self.data.shown()),
            self._group.hash,
            self.measure,
            self.step,
            self._arrangement.whole,
        )
        if question == self._question:
            return
        self._question, self._answer = question, None
        self._tests_note.setText(tr("Computing…"))
        self._worker.submit(
            JOB, "comparing", lambda _: answer(question), weakly(self._take), weakly(self._failed)
        )

    def _take(self, found: Answer) -> None:
        self._answer = found
        self._show_answer()

    def _failed(self, error: Exception) -> None:
        self._question = None
        self._tests_note.setText(tr("The runs could not be compared: {}", error))

    @property
    def ready(self) -> bool:
        """Whether everything that is shown has been computed."""
        return self._answer is not None or self._question is None

    def _show_answer(self) -> None:
        found = self._answer
        if found is not None:
            judged = self._seen(found.diagnosed)
            more = (OF_DOMAINS if found.domains else {}) | (OF_A_DIAGNOSIS if judged else {})
            self._offer("view", {name: tr(title) for name, title in (PICTURES | more).items()})
            self.tabs.setTabVisible(self._domain_tab, found.domains is not None)
            if found.domains is not None:
                self.domains.show_domains(found.domains)
            self.tabs.setTabVisible(self._diagnosis_tab, bool(judged))
            if judged:
                self.diagnoses.show_diagnoses(judged, self._wanted.prevalence)
        view = str(self._view_box.currentData())
        self._x_box.setVisible(view == COST and self._group is not None)
        self._time_box.setVisible(view == SPEED and self._group is not None)
        if found is not None:
            self._show_tests(found)
            if found.own or found.others:
                self.cards.show_cards(found.own, found.others)
            self._offer_settings(found)
            self._show_pivot(found)
        self.log_y.setVisible(view == REACHED and self._group is not None)
        if view == REACHED:
            self._stack.setCurrentWidget(self.board)
            return
        figure = self._other_figure()
        self.board.show_figure(self._side_by_side(figure))
        if view in (*OF_A_DIAGNOSIS, SPEED) and figure is not None:
            self._note.setText(figure.caption)
        self.domains.words.setVisible(view != DOMAINS)  # the note says it there
        if view == DOMAINS and found is not None and found.domains is not None and figure is not None:
            self._note.setText(" ".join(domains.order(found.domains)) or figure.caption)
            set_tip(self._note, figure.caption)
        self._stack.setCurrentWidget(self.board if figure is not None else self._board_hint)
        self._board_hint.setText(self._why_nothing(view))

    def _side_by_side(self, figure: Figure | None) -> Figure | None:
        """Heat maps beside each other, where the window is wide enough; on paper they stand below each
        other."""
        if figure is None or not all(panel.shades for panel in figure.panels):
            return figure
        cells = sum(len(panel.x_names) for panel in figure.panels)
        needed = cells * LEAST_ACROSS + len(figure.panels) * BESIDE
        return replace(figure, columns=len(figure.panels)) if self._stack.width() >= needed else figure

    def _why_nothing(self, view: str) -> str:
        if self._answer is None:
            return tr("Computing…")
        return (
            self._answer.families.words if view == RANKS else tr("No run has the numbers for this picture.")
        )

    def _show_tests(self, found: Answer) -> None:
        if found.statistics is None:
            return
        self.tests.show_rows(TESTS, rows_of(found.statistics))
        self._say_words()

    @Slot()
    def _say_words(self) -> None:
        """What may be claimed of the current two algorithms, and what the numbers are."""
        statistics = self._answer.statistics if self._answer is not None else None
        if statistics is None:
            return
        said = statistics.caption() if statistics.claims else tr("Tests need two algorithms.")
        if statistics.missing:
            said += tr(" Without values: {}.", ", ".join(statistics.missing))
        set_tip(self._tests_note, said)
        words = self.tests.currentIndex().siblingAtColumn(len(TESTS) - 1).data()
        count = len(statistics.claims)
        short = tr(
            "Trained learners, paired over {} identical episodes; p (Holm) counts {}. Pick a "
            "row for what may be claimed; hover for methods.",
            statistics.claims[0].paired.pairs if count else 0,
            plural(count, "comparison"),
        )
        self._tests_note.setText(str(words) if words else short if count else said)

    def _offer_settings(self, found: Answer) -> None:
        names = {name: name for name in sweep.names(found.setups)}
        self._offer("x", sweep.costs(found.setups) | names)
        for box in ("rows", "columns"):
            self._offer(box, names)

    def _show_pivot(self, found: Answer) -> None:
        rows, columns = (self._boxes[name].currentData() for name in ("rows", "columns"))
        if not found.setups or rows is None or columns is None:
            return
        table = sweep.pivot(self._seen(found.setups), str(rows), str(columns), self.measure, self.step)
        shown = [
            {column.key: cell for column, cell in zip(table.columns, cells, strict=True)}
            for cells in table.cells()
        ]
        self.pivot.show_rows([Column(each.key, each.heading, table.caption) for each in table.columns], shown)
        self._pivot_note.setText(table.caption)

    # --- export ------------------------------------------------------------------------------------

    def _other_figure(self) -> Figure | None:
        """The picture that is not "what was reached"."""
        found, view = self._answer, str(self._view_box.currentData())
        if found is None or self._group is None:
            return None
        setups = self._seen(found.setups)
        if view == COST:
            x = str(self._x_box.currentData() or "seconds")
            return sweep.scatter(self.data, setups, self._group, x, self.measure, self.step)
        if view == SPEED:
            return pareto.figure(
                self.data, setups, self._group, str(self._time_box.currentData()), self.measure
            )
        if view == DOMAINS:
            return domains.figure(found.domains) if found.domains is not None else None
        if view in OF_A_DIAGNOSIS:
            drawn = diagnosis.roc_figure if view == ROC else diagnosis.reliability_figure
            judged = self._seen(found.diagnosed)
            return drawn(self.data, self._group, judged, self._wanted.prevalence)
        if view == SETTINGS:
            return sweep.parallel(self.data, setups, self._group, self.measure, self.step)
        return critical_difference.figure(found.families)

    def figure(self) -> Figure | None:
        reached = super().figure()
        return reached if self._view_box.currentData() == REACHED else self._other_figure()


def _page(*parts: QWidget | QHBoxLayout) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part, 0 if isinstance(part, Label) else 1)
        else:
            layout.addLayout(part)
    return page
