"""The main window: arranges panels, menus and the tool bar, and nothing else."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, QTimer, Slot
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QPaintEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QDockWidget,
    QLabel,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QTabWidget,
    QToolBar,
    QWidget,
)

from workbench.errors import InputError
from workbench.gui import actions, icons, theme
from workbench.gui.export_commands import ExportCommands
from workbench.gui.file_commands import FileCommands
from workbench.gui.help import HelpCommands
from workbench.gui.log_panel import LogPanel
from workbench.gui.notices import Notices
from workbench.gui.run_commands import RunCommands
from workbench.gui.runs_panel import RunsPanel
from workbench.gui.session import Session
from workbench.gui.status_bar import StatusBar
from workbench.gui.worker import Worker

if TYPE_CHECKING:
    from workbench.gui.charts.base import Chart
    from workbench.gui.panels import Panels

KEEP_LAYOUT_MILLISECONDS = 5000
TOOL_BAR = ("run", "pause", "stop")
PANELS = ("setup", "learning_curves", "adaptation_chart", "prediction_view", "comparison_view", "runs", "log")
TITLES = ("Setup", "Learning curves", "Adaptation", "Predictions", "Compare", "Runs", "Log")
CHARTS = PANELS[1:5]


class MainWindow(QMainWindow):
    """The workbench.

    It is on the screen before the charts and PyTorch are imported; :meth:`furnish` brings in the former,
    a background job the latter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowIcon(icons.program())
        self.setDockNestingEnabled(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setAcceptDrops(True)
        self.resize(1280, 720)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()  # nothing is being typed into at first
        self.session = Session(self)
        self.worker = Worker(self)
        self.notices = Notices(self)
        self.runs_panel = RunsPanel(self.session, self)
        self.log = LogPanel(self)
        self.panels: Panels | None = None
        self._begun = self._arranged = False
        self._closing = self._told_to_go = False

        self.files = FileCommands(self.session, self.notices, self)
        self.run_commands = RunCommands(self.session, self.runs_panel, self.notices, self)
        self.exports = ExportCommands(self.session, self.worker, self.notices, self.chart_in_view, self)
        self.help = HelpCommands(self)
        self.actions_ = actions.make(self, self.files, self.run_commands, self.exports, self.help, self)
        self._submenus = self._menus()
        self._tool_bar()
        self.status = StatusBar(self.session, self)
        self.setStatusBar(self.status)
        self.docks = {name: self._dock(name, title) for name, title in zip(PANELS, TITLES, strict=True)}
        self.docks["runs"].setWidget(self.runs_panel)
        self.docks["log"].setWidget(self.log)
        self._fill_panels_menu()
        self.runs_panel.add_actions(
            [self.actions_[name] for name in ("resume", "duplicate", "rename", "notes", "colour",
                                              "toggle_shown", "move_up", "move_down", "delete")]
        )  # fmt: skip
        self.arrange()
        self._connect()

    # --- what it is made of ------------------------------------------------------------------------

    def _menus(self) -> dict[str, QMenu]:
        """The menu bar; the submenus, by name."""
        menus: dict[str, QMenu] = {}
        submenus: dict[str, QMenu] = {}
        for command in actions.COMMANDS:
            if command.menu not in menus:
                menus[command.menu] = self.menuBar().addMenu(f"&{command.menu}")
                menus[command.menu].setToolTipsVisible(True)
            menu = menus[command.menu]
            if command.name == actions.SEPARATOR:
                menu.addSeparator()
            elif command.name in actions.SUBMENUS:
                submenus[command.name] = menu.addMenu(command.text)
                submenus[command.name].setObjectName(f"menu_{command.name}")
            else:
                menu.addAction(self.actions_[command.name])
        submenus["recent"].aboutToShow.connect(self._fill_recent)
        submenus["recent"].triggered.connect(self.files.open_recent)
        self.files.fill_samples(submenus["samples"])
        submenus["samples"].triggered.connect(self.files.open_sample)
        group = QActionGroup(self)
        for scheme in ("system", "light", "dark"):
            text = "Like the system" if scheme == "system" else scheme.capitalize()
            action = submenus["theme"].addAction(text)
            action.setCheckable(True)
            action.setData(scheme)
            action.setObjectName(f"theme_{scheme}")
            action.setChecked(QSettings().value("theme", "system") == scheme)
            group.addAction(action)
        group.triggered.connect(self._choose_theme)
        return submenus

    def _tool_bar(self) -> None:
        bar = QToolBar("Tools", self)
        bar.setObjectName("tool_bar")
        bar.setMovable(False)
        bar.setIconSize(QSize(16, 16))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in TOOL_BAR:
            bar.addAction(self.actions_[name])
            button = bar.widgetForAction(self.actions_[name])
            button.setObjectName(f"{'start' if name == 'run' else name}_button")
            button.setAccessibleName(self.actions_[name].text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._what = QLabel(bar)
        self._what.setObjectName("experiment_name")
        self._what.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._what.setAlignment(Qt.AlignmentFlag.AlignCenter)
        bar.addWidget(self._what)
        self.addToolBar(bar)
        self.addToolBarBreak()
        self._notice_bar = QToolBar("Notices", self)
        self._notice_bar.setObjectName("notice_bar")
        self._notice_bar.setMovable(False)
        self._notice_bar.addWidget(self.notices)
        self._notice_bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._notice_bar.hide()
        self.notices.filled.connect(self._notice_bar.setVisible)
        self.addToolBar(self._notice_bar)

    def _dock(self, name: str, title: str) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock_{name}")
        waiting = QLabel("Loading…", dock)
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        dock.setWidget(waiting)
        sizes = QSizePolicy.Policy  # what a larger window gives goes to the charts
        across = sizes.Maximum if name in ("setup", "runs") else sizes.Expanding
        dock.setSizePolicy(across, sizes.Maximum if name == "log" else sizes.Expanding)
        return dock

    def _fill_panels_menu(self) -> None:
        for number, dock in enumerate(self.docks.values(), 1):
            action = dock.toggleViewAction()
            action.setToolTip(f"Show or close {dock.windowTitle()}; Ctrl+{number} brings it to the front")
            self._submenus["panels"].addAction(action)
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.setObjectName(dock.objectName())
            shortcut.activated.connect(self._go_to_panel)

    def arrange(self) -> None:
        """Put every panel where it is at first: Setup, charts in tabs, Runs; the log below."""
        docks = self.docks
        for dock in docks.values():
            dock.setFloating(False)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["setup"])
        self.splitDockWidget(docks["setup"], docks["log"], Qt.Orientation.Vertical)
        self.splitDockWidget(docks["setup"], docks["learning_curves"], Qt.Orientation.Horizontal)
        self.splitDockWidget(docks["learning_curves"], docks["runs"], Qt.Orientation.Horizontal)
        for name in CHARTS[1:]:
            self.tabifyDockWidget(docks["learning_curves"], docks[name])
        for dock in docks.values():
            dock.show()
        docks["learning_curves"].raise_()
        width, setup, runs = self.width(), 310, 312
        self.resizeDocks(
            [docks["setup"], docks["learning_curves"], docks["runs"]],
            [setup, width - setup - runs, runs],
            Qt.Orientation.Horizontal,
        )
        self.resizeDocks([docks["setup"], docks["log"]], [self.height() - 190, 84], Qt.Orientation.Vertical)
        self.runs_panel.restore({})

    def _connect(self) -> None:
        session, queue = self.session, self.session.queue
        session.opened.connect(self._opened)
        session.leaving.connect(self._keep_layout)
        session.complained.connect(self._complained)
        queue.changed.connect(self.refresh)
        queue.told.connect(self._told)
        self.runs_panel.selection_changed.connect(self.refresh)
        session.undo.canUndoChanged.connect(self.refresh)
        session.undo.canRedoChanged.connect(self.refresh)
        session.undo.indexChanged.connect(self.refresh)
        self.worker.busy.connect(self.status.say_busy)
        self._watch = theme.ThemeWatch(self)
        self._watch.changed.connect(self._restyle)
        self._layout_timer = QTimer(self)
        self._layout_timer.setInterval(KEEP_LAYOUT_MILLISECONDS)
        self._layout_timer.timeout.connect(self._keep_layout)
        self._kept_layout: dict[str, Any] = {}
        for keys, step in (("F6", 1), ("Shift+F6", -1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(self._next_panel if step > 0 else self._previous_panel)
        self._restyle()

    # --- its own commands --------------------------------------------------------------------------

    @Slot()
    def undo(self) -> None:
        self.session.undo.undo()

    @Slot()
    def redo(self) -> None:
        self.session.undo.redo()

    @Slot()
    def quit(self) -> None:
        self.close()

    @Slot()
    def reset_layout(self) -> None:
        self.arrange()

    def go(self) -> None:
        """Close without a question: the system says so. What runs is kept, and can go on later."""
        self._told_to_go = True
        self.close()

    @Slot()
    def beat(self) -> None:
        """Gives Python a moment to see signals such as Ctrl-C."""

    @Slot()
    def full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # --- coming up ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._begun:
            self._begun = True
            QTimer.singleShot(0, self.furnish)  # once this is on the screen

    @Slot()
    def furnish(self) -> None:
        """Build Setup and the charts, and load PyTorch in the background."""
        if self.panels is not None:
            return
        from workbench.gui.panels import Panels

        self.panels = Panels(self.session, self.worker, self.notices, self)
        for name, panel in self.panels.panels().items():
            self.docks[name].setWidget(panel)
        self.panels.engine_loaded.connect(self._engine_loaded)
        self.panels.setup.status_changed.connect(self.refresh)
        self.panels.setup.run_requested.connect(self.run_commands.run)
        if self.session.project is not None:
            self._opened()
        self._layout_timer.start()

    def begin(self, path: Path | None) -> None:
        """Open a project, or begin an untitled one; whatever goes wrong is said in the window."""
        try:
            if path is not None and path.suffix != ".toml":
                self.session.open(path)
            else:
                self.session.new()
        except InputError as error:
            self.notices.say("file", str(error))
            self._new_quietly()
        if path is not None and path.suffix == ".toml":
            self._first_experiment = path
        if path is None and self.session.project is not None:
            self.files.offer_left_behind()

    _first_experiment: Path | None = None

    def _new_quietly(self) -> None:
        try:
            self.session.new()
        except InputError as error:
            self.notices.say("file", str(error))

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
        session = self.session
        self.notices.clear("read_only")
        self.notices.clear("go_on")
        if session.project is not None and session.read_only:
            self.notices.say(
                "read_only",
                f"{session.path.name} is read-only: {session.project.read_only_reason}. "
                "Save a copy to go on with it.",
            )
        unfinished = session.can_go_on()
        if unfinished and not session.read_only:
            count = len(unfinished)
            text = f"{count} runs are unfinished." if count > 1 else f"{unfinished[0].name} is unfinished."
            self.notices.say(
                "go_on", f"{text} They resume exactly where they were.", [("Go on", self._go_on)]
            )
        if self.panels is not None:
            self.panels.opened()
            self._restore_layout()
        self.refresh()

    @Slot()
    def _go_on(self) -> None:
        self.run_commands.go_on()

    @Slot()
    def refresh(self) -> None:
        """Titles and what can be done now."""
        session, panels = self.session, self.panels
        self.setWindowTitle(f"{session.name} – Meta-Learning Workbench" if session.project else "Workbench")
        self.run_commands.enable(self.actions_)
        undo = session.undo
        for name, able, text in (
            ("undo", undo.canUndo(), undo.undoText()),
            ("redo", undo.canRedo(), undo.redoText()),
        ):
            self.actions_[name].setEnabled(able and not session.read_only)
            self.actions_[name].setText(f"{name.capitalize()} {text}".strip())
        for name in ("save_as", "save_copy", "export_runs", "export_table"):
            self.actions_[name].setEnabled(session.project is not None)
        ready = panels is not None and self.run_commands.setup is not None
        self.actions_["run"].setText(panels.setup.run_button.text() if ready and panels else "Run")
        self._what.setText(self._going_on())
        self.status.look()

    def _going_on(self) -> str:
        queue = self.session.queue
        record = self.session.data.run(queue.running) if queue.running is not None else None
        if record is None:
            return self.session.name
        state = "pausing…" if queue.pausing and record.status != "paused" else record.status
        return f"{record.name}: {'stopping…' if queue.stopping else state}"

    @Slot(int, str)
    def _told(self, run: int, text: str) -> None:
        record = self.session.data.run(run)
        self.log.say(f"{record.name if record else f'run {run}'}: {text}")

    @Slot(str)
    def _complained(self, text: str) -> None:
        self.notices.say("file", text)

    # --- layout ------------------------------------------------------------------------------------

    def chart_in_view(self) -> Chart | None:
        """The chart that has the keyboard, or else the first that is on the screen."""
        if self.panels is None:
            return None
        charts = self.panels.charts
        seen = [each for each in charts if each.isVisible() and not each.visibleRegion().isEmpty()]
        focused = [each for each in seen if each.isAncestorOf(self.focusWidget() or self)]
        return next(iter(focused or seen), None)

    def layout_state(self) -> dict[str, Any]:
        """Where panels are and what they show (JSON types)."""
        state = base64.b64encode(self.saveState().data()).decode()
        panels = self.panels.state() if self.panels else {}
        return {"window": state, "runs": self.runs_panel.state(), "panels": panels}

    def _restore_layout(self) -> None:
        project = self.session.project
        kept = project.setting("layout") if project is not None else None
        if not isinstance(kept, dict) or self.panels is None:
            return
        try:
            state = base64.b64decode(str(kept.get("window", "")), validate=True)
        except binascii.Error:
            state = b""
        if state and not self.restoreState(QByteArray(state)):
            self.arrange()
        for part, taker in (("runs", self.runs_panel), ("panels", self.panels)):
            if isinstance(kept.get(part), dict):
                taker.restore(kept[part])

    @Slot()
    def _keep_layout(self) -> None:
        project = self.session.project
        if project is None or self.session.read_only or self.panels is None or not self.isVisible():
            return
        state = self.layout_state()
        if state == self._kept_layout:
            return
        try:
            project.set_setting("layout", state)
            self._kept_layout = state
        except InputError as error:
            self.log.say(f"the layout could not be kept: {error}")

    @Slot()
    def _fill_recent(self) -> None:
        self.files.fill_recent(self._submenus["recent"])

    @Slot(QAction)
    def _choose_theme(self, action: QAction) -> None:
        QSettings().setValue("theme", action.data())
        theme.apply(action.data())

    @Slot()
    def _restyle(self) -> None:
        for name, icon in (("run", icons.play()), ("pause", icons.pause()), ("stop", icons.stop())):
            self.actions_[name].setIcon(icon)
        self.setWindowIcon(icons.program())
        self.notices.restyle()
        if self.panels is not None:
            self.panels.restyle()

    @Slot()
    def _next_panel(self) -> None:
        self._step_panel(1)

    @Slot()
    def _previous_panel(self) -> None:
        self._step_panel(-1)

    @Slot()
    def _go_to_panel(self) -> None:
        dock = self.findChild(QDockWidget, self.sender().objectName())
        assert isinstance(dock, QDockWidget)
        dock.show()
        self._enter(dock)

    def _step_panel(self, step: int) -> None:
        open_ = [dock for dock in self.docks.values() if not dock.isHidden()]
        focused = self.focusWidget()
        now = next((i for i, d in enumerate(open_) if focused is not None and d.isAncestorOf(focused)), -1)
        if not open_:
            return
        self._enter(open_[(now + step) % len(open_)])

    @staticmethod
    def _enter(dock: QDockWidget) -> None:
        """Bring a panel to the front, with the keyboard in it."""
        dock.raise_()
        inside: QWidget = dock.widget()
        takers = [
            each
            for each in inside.findChildren(QWidget)
            if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.isVisible() and each.isEnabled()
        ]
        (takers[0] if takers else inside).setFocus(Qt.FocusReason.TabFocusReason)

    # --- going -------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._closing:
            event.accept()
            return
        if not self._told_to_go and not self.files.may_leave(closing=True):
            event.ignore()
            return
        QSettings().setValue("geometry", self.saveGeometry())
        self._closing = True
        self._layout_timer.stop()
        self.session.close()
        self.worker.close()
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
