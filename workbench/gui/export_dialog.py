"""Takes a chart away: as a figure for a paper, or as its data."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, QTimer, Slot
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
from workbench.gui.export_content import KINDS, Choice, Film, content, copy, first_lines, in_words
from workbench.gui.export_sheet import DPI, on_a_sheet
from workbench.gui.plain import Label, name_window, set_tip
from workbench.gui.settings_bar import SettingsBar
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.paths import write_atomically
from workbench.pictures import Figure
from workbench.words import tr

PREVIEW, SAVE = "export_preview", "export_save"
DEBOUNCE_MS = 200
STEPS = {"width": 5.0, "height": 5.0, "font_size": 0.5}
KEPT = "export/choice"


class ExportDialog(QDialog):
    """Saves or copies one chart, with a preview of what comes out.

    Parameters
    ----------
    figure : what to draw.
    worker : draws in the background.
    settings : where the last choices are kept; by default the application's.
    film : makes the figures of an animation; None where there is none.
    """

    def __init__(
        self,
        figure: Figure,
        worker: Worker,
        parent: QWidget | None = None,
        settings: QSettings | None = None,
        film: Film | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("export_dialog")
        name_window(self, tr("Export chart"))
        self._figure, self._worker, self._film = figure, worker, film
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
        self.resize(QSize(1100, 640).boundedTo(self.screen().availableSize()))

    # --- the form ----------------------------------------------------------------------------------

    def _make_fields(self) -> None:
        self.form = QFormLayout()
        self.bar = SettingsBar(Choice, "export", self.form, self)
        formats = self.bar["format"]
        assert isinstance(formats, QComboBox)
        for form, there in (("table", self._figure.table), ("gif", self._film)):
            if not there:
                formats.removeItem(formats.findData(form))
        for name, step in STEPS.items():
            box = self.bar[name]
            assert isinstance(box, QDoubleSpinBox)
            box.setDecimals(1)
            box.setSingleStep(step)
            if name == "height":
                box.setSpecialValueText(tr("automatic"))
        self.bar.changed.connect(self._changed)
        self.caption = QPlainTextEdit(self._figure.caption, self)
        self.caption.setObjectName("export_caption")
        self.caption.setAccessibleName(tr("Caption"))
        set_tip(self.caption, tr("A caption for a paper; it can be changed before it is copied"))
        self.caption.setTabChangesFocus(True)
        self.copy_caption = self._push(
            "export_copy_caption", tr("Copy caption"), tr("Copy the caption as text")
        )
        self.copy_caption.clicked.connect(self._copy_caption)
        self.copy_button = self._push(
            "export_copy", tr("Copy to clipboard"), tr("Copy the figure as an image")
        )
        self.copy_button.clicked.connect(self._copy)
        self.save_button = self._push("export_save", tr("Save as…"), tr("Choose a file and write it"))
        self.save_button.clicked.connect(self._save)
        self.save_button.setDefault(True)
        self.close_button = self._push("export_close", tr("Close"), tr("Close this dialog"))
        self.close_button.clicked.connect(self.reject)

    def _push(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        set_tip(button, tip)
        button.setAutoDefault(False)
        return button

    def _lay_out(self) -> None:
        caption_label = Label(tr("C&aption"), self)
        caption_label.setBuddy(self.caption)
        left = QVBoxLayout()
        left.addLayout(self.form)
        left.addWidget(caption_label)
        left.addWidget(self.caption, 1)
        left.addWidget(self.copy_caption, 0, Qt.AlignmentFlag.AlignRight)
        self.preview = Label(parent=self)
        self.preview.setObjectName("export_preview")
        self.preview.setAccessibleName(tr("Preview"))
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(320, 260)
        self.preview.setWordWrap(True)
        self.data = QPlainTextEdit(self)
        self.data.setObjectName("export_data")
        self.data.setAccessibleName(tr("Preview of the data"))
        self.data.setReadOnly(True)
        self.data.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.preview)
        self.pages.addWidget(self.data)
        self.status = Label(parent=self)
        self.status.setObjectName("export_status")
        self.status.setAccessibleName(tr("What happened"))
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        upper = QHBoxLayout()
        upper.addLayout(left, 2)
        upper.addWidget(self.pages, 4)
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
        return self.bar.settings

    @Slot()
    def _changed(self) -> None:
        choice = self.choice()
        self.form.setRowVisible(self.bar["resolution"], choice.format == "png")
        for name in ("width", "height"):
            self.form.setRowVisible(self.bar[name], choice.size == "custom" and choice.is_drawn)
        for name in ("size", "font_size", "colours"):
            self.bar[name].setEnabled(choice.is_drawn)
        self.pages.setCurrentWidget(self.preview if choice.is_drawn else self.data)
        self._timer.start()

    def _restore(self) -> None:
        try:
            kept = json.loads(str(self._settings.value(KEPT, "{}")))
        except ValueError:  # a stranger's
            kept = {}
        self.bar.restore(kept if isinstance(kept, dict) else {})

    def _remember(self) -> None:
        self._settings.setValue(KEPT, json.dumps(self.bar.state()))

    # --- preview -----------------------------------------------------------------------------------

    @Slot()
    def _draw(self) -> None:
        choice, figure = self.choice(), self._figure
        if choice.is_drawn:
            choice = choice.model_copy(update={"format": "png", "resolution": DPI})
            if self._png.isNull():
                self.preview.setText(tr("Drawing…"))

        def job(_: Progress) -> bytes | str:
            made = content(figure, choice)
            return made if choice.is_drawn else first_lines(made.decode())

        self._worker.submit(
            PREVIEW, tr("drawing the figure"), job, weakly(self._drawn), weakly(self._not_drawn)
        )

    def _drawn(self, made: bytes | str) -> None:
        if isinstance(made, str):
            self.data.setPlainText(made)
        else:
            self._png.loadFromData(made)
            self._fit()

    def _not_drawn(self, error: Exception) -> None:
        self._png = QPixmap()
        self.preview.setText(tr("The figure could not be drawn: {}", in_words(error)))

    def _fit(self) -> None:
        if not self._png.isNull():
            sheet, width, height = on_a_sheet(self._png, self.preview.size(), self.devicePixelRatioF())
            self.preview.setPixmap(sheet)
            set_tip(self.preview, tr("As it stands on a page: {:.0f} × {:.0f} mm", width, height))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    # --- taking it away ----------------------------------------------------------------------------

    @Slot()
    def _copy_caption(self) -> None:
        QGuiApplication.clipboard().setText(self.caption.toPlainText())
        self._say(tr("The caption is in the clipboard."))

    @Slot()
    def _copy(self) -> None:
        self._remember()
        self._say(tr("Preparing…"))
        copy(self._figure, self._worker, weakly(self._say), self.choice())

    @Slot()
    def _save(self) -> None:
        suffix = self.choice().suffix
        name, kinds = f"{self._figure.name}.{suffix}", f"{tr(KINDS[suffix])} (*.{suffix})"
        path = dialogs.file_to_save(self, tr("Save chart"), name, kinds, suffix)
        if path is not None:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Write the file in the background, and say how it went; a known suffix is its format."""
        self._remember()
        self._target = path
        self._say(tr("Saving…"))
        self._set_saving(True)
        figure, choice, film = self._figure, self.choice(), self._film
        suffix = path.suffix[1:].lower()
        if suffix in KINDS and suffix != choice.suffix and (film is not None or suffix != "gif"):
            choice = choice.model_copy(update={"format": suffix})

        def job(_: Progress) -> None:
            made = content(figure, choice, film)
            write_atomically(path, lambda file: file.write(made))

        self._worker.submit(SAVE, tr("saving the figure"), job, weakly(self._saved), weakly(self._not_saved))

    def _saved(self, _: None) -> None:
        self._set_saving(False)
        if self._target is not None:
            self._say(tr("Saved as {}.", self._target))
        if self._closing:
            self.reject()

    def _not_saved(self, error: Exception) -> None:
        self._set_saving(False)
        self._closing = False
        self._say(tr("Could not be saved: {}", in_words(error, self._target)), wrong=True)

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
