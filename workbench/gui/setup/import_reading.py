"""How data is read where there is something to choose: encoding, range, pages, labels that look the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QWidget

from workbench.errors import InputError
from workbench.gui.plain import Label, set_tip
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.data.reading import Reading

DEBOUNCE_MS = 400


class ReadingRow(QWidget):
    """Shows a choice as soon as something in the data gives reason for it, and keeps it then.

    Attributes
    ----------
    changed : other data would be read now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("import_reading")
        self.encoding = self._line("encoding", tr("guessed"), tr("Of texts and of names in a zip: cp866 …"))
        self.low = self._line("range_low", tr("smallest"), tr("The number that becomes black"))
        self.high = self._line("range_high", tr("largest"), tr("The number that becomes white"))
        self.pages = QCheckBox(tr("&Pages are pictures"))
        set_tip(self.pages, tr("Each page of a film is a picture; otherwise the first stands for it"))
        self.merge = QCheckBox(tr("&Merge labels that look the same"))
        set_tip(self.merge, tr("Capitals and blanks then make no classes of their own"))
        for name, box in (("pages", self.pages), ("merge", self.merge)):
            box.setObjectName(f"import_{name}")
            box.toggled.connect(self._changed)
        self._parts = {
            "encoding": self._beside(tr("Encoding"), self.encoding),
            "range": self._beside(tr("Range"), self.low, self.high),
            "pages": self.pages,
            "merge": self.merge,
        }
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for part in self._parts.values():
            part.hide()
            row.addWidget(part)
        row.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self.changed)
        self.hide()

    def forget(self) -> None:
        """For other data: nothing is chosen."""
        for line in (self.encoding, self.low, self.high):
            line.clear()
        for box in (self.pages, self.merge):
            box.setChecked(False)
        for part in self._parts.values():
            part.hide()
        self._timer.stop()
        self.hide()

    def offer(self, findings: Iterable[str], reasons: Iterable[str]) -> None:
        """Show the choices that have a meaning for what was found, and for what cannot be read."""
        found = set(findings)
        needed = {
            "encoding": any("encoding" in each for each in found),
            "range": bool(found & {"depth", "cut off"}) or any("--range" in each for each in reasons),
            "pages": "pages" in found,
            "merge": "look-alikes" in found,
        }
        for name, part in self._parts.items():
            if needed[name]:
                part.show()
        self.setVisible(any(not part.isHidden() for part in self._parts.values()))

    def reading(self) -> Reading:
        """What is chosen.

        Raises
        ------
        DataError
            If it is no encoding, or no range.
        """
        from workbench.data.reading import NOW

        span = self._span()
        return replace(
            NOW,
            encoding=self.encoding.text().strip() or None,
            range=span,
            pages=self.pages.isChecked(),
            merge_labels=self.merge.isChecked(),
        )

    def _span(self) -> tuple[float, float] | None:
        texts = [line.text().strip() for line in (self.low, self.high)]
        if not any(texts):
            return None
        try:
            return float(texts[0]), float(texts[1])
        except ValueError:
            raise InputError(tr("The range needs two numbers, for black and for white.")) from None

    @Slot()
    def _changed(self) -> None:
        self._timer.start()

    def _line(self, name: str, placeholder: str, tip: str) -> QLineEdit:
        line = QLineEdit()
        line.setObjectName(f"import_{name}")
        line.setAccessibleName(tip)
        line.setPlaceholderText(placeholder)
        line.setMaximumWidth(90)
        set_tip(line, tip)
        line.textEdited.connect(self._changed)
        return line

    def _beside(self, text: str, *lines: QLineEdit) -> QWidget:
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        label = Label(text)
        label.setBuddy(lines[0])
        row.addWidget(label)
        for line in lines:
            row.addWidget(line)
        return body
