"""What adapted learners predict on the same few unseen tasks, step by step, also while one trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QSlider, QSplitter, QWidget

from workbench.analysis import predictions as grid
from workbench.analysis import results
from workbench.analysis.source import Grouping
from workbench.engine.predicted import Predictions, Request
from workbench.errors import InputError
from workbench.export.predicting import NothingLearnedError, Predictor
from workbench.gui import theme
from workbench.gui.charts.base import Chart
from workbench.gui.charts.board import Board
from workbench.gui.charts.player import Player
from workbench.gui.charts.result_table import WIDEST, Column, ResultTable
from workbench.gui.plain import Label, set_tip
from workbench.gui.run_data import RunData
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.pictures import Figure
from workbench.project import RunRecord
from workbench.settings import Section, fields_of, setting
from workbench.words import marked, tr

KEY = "predictions"
LAST_STEP = -1
MOST_TASKS = 1000


class Place(Section):
    """Where a person looks."""

    first: int = setting(0, ge=0, le=MOST_TASKS, help="The first task, by its number")
    tasks: Literal[1, 4, 12] = setting(4, help="How many tasks are shown at once")
    samples: int = setting(0, ge=0, le=1000, help="So many first samples are known to the learners; 0: all")
    step: int = setting(LAST_STEP, ge=LAST_STEP, help="Predictions after so much adaptation")
    counts: bool = setting(
        False, label="Confusion", help="How often each class was taken for which, in the place of examples"
    )


class PredictionView(Chart):
    """A grid, learners by tasks: of each algorithm that is shown one run, the picked one or the one that runs
    if that is its own."""

    title: ClassVar[str] = marked("Predictions")
    object_name: ClassVar[str] = "prediction_view"

    def __init__(self, data: RunData, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._worker, self._predictor, self._grouping = worker, Predictor(), Grouping(data)
        self._path: Path | None = None
        self._ready = False
        self._place = Place()
        self._held: dict[int, tuple[int, Predictions]] = {}  # meta-iteration and predictions, by run
        self._asked: dict[int, tuple[object, ...]] = {}
        self._trouble: dict[int, Exception] = {}
        self._cells: grid.Drawn = {}
        self._drawn: tuple[object, ...] | None = None
        self._computing: int | None = None  # the run that is asked for
        self._make_tools()
        self.board = Board("prediction_board", tr("Predictions before and after adaptation"), self)
        self.board.picked.connect(data.select)
        self.texts = ResultTable([], self)
        self.texts.setObjectName("prediction_texts")
        self.texts.setAccessibleName(tr("Support and query texts"))
        self._parts = QSplitter(Qt.Orientation.Vertical, self)
        self._parts.setObjectName(f"{self.object_name}_splitter")
        self._parts.addWidget(self.board)
        self._parts.addWidget(self.texts)
        self._parts.setSizes([200, 200])
        self._parts.hide()
        self.body.addWidget(self._parts, 1)
        self.player = Player(self)
        self.player.chosen.connect(self._step_chosen)
        self.player.moved.connect(self.board.show_time)
        self.player.listen(self.board)
        self.player.listen(self.player)
        self.setFocusProxy(self.player.button)  # for whoever comes by keyboard
        self.player.hide()
        self.body.addWidget(self.player)
        self._note = Label(parent=self)
        self._note.setObjectName(f"{self.object_name}_note")
        self._note.setAccessibleName(tr("Whose predictions these are"))
        self._note.setWordWrap(True)
        self.body.addWidget(self._note)

    def _make_tools(self) -> None:
        fields = fields_of(Place)
        self._count = QComboBox(self)
        self._count.setObjectName("prediction_count")
        self._count.setAccessibleName(tr("Tasks shown"))
        set_tip(self._count, fields["tasks"].help)
        self._count.addItem(tr("1 task"), 1)
        self._count.addItem(tr("4 tasks"), 4)
        self._count.addItem(tr("12 tasks"), 12)
        self._count.setCurrentIndex(1)
        self._count.activated.connect(self._count_chosen)
        self._previous = self.tool_button("prediction_previous", "◀", tr("Previous task"), self._go_back)
        self._task = Label(parent=self)
        self._task.setObjectName("prediction_task")
        self._next = self.tool_button("prediction_next", "▶", tr("Next task"), self._go_on)
        self._samples_name = Label(tr("Samples"), self)
        self._samples = QSlider(Qt.Orientation.Horizontal, self)
        self._samples.setObjectName("prediction_samples")
        self._samples.setAccessibleName(tr("Samples known to the learners"))
        self._samples.setPageStep(1)
        self._samples.setFixedWidth(110)
        set_tip(self._samples, tr("How many of a subject's first samples the learners are given"))
        self._samples.valueChanged.connect(self._samples_chosen)
        self._samples_number = Label(parent=self)
        self._samples_number.setObjectName("prediction_samples_number")
        self._growing = (self._samples_name, self._samples, self._samples_number)
        counts = fields["counts"]
        self._counts = QCheckBox(counts.label, self)
        self._counts.setObjectName("prediction_counts")
        self._counts.setAccessibleName(tr("Confusion matrix"))
        set_tip(self._counts, counts.help)
        self._counts.toggled.connect(self._counts_chosen)
        self._counts.hide()
        for widget in (self._previous, self._task, self._next, self._count, self._counts, *self._growing):
            self.tools.addWidget(widget)
        for widget in self._growing:
            widget.hide()
        self.tools.addStretch(1)

    # --- what the window tells ---------------------------------------------------------------------

    @Slot()
    def engine_ready(self) -> None:
        """torch has been imported: predictions can be computed."""
        self._ready = True
        self.mark_stale()

    def set_project_path(self, path: Path | None) -> None:
        """Another project is open, or none."""
        self._worker.cancel(KEY)
        self._computing, self._path = None, path
        self._put(first=0)
        self._held, self._asked, self._trouble = {}, {}, {}
        self._grouping = Grouping(self.data)
        self.mark_stale()

    def wanted(self) -> Request | None:
        """What to compute on the training thread at each validation; None where nobody looks."""
        live = self.seen and any(run.status in grid.LIVE for run in self._learners())
        return self._request() if live else None

    def receive(self, run_id: int, iteration: int, predictions: Predictions) -> None:
        """Take what was computed on the training thread."""
        if any(run.id == run_id for run in self._learners()) and self._fits(predictions):
            self._hold(run_id, iteration, predictions)
            self.mark_behind()

    # --- whose, and which ----------------------------------------------------------------------------

    def _learners(self) -> list[RunRecord]:
        """One run of each algorithm, all with the task of the picked one (else the one that runs, else the
        first); those that are shown, and that one."""
        picked = None if self.data.highlighted is None else self.data.run(self.data.highlighted)
        running = next((each for each in self.data.runs() if each.status in grid.LIVE), None)
        found = [grid.one_of(each.runs, picked) for each in self._grouping.groups(joined=True)]
        leading = picked or running or next(iter(found), None)
        if leading is None:
            return []
        if leading.id not in {run.id for run in found}:
            found = [leading, *found]
        return [run for run in found if (run.task, run.data_hash) == (leading.task, leading.data_hash)]

    def _request(self) -> Request:
        return Request(self._place.first, self._place.tasks, samples=self._place.samples)

    def _fits(self, predictions: Predictions) -> bool:
        return predictions.answers(self._request())

    def _seen(self) -> list[grid.Seen]:
        """The learners whose predictions on the wanted tasks are there, if these are the same."""
        found: list[grid.Seen] = []
        for run in self._learners()[: grid.MOST_LEARNERS]:
            iteration, predictions = self._held.get(run.id, (0, None))
            if predictions is None or not self._fits(predictions):
                continue
            if not found or predictions.same_tasks(found[0].predictions):
                done = iteration if run.iterations_planned else None
                known = results.privilege(run.environment), results.privacy(run.environment)
                found.append(grid.Seen(run.name, self.data.colour(run), done, predictions, *known, run.id))
        return found

    @Slot(int)
    def _count_chosen(self, _: int) -> None:
        count = self._count.currentData()
        self._put(first=self._place.first - self._place.first % count, tasks=count)

    @Slot(int)
    def _samples_chosen(self, count: int) -> None:
        self._put(samples=0 if count == self._samples.maximum() else count)

    @Slot(bool)
    def _counts_chosen(self, counts: bool) -> None:
        self._put(counts=counts)

    @Slot()
    def _go_back(self) -> None:
        self._move(-1)

    @Slot()
    def _go_on(self) -> None:
        self._move(1)

    def _move(self, direction: int) -> None:
        held = next(iter(self._held.values()), None)
        shown = self._request().of(held[1].problem) if held else self._place.tasks
        self._put(first=min(MOST_TASKS, max(0, self._place.first + direction * shown)))

    def _put(self, **place: int) -> None:
        self._place = self._place.model_copy(update=place)
        self.mark_stale()

    @Slot(int)
    def _step_chosen(self, step: int) -> None:
        self._put(step=LAST_STEP if step == self.player.places[-1] else step)

    def state(self) -> dict[str, object]:
        kept: dict[str, object] = self._place.model_dump()
        return kept

    def restore(self, state: Mapping[str, object]) -> None:
        self._put(**Place.out_of(state).model_dump(exclude_unset=True))
        self._count.setCurrentIndex(self._count.findData(self._place.tasks))
        self._counts.setChecked(self._place.counts)

    # --- computing ---------------------------------------------------------------------------------

    def _ask(self, runs: list[RunRecord]) -> None:
        """Have the predictions of the first run that needs any computed from its newest checkpoint.

        A run that trains tells its own at each validation; it is asked only when other tasks are wanted.
        """
        for run in runs if self._ready and self._path is not None and self._computing is None else ():
            done = -1 if run.status in grid.LIVE else run.iterations
            question = (run.status, done, self._request())
            if question != self._asked.get(run.id):
                self._asked[run.id] = question
                self._compute(self._path, run.id, self._request())
                return

    def _compute(self, path: Path | None, run: int, request: Request) -> None:
        assert path is not None
        predictor, self._computing = self._predictor, run

        def job(progress: Progress) -> tuple[int, Predictions]:
            return predictor.predict(path, run, request, progress)

        self._worker.submit(KEY, tr("computing predictions"), job, weakly(self._take), weakly(self._failed))

    def _take(self, answer: tuple[int, Predictions]) -> None:
        run, self._computing = self._computing, None
        if run is not None:
            self._hold(run, *answer)
        self._ask(self._learners()[: grid.MOST_LEARNERS])
        if self._computing is None:
            self.mark_stale()
        else:
            self.mark_behind()  # the others' come soon: not all is drawn anew for each

    def _hold(self, run: int, iteration: int, predictions: Predictions) -> None:
        known = self._held.get(run)
        if known is None or known[0] <= iteration or not self._fits(known[1]):
            self._held[run] = (iteration, predictions)
        self._trouble.pop(run, None)

    def _failed(self, error: Exception) -> None:
        run, self._computing = self._computing, None
        record = None if run is None else self.data.run(run)
        if record is not None:
            self._trouble[record.id] = error
        self.mark_stale()

    # --- the picture -------------------------------------------------------------------------------

    def restyle(self) -> None:
        self._drawn = None
        self.board.restyle()
        self.player.restyle()
        self._note.setStyleSheet(f"color: {theme.muted()}")

    def redraw(self) -> None:
        learners = self._learners()
        if not learners:
            self._show_nothing(tr("No runs yet. Set up an experiment on the left and press Run."))
            return
        self._ask(learners[: grid.MOST_LEARNERS])
        seen = self._seen()
        if not seen and self._drawn and any(run.id in self._held for run in learners):
            self._note.setText(tr("Working on the next task…"))
            return
        if not seen:
            first = learners[0]
            error = self._trouble.get(first.id)
            self._show_nothing(_in_words(error, first) if error else self._waiting_for(first))
            return
        step = self._set_tools(seen)
        key = (
            step,
            self._place.counts,
            *((each.name, each.colour, each.iteration, id(each.predictions)) for each in seen),
        )
        if key != self._drawn:
            self._draw(seen, step)
            self._drawn = key
        self._note.setText(self._said(learners, seen))

    def _draw(self, seen: list[grid.Seen], step: int) -> None:
        figure = grid.figure(seen, step, self._cells, counts=self._place.counts)
        self._counts.setVisible(
            any(cell and cell.counts and cell.panel.pictures for cell in self._cells.values())
        )
        if figure is None:
            self._show_nothing(tr("Predictions of this kind of task are not drawn."))
            return
        self.set_hint("")
        self.board.show_figure(figure)
        stepwise = next((each for each in seen if len(each.predictions.steps) > 1), seen[0])
        said = figure.column_heads and (len(seen) > 1 or stepwise.predictions.trial)
        told = {at: "" if said else grid.words_of(stepwise, at) for at in (step, *grid.places(seen))}
        self.player.say(told[step], told.values())
        rows = grid.listing(seen, step)
        self.texts.setVisible(bool(rows))
        if rows:
            columns = [Column("text", "Text", "An example"), Column("true", "Class", "Its true class")]
            pairs = "second" in rows[0]
            if pairs:
                columns.insert(1, Column("second", "Second text", "The other text of the pair"))
            columns += [
                Column(each.name, each.name, "The predicted class, and how probable") for each in seen
            ]
            self.texts.show_rows(columns, rows)
            if pairs:
                self.texts.setColumnWidth(1, min(WIDEST, self.texts.columnWidth(1)))
        self._parts.show()
        focused = self.window().focusWidget()
        waited_for = self.player.isHidden() and focused is not None and self.isAncestorOf(focused)
        self.player.show()
        if waited_for and self.player.button.isVisible():
            self.player.button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_nothing(self, hint: str) -> None:
        self._parts.hide()
        self._drawn = None
        self._note.setText("")
        self.player.hide()
        self._task.setText(tr("Task {}", self._place.first + 1))
        self.set_hint(hint)

    def _waiting_for(self, run: RunRecord) -> str:
        if not self._ready:
            return tr("PyTorch is being loaded…")
        return tr("Working on the predictions of {}…", run.name)

    def _chosen(self, seen: list[grid.Seen]) -> int:
        places = grid.places(seen)
        wanted = places[-1] if self._place.step == LAST_STEP else self._place.step
        return max(place for place in places if place <= wanted)

    def _set_tools(self, seen: list[grid.Seen]) -> int:
        """Fit the controls to what is seen; the place in adaptation that is chosen."""
        chosen, found = self._chosen(seen), seen[0].predictions
        self.player.offer(grid.places(seen), chosen, found.problem.experience_name, moves=found.problem.moves)
        first, end = found.first + 1, found.first + found.tasks
        self._task.setText(tr("Task {}", first) if first == end else tr("Tasks {}–{}", first, end))
        self._previous.setEnabled(self._place.first > 0)
        self._next.setEnabled(found.total is None or end < found.total)
        most = Request(tasks=4).of(found.problem)
        self._count.setVisible(most > 1)
        self._count.setItemText(1, tr("{} tasks", most))
        model: Any = self._count.model()
        model.item(2).setEnabled(found.problem.most_tasks >= self._count.itemData(2))
        grows = found.problem.grows and found.samples > 1
        for widget in self._growing:
            widget.setVisible(grows)
        if grows:
            with QSignalBlocker(self._samples):
                self._samples.setRange(1, found.samples)
                self._samples.setValue(found.samples - found.withheld)
            self._samples_number.setText(tr("{} of {}", self._samples.value(), found.samples))
        return chosen

    def _said(self, learners: list[RunRecord], seen: list[grid.Seen]) -> str:
        """Whose these are, by how long they were trained; and who is missing, and why."""
        full = [each.name for each in seen]
        names = grid.without_a_common_seed(full)
        alike: dict[str, list[str]] = {}
        for name, each in zip(names, seen, strict=True):
            alike.setdefault(grid.trained(each), []).append(name)
        sign = "; " if names == full else ", "
        said = "; ".join(f"{sign.join(each)} {place}" for place, each in alike.items())
        same = tr("the same ") if len(seen) > 1 else ""
        said += tr(
            ", on {}{}{} tasks.",
            same,
            tr("frozen ") if seen[0].predictions.total else "",
            tr(seen[0].predictions.split),
        )
        trouble = {run.name: self._trouble[run.id] for run in learners if run.id in self._trouble}
        unlearned = [name for name, error in trouble.items() if isinstance(error, NothingLearnedError)]
        if unlearned:
            said += tr(" Still to come: {}.", "; ".join(grid.without_a_common_seed(unlearned)))
        others = (error for error in trouble.values() if not isinstance(error, NothingLearnedError))
        more = len(learners) - grid.MOST_LEARNERS
        hidden = [tr("{} more algorithms are not drawn: hide others.", more)] if more > 0 else []
        caution = seen[0].predictions.problem.caution
        return " ".join(filter(None, [said, *dict.fromkeys(map(_told, others)), *hidden, caution]))

    # --- export ------------------------------------------------------------------------------------

    def figure(self) -> Figure | None:
        seen = self._seen()
        chosen = self._chosen(seen) if seen else 0
        return grid.figure(seen, chosen, self._cells, counts=self._place.counts) if seen else None

    def film(self) -> Callable[[], list[Figure]] | None:
        seen = self._seen()
        moves = bool(seen) and seen[0].predictions.problem.moves
        return partial(grid.film, seen) if moves or len(grid.places(seen)) > 1 else None


def _in_words(error: Exception, run: RunRecord) -> str:
    if isinstance(error, NothingLearnedError):
        if run.status in grid.LIVE:
            return tr("The first predictions appear at the next validation.")
        return tr("{}. Predictions appear once it has trained up to its first one.", error)
    return _told(error)


def _told(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    return tr("The predictions could not be computed: {}: {}", type(error).__name__, error)
