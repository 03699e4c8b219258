"""Get data: published data sets by name, fetched and imported in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.errors import InputError
from workbench.gui import theme
from workbench.gui.plain import Label, joined, name_window, rich, set_tip
from workbench.gui.setup.task_data import in_words
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.words import marked, tr

if TYPE_CHECKING:
    from workbench.data.published.listing import Entry
    from workbench.getting import Got

GET = "get data"
COLUMNS = marked(("Set", "What it holds", "Size", "Licence", "Here"))
SIGNS = marked({"imported": "✓ imported", "downloaded": "downloaded", "partly": "partly"})
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


class GetDialog(QDialog):
    """Lists published sets, says whose they are, and gets the one that is chosen.

    Not modal: runs go on, and so does everything else. Closing it ends a download, whose part is kept.

    Parameters
    ----------
    worker : fetches and imports; nothing else waits for it.

    Attributes
    ----------
    use_asked : a set is to be the task; what an experiment says of it under ``[task]``.
    """

    use_asked = Signal(object)

    def __init__(self, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("get_dialog")
        name_window(self, tr("Get data"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.worker = worker
        self._entries: list[Entry] = []
        self._here: dict[str, str] = {}
        self._getting: Entry | None = None
        self._build_list()
        self._build_details()
        self._build_bottom()
        self._lay_out()
        worker.progressed.connect(self._show_progress)
        self._watch = theme.ThemeWatch(self)
        self._watch.changed.connect(self._refresh)
        self._list()

    # --- what it is made of ------------------------------------------------------------------------

    def _build_list(self) -> None:
        self.filter = QLineEdit()
        self.filter.setObjectName("get_filter")
        self.filter.setAccessibleName(tr("Filter of the data sets"))
        self.filter.setPlaceholderText(tr("Filter: name, pictures, text, medical, licence …"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter)
        self.sets = QTableWidget(0, len(COLUMNS))
        self.sets.setObjectName("get_sets")
        self.sets.setAccessibleName(tr("Published data sets"))
        self.sets.setHorizontalHeaderLabels(list(map(tr, COLUMNS)))
        self.sets.verticalHeader().hide()
        self.sets.verticalHeader().setDefaultSectionSize(22)
        self.sets.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.sets.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.sets.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.sets.setAlternatingRowColors(True)
        self.sets.setWordWrap(False)
        self.sets.setTabKeyNavigation(False)  # Tab leaves the table
        header = self.sets.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Interactive)  # some say much
        self.sets.setColumnWidth(3, 150)
        header.setHighlightSections(False)
        self.sets.itemSelectionChanged.connect(self._refresh)
        self.sets.cellDoubleClicked.connect(self._activate)  # Enter presses the default button

    def _build_details(self) -> None:
        self.details = self._selectable("get_details")
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.error = self._selectable("get_error")
        self.copy_link = self._push(
            "get_copy_link", tr("Copy &link"), tr("Copy the address of the set's first file")
        )
        self.copy_link.clicked.connect(self._copy_link)
        self.open_folder = self._push(
            "get_open_folder",
            tr("Open &folder"),
            tr("Files that you put there yourself are checked and used"),
        )
        self.open_folder.clicked.connect(self._open_folder)

    def _build_bottom(self) -> None:
        self.progress = QProgressBar()
        self.progress.setObjectName("get_progress")
        self.progress.setAccessibleName(tr("Progress of getting the data"))
        self.progress.setRange(0, 1000)
        keeps = self.progress.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)  # nothing moves when it comes
        self.progress.setSizePolicy(keeps)
        self.get = self._push("get_get", tr("&Get"), tr("Download it, check it and keep it under its name"))
        self.get.setDefault(True)
        self.get.clicked.connect(self._get)
        self.cancel = self._push(
            "get_cancel", tr("&Cancel"), tr("Stop; what has come is kept, and Get goes on from there")
        )
        self.cancel.clicked.connect(self._cancel)
        self.use = self._push("get_use", tr("&Use it"), tr("Make it the task that Setup describes"))
        self.use.clicked.connect(self._use)
        self.shut = self._push(
            "get_close", tr("Close"), tr("A download that goes on is stopped, and can go on later")
        )
        self.shut.clicked.connect(self.reject)

    def _selectable(self, name: str) -> Label:
        label = Label()
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextInteractionFlags(_SELECTABLE)
        return label

    def _push(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAutoDefault(False)
        set_tip(button, tip)
        return button

    def _lay_out(self) -> None:
        below = QWidget()
        details = QVBoxLayout(below)
        details.setContentsMargins(0, 4, 0, 0)
        details.addWidget(self.details, 1)
        links = QHBoxLayout()
        links.addWidget(self.copy_link)
        links.addWidget(self.open_folder)
        links.addStretch(1)
        details.addLayout(links)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.sets)
        split.addWidget(below)
        split.setStretchFactor(0, 1)
        split.setChildrenCollapsible(False)
        bottom = QHBoxLayout()
        bottom.addStretch(1)
        for button in (self.get, self.cancel, self.use, self.shut):
            bottom.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.filter)
        layout.addWidget(split, 1)
        layout.addWidget(self.error)
        layout.addWidget(self.progress)
        layout.addLayout(bottom)
        self.resize(960, 600)

    # --- the list ----------------------------------------------------------------------------------

    def _list(self) -> None:
        from workbench.data.published.listing import published

        error = ""
        try:
            self._entries = list(published().values())
        except InputError as wrong:  # somebody's own list
            error = str(wrong)
        self.sets.setRowCount(len(self._entries))
        for row, each in enumerate(self._entries):
            texts = (each.title, each.what, each.size_in_words() or tr("by hand"), each.licence)
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                set_tip(item, text)
                self.sets.setItem(row, column, item)
        self._say(error)
        self._look()
        if self._entries:
            self.sets.selectRow(0)

    @Slot(str)
    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        for row, each in enumerate(self._entries):
            told = " ".join((each.name, each.title, each.what, each.kind, each.licence, each.citation))
            fits = all(word in told.casefold() for word in words)
            self.sets.setRowHidden(row, not fits)
        seen = [row for row in range(len(self._entries)) if not self.sets.isRowHidden(row)]
        if seen and self.sets.currentRow() not in seen:
            self.sets.selectRow(seen[0])
        elif not seen:
            self.sets.clearSelection()
        self._refresh()

    @property
    def chosen(self) -> Entry | None:
        """The set that is selected."""
        rows = self.sets.selectionModel().selectedRows()
        return self._entries[rows[0].row()] if rows else None

    @Slot()
    def _refresh(self) -> None:
        entry, busy = self.chosen, self._getting is not None
        imported = entry is not None and self._here[entry.name] == "imported"
        self.details.setText("" if entry is None else _about(entry))
        self.get.setText(tr("&Get again") if imported else tr("&Get"))
        self.get.setEnabled(entry is not None and bool(entry.files) and not busy)
        self.use.setEnabled(imported and not busy and self._why_not(entry) == "")
        set_tip(self.use, self._why_not(entry) or tr("Make it the task that Setup describes"))
        self.get.setDefault(not imported)
        self.use.setDefault(imported)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)
        self.copy_link.setEnabled(entry is not None)
        self.open_folder.setEnabled(entry is not None and bool(entry.files))
        self.error.setStyleSheet(f"color: {theme.wrong()};")

    @staticmethod
    def _why_not(entry: Entry | None) -> str:
        """Why a set cannot be the task of this version; empty if it can."""
        from workbench.config import TaskConfig

        if entry is None or entry.kind in TaskConfig.kinds:
            return ""
        return tr(
            "No task family here learns from {}; its table can be used elsewhere",
            entry.kind.replace("_", " "),
        )

    # --- getting -----------------------------------------------------------------------------------

    @Slot()
    def _get(self) -> None:
        entry = self.chosen
        if entry is None or not self.get.isEnabled():
            return
        again = self._here[entry.name] == "imported"
        self._getting = entry
        self._say("")
        self.progress.setValue(0)
        self.progress.setFormat(tr("{}: asking for it", entry.title))
        job = _job(entry, again)
        self.worker.submit(GET, tr("getting {}", entry.title), job, weakly(self._had), weakly(self._refused))
        self._refresh()

    def _had(self, got: Got) -> None:
        self._getting = None
        self._here[got.entry.name] = "imported"
        self._show_states()
        self._refresh()
        if self.focusWidget() in (None, self.get, self.cancel):  # nobody is doing anything else
            self.use.setFocus()

    def _refused(self, error: Exception) -> None:
        self._getting = None
        self._say(in_words(error))
        self._look()

    @Slot()
    def _cancel(self) -> None:
        if self._getting is None:
            return
        self.worker.cancel(GET)
        title, self._getting = self._getting.title, None
        self._say(tr("{}: stopped; what has come is kept, and Get goes on from there.", title))
        self._look()
        self.get.setFocus()

    def _look(self) -> None:
        """See anew what is on this machine."""
        from workbench import getting

        self._here = {each.name: getting.here(each) for each in self._entries}
        self._show_states()
        self._refresh()

    def _show_states(self) -> None:
        for row, each in enumerate(self._entries):
            item = QTableWidgetItem(tr(SIGNS.get(self._here[each.name], "")))
            self.sets.setItem(row, len(COLUMNS) - 1, item)

    @Slot(str, float, str)
    def _show_progress(self, key: str, done: float, text: str) -> None:
        if key == GET and self._getting is not None:
            self.progress.setValue(round(1000 * done))
            self.progress.setFormat(text)

    def _say(self, text: str) -> None:
        self.error.setText(text)
        self.error.setVisible(bool(text))

    # --- using -------------------------------------------------------------------------------------

    @Slot(int, int)
    def _activate(self, row: int, column: int) -> None:
        (self._use if self.use.isEnabled() else self._get)()

    @Slot()
    def _use(self) -> None:
        from workbench import getting

        entry = self.chosen
        if entry is not None and self.use.isEnabled():
            self.use_asked.emit(getting.task_of(entry))
            self.accept()

    @Slot()
    def _copy_link(self) -> None:
        entry = self.chosen
        if entry is not None:
            link = entry.public(entry.files[0]) if entry.files else entry.homepage
            QGuiApplication.clipboard().setText(link)

    @Slot()
    def _open_folder(self) -> None:
        from workbench.data.published import store

        if (entry := self.chosen) is not None:
            folder: Path = store.folder_of(entry)
            folder.mkdir(parents=True, exist_ok=True)
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def done(self, result: int) -> None:
        self.worker.cancel(GET)
        super().done(result)


def _job(entry: Entry, again: bool) -> Callable[[Progress], Got]:
    def job(progress: Progress) -> Got:
        from workbench import getting

        return getting.get(entry, replace=again, progress=progress)

    return job


def _about(entry: Entry) -> str:
    from workbench.data.published import store

    hashes = tr("{}; read in {}", entry.hashes_in_words(), entry.source) if entry.files else ""
    lines: Mapping[str, str] = {
        tr("Name"): entry.name,
        tr("Licence"): entry.licence,
        tr("Please cite"): entry.citation,
        tr("Homepage"): entry.homepage,
        tr("By hand"): entry.instructions,
        tr("Hashes"): hashes,
        tr("Source"): "" if entry.files else entry.source,
        tr("Folder"): str(store.folder_of(entry)) if entry.files else "",
    }
    told = (rich("<b>{}</b>&nbsp; {}", key, value) for key, value in lines.items() if value)
    return rich("<p><b>{}</b>: {}</p>{}", entry.title, entry.what, joined(rich("<br>"), told))
