"""The Help menu: keys, algorithms, versions."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from workbench import __version__
from workbench.gui.actions import COMMANDS, SEPARATOR, SUBMENUS
from workbench.gui.plain import Markup, Page, joined, name_window, rich

if TYPE_CHECKING:
    from workbench.catalogue import AlgorithmEntry
    from workbench.gui.setup.panel import SetupPanel

CHART_KEYS = (
    ("Whole range, follow the run", "A, or a double click"),
    ("Zoom", "mouse wheel, + and −"),
    ("Move along", "drag, arrow keys"),
    ("Go to Setup, a chart, Runs, Log", "Ctrl+1 to Ctrl+8"),
    ("Next, previous panel", "F6, Shift+F6"),
)


class HelpCommands(QObject):
    """Shows pages of text in a window of their own."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setup: SetupPanel | None = None
        self.device = "not known yet"

    @Slot()
    def keys(self) -> None:
        rows = []
        for command in COMMANDS:
            if command.name in (SEPARATOR, *SUBMENUS) or not command.keys:
                continue
            keys = " or ".join(
                QKeySequence(each).toString(QKeySequence.SequenceFormat.NativeText)
                for each in command.keys.split("  ")
            )
            rows.append((f"{command.menu}: {command.text.rstrip('…')}", keys))
        self._show("Keyboard", _table([*rows, *CHART_KEYS], ("Command", "Keys")))

    @Slot()
    def algorithms(self) -> None:
        if self.setup is None:
            self._show("Algorithms", rich("<p>PyTorch is being loaded; try again in a moment.</p>"))
            return
        from workbench import catalogue

        parts = []
        for each in catalogue.algorithms():
            problems = " and ".join(each["problems"])
            parts.append(
                rich(
                    "<h3>{}</h3><p>{}</p><p><b>{}</b>, for {}. {}</p>",
                    *(each["title"], each["summary"], each["family"], problems, _cited(each)),
                )
            )
        self._show("Algorithms", joined(rich(""), parts))

    @Slot()
    def about(self) -> None:
        import pyqtgraph
        import PySide6

        rows = [
            ("Meta-Learning Workbench", __version__),
            ("Python", platform.python_version()),
            ("PyTorch", _torch_version() if self.setup is not None else "being loaded"),
            ("Qt for Python", PySide6.__version__),
            ("pyqtgraph", pyqtgraph.__version__),
            ("Device", self.device),
            ("System", platform.platform()),
            ("Licence", "MIT"),
        ]
        text = rich("<p>Compares algorithms that learn to learn, on identical, hashed episodes.</p>")
        self._show("About", rich("{}{}", text, _table(rows, ("", ""))), (440, 340))

    def _show(self, title: str, text: Markup, size: tuple[int, int] = (600, 560)) -> None:
        dialog = QDialog(self._window)
        dialog.setObjectName("help")
        name_window(dialog, title)
        dialog.resize(*size)
        browser = Page(text, dialog)
        browser.setAccessibleName(title)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
        buttons.rejected.connect(dialog.reject)
        layout = QVBoxLayout(dialog)
        layout.addWidget(browser)
        layout.addWidget(buttons)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _torch_version() -> str:
    import torch

    return torch.__version__


def _table(rows: list[tuple[str, str]], heads: tuple[str, str]) -> Markup:
    lines = [rich('<tr><th align="left">{}</th><th align="left">{}</th></tr>', *heads)]
    lines += [rich("<tr><td>{}</td><td>{}</td></tr>", *row) for row in rows]
    return rich('<table cellpadding="4" width="100%">{}</table>', joined(rich(""), lines))


def _cited(algorithm: AlgorithmEntry) -> Markup:
    citation = algorithm["citation"] or "No paper."
    before, arxiv, number = citation.partition("arXiv ")
    number = number.rstrip(".")
    if not arxiv:
        return rich("{}", citation)
    return rich('{}<a href="https://arxiv.org/abs/{}">arXiv {}</a>.', before, number, number)
