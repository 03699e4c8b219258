"""Sections inside a section, as groups of a form: always there, to be ticked, or of a kind to be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from workbench.config import OF_THE_RUN, AlgorithmConfig
from workbench.gui import theme
from workbench.gui.plain import set_tip
from workbench.gui.setup.collapsible import Collapsible
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import make_field
from workbench.gui.setup.row import GUTTER, Row, Rows, file_path, message_label, restyle, say_wrong
from workbench.gui.setup.specs import UNSET, FieldSpec
from workbench.settings import Section

Complaints = Mapping[str, str]
INDENT = 6


class InnerForm(Protocol):
    """What a group asks of the form of its section."""

    def refresh(self) -> None:
        """Bring every field up to date with the draft."""

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path, made visible."""


class MakeForm(Protocol):
    """Makes the form of a section, which is a widget too."""

    def __call__(
        self, path: str, section: type[Section], names: Iterable[str] | None = None
    ) -> InnerForm: ...


class Group(Protocol):
    """What a form asks of a group; a widget.

    Attributes
    ----------
    rows : those that stand among the form's own.
    """

    path: str
    rows: list[Row]

    def refresh(self, complaints: Complaints) -> None:
        """Bring everything up to date with the draft."""

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path, made visible."""


def make_group(edits: Edits, path: str, spec: FieldSpec, make: MakeForm) -> Group:
    """The group for a field that holds a section."""
    if spec.has_kinds:
        return AlgorithmGroup(edits, path, spec, make)
    return OptionalGroup(edits, path, spec, make) if spec.optional else TableGroup(path, spec, make)


class TableGroup(QWidget):
    """A section that is always there, behind a heading."""

    def __init__(self, path: str, spec: FieldSpec, make: MakeForm) -> None:
        super().__init__()
        assert spec.section is not None
        self.path = path
        self.rows: list[Row] = []
        self._form = make(path, spec.section)
        self._message = message_label(path)
        body = QWidget()
        _stack(body, self._message, self._form)
        self._heading = Collapsible(spec.label, f"group_{path}", body, opened=False)
        set_tip(self._heading.heading, spec.tooltip(file_path(path)))
        _stack(self, self._heading)

    def refresh(self, complaints: Complaints) -> None:
        """Bring everything up to date with the draft."""
        self._form.refresh()
        say_wrong(self._message, complaints.get(self.path, ""))
        if any(path == self.path or path.startswith(f"{self.path}.") for path in complaints):
            self._heading.set_opened(True)

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path, made visible."""
        self._heading.set_opened(True)
        return self._form.widget_of(path) or self._heading.heading


class OptionalGroup(QWidget):
    """A section that is there once it is ticked."""

    def __init__(self, edits: Edits, path: str, spec: FieldSpec, make: MakeForm) -> None:
        super().__init__()
        assert spec.section is not None
        self.path = path
        self.rows: list[Row] = []
        self._edits, self._label = edits, spec.label
        self.tick = QCheckBox(spec.label)
        self.tick.setObjectName(f"field_{path}")
        self.tick.setAccessibleName(spec.label)
        self.tick.setAccessibleDescription(spec.help)
        set_tip(self.tick, spec.tooltip(file_path(path)))
        self.tick.clicked.connect(self._clicked)
        top = QHBoxLayout()
        top.setContentsMargins(GUTTER + 4, 0, 0, 0)
        top.addWidget(self.tick)
        self._message = message_label(path)
        self._form = make(path, spec.section)
        self._inside = _nested(self._form)
        layout = _stack(self, self._message, self._inside)
        layout.insertLayout(0, top)

    def refresh(self, complaints: Complaints) -> None:
        """Bring everything up to date with the draft."""
        on = self._edits.draft.is_set(self.path)
        wrong = complaints.get(self.path, "")
        self.tick.setChecked(on)
        self._inside.setVisible(on)
        say_wrong(self._message, wrong)
        if on:
            self._form.refresh()
            _restyle_nested(self._inside)

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path, if the section is there; else the tick."""
        on = self._edits.draft.is_set(self.path)
        return (self._form.widget_of(path) if on else None) or self.tick

    @Slot(bool)
    def _clicked(self, on: bool) -> None:
        name = self._label[:1].lower() + self._label[1:]
        self._edits.set(self.path, {} if on else UNSET, text=f"Turn {name} {'on' if on else 'off'}")


class AlgorithmGroup(QWidget):
    """The algorithm that another one is built over: which one, and its own parameters."""

    def __init__(self, edits: Edits, path: str, spec: FieldSpec, make: MakeForm) -> None:
        super().__init__()
        self.path = path
        self._edits, self._make = edits, make
        kind = replace(
            spec,
            field=replace(spec.field, shape="choice", section=None),
            default=spec.default["kind"] if isinstance(spec.default, dict) else None,
        )
        field = make_field(kind, "", bases(edits.draft.owner(path), edits.draft.gives))
        self._row = Row(edits, f"{path}.kind", kind, field, self)
        rows = Rows()
        rows.add(self._row)
        self.rows = [self._row]
        self._message = message_label(path)
        self._form: InnerForm | None = None
        self._form_of: Any = None
        self._inside: QWidget | None = None
        self._layout = _stack(self, rows, self._message)

    def refresh(self, complaints: Complaints) -> None:
        """Bring everything up to date with the draft."""
        self._row.refresh(complaints)
        say_wrong(self._message, complaints.get(self.path, ""))
        kind = self._edits.draft.value(f"{self.path}.kind")
        section = AlgorithmConfig.kinds.get(str(kind))
        if section is not self._form_of:
            self._form_of = section
            self._replace_form(section)
        if self._form is not None and self._inside is not None:
            self._form.refresh()
            _restyle_nested(self._inside)

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path; the choice of the kind where it has none."""
        return (self._form.widget_of(path) if self._form is not None else None) or self._row.field.input

    def _replace_form(self, section: type[AlgorithmConfig] | None) -> None:
        if self._inside is not None:
            self._inside.hide()
            self._inside.deleteLater()
        self._form = self._inside = None
        names = own_fields(section)
        if section is not None and names:
            self._form = self._make(self.path, section, names)
            self._inside = _nested(self._form)
            self._layout.addWidget(self._inside)
            self._inside.show()  # at once, so that a field of it can have the focus


def own_fields(section: type[AlgorithmConfig] | None) -> list[str]:
    """What a base may say: its fields without those of every algorithm, which belong to what wraps it."""
    if section is None:
        return []
    return [name for name in section.model_fields if name not in {"kind", *OF_THE_RUN}]


def bases(wrapper: Any, gives: frozenset[str]) -> list[tuple[str, str]]:
    """The algorithms that another may be built over, by title."""
    from workbench.algorithms import ALGORITHMS

    able = [
        (ALGORITHMS[name].title, name)
        for name, kind in AlgorithmConfig.kinds.items()
        if name in ALGORITHMS and wrapper.allows(kind) and kind.needs <= gives
    ]
    return sorted(able, key=lambda each: each[0].lower())


def _stack(owner: QWidget, *parts: Any) -> QVBoxLayout:
    layout = QVBoxLayout(owner)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for part in parts:
        layout.addWidget(part)
    return layout


def _nested(form: Any) -> QWidget:
    """A form, set off by a line at its left."""
    frame = QFrame()
    frame.setObjectName("nested")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(INDENT, 2, 0, 2)
    layout.addWidget(form)
    return frame


def _restyle_nested(frame: QWidget) -> None:
    restyle(frame, f"QFrame#nested {{ border: none; border-left: 2px solid {theme.grid()}; }}")
