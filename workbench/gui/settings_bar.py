"""The controls of a chart, made from a declared section: their values, their state and its return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from pydantic import ValidationError
from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QSpinBox,
    QWidget,
)

from workbench.gui.plain import set_tip, with_key
from workbench.settings import Field, Section, fields_of

SettingsType = TypeVar("SettingsType", bound=Section)
Control = QCheckBox | QComboBox | QSpinBox | QDoubleSpinBox
LARGEST = 1_000_000
SHORTEST = 6
"""Letters that a choice may be cut to in a narrow window."""


class SettingsBar(QWidget, Generic[SettingsType]):
    """Controls for the fields of a section: a tick for a switch, a spin box for a number, else a choice.

    A number that may be empty, and a text, are choices too: :meth:`offer` says among what. To show, hide or
    disable a control, take it by its field's name: ``bar["before"].setEnabled(False)``. The controls stand
    in the layout that is given; the bar itself is not seen.

    Parameters
    ----------
    section : what is set; label, help, limits, titles of choices and defaults are declared there.
    prefix : the object names are ``prefix_field``.
    layout : takes the controls, in the order of the fields; in a form with labels that have keys.
    without : fields that get no control; they keep their default.

    Attributes
    ----------
    changed : the person chose something else; the name of its field.
    """

    changed = Signal(str)

    def __init__(
        self,
        section: type[SettingsType],
        prefix: str,
        layout: QBoxLayout | QFormLayout,
        parent: QWidget | None = None,
        *,
        without: Iterable[str] = (),
    ) -> None:
        super().__init__(parent)
        self.hide()
        self._section = section
        self._fields = {name: each for name, each in fields_of(section).items() if name not in set(without)}
        self._controls = {name: self._made(field) for name, field in self._fields.items()}
        keys: set[str] = set()
        for name, control in self._controls.items():
            control.setObjectName(f"{prefix}_{name}")
            control.setAccessibleName(self._fields[name].label)
            set_tip(control, self._fields[name].help)
            if isinstance(layout, QBoxLayout):
                layout.addWidget(control)
            else:
                layout.addRow(with_key(self._fields[name].label, keys), control)
                if isinstance(control, QSpinBox | QDoubleSpinBox):
                    control.setPrefix("")

    def __getitem__(self, name: str) -> Control:
        return self._controls[name]

    @property
    def settings(self) -> SettingsType:
        """What the controls say."""
        return self._section.model_validate(self._values())

    def offer(self, name: str, titles: Mapping[object, str]) -> None:
        """Let a field be one of these values; the chosen one stays, also where it is none of them."""
        control = self._controls[name]
        assert isinstance(control, QComboBox)
        shown = {control.itemData(index): control.itemText(index) for index in range(control.count())}
        chosen = control.currentData()
        offered = {value: title for value, title in shown.items() if value is None} | dict(titles)
        if chosen is not None:
            offered.setdefault(chosen, shown[chosen])
        if list(shown.items()) != list(offered.items()):
            blocked = QSignalBlocker(control)
            control.clear()
            for value, title in offered.items():
                control.addItem(title, value)
            control.setCurrentIndex(max(0, list(offered).index(chosen) if chosen in offered else 0))
            blocked.unblock()

    def state(self) -> dict[str, object]:
        """The settings as they are kept with a project (JSON types)."""
        kept: dict[str, object] = self.settings.model_dump(mode="json", include=set(self._fields))
        return kept

    def restore(self, state: Mapping[str, object]) -> None:
        """Take up settings, without telling of it; unknown or unfit ones are left out."""
        for name in self._fields:
            if name in state and self._fits(name, state[name]):
                self._show(name, state[name])

    def _fits(self, name: str, value: object) -> bool:
        try:
            self._section.model_validate(self._values() | {name: value})
        except ValidationError:
            return False
        return True

    def _made(self, field: Field) -> Control:
        control: Control
        if field.shape == "switch":
            control = QCheckBox(field.label)
            control.setChecked(field.default is True)
            control.toggled.connect(self._told)
        elif field.shape == "number" and not field.optional:
            control = _spin_box(field)
            control.valueChanged.connect(self._told)
        else:
            control = QComboBox()
            control.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)  # they come later
            control.setMinimumContentsLength(SHORTEST)
            if field.optional:
                control.addItem(field.empty or "–", None)
            for value in field.choices:
                control.addItem(field.title_of(value), value)
            control.setCurrentIndex(max(0, control.findData(field.default)))
            control.currentIndexChanged.connect(self._told)
        return control

    def _values(self) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, control in self._controls.items():
            if isinstance(control, QCheckBox):
                values[name] = control.isChecked()
            elif isinstance(control, QComboBox):
                if control.count():
                    values[name] = control.currentData()
            else:
                values[name] = control.value()
        return values

    def _show(self, name: str, value: object) -> None:
        control, field = self._controls[name], self._fields[name]
        blocked = QSignalBlocker(control)
        if isinstance(control, QCheckBox):
            control.setChecked(value is True)
        elif isinstance(control, QComboBox):
            if control.findData(value) < 0 and field.shape != "choice":
                control.addItem(field.title_of(value), value)
            if control.findData(value) >= 0:
                control.setCurrentIndex(control.findData(value))
        else:
            control.setProperty("value", value)
        blocked.unblock()

    @Slot()
    def _told(self, *_: object) -> None:
        sender = self.sender()
        self.changed.emit(next(name for name, control in self._controls.items() if control is sender))


def _spin_box(field: Field) -> QSpinBox | QDoubleSpinBox:
    low, high = max(field.low, -LARGEST), min(field.high, LARGEST)
    value = field.default if isinstance(field.default, int | float) else low
    box: QSpinBox | QDoubleSpinBox
    if field.item is int:
        box = QSpinBox()
        box.setRange(int(low), int(high))
        box.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
        box.setValue(int(value))
    else:
        box = QDoubleSpinBox()
        box.setRange(low, high)
        box.setValue(value)
    box.setPrefix(f"{field.label} ")
    box.setSuffix(f" {field.unit}" if field.unit else "")
    box.setKeyboardTracking(False)
    return box
