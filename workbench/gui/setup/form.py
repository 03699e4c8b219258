"""Forms that are generated from a section of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.setup.collapsible import Collapsible
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import Field, PathField, make_field
from workbench.gui.setup.line_field import LineField
from workbench.gui.setup.specs import FieldSpec, specs
from workbench.sections import Section

Choices = Mapping[str, Sequence[tuple[str, Any]]]
GUTTER = 14
LABEL = 110


class Row(QObject):
    """A field of the form: mark, label, widget and, if need be, what is wrong with the value."""

    def __init__(self, edits: Edits, path: str, spec: FieldSpec, field: Field, parent: QObject) -> None:
        super().__init__(parent)
        self.path, self.spec, self.field = path, spec, field
        self._edits, self._draft = edits, edits.draft
        symbol = f" {spec.symbol}" if spec.symbol else ""
        self.label = QLabel(spec.label + symbol)
        self.label.setBuddy(field.input)
        self.mark = QToolButton()
        self.mark.setText("•")
        self.mark.setFixedSize(GUTTER, 18)
        self.mark.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard has the context menu
        self.mark.setObjectName(f"reset_{path}")
        self.mark.setAccessibleName(f"Reset {spec.label}")
        hidden = self.mark.sizePolicy()
        hidden.setRetainSizeWhenHidden(True)
        self.mark.setSizePolicy(hidden)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setObjectName(f"message_{path}")
        self.message.hide()
        self._tooltip = spec.tooltip(_file_path(path))
        self.reset = QAction(self)
        self.reset.setObjectName(f"action_reset_{path}")
        self.reset.triggered.connect(self._back_to_default)
        for widget in (self.label, field.input):
            widget.setToolTip(self._tooltip)
            widget.addAction(self.reset)
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        if isinstance(field.input, LineField):
            field.input.reset = self.reset
            field.input.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)
        field.input.setObjectName(f"field_{path}")
        field.input.setAccessibleName(spec.label + (f" ({spec.unit})" if spec.unit else ""))
        self.mark.clicked.connect(self._back_to_default)
        field.edited.connect(self._edited)
        field.finished.connect(self._finished)

    def refresh(self, complaints: Mapping[str, str]) -> None:
        """Bring the row up to date with the draft."""
        is_set = self._draft.is_set(self.path)
        settled = is_set or not self.field.input.hasFocus()
        self.field.show_value(self._draft.value(self.path), settled=settled)
        default = self.spec.format(self._draft.default(self.path)) or self.spec.empty or "empty"
        self.reset.setText(f"Back to the default ({default})")
        self.reset.setEnabled(is_set)
        self.mark.setVisible(is_set)
        self.mark.setToolTip(f"Changed. Click for the default: {default}")
        restyle(
            self.mark,
            f"QToolButton {{ border: none; padding: 0; font-weight: bold; color: {theme.accent()}; }}",
        )
        wrong = complaints.get(self.path, "")
        self.field.set_bad(bool(wrong))
        self.message.setText(wrong)
        self.message.setVisible(bool(wrong))
        restyle(self.message, f"color: {theme.wrong()};")
        self.field.input.setAccessibleDescription(f"Wrong: {wrong}" if wrong else self.spec.help)
        self.field.input.setToolTip(
            f"<p style='color:{theme.wrong()}'>{wrong}</p>{self._tooltip}" if wrong else self._tooltip
        )

    @Slot(object)
    def _edited(self, value: Any) -> None:
        self._edits.set(self.path, value, typing=isinstance(self.field, LineField | PathField))

    @Slot()
    def _finished(self) -> None:
        self._edits.finish()
        self.field.show_value(self._draft.value(self.path), settled=True)

    @Slot()
    def _back_to_default(self) -> None:
        self._edits.unset(self.path)
        self.field.show_value(self._draft.value(self.path), settled=True)


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
        self._groups: list[tuple[Form, Collapsible, QLabel]] = []
        self._kind = section.__name__
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        found = [each for each in specs(section, edits.draft.problem) if names is None or each.name in names]
        plain = [each for each in found if each.section is None]
        layout.addWidget(self._grid([each for each in plain if not each.rare]))
        for each in found:
            if each.section is not None:
                self._add_group(layout, each)
        rare = [each for each in plain if each.rare]
        self._first_rare = len(self.rows)
        self.more: Collapsible | None = None
        if rare:
            self.more = Collapsible("More", f"more_{path}", self._grid(rare), opened=False)
            layout.addWidget(self.more)
        widest = max([LABEL, *(row.label.sizeHint().width() for row in self.rows)])
        for row in self.rows:  # in one column, also those that are apart
            row.label.setMinimumWidth(widest)
        self.refresh()

    def refresh(self) -> None:
        """Bring every field up to date with the draft."""
        complaints = self._edits.draft.complaints()
        for row in self.rows:
            row.refresh(complaints)
        for form, heading, message in self._groups:
            form.refresh()
            wrong = complaints.get(form.path, "")
            message.setText(wrong)
            message.setVisible(bool(wrong))
            restyle(message, f"color: {theme.wrong()};")
            if wrong or any(path.startswith(f"{form.path}.") for path in complaints):
                heading.set_opened(True)
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
        for form, heading, _ in self._groups:
            if path == form.path or path.startswith(f"{form.path}."):
                heading.set_opened(True)
                return form.widget_of(path) or heading.heading
        return None

    def each_row(self, act: Callable[[Row], None]) -> None:
        """Do something with every row, those of groups included."""
        for row in self.rows:
            act(row)
        for form, _, _ in self._groups:
            form.each_row(act)

    def _grid(self, fields: list[FieldSpec]) -> QWidget:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(3)
        grid.setColumnMinimumWidth(0, GUTTER)
        grid.setColumnStretch(2, 1)
        for number, spec in enumerate(fields):
            path = f"{self.path}.{spec.name}"
            field = make_field(spec, f"{self._kind}.{spec.name}", self._choices.get(path))
            assert isinstance(field, QWidget)
            row = Row(self._edits, path, spec, field, self)
            self.rows.append(row)
            grid.addWidget(row.mark, 2 * number, 0)
            grid.addWidget(row.label, 2 * number, 1)
            grid.addWidget(field, 2 * number, 2)
            grid.addWidget(row.message, 2 * number + 1, 1, 1, 2)
        return body

    def _add_group(self, layout: QVBoxLayout, spec: FieldSpec) -> None:
        assert spec.section is not None
        path = f"{self.path}.{spec.name}"
        form = Form(self._edits, path, spec.section, choices=self._choices)
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(0, 0, 0, 0)
        message = QLabel()
        message.setWordWrap(True)
        message.setObjectName(f"message_{path}")
        inside.addWidget(message)
        inside.addWidget(form)
        group = Collapsible(spec.label, f"group_{path}", body, opened=False)
        group.heading.setToolTip(spec.tooltip(_file_path(path)))
        layout.addWidget(group)
        self._groups.append((form, group, message))


def _file_path(path: str) -> str:
    """A path as in a file, where algorithms are a list."""
    first, *rest = path.split(".")
    return ".".join([first, *rest[1:]]) if first == "algorithm" else path


def restyle(widget: QWidget, sheet: str) -> None:
    """Set a style sheet, which is slow, only where it is another one."""
    if widget.styleSheet() != sheet:
        widget.setStyleSheet(sheet)
