"""What should not be missed of the queue, told once: that a run diverges, and that all are over."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from workbench.analysis.numerals import duration
from workbench.gui import icons
from workbench.gui.notices import Answer, Notices
from workbench.gui.queue_bar import over
from workbench.gui.run_columns import DIVERGED
from workbench.gui.session import Session
from workbench.project import RunRecord
from workbench.words import listed, tr

KEY = "diverged"
LASTS = 50
"""Meta-iterations for which a run must have been out of bounds before it is told of: a few may pass."""

WORTH_TELLING_SECONDS = 5.0
SHOWN_MILLISECONDS = 10_000
NAMED = 3


class QueueNotices(QObject):
    """Watches the queue for a window."""

    def __init__(self, session: Session, notices: Notices, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._notices, self._window = session, notices, window
        self._told: set[int] = set()
        self._said: list[int] = []
        self._stops: int | None = None
        self._tray = QSystemTrayIcon(self)
        self._tray.messageClicked.connect(window.activateWindow)
        session.opened.connect(self._forget)
        session.data.grew.connect(self._grew)
        session.queue.changed.connect(self._queue_changed)
        session.queue.emptied.connect(self._emptied)

    # --- divergence --------------------------------------------------------------------------------

    @Slot()
    def _forget(self) -> None:
        self._told.clear()
        self._notices.clear(KEY)

    @Slot(object)
    def _grew(self, grown: object) -> None:
        assert isinstance(grown, set)
        new = [run for run in grown - self._told if self._lost(self._session.data.run(run))]
        if new:
            if KEY not in self._notices.texts():  # what it said has been dismissed
                self._said = []
            self._told.update(new)
            self._said += new
            self._say()

    def _lost(self, run: RunRecord | None) -> bool:
        at = self._session.data.diverged_at(run) if run is not None else None
        if run is None or at is None:
            return False
        return run.status in ("failed", "finished") or run.iterations - at >= LASTS

    def _say(self) -> None:
        data, going = self._session.data, self._session.queue.going
        records = [run for each in self._said if (run := data.run(each))]
        if not records:  # they were put aside
            self._notices.clear(KEY)
            return
        told = [f"{run.name} {data.divergence([run])}" for run in records]
        if len(records) == 1:
            text = f"{told[0]}: {records[0].failure or DIVERGED}"
        else:
            text = tr("{} runs diverged: {}", len(records), listed(told, NAMED, "; "))
        self._stops = next((run for run in going if run in self._said), None)
        answer = tr("Stop this run") if len(records) == 1 else tr("Stop the running one")
        answers: list[Answer] = [(answer, self._stop)] if self._stops is not None else []
        self._notices.say(KEY, text, answers)

    def _stop(self) -> None:
        if self._stops is not None:
            self._session.queue.skip(self._stops)

    @Slot()
    def _queue_changed(self) -> None:
        """What is over cannot be stopped."""
        if KEY in self._notices.texts() and self._stops not in (None, *self._session.queue.going):
            self._say()

    # --- the end -----------------------------------------------------------------------------------

    @Slot()
    def _emptied(self) -> None:
        sitting = self._session.queue.sitting
        if sitting.seconds < WORTH_TELLING_SECONDS or self._window.isActiveWindow():
            return
        QApplication.alert(self._window)
        if QSystemTrayIcon.isSystemTrayAvailable():
            self._tray.setIcon(icons.program())
            self._tray.show()
            QTimer.singleShot(SHOWN_MILLISECONDS, self._tray.hide)
            text = f"{over(sitting)} · {duration(sitting.seconds)}"
            self._tray.showMessage(self._session.name, text, icons.program(), SHOWN_MILLISECONDS)
