"""One field of a form: mark, label, widget, and what is wrong with the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.plain import Label, Markup, joined, rich, set_tip, without_keys
from workbench.gui.setup.draft import SWEEP
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import FieldWidget, PathField
from workbench.gui.setup.line_field import LineField
from workbench.settings import Field, Path
from workbench.settings.fields import text_of
from workbench.settings.texts import folded
from workbench.words import tr

Complaints = Mapping[Path, str]
GUTTER = 14
LABEL = 110
MOST_ABREAST, THIRD = 3, 76
"""So many fields stand on one line, where their labels are no wider (pixels)."""


class Row(QObject):
    """A field of the form: mark, label, widget and, if need be, what is wrong with the value."""

    def __init__(self, edits: Edits, path: Path, spec: Field, field: FieldWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._filled = False
        self.path, self.spec, self.field = path, spec, field
        self._edits, self._draft = edits, edits.draft
        symbol = f" {spec.symbol}" if spec.symbol else ""
        self.label = Label(spec.label + symbol)
        self.label.setBuddy(field.input)
        self.mark = QToolButton()
        self.mark.setText("•")
        self.mark.setFixedSize(GUTTER, 18)
        self.mark.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard has the context menu
        self.mark.setObjectName(f"reset_{dotted(path)}")
        self.mark.setAccessibleName(tr("Reset {}", spec.label))
        hidden = self.mark.sizePolicy()
        hidden.setRetainSizeWhenHidden(True)
        self.mark.setSizePolicy(hidden)
        self.abreast = False
        self.message = message_label(path)
        self._tooltip = tooltip(spec, path)
        self.reset = QAction(self)
        self.reset.setObjectName(f"action_reset_{dotted(path)}")
        self.reset.triggered.connect(self._back_to_default)
        self.tries = QAction(self)
        self.tries.setObjectName(f"action_try_{dotted(path)}")
        self.tries.triggered.connect(self._try_or_not)
        for widget in (self.label, field.input):
            set_tip(widget, self._tooltip)
            widget.addActions([self.reset, self.tries])
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        if isinstance(field.input, LineField):
            field.input.offered = [self.reset, self.tries]
            field.input.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)
        field.input.setObjectName(f"field_{dotted(path)}")
        field.input.setAccessibleName(spec.label + (f" ({spec.unit})" if spec.unit else ""))
        self.mark.clicked.connect(self._back_to_default)
        field.edited.connect(self._edited)
        field.finished.connect(self._finished)

    @property
    def is_short(self) -> bool:
        """Whether label and value need a third of a line only: of a number, or whole ones."""
        number = self.spec.shape == "number" or (self.spec.shape == "list" and self.spec.item is int)
        return number and self.label.fontMetrics().horizontalAdvance(self.spec.label) <= THIRD

    def refresh(self, complaints: Complaints) -> None:
        """Bring the row up to date with the draft."""
        is_set = self._draft.is_set(self.path)
        settled = is_set or not self._filled or not self.field.input.hasFocus()
        self._filled = True  # from now on a person may be typing
        self.field.show_value(self._draft.value(self.path), settled=settled)
        default = text_of(self._draft.default(self.path)) or self.spec.empty or tr("empty")
        self.reset.setText(tr("Back to the default ({})", without_keys(default)))
        self.reset.setEnabled(is_set)
        self.mark.setVisible(is_set)
        set_tip(self.mark, tr("Changed. Click for the default: {}", default))
        restyle(
            self.mark,
            f"QToolButton {{ border: none; padding: 0; font-weight: bold; color: {theme.accent()}; }}",
        )
        tried = self._draft.range_of(self.path)
        self.tries.setText(tr("Try one value only") if tried else tr("Try a range of values"))
        self.tries.setVisible(tried is not None or self._draft.first_range(self.path) is not None)
        wrong = complaints.get(self.path, "")
        self.field.set_bad(bool(wrong))
        say_wrong(self.message, wrong)
        if tried and not wrong:
            self.message.setText(tr("A sweep tries {}", ranged(tried)))
            restyle(self.message, f"color: {theme.accent()};")
            self.message.show()
        self.field.input.setAccessibleDescription(tr("Wrong: {}", wrong) if wrong else self.spec.help)
        complaint = rich('<p style="color:{}">{}</p>', theme.wrong(), wrong) if wrong else rich("")
        value = self._draft.value(self.path)
        shown, whole = folded(self.spec, value), text_of(value)
        written = rich("<p>{}</p>", whole) if shown != whole else rich("")
        set_tip(self.field.input, rich("{}{}{}", complaint, self._tooltip, written))

    @Slot(object)
    def _edited(self, value: object) -> None:
        self._edits.set(self.path, value, typing=isinstance(self.field, LineField | PathField))

    @Slot()
    def _finished(self) -> None:
        self._edits.finish()
        self.field.show_value(self._draft.value(self.path), settled=True)

    @Slot()
    def _try_or_not(self) -> None:
        """Make it a range of values, or one value again."""
        tried = None if self._draft.range_of(self.path) else self._draft.first_range(self.path)
        what = self._draft.describe(self.path)
        text = tr("Try a range of {}", what) if tried else tr("Try one {} only", what)
        self._edits.do(text, SWEEP, self._draft.with_range(self.path, tried))

    @Slot()
    def _back_to_default(self) -> None:
        self._edits.unset(self.path)
        self.field.show_value(self._draft.value(self.path), settled=True)


class Rows(QWidget):
    """Rows below each other, in columns."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(3)
        grid.setColumnMinimumWidth(0, GUTTER)
        grid.setColumnStretch(2, 1)
        line = 0
        for together in _side_by_side(rows):
            if len(together) > 1:
                cells = QHBoxLayout()
                cells.setSpacing(6)
                for row in together:
                    cells.addLayout(_cell(row), 1)
                cells.addStretch(MOST_ABREAST - len(together))
                grid.addLayout(cells, line, 1, 1, 2)
            else:
                (row,) = together
                assert isinstance(row.field, QWidget)
                grid.addWidget(row.mark, line, 0)
                grid.addWidget(row.label, line, 1)
                grid.addWidget(row.field, line, 2)
            for below, row in enumerate(together, line + 1):
                grid.addWidget(row.message, below, 1, 1, 2)
            line += 1 + len(together)


def _side_by_side(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that stand on one line: short ones that follow each other, up to three; else each alone."""
    for short, found in groupby(rows, key=lambda row: row.is_short):
        each = list(found)
        step = MOST_ABREAST if short else 1
        for start in range(0, len(each), step):
            yield each[start : start + step]


def _cell(row: Row) -> QVBoxLayout:
    """The label above the field, the mark behind the label."""
    assert isinstance(row.field, QWidget)
    row.abreast = True
    row.mark.setFixedWidth(8)
    if row.label.sizeHint().width() > THIRD:
        row.label.setText(row.spec.label)  # its symbol is in the tool tip
    top = QHBoxLayout()
    top.setSpacing(0)
    top.addWidget(row.label)
    top.addWidget(row.mark)
    top.addStretch(1)
    cell = QVBoxLayout()
    cell.setSpacing(2)
    cell.addLayout(top)
    cell.addWidget(row.field)
    return cell


def align(rows: Sequence[Row]) -> None:
    """Labels in one column, also where the rows are apart."""
    rows = [row for row in rows if not row.abreast]
    widest = max([LABEL, *(row.label.sizeHint().width() for row in rows)])
    for row in rows:
        row.label.setMinimumWidth(widest)


def message_label(path: Path) -> Label:
    """Where it is said what is wrong at a path."""
    label = Label()
    label.setWordWrap(True)
    label.setObjectName(f"message_{dotted(path)}")
    label.hide()
    return label


def say_wrong(label: Label, text: str) -> None:
    """Say what is wrong, or nothing."""
    label.setText(text)
    label.setVisible(bool(text))
    restyle(label, f"color: {theme.wrong()};")


def dotted(path: Path) -> str:
    """A path as in the names of widgets."""
    return ".".join(map(str, path))


def tooltip(field: Field, path: Path) -> Markup:
    """Everything about a field but its name, which stands beside it."""
    default = text_of(field.default) or field.empty or tr("none")
    in_a_file = (path[0], *path[2:]) if path[0] == "algorithm" else path  # where they are a list
    lines: list[Markup | None] = [
        rich("{}", field.help),
        rich("Allowed: {}", field.allowed) if field.allowed else None,
        rich("In formulas: {}", field.symbol) if field.symbol else None,
        rich("Unit: {}", field.unit) if field.unit else None,
        rich("Default: {}", default) if field.section is None else None,
        rich("In a file: <code>{}</code>", dotted(in_a_file)),
    ]
    return rich("<p>{}</p>", joined(rich("<br>"), filter(None, lines)))


def ranged(tried: Mapping[str, object]) -> str:
    """What is tried of a setting, in words: ``0.001 to 0.1, logarithmic``."""
    values = tried.get("values")
    if isinstance(values, list):
        return " · ".join(
            f"[{text_of(each)}]" if isinstance(each, list) else text_of(each) for each in values
        )
    ends = tr("{} to {}", text_of(tried.get("low")), text_of(tried.get("high")))
    return tr("{}, logarithmic", ends) if tried.get("log") else ends


def restyle(widget: QWidget, sheet: str) -> None:
    """Set a style sheet, which is slow, only where it is another one."""
    if widget.styleSheet() != sheet:
        widget.setStyleSheet(sheet)
