"""The status bar: what is done in the background, with how much memory, and that all of it is kept."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QProgressBar, QStatusBar, QWidget

from workbench.analysis.numerals import duration
from workbench.gui.plain import Label, set_tip
from workbench.gui.session import Session
from workbench.words import tr


class StatusBar(QStatusBar):
    """Background work on the left; memory, "saved" and device on the right."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status_bar")
        self._session = session
        self._process = psutil.Process()
        self._spinner = QProgressBar(self)
        self._spinner.setRange(0, 0)
        self._spinner.setTextVisible(False)
        self._spinner.setFixedSize(70, 6)
        self._spinner.setAccessibleName(tr("Working in the background"))
        self._spinner.hide()
        self._work = Label(parent=self)
        self._work.setObjectName("status_work")
        self.addWidget(self._spinner)
        self.addWidget(self._work)
        self.memory = Label(parent=self)
        self.memory.setObjectName("status_memory")
        self.saved = Label(parent=self)
        self.saved.setObjectName("status_saved")
        self.device = Label(tr("PyTorch is being loaded"), self)
        self.device.setObjectName("status_device")
        for label, tip in (
            (self.memory, tr("Memory of the program")),
            (self.saved, tr("Everything is in the project file at once; there is nothing to save")),
            (self.device, tr("Where training runs")),
        ):
            set_tip(label, tip)
            self.addPermanentWidget(label)

    @Slot(str)
    def say_busy(self, what: str) -> None:
        """Show what is done in the background; an empty text ends it."""
        self._spinner.setVisible(bool(what))
        self._work.setText(f"{what}…" if what else "")

    @Slot()
    def look(self) -> None:
        """Bring the figures up to date."""
        self.memory.setText(tr("{:.1f} GB", self._process.memory_info().rss / 1000000000.0))
        self.saved.setText(self._saved())

    def _saved(self) -> str:
        session = self._session
        if session.project is None:
            return ""
        if session.read_only:
            return tr("read-only")
        if session.queue.waiting:
            return tr("cannot be saved at present")
        if session.queue.running is None:
            return tr("saved")
        return tr("saved {} ago", duration(max(0.0, time.time() - _written(session.path))))


def _written(path: Path) -> float:
    """When a project was last written to."""
    files = [path, path.with_name(f"{path.name}-wal")]
    return max((file.stat().st_mtime for file in files if file.exists()), default=time.time())
