"""Where the panels are: docks that can be moved, closed and brought back, and reached by keyboard."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QSizePolicy, QWidget

from workbench.gui import dock_places
from workbench.gui.plain import Label, set_tip

PANELS = {
    "setup": "Setup",
    "learning_curves": "Learning curves",
    "adaptation_chart": "Adaptation",
    "prediction_view": "Predictions",
    "inside_view": "Inside",
    "comparison_view": "Compare",
    "runs": "Runs",
    "log": "Log",
}
CHARTS = tuple(PANELS)[1:6]
TILED = tuple(name for name in CHARTS if name != "inside_view")
"""Charts that are seen at once."""

ROOM_FOR_ALL = 1800
SETUP_WIDTH, RUNS_WIDTH, WIDE_RUNS, LOG_HEIGHT = 310, 344, 460, 52


class Layout(QObject):
    """The docks of a window.

    Attributes
    ----------
    docks : by the name of their panel.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.docks = {name: self._dock(name, title) for name, title in PANELS.items()}
        for number, dock in enumerate(self.docks.values(), 1):
            action = dock.toggleViewAction()
            set_tip(action, f"Show or close {dock.windowTitle()}; Ctrl+{number} brings it to the front")
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), window)
            shortcut.setObjectName(dock.objectName())
            shortcut.activated.connect(self._go_to)
        QShortcut(QKeySequence("F6"), window).activated.connect(self._next)
        QShortcut(QKeySequence("Shift+F6"), window).activated.connect(self._previous)

    def _dock(self, name: str, title: str) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"dock_{name}")
        waiting = Label("Loading…", dock)
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        dock.setWidget(waiting)
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
            self.docks[name].setWidget(panel)

    def arrange(self) -> None:
        """Put every panel where it is at first: Setup, charts in tabs, Runs; the log below."""
        window, docks = self._window, self.docks
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        dock_places.take_out(window, docks)
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["setup"])
        window.splitDockWidget(docks["setup"], docks["log"], down)
        window.splitDockWidget(docks["setup"], docks["learning_curves"], across)
        window.splitDockWidget(docks["learning_curves"], docks["runs"], across)
        for name in CHARTS[1:]:
            window.tabifyDockWidget(docks["learning_curves"], docks[name])
        for dock in docks.values():
            dock.show()
        docks["learning_curves"].raise_()
        runs = RUNS_WIDTH if window.width() < ROOM_FOR_ALL else WIDE_RUNS  # for names in full
        charts = window.width() - SETUP_WIDTH - runs
        columns = [docks[name] for name in ("setup", "learning_curves", "runs")]
        window.resizeDocks(columns, [SETUP_WIDTH, charts, runs], across)
        rest = window.height() - LOG_HEIGHT - 106  # bars, titles and edges
        window.resizeDocks([docks["setup"], docks["log"]], [rest, LOG_HEIGHT], down)

    def tile_charts(self) -> None:
        """Show all four charts at once, two by two; in a small window nothing but them."""
        window, docks = self._window, self.docks
        first, second, third, fourth = (docks[name] for name in TILED)
        window.removeDockWidget(docks["inside_view"])
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["inside_view"])
        docks["inside_view"].hide()  # in a place to come back to
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

    # --- by keyboard -------------------------------------------------------------------------------

    @Slot()
    def _go_to(self) -> None:
        name = self.sender().objectName()
        dock = next(each for each in self.docks.values() if each.objectName() == name)
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
