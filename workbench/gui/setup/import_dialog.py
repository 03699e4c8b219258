"""Import data: a folder or a zip of images becomes the task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QIcon, QImage, QPixmap, QUndoStack
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.config import SPLITS, TaskConfig
from workbench.errors import InputError
from workbench.gui import theme
from workbench.gui.setup.draft import Draft
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.gui.setup.image_listing import THUMBNAIL, Listing, check_fit, divided, look_into
from workbench.gui.setup.task_data import in_words
from workbench.gui.weakly import weakly
from workbench.gui.worker import Worker

LOOK = "import"
DEBOUNCE_MS = 300
FAMILY = "images"
_DRAWN, _BY_GROUP, _BY_CLASS = range(3)
_LEFT_OUT = "left out"


class ImportDialog(QDialog):
    """Looks at what is in a folder or a zip, and asks how to use it.

    It edits a draft of its own; accepting makes its task the one of the setup, as one command.

    Parameters
    ----------
    edits : of the setup.
    path : the folder or zip to begin with; may be empty.
    """

    def __init__(self, edits: Edits, worker: Worker, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("import_dialog")
        self.setWindowTitle("Import data")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._edits, self._worker = edits, worker
        self.draft = Draft(self)
        self.draft.assume(edits.draft.with_value("task.family", FAMILY))
        if path and path != self.draft.value("task.path"):
            self.draft.set("task.path", path)
            self.draft.unset("task.split")
        own = Edits(self.draft, QUndoStack(self), self)
        section = TaskConfig.kinds[FAMILY]
        self.listing: Listing | None = None
        self._error = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._look)

        names = ("path",)
        self._path = Form(own, "task", section, names=names)
        self._sizes = Form(own, "task", section, names=("ways", "shots", "queries"))
        self._images = Form(own, "task", section, names=("size", "channels", "invert", "rotations"))
        split_section = type(section.model_fields["split"].default)
        self._drawn = Form(own, "task.split", split_section, names=("fractions", "seed", "by"))
        self.found = QLabel()
        self.found.setObjectName("import_found")
        self.found.setWordWrap(True)
        self.pictures = QListWidget()
        self.pictures.setObjectName("import_samples")
        self.pictures.setAccessibleName("Sample images")
        self.pictures.setToolTip("One image of some of the classes")
        self.pictures.setViewMode(QListWidget.ViewMode.IconMode)
        self.pictures.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
        self.pictures.setFixedHeight(THUMBNAIL + 14)
        self.pictures.setWrapping(False)
        self.pictures.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.pictures.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pictures.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.error = QLabel()
        self.error.setObjectName("import_error")
        self.error.setWordWrap(True)
        self._build()
        self.draft.changed.connect(self._changed)
        self._sought = ""
        self._changed()

    def _build(self) -> None:
        self.mode = QComboBox()
        self.mode.setObjectName("import_split_mode")
        self.mode.setAccessibleName("How to split")
        self.mode.setToolTip("How classes are divided into meta-training, meta-validation and meta-test")
        self.mode.addItems(["Split drawn by seed", "Split by group", "Split by class"])
        self.mode.activated.connect(self._choose_mode)
        self.units = QTreeWidget()
        self.units.setObjectName("import_units")
        self.units.setAccessibleName("Groups or classes and their splits")
        self.units.setToolTip("Select some, then press a button below to put them into a split")
        self.units.setHeaderLabels(["Name", "Split"])
        self.units.setRootIsDecorated(False)
        self.units.setUniformRowHeights(True)
        self.units.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.units.setColumnWidth(0, 190)
        self._named = QWidget()
        named = QVBoxLayout(self._named)
        named.setContentsMargins(0, 0, 0, 0)
        named.addWidget(self.units)
        buttons = QHBoxLayout()
        self._targets = QButtonGroup(self)
        for number, name in enumerate((*SPLITS, _LEFT_OUT)):
            button = QPushButton(f"&{name.capitalize()}")
            button.setObjectName(f"import_to_{name.replace(' ', '_')}")
            button.setToolTip(f"Put what is selected into: {name}")
            self._targets.addButton(button, number)
            buttons.addWidget(button)
        self._targets.idClicked.connect(self._assign)
        named.addLayout(buttons)
        self.box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.box.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setObjectName("import_accept")
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)

        layout = QVBoxLayout(self)
        layout.addWidget(self._path)
        layout.addWidget(self.found)
        layout.addWidget(self.pictures)
        middle = QGridLayout()
        middle.setHorizontalSpacing(16)
        left = QVBoxLayout()
        left.addWidget(self._images)
        left.addWidget(self._sizes)
        left.addStretch(1)
        right = QVBoxLayout()
        right.addWidget(self.mode)
        right.addWidget(self._drawn)
        right.addWidget(self._named, 1)
        right.addStretch(0)
        middle.addLayout(left, 0, 0)
        middle.addLayout(right, 0, 1)
        middle.setColumnStretch(0, 1)
        middle.setColumnStretch(1, 1)
        layout.addLayout(middle, 1)
        layout.addWidget(self.error)
        layout.addWidget(self.box)
        self.resize(660, 520)

    def accept(self) -> None:
        """Make it the task of the setup."""
        if not self.accept_button.isEnabled():
            return
        task = self.draft.table()["task"]
        task["path"] = str(Path(task["path"]).expanduser().absolute())
        name = Path(task["path"]).name
        self._edits.do(f"Import {name}", "task.path", self._edits.draft.with_task(task))
        super().accept()

    def done(self, result: int) -> None:
        self._timer.stop()
        self._worker.cancel(LOOK)
        super().done(result)

    # --- what is in the data -----------------------------------------------------------------------

    @Slot()
    def _changed(self) -> None:
        path = str(self.draft.value("task.path") or "")
        if path != self._sought:
            self._sought, self.listing, self._error = path, None, ""
            self._worker.cancel(LOOK)
            self._timer.start()
        self._refresh()

    @Slot()
    def _look(self) -> None:
        path = self._sought
        if not path:
            return

        def job(progress: Callable[[float, str], None]) -> Listing:
            return look_into(str(Path(path).expanduser()), progress)

        self._worker.submit(LOOK, "Looking into the data", job, weakly(self._take), weakly(self._refuse))

    def _take(self, listing: Listing) -> None:
        self.listing = listing
        self.pictures.clear()
        for name, width, height, data in listing.pictures:
            image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            item = QListWidgetItem(QIcon(QPixmap.fromImage(image)), "")
            item.setToolTip(name)
            self.pictures.addItem(item)
        grouped = len(listing.units(True)) < len(listing.names)
        model: Any = self.mode.model()
        model.item(_BY_GROUP).setEnabled(grouped)
        self._show_mode(self._mode_of_draft())
        self._refresh()

    def _refuse(self, error: Exception) -> None:
        self.listing, self._error = None, in_words(error)
        self.pictures.clear()
        self._refresh()

    # --- the split ---------------------------------------------------------------------------------

    def _mode_of_draft(self) -> int:
        names = self.draft.value("task.split.train")
        if not isinstance(names, list) or self.listing is None:
            return _DRAWN
        return _BY_GROUP if set(names) <= set(self.listing.units(True)) else _BY_CLASS

    @Slot(int)
    def _choose_mode(self, mode: int) -> None:
        config = self.draft.task_config()
        if mode == _DRAWN or self.listing is None or config is None:
            self.draft.unset("task.split")
            self._show_mode(_DRAWN)
            return
        listing = self.listing
        try:
            members = divided(listing, config)
        except InputError:  # an impossible split: begin with nothing
            members = {}
        owner = {index: split for split, indices in members.items() for index in indices}
        whole = mode == _BY_GROUP
        lists: dict[str, list[str]] = {split: [] for split in SPLITS}
        for index, (name, group) in enumerate(zip(listing.names, listing.groups, strict=True)):
            unit = (group or name) if whole else name
            split = owner.get(index)
            if split is not None and not any(unit in each for each in lists.values()):
                lists[split].append(unit)
        self.draft.set("task.split", lists)
        self._show_mode(mode)

    def _show_mode(self, mode: int) -> None:
        self.mode.setCurrentIndex(mode)
        self._drawn.setVisible(mode == _DRAWN)
        self._named.setVisible(mode != _DRAWN)
        self.units.clear()
        if mode == _DRAWN or self.listing is None:
            return
        split = self.draft.value("task.split") or {}
        owner = {name: part for part in SPLITS for name in split.get(part, ())}
        for unit, classes in self.listing.units(mode == _BY_GROUP).items():
            text = f"{unit} ({classes} classes)" if mode == _BY_GROUP else unit
            item = QTreeWidgetItem(self.units, [text, owner.get(unit, _LEFT_OUT)])
            item.setData(0, Qt.ItemDataRole.UserRole, unit)

    @Slot(int)
    def _assign(self, target: int) -> None:
        for item in self.units.selectedItems():
            item.setText(1, (*SPLITS, _LEFT_OUT)[target])
        lists: dict[str, list[str]] = {part: [] for part in SPLITS}
        for index in range(self.units.topLevelItemCount()):
            unit = self.units.topLevelItem(index)
            if unit is not None and unit.text(1) in lists:
                lists[unit.text(1)].append(str(unit.data(0, Qt.ItemDataRole.UserRole)))
        self.draft.set("task.split", lists)

    # --- what is wrong -----------------------------------------------------------------------------

    def _refresh(self) -> None:
        for form in (self._path, self._sizes, self._images, self._drawn):
            form.refresh()
        wrong, classes = self._wrong()
        if self.listing is not None:
            self.found.setText(self.listing.summary())
        elif self._sought and not self._error:
            self.found.setText("Looking into the data…")
        else:
            self.found.setText(
                "A zip or a folder with a folder of images for each class, or groups of class folders."
            )
        self.error.setText(wrong or classes)
        self.error.setStyleSheet(f"color: {theme.wrong() if wrong else theme.muted()};")
        self.accept_button.setEnabled(self.listing is not None and not wrong)

    def _wrong(self) -> tuple[str, str]:
        """What is wrong, or how many classes each split has."""
        if self._error:
            return self._error, ""
        for path, message in self.draft.complaints().items():
            if path.startswith("task") and self._sought:
                return f"{self.draft.describe(path)}: {message}", ""
        config = self.draft.task_config()
        if self.listing is None or config is None:
            return "", ""
        try:
            counts = check_fit(self.listing, config)
        except InputError as error:
            return str(error), ""
        return "", "Classes: " + ", ".join(f"{split} {count}" for split, count in counts.items())
