"""The log: what happened, with its time; what the program itself logs comes here too."""

from __future__ import annotations

import logging
import queue
import time

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from workbench.words import tr

MOST_LINES = 5000


class LogPanel(QPlainTextEdit):
    """Lines of text; the newest is in view unless the person has scrolled up."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("log")
        self.setAccessibleName(tr("Log"))
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setMaximumBlockCount(MOST_LINES)
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setPlaceholderText(tr("What happens is noted here."))
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._follows = True
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(self._follow)
        self.handler = _Handler(self)
        log = logging.getLogger("workbench")
        log.setLevel(logging.INFO)
        log.addHandler(self.handler)

    def close_log(self) -> None:
        """Take no more of what the program logs."""
        logging.getLogger("workbench").removeHandler(self.handler)

    @Slot()
    def _scrolled(self) -> None:
        self._follows = self.verticalScrollBar().value() == self.verticalScrollBar().maximum()

    @Slot()
    def _follow(self) -> None:
        """Stay at the end also where the panel has become smaller."""
        if self._follows:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    @Slot(str)
    def say(self, text: str) -> None:
        """Add a line."""
        self.appendPlainText(f"{time.strftime('%H:%M:%S')}  {text}")


class _Handler(logging.Handler):
    """Takes records on any thread; they are written in the GUI thread."""

    def __init__(self, panel: LogPanel) -> None:
        super().__init__(logging.INFO)
        self._mail = _Mail(panel)

    def emit(self, record: logging.LogRecord) -> None:
        self._mail.put(self.format(record))


class _Mail(QObject):
    arrived = Signal()

    def __init__(self, panel: LogPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._texts: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.arrived.connect(self._read)

    def put(self, text: str) -> None:
        self._texts.put(text)
        self.arrived.emit()

    @Slot()
    def _read(self) -> None:
        while not self._texts.empty():
            self._panel.say(self._texts.get())
