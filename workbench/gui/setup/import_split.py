"""How imported classes are divided: as given, drawn by seed, or by hand."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.config import SPLITS
from workbench.errors import InputError
from workbench.gui.plain import set_tip
from workbench.gui.setup.data_listing import Listing, divided
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.words import marked, tr

_DRAWN, _BY_GROUP, _BY_CLASS, _AS_GIVEN = range(4)
SPLIT = ("task", "split")
_LEFT_OUT = marked("left out")


class SplitPart(QWidget):
    """Edits ``task.split`` of a draft for the classes of a listing."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        self._draft = edits.draft
        self.listing: Listing | None = None
        self.drawn = Form(edits, SPLIT, names=("fractions", "seed", "by", "folds"))
        self.mode = QComboBox()
        self.mode.setObjectName("import_split_mode")
        self.mode.setAccessibleName(tr("How to split"))
        set_tip(self.mode, tr("How classes are divided into meta-training, meta-validation and meta-test"))
        self.mode.addItems(
            [tr("Split drawn by seed"), tr("Split by group"), tr("Split by class"), tr("Split as given")]
        )
        self.mode.activated.connect(self._choose_mode)
        self.units = QTreeWidget()
        self.units.setObjectName("import_units")
        self.units.setAccessibleName(tr("Groups or classes and their splits"))
        set_tip(self.units, tr("Select some, then press a button below to put them into a split"))
        self.units.setHeaderLabels([tr("Name"), tr("Split")])
        self.units.setRootIsDecorated(False)
        self.units.setUniformRowHeights(True)
        self.units.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.units.setColumnWidth(0, 190)
        self._named = QWidget()
        named = QVBoxLayout(self._named)
        named.setContentsMargins(0, 0, 0, 0)
        named.addWidget(self.units)
        self._buttons = QWidget()
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 0, 0, 0)
        self._targets = QButtonGroup(self)
        for number, name in enumerate((*SPLITS, _LEFT_OUT)):
            button = QPushButton(f"&{tr(name).capitalize()}")
            button.setObjectName(f"import_to_{name.replace(' ', '_')}")
            set_tip(button, tr("Put what is selected into: {}", tr(name)))
            self._targets.addButton(button, number)
            buttons.addWidget(button)
        self._targets.idClicked.connect(self._assign)
        named.addWidget(self._buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.mode)
        layout.addWidget(self.drawn)
        layout.addWidget(self._named, 1)
        layout.addStretch(0)
        self._show_mode(_DRAWN)

    def show_listing(self, listing: Listing) -> None:
        """Take up other data; a split that it comes with is used unless another was chosen."""
        self.listing = listing
        model: Any = self.mode.model()
        model.item(_BY_GROUP).setEnabled(len(listing.units(True)) < len(listing.names))
        model.item(_AS_GIVEN).setEnabled(listing.given is not None)
        if listing.given is not None and not self._draft.is_set(SPLIT):
            self._draft.set(SPLIT, listing.given)
        self._show_mode(self._mode_of_draft())

    def settle(self) -> None:
        """Say that classes are drawn where silence would mean the split that the data comes with."""
        given = self.listing.given if self.listing is not None else None
        if self.mode.currentIndex() == _DRAWN and given is not None and not self._draft.is_set(SPLIT):
            self._draft.set(SPLIT, {"seed": 0})

    def _mode_of_draft(self) -> int:
        names = self._draft.value((*SPLIT, "train"))
        if not isinstance(names, list) or self.listing is None:
            return _DRAWN
        given = self.listing.given
        if given is not None and all(self._draft.value((*SPLIT, p)) == given[p] for p in SPLITS):
            return _AS_GIVEN
        return _BY_GROUP if set(names) <= set(self.listing.units(True)) else _BY_CLASS

    @Slot(int)
    def _choose_mode(self, mode: int) -> None:
        config, listing = self._draft.task_config(), self.listing
        if mode == _AS_GIVEN and listing is not None and listing.given is not None:
            self._draft.set(SPLIT, listing.given)
            self._show_mode(mode)
            return
        if mode == _DRAWN or listing is None or config is None:
            self._draft.unset(SPLIT)
            self._show_mode(_DRAWN)
            self.settle()
            return
        try:
            members = divided(listing, config)
        except InputError:  # an impossible split: begin with nothing
            members = {}
        owner = {index: split for split, indices in members.items() for index in indices}
        lists: dict[str, list[str]] = {split: [] for split in SPLITS}
        taken: set[str] = set()
        for index, (name, group) in enumerate(zip(listing.names, listing.groups, strict=True)):
            unit = (group or name) if mode == _BY_GROUP else name
            split = owner.get(index)
            if split is not None and unit not in taken:
                lists[split].append(unit)
                taken.add(unit)
        self._draft.set(SPLIT, lists)
        self._show_mode(mode)

    def _show_mode(self, mode: int) -> None:
        self.mode.setCurrentIndex(mode)
        self.drawn.setVisible(mode == _DRAWN)
        self._named.setVisible(mode != _DRAWN)
        self._buttons.setVisible(mode != _AS_GIVEN)
        self.units.clear()
        if mode == _DRAWN or self.listing is None:
            return
        owner: dict[str, str] = {
            str(name): part for part in SPLITS for name in _listed(self._draft.value((*SPLIT, part)))
        }
        groups = self.listing.units(True)
        group_of = dict(zip(self.listing.names, self.listing.groups, strict=True))
        whole = mode == _BY_GROUP or (mode == _AS_GIVEN and set(owner) <= set(groups))
        for unit, classes in (groups if whole else self.listing.units(False)).items():
            text = tr("{} ({} classes)", unit, classes) if whole and unit in self.listing.groups else unit
            part = owner.get(unit) or owner.get(group_of.get(unit, ""), _LEFT_OUT)
            item = QTreeWidgetItem(self.units, [text, tr(part)])
            item.setData(0, Qt.ItemDataRole.UserRole, unit)
            item.setData(1, Qt.ItemDataRole.UserRole, part)

    @Slot(int)
    def _assign(self, target: int) -> None:
        for item in self.units.selectedItems():
            part = (*SPLITS, _LEFT_OUT)[target]
            item.setText(1, tr(part))
            item.setData(1, Qt.ItemDataRole.UserRole, part)
        lists: dict[str, list[str]] = {part: [] for part in SPLITS}
        for index in range(self.units.topLevelItemCount()):
            unit = self.units.topLevelItem(index)
            if unit is not None and (part := unit.data(1, Qt.ItemDataRole.UserRole)) in lists:
                lists[part].append(str(unit.data(0, Qt.ItemDataRole.UserRole)))
        self._draft.set(SPLIT, lists)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
