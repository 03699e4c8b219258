"""What every chart has: a row of controls, a plot, a hint where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QContextMenuEvent, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QToolButton, QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.charts.axis import Plot
from workbench.gui.flow import Flow
from workbench.gui.plain import Label, set_tip
from workbench.gui.run_data import RunData
from workbench.pictures import Figure
from workbench.words import tr


class Chart(QWidget):
    """A view of the project's runs.

    Subclasses override :meth:`redraw`, :meth:`figure` and, where they hold colours, :meth:`restyle`.
    A chart that is not on the screen is not redrawn; it catches up when it is shown.
    """

    title: ClassVar[str]
    object_name: ClassVar[str]

    def __init__(self, data: RunData, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.common: list[QAction] = []
        """What the window does with any chart: it stands in the context menu."""

        self.setObjectName(self.object_name)
        self.setAccessibleName(tr(self.title))
        self.data = data
        self._stale = True
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        self.tools = Flow()
        self.tools.setSpacing(6)
        layout.addLayout(self.tools)
        self.body = QVBoxLayout()
        layout.addLayout(self.body, 1)
        self._hint = Label(parent=self)
        self._hint.setObjectName(f"{self.object_name}_hint")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hint.hide()
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._catch_up_if_seen)
        data.opened.connect(self.forget)
        data.listed.connect(self.mark_behind)
        data.grew.connect(self.mark_behind)
        data.viewed.connect(self.look_anew)
        data.selection_changed.connect(self.mark_stale)

    def tool_button(self, name: str, sign: str, text: str, pressed: Callable[[], None]) -> QToolButton:
        """A flat button with a sign, which stands for an action in words."""
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(sign)
        button.setAccessibleName(text)
        set_tip(button, text)
        button.setAutoRaise(True)
        button.clicked.connect(pressed)
        return button

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        pointed = event.reason() == QContextMenuEvent.Reason.Mouse
        self.menu(event.pos() if pointed else None).popup(event.globalPos())
        self.setFocus()  # what the menu does to a chart, it does to this one

    def menu(self, place: QPoint | None = None) -> QMenu:
        """The context menu: what can be done at a place (None: anywhere), and with the whole chart."""
        menu = QMenu(self)
        menu.setObjectName(f"{self.object_name}_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill_menu(menu, place)
        hidden = [run.id for run in self.data.in_view() if not run.visible]
        if hidden:
            menu.addAction(tr("Show hidden runs"), lambda: self.data.show(hidden))
        menu.addSeparator()
        menu.addActions(self.common)
        return menu

    def fill_menu(self, menu: QMenu, place: QPoint | None) -> None:
        """Add what this kind of chart offers."""

    @Slot()
    def forget(self) -> None:
        """Another project is open: its runs have the same numbers and are others."""

    @Slot()
    def look_anew(self) -> None:
        """Another experiment is in view, or other runs pass the filter."""
        self.mark_stale()

    def redraw(self) -> None:
        """Bring the picture up to date; called while the chart is on the screen, a few times a second."""

    def figure(self) -> Figure | None:
        """What an export draws; None where there is nothing."""
        return None

    def film(self) -> Callable[[], list[Figure]] | None:
        """Makes the figures of an animation, on any thread; None where nothing moves."""
        return None

    def restyle(self) -> None:
        """The window turned light or dark."""

    def state(self) -> dict[str, object]:
        """The settings that are kept with the project (JSON types)."""
        return {}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take up settings; unknown or unfit ones are left out."""

    @property
    def hint(self) -> str:
        """What is said where there is nothing to draw; empty while something is drawn."""
        return self._hint.text()

    def set_hint(self, text: str) -> None:
        """Say what to do where there is nothing to draw; an empty text hides it."""
        self._hint.setText(text)
        self._hint.setVisible(bool(text))
        self._hint.raise_()

    @Slot()
    def mark_stale(self) -> None:
        """Draw anew, now or when the chart is next seen."""
        self._stale = True
        self._catch_up_if_seen()

    def set_turn(self, milliseconds: int) -> None:
        """How long to wait with new data, so that a window's charts are not all redrawn at once; 0: not."""
        self._turn.setInterval(milliseconds)

    @Slot()
    def mark_behind(self) -> None:
        """The data has grown: draw it when it is this chart's turn."""
        self._stale = True
        if not self._turn.interval():
            self._catch_up_if_seen()
        elif not self._turn.isActive():
            self._turn.start()

    @property
    def seen(self) -> bool:
        """Whether the chart is on the screen, not behind another."""
        return self.isVisible() and not self.visibleRegion().isEmpty()

    @Slot()
    def _catch_up_if_seen(self) -> None:
        if self.seen:
            self.catch_up()

    @Slot()
    def theme_changed(self) -> None:
        """Take the colours of the present theme."""
        self._hint.setStyleSheet(f"color: {theme.muted()}")
        self.restyle()
        self.mark_stale()

    def catch_up(self) -> None:
        """Draw what has come since."""
        if self._stale:
            self._stale = False
            self.redraw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.theme_changed()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._stale and not self._turn.isActive():  # it has come to the front
            QTimer.singleShot(0, self, self._catch_up_if_seen)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        margin = 24
        top = self.tools.geometry().bottom() + margin
        self._hint.setGeometry(
            margin, top, max(0, self.width() - 2 * margin), max(0, self.height() - top - margin)
        )


class PlotChart(Chart):
    """A chart with one pyqtgraph plot, in the colours of the theme."""

    def __init__(self, data: RunData, parent: QWidget | None = None) -> None:
        super().__init__(data, parent)
        self.plot = Plot(self)
        self.plot.setObjectName(f"{self.object_name}_plot")
        self.body.addWidget(self.plot)

    def set_label(self, side: str, text: str) -> None:
        """Name an axis; to name it anew would lay it out anew."""
        if self.plot.getAxis(side).labelText != text:
            self.plot.setLabel(side, text)

    def set_hint(self, text: str) -> None:
        super().set_hint(text)
        self.plot.getPlotItem().setVisible(not text)

    def restyle(self) -> None:
        self.plot.setBackground(theme.background())
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.grid())
            axis.setTextPen(theme.foreground())
