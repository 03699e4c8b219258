"""The queue on one line: what to press next, what runs, how far all of it is, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.analysis.forecast import Left
from workbench.analysis.numerals import duration
from workbench.gui import icons, theme
from workbench.gui.plain import Elided, Label, set_tip
from workbench.gui.queue_list import QueueList
from workbench.gui.run_columns import rounded
from workbench.gui.run_queue import Sitting
from workbench.gui.session import Session
from workbench.project import RunRecord
from workbench.words import plural, tr

LOOK_MILLISECONDS = 1000
MOST_SEGMENTS = 40
GAP = 1.5


class QueueBar(QWidget):
    """The one coloured button, which always is the next step, and the line beside it.

    Parameters
    ----------
    actions : the window's, by name; the buttons do what these do.

    Attributes
    ----------
    looked : the figures are up to date, as they are each second; :attr:`short` says them in a few words.
    """

    looked = Signal()

    def __init__(self, session: Session, actions: Mapping[str, QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self._hint = self.short = ""
        self.start, self.stop = _Button("start_button", self), _Button("stop_button", self)
        self.add = _Button("add_button", self)
        self.start.setMinimumWidth(112)
        self.stop.setDefaultAction(actions["stop"])
        self.add.setDefaultAction(actions["run"])
        self.waiting = QPushButton(self)
        self.waiting.setObjectName("waiting_button")
        self.waiting.setFlat(True)
        set_tip(self.waiting, tr("Reorder the queue, or take runs out of it (Ctrl+Shift+Q)"))
        self.waiting.clicked.connect(self.show_queue)
        self.count, self.what, self.rest, self.left = Label(), Elided(), Label(), Label()
        self.count.setStyleSheet("font-weight: bold;")
        self.progress = Segments(self)
        labels = {"count": self.count, "what": self.what, "rest": self.rest, "left": self.left}
        for name, label in labels.items():
            label.setObjectName(f"queue_{name}")
        self.what.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        set_tip(self.left, tr("Until everything that is queued is over, tests and validations included"))
        words = QHBoxLayout()
        words.setSpacing(8)
        words.addStrut(self.waiting.sizeHint().height())  # nothing moves when it comes and goes
        for part in (self.count, self.what, self.rest):
            words.addWidget(part)
        words.addStretch(1)
        words.addWidget(self.left)
        words.addWidget(self.waiting)
        line = QVBoxLayout()
        line.setContentsMargins(16, 0, 8, 2)
        line.setSpacing(3)
        line.addLayout(words)
        line.addWidget(self.progress)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(8)
        for button in (self.start, self.stop, self.add):
            layout.addWidget(button)
        layout.addLayout(line, 1)
        search = QPushButton(tr("Search   {}", actions["search"].shortcut().toString()), self)
        search.setObjectName("search_button")
        search.setFlat(True)
        set_tip(search, actions["search"].toolTip())
        search.clicked.connect(actions["search"].trigger)
        layout.addWidget(search)
        self._list = QueueList(session, actions["undo"], self)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self.restyle()

    def refresh(self, hint: str) -> None:
        """Bring buttons and words up to date.

        Parameters
        ----------
        hint : what is said while nothing runs, waits, or has just ended.
        """
        self._hint = hint
        step = self._step()
        action = self._actions[step]
        icon = icons.pause if step == "pause" else icons.play
        if action is not self.start.defaultAction():
            self.start.removeAction(self.start.defaultAction() or action)
            self.start.setDefaultAction(action)
        self.start.setIcon(icon(theme.background() if action.isEnabled() else theme.muted()))
        self.add.setVisible(step != "run")
        self.look()

    @Slot()
    def look(self) -> None:
        """Bring the figures up to date."""
        queue, waiting = self._session.queue, self._session.queue.queued()
        going = [run for each in queue.going if (run := self._session.data.run(each)) is not None]
        unfinished = [*going, *waiting] if going else self._session.can_go_on()
        left = queue.left(unfinished)
        said = self._going(going, waiting) if going else self._idle(unfinished)
        for label, text in zip((self.count, self.what, self.rest), said, strict=True):
            label.setText(text)
            label.setVisible(bool(text))
        self.waiting.setText(tr("{} waiting ▾", len(waiting)))
        self.waiting.setAccessibleName(tr("{} in the queue", plural(len(waiting), "run")))
        self.waiting.setVisible(bool(waiting))
        self.left.setText((left.words or "–") if unfinished else "")
        self.progress.show_runs(queue.sitting, unfinished)
        self.short = self._in_short(left) if going else ""
        self.looked.emit()

    @Slot()
    def show_queue(self) -> None:
        """Open the list of the runs that wait."""
        self._list.open_below(self.waiting)

    def restyle(self) -> None:
        """Take the colours of the present theme."""
        self.rest.setStyleSheet(f"color: {theme.muted()};")
        self.start.setStyleSheet(
            f"QToolButton {{ background: {theme.accent()}; color: {theme.background()}; font-weight: bold;"
            f" border: 2px solid {theme.accent()}; border-radius: 5px; padding: 4px 10px; }}"
            f"QToolButton:focus, QToolButton:hover {{ border-color: {theme.foreground()}; }}"
            f"QToolButton:disabled {{ background: {theme.grid()}; color: {theme.muted()};"
            f" border-color: {theme.grid()}; }}"
        )

    # --- what it says ------------------------------------------------------------------------------

    def _step(self) -> str:
        """The action that comes next."""
        queue = self._session.queue
        if queue.running is not None and not queue.stopping:
            return "resume" if queue.pausing else "pause"
        unfinished = queue.running is not None or self._session.can_go_on()
        return "go_on" if unfinished and not self._session.read_only else "run"

    def _going(self, going: Sequence[RunRecord], waiting: Sequence[RunRecord]) -> tuple[str, str, str]:
        queue, run = self._session.queue, going[0]
        ended, several = len(queue.sitting.ended), len(going) > 1 or queue.nodes
        said = [plural(queue.nodes, "node")] if queue.nodes else []
        if not several and run.iterations and run.iterations < run.iterations_planned:
            said.append(f"{_part(run):.0%}")
        if doing := next((each for each in map(queue.doing, going) if each), ""):
            said.append(doing)
        elif queue.speed:
            said.append(tr("{} meta-iterations/s", rounded(queue.speed)))
        rest = " · ".join(["", *said]).strip()
        if several:
            return tr("{} of {} at once", len(going), ended + len(going) + len(waiting)), "", rest
        return tr("{} of {}", ended + 1, ended + 1 + len(waiting)), run.name, rest

    def _idle(self, unfinished: Sequence[RunRecord]) -> tuple[str, str, str]:
        queue, sitting = self._session.queue, self._session.queue.sitting
        if sitting.over and not queue.queued():
            return over(sitting), "", f"· {duration(sitting.seconds)}"
        if unfinished:
            state = tr("Stopped") if sitting.stopped or sitting.ended else tr("Unfinished")
            wait = plural(len(unfinished), "run waits", "runs wait")
            return "", f"{state}: {wait}", ""
        return "", "", self._hint

    def _in_short(self, left: Left) -> str:
        how = tr("paused") if self._session.queue.pausing else left.words
        return ", ".join(filter(None, [f"{self.progress.value() / self.progress.maximum():.0%}", how]))


class Segments(QProgressBar):
    """How far each run of the queue is; of very many, how far all of them are."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parts: list[tuple[float, bool]] = []
        self.setTextVisible(False)
        self.setObjectName("queue_progress")
        self.setRange(0, 1000)
        self.setFixedHeight(6)
        self.setAccessibleName(tr("Progress of the queue"))

    def show_runs(self, sitting: Sitting, rest: Sequence[RunRecord]) -> None:
        """Show runs that have ended, then others."""
        parts = [(1.0, how == "finished") for how in sitting.ended.values()]
        parts += [(_part(run), True) for run in rest]
        if parts != self._parts:
            self._parts = parts
            done = sum(part for part, _ in parts) / len(parts) if parts else 0.0
            self.setValue(round(done * self.maximum()))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        parts = self._parts
        if len(parts) > MOST_SEGMENTS:
            parts = [(self.value() / self.maximum(), True)]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        each = (self.width() + GAP) / max(1, len(parts))
        for place, (part, well) in enumerate(parts):
            track = QRectF(place * each, 0, each - GAP, self.height())
            painter.setBrush(QColor(theme.grid()))
            painter.drawRoundedRect(track, 2, 2)
            painter.setBrush(QColor(theme.accent() if well else theme.wrong()))
            track.setWidth(track.width() * part)
            painter.drawRoundedRect(track, 2, 2)


class _Button(QToolButton):
    """Does what its action does; the second half of a double click may meet another one, and is nothing."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIconSize(QSize(14, 14))
        self.setMinimumHeight(32)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()


def over(sitting: Sitting) -> str:
    """How the runs of a queue ended: ``18 runs finished, 2 failed, 1 diverged``."""
    ends = list(sitting.ended.values())
    told = [plural(ends.count("finished"), "run finished", "runs finished")]
    told += [f"{ends.count(how)} {tr(how)}" for how in ("failed", "diverged") if how in ends]
    return ", ".join(told + [tr("{} stopped", len(sitting.stopped))] * bool(sitting.stopped))


def _part(run: RunRecord) -> float:
    return min(1.0, run.iterations / run.iterations_planned) if run.iterations_planned else 0.0
