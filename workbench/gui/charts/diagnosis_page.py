"""What diagnoses are worth: a table of the trained learners, and what that means for people."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from workbench.analysis import diagnosis
from workbench.analysis.diagnosis import Diagnosed
from workbench.gui.charts.result_table import Column, ResultTable
from workbench.gui.plain import Label, set_tip
from workbench.words import NO_MEDICAL_DEVICE, tr

DIGITS = 3
LEAST, MOST = 0.001, 99.9
"""Percent of people who are ill."""


class _Percent(QDoubleSpinBox):
    """A share in percent, without digits that say nothing."""

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(value, "g", DIGITS + 3)


class DiagnosisPage(QWidget):
    """Shows diagnoses for people of whom a share is ill, which can be typed.

    Attributes
    ----------
    prevalence_changed : another share was typed, in percent.
    """

    prevalence_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("comparison_diagnosis")
        self.setAccessibleName(tr("Diagnosis"))
        self._sentences: dict[str, str] = {}
        self.prevalence = _Percent(self)
        self.prevalence.setObjectName("comparison_prevalence")
        self.prevalence.setAccessibleName(tr("Prevalence"))
        self.prevalence.setDecimals(DIGITS)
        self.prevalence.setRange(LEAST, MOST)
        self.prevalence.setValue(diagnosis.PREVALENCE)
        self.prevalence.setSuffix(" %")
        self.prevalence.setKeyboardTracking(False)
        set_tip(self.prevalence, tr("How many of all people are ill"))
        self.prevalence.valueChanged.connect(self.prevalence_changed)
        label = Label(tr("People who are ill"), self)
        label.setBuddy(self.prevalence)
        self.table = ResultTable([], self)
        self.table.setObjectName("comparison_diagnoses")
        self.table.setAccessibleName(tr("Diagnoses by learner"))
        self.table.selectionModel().currentRowChanged.connect(self._say)
        self.words = Label(parent=self)
        self.words.setObjectName("comparison_diagnosis_words")
        self.words.setAccessibleName(tr("What that means for people"))
        self.words.setWordWrap(True)
        top = QHBoxLayout()
        top.addWidget(label)
        top.addWidget(self.prevalence)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.words)

    def set_prevalence(self, percent: float) -> None:
        """Show another share, without telling of it."""
        with QSignalBlocker(self.prevalence):
            self.prevalence.setValue(percent)

    def show_diagnoses(self, found: Sequence[Diagnosed], prevalence: float) -> None:
        """Show what the learners of some algorithms are worth where so many percent of people are ill."""
        table = diagnosis.table(found, prevalence)
        self._sentences = dict(diagnosis.sentences(found, prevalence))
        tip = table.caption
        columns = []
        for each in table.columns:
            interval = f"{each.key}_ci95"
            if any(interval in row for row in table.rows):
                columns.append(Column(each.key, each.heading.removesuffix(" (%)"), tip, ".1%"))
                columns.append(Column(interval, "±", tr("95% over tasks. {}", tip), ".1%"))
            else:
                share = each.heading.endswith(" (%)")
                form = ".1%" if share else str(each.form)
                columns.append(Column(each.key, each.heading.removesuffix(" (%)"), tip, form))
        self.table.show_rows(columns, table.rows)
        self._say()

    @Slot()
    def _say(self) -> None:
        """What it means for people, by the current learner, or the first."""
        chosen = self.table.currentIndex().siblingAtColumn(0).data()
        name = str(chosen) if chosen in self._sentences else next(iter(self._sentences), "")
        said = self._sentences.get(name, tr("No operating point could be chosen on meta-validation tasks."))
        self.words.setText(f"{name}: {said} {NO_MEDICAL_DEVICE}" if name else f"{said} {NO_MEDICAL_DEVICE}")
