"""What the window works on: the open project, its runs and their queue, and what can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEventLoop, QObject, QSettings, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from workbench.gui import untitled
from workbench.gui.run_data import RunData
from workbench.gui.run_queue import RunQueue
from workbench.project import Project, ProjectError, RunRecord
from workbench.project.project import absolute
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.config import Experiment
    from workbench.tasks.base import TaskFamily

RECENT = 10
FOLLOW_MILLISECONDS = 1000
"""Between two looks at a project that another process writes."""


class Session(QObject):
    """The open project.

    There is always one: an untitled one where none was opened. Everything is in its file from the moment
    it happens, so there is nothing to save.

    Attributes
    ----------
    opened : another project is open.
    leaving : the project is about to be closed or copied: whoever has something for it writes it now.
    complained : something could not be done; a sentence for the person.
    """

    opened = Signal()
    leaving = Signal()
    complained = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.data = RunData(self)
        self.queue = RunQueue(self.data, self)
        self.undo = QUndoStack(self)
        self.project: Project | None = None
        self._closed = False
        self._seen = 0
        self._following = QTimer(self)
        self._following.setInterval(FOLLOW_MILLISECONDS)
        self._following.timeout.connect(self._follow)
        self.data.complained.connect(self.complained)
        self.data.asked.connect(self.change_runs)
        self.queue.complained.connect(self.complained)

    # --- the file ----------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The open project's file."""
        assert self.project is not None
        return self.project.path

    @property
    def read_only(self) -> bool:
        """Whether the project cannot be changed."""
        return self.project is None or self.project.read_only

    @property
    def is_untitled(self) -> bool:
        """Whether the project has no name of its own yet."""
        return self.project is not None and untitled.is_untitled(self.path)

    @property
    def name(self) -> str:
        """What the window is called after; empty while no project is open."""
        if self.project is None:
            return ""
        return tr("Untitled") if self.is_untitled else self.path.stem

    def new(self) -> None:
        """Begin an untitled project.

        Raises
        ------
        ProjectError
            If there is no room for it; the open one stays.
        """
        self._take(untitled.create())

    def open(self, path: Path) -> None:
        """Open a project in place of the present one.

        Raises
        ------
        ProjectError
            If it cannot be opened; the present one stays.
        """
        if self.project is not None and absolute(path) == self.path:
            return
        self._take(Project.open(path))
        self._remember(self.path)

    def save_as(self, path: Path) -> None:
        """Go on in a copy under another name; a run that is running goes on there.

        Raises
        ------
        ProjectError
            If the copy cannot be made; all stays as it was.
        """
        assert self.project is not None
        running = list(self.queue.going)
        going_on = bool(running) and not self.queue.pausing
        self.halt()
        if self._closed:
            return
        self.leaving.emit()
        try:
            self.project.save_copy(path)
            old, was_untitled = self.path, self.is_untitled
            self._take(Project.open(path), keep_undo=True)
            if was_untitled:
                untitled.remove(old)
            self._remember(self.path)
        finally:
            if going_on:
                self.queue.resume(running)

    def save_copy(self, path: Path) -> None:
        """Write a copy as of now, also while a run is running; the present project stays open.

        Raises
        ------
        ProjectError
            If it cannot be made.
        """
        assert self.project is not None
        self.leaving.emit()
        self.project.save_copy(path)

    def halt(self) -> None:
        """Stop what is running, with its checkpoint, and return once it has stopped."""
        self.queue.stop()
        if self.queue.running is not None:
            loop = QEventLoop()
            self.queue.changed.connect(loop.quit)
            while self.queue.running is not None:
                loop.exec()
                self.queue.stop()  # somebody may have pressed Run meanwhile

    def close(self) -> None:
        """Stop, write everything, and close the file; an untitled project without runs goes."""
        self._closed = True
        running = list(self.queue.going)
        try:
            self.queue.close()
            self._note_interrupted(running)
            self.leaving.emit()
        finally:
            self._let_go()

    def _note_interrupted(self, runs: Iterable[int]) -> None:
        """Runs that were stopped only since the project is closed are offered when it is opened again."""
        for record in filter(None, map(self.data.run, runs)):
            if record.status == "stopped" and not record.failure:
                self.write({record.id: {"status": "interrupted"}})

    def _take(self, project: Project, *, keep_undo: bool = False) -> None:
        running = list(self.queue.going)
        self.halt()
        if self._closed:
            project.close()
            return
        self._note_interrupted(running)
        if self.project is not None:
            self.leaving.emit()
        self._let_go()
        self.project = project
        if not keep_undo:
            self.undo.clear()
        self.queue.open(project)
        self.data.open(project)
        self.opened.emit()
        if project.read_only and project.writer_alive:
            self._following.start()

    @Slot()
    def _follow(self) -> None:
        """Show what the process has written that the project is open for writing in."""
        if self.project is None:
            return
        try:
            version = self.project.version_of_data()
        except ProjectError as error:
            self._following.stop()
            self.complained.emit(str(error))
            return
        if version != self._seen:
            self._seen = version
            self.data.follow()

    def _let_go(self) -> None:
        project, self.project = self.project, None
        self._following.stop()
        if project is None:
            return
        path = project.path
        self.data.open(None)
        empty = untitled.is_untitled(path) and not project.runs() and not project.runs(deleted=True)
        self.queue.open(None)
        project.close()
        if empty:
            untitled.remove(path)

    # --- recent projects ---------------------------------------------------------------------------

    def recent(self) -> list[Path]:
        """The projects opened of late that are still there, newest first."""
        kept = QSettings().value("recent", [])
        names = [kept] if isinstance(kept, str) else list(kept or [])  # type: ignore[call-overload]
        return [Path(name) for name in names if Path(name).is_file()]

    def _remember(self, path: Path) -> None:
        if untitled.is_untitled(path):
            return
        others = [each for each in self.recent() if each != path]
        QSettings().setValue("recent", [str(each) for each in [path, *others][:RECENT]])

    # --- its runs ----------------------------------------------------------------------------------

    def add_runs(self, experiment: Experiment, family: TaskFamily) -> list[int]:
        """Queue an experiment's runs, and begin, unless the queue was stopped before others that wait.

        Raises
        ------
        InputError
            If the experiment could not run, or the project cannot be written to.
        """
        from workbench import runs

        assert self.project is not None
        runs.check(experiment, family)
        if experiment.sweep is not None:
            runs.check_sweep(experiment, family)
        begins = not self.queue.queued() or (self.queue.running is not None and not self.queue.stopping)
        if experiment.sweep is not None:
            _, added = runs.Sweeping.started(self.project, experiment, family)
        else:
            added = runs.add(self.project, experiment, family)
        self.data.reread()
        if begins:
            self.queue.go()
        return added

    def duplicate(self, chosen: list[int]) -> None:
        """Queue the same runs once more."""
        assert self.project is not None
        copied = (
            "algorithm", "label", "task", "seed", "iterations_planned", "config_hash", "data_hash", "colour",
        )  # fmt: skip
        try:
            with self.project.transaction():
                for run in chosen:
                    record = self.project.run(run)
                    fields: dict[str, Any] = {name: getattr(record, name) for name in copied}
                    self.project.add_run(record.experiment_id, name=f"{record.name} again", **fields)
        except ProjectError as error:
            self.complained.emit(str(error))
        self.data.reread()

    def change_runs(self, text: str, changes: Mapping[int, Mapping[str, Any]], typing: int = 0) -> None:
        """Change fields of runs; can be undone.

        Parameters
        ----------
        text : what was done, as the Edit menu says it.
        changes : new values of a run's fields, by run.
        typing : changes with the same number (not 0) are one.
        """
        if changes and not self.read_only:
            self.undo.push(_ChangeRuns(self, text, changes, typing))

    def change_tags(self, text: str, runs: Iterable[int], add: Sequence[str], remove: Sequence[str]) -> None:
        """Tag runs, and take tags away; can be undone."""
        changes = {}
        for run in filter(None, map(self.data.run, runs)):
            kept = [tag for tag in run.tags if tag not in remove]
            tags = tuple(dict.fromkeys((*kept, *add)))
            if tags != run.tags:
                changes[run.id] = {"tags": tags}
        self.change_runs(text, changes)

    def write(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Change fields of runs in the file, for an undo command."""
        if self.project is None:
            return
        if any(fields.get("deleted") for fields in changes.values()) and self.queue.going.keys() & changes:
            self.halt()
        try:
            with self.project.transaction():
                for run, fields in changes.items():
                    if "status" not in fields or self.project.run(run).status in ("queued", "stopped"):
                        self.project.update_run(run, **fields)  # what has gone on since stays as it is
        except ProjectError as error:
            self.complained.emit(str(error))
            self.data.reread()
        else:
            self.data.rewritten(changes)

    def move(self, run: int, by: int) -> None:
        """Move a queued run up (−1) or down (+1) among the queued ones."""
        waiting = self.queue.queued()
        place = next((index for index, each in enumerate(waiting) if each.id == run), None)
        if place is None or not 0 <= place + by < len(waiting):
            return
        one, other = waiting[place], waiting[place + by]
        text = tr("Move {}", one.name)
        changes = {one.id: {"position": other.position}, other.id: {"position": one.position}}
        self.change_runs(text, changes)

    def can_go_on(self) -> list[RunRecord]:
        """Runs that Stop, or a dead or closed window, left unfinished or not yet begun."""
        unfinished, stopped = ("interrupted", "paused", "queued"), self.queue.sitting.stopped
        return [
            run
            for run in self.data.runs()
            if (run.status in unfinished or run.id in stopped) and run.id not in self.queue.going
        ]

    def take_out(self, chosen: list[int]) -> None:
        """Take queued runs out of the queue: what has not begun is put aside, the rest is stopped."""
        records = [run for each in chosen if (run := self.data.run(each))]
        name = records[0].name if len(records) == 1 else tr("{} runs", len(records))
        changes = {run.id: {"status": "stopped"} if run.iterations else {"deleted": True} for run in records}
        self.change_runs(tr("Take {} out of the queue", name), changes)

    @Slot()
    def reread(self) -> None:
        """Read the list of runs again."""
        self.data.reread()


class _ChangeRuns(QUndoCommand):
    def __init__(
        self, session: Session, text: str, changes: Mapping[int, Mapping[str, Any]], typing: int
    ) -> None:
        super().__init__(text)
        self._session, self._new, self._typing = session, changes, typing
        assert session.project is not None
        records = {run: session.project.run(run) for run in changes}
        self._old = {
            run: {name: getattr(records[run], name) for name in fields} for run, fields in changes.items()
        }

    def id(self) -> int:
        return 2

    def redo(self) -> None:
        self._session.write(self._new)

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _ChangeRuns) or not self._typing or other._typing != self._typing:
            return False
        self._new = other._new
        self.setObsolete(self._new == self._old)
        return True

    def undo(self) -> None:
        self._session.write(self._old)
