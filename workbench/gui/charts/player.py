"""A slider over adaptation that plays: the steps one after the other, and in each of them time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QSlider, QSpinBox, QToolButton, QWidget

from workbench.gui import icons
from workbench.gui.plain import Elided, Label, set_tip
from workbench.words import tr

TICK_MS, EPISODE_MS = 40, 2400
"""Between two places of what moves, and for all of them."""

WHOLE_MS, LONGEST_MS, SHORTEST_MS = 8000, 800, 60
"""For all steps of adaptation together, and for one, where nothing moves."""


class PlaceBox(QSpinBox):
    """A number that is one of some places: arrows lead to the next of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.places: tuple[int, ...] = (0,)
        self.setKeyboardTracking(False)

    def stepBy(self, steps: int) -> None:
        at = bisect_left(self.places, self.value()) + steps
        self.setValue(self.places[max(0, min(at, len(self.places) - 1))])


class Player(QWidget):
    """Play and pause, a slider over places in adaptation, the place as a number, and words about it.

    Attributes
    ----------
    chosen : the person, or the player, went to another place; its number.
    moved : while it plays, the part of an episode that is over; 1 where it does not play.
    """

    chosen = Signal(int)
    moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("prediction_player")
        self.places: tuple[int, ...] = (0,)
        self._moves = False
        self._over = 1.0
        self._widest = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self.button = QToolButton(self)
        self.button.setObjectName("prediction_play")
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.clicked.connect(self.toggle)
        name = Label(tr("Adaptation"), self)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setObjectName("prediction_step")
        self.slider.setAccessibleName(tr("Adaptation"))
        self.slider.setPageStep(1)
        self.slider.setMinimumWidth(90)
        self.slider.valueChanged.connect(self._slid)
        self.number = PlaceBox(self)
        self.number.setObjectName("prediction_step_number")
        self.number.setAccessibleName(tr("Adaptation, as a number"))
        self.number.setPrefix(tr("after "))
        self.number.valueChanged.connect(self._typed)
        for control in (self.slider, self.number):
            set_tip(control, tr("How much of the task the learners have seen"))
        self.words = Elided(parent=self)
        self.words.setObjectName("prediction_score")
        self._stepped = (self.button, name, self.slider, self.number)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (*self._stepped, self.words):
            layout.addWidget(widget, int(widget is self.slider))
        layout.addStretch(0)
        self.restyle()

    def listen(self, place: QWidget) -> None:
        """Take the keys for a widget: Space plays and pauses, the arrows go a step back and on."""
        for key, does in (
            (Qt.Key.Key_Space, self.toggle),
            (Qt.Key.Key_Left, self.back),
            (Qt.Key.Key_Right, self.on),
        ):
            shortcut = QShortcut(QKeySequence(key), place)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(does)

    # --- where it stands -----------------------------------------------------------------------------

    @property
    def place(self) -> int:
        """The present place."""
        return self.places[min(self.slider.value(), len(self.places) - 1)]

    def offer(self, places: tuple[int, ...], place: int, unit: str, *, moves: bool) -> None:
        """The places that there are, in order, and the one where to stand.

        Parameters
        ----------
        unit : what is counted: ``steps``.
        moves : whether anything moves within a place.
        """
        self.places, self._moves = places, moves
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.number.places = places
            self.slider.setRange(0, len(places) - 1)
            self.slider.setValue(places.index(place))
            self.number.setRange(places[0], places[-1])
            self.number.setSuffix(tr(" of {} {}", places[-1], unit))
            self.number.setValue(place)
        for widget in self._stepped:
            widget.setVisible(len(places) > 1)
        self.button.setVisible(len(places) > 1 or moves)

    def say(self, text: str, among: Iterable[str]) -> None:
        """Words about the place, with the room of all that are said of others: nothing moves as it plays."""
        self.words.setText(text)
        metrics = self.words.fontMetrics()
        self._widest = max(map(metrics.horizontalAdvance, among)) + metrics.averageCharWidth()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.words.setFixedWidth(min(self._widest, self.width() // 4))

    @Slot(int)
    def _slid(self, at: int) -> None:
        self._go(at)

    @Slot(int)
    def _typed(self, place: int) -> None:
        self._go(bisect_right(self.places, place) - 1)

    def _go(self, at: int) -> None:
        at = max(0, min(at, len(self.places) - 1))
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setValue(at)
            self.number.setValue(self.places[at])
        if self.playing:
            self._over = 0.0
        self.chosen.emit(self.places[at])

    @Slot()
    def back(self) -> None:
        """To the place before."""
        self._go(self.slider.value() - 1)

    @Slot()
    def on(self) -> None:
        """To the next place."""
        self._go(self.slider.value() + 1)

    # --- playing -------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._timer.isActive()

    @Slot()
    def toggle(self) -> None:
        """Play, from the beginning where it is at the end; or pause."""
        if self.playing:
            self.pause()
            return
        if not self.button.isVisible():
            return
        if self.slider.value() == self.slider.maximum():
            self._go(0)
        self._over = 0.0
        each = min(LONGEST_MS, max(SHORTEST_MS, WHOLE_MS // len(self.places)))
        self._timer.start(TICK_MS if self._moves else each)
        self.restyle()

    @Slot()
    def pause(self) -> None:
        """Stand still; what moves stands where it ends."""
        self._timer.stop()
        self._over = 1.0
        self.moved.emit(1.0)
        self.restyle()

    @Slot()
    def _tick(self) -> None:
        self._over += TICK_MS / EPISODE_MS if self._moves else 1.0
        if self._over < 1.0:
            self.moved.emit(self._over)
        elif self.slider.value() < self.slider.maximum():
            self.on()
            self.moved.emit(0.0 if self._moves else 1.0)
        else:
            self.pause()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self.playing:
            self.pause()

    def restyle(self) -> None:
        """What the button does, in the theme's colours."""
        name = tr("Pause") if self.playing else tr("Play")
        self.button.setIcon(icons.pause() if self.playing else icons.play())
        self.button.setText(name)
        self.button.setAccessibleName(tr("{} adaptation", name))
        set_tip(self.button, tr("{} (Space)", name))
