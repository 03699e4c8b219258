"""What importing did to a set that is kept: shown for as long as the set is there."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QVBoxLayout, QWidget

from workbench.data.registry import Manifest
from workbench.gui.plain import Label, name_window
from workbench.words import shown, tr


class ImportNotes(QDialog):
    """A set's origin, its classes in a line, and every note of its import."""

    def __init__(self, manifest: Manifest, parent: QWidget | None = None) -> None:
        from workbench.importing import UNITS, counted

        super().__init__(parent)
        self.setObjectName("import_notes")
        name_window(self, tr("Notes on {}", shown(manifest.name)))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        about = Label(
            tr(
                "{}, read as {} from {}",
                counted(manifest.groups, manifest.counts, *UNITS[manifest.kind]),
                manifest.layout,
                shown(manifest.source, 300),
            )
        )
        about.setWordWrap(True)
        self.notes = QListWidget()
        self.notes.setObjectName("import_notes_list")
        self.notes.setAccessibleName(tr("What importing found, changed and left out"))
        self.notes.setWordWrap(True)
        self.notes.setAlternatingRowColors(True)
        self.notes.addItems([shown(each, 2000) for each in manifest.findings] or [tr("Nothing was changed.")])
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(about)
        layout.addWidget(self.notes, 1)
        layout.addWidget(box)
        self.resize(620, 360)
