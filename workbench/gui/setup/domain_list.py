"""Other domains in the form: each with its name, its family, and the settings in which it differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from workbench import toml
from workbench.config import Domain, TaskConfig
from workbench.gui.plain import set_tip
from workbench.gui.setup.draft import FAMILY
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import ChoiceField
from workbench.gui.setup.line_field import LineField
from workbench.gui.setup.row import GUTTER, Complaints, Row, dotted, message_label, say_wrong, tooltip
from workbench.gui.setup.widgets import Collapsible, stack
from workbench.settings import Field, Path, fields_of
from workbench.settings.draft import Table, same, table_of
from workbench.settings.fields import UNSET
from workbench.words import marked, tr

NAME, KIND, FIT = "name", "family", "fit"
UNREADABLE = "settings"
"""Under this key a domain holds what is typed and cannot be read yet."""

EXAMPLE = marked("name = value, …")


def written(settings: Mapping[str, object]) -> str:
    """Settings in a line, as in a file."""
    return ", ".join(f"{name} = {_value(each)}" for name, each in settings.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {written(value)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def read(text: str) -> Table:
    """The settings of a line; what cannot be read is kept as it is."""
    try:
        return table_of(toml.read(f"value = {{{text}}}")["value"])
    except ValueError:
        return {UNREADABLE: text}


class DomainList(QWidget):
    """The domains under ``[[task.domain]]``, behind a heading."""

    def __init__(self, edits: Edits, path: Path, field: Field) -> None:
        super().__init__()
        self.path, self.field, self._edits = path, field, edits
        self.rows: list[Row] = []
        self.entries: list[Entry] = []
        self.message = message_label(path)
        self.add = QPushButton(tr("Add domain"))
        self.add.setObjectName("add_domain")
        set_tip(self.add, tr("{} A domain may be another family, a data set, or other settings", field.help))
        self.add.clicked.connect(self._add)
        self._place = QVBoxLayout()
        self._place.setSpacing(8)
        body = QWidget()
        layout = stack(body, self.message)
        layout.addLayout(self._place)
        below = QHBoxLayout()
        below.setContentsMargins(GUTTER + 4, 0, 0, 0)
        below.addWidget(self.add)
        below.addStretch(1)
        layout.addLayout(below)
        self._heading = Collapsible(field.label, f"group_{dotted(path)}", body, opened=False)
        set_tip(self._heading.heading, tooltip(field, path))
        stack(self, self._heading)

    def held(self) -> list[Table]:
        """The domains as the draft holds them."""
        value = self._edits.draft.value(self.path)
        return [dict(table_of(each)) for each in value] if isinstance(value, list) else []

    def refresh(self, complaints: Complaints) -> None:
        """Bring everything up to date with the draft."""
        held = self.held()
        while len(self.entries) > len(held):
            gone = self.entries.pop()
            gone.hide()
            gone.deleteLater()
        while len(self.entries) < len(held):
            entry = Entry(self._edits, self.path, len(self.entries))
            entry.changed.connect(self._change)
            entry.removed.connect(self._remove)
            self.entries.append(entry)
            self._place.addWidget(entry)
            entry.show()
        for number, (entry, table) in enumerate(zip(self.entries, held, strict=True)):
            place = (*self.path, number)
            wrong = [(path, text) for path, text in complaints.items() if path[: len(place)] == place]
            said = [f"{dotted(path[len(place) :])}: {text}".removeprefix(": ") for path, text in wrong]
            entry.refresh(table, said[0] if said else "")
        say_wrong(self.message, complaints.get(self.path, ""))
        self._heading.set_title(f"{self.field.label} ({len(held)})" if held else self.field.label)
        if any(path[: len(self.path)] == self.path for path in complaints):
            self._heading.set_opened(True)

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path, made visible."""
        self._heading.set_opened(True)
        number, name = (*path[len(self.path) :], None, None)[:2]
        if not isinstance(number, int) or number >= len(self.entries):
            return self.add
        entry = self.entries[number]
        return {NAME: entry.name, KIND: entry.family}.get(str(name), entry.settings)

    @Slot()
    def _add(self) -> None:
        held = self.held()
        taken = {each.get(NAME) for each in held}
        name = next(
            f"domain {number}" for number in range(1, len(held) + 2) if f"domain {number}" not in taken
        )
        self._edits.set(self.path, [*held, {NAME: name}], text=tr("Add domain"))
        if self.entries:
            self.entries[-1].name.setFocus()
            self.entries[-1].name.selectAll()

    @Slot(int, object, bool)
    def _change(self, number: int, table: Table, typing: bool) -> None:
        held = self.held()
        held[number] = table
        self._edits.set(self.path, held, typing=typing, text=tr("Change domain {}", table.get(NAME)))

    @Slot(int)
    def _remove(self, number: int) -> None:
        held = self.held()
        gone = held.pop(number)
        self._edits.set(self.path, held or UNSET, text=tr("Remove domain {}", gone.get(NAME)))


class Entry(QWidget):
    """One domain.

    Attributes
    ----------
    changed : its number, its table, and whether it is being typed.
    removed : its number.
    """

    changed = Signal(int, object, bool)
    removed = Signal(int)

    def __init__(self, edits: Edits, path: Path, number: int) -> None:
        super().__init__()
        self._edits, self._number = edits, number
        self._table: Table = {}
        self._offered: tuple[str, ...] = ()
        known = fields_of(Domain)
        self.name = LineField(known[NAME], "Domain.name")
        self.settings = LineField(
            replace(known[KIND], empty=tr("what differs: {}", tr(EXAMPLE))), "Domain.settings"
        )
        self.family = ChoiceField([])
        self.gone = QToolButton()
        self.gone.setText(tr("Remove"))
        self.message = message_label((*path, number))
        for part, name, what, tip in (
            (self.name, NAME, known[NAME].label, known[NAME].help),
            (self.family, KIND, known[KIND].label, known[KIND].help),
            (
                self.settings,
                "settings",
                tr("Settings"),
                tr("What differs from the task, as in a file: {}", tr(EXAMPLE)),
            ),
            (self.gone, "remove", tr("Remove"), tr("Remove this domain")),
        ):
            part.setObjectName(f"domain_{number}_{name}")
            part.setAccessibleName(tr("{} of domain {}", what, number + 1))
            set_tip(part, tip)
        top = QHBoxLayout()
        top.addWidget(self.name, 2)
        top.addWidget(self.family, 2)
        top.addWidget(self.gone)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GUTTER + 4, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(top)
        layout.addWidget(self.settings)
        layout.addWidget(self.message)
        self.name.edited.connect(self._named)
        self.name.finished.connect(edits.finish)
        self.family.edited.connect(self._of_family)
        self.settings.edited.connect(self._said)
        self.settings.finished.connect(self._finish)
        self.gone.clicked.connect(self._remove)

    def refresh(self, table: Table, wrong: str) -> None:
        """Show a domain, and what is wrong with it."""
        self._table = table
        self.name.show_value(table.get(NAME, ""), settled=not self.name.hasFocus())
        self._offer()
        own = self._edits.draft.value(FAMILY)
        self.family.show_value(None if table.get(KIND) in (None, own) else table[KIND], settled=True)
        if not self.settings.hasFocus() or read(self.settings.text()) != self._settings():
            self.settings.show_value(self._text(), settled=True)
        kind = self._kind()
        allowed = ", ".join(sorted(fields_of(kind))) if kind is not None else ""
        set_tip(
            self.settings, tr("What differs from the task, as in a file: {} One of: {}", tr(EXAMPLE), allowed)
        )
        if UNREADABLE in table:
            wrong = tr('cannot be read; write settings as in a file, such as shots = 5, path = "letters.zip"')
        say_wrong(self.message, wrong)

    def _kind(self) -> type[TaskConfig] | None:
        name = self._table.get(KIND) or self._edits.draft.value(FAMILY)
        return TaskConfig.kinds.get(str(name))

    def _offer(self) -> None:
        """The families that give the same tasks, where these are others than before."""
        from workbench.tasks import FAMILIES

        own = TaskConfig.kinds.get(str(self._edits.draft.value(FAMILY)))
        akin = tuple(name for name in (own.akin_families() if own else ()) if own and name != own.name_of())
        if akin != self._offered or not self.family.count():
            self._offered = akin
            self.family.offer(
                [(tr("As the task"), None), *((tr(FAMILIES[name].title), name) for name in akin)]
            )

    def _settings(self) -> Table:
        """What is said of the family, without what is usual there."""
        kind = self._kind()
        usual = {name: each.default for name, each in fields_of(kind).items()} if kind else {}
        own = self._table.get(KIND) in (None, self._edits.draft.value(FAMILY))
        found = {name: each for name, each in self._table.items() if name not in (NAME, KIND)}
        if found.get(FIT) == fields_of(Domain)[FIT].default:
            del found[FIT]
        return found if own else {k: v for k, v in found.items() if k not in usual or not same(v, usual[k])}

    def _text(self) -> str:
        unread = self._table.get(UNREADABLE)
        return str(unread) if unread is not None else written(self._settings())

    def _with(self, typing: bool, **changes: Any) -> None:
        table = {name: each for name, each in (self._table | changes).items() if each is not None}
        self.changed.emit(self._number, table, typing)

    @Slot(object)
    def _named(self, name: object) -> None:
        self._with(True, name="" if name is UNSET else name)

    @Slot(object)
    def _of_family(self, name: object) -> None:
        self._with(False, family=None if name is UNSET else name)

    @Slot(object)
    def _said(self, text: object) -> None:
        kept = {name: each for name, each in self._table.items() if name in (NAME, KIND)}
        self.changed.emit(self._number, kept | read("" if text is UNSET else str(text)), True)

    @Slot()
    def _finish(self) -> None:
        self._edits.finish()
        self.settings.show_value(self._text(), settled=True)

    @Slot()
    def _remove(self) -> None:
        self.removed.emit(self._number)
