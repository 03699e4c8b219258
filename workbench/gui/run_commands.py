"""The Edit and Run menus: what is done to runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from workbench.errors import InputError
from workbench.gui import dialogs, theme
from workbench.gui.layout import Layout
from workbench.gui.notices import Notices
from workbench.gui.plain import set_tip
from workbench.gui.run_data import ARCHIVED
from workbench.gui.run_queue import CAN_GO_ON
from workbench.gui.runs_panel import RunsPanel
from workbench.gui.runs_tree import STAR
from workbench.gui.session import Session
from workbench.gui.worker import Worker
from workbench.project import RunRecord, Tuned
from workbench.words import marked, plural, tr

if TYPE_CHECKING:
    from workbench.config import Experiment
    from workbench.gui.setup.panel import SetupPanel


BEGUN = marked(
    "Training has begun. Predictions shows what each learner does, once it has learned; Space plays it."
)


class RunCommands(QObject):
    """Acts on the selected runs, or on the one that is running."""

    def __init__(
        self, session: Session, panel: RunsPanel, layout: Layout, worker: Worker, notices: Notices,
        window: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._worker, self._layout = worker, layout
        self._session, self._panel, self._notices, self._window = session, panel, notices, window
        self.setup: SetupPanel | None = None
        self._asked: Experiment | None = None
        self._sure_of: Experiment | None = None

    def enable(self, actions: dict[str, QAction]) -> None:
        """Make available what can be done now."""
        chosen = self._chosen()
        queue, writable = self._session.queue, not self._session.read_only
        running = queue.running is not None and not queue.stopping
        for name in ("rename", "notes"):
            actions[name].setEnabled(len(chosen) == 1 and writable)
        for name in ("colour", "delete", "toggle_shown", "show_only", "star", "tag", "archive", "duplicate"):
            actions[name].setEnabled(bool(chosen) and writable)
        learned = len(chosen) == 1 and bool(chosen[0].iterations or not chosen[0].iterations_planned)
        actions["use"].setEnabled(learned)
        actions["look_inside"].setEnabled(learned)
        actions["use_in_setup"].setEnabled(bool(chosen) and writable and self.setup is not None)
        actions["pause"].setEnabled(running and not queue.pausing)
        actions["stop"].setEnabled(running)
        actions["resume"].setEnabled(writable and bool(self._resumable()))
        queued = len(chosen) == 1 and chosen[0].status == "queued" and writable
        actions["move_up"].setEnabled(queued)
        actions["move_down"].setEnabled(queued)
        waiting = self._session.can_go_on()
        going_on = len(waiting) + len(queue.going)
        actions["go_on"].setEnabled(bool(waiting) and queue.running is None and writable)
        actions["go_on"].setText(tr("Go on ({})", plural(going_on, "run")) if going_on else tr("Go on"))
        actions["show_queue"].setEnabled(bool(queue.queued()))
        self._enable_run(actions["run"], adds=queue.running is not None or bool(queue.queued()))

    def _enable_run(self, action: QAction, *, adds: bool) -> None:
        """Say what Run would do, or why it cannot."""
        setup = self.setup
        reason = setup.why_not() if setup is not None else tr("PyTorch is being loaded")
        runs = plural(setup.count(), "run") if setup is not None and setup.count() else ""
        action.setText((tr("Add {}", runs) if adds else tr("Run {}", runs)).strip())
        action.setEnabled(not reason)
        does = tr("Put them behind the runs that wait") if adds else tr("Queue these runs and begin")
        counted = f": {setup.counted()}" if setup is not None else ""
        set_tip(action, reason or f"{does}{counted} ({action.shortcut().toString()})")

    def _resumable(self) -> list[int]:
        """What Resume would let go on: what is paused, selected ones, or else all that is unfinished."""
        queue = self._session.queue
        if queue.going and queue.pausing:
            return list(queue.going)
        runs = self._session.data.runs()
        chosen = set(self._panel.selected())
        able = [each.id for each in runs if each.status in CAN_GO_ON and each.id not in queue.going]
        picked = [run for run in able if run in chosen]
        unfinished = [run.id for run in runs if run.status in ("paused", "stopped", "interrupted")]
        if queue.running is None:
            unfinished += [run.id for run in queue.queued()]
        return picked or [run for run in unfinished if run not in queue.going]

    # --- Run ---------------------------------------------------------------------------------------

    @Slot()
    def run(self) -> None:
        """Queue what Setup describes; what hardly anybody means is asked about first."""
        if self.setup is None:
            return
        experiment, family = self.setup.draft.experiment(), self.setup.family()
        if experiment is None or family is None:
            return
        self._notices.clear("run")
        doubt = self.setup.cost.doubt
        if doubt and experiment != self._sure_of:
            self._asked = experiment
            run = tr("Run {}", doubt)
            answers = [(run, self._run_all_the_same), (tr("Back to Setup"), self._back_to_setup)]
            self._notices.say("run", tr("That is a lot to run. Is it what you mean?"), answers)
            return
        self._sure_of = None
        if "quick_start" in self._notices.texts():  # a line in its place, so that nothing moves
            self._notices.say("quick_start", tr(BEGUN))
        QSettings().setValue("has_run", True)
        try:
            self._session.add_runs(experiment, family)
        except InputError as error:
            self._notices.say("run", str(error))

    def _run_all_the_same(self) -> None:
        self._sure_of = self._asked  # another one, if it has changed meanwhile, is asked about anew
        self.run()

    def _back_to_setup(self) -> None:
        if self.setup is not None:
            self.setup.show_field(("training", "seeds" if self.setup.count() > 1 else "iterations"))

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

    # --- Edit --------------------------------------------------------------------------------------

    @Slot()
    def rename(self) -> None:
        self._panel.edit_name()

    @Slot()
    def notes(self) -> None:
        self._panel.show_page()
        self._panel.page.write_in(self._panel.page.notes)

    @Slot()
    def tag(self) -> None:
        self._panel.show_page()
        self._panel.page.write_in(self._panel.page.tags)

    @Slot()
    def star(self) -> None:
        self._toggle_tag(STAR, tr("Star"), tr("Take the star from"))

    @Slot()
    def archive(self) -> None:
        self._toggle_tag(ARCHIVED, tr("Archive"), tr("Take out of the archive"))
        self._panel.table.select_here()

    def _toggle_tag(self, tag: str, tagging: str, untagging: str) -> None:
        """Tag the selected runs; where all are, take the tag away."""
        chosen, ids = self._chosen(), self._panel.selected()
        add, remove = ([], [tag]) if all(tag in run.tags for run in chosen) else ([tag], [])
        text = f"{tagging if add else untagging} {plural(len(ids), 'run')}"
        self._session.change_tags(text, ids, add, remove)

    @Slot()
    def colour(self) -> None:
        record = self._session.data.run(self._panel.selected()[0])
        if record is None:
            return
        now = theme.colour(self._session.data.colour(record))
        colour = dialogs.choose_colour(self._window, tr("Colour of the selected runs"), now)
        if colour:
            self._change(tr("Change colour"), colour=colour)

    @Slot()
    def toggle_shown(self) -> None:
        visible = not all(run.visible for run in self._chosen())
        self._change(tr("Show in charts") if visible else tr("Hide in charts"), visible=visible)

    @Slot()
    def show_only(self) -> None:
        """Of the experiments that runs are selected of, show these runs and no others."""
        chosen, data = set(self._panel.selected()), self._session.data
        runs = [run for each in data.experiments() for run in each.runs if chosen & {r.id for r in each.runs}]
        changes = {run.id: {"visible": run.id in chosen} for run in runs if run.visible != (run.id in chosen)}
        self._session.change_runs(tr("Show only these"), changes)

    @Slot()
    def delete(self) -> None:
        chosen = self._panel.selected()
        count = len(chosen)
        text = tr("Delete {} runs", count) if count > 1 else tr("Delete run")
        self._session.change_runs(text, {run: {"deleted": True} for run in chosen})
        self._panel.table.select_here()

    @Slot()
    def select_runs(self) -> None:
        self._panel.table.setFocus()
        if not self._panel.selected():
            self._panel.table.select_here()

    @Slot()
    def find_runs(self) -> None:
        self._layout.go_to("runs")
        self._panel.filter.setFocus()
        self._panel.filter.selectAll()

    @Slot()
    def use_in_setup(self) -> None:
        """Set up once more what the newest of the selected runs is of."""
        self.set_up_again(max(self._panel.selected()))

    @Slot(int)
    def set_up_again(self, run: int) -> None:
        """Set up once more what a run is of; of a sweep's, with the settings that it tried."""
        from workbench import config

        record = self._session.data.run(run)
        if record is None or self.setup is None or self._session.read_only:
            return
        owner, tuned = self._session.data.experiment(record), Tuned.of(record)
        try:
            experiment = config.parse(owner.toml)
            if tuned is not None:
                experiment = experiment.with_values(tuned.values)
            self.setup.load(experiment, tr("Use {} in Setup", record.name if tuned else owner.name))
        except InputError as error:
            self._notices.say("file", tr("{} cannot be set up again: {}", owner.name, error))
            return
        self._layout.go_to("setup")

    @Slot()
    def look_inside(self) -> None:
        self._layout.go_to("inside_view")

    def _chosen(self) -> list[RunRecord]:
        return [run for each in self._panel.selected() if (run := self._session.data.run(each))]

    def _change(self, text: str, **fields: Any) -> None:
        self._session.change_runs(text, {run: dict(fields) for run in self._panel.selected()})
