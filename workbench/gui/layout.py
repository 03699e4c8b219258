"""Where the panels are: docks that can be moved, closed and brought back, and reached by keyboard.

A panel behind a tab is named by the tab alone, whose context menu floats and closes it.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QSizePolicy, QTabBar, QWidget

from workbench.gui import dock_places
from workbench.gui.plain import Label, set_tip
from workbench.gui.title_bar import TitleBar
from workbench.words import marked, tr

PANELS = marked({
    "setup": "Setup",
    "learning_curves": "Learning curves",
    "adaptation_chart": "Adaptation",
    "prediction_view": "Predictions",
    "inside_view": "Inside",
    "comparison_view": "Compare",
    "runs": "Runs",
    "log": "Log",
    "tuning_view": "Tuning",
})  # fmt: skip
CHARTS = tuple(name for name in PANELS if name not in ("setup", "runs", "log"))
ASIDE = "inside_view", "tuning_view"
TILED = tuple(name for name in CHARTS if name not in ASIDE)
"""Charts that are seen at once."""

ROOM_FOR_ALL = 1800
LOG_HEIGHT = 132
WIDTHS, WIDE = {"setup": 310, "runs": 344}, {"setup": 420, "runs": 460}
"""At first, in a usual window and in one with room for all; the charts have the rest."""

LEAST = {"setup": 280, "runs": 260, "log": 80}
LEAST_CHART = QSize(320, 160)


class Layout(QObject):
    """The docks of a window.

    Attributes
    ----------
    docks : by the name of their panel.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._width, self._wished = 0, dict(WIDTHS)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(0)
        self._settling.timeout.connect(self._settle)
        window.installEventFilter(self)
        self.docks = {name: self._dock(name, tr(title)) for name, title in PANELS.items()}
        for number, dock in enumerate(self.docks.values(), 1):
            action = dock.toggleViewAction()
            set_tip(
                action, tr("Show or close {}; Ctrl+{} brings it to the front", dock.windowTitle(), number)
            )
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), window)
            shortcut.setObjectName(dock.objectName())
            shortcut.activated.connect(self._go_to)
        QShortcut(QKeySequence("F6"), window).activated.connect(self._next)
        QShortcut(QKeySequence("Shift+F6"), window).activated.connect(self._previous)

    def _dock(self, name: str, title: str) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"dock_{name}")
        waiting = Label(tr("Loading…"), dock)
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        dock.setWidget(waiting)
        dock.setTitleBarWidget(TitleBar(dock))
        if name == "log":
            dock.setMinimumHeight(LEAST[name])
        elif name in LEAST:
            dock.setMinimumWidth(LEAST[name])
        dock.installEventFilter(self)
        for moved in (dock.topLevelChanged, dock.dockLocationChanged, dock.visibilityChanged):
            moved.connect(self._settling.start)
        sizes = QSizePolicy.Policy  # what a larger window gives goes to the charts
        across = sizes.Maximum if name in ("setup", "runs") else sizes.Expanding
        dock.setSizePolicy(across, sizes.Maximum if name == "log" else sizes.Expanding)
        return dock

    def fill(self, menu: QMenu) -> None:
        """Let a menu show and close the panels."""
        for dock in self.docks.values():
            menu.addAction(dock.toggleViewAction())

    def put(self, panels: dict[str, QWidget]) -> None:
        """Put panels into their docks."""
        for name, panel in panels.items():
            if name in CHARTS:  # what it holds may be tall, and is not to make the window so
                panel.setMinimumSize(LEAST_CHART)
            self.docks[name].setWidget(panel)

    def arrange(self) -> None:
        """Put every panel where it is at first: Setup, charts in tabs, Runs; the log is folded."""
        window, docks = self._window, self.docks
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        dock_places.take_out(window, docks)
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["setup"])
        window.splitDockWidget(docks["setup"], docks["log"], down)
        window.splitDockWidget(docks["setup"], docks["learning_curves"], across)
        window.splitDockWidget(docks["learning_curves"], docks["runs"], across)
        for name in CHARTS[1:]:
            window.tabifyDockWidget(docks["learning_curves"], docks[name])
        for name, dock in docks.items():
            dock.setVisible(name != "log")
        docks["learning_curves"].raise_()
        self._wished = self._first_widths()
        self._width = 0  # what the docks are given now is not what a person chose
        self._settling.start()
        setup, runs = self._wished["setup"], self._wished["runs"]
        columns = [docks[name] for name in ("setup", "learning_curves", "runs")]
        window.resizeDocks(columns, [setup, window.width() - setup - runs, runs], across)
        rest = window.height() - LOG_HEIGHT - 106  # bars, titles and edges
        window.resizeDocks([docks["setup"], docks["log"]], [rest, LOG_HEIGHT], down)

    def tile_charts(self) -> None:
        """Show all four charts at once, two by two; in a small window nothing but them."""
        window, docks = self._window, self.docks
        first, second, third, fourth = (docks[name] for name in TILED)
        for dock in (docks[name] for name in ASIDE):
            window.removeDockWidget(dock)
            window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
            dock.hide()  # in a place to come back to
        window.splitDockWidget(first, third, Qt.Orientation.Vertical)
        window.splitDockWidget(first, second, Qt.Orientation.Horizontal)
        window.splitDockWidget(third, fourth, Qt.Orientation.Horizontal)
        for dock in (first, second, third, fourth):
            dock.show()
        if window.width() < ROOM_FOR_ALL:
            for name in ("setup", "runs", "log"):
                docks[name].hide()
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        for pair, direction in (((first, second), across), ((third, fourth), across), ((first, third), down)):
            window.resizeDocks(list(pair), [1000, 1000], direction)

    def state(self) -> dock_places.Places:
        """Where everything is (JSON types)."""
        return dock_places.described(self._window, self.docks)

    def restore(self, state: object) -> None:
        """Take up what :meth:`state` gave.

        Raises
        ------
        ValueError
            If it is nothing of the kind; all stays as it is.
        """
        dock_places.lay_out(self._window, self.docks, state)

    def _first_widths(self) -> dict[str, int]:
        return dict(WIDTHS if self._window.width() < ROOM_FOR_ALL else WIDE)

    # --- what keeps it in shape --------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            if watched is self._window:
                self._settling.start()
            elif self._window.width() == self._width:  # else the window gave or took, not the person
                for name in self._wished:
                    if watched is self.docks[name] and not self.docks[name].isFloating():
                        self._wished[name] = self.docks[name].width()
        return False

    @Slot()
    def _settle(self) -> None:
        """Titles where no tab has them; what a small window took from Setup and Runs comes back."""
        for dock in self.docks.values():
            bar, beside = dock.titleBarWidget(), self._window.tabifiedDockWidgets(dock)
            assert isinstance(bar, TitleBar)
            bar.set_tabbed(not dock.isFloating() and any(not each.isHidden() for each in beside))
        for tabs in self._window.findChildren(QTabBar, "", Qt.FindChildOption.FindDirectChildrenOnly):
            if tabs.contextMenuPolicy() is not Qt.ContextMenuPolicy.CustomContextMenu:
                tabs.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
                tabs.customContextMenuRequested.connect(self._ask_tab)
        untouched = self._wished in (WIDTHS, WIDE)
        if untouched:
            self._wished = self._first_widths()
        docks = [
            dock
            for name, width in self._wished.items()
            if not (dock := self.docks[name]).isHidden()
            and not dock.isFloating()
            and (dock.width() < width or untouched)
        ]
        if docks:
            widths = [width for name, width in self._wished.items() if self.docks[name] in docks]
            self._window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)
            layout = self._window.layout()
            assert layout is not None
            layout.activate()  # before it counts as chosen
        self._width = self._window.width()

    @Slot(QPoint)
    def _ask_tab(self, at: QPoint) -> None:
        """Offer what a title bar's buttons do."""
        tabs = self.sender()
        assert isinstance(tabs, QTabBar)
        asked = tabs.tabAt(at)
        title = tabs.tabText(asked if asked >= 0 else tabs.currentIndex())  # by the keyboard: of none
        dock = next((each for each in self.docks.values() if each.windowTitle() == title), None)
        if dock is not None:
            menu = QMenu(tabs)
            menu.setObjectName("tab_menu")
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addAction(tr("In a window of its own")).triggered.connect(partial(_float, dock))
            menu.addAction(tr("Close {}", title)).triggered.connect(dock.close)
            menu.popup(tabs.mapToGlobal(at))

    # --- by keyboard -------------------------------------------------------------------------------

    def go_to(self, name: str) -> None:
        """Bring a panel to the front, with the keyboard in it."""
        self.docks[name].show()
        _enter(self.docks[name])

    @Slot()
    def _go_to(self) -> None:
        name = self.sender().objectName()
        dock = next(each for each in self.docks.values() if each.objectName() == name)
        if dock is self.docks["log"] and not dock.isHidden():  # folds as it unfolds
            dock.hide()
            return
        dock.show()
        _enter(dock)

    @Slot()
    def _next(self) -> None:
        self._step(1)

    @Slot()
    def _previous(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        """Go to the next panel, in the order of the View menu."""
        opened = [dock for dock in self.docks.values() if not dock.isHidden()]
        focused = self._window.focusWidget()
        now = next((i for i, d in enumerate(opened) if focused is not None and d.isAncestorOf(focused)), -1)
        if opened:
            _enter(opened[(now + by) % len(opened)])


def _float(dock: QDockWidget, checked: bool = False) -> None:
    dock.setFloating(True)


def _enter(dock: QDockWidget) -> None:
    """Bring a panel to the front, with the keyboard in it: where the panel says, or in its first control."""
    dock.raise_()
    inside = dock.widget()
    first = inside.focusProxy()
    if first is not None and first.isVisible() and first.isEnabled():
        first.setFocus(Qt.FocusReason.TabFocusReason)
        return
    takers = [
        each
        for each in inside.findChildren(QWidget)
        if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.isVisible() and each.isEnabled()
    ]
    (takers[0] if takers else inside).setFocus(Qt.FocusReason.TabFocusReason)
