"""What a sweep tries: a line for each setting, and how often and how trials are made."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from workbench.config import Range
from workbench.gui.plain import Label, set_tip
from workbench.gui.setup.domain_list import read, written
from workbench.gui.setup.draft import SWEEP
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.gui.setup.line_field import LineField
from workbench.gui.setup.row import GUTTER, message_label, say_wrong
from workbench.gui.setup.widgets import stack
from workbench.settings import Path, fields_of
from workbench.settings.draft import Table
from workbench.settings.fields import UNSET
from workbench.words import marked, tr

EXAMPLE = marked("low = 0.001, high = 0.1, log = true; or values = [1, 5]; of a grid points = 5, too")


class SweepPanel(QWidget):
    """The part *Sweep* of the setup, there once a setting has a range."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        self._edits, self._draft = edits, edits.draft
        self.entries: list[Entry] = []
        self._place = QVBoxLayout()
        self._place.setSpacing(5)
        self.form = Form(edits, SWEEP, without=("ranges",))
        self.message = message_label(SWEEP)
        layout = stack(self, self.form, self.message)
        layout.insertLayout(0, self._place)
        self.refresh()

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        held, complaints = self._draft.ranges(), self._draft.complaints()
        while len(self.entries) > len(held):
            gone = self.entries.pop()
            gone.hide()
            gone.deleteLater()
        while len(self.entries) < len(held):
            entry = Entry(len(self.entries))
            entry.changed.connect(self._change)
            entry.finished.connect(self._edits.finish)
            self.entries.append(entry)
            self._place.addWidget(entry)
            entry.show()
        for number, (entry, tried) in enumerate(zip(self.entries, held, strict=True)):
            place = (*SWEEP, "ranges", number)
            wrong = next((text for path, text in complaints.items() if path[: len(place)] == place), "")
            entry.show_range(tried, self._draft.describe(_path(tried)), wrong)
        say_wrong(self.message, complaints.get(SWEEP, ""))
        self.form.refresh()

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path, made visible."""
        number = path[2] if len(path) > 2 and path[1] == "ranges" else None
        if isinstance(number, int) and number < len(self.entries):
            return self.entries[number].line
        return self.form.widget_of(path) or (self.entries[0].line if self.entries else None)

    @Slot(int, object, bool)
    def _change(self, number: int, tried: Table | None, typing: bool) -> None:
        path = _path(self._draft.ranges()[number])
        what = self._draft.describe(path)
        text = tr("Try one {} only", what) if tried is None else tr("Change the range of {}", what)
        self._edits.do(text, SWEEP, self._draft.with_range(path, tried), typing=typing)


def _path(tried: Table) -> Path:
    return tuple(str(tried.get("field")).split("."))


class Entry(QWidget):
    """One setting that is tried.

    Attributes
    ----------
    changed : its number, what is tried (None: no more), and whether it is being typed.
    finished : typing is over.
    """

    changed = Signal(int, object, bool)
    finished = Signal()

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._tried: Table = {}
        self.title = Label()
        self.title.setWordWrap(True)
        self.line = LineField(fields_of(Range)["field"], "Range.said")
        self.line.setObjectName(f"range_{number}")
        set_tip(self.line, tr("What is tried, as in a file: {}", tr(EXAMPLE)))
        self.gone = QToolButton()
        self.gone.setText(tr("Remove"))
        self.gone.setObjectName(f"range_{number}_remove")
        self.message = message_label((*SWEEP, "ranges", number))
        top = QHBoxLayout()
        top.addWidget(self.line, 1)
        top.addWidget(self.gone)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GUTTER + 4, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addLayout(top)
        layout.addWidget(self.message)
        self.line.edited.connect(self._said)
        self.line.finished.connect(self._finish)
        self.gone.clicked.connect(self._remove)

    def show_range(self, tried: Table, what: str, wrong: str) -> None:
        """Show what is tried of a setting, and what is wrong with it."""
        self._tried = {name: each for name, each in tried.items() if name != "field"}
        title = what[:1].upper() + what[1:]
        self.title.setText(title)
        self.line.setAccessibleName(tr("Range of {}", what))
        self.gone.setAccessibleName(tr("Try one {} only", what))
        set_tip(self.gone, tr("Try one {} only", what))
        if not self.line.hasFocus() or read(self.line.text()) != self._tried:
            self.line.show_value(written(self._tried), settled=True)
        say_wrong(self.message, wrong)

    @Slot(object)
    def _said(self, text: object) -> None:
        self.changed.emit(self._number, read("" if text is UNSET else str(text)), True)

    @Slot()
    def _finish(self) -> None:
        self.finished.emit()
        self.line.show_value(written(self._tried), settled=True)

    @Slot()
    def _remove(self) -> None:
        self.changed.emit(self._number, None, False)
