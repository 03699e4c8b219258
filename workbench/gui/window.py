"""The main window: arranges panels, menus and the tool bar, and nothing else."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QTabWidget, QToolBar

from workbench.errors import InputError
from workbench.gui import actions, icons, theme
from workbench.gui.document_commands import DocumentCommands
from workbench.gui.experiment_bar import ExperimentBar
from workbench.gui.export_commands import ExportCommands
from workbench.gui.file_commands import FileCommands
from workbench.gui.findable import entries
from workbench.gui.help import Help
from workbench.gui.layout import Layout
from workbench.gui.log_line import LogLine
from workbench.gui.log_panel import LogPanel
from workbench.gui.notices import Notices
from workbench.gui.plain import name_window, set_tip, with_key, without_keys
from workbench.gui.queue_bar import QueueBar
from workbench.gui.queue_notices import QueueNotices
from workbench.gui.run_commands import RunCommands
from workbench.gui.runs_panel import RunsPanel
from workbench.gui.search import Search
from workbench.gui.session import Session
from workbench.gui.status_bar import StatusBar
from workbench.gui.worker import Worker
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.gui.charts.base import Chart
    from workbench.gui.panels import Panels

KEEP_LAYOUT_MILLISECONDS = 5000
IN_THE_TABLE = (
    "toggle_shown", "show_only", "rename", "star", "tag", "notes", "colour", "use_in_setup", "look_inside",
    "use", "resume", "duplicate", "move_up", "move_down", "archive", "delete",
)  # fmt: skip
ON_THE_PAGE = ("use_in_setup", "look_inside", "use", "resume")


class MainWindow(QMainWindow):
    """The workbench.

    It is on the screen before the charts and PyTorch are imported; :meth:`furnish` brings in the former,
    a background job the latter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setDockNestingEnabled(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setAcceptDrops(True)
        self.resize(1280, 720)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()  # nothing is being typed into at first
        self.session = Session(self)
        self.worker = Worker(self)
        self.downloads = Worker(self)
        self.notices = Notices(self)
        self.runs_panel = RunsPanel(self.session, self)
        self.log = LogPanel(self)
        self.layout_ = Layout(self)
        self.panels: Panels | None = None
        self._painted = self._closed = self._told_to_go = False
        self._first_experiment: Path | None = None
        self._kept_layout: dict[str, object] = {}

        self.files = FileCommands(self.session, self.notices, self.downloads, self)
        self.run_commands = RunCommands(
            self.session, self.runs_panel, self.layout_, self.worker, self.notices, self
        )
        self.exports = ExportCommands(self.worker, self.notices, self.chart_in_view, self)
        selected = self.runs_panel.selected
        self.documents = DocumentCommands(self.session, self.worker, self.notices, selected, self)
        self.help = Help(self.layout_, self)
        search = Search(partial(entries, self), self)
        owners = (self.files, self.run_commands, self.exports, self.documents, search, self.help, self)
        self.actions_ = actions.make(self, *owners)
        self._submenus = self._make_menus()
        self._make_tool_bars()
        self.status = StatusBar(self.session, self)
        self.setStatusBar(self.status)
        self.status.insertWidget(0, LogLine(self.log, self.layout_.docks["log"]), 1)
        self.layout_.put({"runs": self.runs_panel, "log": self.log})
        self.runs_panel.add_actions([self.actions_[name] for name in IN_THE_TABLE])
        self.runs_panel.page.add_actions(
            [self.actions_[name] for name in ON_THE_PAGE],
            [self.actions_[name] for name in ("export_config", "export_script")],
        )
        self._connect()
        self.arrange()

    # --- what it is made of ------------------------------------------------------------------------

    def _make_menus(self) -> dict[str, QMenu]:
        """The menu bar; the submenus, by name."""
        menus: dict[str, QMenu] = {}
        keys: set[str] = set()
        submenus: dict[str, QMenu] = {}
        for command in actions.COMMANDS:
            if command.menu not in menus:
                menus[command.menu] = self.menuBar().addMenu(with_key(tr(command.menu), keys))
                menus[command.menu].setToolTipsVisible(True)
            menu = menus[command.menu]
            if command.name == actions.SEPARATOR:
                menu.addSeparator()
            elif command.name in actions.SUBMENUS:
                submenus[command.name] = menu.addMenu(tr(command.text))
                submenus[command.name].setObjectName(f"menu_{command.name}")
                set_tip(submenus[command.name].menuAction(), tr(command.tip))
            else:
                menu.addAction(self.actions_[command.name])
        submenus["recent"].aboutToShow.connect(self._fill_recent)
        submenus["recent"].triggered.connect(self.files.open_recent)
        self.files.fill_samples(submenus["samples"])
        submenus["samples"].triggered.connect(self.files.open_sample)
        submenus["registered"].aboutToShow.connect(self._fill_registered)
        submenus["registered"].setToolTipsVisible(True)
        self.layout_.fill(submenus["panels"])
        group = QActionGroup(self)
        for scheme in ("system", "light", "dark"):
            text = tr("Like the system") if scheme == "system" else tr(scheme).capitalize()
            action = submenus["theme"].addAction(text)
            action.setCheckable(True)
            action.setData(scheme)
            action.setObjectName(f"theme_{scheme}")
            set_tip(action, tr("The colours of the window"))
            action.setChecked(QSettings().value("theme", "system") == scheme)
            group.addAction(action)
        group.triggered.connect(self._choose_theme)
        return submenus

    def _make_tool_bars(self) -> None:
        bar = self._tool_bar("tool_bar", tr("Tools"))
        self.queue_bar = QueueBar(self.session, self.actions_, bar)
        bar.addWidget(self.queue_bar)
        self.addToolBarBreak()
        self._tool_bar("experiment_bar", tr("Experiment")).addWidget(ExperimentBar(self.session.data, self))
        self.addToolBarBreak()
        self._notice_bar = self._tool_bar("notice_bar", tr("Notices"))
        self._notice_bar.addWidget(self.notices)
        self._notice_bar.hide()
        self.notices.filled.connect(self._notice_bar.setVisible)

    def _tool_bar(self, name: str, title: str) -> QToolBar:
        bar = QToolBar(title, self)
        bar.setObjectName(name)
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addToolBar(bar)
        return bar

    def _connect(self) -> None:
        session, queue = self.session, self.session.queue
        session.opened.connect(self._opened)
        session.leaving.connect(self._keep_layout)
        session.complained.connect(self._complained)
        queue.changed.connect(self.refresh)
        session.data.listed.connect(self.refresh)
        queue.told.connect(self._told)
        session.data.selection_changed.connect(self.refresh)
        session.undo.canUndoChanged.connect(self.refresh)
        session.undo.canRedoChanged.connect(self.refresh)
        session.undo.indexChanged.connect(self.refresh)
        self.worker.busy.connect(self.status.say_busy)
        QueueNotices(session, self.notices, self)
        self.queue_bar.looked.connect(self._name)
        self.queue_bar.looked.connect(self.status.look)
        self._watch = theme.ThemeWatch(self)
        self._watch.changed.connect(self._restyle)
        self._layout_timer = QTimer(self)
        self._layout_timer.setInterval(KEEP_LAYOUT_MILLISECONDS)
        self._layout_timer.timeout.connect(self._keep_layout)
        self._restyle()

    # --- its own commands --------------------------------------------------------------------------

    @Slot()
    def undo(self) -> None:
        self.session.undo.undo()

    @Slot()
    def redo(self) -> None:
        self.session.undo.redo()

    @Slot()
    def show_queue(self) -> None:
        self.queue_bar.show_queue()

    @Slot()
    def quit(self) -> None:
        self.close()

    @Slot()
    def arrange(self) -> None:
        """Put every panel where it is at first."""
        self.layout_.arrange()
        self.runs_panel.restore({})

    @Slot()
    def tile_charts(self) -> None:
        self.layout_.tile_charts()

    @Slot()
    def full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    @Slot()
    def beat(self) -> None:
        """Gives Python a moment to see signals such as Ctrl-C."""

    # --- coming up ---------------------------------------------------------------------------------

    def begin(self, path: Path | None) -> None:
        """Open a project, or begin an untitled one; whatever goes wrong is said in the window."""
        self._first_experiment = path if path is not None and path.suffix.lower() == ".toml" else None
        try:
            if path is not None and self._first_experiment is None:
                self.session.open(path)
            else:
                self.session.new()
        except InputError as error:
            self.notices.say("file", str(error))
        if self.session.project is None:
            try:
                self.session.new()
            except InputError as error:
                self.notices.say("file", str(error))
        elif path is None:
            self.files.offer_left_behind()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.furnish)  # once this is on the screen

    @Slot()
    def furnish(self) -> None:
        """Build Setup and the charts, and load PyTorch in the background."""
        if self.panels is not None or self._closed:
            return
        from workbench.gui.panels import Panels

        self.panels = Panels(self.session, self.worker, self.notices, self)
        self.layout_.put(self.panels.panels())
        for chart in self.panels.charts:
            chart.common = [self.actions_[name] for name in ("copy_chart", "copy_data", "export")]
        self.panels.engine_loaded.connect(self._engine_loaded)
        self.panels.setup.status_changed.connect(self.refresh)
        self.panels.setup.get_asked.connect(self.files.get_data)
        self.panels.tuning.use_asked.connect(self.run_commands.set_up_again)
        if self.session.project is not None:
            self._opened()
        self._layout_timer.start()

    @Slot(str)
    def _engine_loaded(self, device: str) -> None:
        assert self.panels is not None
        for commands in (self.files, self.run_commands, self.help):
            commands.setup = self.panels.setup
        self.status.device.setText(device)
        self.help.device = device
        if self._first_experiment is not None:
            self.files.open_path(self._first_experiment)
        else:
            self.files.offer_quick_start()
        self.refresh()

    # --- the open project --------------------------------------------------------------------------

    @Slot()
    def _opened(self) -> None:
        session, project = self.session, self.session.project
        for key in ("read_only", "go_on"):
            self.notices.clear(key)
        if project is not None and session.read_only:
            why = tr("{} is read-only: {}.", session.path.name, project.read_only_reason)
            self.notices.say("read_only", tr("{} “Save as…” goes on in a copy.", why))
        begun = [run for run in session.can_go_on() if run.status != "queued"]
        if begun and not session.read_only:
            who = tr("{} runs were", len(begun)) if len(begun) > 1 else tr("{} was", begun[0].name)
            text = tr("{} interrupted, and can go on exactly where training was.", who)
            self.notices.say("go_on", text, [(tr("Go on"), self.run_commands.go_on)])
        if session.data.runs():
            self.notices.clear("quick_start")
        if self.panels is not None:
            self.panels.opened()
            self._restore_layout()
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Titles and what can be done now."""
        session = self.session
        if session.queue.running is not None:
            self.notices.clear("go_on")
        self.run_commands.enable(self.actions_)
        undo = session.undo
        for name, able, text in (
            ("undo", undo.canUndo(), tr("Undo {}", without_keys(undo.undoText()))),
            ("redo", undo.canRedo(), tr("Redo {}", without_keys(undo.redoText()))),
        ):
            self.actions_[name].setEnabled(able and not session.read_only)
            self.actions_[name].setText(text.strip())
        exports = [name for name in self.actions_ if name.startswith("export_")]
        for name in ("save_as", "save_copy", *exports):
            self.actions_[name].setEnabled(session.project is not None)
        setup = self.run_commands.setup
        self.queue_bar.refresh((setup.why_not() or setup.counted()) if setup is not None else "")

    @Slot()
    def _name(self) -> None:
        """How far the queue is can be read in the window's title."""
        parts = [self.session.name, self.queue_bar.short, "Meta-Learning Workbench"]
        name_window(self, " – ".join(filter(None, parts)))

    @Slot(int, str)
    def _told(self, run: int, text: str) -> None:
        record = self.session.data.run(run)
        name = record.name if record else tr("run {}", run)
        self.log.say(f"{name}: {text}")

    @Slot(str)
    def _complained(self, text: str) -> None:
        self.notices.say("file", text)

    def chart_in_view(self) -> Chart | None:
        """The chart that has the keyboard, or else the first that is on the screen."""
        charts = self.panels.charts if self.panels is not None else ()
        seen = [each for each in charts if each.seen]
        focused = [each for each in seen if each.isAncestorOf(self.focusWidget() or self)]
        return next(iter(focused or seen), None)

    # --- layout ------------------------------------------------------------------------------------

    def _restore_layout(self) -> None:
        project = self.session.project
        kept = project.setting("layout") if project is not None else None
        self._kept_layout = kept if isinstance(kept, dict) else {}
        if not self._kept_layout or self.panels is None:
            return
        try:
            self.layout_.restore(self._kept_layout.get("window"))
        except ValueError as error:  # an older version's, or a stranger's
            self.log.say(tr("the project's layout cannot be taken up: {}", error))
        if isinstance(view := self._kept_layout.get("view"), str):
            self.session.data.look_at(view)
        for part, taker in (("runs", self.runs_panel), ("panels", self.panels)):
            if isinstance(kept := self._kept_layout.get(part), dict):
                taker.restore(kept)

    @Slot()
    def _keep_layout(self) -> None:
        project = self.session.project
        if project is None or project.read_only or self.panels is None or not self.isVisible():
            return
        state: dict[str, object] = {
            "view": self.session.data.view,
            "window": self.layout_.state(),
            "runs": self.runs_panel.state(),
            "panels": self.panels.state(),
        }
        if state == self._kept_layout:
            return
        try:
            project.set_setting("layout", state)
            self._kept_layout = state
        except InputError as error:
            self.log.say(tr("the layout could not be kept: {}", error))

    @Slot()
    def _fill_recent(self) -> None:
        self.files.fill_recent(self._submenus["recent"])

    @Slot()
    def _fill_registered(self) -> None:
        self.files.fill_registered(self._submenus["registered"])

    @Slot(QAction)
    def _choose_theme(self, action: QAction) -> None:
        QSettings().setValue("theme", action.data())
        theme.apply(action.data())

    @Slot()
    def _restyle(self) -> None:
        play = icons.play()
        own = {"run": play, "resume": play, "go_on": play, "pause": icons.pause(), "stop": icons.stop()}
        for name, icon in own.items():
            self.actions_[name].setIcon(icon)
        self.queue_bar.restyle()
        self.setWindowIcon(icons.program())
        self.notices.restyle()
        if self.panels is not None:
            self.panels.restyle()
        self.refresh()

    # --- going -------------------------------------------------------------------------------------

    def go(self) -> None:
        """Close without a question: the system says so. What runs is kept, and can go on later."""
        self._told_to_go = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closed:
            if not self._told_to_go and not self.files.may_leave(closing=True):
                event.ignore()
                return
            self._closed = True
            self._layout_timer.stop()
            QSettings().setValue("geometry", self.saveGeometry())
            try:
                self.session.close()
                self.files.drop_discarded()
            finally:  # a disk that is gone must not leave threads behind
                self.worker.close()
                self.downloads.close()
                self.log.close_log()
        event.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if len(event.mimeData().urls()) == 1:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = event.mimeData().urls()[0].toLocalFile()
        if path:
            event.acceptProposedAction()
            self.files.open_path(Path(path))
