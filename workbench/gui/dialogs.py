"""Questions to the person. All of them go through here, so that they look and behave alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QMessageBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.plain import Label, Question, name_window

CANCEL = "Cancel"


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
    box.setEscapeButton(box.addButton(cancel, QMessageBox.ButtonRole.RejectRole))
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


def edit_text(parent: QWidget, title: str, label: str, text: str) -> str | None:
    """Let the person edit a longer text; None if they would rather not."""
    dialog = QDialog(parent)
    name_window(dialog, title)
    dialog.resize(420, 260)
    editor = QPlainTextEdit(text, dialog)
    editor.setAccessibleName(label)
    editor.setTabChangesFocus(True)
    buttons = QDialogButtonBox(
        QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, dialog
    )
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    for widget in (Label(label, dialog), editor, buttons):
        layout.addWidget(widget)
    return editor.toPlainText() if dialog.exec() else None
