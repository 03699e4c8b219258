"""The task family behind the draft: opened, checked and drawn from in the worker thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.config import Experiment, Split, TaskConfig
from workbench.errors import InputError
from workbench.gui.setup.draft import ALGORITHM, DOMAINS, Draft
from workbench.gui.setup.samples import Sample, draw
from workbench.gui.weakly import weakly
from workbench.gui.worker import Worker
from workbench.settings import Path as Place
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.tasks import TaskFamily
    from workbench.tasks.base import Domain

DEBOUNCE_MS = 250
OPEN, DRAW, CHECK = "task", "task sample", "task check"


@dataclass(frozen=True)
class Opened:
    """A family that could be opened, and what it says of itself; other domains, by what is said of each."""

    config: TaskConfig
    family: TaskFamily
    description: Mapping[str, object]
    data_hash: str
    domains: dict[str, Domain] = field(default_factory=dict)


class TaskData(QObject):
    """Follows the draft: opens its task's data, and keeps the family that is open.

    Attributes
    ----------
    changed : it was opened, closed, found wanting, or work on it began.
    drawn : a sample episode.
    """

    changed = Signal()
    drawn = Signal(object)

    def __init__(self, draft: Draft, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._worker = draft, worker
        self.opened: Opened | None = None
        self.split: Split = "train"
        self.error = ""
        self._misfit: tuple[Place, str] = ((), "")
        self._wanted: TaskConfig | None = None
        self._checked: Experiment | None = None
        self._seed = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._bring_up_to_date)

    @property
    def opening(self) -> bool:
        """Whether the data is yet to be read."""
        return self._wanted is not None and self._current() is None and not self.error

    def family(self) -> TaskFamily | None:
        """The family of the draft's task, if it is open."""
        opened = self.opened
        return opened.family if opened is not None and opened.config == self._draft.task_config() else None

    def _current(self) -> Opened | None:
        """What is open, unless it is the data of a former task."""
        return self.opened if self.opened is not None and self.opened.config == self._wanted else None

    def misfit(self) -> tuple[Place, str]:
        """Why the experiment cannot run with this data: path and words; empty if it can."""
        return self._misfit

    @Slot()
    def follow(self) -> None:
        """The draft may have changed."""
        config = self._draft.task_config()
        if config != self._wanted:
            self._wanted, self.error, self._misfit = config, "", ((), "")
            self._checked = None
            for key in (OPEN, DRAW, CHECK):
                self._worker.cancel(key)
            self.changed.emit()
            self._timer.start()
        elif self._draft.experiment() != self._checked:
            self._timer.start()

    def reopen(self) -> None:
        """Read the data anew: files may have changed."""
        self._wanted = self.opened = None
        self.follow()

    def draw_another(self) -> None:
        """Draw the next sample episode."""
        self._seed += 1
        self._draw()

    def show_split(self, split: Split) -> None:
        """Draw from another split."""
        self.split = split
        self._draw()

    @Slot()
    def _bring_up_to_date(self) -> None:
        if self._current() is not None:
            self._check()
        elif self._wanted is not None and not self.error:
            self.opened = None  # not before: a slip of the pen does not close the data
            self._worker.submit(
                OPEN, tr("Opening the data"), _opener(self._wanted), weakly(self._take), weakly(self._refuse)
            )

    def _take(self, opened: Opened) -> None:
        self.opened = opened
        self.changed.emit()
        self._draw()
        self._check()

    def _refuse(self, error: Exception) -> None:
        self.error = in_words(error)
        self.changed.emit()

    def _draw(self) -> None:
        if self.opened is not None:
            family, split, seed = self.opened.family, self.split, self._seed

            def job(_: Callable[[float, str], None]) -> Sample | None:
                return draw(family, split, seed)

            self._worker.submit(
                DRAW, tr("Drawing an episode"), job, weakly(self._take_sample), weakly(self._refuse_drawing)
            )

    def _take_sample(self, sample: Sample | None) -> None:
        self.drawn.emit(sample)

    def _refuse_drawing(self, error: Exception) -> None:
        self.drawn.emit(in_words(error))

    def _check(self) -> None:
        experiment = self._checked = self._draft.experiment()
        if experiment is None or self.opened is None:
            return
        opened, keys = self.opened, self._draft.present(ALGORITHM)

        def job(progress: Callable[[float, str], None]) -> tuple[Place, str]:
            return _misfit(experiment, opened, keys, progress)

        self._worker.submit(CHECK, tr("Checking"), job, weakly(self._take_check), weakly(self._refuse))

    def _take_check(self, misfit: tuple[Place, str]) -> None:
        if misfit != self._misfit:
            self._misfit = misfit
            self.changed.emit()


def in_words(error: Exception) -> str:
    """An error for people; one that nobody foresaw says what it is."""
    return (
        str(error) if isinstance(error, InputError) else tr("Unexpected {}: {}", type(error).__name__, error)
    )


def _opener(config: TaskConfig) -> Callable[[Callable[[float, str], None]], Opened]:
    def job(progress: Callable[[float, str], None]) -> Opened:
        from workbench.tasks import FAMILIES

        progress(0.0, tr("Opening the data"))
        family = FAMILIES[config.name](config, progress)
        return Opened(config, family, family.describe(), family.data_hash())

    return job


def _misfit(
    experiment: Experiment, opened: Opened, keys: Sequence[str], progress: Callable[[float, str], None]
) -> tuple[Place, str]:
    """Why an experiment, whose algorithms have these keys, cannot run with its data: path and words."""
    from workbench import runs
    from workbench.engine.accounting import PrivacyError
    from workbench.engine.devices import DeviceError
    from workbench.networks.base import NetworkError

    family = opened.family
    try:
        _open_domains(experiment, opened, progress)
        runs.check(experiment, family)
    except NetworkError as error:
        return ("network", "kind"), str(error)
    except DeviceError as error:
        return ("training", "device"), str(error)
    except PrivacyError as error:
        return ("training", "privacy"), str(error)
    except runs.UnableError as error:
        return (*ALGORITHM, keys[error.number]), str(error)
    except runs.DomainError as error:
        return DOMAINS, str(error)
    except InputError as error:
        return ("task",), str(error)
    return (), ""


def _open_domains(experiment: Experiment, opened: Opened, progress: Callable[[float, str], None]) -> None:
    """Open the experiment's other domains, as far as they are not open."""
    from workbench import runs

    known = dict(opened.domains)
    opened.domains.clear()
    for each in experiment.task.domain or ():
        said = each.model_dump_json()
        opened.domains[said] = known.get(said) or runs.open_domain(opened.family, each, progress)
    opened.family.domains = tuple(opened.domains.values())
