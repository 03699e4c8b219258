"""Setup and the charts: built once the window is on the screen, and kept with the open project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.analysis import beforehand
from workbench.errors import InputError
from workbench.gui.charts.adaptation import AdaptationChart
from workbench.gui.charts.base import Chart
from workbench.gui.charts.compare import CompareView
from workbench.gui.charts.inside import InsideView
from workbench.gui.charts.learning_curves import LearningCurves
from workbench.gui.charts.predictions import PredictionView
from workbench.gui.charts.tuning import TuningView
from workbench.gui.garbage import GarbageCollection
from workbench.gui.notices import Notices
from workbench.gui.session import Session
from workbench.gui.setup.draft import Draft
from workbench.gui.setup.panel import SetupPanel
from workbench.gui.worker import Progress, Worker
from workbench.project import Project, ProjectError
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.config import Experiment
    from workbench.engine.predicted import Predictions
    from workbench.engine.trainer import Trainer

KEEP_MILLISECONDS = 400
DRAW_MILLISECONDS = 40
"""Between the redrawing of two charts, so that the window is never busy for long."""

SAMPLE = "quickstart"


class Panels(QObject):
    """The panels that need more than Qt.

    Attributes
    ----------
    engine_loaded : PyTorch is there; with the device in words.
    """

    engine_loaded = Signal(str)

    def __init__(self, session: Session, worker: Worker, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._notices = session, notices
        self._engine = False
        self._taken: dict[str, object] = {}
        self.draft = Draft(self)
        self.setup = SetupPanel(self.draft, session.undo, worker)
        data = session.data
        self.setup.cost.before = self._seconds_of
        self.predictions, self.compare = PredictionView(data, worker), CompareView(data, worker)
        self.inside, self.tuning = InsideView(data, worker), TuningView(data, worker)
        self.charts: tuple[Chart, ...] = (
            LearningCurves(data),
            AdaptationChart(data),
            self.predictions,
            self.compare,
            self.inside,
            self.tuning,
        )
        self._keep_timer = QTimer(self)
        self._keep_timer.setSingleShot(True)
        self._keep_timer.setInterval(KEEP_MILLISECONDS)
        self._keep_timer.timeout.connect(self.keep_draft)
        for number, chart in enumerate(self.charts, 1):
            chart.set_turn(number * DRAW_MILLISECONDS)
        self.draft.changed.connect(self._draft_changed)
        session.leaving.connect(self.keep_draft)
        session.queue.predicted.connect(self._predicted)
        session.queue.changed.connect(self._queue_changed)
        data.grew.connect(self._grew)
        for signal in (data.selection_changed, data.viewed):
            signal.connect(self._ask_for_predictions)
        worker.submit("engine", tr("Loading PyTorch"), _import_engine, self._loaded, self._not_loaded)

    def panels(self) -> dict[str, QWidget]:
        """The panels by the name of their dock."""
        return {"setup": self.setup} | {chart.object_name: chart for chart in self.charts}

    def opened(self) -> None:
        """Another project is open: show what it holds."""
        project = self._session.project
        for view in (self.predictions, self.inside):
            view.set_project_path(project.path if project is not None else None)
        self.setup.set_read_only(
            tr("The project is read-only: {}.", project.read_only_reason)
            if project and project.read_only
            else ""
        )
        if self._engine:
            self._take_draft()

    def state(self) -> dict[str, object]:
        """The panels' settings (JSON types)."""
        charts: dict[str, object] = {chart.object_name: chart.state() for chart in self.charts}
        return {"setup": self.setup.state()} | charts

    def restore(self, state: dict[str, object]) -> None:
        """Take up settings."""
        self.setup.restore(_table(state.get("setup")))
        for chart in self.charts:
            chart.restore(_table(state.get(chart.object_name)))

    def restyle(self) -> None:
        """The window turned light or dark."""
        for chart in self.charts:
            chart.theme_changed()

    def _seconds_of(self, experiment: Experiment) -> float | None:
        data = self._session.data
        return beforehand.seconds_of(
            experiment, data.runs(), data.experiment, data.result, self.setup.trials()
        )

    # --- PyTorch -----------------------------------------------------------------------------------

    def _loaded(self, device: str) -> None:
        self._engine = True
        self._take_draft()
        self.setup.engine_ready()
        self.predictions.engine_ready()
        self.inside.engine_ready()
        GarbageCollection.leave_alone()
        self.engine_loaded.emit(device)

    def _not_loaded(self, error: Exception) -> None:
        self._notices.say("engine", tr("PyTorch could not be loaded, so nothing can run: {}", error))

    # --- what is set up ----------------------------------------------------------------------------

    def _take_draft(self) -> None:
        """Show what the project had set up; without that, its newest experiment, or the sample."""
        from workbench import runs

        project = self._session.project
        if project is not None and not project.read_only:
            self._go_on_sweeping(project)
        kept = project.setting("setup") if project is not None else None
        blocked = self.draft.blockSignals(True)  # it is kept already
        if kept is not None:
            self.draft.from_json(kept)
        else:
            newest = runs.newest_experiment(project) if project is not None else None
            self.draft.load(newest or runs.load_experiment(SAMPLE))
        self._taken = self.draft.to_json()
        self.draft.blockSignals(blocked)
        self.draft.changed.emit()
        self._keep_timer.stop()

    def _go_on_sweeping(self, project: Project) -> None:
        """Queue what is due in sweeps whose last window ended before it could."""
        from workbench import runs

        try:
            if runs.Sweeping.go_on(project):
                self._session.data.reread()
        except InputError as error:
            self._session.complained.emit(str(error))

    @Slot()
    def _draft_changed(self) -> None:
        if self._engine and not self._session.read_only:
            self._keep_timer.start()

    @Slot()
    def keep_draft(self) -> None:
        """Write what is set up to the project, if it has changed."""
        project = self._session.project
        if not self._engine or project is None or project.read_only:
            return
        state = self.draft.to_json()
        try:
            kept = project.setting("setup")
            if kept != state and (kept is not None or state != self._taken):  # nobody set up what was taken
                project.set_setting("setup", state)
        except ProjectError as error:
            self._session.complained.emit(str(error))

    # --- predictions of the run that trains --------------------------------------------------------

    @Slot(int, int, object)
    def _predicted(self, run: int, iteration: int, predictions: Predictions) -> None:
        self.predictions.receive(run, iteration, predictions)

    @Slot()
    def _queue_changed(self) -> None:
        self.setup.set_running(self._session.queue.running is not None)
        self._ask_for_predictions()

    @Slot(object)
    def _grew(self, runs: object) -> None:
        self._ask_for_predictions()

    @Slot()
    def _ask_for_predictions(self) -> None:
        """Have the training thread compute at each validation what the view shows, if it is seen."""
        request = self.predictions.wanted() if self._engine else None
        if request is None:
            self._session.queue.compute_extra(None)
            return
        from workbench.engine import predictions

        def compute(trainer: Trainer) -> object:
            return predictions.compute(trainer, request)

        self._session.queue.compute_extra(compute)


def _import_engine(progress: Progress) -> str:
    """Import PyTorch and everything on it, on the worker's thread; the device in words."""
    import scipy.special  # noqa: F401 (the first interval needs it)
    import torch

    from workbench import runs  # noqa: F401 (imported for whoever comes next)
    from workbench.engine import devices, predictions  # noqa: F401

    # what torch imports at the first gradient under vmap, so that the first run does not
    torch.func.vmap(torch.func.grad(lambda w: torch.nn.functional.mse_loss(w, 2 * w)))(torch.ones(2, 3))
    device = torch.device(devices.available()[0])
    if device.type == "cpu":
        return f"CPU ×{devices.most_threads()}"
    return str(devices.environment(device)["device_name"])


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
