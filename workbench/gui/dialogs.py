"""Questions to the person. All of them go through here, so that they look and behave alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QButtonGroup,
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QMessageBox,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.gui import icons, theme
from workbench.gui.plain import Question, name_window, set_tip
from workbench.words import marked, tr

CANCEL = marked("Cancel")
OTHER = 2  # how a dialog ends besides accepted and rejected


def ask(parent: QWidget, title: str, text: str, answers: Sequence[str], *, cancel: str = CANCEL) -> str:
    """Ask a question; the first answer is the default one, Escape is ``cancel``.

    Returns
    -------
    The answer, or ``cancel``.
    """
    box = Question(title, text, parent)
    box.setObjectName("question")
    buttons = {box.addButton(answer, QMessageBox.ButtonRole.AcceptRole): answer for answer in answers}
    box.setDefaultButton(next(iter(buttons)))
    box.setEscapeButton(box.addButton(tr(cancel), QMessageBox.ButtonRole.RejectRole))
    box.exec()
    return next((answer for button, answer in buttons.items() if button is box.clickedButton()), cancel)


def file_to_open(parent: QWidget, title: str, kinds: str) -> Path | None:
    """Let the person choose a file that is there."""
    name, _ = QFileDialog.getOpenFileName(parent, title, _folder(), kinds)
    return _chosen(name)


def folder_to_open(parent: QWidget, title: str) -> Path | None:
    """Let the person choose a folder that is there."""
    return _chosen(QFileDialog.getExistingDirectory(parent, title, _folder()))


def file_to_save(parent: QWidget, title: str, name: str, kinds: str, suffix: str) -> Path | None:
    """Let the person name a file to write; the dialog asks before one is replaced."""
    dialog = QFileDialog(parent, title, str(Path(_folder()) / name), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    if not dialog.exec():
        return None
    return _chosen(dialog.selectedFiles()[0])


def _folder() -> str:
    """Where the last file was; at first the person's home."""
    kept = Path(str(QSettings().value("folder", "")) or Path.home())
    return str(kept if kept.is_dir() else Path.home())


def _chosen(name: str) -> Path | None:
    if not name:
        return None
    QSettings().setValue("folder", str(Path(name).parent))
    return Path(name)


def choose_colour(parent: QWidget, title: str, now: str) -> str:
    """Let the person choose one of the runs' colours, or any other behind them; empty: none (``#rrggbb``)."""
    dialog = QDialog(parent)
    dialog.setObjectName("colour_dialog")
    name_window(dialog, title)
    grid, buttons = QGridLayout(), QButtonGroup(dialog)
    for number, colour in enumerate(theme.run_colours()):
        button = QToolButton(dialog)
        button.setObjectName(f"colour_{number + 1}")
        button.setAccessibleName(tr("Colour {}", number + 1))
        set_tip(button, tr("{}, which eyes tell from the others", colour))
        button.setIcon(icons.swatch(colour, 28))
        button.setIconSize(QSize(28, 28))
        button.setCheckable(True)
        button.setChecked(colour == now)
        button.clicked.connect(dialog.accept)
        buttons.addButton(button, number)
        grid.addWidget(button, number // 6, number % 6)
    other = QPushButton(tr("Other…"), dialog)
    other.setObjectName("colour_other")
    set_tip(other, tr("Any colour at all; the program cannot tell whether it stands out"))
    other.clicked.connect(lambda: dialog.done(OTHER))
    below = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, dialog)
    below.addButton(other, QDialogButtonBox.ButtonRole.ActionRole)
    below.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.addLayout(grid)
    layout.addWidget(below)
    answer = dialog.exec()
    if answer == OTHER:
        found = QColorDialog.getColor(QColor(now), parent, title)
        return found.name() if found.isValid() else ""
    return theme.run_colours()[buttons.checkedId()] if answer else ""
