"""Forms that are made from a section of the draft: its fields, and the sections in it as groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QWidget

from workbench.config import OF_THE_RUN
from workbench.gui import theme
from workbench.gui.plain import set_tip
from workbench.gui.setup.domain_list import DomainList
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import make_field
from workbench.gui.setup.kinds import offered
from workbench.gui.setup.row import (
    GUTTER,
    Complaints,
    Row,
    Rows,
    align,
    dotted,
    message_label,
    restyle,
    say_wrong,
    tooltip,
)
from workbench.gui.setup.widgets import Collapsible, stack
from workbench.settings import Field, Path
from workbench.settings.fields import UNSET
from workbench.words import tr

Choices = Mapping[Path, Sequence[tuple[str, object]]]
INDENT = 6


class Form(QWidget):
    """The fields of a section: label, field, unit; seldom used ones apart, sections in it as groups.

    It is made anew when the section is of another kind, or what its fields mean is another.

    Parameters
    ----------
    path : of the section.
    names : the fields to show; all without it.
    without : fields that are not shown.
    choices : for a field's path, values to choose from where the section does not say.
    """

    def __init__(
        self,
        edits: Edits,
        path: Path,
        *,
        names: Collection[str] | None = None,
        without: Collection[str] = (),
        choices: Choices | None = None,
    ) -> None:
        super().__init__()
        self._edits, self.path, self._choices = edits, path, choices or {}
        self._names, self._without = names, without
        self.fields: list[Field] = []
        self._made_of: object = None
        self.rows: list[Row] = []
        self._rare: list[Row] = []
        self._groups: list[Part] = []
        self._more: Collapsible | None = None
        self._layout = stack(self)
        self.refresh()

    def refresh(self) -> None:
        """Bring every field up to date with the draft."""
        draft = self._edits.draft
        self.fields = [
            each
            for each in draft.fields(self.path)
            if each.name not in self._without and (self._names is None or each.name in self._names)
        ]
        made_of = self.fields, draft.gives if any(each.shape == "kinds" for each in self.fields) else None
        if made_of != self._made_of:
            self._made_of = made_of
            self._make(self.fields)
        complaints = draft.complaints()
        for row in self.rows:
            row.refresh(complaints)
        for group in self._groups:
            group.refresh(complaints)
        if self._more is not None:
            changed = sum(draft.is_set(row.path) for row in self._rare)
            self._more.set_title(tr("More ({} changed)", changed) if changed else tr("More"))
            if any(row.path in complaints for row in self._rare):
                self._more.set_opened(True)

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path, made visible; None if the form has none."""
        for row in self.rows:
            if row.path == path:
                if self._more is not None and row in self._rare:
                    self._more.set_opened(True)
                return row.field.input
        for group in self._groups:
            if path[: len(group.path)] == group.path:
                return group.widget_of(path)
        return None

    def _make(self, fields: list[Field]) -> None:
        focused = next((row.path for row in self.rows if row.field.input.hasFocus()), None)
        plain = [each for each in fields if each.section is None]
        usual = [self._row(each) for each in plain if not each.rare]
        usual.sort(key=lambda row: not row.is_short)  # on lines of their own
        self._rare = [self._row(each) for each in plain if each.rare]
        self.rows = [*usual, *self._rare]
        inner = sorted((each for each in fields if each.section is not None), key=lambda each: each.optional)
        self._groups = [self._group(each) for each in inner]
        while (item := self._layout.takeAt(0)) is not None:
            if (former := item.widget()) is not None:
                former.hide()
                former.deleteLater()
        opened, self._more = self._more is not None and self._more.opened, None
        if self._rare:
            self._more = Collapsible(tr("More"), f"more_{dotted(self.path)}", Rows(self._rare), opened=opened)
        for part in filter(None, (Rows(usual), *self._groups, self._more)):
            assert isinstance(part, QWidget)
            self._layout.addWidget(part)
            part.show()  # at once, so that a field of it can have the focus
        if focused is not None and (again := self.widget_of(focused)) is not None:
            again.setFocus()
        align([*self.rows, *(row for group in self._groups for row in group.rows)])

    def _row(self, field: Field) -> Row:
        path = (*self.path, field.name)
        section = self._edits.draft.section(self.path)
        widget = make_field(
            field, f"{section.__name__ if section else ''}.{field.name}", self._choices.get(path)
        )
        return Row(self._edits, path, field, widget, self)

    def _group(self, field: Field) -> Part:
        path = (*self.path, field.name)
        if field.shape == "kinds":
            return KindGroup(self._edits, path, field)
        if field.shape == "list of sections":
            return DomainList(self._edits, path, field)
        return (OptionalGroup if field.optional else TableGroup)(self._edits, path, field)


class Part(Protocol):
    """What a form has besides rows: a section in it, or a list of such.

    Attributes
    ----------
    rows : those of it that stand among the form's own.
    """

    path: Path
    rows: list[Row]

    def refresh(self, complaints: Complaints) -> None:
        """Bring everything up to date with the draft."""

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path, made visible."""


class Group(QWidget):
    """A section in a section."""

    def __init__(self, edits: Edits, path: Path, field: Field, without: Collection[str] = ()) -> None:
        super().__init__()
        self.path, self.field, self.edits = path, field, edits
        self.rows: list[Row] = []
        self.message = message_label(path)
        self.form = Form(edits, path, without=without)

    def refresh(self, complaints: Complaints) -> None:
        """Bring everything up to date with the draft."""
        self.form.refresh()
        say_wrong(self.message, complaints.get(self.path, ""))

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path, made visible."""
        return self.form.widget_of(path)


class TableGroup(Group):
    """A section that is always there, behind a heading."""

    def __init__(self, edits: Edits, path: Path, field: Field) -> None:
        super().__init__(edits, path, field)
        body = QWidget()
        stack(body, self.message, self.form)
        self._heading = Collapsible(field.label, f"group_{dotted(path)}", body, opened=False)
        set_tip(self._heading.heading, tooltip(field, path))
        stack(self, self._heading)

    def refresh(self, complaints: Complaints) -> None:
        super().refresh(complaints)
        if any(path[: len(self.path)] == self.path for path in complaints):
            self._heading.set_opened(True)

    def widget_of(self, path: Path) -> QWidget | None:
        self._heading.set_opened(True)
        return super().widget_of(path) or self._heading.heading


class OptionalGroup(Group):
    """A section that is there once it is ticked."""

    def __init__(self, edits: Edits, path: Path, field: Field) -> None:
        super().__init__(edits, path, field)
        self.tick = QCheckBox(field.label)
        self.tick.setObjectName(f"field_{dotted(path)}")
        self.tick.setAccessibleName(field.label)
        self.tick.setAccessibleDescription(field.help)
        set_tip(self.tick, tooltip(field, path))
        self.tick.clicked.connect(self._clicked)
        top = QHBoxLayout()
        top.setContentsMargins(GUTTER + 4, 0, 0, 0)
        top.addWidget(self.tick)
        self._inside = Nested(self.form)
        stack(self, self.message, self._inside).insertLayout(0, top)

    def refresh(self, complaints: Complaints) -> None:
        super().refresh(complaints)
        on = self.edits.draft.is_set(self.path)
        self.tick.setChecked(on)
        self._inside.setVisible(on)

    def widget_of(self, path: Path) -> QWidget | None:
        return (super().widget_of(path) if self.edits.draft.is_set(self.path) else None) or self.tick

    @Slot(bool)
    def _clicked(self, on: bool) -> None:
        name = self.field.label[:1].lower() + self.field.label[1:]
        self.edits.set(
            self.path, {} if on else UNSET, text=tr("Turn {} on", name) if on else tr("Turn {} off", name)
        )


class KindGroup(Group):
    """A section in one of several kinds: which one, and its own parameters."""

    def __init__(self, edits: Edits, path: Path, field: Field) -> None:
        super().__init__(edits, path, field, without=OF_THE_RUN)
        spot = edits.draft.spot(path)
        kinds = [(each.title, each.name) for each in offered(edits.draft, path)]
        kind = replace(field, shape="choice", section=None, default=spot.usual_kind)
        row = Row(edits, (*path, spot.selector), kind, make_field(kind, "", kinds), self)
        self.rows = [row]
        self._inside = Nested(self.form)
        stack(self, Rows(self.rows), self.message, self._inside)

    def refresh(self, complaints: Complaints) -> None:
        self.rows[0].refresh(complaints)
        super().refresh(complaints)
        self._inside.setVisible(bool(self.form.fields))

    def widget_of(self, path: Path) -> QWidget | None:
        return super().widget_of(path) or self.rows[0].field.input


class Nested(QFrame):
    """A form, set off by a line at its left."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.setObjectName("nested")
        layout = stack(self, form)
        layout.setContentsMargins(INDENT, 2, 0, 2)
        self._theme = theme.ThemeWatch(self)
        self._theme.changed.connect(self._restyle)
        self._restyle()

    @Slot()
    def _restyle(self) -> None:
        restyle(self, f"QFrame#nested {{ border: none; border-left: 2px solid {theme.grid()}; }}")
