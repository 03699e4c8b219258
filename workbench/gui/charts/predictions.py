"""What the adapted learner predicts on a few unseen tasks, step by step, also while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QSlider, QSpinBox, QStackedWidget, QToolButton, QWidget

from workbench.analysis.prediction_figure import figure, is_function, is_text, step_name
from workbench.engine.predicted import Predictions, Request
from workbench.errors import InputError
from workbench.gui import theme
from workbench.gui.charts.base import Chart
from workbench.gui.charts.function_board import FunctionBoard
from workbench.gui.charts.picture_board import PictureBoard
from workbench.gui.charts.prediction_job import NothingLearnedError, Predictor
from workbench.gui.charts.text_board import TextBoard
from workbench.gui.plain import Label, set_tip
from workbench.gui.run_data import RunData
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.pictures import Figure
from workbench.project import RunRecord

KEY = "predictions"
LAST_STEP = -1
MOST_TASKS = 1000
LIVE = ("running",)


class PredictionView(Chart):
    """Predictions of one run: the picked one, else the one that runs, else the first that is shown."""

    title = "Predictions"
    object_name = "prediction_view"

    def __init__(self, data: RunData, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self._worker, self._predictor = worker, Predictor()
        self._path: Path | None = None
        self._ready = False
        self._first = 0
        self._step = LAST_STEP
        self._held: tuple[int, int, Predictions] | None = None  # run, meta-iteration, predictions
        self._asked: tuple[Any, ...] | None = None
        self._trouble = ""
        self._drawn: tuple[Any, ...] | None = None
        self._make_tools()
        self.functions, self.pictures, self.texts = FunctionBoard(self), PictureBoard(self), TextBoard(self)
        self._boards = QStackedWidget(self)
        for board in (self.functions, self.pictures, self.texts):
            self._boards.addWidget(board)
        self._boards.hide()
        self.body.addWidget(self._boards, 1)
        self._note = Label(parent=self)
        self._note.setObjectName(f"{self.object_name}_note")
        self._note.setAccessibleName("Whose predictions these are")
        self._note.setWordWrap(True)
        self.body.addWidget(self._note)

    def _make_tools(self) -> None:
        self._count = QComboBox(self)
        self._count.setObjectName("prediction_count")
        self._count.setAccessibleName("Tasks shown")
        set_tip(self._count, "How many tasks are shown at once")
        self._count.addItem("1 task", 1)
        self._count.addItem("4 tasks", 4)
        self._count.setCurrentIndex(1)
        self._count.activated.connect(self._count_chosen)
        self._previous = self._button("prediction_previous", "◀", "Previous task", self._go_back)
        self._task = Label(parent=self)
        self._task.setObjectName("prediction_task")
        self._next = self._button("prediction_next", "▶", "Next task", self._go_on)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setObjectName("prediction_step")
        self._slider.setAccessibleName("Inner step")
        set_tip(self._slider, "Predictions after this many inner steps (adaptation)")
        self._slider.setPageStep(1)
        self._slider.setMinimumWidth(90)
        self._slider.valueChanged.connect(self._step_chosen)
        self._spin = QSpinBox(self)
        self._spin.setObjectName("prediction_step_number")
        self._spin.setAccessibleName("Inner step, as a number")
        set_tip(self._spin, "Predictions after this many inner steps (adaptation)")
        self._spin.setPrefix("step ")
        self._spin.valueChanged.connect(self._step_chosen)
        self._score = Label(parent=self)
        self._score.setObjectName("prediction_score")
        for widget in (self._previous, self._task, self._next, self._count, self._slider, self._spin):
            self.tools.addWidget(widget)
        self.tools.addWidget(self._score)
        self.tools.addStretch(1)

    def _button(self, name: str, sign: str, text: str, pressed: Any) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(sign)
        button.setAccessibleName(text)
        set_tip(button, text)
        button.setAutoRaise(True)
        button.clicked.connect(pressed)
        return button

    # --- what the window tells ---------------------------------------------------------------------

    @Slot()
    def engine_ready(self) -> None:
        """torch has been imported: predictions can be computed."""
        self._ready = True
        self.mark_stale()

    def set_project_path(self, path: Path | None) -> None:
        """Another project is open, or none."""
        self._worker.cancel(KEY)
        self._path = path
        self._first = 0
        self._held, self._asked, self._trouble = None, None, ""
        self.mark_stale()

    def wanted(self) -> Request | None:
        """What to compute on the training thread at each validation; None where nobody looks."""
        run = self._run()
        return self._request() if self.seen and run is not None and run.status in LIVE else None

    def receive(self, run_id: int, iteration: int, predictions: Predictions) -> None:
        """Take what was computed on the training thread."""
        run = self._run()
        if run is None or run.id != run_id or not self._fits(predictions):
            return
        self._worker.cancel(KEY)  # what it would tell is older
        self._held, self._trouble = (run_id, iteration, predictions), ""
        self.mark_behind()

    # --- whose, and which ----------------------------------------------------------------------------

    def _run(self) -> RunRecord | None:
        picked = None if self.data.highlighted is None else self.data.run(self.data.highlighted)
        shown = self.data.shown()
        running = next((each for each in self.data.runs() if each.status in LIVE), None)
        return picked or running or next(iter(shown), None)

    def _request(self) -> Request:
        return Request(self._first, int(self._count.currentData()))

    def _fits(self, predictions: Predictions) -> bool:
        single = predictions.problem == "classification"
        tasks = 1 if single else self._count.currentData()
        return predictions.first == self._first and predictions.tasks == tasks

    @Slot(int)
    def _count_chosen(self, _: int) -> None:
        self._first -= self._first % int(self._count.currentData())
        self.mark_stale()

    @Slot()
    def _go_back(self) -> None:
        self._move(-1)

    @Slot()
    def _go_on(self) -> None:
        self._move(1)

    def _move(self, direction: int) -> None:
        shown = self._held[2].tasks if self._held else int(self._count.currentData())
        self._first = min(MOST_TASKS, max(0, self._first + direction * shown))
        self.mark_stale()

    @Slot(int)
    def _step_chosen(self, index: int) -> None:
        self._step = LAST_STEP if index == self._slider.maximum() else index
        self._slider.setValue(index)
        self._spin.setValue(index)
        self.mark_stale()

    def state(self) -> dict[str, Any]:
        return {"first": self._first, "tasks": self._count.currentData(), "step": self._step}

    def restore(self, state: dict[str, Any]) -> None:
        first, tasks, step = state.get("first"), state.get("tasks"), state.get("step")
        if isinstance(first, int) and 0 <= first <= MOST_TASKS:
            self._first = first
        if isinstance(tasks, int) and (index := self._count.findData(tasks)) >= 0:
            self._count.setCurrentIndex(index)
        if isinstance(step, int) and step >= LAST_STEP:
            self._step = step
        self.mark_stale()

    # --- computing ---------------------------------------------------------------------------------

    def _ask(self, run: RunRecord) -> None:
        """Have predictions computed from the newest checkpoint, unless that was asked for already.

        A run that trains tells its own at each validation; it is asked only when other tasks are wanted.
        """
        done = -1 if run.status in LIVE else run.iterations
        question = (self._path, run.id, run.status, done, self._request())
        if not self._ready or self._path is None or question == self._asked:
            return
        self._asked, self._trouble = question, ""
        predictor, path, run_id, request = self._predictor, self._path, run.id, self._request()

        def job(progress: Progress) -> tuple[int, int, Predictions]:
            return run_id, *predictor.predict(path, run_id, request, progress)

        self._worker.submit(KEY, "computing predictions", job, weakly(self._take), weakly(self._failed))

    def _take(self, answer: tuple[int, int, Predictions]) -> None:
        self._held, self._trouble = answer, ""
        self.mark_stale()

    def _failed(self, error: Exception) -> None:
        run = self._run()
        if isinstance(error, NothingLearnedError):
            if run is not None and run.status in LIVE:
                self._trouble = "The first predictions appear at the next validation."
            else:
                self._trouble = f"{error}. Predictions appear once it has trained up to its first one."
        elif isinstance(error, InputError):
            self._trouble = str(error)
        else:
            self._trouble = f"The predictions could not be computed: {type(error).__name__}: {error}"
        self.mark_stale()

    # --- the picture -------------------------------------------------------------------------------

    def restyle(self) -> None:
        self._drawn = None
        self._note.setStyleSheet(f"color: {theme.muted()}")

    def redraw(self) -> None:
        run = self._run()
        if run is None:
            self._show_nothing("No runs yet. Set up an experiment on the left and press Run.")
            return
        self._ask(run)
        held = self._held if self._held is not None and self._held[0] == run.id else None
        if held is None:
            self._show_nothing(self._trouble or self._waiting_for(run))
            return
        self.set_hint("")
        _, iteration, predictions = held
        self._set_tools(predictions)
        chosen = self._chosen(predictions)
        if predictions.problem == "regression" and not is_function(predictions):
            self._show_nothing("Predictions are drawn for images, texts and functions of one number.")
            return
        key = (run.id, iteration, id(predictions), chosen, self.data.colour(run))
        if key != self._drawn:
            self._drawn = key
            self._boards.setCurrentWidget(
                self._draw(predictions, chosen, theme.colour(self.data.colour(run)))
            )
        self._boards.show()
        self._note.setText(self._said(run, iteration, predictions))

    def _draw(self, predictions: Predictions, chosen: int, colour: str) -> QWidget:
        """The board that suits them, up to date."""
        if predictions.problem == "regression":
            self.functions.show_predictions(predictions, chosen, colour)
            return self.functions
        if predictions.excerpt is not None and is_text(predictions):
            self.texts.show_predictions(predictions, predictions.excerpt, chosen)
            return self.texts
        self.pictures.show_predictions(predictions, chosen)
        return self.pictures

    def _show_nothing(self, hint: str) -> None:
        self._boards.hide()
        self._drawn = None
        self._note.setText("")
        self._score.setText("")
        self._task.setText(f"Task {self._first + 1}")
        self.set_hint(hint)

    def _waiting_for(self, run: RunRecord) -> str:
        if not self._ready:
            return "PyTorch is being loaded…"
        return f"Working on the predictions of {run.name}…"

    def _chosen(self, predictions: Predictions) -> int:
        last = len(predictions.steps) - 1
        return last if self._step == LAST_STEP else min(self._step, last)

    def _set_tools(self, predictions: Predictions) -> None:
        chosen, last = self._chosen(predictions), len(predictions.steps) - 1
        for control in (self._slider, self._spin):
            blocked = control.blockSignals(True)
            control.setRange(0, last)
            control.setValue(chosen)
            control.blockSignals(blocked)
            control.setVisible(last > 0)
        self._spin.setSuffix(f" of {last}")
        first, end = predictions.first + 1, predictions.first + predictions.tasks
        self._task.setText(f"Task {first}" if first == end else f"Tasks {first}–{end}")
        self._previous.setEnabled(self._first > 0)
        self._count.setVisible(predictions.problem == "regression")
        step = "adapted in closed form" if last == 0 else step_name(predictions.steps[chosen])
        if predictions.problem == "classification":
            right, count = int(predictions.right[chosen, 0].sum()), predictions.query_y.shape[1]
            self._score.setText(f"{step}: {predictions.accuracy[chosen, 0]:.0%} right ({right} of {count})")
        else:
            self._score.setText(step)

    def _said(self, run: RunRecord, iteration: int, predictions: Predictions) -> str:
        said = f"{run.name} after {iteration:,} meta-iterations, on meta-validation tasks. "
        if self._trouble:
            said += self._trouble
        elif not self._fits(predictions):
            said += "Working on the next task…"
        return said.strip()

    # --- export ------------------------------------------------------------------------------------

    def figure(self) -> Figure | None:
        run = self._run()
        if run is None or self._held is None or self._held[0] != run.id:
            return None
        _, iteration, predictions = self._held
        return figure(
            predictions,
            self._chosen(predictions),
            run.name,
            iteration,
            colour=theme.colour(self.data.colour(run)),
            before=theme.muted(),
            ink=theme.foreground(),
            frames=(theme.right(), theme.wrong()),
        )
