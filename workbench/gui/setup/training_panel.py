"""How long and where to train, and how long that will take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from workbench.analysis.numerals import duration
from workbench.config import Experiment
from workbench.gui import theme
from workbench.gui.plain import Label, set_tip
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.gui.setup.row import GUTTER
from workbench.gui.setup.task_data import TaskData, in_words
from workbench.gui.weakly import weakly
from workbench.gui.worker import Worker
from workbench.settings import Path
from workbench.words import plural

if TYPE_CHECKING:
    from workbench.tasks import TaskFamily

SPEED = "speed"
_SECONDS = 0.5


@dataclass(frozen=True)
class Speed:
    """What a measurement found: seconds of training of all runs, and where."""

    seconds: float
    runs: int
    device: str
    slowest: str


class TrainingPanel(QWidget):
    """The part *Training* of the setup, with a measurement of speed."""

    def __init__(self, edits: Edits, data: TaskData, worker: Worker) -> None:
        super().__init__()
        from workbench.engine.devices import available

        self._edits, self._draft, self._data, self._worker = edits, edits.draft, data, worker
        devices = [(f"auto ({available()[0]})", "auto"), *((name, name) for name in available())]
        self.form = Form(edits, ("training",), choices={("training", "device"): devices})
        self.measure = QPushButton("Measure speed")
        self.measure.setObjectName("measure_speed")
        set_tip(self.measure, "Train each ticked algorithm for a moment, to say how long all runs take")
        self.measure.clicked.connect(self._measure)
        self.answer = Label()
        self.answer.setObjectName("speed")
        self.answer.setWordWrap(True)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.answer.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.setSpacing(5)
        layout.addWidget(self.form)
        self.cautions = Label()
        self.cautions.setObjectName("privacy_cautions")
        self.cautions.setWordWrap(True)
        self.cautions.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cautions.setContentsMargins(GUTTER + 4, 0, 0, 0)
        layout.addWidget(self.cautions)
        below = QVBoxLayout()
        below.setContentsMargins(GUTTER + 4, 0, 0, 0)
        below.addWidget(self.measure, 0, Qt.AlignmentFlag.AlignLeft)
        below.addWidget(self.answer)
        layout.addLayout(below)
        self._measured: Experiment | None = None
        self.running = False
        """While a run trains, a measurement would disturb it and be wrong."""
        self.refresh()

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        self.form.refresh()
        experiment = self._draft.experiment()
        if self._measured is not None and experiment != self._measured:
            self._measured = None
            self._worker.cancel(SPEED)
            self.answer.hide()
        privacy = experiment.training.privacy if experiment is not None else None
        self.cautions.setVisible(privacy is not None)
        self.cautions.setText("\n".join(privacy.cautions if privacy is not None else ()))
        self.refresh_measure()

    def refresh_measure(self) -> None:
        """Whether there is something to measure."""
        experiment = self._draft.experiment()
        ready = experiment is not None and self._data.family() is not None and not self._data.misfit()[1]
        self.measure.setEnabled(ready and not self.running and not self._worker.waits_for(SPEED))

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path in this part."""
        return self.form.widget_of(path)

    @Slot()
    def _measure(self) -> None:
        experiment, family = self._draft.experiment(), self._data.family()
        if experiment is None or family is None:
            return
        self._measured = experiment
        self._say("Measuring…", theme.muted())

        def job(progress: Callable[[float, str], None]) -> Speed:
            return _time(experiment, family, progress)

        self._worker.submit(SPEED, "Measuring speed", job, weakly(self._take), weakly(self._refuse))
        self.refresh()

    def _take(self, speed: Speed) -> None:
        seconds = max(1.0, speed.seconds)
        self._say(
            f"About {duration(seconds)} of training for {plural(speed.runs, 'run')} on {speed.device}; "
            f"slowest: {speed.slowest}. Evaluation comes on top.",
            theme.muted(),
        )
        self.refresh()

    def _refuse(self, error: Exception) -> None:
        self._say(in_words(error), theme.wrong())
        self.refresh()

    def _say(self, text: str, colour: str) -> None:
        self.answer.setText(text)
        self.answer.setStyleSheet(f"color: {colour};")
        self.answer.show()


def _time(experiment: Experiment, family: TaskFamily, progress: Callable[[float, str], None]) -> Speed:
    from workbench.engine.trainer import Trainer

    seeds = experiment.training.seeds
    total, device, slowest, worst = 0.0, "", "none", -1.0
    for number, config in enumerate(experiment.algorithm):
        name = config.label or config.name
        progress(number / len(experiment.algorithm), f"Measuring {name}")
        trainer = Trainer(experiment, config, seeds[0], family)
        device = str(trainer.device) + (f" × {trainer.plan.threads}" if trainer.device.type == "cpu" else "")
        if not trainer.iterations:
            continue
        times = trainer.time_steps(_SECONDS)
        seconds = sum(times) / len(times) * trainer.iterations
        total += seconds * len(seeds)
        if seconds > worst:
            worst, slowest = seconds, f"{name}, {len(times) / sum(times):.3g} meta-iterations/s"
    return Speed(total, len(experiment.algorithm) * len(seeds), device, slowest)
