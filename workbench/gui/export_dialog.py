"""Takes a chart away: as a figure for a paper, or as its data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, QSignalBlocker, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from workbench.gui import dialogs, theme
from workbench.gui.export_content import Choice, content, copy, copy_image, first_lines, in_words
from workbench.gui.plain import Label, set_tip
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.paths import write_atomically
from workbench.pictures import Figure

__all__ = ["ExportDialog", "copy_image"]

PREVIEW, SAVE = "export_preview", "export_save"
DEBOUNCE_MS = 200
PREVIEW_DPI = 150
CUSTOM = 0.0
WIDTHS = (("One column (85 mm)", 85.0), ("Two columns (175 mm)", 175.0), ("Custom", CUSTOM))
FORMATS = (
    ("PNG image", "png", "PNG image (*.png)"),
    ("SVG drawing", "svg", "SVG drawing (*.svg)"),
    ("PDF document", "pdf", "PDF document (*.pdf)"),
    ("CSV, the data", "csv", "Comma-separated values (*.csv)"),
)
RESOLUTIONS = (100, 200, 300, 600)


class ExportDialog(QDialog):
    """Saves or copies one chart, with a preview of what comes out.

    Parameters
    ----------
    figure : what to draw.
    worker : draws in the background.
    settings : where the last choices are kept; by default the application's.
    """

    def __init__(
        self,
        figure: Figure,
        worker: Worker,
        parent: QWidget | None = None,
        settings: QSettings | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("export_dialog")
        self.setWindowTitle("Export chart")
        self._figure, self._worker = figure, worker
        self._settings = settings or QSettings()
        self._png = QPixmap()
        self._target: Path | None = None
        self._closing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._draw)
        self._make_fields()
        self._lay_out()
        self._restore()
        self._changed()
        self.resize(860, 520)

    # --- the form ----------------------------------------------------------------------------------

    def _make_fields(self) -> None:
        self.format = self._combo("export_format", "Format", "What kind of file is written")
        for text, form, _ in FORMATS:
            self.format.addItem(text, form)
        if self._figure.table:
            self.format.addItem("CSV, the table", "table")
        self.resolution = self._combo("export_resolution", "Resolution", "Dots per inch of the PNG")
        for dots in RESOLUTIONS:
            self.resolution.addItem(f"{dots} dots per inch", dots)
        self.size_choice = self._combo(
            "export_size", "Size", "Width as printed: one or two columns of a paper"
        )
        for text, width in WIDTHS:
            self.size_choice.addItem(text, width)
        self.width_mm = self._number("export_width", "Width", 30, 400, "Width as printed")
        self.height_mm = self._number("export_height", "Height", 0, 400, "Height as printed")
        self.height_mm.setSpecialValueText("automatic")
        self.font_size = self._number("export_font_size", "Font size", 4, 24, "Size of the text as printed")
        self.font_size.setSuffix(" pt")
        self.font_size.setSingleStep(0.5)
        self.colours = self._combo("export_colours", "Colours", "Colour, or dashes and markers for print")
        self.colours.addItem("Colour", True)
        self.colours.addItem("Black and white", False)
        self.caption = QPlainTextEdit(self._figure.caption, self)
        self.caption.setObjectName("export_caption")
        self.caption.setAccessibleName("Caption")
        set_tip(self.caption, "A caption for a paper; it can be changed before it is copied")
        self.caption.setTabChangesFocus(True)
        self.copy_caption = self._push("export_copy_caption", "Copy caption", "Copy the caption as text")
        self.copy_caption.clicked.connect(self._copy_caption)
        self.copy_button = self._push("export_copy", "Copy to clipboard", "Copy the figure as an image")
        self.copy_button.clicked.connect(self._copy)
        self.save_button = self._push("export_save", "Save as…", "Choose a file and write it")
        self.save_button.clicked.connect(self._save)
        self.save_button.setDefault(True)
        self.close_button = self._push("export_close", "Close", "Close this dialog")
        self.close_button.clicked.connect(self.reject)

    def _combo(self, name: str, label: str, tip: str) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(name)
        box.setAccessibleName(label)
        set_tip(box, tip)
        box.currentIndexChanged.connect(self._changed)
        return box

    def _number(self, name: str, label: str, low: float, high: float, tip: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox(self)
        box.setObjectName(name)
        box.setAccessibleName(label)
        set_tip(box, tip)
        box.setRange(low, high)
        box.setDecimals(1)
        box.setSingleStep(5)
        box.setSuffix(" mm")
        box.valueChanged.connect(self._changed)
        return box

    def _push(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        set_tip(button, tip)
        button.setAutoDefault(False)
        return button

    def _lay_out(self) -> None:
        form = QFormLayout()
        self._form = form
        for label, field in (
            ("&Format", self.format),
            ("&Resolution", self.resolution),
            ("&Size", self.size_choice),
            ("&Width", self.width_mm),
            ("&Height", self.height_mm),
            ("F&ont size", self.font_size),
            ("&Colours", self.colours),
        ):
            form.addRow(label, field)
        caption_label = Label("C&aption", self)
        caption_label.setBuddy(self.caption)
        left = QVBoxLayout()
        left.addLayout(form)
        left.addWidget(caption_label)
        left.addWidget(self.caption, 1)
        left.addWidget(self.copy_caption, 0, Qt.AlignmentFlag.AlignRight)
        self.preview = Label(parent=self)
        self.preview.setObjectName("export_preview")
        self.preview.setAccessibleName("Preview")
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(320, 260)
        self.preview.setWordWrap(True)
        self.data = QPlainTextEdit(self)
        self.data.setObjectName("export_data")
        self.data.setAccessibleName("Preview of the data")
        self.data.setReadOnly(True)
        self.data.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.preview)
        self.pages.addWidget(self.data)
        self.status = Label(parent=self)
        self.status.setObjectName("export_status")
        self.status.setAccessibleName("What happened")
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        upper = QHBoxLayout()
        upper.addLayout(left, 2)
        upper.addWidget(self.pages, 3)
        buttons = QHBoxLayout()
        buttons.addWidget(self.status, 1)
        for button in (self.copy_button, self.save_button, self.close_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(upper, 1)
        layout.addLayout(buttons)

    # --- what is chosen ----------------------------------------------------------------------------

    def choice(self) -> Choice:
        """What the form asks for at present."""
        form = self.format.currentData()
        return Choice(
            form="csv" if form == "table" else str(form),
            width_mm=self.size_choice.currentData() or self.width_mm.value(),
            height_mm=self.height_mm.value() if self.size_choice.currentData() == CUSTOM else 0.0,
            font_size=self.font_size.value(),
            colour=bool(self.colours.currentData()),
            dots_per_inch=int(self.resolution.currentData()),
            table=form == "table",
        )

    @Slot()
    def _changed(self) -> None:
        if not hasattr(self, "_form"):  # the form is still being made
            return
        form, custom = self.format.currentData(), self.size_choice.currentData() == CUSTOM
        drawn = form in ("png", "svg", "pdf")
        self._form.setRowVisible(self.resolution, form == "png")
        self._form.setRowVisible(self.width_mm, custom and drawn)
        self._form.setRowVisible(self.height_mm, custom and drawn)
        for field in (self.size_choice, self.font_size, self.colours):
            field.setEnabled(drawn)
        self.pages.setCurrentWidget(self.preview if drawn else self.data)
        self._timer.start()

    def _kept(self) -> dict[str, tuple[Any, Any]]:
        """Each setting by its name: the field, and the value where nothing was kept."""
        return {
            "format": (self.format, "png"),
            "resolution": (self.resolution, 300),
            "size": (self.size_choice, 85.0),
            "colour": (self.colours, True),
            "width": (self.width_mm, 120.0),
            "height": (self.height_mm, 0.0),
            "font_size": (self.font_size, 8.0),
        }

    def _restore(self) -> None:
        for name, (field, default) in self._kept().items():
            blocked = QSignalBlocker(field)
            kept = self._settings.value(f"export/{name}", default, type(default))
            if isinstance(field, QComboBox):
                field.setCurrentIndex(max(0, field.findData(kept)))
            else:
                field.setValue(kept)
            blocked.unblock()

    def _remember(self) -> None:
        for name, (field, _) in self._kept().items():
            value = field.currentData() if isinstance(field, QComboBox) else field.value()
            self._settings.setValue(f"export/{name}", value)

    # --- preview -----------------------------------------------------------------------------------

    @Slot()
    def _draw(self) -> None:
        choice, figure = self.choice(), self._figure
        if choice.form != "csv":
            choice = replace(choice, form="png", dots_per_inch=PREVIEW_DPI)
            if self._png.isNull():
                self.preview.setText("Drawing…")

        def job(_: Progress) -> bytes | str:
            made = content(figure, choice)
            return first_lines(made.decode()) if choice.form == "csv" else made

        self._worker.submit(PREVIEW, "drawing the figure", job, weakly(self._drawn), weakly(self._not_drawn))

    def _drawn(self, made: bytes | str) -> None:
        if isinstance(made, str):
            self.data.setPlainText(made)
        else:
            self._png.loadFromData(made)
            self._fit()

    def _not_drawn(self, error: Exception) -> None:
        self._png = QPixmap()
        self.preview.setText(f"The figure could not be drawn: {in_words(error)}")

    def _fit(self) -> None:
        if not self._png.isNull():
            ratio = self.devicePixelRatioF()
            scaled = self._png.scaled(
                self.preview.size() * ratio,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            scaled.setDevicePixelRatio(ratio)
            self.preview.setPixmap(scaled)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    # --- taking it away ----------------------------------------------------------------------------

    @Slot()
    def _copy_caption(self) -> None:
        QGuiApplication.clipboard().setText(self.caption.toPlainText())
        self._say("The caption is in the clipboard.")

    @Slot()
    def _copy(self) -> None:
        choice = self.choice()
        self._remember()
        self._say("Preparing…")
        copy(self._figure, self._worker, choice, weakly(self._say))

    @Slot()
    def _save(self) -> None:
        form = self.choice().form
        kinds = next(text for _, each, text in FORMATS if each == form)
        name = f"{self._figure.name}.{form}"
        path = dialogs.file_to_save(self, "Save chart", name, kinds, form)
        if path is not None:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Write the file in the background, and say how it went; a known suffix is its format."""
        self._remember()
        self._target = path
        self._say("Saving…")
        self._set_saving(True)
        figure, choice = self._figure, self.choice()
        suffix = path.suffix[1:].lower()
        if suffix in (form for _, form, _ in FORMATS):
            choice = replace(choice, form=suffix)

        def job(_: Progress) -> None:
            made = content(figure, choice)
            write_atomically(path, lambda file: file.write(made))

        self._worker.submit(SAVE, "saving the figure", job, weakly(self._saved), weakly(self._not_saved))

    def _saved(self, _: None) -> None:
        self._set_saving(False)
        if self._target is not None:
            self._say(f"Saved as {self._target}.")
        if self._closing:
            self.reject()

    def _not_saved(self, error: Exception) -> None:
        self._set_saving(False)
        self._closing = False
        self._say(f"Could not be saved: {in_words(error, self._target)}", wrong=True)

    def _set_saving(self, saving: bool) -> None:
        self.save_button.setEnabled(not saving)

    def _say(self, text: str, wrong: bool = False) -> None:
        self.status.setText(text)
        self.status.setStyleSheet(f"color: {theme.wrong()}" if wrong else "")

    def done(self, result: int) -> None:
        if self._worker.waits_for(SAVE):  # close when the file is there
            self._closing = True
            return
        self._remember()
        self._worker.cancel(PREVIEW)
        super().done(result)
