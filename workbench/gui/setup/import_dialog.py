"""Import data: a person's own images, texts, functions or subjects become the task, and a set with a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, QTimer, Slot
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.data.reading import NOW, Columns
from workbench.errors import InputError
from workbench.gui import theme
from workbench.gui.plain import Label, name_window, set_tip
from workbench.gui.setup.data_listing import (
    Listing,
    Unfit,
    check_all,
    fit_in_words,
    fits,
    look_or_offer,
    met_across,
    name_taken,
    register,
)
from workbench.gui.setup.draft import FAMILY, Draft
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.gui.setup.import_columns import COLUMNS, ColumnsPart
from workbench.gui.setup.import_reading import ReadingRow
from workbench.gui.setup.import_samples import SampleList
from workbench.gui.setup.import_split import SPLIT, SplitPart
from workbench.gui.setup.task_data import in_words
from workbench.gui.weakly import weakly
from workbench.gui.worker import Worker
from workbench.settings.draft import table_of
from workbench.words import marked, tr

if TYPE_CHECKING:
    from workbench.data.prepared import Prepared

LOOK, CHECK, REGISTER = "import", "import check", "import register"
DEBOUNCE_MS = 300
OWN_DATA = ("images", "text", "functions", "subjects", "sentence_pairs", "translation")
"""The families that learn from a person's own data."""

TASK, PATH, WAYS = ("task",), ("task", "path"), ("task", "ways")
_READ = (
    "size",
    "channels",
    "invert",
    "rotations",
    "features",
    "dimensions",
    "vocabulary",
    "length",
    "tokens",
    "standardise",
)
_EPISODES = ("ways", "shots", "until", "queries", "threshold")
_ASKED = marked(
    "A zip or a folder of images (a folder for each class, or split files), arrays (.npz), "
    "texts with labels (.csv, .tsv, .json, .jsonl), pairs of sentences (premise, hypothesis, label, "
    "language), translations (source, target, language), or a table of subjects (.csv, .tsv)."
)
_MOST_LISTED = 200
_BESIDE_NOTES = 60
"""Pixels: margins, and a scroll bar."""
_OPTION = re.compile(r" \(--[^()]*\)")
"""What a note says to type; here the same stands in a field."""


class ImportDialog(QDialog):
    """Looks at what is in a file or a folder, checks it, and asks how to use it.

    It edits a draft of its own; accepting makes its task the one of the setup, as one command.

    Parameters
    ----------
    edits : of the setup.
    path : the file or folder to begin with; may be empty.
    """

    def __init__(self, edits: Edits, worker: Worker, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("import_dialog")
        name_window(self, tr("Import data"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._edits, self._worker = edits, worker
        self.draft = Draft(self)
        family = edits.draft.value(FAMILY)
        family = family if family in OWN_DATA else OWN_DATA[0]
        self.draft.assume(edits.draft.with_value(FAMILY, family))
        self.draft.unset(("task", "dataset"))
        said = {name: self.draft.value((*TASK, name)) for name in COLUMNS} if family == "subjects" else {}
        self._columns_of_the_setup = {name: str(word) for name, word in said.items() if word}
        for name in said:
            self.draft.unset((*TASK, name))
        if path and path != self.draft.value(PATH):
            self.draft.set(PATH, path)
            self.draft.unset(SPLIT)
            self._columns_of_the_setup = {}
        self._own = Edits(self.draft, QUndoStack(self), self)
        self.listing: Listing | None = None
        self.prepared: Prepared | None = None
        self._across: tuple[Prepared, str, list[str]] | None = None
        self._error = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._look)
        self._build()
        self._worker.progressed.connect(self._show_progress)
        self.draft.changed.connect(self._changed)
        self._sought = str(self.draft.value(PATH) or "") if self._columns_of_the_setup else ""
        self._changed()
        if self._sought:
            self._begin()

    def _build(self) -> None:
        self._path = Form(self._own, TASK, names=("path",))
        self.found = Label()
        self.found.setObjectName("import_found")
        self.found.setWordWrap(True)
        self.pictures = SampleList()
        self.reading = ReadingRow()
        self.reading.changed.connect(self._read_otherwise)
        self.columns = ColumnsPart()
        self.columns.assume(self._columns_of_the_setup)
        self.columns.changed.connect(self._read_otherwise)
        self._build_checks()
        self.split = SplitPart(self._own)
        self.mode = self.split.mode
        self.error = Label()
        self.error.setObjectName("import_error")
        self.error.setWordWrap(True)
        self.box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.box.addButton(tr("Import"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setObjectName("import_accept")
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)
        middle = QGridLayout()
        middle.setHorizontalSpacing(16)
        self._forms = [Form(self._own, TASK, names=names) for names in (_READ, _EPISODES)]
        left = QVBoxLayout()
        for form in self._forms:
            left.addWidget(form)
        left.addStretch(1)
        middle.addLayout(left, 0, 0)
        middle.addWidget(self.split, 0, 1)
        middle.setColumnStretch(0, 1)
        middle.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self._path)
        layout.addWidget(self.found)
        layout.addWidget(self.pictures)
        layout.addWidget(self.columns)
        layout.addWidget(self._progress_row)
        layout.addWidget(self.counted)
        layout.addWidget(self.findings)
        layout.addWidget(self.reading)
        layout.addWidget(self.consent)
        layout.addLayout(middle, 1)
        layout.addLayout(self._name_row)
        layout.addWidget(self.replace)
        layout.addWidget(self.error)
        layout.addWidget(self.box)
        self.resize(680, 600)

    def _build_checks(self) -> None:
        self.progress = QProgressBar()
        self.progress.setObjectName("import_progress")
        self.progress.setAccessibleName(tr("Progress of checking the data"))
        self.progress.setRange(0, 1000)
        self.stop = QPushButton(tr("&Stop checking"))
        self.stop.setObjectName("import_stop")
        set_tip(self.stop, tr("Leave the rest unchecked; the data can be used all the same, but not named"))
        self.stop.clicked.connect(self._stop_checking)
        self._progress_row = QWidget()
        row = QHBoxLayout(self._progress_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.progress, 1)
        row.addWidget(self.stop)
        self._progress_row.hide()
        self.counted = Label()
        self.counted.setObjectName("import_counted")
        self.counted.hide()
        self.findings = QListWidget()
        self.findings.setObjectName("import_findings")
        self.findings.setAccessibleName(tr("What the checks have shown"))
        set_tip(self.findings, tr("Nothing here keeps the data from being used, except what cannot be read"))
        self.findings.setWordWrap(True)
        self.findings.setAlternatingRowColors(True)
        self.findings.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.findings.hide()
        self.consent = QCheckBox()
        self.consent.setObjectName("import_skip_unreadable")
        set_tip(self.consent, tr("They are then missing in the set that is kept under the name below"))
        self.consent.toggled.connect(self._refresh)
        self.consent.hide()
        self.name = QLineEdit()
        self.name.setObjectName("import_name")
        self.name.setAccessibleName(tr("Name of the set"))
        self.name.setPlaceholderText(tr("optional: keeps a checked copy, which experiments name"))
        set_tip(self.name, tr("Keeps a copy in the program's data folder, so that the file may be moved"))
        self.name.textChanged.connect(self._refresh)
        label = Label(tr("Keep as"))
        label.setBuddy(self.name)
        self._name_row = QHBoxLayout()
        self._name_row.addWidget(label)
        self._name_row.addWidget(self.name, 1)
        self.replace = QCheckBox(tr("&Replace the set of that name"))
        self.replace.setObjectName("import_replace")
        set_tip(self.replace, tr("Experiments that use the older set would then learn from this one"))
        self.replace.toggled.connect(self._refresh)
        self.replace.hide()

    def accept(self) -> None:
        """Make it the task of the setup, once it is registered if it has a name."""
        self.split.settle()
        config, prepared = self.draft.task_config(), self.prepared
        if not self.accept_button.isEnabled() or config is None:
            return
        name = self.name.text().strip()
        if not name:
            path = str(Path(str(self.draft.value(PATH))).expanduser().absolute())
            self._use({"path": path} | self.columns.chosen())
            return
        listing, replace, skip = self.listing, self.replace.isChecked(), self.consent.isChecked()
        assert listing is not None

        def job(progress: Callable[[float, str], None]) -> str:
            ready = prepared if prepared is not None and fits(prepared, config) else None
            ready = ready or check_all(listing, config, progress)
            progress(1.0, tr("Registering"))
            return register(ready, config, name, replace=replace, skip_unreadable=skip)

        self._worker.submit(REGISTER, tr("Registering"), job, weakly(self._registered), weakly(self._refuse))
        self._refresh()

    def _registered(self, name: str) -> None:
        self._use({"dataset": name})

    def _use(self, source: dict[str, str]) -> None:
        task = table_of(self.draft.table()["task"])
        path = Path(str(task.pop("path", "")))
        if "dataset" in source:  # which has its columns
            task = {name: value for name, value in task.items() if name not in (*COLUMNS, "covariates")}
        name = source.get("dataset") or path.stem
        text, draft = tr("Import {}", source.get("dataset") or path.name), self._edits.draft
        alike = task[FAMILY[-1]] == draft.value(FAMILY)
        after = draft.with_value(TASK, task | source) if alike else draft.begun_with(task | source, name)
        self._edits.do(text, (*TASK, next(iter(source))), after)
        super().accept()

    def done(self, result: int) -> None:
        self._timer.stop()
        for key in (LOOK, CHECK, REGISTER):
            self._worker.cancel(key)
        super().done(result)

    # --- what is in the data -----------------------------------------------------------------------

    @Slot()
    def _changed(self) -> None:
        path = str(self.draft.value(PATH) or "")
        if path != self._sought:
            self._sought, self.listing, self.prepared, self._error = path, None, None, ""
            self.reading.forget()
            self.columns.forget()
            self._begin()
        self._refresh()

    @Slot()
    def _read_otherwise(self) -> None:
        self.listing, self.prepared, self._error = None, None, ""
        self._begin()
        self._refresh()

    def _begin(self) -> None:
        for key in (LOOK, CHECK):
            self._worker.cancel(key)
        self._timer.start()

    @Slot()
    def _look(self) -> None:
        path = self._sought
        if not path:
            return

        try:
            reading, said = self.reading.reading(), self.columns.chosen()
            reading = replace(reading, columns=Columns.of(said) if said else None)
        except InputError as error:
            self._refuse(error)
            return

        def job(progress: Callable[[float, str], None]) -> Listing | Unfit:
            return look_or_offer(str(Path(path).expanduser()), progress, reading)

        self._worker.submit(LOOK, tr("Looking into the data"), job, weakly(self._take), weakly(self._refuse))

    def _take(self, listing: Listing | Unfit) -> None:
        if isinstance(listing, Unfit):
            if listing.columns:
                self.columns.offer(listing.columns, {})
            self._refuse(listing.error)
            return
        self.listing = listing
        if self.draft.value(FAMILY) != listing.family:
            table = {"family": listing.family, "path": self._sought}
            self.draft.set(TASK, table)
        self.pictures.show_listing(listing)
        self.split.show_listing(listing)
        if listing.columns:
            self.columns.offer(listing.columns, listing.recognised)
        else:
            self.columns.forget()
        self._suit_ways(listing)
        config = self.draft.task_config()

        def job(progress: Callable[[float, str], None]) -> Prepared:
            return check_all(listing, config, progress)

        self._worker.submit(
            CHECK, tr("Checking the data"), job, weakly(self._take_check), weakly(self._refuse)
        )
        self._refresh()

    def _suit_ways(self, listing: Listing) -> None:
        """Ask for fewer classes at a time, where a split has fewer and nobody said otherwise."""
        from workbench.tasks.classes import TooManyWaysError

        said = self.draft.is_set(WAYS)
        while not said and (config := self.draft.task_config()) is not None:
            try:
                fit_in_words(listing, config)
                return
            except TooManyWaysError as error:  # of one split; the next may have still fewer
                said = error.most < 2
                self.draft.set(WAYS, max(2, error.most))
            except InputError:
                return

    def _take_check(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self._refresh()

    def _refuse(self, error: Exception) -> None:
        self._error = in_words(error)
        if self.listing is None:
            self.pictures.show_listing(None)
        self._refresh()

    @Slot()
    def _stop_checking(self) -> None:
        if self._worker.waits_for(LOOK):
            self._error = tr("Looking was stopped; name the data again to look once more.")
        for key in (LOOK, CHECK, REGISTER):
            self._worker.cancel(key)
        self._refresh()

    @Slot(str, float, str)
    def _show_progress(self, key: str, done: float, text: str) -> None:
        if key in (LOOK, CHECK, REGISTER):
            self.progress.setValue(round(1000 * done))
            self.progress.setFormat(text)

    # --- what is wrong -----------------------------------------------------------------------------

    @Slot()
    def _refresh(self) -> None:
        for form in (self._path, self.split.drawn, *self._forms):
            form.refresh()
        busy = any(self._worker.waits_for(key) for key in (LOOK, CHECK, REGISTER))
        self._progress_row.setVisible(busy)
        self._show_findings()
        taken, replaceable = name_taken(self.name.text().strip()) if self.name.text().strip() else ("", False)
        self.replace.setVisible(replaceable)
        wrong, classes = self._wrong()
        if not wrong and taken and not (replaceable and self.replace.isChecked()):
            wrong = taken
        if self.listing is not None:
            self.found.setText(self.listing.summary())
            set_tip(self.found, self.listing.layout)
        elif self._sought and not self._error:
            self.found.setText(tr("Looking into the data…"))
        else:
            self.found.setText(tr(_ASKED))
        self.error.setText(wrong or classes)
        self.error.setStyleSheet(f"color: {theme.wrong() if wrong else theme.muted()};")
        registering = self._worker.waits_for(REGISTER)
        self.accept_button.setEnabled(self.listing is not None and not wrong and not registering)

    def _show_findings(self) -> None:
        self.findings.clear()
        source = self.prepared or (self.listing.found if self.listing is not None else None)
        if source is not None:
            for finding in source.findings:
                self.findings.addItem(_OPTION.sub("", finding.text))
            self.findings.addItems(self._met_across())
            for each in source.unreadable[:_MOST_LISTED]:
                self.findings.addItem(tr("cannot be read: {}: {}", each.origin, each.why))
        count = len(source.unreadable) if source is not None else 0
        self._fit_findings()
        if source is not None:
            reasons = [each.why for each in source.unreadable[:_MOST_LISTED]]
            self.reading.offer([each.what for each in source.findings], reasons)
        self.consent.setText(tr("&Leave out {:,} that cannot be read", count))
        self.consent.setVisible(count > 0)

    def _met_across(self) -> list[str]:
        """What the chosen split has on two sides, looked for once for each choice."""
        prepared, config = self.prepared, self.draft.task_config()
        if prepared is None or config is None:
            return []
        choice = str(self.draft.value(SPLIT))
        if self._across is None or self._across[0] is not prepared or self._across[1] != choice:
            self._across = prepared, choice, met_across(prepared, config)
        return self._across[2]

    def _fit_findings(self) -> None:
        """As high as what is in it, and no higher than a few lines: the rest scrolls."""
        count = self.findings.count()
        self.counted.setText(tr("{:,} notes on how the data is read", count) if count > 1 else "")
        self.counted.setVisible(count > 1)
        self.findings.setVisible(count > 0)
        metrics, line = self.findings.fontMetrics(), self.findings.fontMetrics().lineSpacing()
        room = QRect(0, 0, self.width() - _BESIDE_NOTES, 0)
        texts = [self.findings.item(row).text() for row in range(min(count, 8))]
        heights = [metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, text).height() + 2 for text in texts]
        self.findings.setFixedHeight(min(max(sum(heights), 3 * line), 9 * line) + 8)

    def _wrong(self) -> tuple[str, str]:
        """What is wrong, or how many classes each split has."""
        if self._error:
            return self._error, ""
        for path, message in self.draft.complaints().items():
            if path[:1] == TASK and self._sought:
                return f"{self.draft.describe(path)}: {message}", ""
        config = self.draft.task_config()
        if self.listing is None or config is None:
            return "", ""
        if not self.consent.isHidden():
            if not self.consent.isChecked():
                return tr("Some of it cannot be read: mend it, or agree to leave that out."), ""
            if not self.name.text().strip():
                return tr("Give it a name: what cannot be read is left out of the copy that is kept."), ""
        if replace(self.listing.reading, columns=None) != NOW and not self.name.text().strip():
            return tr("Give it a name: how it is read here holds for the copy that is kept."), ""
        try:
            return "", fit_in_words(self.listing, config)
        except InputError as error:
            return str(error), ""
