"""Using a learner in the window: files or typed numbers in, a picture and a table out; plain complaints."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from tests.data.test_subjects import written
from tests.export import test_using
from tests.gui.conftest import Open
from tests.gui.finished import DIGITS, project_of
from tests.tasks.test_subjects import lines
from workbench.gui import dialogs
from workbench.gui.export_dialog import ExportDialog
from workbench.gui.typed_table import TypedTable
from workbench.gui.use_dialog import USE, UseDialog
from workbench.gui.worker import Worker
from workbench.pictures import RUNS
from workbench.project import Project
from workbench.words import NO_MEDICAL_DEVICE

Opens = Callable[[Path, int], UseDialog]


@pytest.fixture(scope="module")
def sinusoid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sinusoid") / "p.mlwb"
    project_of(path, "maml", seeds=1)
    return path


@pytest.fixture
def opens(qtbot: QtBot) -> Iterator[Opens]:
    """The dialog of a run, ready to be used."""
    worker = Worker()

    def open_(path: Path, run: int = 1) -> UseDialog:
        with Project.open(path, read_only=True) as project:
            record = project.run(run)
        dialog = UseDialog(path, record, RUNS[1], worker)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog.asks is not None or bool(dialog.status.styleSheet()))
        return dialog

    yield open_
    worker.close()


def predict(qtbot: QtBot, dialog: UseDialog) -> None:
    assert dialog.predict.isEnabled()
    QTest.mouseClick(dialog.predict, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog._worker.waits_for(USE))


def test_numbers_that_are_typed_in_are_predicted(qtbot: QtBot, opens: Opens, sinusoid: Path) -> None:
    dialog = opens(sinusoid)
    assert dialog.pages.currentWidget() is dialog.hint
    assert dialog.asks is not None
    assert dialog.asks.columns == (("x",), ("y",))
    dialog.sources.setCurrentIndex(1)
    assert not dialog.predict.isEnabled()
    dialog.tables["support"].put("0.5\t1\n1\t2\n2\t-1")
    dialog.tables["query"].put("0\n3\n9")
    predict(qtbot, dialog)
    assert dialog.status.text() == "Predicted 3 queries."
    assert dialog.used is not None
    assert [row["x"] for row in dialog.used.rows()] == [0, 3, 9]
    assert [dialog.notes.item(row).text().partition(" lies")[0] for row in range(dialog.notes.count())] == [
        "query: x",
        "3 support examples; the tasks of this run have 5",
    ]
    assert dialog.notes.item(0).text().endswith("the first: row 3, 9")
    assert dialog.board.isVisible()
    assert dialog.rows.model().rowCount() == 3
    figure = dialog.used.figure()
    assert {curve.colour for curve in figure.panels[0].curves} >= {RUNS[1]}
    assert "Low and high" in dialog.said.text()
    dialog.player.back()
    assert "after 2 steps" in dialog.said.text()
    assert "Low and high" not in dialog.said.text()


def test_a_bad_cell_is_named_by_the_row_that_was_typed_in(qtbot: QtBot, opens: Opens, sinusoid: Path) -> None:
    dialog = opens(sinusoid)
    dialog.sources.setCurrentIndex(1)
    dialog.tables["support"].put("0.5\t1\n1\tmuch")
    dialog.tables["query"].put("0")
    predict(qtbot, dialog)
    assert dialog.status.text() == "support, row 2, column y: 'much' is no number"
    assert dialog.status.styleSheet()
    assert dialog.used is None
    dialog.tables["support"].put("2", 1, 1)
    predict(qtbot, dialog)
    assert dialog.used is not None
    assert dialog.status.text() == "Predicted 1 query."
    assert not dialog.status.styleSheet()


def test_an_example_fills_in_the_files_and_is_exported(
    qtbot: QtBot, opens: Opens, sinusoid: Path, tmp_path: Path
) -> None:
    dialog = opens(sinusoid)
    assert not dialog.predict.isEnabled()
    assert not dialog.export.isEnabled()
    dialog.write_example(tmp_path / "example")
    qtbot.waitUntil(lambda: dialog.paths["query"].text() != "")
    assert dialog.paths["support"].text() == str(tmp_path / "example" / "support.csv")
    dialog.paths["support"].setFocus()
    QTest.keyClick(dialog.paths["support"], Qt.Key.Key_Return)  # Predict is the default button
    qtbot.waitUntil(lambda: dialog.used is not None)
    QTest.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    (export,) = dialog.findChildren(ExportDialog)
    qtbot.waitUntil(lambda: not export.preview.pixmap().isNull())
    formats = export.bar["format"]
    formats.setCurrentIndex(formats.findData("table"))  # type: ignore[attr-defined]
    export.save_to(tmp_path / "predicted.csv")
    qtbot.waitUntil(lambda: export.status.text().startswith("Saved as"))
    with (tmp_path / "predicted.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["y_true"]) for row in rows] == [row["y_true"] for row in dialog.used.rows()]  # type: ignore[union-attr]
    export.reject()


def test_a_patient_that_is_typed_in_has_its_band_drawn(qtbot: QtBot, opens: Opens, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    table = written(tmp_path / "table.csv", lines())
    project_of(path, "cnp", seeds=1, text=test_using.text("subjects", table, "shots = 3"))
    before = path.read_bytes()
    dialog = opens(path)
    dialog.sources.setCurrentIndex(1)
    patient, asked = dialog.tables["support"], dialog.tables["query"]
    heads = [patient.horizontalHeaderItem(at).text() for at in range(patient.columnCount())]
    assert heads == ["TIME (h)", "DV (mg/L)", "AMT (mg)", "WT"]
    patient.put("ID\tTIME\tAMT\tDV\tWT\r\n9\t0\t20\t\t66\r\n9\t1\t\t12\t66\r\n9\t3\t\tlow\t66\r\n")
    assert "no such columns here: ID" in dialog.status.text()
    assert patient.as_csv().splitlines()[2] == "1,12,,66"
    predict(qtbot, dialog)
    assert dialog.status.text() == "support, row 3, column DV: 'low' is no number"
    patient.put("8", 2, 1)
    predict(qtbot, dialog)
    assert dialog.used is not None
    rows = dialog.used.rows()
    assert len(rows) == dialog.rows.model().rowCount() >= 20
    assert all(row["DV_low"] <= row["DV_predicted"] <= row["DV_high"] for row in rows)
    assert any(curve.low is not None for curve in dialog.used.figure().panels[0].curves)
    assert dialog.said.text().endswith(NO_MEDICAL_DEVICE)
    asked.put("4\n60")
    predict(qtbot, dialog)
    assert [row["TIME"] for row in dialog.used.rows()] == pytest.approx([4, 60])
    notes = [dialog.notes.item(row).text() for row in range(dialog.notes.count())]
    assert any("TIME lies outside" in note and "row 2, 60" in note for note in notes)
    assert path.read_bytes() == before


def test_pictures_are_shown_with_how_probable_they_are(qtbot: QtBot, opens: Opens, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "protonet", seeds=1, text=DIGITS)
    dialog = opens(path)
    assert not dialog.sources.isTabVisible(1)
    dialog.write_example(tmp_path / "example")
    qtbot.waitUntil(lambda: dialog.paths["query"].text() != "")
    predict(qtbot, dialog)
    assert dialog.used is not None
    assert dialog.rows.model().rowCount() == 8
    assert "Likely are classes of at least" in dialog.said.text()
    assert not dialog.player.slider.isVisible()  # a closed form has no steps
    dialog.paths["query"].setText(str(tmp_path / "no such folder"))
    predict(qtbot, dialog)
    assert "there is no such file or folder" in dialog.status.text()


def test_what_has_learned_nothing_yet_cannot_be_used(opens: Opens, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "maml", seeds=1, done=0)
    dialog = opens(path)
    assert dialog.status.text() == "MAML, seed 0 has no checkpoint yet"
    assert not dialog.sources.isEnabled()
    assert not dialog.predict.isEnabled()


def test_predicting_is_cancelled(
    qtbot: QtBot, opens: Opens, sinusoid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opens(sinusoid)
    begun = []

    def endless(*arguments: object) -> None:
        *_, progress = arguments
        begun.append(True)
        while True:
            assert callable(progress)
            progress(0.5, "Adapting")

    monkeypatch.setattr(dialog._predictor, "use", endless)
    dialog.sources.setCurrentIndex(1)
    dialog.tables["support"].put("0.5\t1")
    dialog.tables["query"].put("0")
    QTest.mouseClick(dialog.predict, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(begun) and dialog.progress.format() == "Adapting")
    assert not dialog.predict.isEnabled()
    QTest.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
    assert dialog.status.text() == "Cancelled."
    assert dialog.predict.isEnabled()
    assert not dialog.progress.isVisible()


def test_every_control_has_a_name(opens: Opens, sinusoid: Path) -> None:
    dialog = opens(sinusoid)
    buttons = [each for each in dialog.findChildren(QPushButton) if each.objectName().startswith("use_")]
    assert len(buttons) == 9
    named = [*dialog.paths.values(), *dialog.tables.values(), dialog.notes, dialog.board, dialog.rows]
    assert all(each.objectName() and each.accessibleName() for each in named)
    assert all(each.toolTip() for each in buttons)


def test_a_run_is_used_from_the_menu(
    qtbot: QtBot, open_window: Open, sinusoid: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "p.mlwb"
    path.write_bytes(sinusoid.read_bytes())
    window = open_window(path)
    assert not window.actions_["use"].isEnabled()
    window.session.data.select([1])
    assert window.actions_["use"] in window.runs_panel.table.actions()
    window.actions_["use"].trigger()
    (dialog,) = window.findChildren(UseDialog)
    qtbot.waitUntil(lambda: dialog.asks is not None)
    monkeypatch.setattr(dialogs, "file_to_open", lambda *_: tmp_path / "s.csv")
    button = dialog.findChild(QPushButton, "use_support_file")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert dialog.paths["support"].text() == str(tmp_path / "s.csv")
    dialog.reject()


def test_cells_come_from_a_spreadsheet(qtbot: QtBot) -> None:
    table = TypedTable("table", "Table")
    qtbot.addWidget(table)
    table.show_columns(("x", "y"))
    table.show()
    QGuiApplication.clipboard().setText("1\t2\r\n\r\n3\t4\r\n5\t6\r\n7\t8\r\n9\t10\r\n11\t12\r\n13\t14\r\n")
    table.setCurrentCell(0, 0)
    QTest.keyClick(table, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert table.as_csv() == "x,y\n1,2\n3,4\n5,6\n7,8\n9,10\n11,12\n13,14\n"
    assert table.rowCount() == 8  # one more to type into
    table.clearSelection()
    table.selectRow(1)
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert table.as_csv().startswith("x,y\n1,2\n\n5,6\n")


def test_enter_leads_to_the_next_cell(qtbot: QtBot) -> None:
    table = TypedTable("table", "Table")
    qtbot.addWidget(table)
    table.show_columns(("x", "y"))
    table.show()
    table.setCurrentCell(0, 0)
    for text in ("1", "2", "3"):
        table.edit(table.currentIndex())
        editor = table.viewport().findChild(QLineEdit)
        assert editor is not None
        editor.setText(text)
        QTest.keyClick(editor, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: table.viewport().findChild(QLineEdit) is not editor)  # noqa: B023
    assert table.as_csv() == "x,y\n1,2\n3,\n"
