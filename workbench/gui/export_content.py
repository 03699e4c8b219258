"""What an export makes of a chart, in the background: a file's content, or what goes into the clipboard."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtGui import QGuiApplication, QImage

from workbench.analysis.figure import as_csv
from workbench.export.wishes import Style
from workbench.gui.worker import Worker
from workbench.pictures import Figure
from workbench.settings import Section, setting
from workbench.words import marked, tr

COPY = "export_copy"
SHOWN_LINES = 200


KINDS = marked({
    "png": "PNG image",
    "svg": "SVG drawing",
    "pdf": "PDF document",
    "gif": "GIF animation",
    "csv": "Comma-separated values",
})  # fmt: skip
"""What a file is, by its suffix."""


class Choice(Section):
    """What the dialog asks for; its controls are made from this."""

    format: Literal["png", "svg", "pdf", "gif", "csv", "table"] = setting(
        "png",
        titles=KINDS | {"csv": "CSV, the data", "table": "CSV, the table"},
        help="What kind of file is written",
    )
    resolution: Literal[100, 200, 300, 600] = setting(
        300,
        titles={str(dots): f"{dots} dots per inch" for dots in (100, 200, 300, 600)},
        help="Dots per inch of the PNG",
    )
    size: Literal["one", "two", "custom"] = setting(
        "one",
        titles={"one": "One column (85 mm)", "two": "Two columns (175 mm)", "custom": "Custom"},
        help="Width as printed: one or two columns of a paper",
    )
    width: float = setting(120.0, ge=30, le=400, unit="mm", help="Width as printed")
    height: float = setting(0.0, ge=0, le=400, unit="mm", help="Height as printed")
    font_size: float = setting(8.0, ge=4, le=24, unit="pt", help="Size of the text as printed")
    colours: Literal["colour", "black"] = setting(
        "colour",
        titles={"colour": "Colour", "black": "Black and white"},
        help="Colour, or dashes and markers for print",
    )

    @property
    def is_drawn(self) -> bool:
        """Whether a figure is wanted, not its data."""
        return self.format in ("png", "svg", "pdf", "gif")

    @property
    def suffix(self) -> str:
        """Of the file."""
        return "csv" if self.format == "table" else self.format

    def style(self) -> Style:
        """As the drawing wants it."""
        return Style(
            width=self.width if self.size == "custom" else self.size,
            height=(self.height or None) if self.size == "custom" else None,
            font_size=self.font_size,
            black=self.colours == "black",
            dots_per_inch=self.resolution,
        )


Film = Callable[[], list[Figure]]
"""Makes the figures of an animation."""


def content(figure: Figure, choice: Choice, film: Film | None = None) -> bytes:
    """The file that a choice asks for; takes a while, so it is made in the background."""
    if not choice.is_drawn:
        return as_csv(figure, table=choice.format == "table").encode()
    if choice.format == "gif" and film is not None:
        from workbench.export.animation import to_gif

        return to_gif(film(), choice.style())
    from workbench.export.drawing import to_bytes

    return to_bytes(figure, choice.style(), choice.format)


def first_lines(text: str) -> str:
    """As much of a table as is worth looking at."""
    lines = text.splitlines()
    more = len(lines) - SHOWN_LINES
    rest = [tr("… and {:,} more rows", more)] if more > 0 else []
    return "\n".join(lines[:SHOWN_LINES] + rest) or tr("There are no numbers in this chart.")


def copy(figure: Figure, worker: Worker, told: Callable[[str], object], choice: Choice | None = None) -> None:
    """Put what a choice asks for into the clipboard: a figure as an image, data as text.

    Parameters
    ----------
    told : called in the GUI thread with a line that says what happened.
    choice : by default a picture.
    """
    choice = choice or Choice()
    wanted = choice.model_copy(update={"format": "png"}) if choice.is_drawn else choice

    def done(made: bytes) -> None:
        if wanted.is_drawn:
            QGuiApplication.clipboard().setImage(QImage.fromData(made))
        else:
            QGuiApplication.clipboard().setText(made.decode())
        told(tr("Copied to the clipboard."))

    def failed(error: Exception) -> None:
        told(tr("Could not be copied: {}", in_words(error)))

    worker.submit(COPY, tr("drawing the figure"), lambda _: content(figure, wanted), done, failed)


def in_words(error: Exception, path: Path | None = None) -> str:
    """Why something could not be written, and what to do."""
    if not isinstance(error, OSError):
        return str(error) or type(error).__name__
    folder = tr("the folder") if path is None else str(path.parent)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return tr("the disk is full. Make room in {}, or choose another folder.", folder)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return tr("{} cannot be written to. Choose another folder.", folder)
    if error.errno == errno.ENOENT:
        return tr("{} is not there any more. Choose another folder.", folder)
    return tr("{}. Choose another folder or name.", error.strerror or error)
