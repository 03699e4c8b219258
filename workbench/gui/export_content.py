"""What an export makes of a chart, in the background: a file's content, or what goes into the clipboard."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication, QImage

from workbench.analysis.figure import as_csv
from workbench.gui.worker import Worker
from workbench.pictures import Figure

if TYPE_CHECKING:  # it imports pydantic, which takes a while
    from workbench.export.wishes import Style

COPY = "export_copy"
SHOWN_LINES = 200


@dataclass(frozen=True)
class Choice:
    """What the dialog asks for.

    Attributes
    ----------
    form : ``png``, ``svg``, ``pdf`` or ``csv``.
    height_mm : 0: as the panels need.
    table : write the table instead of the curves' points (CSV).
    """

    form: str = "png"
    width_mm: float = 85.0
    height_mm: float = 0.0
    font_size: float = 8.0
    colour: bool = True
    dots_per_inch: int = 300
    table: bool = False

    def style(self) -> Style:
        """As the drawing wants it."""
        from workbench.export.wishes import Style

        return Style(
            width=self.width_mm,
            height=self.height_mm or None,
            font_size=self.font_size,
            black=not self.colour,
            dots_per_inch=self.dots_per_inch,
        )


def content(figure: Figure, choice: Choice) -> bytes:
    """The file that a choice asks for; takes a while, so it is made in the background."""
    if choice.form == "csv":
        return as_csv(figure, table=choice.table).encode()
    from workbench.export.drawing import to_bytes

    return to_bytes(figure, choice.style(), choice.form)


def first_lines(text: str) -> str:
    """As much of a table as is worth looking at."""
    lines = text.splitlines()
    more = len(lines) - SHOWN_LINES
    rest = [f"… and {more:,} more rows"] if more > 0 else []
    return "\n".join(lines[:SHOWN_LINES] + rest) or "There are no numbers in this chart."


def copy_image(
    figure: Figure, worker: Worker, told: Callable[[str], object] | None = None, choice: Choice | None = None
) -> None:
    """Put a chart into the clipboard as an image, drawn in the background.

    Parameters
    ----------
    figure : what to draw.
    told : called in the GUI thread with a line that says what happened.
    """
    copy(figure, worker, replace(choice or Choice(), form="png"), told)


def copy(figure: Figure, worker: Worker, choice: Choice, told: Callable[[str], object] | None) -> None:
    """Put what a choice asks for into the clipboard: a figure as an image, data as text."""
    if choice.form != "csv":
        choice = replace(choice, form="png")

    def done(made: bytes) -> None:
        if choice.form == "csv":
            QGuiApplication.clipboard().setText(made.decode())
        else:
            QGuiApplication.clipboard().setImage(QImage.fromData(made))
        if told is not None:
            told("Copied to the clipboard.")

    def failed(error: Exception) -> None:
        if told is not None:
            told(f"Could not be copied: {in_words(error)}")

    worker.submit(COPY, "drawing the figure", lambda _: content(figure, choice), done, failed)


def in_words(error: Exception, path: Path | None = None) -> str:
    """Why something could not be written, and what to do."""
    if not isinstance(error, OSError):
        return str(error) or type(error).__name__
    folder = "the folder" if path is None else str(path.parent)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full. Make room in {folder}, or choose another folder."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} cannot be written to. Choose another folder."
    if error.errno == errno.ENOENT:
        return f"{folder} is not there any more. Choose another folder."
    return f"{error.strerror or error}. Choose another folder or name."
