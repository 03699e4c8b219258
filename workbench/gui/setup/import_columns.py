"""Which column of a table of subjects is what: as it was recognised, or as somebody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QWidget

from workbench.gui.plain import Label, set_tip
from workbench.words import marked, shown, tr

DEBOUNCE_MS = 400
NONE = ""
_COLUMNS = marked({
    "subject": ("Subject", "Who was measured"),
    "time": ("Time", "When"),
    "outcome": ("Outcome", "What was measured"),
    "dose": ("Doses", "How much was given"),
})  # fmt: skip
_WORDS = marked({
    "which": ("Which outcome", "Of several outcomes the one that is taken (DVID)"),
    "unit": ("Unit", "Of the outcome, such as mg/L"),
    "time_unit": ("Unit of time", "Such as h"),
})  # fmt: skip
COLUMNS = (*_COLUMNS, *_WORDS)
"""What may be said of a table, as the family's settings call it."""

_IN_A_ROW = 4


class ColumnsPart(QWidget):
    """Shows what each column is taken for, and lets it be another one.

    Attributes
    ----------
    changed : the table would be read otherwise now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("import_columns")
        self._said: dict[str, str] = {}
        self.boxes: dict[str, QComboBox] = {}
        self.lines: dict[str, QLineEdit] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for name, (title, tip) in (_COLUMNS | _WORDS).items():
            field: QComboBox | QLineEdit
            if name in _COLUMNS:
                field = self.boxes[name] = QComboBox()
                field.activated.connect(self._choose)
                field.setMinimumContentsLength(8)
                field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            else:
                field = self.lines[name] = QLineEdit()
                field.textEdited.connect(self._choose)
                field.setMaximumWidth(110)
            field.setObjectName(f"import_column_{name}")
            field.setAccessibleName(tr(tip))
            set_tip(field, tr(tip))
            label = Label(tr(title))
            label.setBuddy(field)
            place = grid.count() // 2
            row, column = 2 * (place // _IN_A_ROW), place % _IN_A_ROW
            grid.addWidget(label, row, column)
            grid.addWidget(field, row + 1, column)
        for column in range(_IN_A_ROW):
            grid.setColumnStretch(column, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self.changed)
        self.hide()

    def forget(self) -> None:
        """For another file: nothing is said of its columns."""
        self.assume({})
        self.hide()

    def assume(self, said: Mapping[str, str]) -> None:
        """Say of roles what they are."""
        self._said = dict(said)
        for role, line in self.lines.items():
            line.setText(self._said.get(role, ""))
        self._timer.stop()

    def offer(self, names: Sequence[str], recognised: Mapping[str, str]) -> None:
        """Let people choose among columns.

        Parameters
        ----------
        recognised : what each was taken for, and the units and the outcome that were found; empty where
            that is not known.
        """
        for role, box in self.boxes.items():
            chosen, own = self._said.get(role, NONE), recognised.get(role, "")
            box.clear()
            box.addItem(tr("{} (recognised)", shown(own)) if own and not chosen else tr("recognised"), NONE)
            for name in names:
                box.addItem(shown(name) or tr("(without a name)"), name)
            box.setCurrentIndex(max(0, box.findData(chosen)) if chosen else 0)
        for role, line in self.lines.items():
            line.setPlaceholderText(shown(recognised.get(role, "")) or tr("not said"))
        self.show()

    def chosen(self) -> dict[str, str]:
        """What somebody said, by role."""
        return dict(self._said)

    @Slot()
    def _choose(self) -> None:
        said = {role: str(box.currentData() or NONE) for role, box in self.boxes.items()}
        said |= {role: line.text().strip() for role, line in self.lines.items()}
        self._said = {role: word for role, word in said.items() if word}
        self._timer.start()
