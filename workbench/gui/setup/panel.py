"""The Setup panel: everything that an experiment needs, and why it cannot run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QResizeEvent,
    QUndoStack,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from workbench.config import Experiment
from workbench.data import registry
from workbench.gui import theme
from workbench.gui.plain import Label, set_tip
from workbench.gui.setup.algorithm_panel import AlgorithmPanel
from workbench.gui.setup.cost_line import CostLine
from workbench.gui.setup.draft import ALGORITHM, FAMILY, NAME, Draft
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.gui.setup.import_dialog import OWN_DATA, PATH, ImportDialog
from workbench.gui.setup.line_field import LineField
from workbench.gui.setup.sweep_panel import SweepPanel
from workbench.gui.setup.task_data import TaskData
from workbench.gui.setup.task_panel import TaskPanel
from workbench.gui.setup.training_panel import TrainingPanel
from workbench.gui.setup.widgets import Collapsible, Reason, order_tabs
from workbench.gui.worker import Worker
from workbench.settings import Path as Place
from workbench.settings import fields_of
from workbench.settings.draft import Table
from workbench.words import plural, tr

if TYPE_CHECKING:
    from workbench.tasks import TaskFamily


SUMMARISED = ("training", "iterations"), ("evaluation", "episodes"), ("evaluation", "inner_steps")
TWO_COLUMNS = 620
"""Pixels from which Task and Algorithms stand beside Training and Evaluation."""


class Part(Protocol):
    """What the panel asks of its parts; widgets."""

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""

    def widget_of(self, path: Place) -> QWidget | None:
        """The widget of a path, made visible."""


class SetupPanel(QWidget):
    """What to compare, on what, and how; shows and edits a :class:`Draft`.

    Parameters
    ----------
    draft : what is set up.
    undo : takes every change by the person.
    worker : opens data and draws sample episodes.

    Attributes
    ----------
    get_asked : published data is wanted.
    status_changed : whether it can run, or how many runs it makes, is another one.
    """

    get_asked = Signal()
    status_changed = Signal()

    def __init__(self, draft: Draft, undo: QUndoStack, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draft, self._worker = draft, worker
        self.edits = Edits(draft, undo, self)
        self.data = TaskData(draft, worker, self)
        self._ready = self._running = False
        self._read_only = ""
        self._saved: dict[str, object] = {}
        self._sections: dict[str, Collapsible] = {}
        self._import: ImportDialog | None = None
        self._reason_path: Place = ()
        self._shown: QWidget = self

        self._pages = QStackedWidget()
        self._pages.addWidget(_loading())
        self._told: tuple[str, str] = "", ""
        self.run_reason = Reason()
        self.run_reason.setObjectName("run_reason")
        self.run_reason.clicked.connect(self._jump_to_reason)
        self.cost = CostLine(draft, self.data, worker)
        self.cost.changed.connect(self._summarise)
        self.cost.wanted.connect(self._give_lengths)
        bottom = QVBoxLayout()
        bottom.setContentsMargins(8, 6, 8, 8)
        bottom.setSpacing(4)
        bottom.addWidget(self.run_reason)
        bottom.addWidget(self.cost)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages, 1)
        layout.addLayout(bottom)
        self.setAcceptDrops(True)
        self.setMinimumWidth(280)
        self._theme = theme.ThemeWatch(self)
        self._theme.changed.connect(self._refresh)
        self._refresh_run()

    # --- for the window ----------------------------------------------------------------------------

    @Slot()
    def engine_ready(self) -> None:
        """PyTorch and the catalogue of algorithms are loaded: show the forms."""
        if self._ready:
            return
        self._ready = True
        self._build()
        self.draft.changed.connect(self._refresh)
        self.draft.shown.connect(self.show_field)
        self.data.changed.connect(self._refresh_run)
        self.restore(self._saved)
        self._refresh()

    def family(self) -> TaskFamily | None:
        """The task family of the draft, if its data is open."""
        return self.data.family() if self._ready else None

    def reopen_data(self) -> None:
        """Read the task's data anew: its files may have changed."""
        if self._ready:
            self.data.reopen()

    def load(self, source: Experiment, text: str = "") -> None:
        """Take over an experiment, undoably."""
        self.edits.do(text or tr("Load experiment"), NAME, self.draft.loaded(source))

    def set_read_only(self, reason: str) -> None:
        """Forbid changes and runs, and say why; an empty reason allows them."""
        self._read_only = reason
        if self._ready:
            self._body.setEnabled(not reason)
        self._refresh_run()

    def set_running(self, running: bool) -> None:
        """A run trains, or none does: what runs take is not measured meanwhile."""
        self._running = running
        self._refresh_run()

    def state(self) -> dict[str, object]:
        """Which parts are open (JSON types)."""
        if not self._ready:
            return self._saved
        return {"opened": [name for name, section in self._sections.items() if section.opened]}

    def restore(self, state: dict[str, object]) -> None:
        """Open the parts that were open."""
        self._saved = state
        opened = state.get("opened") if isinstance(state, dict) else None
        if isinstance(opened, list):
            for name, section in self._sections.items():
                section.set_opened(name in opened)

    def can_run(self) -> bool:
        """Whether Run is enabled."""
        return not self.why_not()

    def why_not(self) -> str:
        """Why Run is not possible; empty if it is."""
        return self._why_not()[1]

    def count(self) -> int:
        """How many runs there will be."""
        algorithms, seeds = self._counts()
        return algorithms * seeds + sum(self.trials())

    def trials(self) -> tuple[int, ...]:
        """Of a sweep, those of each algorithm; empty without one."""
        experiment = self.draft.experiment() if self._ready and self.draft.ranges() else None
        if experiment is None or experiment.sweep is None:
            return ()
        from workbench.runs.sweeping import proposers

        return tuple(each.trials for each in proposers(experiment, -1))

    def counted(self) -> str:
        """The same in words: ``3 algorithms × 3 seeds = 9 runs``."""
        algorithms, seeds = self._counts()
        parts = plural(algorithms, "algorithm"), plural(seeds, "seed")
        tried = f"{plural(trials, 'trial')} + " if (trials := sum(self.trials())) else ""
        return f"{tried}{' × '.join(parts)} = {plural(algorithms * seeds + trials, 'run')}"

    def import_path(self, path: str | Path) -> None:
        """Ask how to use a folder or a file of data, and use it."""
        if self._ready and not self._read_only:
            self._open_import(str(path))

    def use_registered(self, name: str) -> None:
        """Make a set that was imported earlier the task.

        Raises
        ------
        DataError
            If there is none of that name.
        """
        if not self._ready or self._read_only:
            return
        kind = registry.manifest_of(name).kind
        self._use(name, self.draft.with_source({"family": kind, "dataset": name}))

    def use_published(self, task: Mapping[str, object], name: str) -> None:
        """Make a published set the task; of another family than the present one, it begins an experiment.

        Parameters
        ----------
        task : as under ``[task]``.
        name : what the set is called.
        """
        if self._ready and not self._read_only:
            alike = task["family"] == self.draft.value(FAMILY)
            self._use(name, self.draft.with_source(task) if alike else self.draft.begun_with(task, name))

    def _use(self, name: str, after: Table) -> None:
        self.edits.do(tr("Use {}", name), ("task", "dataset"), after)
        self.data.reopen()

    @Slot(object)
    def show_field(self, path: Place) -> None:
        """Bring the field of a path into view, and the focus to it."""
        if not self._ready:
            return
        name = "task" if path[0] == "network" else str(path[0])
        section = self._sections.get(name)
        widget: QWidget | None = self._name if section is None else None
        if section is not None:
            section.set_opened(True)
            widget = self._parts[name].widget_of(path)
        if widget is not None:
            widget.setFocus(Qt.FocusReason.OtherFocusReason)
            if isinstance(widget, QLineEdit):
                widget.selectAll()
            self._shown = widget
            QTimer.singleShot(0, self._scroll_to_shown)  # once the layout knows where it is

    # --- inside ------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._task = TaskPanel(self.edits, self.data, self._worker)
        self._task.import_asked.connect(self._ask_import)
        self._task.get_asked.connect(self.get_asked)
        self._algorithms = AlgorithmPanel(self.edits)
        self._training = TrainingPanel(self.edits)
        self._evaluation = Form(self.edits, ("evaluation",))
        self._evaluation.setContentsMargins(0, 0, 0, 6)
        self._parts: dict[str, Part] = {
            "task": self._task,
            "algorithm": self._algorithms,
            "training": self._training,
            "evaluation": self._evaluation,
            "sweep": SweepPanel(self.edits),
        }
        self._name = LineField(fields_of(Experiment)["name"], "Experiment.name")
        self._name.setObjectName("field_name")
        self._name.setAccessibleName(tr("Name of the experiment"))
        set_tip(self._name, tr("Name of the experiment: shown in tables and charts"))
        self._name.edited.connect(self._rename)
        self._name.finished.connect(self.edits.finish)
        self._body = QWidget()
        layout = QVBoxLayout(self._body)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self._name)
        self._columns = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._columns.setSpacing(16)
        columns = QVBoxLayout(), QVBoxLayout()
        for name, title in (
            ("task", tr("Task")),
            ("algorithm", tr("Algorithms")),
            ("training", tr("Training")),
            ("evaluation", tr("Evaluation")),
            ("sweep", tr("Sweep")),
        ):
            part = self._parts[name]
            assert isinstance(part, QWidget)
            section = Collapsible(title, f"section_{name}", part, strong=True, opened=name != "evaluation")
            self._sections[name] = section
            columns[name in ("training", "evaluation", "sweep")].addWidget(section)
        for column in columns:
            column.setSpacing(6)
            self._columns.addLayout(column, 1)
            column.addStretch(1)
        layout.addLayout(self._columns)
        layout.addStretch(1)
        self._body.setEnabled(not self._read_only)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("setup_scroll")
        self._scroll.setAccessibleName(tr("Setup"))
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._body)
        self._pages.addWidget(self._scroll)
        self._pages.setCurrentWidget(self._scroll)
        self._set_columns()

    @Slot()
    def _refresh(self) -> None:
        if not self._ready:
            return
        self._name.show_value(self.draft.value(NAME), settled=not self._name.hasFocus())
        self._name.set_bad(NAME in self.draft.complaints())
        for part in self._parts.values():
            part.refresh()
        self._sections["sweep"].setVisible(bool(self.draft.ranges()))
        order_tabs(self._body)
        self.data.follow()
        self._refresh_run()

    @Slot()
    def _refresh_run(self) -> None:
        self._reason_path, reason = self._why_not()
        self.run_reason.say(reason, linked=bool(self._reason_path))
        if self._told != (told := (self.counted(), reason)):
            self._told = told
            self.status_changed.emit()
        if self._ready:
            self.cost.refresh(running=self._running)
            self._summarise()

    @Slot(list)
    def _give_lengths(self, lengths: list[int | None]) -> None:
        """Train each ticked algorithm for so many meta-iterations, as one change."""
        draft, after = self.edits.draft, self.edits.draft.state
        for key, length in zip(draft.ticked(), lengths, strict=True):
            if length is not None:
                after = draft.placed(after, ("algorithm", key, "iterations"), length)
        self.edits.do(tr("Equal budgets"), ("algorithm",), after)

    @Slot()
    def _summarise(self) -> None:
        """Say beside each heading what is in its part."""
        _, seeds = self._counts()
        iterations, episodes, steps = (_read(self.draft.value(each)) for each in SUMMARISED)
        for name, text in (
            ("task", self._task.summary),
            ("algorithm", self._algorithms.summary),
            ("training", self.cost.short or tr("{} iterations × {}", iterations, plural(seeds, "seed"))),
            ("evaluation", tr("{} tasks, {} steps", episodes, steps)),
            ("sweep", plural(len(self.draft.ranges()), "setting")),
        ):
            self._sections[name].set_summary(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._ready:
            self._set_columns()

    def _set_columns(self) -> None:
        """Two columns where there is room for both."""
        directions = QBoxLayout.Direction
        wide = self.width() >= TWO_COLUMNS
        self._columns.setDirection(directions.LeftToRight if wide else directions.TopToBottom)
        for column in range(2):
            self._columns.setStretch(column, int(wide))

    def _counts(self) -> tuple[int, int]:
        if not self._ready:
            return 0, 0
        seeds = self.draft.value(("training", "seeds"))
        return len(self.draft.ticked()), len(seeds) if isinstance(seeds, list) else 0

    def _why_not(self) -> tuple[Place, str]:
        """The path to go to and the reason why Run is not possible; empty if it is."""
        if not self._ready:
            return (), tr("Loading PyTorch…")
        if self._read_only:
            return (), self._read_only
        for path, message in self.draft.complaints().items():
            if path == ALGORITHM:
                return path, message[:1].upper() + message[1:]
            what = self.draft.describe(path)
            return path, f"{what[:1].upper()}{what[1:]}: {message}"
        if self.data.error:
            return ("task",), self.data.error
        path, message = self.data.misfit()
        if message:
            return path, message
        return (), "" if self.data.family() is not None else tr("Opening the data…")

    @Slot()
    def _jump_to_reason(self) -> None:
        if self._reason_path:
            self.show_field(self._reason_path)

    @Slot()
    def _scroll_to_shown(self) -> None:
        self._scroll.ensureWidgetVisible(self._shown, 8, 40)

    @Slot(object)
    def _rename(self, name: object) -> None:
        self.edits.set(NAME, name, typing=True, text=tr("Rename experiment"))

    # --- importing ---------------------------------------------------------------------------------

    @Slot()
    def _ask_import(self) -> None:
        path = self.draft.value(PATH) if self.draft.value(FAMILY) in OWN_DATA else ""
        self._open_import(str(path or ""))

    def _open_import(self, path: str) -> None:
        if self._import is not None:
            self._import.close()
        self._import = ImportDialog(self.edits, self._worker, path, self)
        self._import.finished.connect(self._forget_import)
        self._import.show()  # not modal: runs go on, and can be stopped

    @Slot(int)
    def _forget_import(self, result: int) -> None:
        self._import = None
        if result:
            self.data.reopen()  # a set may have been replaced under the name that is open

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _dropped(event)
        if path:
            event.acceptProposedAction()
            self.import_path(path)


def _read(value: object) -> str:
    """A number as it is read: ``10,000``."""
    return f"{value:,}" if isinstance(value, int) else "–"


def _loading() -> QWidget:
    page = QWidget()
    text = Label(tr("Loading PyTorch…"))
    text.setAlignment(Qt.AlignmentFlag.AlignCenter)
    bar = QProgressBar()
    bar.setRange(0, 0)
    bar.setTextVisible(False)
    bar.setFixedHeight(5)
    bar.setAccessibleName(tr("Loading PyTorch"))
    layout = QVBoxLayout(page)
    layout.setContentsMargins(40, 0, 40, 0)
    layout.addStretch(1)
    layout.addWidget(text)
    layout.addWidget(bar)
    layout.addStretch(2)
    return page


DATA_FILES = (".zip", ".npz", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")


def _dropped(event: QDropEvent) -> str:
    """The folder or data file that is dropped; empty for anything else."""
    urls = event.mimeData().urls()
    path = urls[0].toLocalFile() if len(urls) == 1 else ""
    return path if path and (Path(path).is_dir() or path.lower().endswith(DATA_FILES)) else ""
