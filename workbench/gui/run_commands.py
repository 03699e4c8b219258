"""The Edit and Run menus: what is done to runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from workbench.errors import InputError
from workbench.gui import dialogs, theme
from workbench.gui.notices import Notices
from workbench.gui.plain import set_tip
from workbench.gui.run_queue import CAN_GO_ON
from workbench.gui.runs_panel import RunsPanel
from workbench.gui.session import Session
from workbench.gui.worker import Worker
from workbench.words import plural

if TYPE_CHECKING:
    from workbench.gui.setup.panel import SetupPanel


BEGUN = "Training has begun. Predictions shows what each learner does, once it has learned; Space plays it."


class RunCommands(QObject):
    """Acts on the selected runs, or on the one that is running."""

    def __init__(
        self, session: Session, panel: RunsPanel, worker: Worker, notices: Notices, window: QWidget
    ) -> None:
        super().__init__(window)
        self._worker = worker
        self._session, self._panel, self._notices, self._window = session, panel, notices, window
        self.setup: SetupPanel | None = None

    def enable(self, actions: dict[str, QAction]) -> None:
        """Make available what can be done now."""
        chosen = [run for each in self._panel.selected() if (run := self._session.data.run(each))]
        queue, writable = self._session.queue, not self._session.read_only
        running = queue.running is not None and not queue.stopping
        for name in ("rename", "notes"):
            actions[name].setEnabled(len(chosen) == 1 and writable)
        for name in ("colour", "delete", "toggle_shown", "duplicate"):
            actions[name].setEnabled(bool(chosen) and writable)
        actions["use"].setEnabled(len(chosen) == 1)
        actions["pause"].setEnabled(running and not queue.pausing)
        actions["stop"].setEnabled(running)
        actions["resume"].setEnabled(writable and bool(self._resumable()))
        queued = len(chosen) == 1 and chosen[0].status == "queued" and writable
        actions["move_up"].setEnabled(queued)
        actions["move_down"].setEnabled(queued)
        waiting = self._session.can_go_on()
        going_on = len(waiting) + (queue.running is not None)
        actions["go_on"].setEnabled(bool(waiting) and queue.running is None and writable)
        actions["go_on"].setText(f"Go on ({plural(going_on, 'run')})" if going_on else "Go on")
        actions["show_queue"].setEnabled(bool(queue.queued()))
        self._enable_run(actions["run"], adds=queue.running is not None or bool(queue.queued()))

    def _enable_run(self, action: QAction, *, adds: bool) -> None:
        """Say what Run would do, or why it cannot."""
        setup = self.setup
        reason = setup.why_not() if setup is not None else "PyTorch is being loaded"
        runs = plural(setup.count(), "run") if setup is not None and setup.count() else ""
        action.setText(f"{'Add' if adds else 'Run'} {runs}".strip())
        action.setEnabled(not reason)
        does = "Put them behind the runs that wait" if adds else "Queue these runs and begin"
        counted = f": {setup.counted()}" if setup is not None else ""
        set_tip(action, reason or f"{does}{counted} ({action.shortcut().toString()})")

    def _resumable(self) -> list[int]:
        """What Resume would let go on: the paused run, selected ones, or else all that is unfinished."""
        queue = self._session.queue
        if queue.running is not None and queue.pausing:
            return [queue.running]
        runs = self._session.data.runs()
        chosen = set(self._panel.selected())
        able = [each.id for each in runs if each.status in CAN_GO_ON and each.id != queue.running]
        picked = [run for run in able if run in chosen]
        unfinished = [run.id for run in runs if run.status in ("paused", "stopped", "interrupted")]
        if queue.running is None:
            unfinished += [run.id for run in queue.queued()]
        return picked or [run for run in unfinished if run != queue.running]

    # --- Run ---------------------------------------------------------------------------------------

    @Slot()
    def run(self) -> None:
        if self.setup is None:
            return
        experiment, family = self.setup.draft.experiment(), self.setup.family()
        if experiment is None or family is None:
            return
        self._notices.clear("run")
        if "quick_start" in self._notices.texts():  # a line in its place, so that nothing moves
            self._notices.say("quick_start", BEGUN)
        QSettings().setValue("has_run", True)
        try:
            self._session.add_runs(experiment, family)
        except InputError as error:
            self._notices.say("run", str(error))

    @Slot()
    def pause(self) -> None:
        self._session.queue.pause()

    @Slot()
    def resume(self) -> None:
        self._session.queue.resume(self._resumable())

    @Slot()
    def go_on(self) -> None:
        """Let everything go on that was stopped, that waits, or that an earlier window left unfinished."""
        self._session.queue.resume([run.id for run in self._session.can_go_on()])

    @Slot()
    def stop(self) -> None:
        self._session.queue.stop()

    @Slot()
    def use(self) -> None:
        """Put the selected run to use on examples that a person brings along."""
        from workbench.gui.use_dialog import UseDialog

        record, path = self._session.data.run(self._panel.selected()[0]), self._session.path
        if record is not None:
            dialog = UseDialog(path, record, self._session.data.colour(record), self._worker, self._window)
            dialog.open()

    @Slot()
    def duplicate(self) -> None:
        self._session.duplicate(self._panel.selected())

    @Slot()
    def move_up(self) -> None:
        self._move(-1)

    @Slot()
    def move_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        chosen = self._panel.selected()
        if chosen:
            self._session.move(chosen[0], by)
            self._panel.select(chosen[0])

    # --- Edit --------------------------------------------------------------------------------------

    @Slot()
    def rename(self) -> None:
        self._panel.edit_name()

    @Slot()
    def notes(self) -> None:
        record = self._session.data.run(self._panel.selected()[0])
        if record is None:
            return
        text = dialogs.edit_text(self._window, "Notes", f"Notes on {record.name}", record.notes)
        if text is not None and text != record.notes:
            self._change("Change notes", notes=text)

    @Slot()
    def colour(self) -> None:
        record = self._session.data.run(self._panel.selected()[0])
        if record is None:
            return
        now = theme.colour(self._session.data.colour(record))
        colour = dialogs.choose_colour(self._window, "Colour of the selected runs", now)
        if colour:
            self._change("Change colour", colour=colour)

    @Slot()
    def toggle_shown(self) -> None:
        records = [run for each in self._panel.selected() if (run := self._session.data.run(each))]
        visible = not all(record.visible for record in records)
        self._change("Show in charts" if visible else "Hide in charts", visible=visible)

    @Slot()
    def delete(self) -> None:
        chosen = self._panel.selected()
        count = len(chosen)
        text = f"Delete {count} runs" if count > 1 else "Delete run"
        self._session.change_runs(text, {run: {"deleted": True} for run in chosen})

    @Slot()
    def select_runs(self) -> None:
        self._panel.table.setFocus()
        if not self._panel.selected() and self._session.data.runs():
            self._panel.select(self._session.data.runs()[0].id)

    def _change(self, text: str, **fields: Any) -> None:
        self._session.change_runs(text, {run: dict(fields) for run in self._panel.selected()})
