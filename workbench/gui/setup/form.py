"""Forms that are generated from a section of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui.setup.collapsible import Collapsible
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import make_field
from workbench.gui.setup.groups import Group, make_group
from workbench.gui.setup.row import Row, Rows, align
from workbench.gui.setup.specs import FieldSpec, specs
from workbench.settings import Section

Choices = Mapping[str, Sequence[tuple[str, Any]]]


class Form(QWidget):
    """The fields of a section: label, field, unit; seldom used ones apart, sections in it as groups.

    Parameters
    ----------
    path : the section's path in the draft.
    section : its class.
    names : the fields to show; all without it.
    choices : for a field's path, values to choose from where the section does not say.
    """

    def __init__(
        self,
        edits: Edits,
        path: str,
        section: type[Section],
        *,
        names: Iterable[str] | None = None,
        choices: Choices | None = None,
    ) -> None:
        super().__init__()
        self._edits, self.path, self._choices = edits, path, choices or {}
        self.rows: list[Row] = []
        self._kind = section.__name__
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        every = specs(section, edits.draft.gives)
        wanted = {each.name for each in every} if names is None else set(names)
        found = [each for each in every if each.name in wanted]
        plain = [each for each in found if each.section is None]
        layout.addWidget(self._rows([each for each in plain if not each.rare]))
        self._groups: list[Group] = [
            make_group(edits, f"{path}.{each.name}", each, self._inner)
            for each in sorted(found, key=lambda spec: spec.optional)
            if each.section is not None
        ]
        for group in self._groups:
            assert isinstance(group, QWidget)
            layout.addWidget(group)
        rare = [each for each in plain if each.rare]
        self._first_rare = len(self.rows)
        self.more: Collapsible | None = None
        if rare:
            self.more = Collapsible("More", f"more_{path}", self._rows(rare), opened=False)
            layout.addWidget(self.more)
        align([*self.rows, *(row for group in self._groups for row in group.rows)])
        self.refresh()

    def refresh(self) -> None:
        """Bring every field up to date with the draft."""
        complaints = self._edits.draft.complaints()
        for row in self.rows:
            row.refresh(complaints)
        for group in self._groups:
            group.refresh(complaints)
        if self.more is not None:
            rare = self.rows[self._first_rare :]
            changed = sum(self._edits.draft.is_set(row.path) for row in rare)
            self.more.set_title(f"More ({changed} changed)" if changed else "More")
            if any(row.path in complaints for row in rare):
                self.more.set_opened(True)

    def widget_of(self, path: str) -> QWidget | None:
        """The widget of a path, made visible; None if the form has none."""
        for index, row in enumerate(self.rows):
            if row.path == path:
                if self.more is not None and index >= self._first_rare:
                    self.more.set_opened(True)
                return row.field.input
        for group in self._groups:
            if path == group.path or path.startswith(f"{group.path}."):
                return group.widget_of(path)
        return None

    def _inner(self, path: str, section: type[Section], names: Iterable[str] | None = None) -> Form:
        return Form(self._edits, path, section, names=names, choices=self._choices)

    def _rows(self, fields: list[FieldSpec]) -> Rows:
        body = Rows()
        for spec in fields:
            path = f"{self.path}.{spec.name}"
            field = make_field(spec, f"{self._kind}.{spec.name}", self._choices.get(path))
            row = Row(self._edits, path, spec, field, self)
            self.rows.append(row)
            body.add(row)
        return body
