"""The export dialog: what it shows, what it writes, and what it says when it cannot."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from workbench.analysis.colours import PAPER, blend
from workbench.analysis.figure import as_csv
from workbench.export.drawing import to_bytes
from workbench.export.wishes import Style
from workbench.gui import dialogs, theme
from workbench.gui.export_content import Choice, content, copy, in_words
from workbench.gui.export_dialog import ExportDialog
from workbench.gui.worker import Worker
from workbench.pictures import Curve, Figure, Panel

CURVE = Curve("MAML", "#0072b2", np.arange(4.0), 1 / np.arange(1.0, 5.0))
FIGURE = Figure(
    "adaptation",
    (Panel("", "inner step", "query loss", curves=(CURVE,)),),
    "Query loss by inner step.",
    table=({"algorithm": "MAML", "mean": 0.25},),
)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def dialog(qtbot: QtBot, worker: Worker, settings: QSettings) -> ExportDialog:
    dialog = ExportDialog(FIGURE, worker, settings=settings)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def choose(dialog: ExportDialog, name: str, value: object) -> None:
    box = dialog.bar[name]
    assert isinstance(box, QComboBox)
    index = box.findData(value)
    assert index >= 0
    box.setCurrentIndex(index)


def preview(qtbot: QtBot, dialog: ExportDialog) -> tuple[int, int]:
    """Width and height of the next preview."""
    dialog.preview.clear()
    qtbot.waitUntil(lambda: not dialog.preview.pixmap().isNull(), timeout=20_000)
    return dialog._png.width(), dialog._png.height()


def test_the_preview_follows_the_choices(qtbot: QtBot, dialog: ExportDialog) -> None:
    narrow, _ = preview(qtbot, dialog)
    choose(dialog, "size", "two")
    wide, _ = preview(qtbot, dialog)
    assert wide == pytest.approx(175 / 85 * narrow, abs=2)
    choose(dialog, "size", "custom")
    dialog.bar["width"].setProperty("value", 100.0)
    dialog.bar["height"].setProperty("value", 50.0)
    width, height = preview(qtbot, dialog)
    assert width == pytest.approx(2 * height, abs=2)


def test_the_preview_is_a_page_on_which_a_column_is_a_column(qtbot: QtBot, dialog: ExportDialog) -> None:
    def part_of_the_page() -> float:
        """How much of the page's width the figure takes; text is grey beside it, at the same height."""
        page = dialog.preview.pixmap().toImage()
        row = round(page.height() * 0.06)
        text = [x for x in range(page.width()) if page.pixelColor(x, row).name() == line]
        return (min(text) if text else page.width()) / page.width()

    line = blend(PAPER.paper, PAPER.muted, 0.1)
    preview(qtbot, dialog)
    assert part_of_the_page() == pytest.approx((8 + 175 - 85) / (175 + 16), abs=0.02)
    assert dialog.preview.toolTip().startswith("As it stands on a page: 85 × ")
    choose(dialog, "size", "two")
    preview(qtbot, dialog)
    assert part_of_the_page() == 1
    assert dialog.preview.toolTip().startswith("As it stands on a page: 175 × ")


def test_each_format_is_written_as_drawn(qtbot: QtBot, dialog: ExportDialog, tmp_path: Path) -> None:
    choose(dialog, "size", "two")
    choose(dialog, "colours", "black")
    choose(dialog, "resolution", 200)
    dialog.bar["font_size"].setProperty("value", 9.0)
    style = Style(width=175, font_size=9, black=True, dots_per_inch=200)
    for form in ("png", "svg", "pdf"):
        choose(dialog, "format", form)
        path = tmp_path / f"f.{form}"
        dialog.save_to(path)
        qtbot.waitUntil(lambda path=path: dialog.status.text() == f"Saved as {path}.", timeout=20_000)
        assert path.read_bytes() == to_bytes(FIGURE, style, form)
    with Image.open(tmp_path / "f.png") as image:
        assert image.width == pytest.approx(175 / 25.4 * 200, abs=1)


def test_what_goes_on_is_written_as_an_animation(
    qtbot: QtBot, worker: Worker, settings: QSettings, tmp_path: Path
) -> None:
    later = replace(FIGURE, panels=(replace(FIGURE.panels[0], title="later"),))
    dialog = ExportDialog(FIGURE, worker, settings=settings, film=lambda: [FIGURE, later, FIGURE])
    qtbot.addWidget(dialog)
    dialog.show()
    choose(dialog, "format", "gif")
    preview(qtbot, dialog)
    path = tmp_path / "f.gif"
    dialog.save_to(path)
    qtbot.waitUntil(lambda: dialog.status.text() == f"Saved as {path}.")
    with Image.open(path) as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
        assert film.info["loop"] == 0
    still = ExportDialog(FIGURE, worker, settings=settings)
    qtbot.addWidget(still)
    assert still.choice().format != "gif"


def test_the_data_is_shown_and_written(qtbot: QtBot, dialog: ExportDialog, tmp_path: Path) -> None:
    for form, table in (("csv", False), ("table", True)):
        choose(dialog, "format", form)
        expected = as_csv(FIGURE, table=table)
        qtbot.waitUntil(lambda expected=expected: dialog.data.toPlainText() == expected.strip())
        assert dialog.data.isVisible()
        path = tmp_path / f"{form}.csv"
        dialog.save_to(path)
        qtbot.waitUntil(lambda path=path: dialog.status.text() == f"Saved as {path}.")
        assert path.read_text() == expected


def test_the_file_has_a_sensible_name(
    qtbot: QtBot, dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(parent: Any, title: str, name: str, kinds: str, suffix: str) -> Path:
        asked.append((name, kinds, suffix))
        return tmp_path / name

    monkeypatch.setattr(dialogs, "file_to_save", answer)
    choose(dialog, "format", "svg")
    dialog.save_button.click()
    qtbot.waitUntil(lambda: (tmp_path / "adaptation.svg").exists(), timeout=20_000)
    assert asked == [("adaptation.svg", "SVG drawing (*.svg)", "svg")]


def test_what_went_wrong_is_said_in_words(qtbot: QtBot, dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.save_to(tmp_path / "gone" / "f.png")
    qtbot.waitUntil(lambda: "is not there any more" in dialog.status.text(), timeout=20_000)
    assert dialog.save_button.isEnabled()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "cannot be written to"),
        (errno.EROFS, "cannot be written"),
    ],
)
def test_a_refusing_disk_is_named(number: int, words: str, tmp_path: Path) -> None:
    said = in_words(OSError(number, "x"), tmp_path / "f.png")
    assert words in said
    assert str(tmp_path) in said
    assert "hoose another folder" in said


def test_image_and_caption_reach_the_clipboard(qtbot: QtBot, dialog: ExportDialog) -> None:
    dialog.copy_button.click()
    qtbot.waitUntil(lambda: dialog.status.text() == "Copied to the clipboard.", timeout=20_000)
    image = QGuiApplication.clipboard().image()
    assert image.width() == pytest.approx(85 / 25.4 * 300, abs=1)
    dialog.copy_caption.click()
    assert QGuiApplication.clipboard().text() == "Query loss by inner step."


def test_a_chart_is_copied_without_a_dialog(qtbot: QtBot, worker: Worker) -> None:
    told: list[str] = []
    QGuiApplication.clipboard().clear()
    copy(FIGURE, worker, told.append)
    qtbot.waitUntil(lambda: told == ["Copied to the clipboard."], timeout=20_000)
    assert not QGuiApplication.clipboard().image().isNull()


def test_the_last_choices_come_back(
    qtbot: QtBot, dialog: ExportDialog, worker: Worker, settings: QSettings
) -> None:
    choose(dialog, "format", "pdf")
    choose(dialog, "size", "custom")
    choose(dialog, "colours", "black")
    dialog.bar["width"].setProperty("value", 99.0)
    dialog.bar["font_size"].setProperty("value", 10.5)
    before = dialog.choice()
    dialog.reject()
    again = ExportDialog(FIGURE, worker, settings=settings)
    qtbot.addWidget(again)
    assert again.choice() == before
    assert (before.format, before.width, before.colours) == ("pdf", 99.0, "black")


@pytest.mark.parametrize(
    "kept",
    ["no json", "[]", '{"format": "bmp", "size": "wide", "font_size": NaN, "resolution": "x", "y": 1}'],
)
def test_settings_of_a_stranger_do_no_harm(
    qtbot: QtBot, worker: Worker, settings: QSettings, kept: str
) -> None:
    settings.setValue("export/choice", kept)
    dialog = ExportDialog(FIGURE, worker, settings=settings)
    qtbot.addWidget(dialog)
    assert dialog.choice() == Choice()


def test_a_dialog_that_is_closed_still_saves(qtbot: QtBot, dialog: ExportDialog, tmp_path: Path) -> None:
    path = tmp_path / "f.pdf"
    choose(dialog, "format", "pdf")
    dialog.save_to(path)
    dialog.reject()
    qtbot.waitUntil(lambda: not dialog.isVisible(), timeout=20_000)
    assert path.exists()


def test_a_figure_looks_the_same_from_a_dark_window(monkeypatch: pytest.MonkeyPatch) -> None:
    curve = Curve("MAML", "run 1", np.arange(2.0), np.arange(2.0))
    figure, drawn = Figure("f", (Panel(curves=(curve,)),)), []
    for dark in (True, False):
        monkeypatch.setattr(theme, "is_dark", lambda dark=dark: dark)
        drawn.append(content(figure, Choice(format="svg")))
    assert drawn[0] == drawn[1]
    assert theme.colour("run 1").encode() in drawn[0]


def test_every_control_can_be_named_and_reached(dialog: ExportDialog) -> None:
    names = ("format", "resolution", "size", "width", "height", "font_size", "colours")
    for field in (*(dialog.bar[name] for name in names), dialog.caption):
        assert field.objectName().startswith("export_")
        assert field.accessibleName()
        assert field.toolTip()
    assert dialog.copy_caption.isEnabled()
    labels = [dialog.form.labelForField(dialog.bar[name]) for name in names]
    keys = [each.text() for each in labels if isinstance(each, QLabel)]
    assert keys == ["&Format", "&Resolution", "&Size", "&Width", "&Height", "F&ont size", "&Colours"]
