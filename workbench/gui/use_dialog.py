"""Puts a run to use: its learner adapts to examples that a person brings along, and predicts others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from workbench.errors import InputError
from workbench.export.predicting import Asks, Predictor
from workbench.export.using import Used
from workbench.gui import dialogs, theme
from workbench.gui.charts.board import Board
from workbench.gui.charts.player import Player
from workbench.gui.charts.result_table import Column, ResultTable
from workbench.gui.plain import Label, name_window, set_tip
from workbench.gui.setup.task_data import in_words
from workbench.gui.typed_table import TypedTable
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.pictures import Figure
from workbench.project import RunRecord
from workbench.project.temporaries import private_folder
from workbench.words import marked, plural, tr

OPEN, USE, EXAMPLE = "use open", "use", "use example"
PARTS = ("support", "query")
TITLES = marked({"support": "&Support set", "query": "&Queries"})
ANY = marked("Tables, arrays, texts, pictures (*)")


class UseDialog(QDialog):
    """Asks for a support set and queries, and shows what the run's learner makes of them.

    The project is only read.

    Parameters
    ----------
    project : the file that the run is in.
    colour : the run's role in charts.
    """

    def __init__(
        self, project: Path, run: RunRecord, colour: str, worker: Worker, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("use_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        name_window(self, tr("Use the learner of {}", run.name))
        self._project, self._run, self._colour = project, run, colour
        self._worker, self._predictor = worker, Predictor()
        self.asks: Asks | None = None
        self.used: Used | None = None
        self._make_sources()
        self._make_results()
        self._lay_out()
        worker.progressed.connect(self._show_progress)
        predictor, path, number = self._predictor, project, run.id

        def job(progress: Progress) -> Asks:
            return predictor.asks(path, number, progress)

        worker.submit(
            OPEN, tr("reading what the run knows"), job, weakly(self._opened), weakly(self._unusable)
        )
        self._say(tr("Reading the run and its data…"))
        self._refresh()
        self.resize(1100, 620)

    # --- what it is made of ------------------------------------------------------------------------

    def _make_sources(self) -> None:
        self.paths = {part: self._line(part) for part in PARTS}
        self.tables = {
            part: TypedTable(f"use_table_{part}", tr(TITLES[part]).replace("&", ""), self) for part in PARTS
        }
        self._helps = {part: Label(parent=self) for part in PARTS}
        self.sources = QTabWidget(self)
        self.sources.setObjectName("use_sources")
        self.sources.setAccessibleName(tr("Where the examples come from"))
        files = QGridLayout()
        row = 0
        for part in PARTS:
            title = Label(tr(TITLES[part]), self)
            title.setBuddy(self.paths[part])
            files.addWidget(title, row, 0, 1, 3)
            files.addWidget(self.paths[part], row + 1, 0)
            for at, what, word, tip, choose in (
                (1, "file", tr("File…"), tr("Choose a file"), self._choose_file),
                (2, "folder", tr("Folder…"), tr("Choose a folder"), self._choose_folder),
            ):
                button = self._push(f"use_{part}_{what}", word, tip, choose)
                button.setProperty("part", part)
                files.addWidget(button, row + 1, at)
            self._helps[part].setWordWrap(True)
            self._helps[part].setObjectName(f"use_help_{part}")
            files.addWidget(self._helps[part], row + 2, 0, 1, 3)
            placed = [files.itemAtPosition(row + down, across) for down in range(3) for across in range(3)]
            self._of_queries = [widget for each in placed if each is not None and (widget := each.widget())]
            row += 3
        self.example = self._push(
            "use_example",
            tr("&Example…"),
            tr("Write a task of the run's meta-test as such files, into a new folder, and fill them in"),
            self._write_example,
        )
        files.addWidget(self.example, row, 0, 1, 3, Qt.AlignmentFlag.AlignLeft)
        files.setRowStretch(row + 1, 1)
        files.setColumnStretch(0, 1)
        page = QWidget(self)
        page.setLayout(files)
        self.sources.addTab(page, tr("Files"))
        typed = QWidget(self)
        both = QVBoxLayout(typed)
        for part in PARTS:
            half = QWidget(typed)
            column = QVBoxLayout(half)
            column.setContentsMargins(0, 0, 0, 0)
            title = Label(tr(TITLES[part]), self)
            title.setBuddy(self.tables[part])
            column.addWidget(title)
            column.addWidget(self.tables[part], 1)
            both.addWidget(half, 2 if part == "support" else 1)
            self.tables[part].edited.connect(self._refresh)
            self.tables[part].told.connect(self._say)
        self._of_queries.append(half)
        self.sources.addTab(typed, tr("Type in"))
        self.sources.setTabVisible(1, False)
        self.sources.currentChanged.connect(self._refresh)
        self.predict = self._push(
            "use_predict",
            tr("&Predict"),
            tr("Adapt to the support set and predict the queries"),
            self._predict,
        )
        self.predict.setDefault(True)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("use_progress")
        self.progress.setAccessibleName(tr("Progress"))
        self.progress.setRange(0, 1000)
        self.cancel = self._push("use_cancel", tr("&Cancel"), tr("Stop predicting"), self._cancel)
        self.notes = QListWidget(self)
        self.notes.setObjectName("use_notes")
        self.notes.setAccessibleName(tr("How these examples differ from those that were trained on"))
        self._noted = Label(tr("Notes on these examples"), self)
        self._noted.setBuddy(self.notes)
        set_tip(self.notes, tr("Predictions of what is unlike the training can be far from the truth"))
        self.notes.setWordWrap(True)
        self.notes.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)

    def _make_results(self) -> None:
        self.board = Board("use_board", tr("What is predicted, and the inner loop"), self)
        self.rows = ResultTable([], self)
        self.rows.setObjectName("use_rows")
        self.rows.setAccessibleName(tr("Predictions, a row for each query"))
        self.player = Player(self)
        self.player.chosen.connect(self._draw)
        self.player.listen(self.board)
        self.player.listen(self.player)
        self.said = Label(parent=self)
        self.said.setObjectName("use_said")
        self.said.setAccessibleName(tr("What was done, and how sure it is"))
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.status = Label(parent=self)
        self.status.setObjectName("use_status")
        self.status.setAccessibleName(tr("What happened"))
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.export = self._push(
            "use_export", tr("E&xport…"), tr("A figure for a paper, or the table"), self._export
        )
        self.close_button = self._push("use_close", tr("Close"), tr("Close this dialog"), self.reject)

    def _line(self, part: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setObjectName(f"use_{part}")
        line.setAccessibleName(tr(TITLES[part]).replace("&", ""))
        set_tip(line, tr("A file, or a folder; it can be dropped here"))
        line.textChanged.connect(self._refresh)
        return line

    def _push(self, name: str, text: str, tip: str, pressed: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        set_tip(button, tip)
        button.clicked.connect(pressed)
        return button

    def _lay_out(self) -> None:
        doing = QHBoxLayout()
        doing.addWidget(self.progress, 1)
        doing.addWidget(self.cancel)
        left = QWidget(self)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.sources, 3)
        column.addWidget(self.predict)
        column.addLayout(doing)
        column.addWidget(self._noted)
        column.addWidget(self.notes, 1)
        self.results = QSplitter(Qt.Orientation.Vertical, self)
        self.results.setObjectName("use_results")
        shown = QWidget(self)
        upper = QVBoxLayout(shown)
        upper.setContentsMargins(0, 0, 0, 0)
        upper.addWidget(self.board, 1)
        upper.addWidget(self.player)
        upper.addWidget(self.said)
        self.results.addWidget(shown)
        self.results.addWidget(self.rows)
        self.results.setSizes([400, 160])
        self.hint = Label(tr("Choose a support set and queries, and press Predict."), self)
        self.hint.setObjectName("use_hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setStyleSheet(f"color: {theme.muted()}")
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.hint)
        self.pages.addWidget(self.results)
        halves = QSplitter(Qt.Orientation.Horizontal, self)
        halves.setObjectName("use_halves")
        halves.addWidget(left)
        halves.addWidget(self.pages)
        halves.setSizes([360, 740])
        halves.setChildrenCollapsible(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.status, 1)
        buttons.addWidget(self.export)
        buttons.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.addWidget(halves, 1)
        layout.addLayout(buttons)

    # --- what is asked for -------------------------------------------------------------------------

    def _opened(self, asks: Asks) -> None:
        self.asks = asks
        for part, words in zip(PARTS, (asks.support, asks.query), strict=True):
            self._helps[part].setText(f"{words[:1].upper()}{words[1:]}.")
        for widget in self._of_queries:
            widget.setVisible(bool(asks.query))
        inputs, outputs = asks.columns
        if inputs:
            self.tables["support"].show_columns((*inputs, *outputs))
            self.tables["query"].show_columns(inputs)
            self.sources.setTabVisible(1, True)
        self._say("")
        self._refresh()
        self.paths["support"].setFocus()

    def _unusable(self, error: Exception) -> None:
        self._say(in_words(error), wrong=True)
        self._refresh()

    @property
    def _parts(self) -> tuple[str, ...]:
        """What is asked for: of a set to group, no queries."""
        return PARTS if self.asks is None or self.asks.query else PARTS[:1]

    @property
    def _typing(self) -> bool:
        return self.sources.currentIndex() == 1

    @Slot()
    def _choose_file(self) -> None:
        self._chosen(dialogs.file_to_open(self, tr("Choose a file"), tr(ANY)))

    @Slot()
    def _choose_folder(self) -> None:
        self._chosen(dialogs.folder_to_open(self, tr("Choose a folder")))

    def _chosen(self, path: Path | None) -> None:
        part = str(self.sender().property("part"))
        if path is not None:
            self.paths[part].setText(str(path))

    @Slot()
    def _write_example(self) -> None:
        folder = dialogs.file_to_save(
            self, tr("Write an example into a new folder"), "example", tr("Folder (*)"), ""
        )
        if folder is not None:
            self.write_example(folder)

    def write_example(self, folder: Path) -> None:
        """Write a meta-test task as files into a folder that is yet to be made, and fill them in."""
        predictor, project, run = self._predictor, self._project, self._run.id

        def job(progress: Progress) -> tuple[Path, ...]:
            return predictor.example(project, run, folder, progress)

        self._worker.submit(
            EXAMPLE, tr("writing an example"), job, weakly(self._fill_in), weakly(self._refuse)
        )
        self._say(tr("Writing an example…"))
        self._refresh()

    def _fill_in(self, files: tuple[Path, ...]) -> None:
        for part, path in zip(self._parts, files, strict=True):
            self.paths[part].setText(str(path))
        self._say(tr("Written into {}.", files[0].parent))
        self._refresh()

    # --- predicting --------------------------------------------------------------------------------

    @Slot()
    def _predict(self) -> None:
        if not self.predict.isEnabled():
            return
        predictor, project, run = self._predictor, self._project, self._run.id
        if self._typing:
            texts = {part: self.tables[part].as_csv() for part in self._parts if self.tables[part].filled}

            def job(progress: Progress) -> Used:
                return _typed_in(predictor, project, run, texts, progress)

        else:
            given = (self.paths[part].text().strip() for part in self._parts)
            support, *rest = (Path(path).expanduser() for path in given if path)

            def job(progress: Progress) -> Used:
                return predictor.use(project, run, support, rest[0] if rest else None, progress)

        self._worker.submit(USE, "predicting", job, weakly(self._take), weakly(self._refuse))
        self._say("")
        self._refresh()

    @Slot()
    def _cancel(self) -> None:
        for key in (USE, EXAMPLE):
            self._worker.cancel(key)
        self._say(tr("Cancelled."))
        self._refresh()

    def _take(self, used: Used) -> None:
        self.used = replace(used, colour=self._colour)
        self.notes.clear()
        self.notes.addItems(list(used.notes))
        self.player.offer(used.places, used.places[-1], used.found.problem.experience_name, moves=False)
        self._draw(used.places[-1])
        asked = plural(used.query, "query", "queries") if used.query else plural(used.support, "point")
        self._say(tr("Predicted {}.", asked))
        self._refresh()

    def _refuse(self, error: Exception) -> None:
        self._say(in_words(error), wrong=True)
        self._refresh()

    # --- what is seen ------------------------------------------------------------------------------

    @Slot(int)
    def _draw(self, place: int) -> None:
        used = self.used
        if used is None:
            return
        self.board.show_figure(used.figure(place))
        table = used.table(place)
        self.rows.show_rows(
            [Column(each.key, each.heading, each.heading, str(each.form)) for each in table.columns],
            table.rows,
        )
        self.player.say("", ("",))
        self.said.setText(used.words(place))

    @Slot()
    def _refresh(self) -> None:
        busy = any(self._worker.waits_for(key) for key in (OPEN, USE, EXAMPLE))
        needed = self._parts if self.asks is None or self.asks.needs_query else PARTS[:1]
        if self._typing:
            given = all(self.tables[part].filled for part in needed)
        else:
            given = all(self.paths[part].text().strip() for part in needed)
        self.predict.setEnabled(self.asks is not None and given and not busy)
        self.example.setEnabled(self.asks is not None and not busy)
        self.sources.setEnabled(self.asks is not None)
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy and not self._worker.waits_for(OPEN))
        for widget in (self._noted, self.notes):
            widget.setVisible(self.notes.count() > 0)
        self.pages.setCurrentWidget(self.hint if self.used is None else self.results)
        self.export.setEnabled(self.used is not None)

    @Slot(str, float, str)
    def _show_progress(self, key: str, done: float, text: str) -> None:
        if key in (OPEN, USE, EXAMPLE):
            self.progress.setValue(round(1000 * done))
            self.progress.setFormat(text)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.status.setText(text)
        self.status.setStyleSheet(f"color: {theme.wrong()}" if wrong else "")

    @Slot()
    def _export(self) -> None:
        from workbench.gui.export_dialog import ExportDialog

        used = self.used
        if used is None:
            return

        def film() -> list[Figure]:
            return [used.figure(place) for place in used.places]

        dialog = ExportDialog(
            used.figure(self.player.place), self._worker, self, film=film if len(used.places) > 1 else None
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "player"):
            self.board.restyle()
            self.hint.setStyleSheet(f"color: {theme.muted()}")
            self.player.restyle()

    def done(self, result: int) -> None:
        for key in (OPEN, USE, EXAMPLE):
            self._worker.cancel(key)
        super().done(result)


def _typed_in(
    predictor: Predictor, project: Path, run: int, texts: dict[str, str], progress: Progress
) -> Used:
    """What a run predicts of tables that were typed in; places are told as the rows of these."""
    with private_folder() as folder:
        files = {part: folder / f"{part}.csv" for part in texts}
        for part, path in files.items():
            path.write_text(texts[part], encoding="utf-8")

        def told(text: str) -> str:
            for part, path in files.items():
                if str(path) in text:
                    text = text.replace(str(path), part)
                    text = re.sub(r"\bline (\d+)", lambda found: tr("row {}", int(found[1]) - 1), text)
            return text

        try:
            used = predictor.use(project, run, files["support"], files.get("query"), progress)
        except InputError as error:
            raise InputError(told(str(error))) from None
        return replace(used, notes=tuple(map(told, used.notes)))
