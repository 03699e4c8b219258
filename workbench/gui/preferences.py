"""File → Preferences: where runs run."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QLineEdit,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from workbench.errors import InputError
from workbench.gui.place import Place, kept, most_jobs
from workbench.gui.plain import Label, name_window, set_tip
from workbench.words import tr


class Preferences(QDialog):
    """Asks where runs run, and remembers it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preferences_dialog")
        name_window(self, tr("Preferences"))
        self.here = self._choice("here", tr("&One after the other"), tr("In this window's own process"))
        self.processes = self._choice("processes", tr("&Several at once"), tr("Each in a process of its own"))
        self.on_cluster = self._choice("cluster", tr("On a Ray &cluster"), tr("On other machines, too"))
        self._choices = QButtonGroup(self)
        for choice in (self.here, self.processes, self.on_cluster):
            self._choices.addButton(choice)
        self.jobs = QSpinBox()
        self.jobs.setObjectName("place_jobs")
        self.jobs.setAccessibleName(tr("Runs at once"))
        self.jobs.setRange(2, most_jobs())
        set_tip(self.jobs, tr("Runs at once; each has its share of the processors"))
        self.address = QLineEdit()
        self.address.setObjectName("place_address")
        self.address.setAccessibleName(tr("Address of the cluster"))
        self.address.setPlaceholderText(tr("HOST:PORT, or local"))
        set_tip(self.address, tr("Where “ray start --head” was said; local: a cluster of this machine alone"))
        box = QGroupBox(tr("Where runs run"))
        form = QFormLayout(box)
        form.addRow(self.here)
        form.addRow(self.processes, self.jobs)
        form.addRow(self.on_cluster, self.address)
        note = Label(
            tr(
                "Results are the same, bit for bit. Elsewhere, curves come about twice a second, and "
                "predictions when a run is over. A change holds once nothing runs any more."
            )
        )
        note.setObjectName("place_note")
        note.setWordWrap(True)
        self.error = Label()
        self.error.setObjectName("place_error")
        self.error.setWordWrap(True)
        self.error.hide()
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for part in (box, note, self.error, buttons):
            layout.addWidget(part)
        self._choices.buttonToggled.connect(self._refresh)
        self._show(kept())

    def _choice(self, name: str, text: str, tip: str) -> QRadioButton:
        choice = QRadioButton(text)
        choice.setObjectName(f"place_{name}")
        set_tip(choice, tip)
        return choice

    def _show(self, place: Place) -> None:
        self.jobs.setValue(place.jobs)
        self.address.setText(place.cluster)
        chosen = self.on_cluster if place.cluster else self.here if place.is_here else self.processes
        chosen.setChecked(True)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        self.jobs.setEnabled(self.processes.isChecked())
        self.address.setEnabled(self.on_cluster.isChecked())

    def _place(self) -> Place:
        if self.on_cluster.isChecked():
            return Place(0, self.address.text().strip())
        return Place(self.jobs.value()) if self.processes.isChecked() else Place()

    def accept(self) -> None:
        """Remember what was chosen, unless it cannot be."""
        from workbench.runs.cluster import check_address, demand

        place = self._place()
        try:
            if self.on_cluster.isChecked():
                demand()
                check_address(place.cluster)
        except InputError as error:
            self.error.setText(str(error))
            self.error.show()
            return
        place.keep()
        super().accept()
