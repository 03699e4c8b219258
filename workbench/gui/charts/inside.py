"""What moved and what mattered inside a run, or two side by side; computed in the background."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QProgressBar, QSpinBox, QWidget

from workbench.analysis.inside import side_by_side
from workbench.analysis.predictions import LIVE
from workbench.errors import InputError
from workbench.export.looking import Look, looks
from workbench.export.predicting import NothingLearnedError, Predictor
from workbench.gui import theme
from workbench.gui.charts.base import Chart
from workbench.gui.charts.board import Board
from workbench.gui.plain import Chooser, Label, set_tip
from workbench.gui.run_data import RunData
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.pictures import Figure
from workbench.settings import Section, fields_of, setting
from workbench.words import marked, tr

KEY = "inside"
MOST_TASKS, MOST_COUNTED = 1000, 100_000


class Place(Section):
    """What a person looks at."""

    view: str = setting("reuse", help="What is looked at")
    first: int = setting(0, ge=0, le=MOST_TASKS, help="The meta-test task, by its number")
    quick: bool = setting(False, help="Also by the inner product of gradients, and how alike that is")
    tasks: int = setting(
        0,
        ge=0,
        le=MOST_COUNTED,
        help="How many tasks are looked at: more are surer and take longer. As usual: as many as the view "
        "needs, fewer of a large learner",
    )


class Question(NamedTuple):
    """What is computed; the same question has the same answer."""

    run: int
    iterations: int
    what: str
    first: int
    quick: bool
    tasks: int | None


class InsideView(Chart):
    """A view inside the picked run, and the same of another beside it."""

    title = marked("Inside")
    object_name = "inside_view"

    def __init__(self, data: RunData, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._worker, self._predictor = worker, Predictor()
        self._path: Path | None = None
        self._looks: dict[str, Look] = {}  # the views, once PyTorch is there
        self._place = Place()
        self._found: dict[Question, Figure | Exception] = {}
        self._reached: dict[int, int] = {}  # where a run stood that goes on, when it was first asked about
        self._computing: Question | None = None
        self._stopped: Question | None = None
        self._picked: int | None = None  # in the list of runs, when this was last drawn
        self._drawn: tuple[object, ...] | None = None
        self._make_tools()
        self.board = Board("inside_board", tr("Inside a run"), self)
        self.board.hide()
        self.body.addWidget(self.board, 1)
        self._progress = QProgressBar(self)
        self._progress.setObjectName("inside_progress")
        self._progress.setAccessibleName(tr("How far looking inside has come"))
        self._progress.setRange(0, 100)
        self._progress.hide()
        self.body.addWidget(self._progress)
        self._note = Label(parent=self)
        self._note.setObjectName("inside_view_note")
        self._note.setAccessibleName(tr("What is seen, and what it does not prove"))
        self._note.setWordWrap(True)
        self.body.addWidget(self._note)
        worker.progressed.connect(self._progressed)

    def _make_tools(self) -> None:
        fields = fields_of(Place)
        self._views = self._combo("inside_what", tr("View"), fields["view"].help, self._view_chosen)
        self._runs = self._combo("inside_run", tr("Run"), tr("The run that is looked into"), self._run_chosen)
        self._beside = self._combo(
            "inside_beside", tr("Beside"), tr("Another run beside it"), self._run_chosen
        )
        self._previous = self.tool_button("inside_previous", "◀", tr("Previous task"), self._go_back)
        self._task = Label(parent=self)
        self._task.setObjectName("inside_task")
        self.tools.addWidget(self._previous)
        self.tools.addWidget(self._task)
        self._next = self.tool_button("inside_next", "▶", tr("Next task"), self._go_on)
        self.tools.addWidget(self._next)
        self._quick = QCheckBox(tr("Gradients too"), self)
        self._quick.setObjectName("inside_quick")
        set_tip(self._quick, fields["quick"].help)
        self._quick.toggled.connect(self._quick_chosen)
        self.tools.addWidget(self._quick)
        self._count = QSpinBox(self)
        self._count.setObjectName("inside_tasks")
        self._count.setAccessibleName(tr("Tasks"))
        self._count.setPrefix(tr("Tasks "))
        self._count.setSpecialValueText(tr("Tasks as usual"))
        self._count.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
        self._count.setKeyboardTracking(False)
        set_tip(self._count, fields["tasks"].help)
        self._count.valueChanged.connect(self._count_chosen)
        self.tools.addWidget(self._count)
        self.tools.addStretch(1)
        self._stop = self.tool_button(
            "inside_stop", tr("Stop"), tr("Stop looking inside"), self._stop_or_go_on
        )
        self.tools.addWidget(self._stop)
        self._stop.hide()

    def _combo(self, name: str, title: str, tip: str, chosen: Callable[[int], None]) -> QComboBox:
        box = Chooser(tip, self)
        box.setObjectName(name)
        box.setAccessibleName(title)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)  # more, where there is room
        box.activated.connect(chosen)
        self.tools.addWidget(box, 1)
        return box

    # --- what the window tells ---------------------------------------------------------------------

    @Slot()
    def engine_ready(self) -> None:
        """torch has been imported: views can be computed."""
        self._looks = looks()
        for name, look in self._looks.items():
            self._views.addItem(tr(look.title), name)
        self._views.setCurrentIndex(self._views.findData(self._place.view))
        self.mark_stale()

    def set_project_path(self, path: Path | None) -> None:
        """Another project is open, or none."""
        self._worker.cancel(KEY)
        self._path, self._computing, self._stopped = path, None, None
        self._found, self._reached = {}, {}
        for box in (self._runs, self._beside):
            box.clear()
        self.mark_stale()

    def state(self) -> dict[str, object]:
        kept: dict[str, object] = self._place.model_dump()
        return kept

    def restore(self, state: Mapping[str, object]) -> None:
        known = Place.out_of(state)
        if self._looks and known.view not in self._looks:
            known = known.model_copy(update={"view": self._place.view})
        self._put(**known.model_dump(exclude_unset=True))
        self._views.setCurrentIndex(self._views.findData(self._place.view))
        with QSignalBlocker(self._quick):
            self._quick.setChecked(self._place.quick)

    # --- what is chosen ----------------------------------------------------------------------------

    @Slot(int)
    def _view_chosen(self, _: int) -> None:
        self._put(view=self._views.currentData())

    @Slot(int)
    def _run_chosen(self, _: int) -> None:
        self._put()

    @Slot(bool)
    def _quick_chosen(self, quick: bool) -> None:
        self._put(quick=quick)

    @Slot(int)
    def _count_chosen(self, count: int) -> None:
        self._put(tasks=0 if count == self._count.minimum() else count)

    @Slot()
    def _go_back(self) -> None:
        self._put(first=max(0, self._place.first - 1))

    @Slot()
    def _go_on(self) -> None:
        self._put(first=min(MOST_TASKS, self._place.first + 1))

    def _put(self, **place: object) -> None:
        self._place = self._place.model_copy(update=place)
        self._stopped = None
        self._reached.clear()  # whoever chooses something sees what has been learned by now
        self.mark_stale()

    @Slot()
    def _stop_or_go_on(self) -> None:
        if self._computing is None:
            self._stopped = None
        else:
            self._worker.cancel(KEY)
            self._stopped, self._computing = self._computing, None
        self.mark_stale()

    def _offer_runs(self) -> None:
        """The runs that have learned something; the picked one is looked into where it was not before."""
        runs = [run for run in self.data.runs() if run.iterations or not run.iterations_planned]
        picked, names = self.data.highlighted, self._names()
        for box, first in ((self._runs, []), (self._beside, [(tr("nothing beside"), None)])):
            wanted = [*first, *((names[run.id], run.id) for run in runs)]
            if [(box.itemText(at), box.itemData(at)) for at in range(box.count())] != wanted:
                before = box.currentData()
                box.clear()
                for text, run in wanted:
                    box.addItem(text, run)
                box.setCurrentIndex(max(0, box.findData(before)))
        if picked != self._picked and self._runs.findData(picked) >= 0:
            self._runs.setCurrentIndex(self._runs.findData(picked))
        self._picked = picked

    def _names(self) -> dict[int, str]:
        """The runs' names, with that of the experiment where several have the same."""
        runs = self.data.runs()
        often = Counter(run.name for run in runs)
        return {
            run.id: f"{run.name} · {self.data.experiment(run).name}" if often[run.name] > 1 else run.name
            for run in runs
        }

    def _questions(self) -> list[Question]:
        """What is to be known of the run, and of the one beside it."""
        found = []
        for number in dict.fromkeys((self._runs.currentData(), self._beside.currentData())):
            run = None if number is None else self.data.run(number)
            if run is not None:
                look, quick = self._look, self._look.quick and self._place.quick
                first = self._place.first if look.of_one else 0
                enough = self._counts and self._place.tasks >= look.fewest
                tasks = self._place.tasks if enough and self._place.tasks else None
                reached = run.iterations
                if run.status in LIVE:  # or it would be looked into anew at each step
                    reached = self._reached.setdefault(run.id, reached)
                found.append(Question(run.id, reached, self._place.view, first, quick, tasks))
        return found

    @property
    def _look(self) -> Look:
        return self._looks[self._place.view]

    @property
    def _counts(self) -> bool:
        """Whether it may be chosen how many tasks are looked at."""
        look = self._look
        return look.fewest > 0 and (not look.of_one or (look.quick and self._place.quick))

    # --- computing ---------------------------------------------------------------------------------

    def _ask(self, questions: list[Question]) -> None:
        """Have the first question computed that has no answer yet."""
        if self._computing is not None and self._computing not in questions:
            self._worker.cancel(KEY)
            self._computing = None
        open_ = [each for each in questions if each not in self._found]
        if self._computing is not None or not open_ or self._stopped in open_ or self._path is None:
            return
        self._computing, predictor, path = open_[0], self._predictor, self._path
        run, _, what, first, quick, tasks = open_[0]
        look = self._looks[what]

        def job(progress: Progress) -> Figure:
            from workbench.engine.inside import Asked

            return look.figure(predictor, path, run, Asked(first, tasks, quick=quick), progress)

        self._progress.setValue(0)
        self._worker.submit(KEY, tr("looking inside"), job, weakly(self._take), weakly(self._failed))

    def _take(self, answer: Figure | Exception) -> None:
        question, self._computing = self._computing, None
        if question is not None:
            self._found[question] = answer
        self.mark_stale()

    def _failed(self, error: Exception) -> None:
        self._take(error)

    @Slot(str, float, str)
    def _progressed(self, key: str, done: float, text: str) -> None:
        if key == KEY:
            self._progress.setValue(round(100 * done))
            self._progress.setFormat(f"{text}: %p%")

    # --- the picture -------------------------------------------------------------------------------

    def restyle(self) -> None:
        self.board.restyle()
        self._note.setStyleSheet(f"color: {theme.muted()}")

    def redraw(self) -> None:
        if not self._looks:
            self._show_nothing(tr("PyTorch is being loaded…"))
            return
        self._offer_runs()
        questions = self._questions()
        self._set_tools()
        if not questions:
            self._show_nothing(tr("Nothing has been learned yet. A run can be looked into once it has."))
            return
        self._ask(questions)
        self._stop.setText(tr("Stop") if self._computing else tr("Look"))
        self._stop.setVisible(self._computing is not None or self._stopped is not None)
        self._progress.setVisible(self._computing is not None)
        figures = self._figures(questions)
        troubles = [_told(each) for each in map(self._found.get, questions) if isinstance(each, Exception)]
        key = (*questions, len(figures))
        drawn = side_by_side(figures) if figures else None
        if drawn is not None and key != self._drawn:
            self.board.show_figure(drawn)
            self._drawn = key
        waiting = tr("Stopped.") if self._stopped else tr("Looking inside…")
        said = [drawn.caption if drawn is not None else "", *dict.fromkeys(troubles)]
        if not figures:
            self._show_nothing(" ".join(said).strip() if troubles else waiting)
            return
        self.set_hint("")
        self.board.show()
        self._note.setText(" ".join(said))

    def _figures(self, questions: list[Question]) -> list[tuple[str, Figure]]:
        """The answers that are figures, by the names of their runs."""
        names, answers = self._names(), [(each.run, self._found.get(each)) for each in questions]
        return [(names[run], each) for run, each in answers if isinstance(each, Figure) and run in names]

    def _set_tools(self) -> None:
        of_one = self._look.of_one
        self._task.setText(tr("Task {}", self._place.first + 1))
        self._previous.setEnabled(self._place.first > 0)
        for widget in (self._previous, self._task, self._next):
            widget.setVisible(of_one)
        self._quick.setVisible(self._look.quick)
        with QSignalBlocker(self._count):
            self._count.setRange(max(0, self._look.fewest - 1), MOST_COUNTED)
            self._count.setValue(self._place.tasks)
        self._count.setVisible(self._counts)

    def _show_nothing(self, hint: str) -> None:
        self.board.hide()
        self._drawn = None
        self._note.setText("")
        self.set_hint(hint)

    # --- export ------------------------------------------------------------------------------------

    def figure(self) -> Figure | None:
        figures = self._figures(self._questions()) if self._looks else []
        return side_by_side(figures) if figures else None


def _told(error: Exception) -> str:
    if isinstance(error, NothingLearnedError):
        return tr("{}. It can be looked into once it has trained up to its first one.", error)
    if isinstance(error, InputError):
        return f"{error}."
    return tr("This view could not be computed: {}: {}", type(error).__name__, error)
