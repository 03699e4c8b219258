"""What is learned from: the task family, its parameters, a sample episode and the network."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.config import SPLITS, Split
from workbench.gui.plain import set_tip
from workbench.gui.setup.data_facts import DataFacts
from workbench.gui.setup.draft import FAMILY
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import ChoiceField
from workbench.gui.setup.form import Form
from workbench.gui.setup.import_dialog import OWN_DATA
from workbench.gui.setup.kinds import KindPart
from workbench.gui.setup.preview import EpisodeView
from workbench.gui.setup.row import GUTTER
from workbench.gui.setup.samples import Sample
from workbench.gui.setup.task_data import OPEN, TaskData
from workbench.gui.setup.widgets import Collapsible, stack
from workbench.gui.worker import Worker
from workbench.settings import Path
from workbench.words import tr


class TaskPanel(QWidget):
    """The part *Task* of the setup."""

    import_asked = Signal()
    get_asked = Signal()

    def __init__(self, edits: Edits, data: TaskData, worker: Worker) -> None:
        super().__init__()
        self._data, self._draft = data, edits.draft
        self.import_button = QPushButton(tr("Import data…"))
        self.import_button.setObjectName("import_data")
        set_tip(
            self.import_button,
            tr("Use your own images, texts or functions (or drop a file or a folder onto this panel)"),
        )
        self.import_button.clicked.connect(self.import_asked)
        self.family = KindPart(edits, FAMILY[:1], tr("Task family"), self.import_button)
        self.family.choice.setObjectName("task_family")
        self.get_button = QPushButton(tr("Get published data…"))
        self.get_button.setObjectName("get_data")
        set_tip(self.get_button, tr("Omniglot, CLINC-150, MedMNIST and others, by name"))
        self.get_button.clicked.connect(self.get_asked)
        self.form = Form(edits, FAMILY[:1])
        self.network = NetworkPart(edits)
        self._network_group = Collapsible(tr("Network"), "group_network", self.network, opened=False)

        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 6)
        self._layout.setSpacing(5)
        self._layout.addWidget(self.family)
        self._layout.addWidget(self.get_button, 0, Qt.AlignmentFlag.AlignRight)
        self._layout.addWidget(self.form)
        self._build_preview(worker)
        self._layout.addWidget(self._network_group)
        data.changed.connect(self.refresh_data)
        data.drawn.connect(self._show_sample)
        self._picture_of = ""
        self.refresh()
        self.refresh_data()

    def _build_preview(self, worker: Worker) -> None:
        body = QWidget()
        body.setContentsMargins(GUTTER + 4, 0, 0, 0)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.picture = EpisodeView()
        self.progress = QProgressBar()
        self.progress.setObjectName("task_progress")
        self.progress.setAccessibleName(tr("Progress of opening the data"))
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(5)
        self.progress.hide()
        kept = self.progress.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(kept)
        self.split = ChoiceField([(tr("{} split", tr(split)), split) for split in SPLITS])
        self.split.setObjectName("preview_split")
        self.split.setAccessibleName(tr("Split of the sample episode"))
        set_tip(self.split, tr("The split that the sample episode is drawn from"))
        self.split.edited.connect(self._choose_split)
        self.another = QPushButton(tr("Draw another"))
        self.another.setObjectName("draw_another")
        set_tip(self.another, tr("Draw another sample episode from this split"))
        self.another.clicked.connect(self._draw_another)
        below = QHBoxLayout()
        below.addWidget(self.split, 1)
        below.addWidget(self.another)
        self.facts = DataFacts()
        for widget in (self.picture, self.progress):
            layout.addWidget(widget)
        layout.addLayout(below)
        self._layout.addWidget(body)
        self._layout.addWidget(Collapsible(tr("About the data"), "group_data", self.facts, opened=False))
        worker.progressed.connect(self._show_progress)

    @property
    def summary(self) -> str:
        """What is learned from, in short: ``Images · omniglot``."""
        return " · ".join(
            filter(None, [self.family.title, str(self._draft.value(("task", "dataset")) or "")])
        )

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        self.family.refresh()
        self.get_button.setVisible(self.family.kind in OWN_DATA)
        self.form.refresh()
        self.network.refresh()
        self._network_group.set_title(tr("Network: {}", self.network.title))

    @Slot()
    def refresh_data(self) -> None:
        """Bring the picture and the summary up to date with the data."""
        opened, error = self._data.opened, self._data.error
        drawable = opened is not None and not self._data.opening
        self.another.setEnabled(drawable or bool(error))
        self.another.setText(tr("Try again") if error else tr("Draw another"))
        self.split.setEnabled(drawable)
        self.progress.setVisible(self._data.opening)
        if self._data.opening:
            self.progress.setRange(0, 0)
            if self.picture.sample is None or self._picture_of != self.family.kind:
                self.picture.set_hint(tr("Opening the data…"))
        elif error:
            self.picture.set_hint(error, wrong=True)
        elif opened is None:
            self.picture.set_hint(tr("The sample episode appears here once the task is complete"))
        if not self._data.opening:  # until then what is there stays
            self.facts.show_data(opened)

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path in this part."""
        if path[0] == "network":
            self._network_group.set_opened(True)
            return self.network.widget_of(path)
        return self.form.widget_of(path) or self.family.choice

    @Slot(str, float, str)
    def _show_progress(self, key: str, done: float, text: str) -> None:
        if key == OPEN and self._data.opening:
            self.progress.setRange(0, 0 if done <= 0 else 1000)
            self.progress.setValue(round(done * 1000))
            if self.picture.sample is None:
                self.picture.set_hint(f"{text}…")

    @Slot(object)
    def _show_sample(self, sample: object) -> None:
        self._picture_of = self.family.kind
        if isinstance(sample, Sample):
            self.picture.set_sample(sample)
            set_tip(self.picture, sample.caption)
        elif sample is None:
            self.picture.set_hint(tr("A task of this kind has no picture"))
        else:
            self.picture.set_hint(str(sample), wrong=True)

    @Slot(object)
    def _choose_split(self, split: Split) -> None:
        self._data.show_split(split)

    @Slot()
    def _draw_another(self) -> None:
        if self._data.error:
            self._data.reopen()
        else:
            self._data.draw_another()


class NetworkPart(QWidget):
    """Which network, and its parameters."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        self._draft = edits.draft
        self._kind = KindPart(edits, ("network",), tr("Network"))
        self._form = Form(edits, ("network",))
        stack(self, self._kind, self._form)

    @property
    def title(self) -> str:
        """Of the present network."""
        return self._kind.title

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        self._kind.refresh(
            "" if self._draft.is_set(("network", "kind")) else tr("The task family's default.")
        )
        self._form.refresh()

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path in this part."""
        return self._form.widget_of(path) or self._kind.choice
