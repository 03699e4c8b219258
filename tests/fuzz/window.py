"""One window, offscreen, that opens project after project."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PySide6.QtWidgets import QApplication

from tests.fuzz.projects import told
from workbench.errors import InputError
from workbench.gui import app, theme
from workbench.gui.window import MainWindow


class Window:
    """The program's window, with PyTorch loaded."""

    def __init__(self) -> None:
        running = QApplication.instance()
        self._application = running if isinstance(running, QApplication) else app.make_application()
        theme.apply("light")
        self._found: list[str] = []
        sys.excepthook = lambda kind, error, trace: self._found.append(told(error))
        self._window = MainWindow()
        self._window.resize(1280, 720)
        self._window.arrange()
        self._window.begin(None)
        self._window.show()
        while self._window.run_commands.setup is None:
            self._turn()

    def visit(self, path: Path) -> str:
        """Open a project, look at every chart, and leave it again; what was wrong."""
        self._found.clear()
        session = self._window.session
        try:
            session.open(path)
        except InputError as error:
            return "" if "\n" not in str(error) else "two lines"
        except BaseException as error:
            return told(error)
        try:
            for dock in self._window.layout_.docks.values():
                dock.show()
                dock.raise_()
                self._turn()
            self._window.grab()
            self._turn()
            session.new()
            self._turn()
        except BaseException as error:
            return told(error)
        return "; ".join(self._found)

    def _turn(self) -> None:
        """Let everything happen that waits, also in the background."""
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            self._application.processEvents()
            time.sleep(0.002)
