"""The File menu: projects and experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from workbench.data import registry
from workbench.errors import InputError
from workbench.gui import dialogs, untitled
from workbench.gui.notices import Notices
from workbench.gui.plain import set_tip, without_keys
from workbench.gui.preferences import Preferences
from workbench.gui.session import Session
from workbench.gui.setup.get_dialog import GetDialog
from workbench.gui.setup.import_notes import ImportNotes
from workbench.gui.worker import Worker
from workbench.paths import write_atomically
from workbench.words import marked, tr

if TYPE_CHECKING:
    from workbench.gui.setup.panel import SetupPanel

PROJECTS = marked("Projects (*.mlwb)")
QUICK = marked({
    "quickstart": "Sine waves",
    "quickstart-glyphs": "Letters of unseen scripts",
    "quickstart-bandits": "Bandits",
    "quickstart-navigation": "2-D navigation",
    "quickstart-driving": "Driving",
    "quickstart-sets": "Sets to group",
    "quickstart-patients": "Patients",
    "quickstart-languages": "Invented languages",
})  # fmt: skip
SAMPLES = QUICK | marked({
    "all-sinusoid": "Sine waves, all algorithms",
    "all-glyphs": "Letters of unseen scripts, all algorithms",
    "private-sinusoid": "Sine waves, each kept private",
    "published-omniglot": "Omniglot as MAML's authors set it up",
})  # fmt: skip
KEEP, DISCARD, SAVE_AS = marked(("Keep for later", "Discard", "Save as…"))


class FileCommands(QObject):
    """Opens, names and copies projects; brings experiments into Setup.

    Parameters
    ----------
    downloads : fetches published data; jobs there may take long, and others do not wait for them.
    window : the parent of dialogs.
    """

    def __init__(self, session: Session, notices: Notices, downloads: Worker, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._notices, self._window = session, notices, window
        self._downloads = downloads
        self._get: GetDialog | None = None
        self.setup: SetupPanel | None = None
        self._discarded: Path | None = None

    # --- projects ----------------------------------------------------------------------------------

    @Slot()
    def new(self) -> None:
        if self.may_leave():
            self._try(self._session.new)
            self.drop_discarded()

    @Slot()
    def open(self) -> None:
        path = dialogs.file_to_open(
            self._window, tr("Open"), tr("Projects and experiments (*.mlwb *.toml);;All files (*)")
        )
        if path is not None:
            self.open_path(path)

    def open_path(self, path: Path) -> bool:
        """Open a project, an experiment, or images, by what the path is; tells whether it worked."""
        if path.suffix.lower() == ".toml":
            return self._open_experiment(str(path))
        if path.is_dir() or path.suffix.lower() == ".zip":
            if self.setup is not None:
                self.setup.import_path(path)
            return True
        opened = self.may_leave() and self._try(self._session.open, path)
        self.drop_discarded()
        return opened

    @Slot(QAction)
    def open_recent(self, action: QAction) -> None:
        self.open_path(Path(action.data()))

    def fill_recent(self, menu: QMenu) -> None:
        """List the projects opened of late."""
        menu.clear()
        for number, path in enumerate(self._session.recent(), 1):
            action = menu.addAction(f"&{number % 10} {without_keys(path.stem)}")
            action.setIconText(path.stem)
            action.setData(str(path))
            set_tip(action, str(path))
        if menu.isEmpty():
            menu.addAction(tr("None yet")).setEnabled(False)

    @Slot()
    def save_as(self) -> bool:
        """Name the project; tells whether it was done."""
        name = "project.mlwb" if self._session.is_untitled else self._session.path.name
        path = dialogs.file_to_save(self._window, tr("Save as"), name, tr(PROJECTS), "mlwb")
        return path is not None and self._try(self._session.save_as, path)

    @Slot()
    def save_copy(self) -> None:
        path = dialogs.file_to_save(
            self._window, tr("Save a copy"), f"{self._session.name} copy.mlwb", tr(PROJECTS), "mlwb"
        )
        if path is not None and self._try(self._session.save_copy, path):
            self._notices.say("file", tr("A copy was written to {}; this project stays open.", path))

    def may_leave(self, *, closing: bool = False) -> bool:
        """Ask what must be asked before the open project is closed; tells whether it may be."""
        session = self._session
        if session.project is None:
            return True
        if session.queue.running is not None:
            more = len(session.queue.queued())
            text = tr("A run is going on, and {} wait.", more) if more else tr("A run is going on.")
            text += tr("\n\nNothing is lost: it can go on when the project is opened again.")
            answer = tr("Stop and close") if closing else tr("Stop and go on")
            if dialogs.ask(self._window, tr("A run is going on"), text, [answer]) == dialogs.CANCEL:
                return False
        self._discarded = None
        if not session.is_untitled or not session.data.runs() or session.read_only:
            return True
        text = tr(
            "This project has no name yet. Kept for later, it is offered when the program starts again."
        )
        answer = dialogs.ask(self._window, tr("Untitled project"), text, [tr(SAVE_AS), tr(KEEP), tr(DISCARD)])
        if answer == tr(SAVE_AS):
            return self.save_as()
        if answer == tr(DISCARD):
            self._discarded = session.path
        return answer != dialogs.CANCEL

    def drop_discarded(self) -> None:
        """Delete the project that the person discarded, once it is not open any more."""
        path, self._discarded = self._discarded, None
        if path is not None and (self._session.project is None or self._session.path != path):
            self._try(untitled.remove, path)

    def offer_left_behind(self) -> None:
        """Offer what an earlier window left without a name."""
        for number, left in enumerate(untitled.left_behind(self._session.path)[:3]):
            path = left.path

            def open_it(path: Path = path) -> None:
                self.open_path(path)

            def discard(path: Path = path) -> None:
                self._try(untitled.remove, path)

            text = tr("An untitled project was kept: {}.", left)
            self._notices.say(f"left_{number}", text, [(tr("Open"), open_it), (tr(DISCARD), discard)])

    # --- experiments -------------------------------------------------------------------------------

    @Slot(QAction)
    def open_sample(self, action: QAction) -> None:
        self._open_experiment(str(action.data()))

    def fill_samples(self, menu: QMenu) -> None:
        """List the built-in experiments."""
        for name, text in SAMPLES.items():
            action = menu.addAction(tr(text))
            action.setObjectName(f"sample_{name}")
            set_tip(action, tr("Bring this experiment into Setup"))
            action.setData(name)

    def offer_quick_start(self) -> None:
        """Tell a person who has never run anything what to press."""
        if QSettings().value("has_run") is not None or self._session.data.runs():
            return

        self._say_quick_start(tr("Quick start: an experiment"))
        if self._window.focusWidget() in (None, self._window):  # nobody is doing anything else yet
            self._notices.enter("quick_start")

    def _say_quick_start(self, what: str) -> None:
        """Say what stands ready, and what else there is: in the same place, so that nothing moves."""

        def taker(name: str) -> Callable[[], object]:
            def take() -> None:
                if self._open_experiment(name):
                    self._say_quick_start(f"“{tr(QUICK[name])}”")

            return take

        answers = [(tr(text), taker(name)) for name, text in QUICK.items()]
        self._notices.say("quick_start", tr("{} stands ready in Setup. Press Run, or choose:", what), answers)

    def _open_experiment(self, source: str) -> bool:
        from workbench import runs

        if self.setup is None:
            return False
        try:
            experiment = runs.load_experiment(source)
        except InputError as error:
            self._notices.say("file", str(error))
            return False
        self.setup.load(experiment, tr("Load {}", experiment.name))
        return True

    @Slot()
    def save_experiment(self) -> None:
        experiment = self.setup.draft.experiment() if self.setup is not None else None
        if experiment is None:
            self._notices.say("file", tr("Setup has a mistake; the reason stands above its Run button."))
            return
        path = dialogs.file_to_save(
            self._window, tr("Save experiment"), f"{experiment.name}.toml", tr("Experiments (*.toml)"), "toml"
        )
        if path is not None:
            text = experiment.to_toml().encode()
            self._try(write_atomically, path, lambda file: file.write(text))

    @Slot()
    def import_data(self) -> None:
        path = dialogs.file_to_open(
            self._window, tr("Import data"), tr("Data (*.zip *.npz *.csv *.tsv *.json *.jsonl *.ndjson)")
        )
        if path is not None and self.setup is not None:
            self.setup.import_path(path)

    @Slot()
    def preferences(self) -> None:
        """Ask where runs run."""
        Preferences(self._window).open()

    @Slot()
    def get_data(self) -> None:
        """Offer published data sets; the dialog that is open comes to the front."""
        if self.setup is None:
            return
        if self._get is None:
            self._get = GetDialog(self._downloads, self._window)
            self._get.use_asked.connect(self._use_published)
            self._get.finished.connect(self._forget_get)
        self._get.show()  # not modal: runs go on
        self._get.raise_()
        self._get.activateWindow()

    @Slot(object)
    def _use_published(self, task: Mapping[str, object]) -> None:
        if self.setup is not None:
            self.setup.use_published(task, str(task.get("dataset") or Path(str(task.get("path"))).stem))

    @Slot(int)
    def _forget_get(self, result: int) -> None:
        self._get = None

    def fill_registered(self, menu: QMenu) -> None:
        """List the data sets that were imported under a name, to be used or removed."""
        menu.clear()
        names = registry.registered()
        for name in names:
            action = menu.addAction(without_keys(name))
            set_tip(action, tr("Make {} the task", name))
            action.triggered.connect(partial(self._use_registered, name))
        if not names:
            menu.addAction(tr("None yet")).setEnabled(False)
            return
        menu.addSeparator()
        notes = menu.addMenu(tr("Notes"))
        for name in names:
            notes.addAction(f"{without_keys(name)}…").triggered.connect(partial(self._show_notes, name))
        removal = menu.addMenu(tr("Remove"))
        for name in names:
            removal.addAction(f"{without_keys(name)}…").triggered.connect(partial(self._remove, name))

    def _use_registered(self, name: str, checked: bool = False) -> None:
        if self.setup is not None:
            self._try(self.setup.use_registered, name)

    def _show_notes(self, name: str, checked: bool = False) -> None:
        self._try(lambda: ImportNotes(registry.manifest_of(name), self._window).open())

    def _remove(self, name: str, checked: bool = False) -> None:
        text = tr("The program's own copy of {} is deleted; the files it was imported from stay.\n\n", name)
        text += tr("Experiments that name it cannot be run until it is imported again. Results stay.")
        if dialogs.ask(self._window, tr("Remove data set"), text, [tr("Remove")]) == dialogs.CANCEL:
            return
        self._try(registry.remove, name)
        if self.setup is not None and self.setup.draft.value(("task", "dataset")) == name:
            self.setup.reopen_data()

    def _try(self, do: object, *arguments: object) -> bool:
        """Do it; what goes wrong is said at the top of the window."""
        assert callable(do)
        self._notices.clear("file")
        try:
            do(*arguments)
        except (InputError, OSError) as error:
            self._notices.say("file", str(error))
            return False
        return True
