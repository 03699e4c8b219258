"""What is learned from: the task family, its parameters, a sample episode and the network."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.config import SPLITS, NetworkConfig
from workbench.gui import theme
from workbench.gui.plain import Label, set_tip
from workbench.gui.setup.collapsible import Collapsible
from workbench.gui.setup.data_facts import DataFacts, muted_label
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import ChoiceField
from workbench.gui.setup.form import Form
from workbench.gui.setup.preview import EpisodeView, caption
from workbench.gui.setup.row import GUTTER
from workbench.gui.setup.samples import Sample
from workbench.gui.setup.task_data import OPEN, TaskData
from workbench.gui.worker import Worker


class TaskPanel(QWidget):
    """The part *Task* of the setup."""

    import_asked = Signal()

    def __init__(self, edits: Edits, data: TaskData, worker: Worker) -> None:
        super().__init__()
        from workbench.tasks import FAMILIES

        self._edits, self._data, self._draft = edits, data, edits.draft
        self._summaries = {name: each.summary for name, each in FAMILIES.items()}
        self.family = ChoiceField([(each.title, name) for name, each in FAMILIES.items()])
        self.family.setObjectName("task_family")
        self.family.setAccessibleName("Task family")
        self.family.edited.connect(self._choose_family)
        self.import_button = QPushButton("Import data…")
        self.import_button.setObjectName("import_data")
        set_tip(
            self.import_button,
            "Use your own images, texts or functions (or drop a file or a folder onto this panel)",
        )
        self.import_button.clicked.connect(self.import_asked)
        self.summary = muted_label("")
        self.form: Form | None = None
        self._form_place = QVBoxLayout()
        self.network = NetworkPart(edits)
        self._network_group = Collapsible("Network", "group_network", self.network, opened=False)

        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 6)
        self._layout.setSpacing(5)
        top = QHBoxLayout()
        top.setContentsMargins(GUTTER + 4, 0, 0, 0)
        top.addWidget(self.family, 1)
        top.addWidget(self.import_button)
        self._layout.addLayout(top)
        self.summary.setContentsMargins(GUTTER + 4, 0, 0, 0)
        self._layout.addWidget(self.summary)
        self._layout.addLayout(self._form_place)
        self._build_preview(worker)
        self._layout.addWidget(self._network_group)
        data.changed.connect(self.refresh_data)
        data.drawn.connect(self._show_sample)
        self._form_of = self._picture_of = ""
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
        self.progress.setAccessibleName("Progress of opening the data")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(5)
        self.progress.hide()
        self.split = ChoiceField([(f"{split} split", split) for split in SPLITS])
        self.split.setObjectName("preview_split")
        self.split.setAccessibleName("Split of the sample episode")
        set_tip(self.split, "The split that the sample episode is drawn from")
        self.split.edited.connect(self._choose_split)
        self.another = QPushButton("Draw another")
        self.another.setObjectName("draw_another")
        set_tip(self.another, "Draw another sample episode from this split")
        self.another.clicked.connect(self._draw_another)
        below = QHBoxLayout()
        below.addWidget(self.split, 1)
        below.addWidget(self.another)
        self.facts = DataFacts()
        for widget in (self.picture, self.progress):
            layout.addWidget(widget)
        layout.addLayout(below)
        layout.addWidget(self.facts)
        self._layout.addWidget(body)
        worker.progressed.connect(self._show_progress)

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        family = self._draft.value("task.family")
        self.family.show_value(family, settled=True)
        self.summary.setText(self._summaries.get(family, ""))
        set_tip(self.family, self.summary.text())
        if self._form_of != family:
            self._form_of = family
            if self.form is not None:
                self._form_place.removeWidget(self.form)
                self.form.hide()
                self.form.deleteLater()
            self.form = Form(self._edits, "task", self._draft.task_class())
            self._form_place.addWidget(self.form)
            self.form.show()  # at once, so that a field of it can have the focus
        assert self.form is not None
        self.form.refresh()
        self.network.refresh()
        self._network_group.set_title(f"Network: {self.network.title}")

    @Slot()
    def refresh_data(self) -> None:
        """Bring the picture and the summary up to date with the data."""
        opened, error = self._data.opened, self._data.error
        drawable = opened is not None and not self._data.opening
        self.another.setEnabled(drawable or bool(error))
        self.another.setText("Try again" if error else "Draw another")
        self.split.setEnabled(drawable)
        self.progress.setVisible(self._data.opening)
        if self._data.opening:
            self.progress.setRange(0, 0)
            if self.picture.sample is None or self._picture_of != self._form_of:
                self.picture.set_hint("Opening the data…")
        elif error:
            self.picture.set_hint(error, wrong=True)
        elif opened is None:
            self.picture.set_hint("The sample episode appears here once the task is complete")
        self.facts.show_data(opened)

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path in this part."""
        if path == "network" or path.startswith("network."):
            self._network_group.set_opened(True)
            return self.network.widget_of(path)
        if path in ("task", "task.family"):
            return self.family
        return self.form.widget_of(path) if self.form is not None and path.startswith("task.") else None

    @Slot(str, float, str)
    def _show_progress(self, key: str, done: float, text: str) -> None:
        if key == OPEN and self._data.opening:
            self.progress.setRange(0, 0 if done <= 0 else 1000)
            self.progress.setValue(round(done * 1000))
            if self.picture.sample is None:
                self.picture.set_hint(f"{text}…")

    @Slot(object)
    def _show_sample(self, sample: Any) -> None:
        self._picture_of = self._form_of
        if isinstance(sample, Sample):
            self.picture.set_sample(sample)
            set_tip(self.picture, caption(sample))
        else:
            self.picture.set_hint(str(sample), wrong=True)

    @Slot(object)
    def _choose_family(self, family: Any) -> None:
        title = self.family.currentText()
        self._edits.set("task.family", family, text=f"Change task family to {title}")

    @Slot(object)
    def _choose_split(self, split: Any) -> None:
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
        from workbench.networks import NETWORKS

        self._edits, self._draft, self._networks = edits, edits.draft, NETWORKS
        self.kind = ChoiceField([(each.title, name) for name, each in NETWORKS.items()])
        self.kind.setObjectName("field_network.kind")
        self.kind.setAccessibleName("Network")
        self.kind.edited.connect(self._choose)
        self.summary = muted_label("")
        self.message = Label()
        self.message.setWordWrap(True)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        for widget in (self.kind, self.summary, self.message):
            inside = QHBoxLayout()
            inside.setContentsMargins(GUTTER + 4, 0, 0, 0)
            inside.addWidget(widget)
            self._layout.addLayout(inside)
        self._form: Form | None = None
        self._form_of = ""

    @property
    def title(self) -> str:
        """Of the present network."""
        kind = self._draft.value("network.kind")
        return self._networks[kind].title if kind in self._networks else str(kind)

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        kind = self._draft.value("network.kind")
        self.kind.show_value(kind, settled=True)
        follows = "" if self._draft.is_set("network.kind") else " The task family's default."
        summary = self._networks[kind].summary if kind in self._networks else ""
        self.summary.setText(summary + follows)
        set_tip(self.kind, self.summary.text())
        wrong = self._draft.complaints().get("network.kind", "")
        self.message.setText(wrong)
        self.message.setVisible(bool(wrong))
        self.message.setStyleSheet(f"color: {theme.wrong()};")
        if kind != self._form_of and kind in NetworkConfig.kinds:
            self._form_of = kind
            if self._form is not None:
                self._form.hide()
                self._form.deleteLater()
            self._form = Form(self._edits, "network", NetworkConfig.kinds[kind])
            self._layout.addWidget(self._form)
            self._form.show()
        if self._form is not None:
            self._form.refresh()

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path in this part."""
        return (self._form.widget_of(path) if self._form is not None else None) or self.kind

    @Slot(object)
    def _choose(self, kind: Any) -> None:
        self._edits.set("network.kind", kind, text=f"Change network to {self.kind.currentText()}")
