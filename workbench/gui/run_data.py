"""The project's runs as the window sees them: their records, curves and results, in the GUI thread."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.analysis.arrangement import Arrangement
from workbench.analysis.divergence import ended_well, training_diverged_at
from workbench.analysis.experiments import Experiments, Together
from workbench.analysis.numerals import span
from workbench.project import Damaged, ExperimentRecord, Project, ProjectError, RunRecord
from workbench.project.records import sentences
from workbench.summaries import Summary, TestSummary
from workbench.words import tr

TOLD = ("running", "paused")
ALL = ""
"""In the place of an experiment's key: all of them."""
PLAIN = frozenset({"name", "notes", "tags", "colour", "visible"})
"""Fields of a run that neither the queue nor any other run depends on."""
MOST_POINTS = 8_000_000
"""Of series in memory, 16 bytes each."""
AHEAD_MILLISECONDS, AHEAD_SECONDS = 40, 0.008
"""How often, and how long each time, the history of runs is read ahead."""
ARCHIVED = "archived"
"""The tag of runs that are put out of sight, in charts too."""
TOLD_DAMAGED = 3
Series = tuple[NDArray[np.int64], NDArray[np.float64]]


class Growing:
    """A pair of arrays that points are appended to, cheaply; ``count`` is how many there are."""

    def __init__(self, x: NDArray[np.int64], y: NDArray[np.float64]) -> None:
        self._x, self._y, self.count = x, y, len(x)

    def append(self, x: NDArray[np.int64], y: NDArray[np.float64]) -> None:
        """Add points; whatever was there from the first of them on gives way (the run went back)."""
        kept = int(np.searchsorted(self._x[: self.count], x[0])) if len(x) else self.count
        needed = kept + len(x)
        if needed > len(self._x):
            room = max(needed, 2 * len(self._x), 1024)
            self._x, self._y = _grown(self._x, room), _grown(self._y, room)
        self._x[kept:needed] = x
        self._y[kept:needed] = y
        self.count = needed

    def view(self) -> Series:
        return self._x[: self.count], self._y[: self.count]


def _grown(array: NDArray[Any], room: int) -> NDArray[Any]:
    grown = np.empty(room, array.dtype)
    grown[: len(array)] = array
    return grown


class RunData(QObject):
    """The runs of the open project.

    History is read from the file when it is first asked for, and extended by what a run tells.

    Attributes
    ----------
    opened : another project is open: what was known of the last one, by the number of a run too, is void.
    listed : runs came, went, or their names, colours, visibility or status changed.
    grew : the ids of the runs whose curves, evaluations or results grew; a few times a second at most.
    viewed : another experiment is in view, or other runs pass the filter.
    selection_changed : other runs are selected, in whichever place.
    asked : a view asks for a change of runs: what is to be done, as the Edit menu says it, and new values of
        fields by run.
    complained : something in the file could not be read; a sentence for the person.
    """

    arrangement = Arrangement()
    opened = Signal()
    listed = Signal()
    grew = Signal(object)
    viewed = Signal()
    selection_changed = Signal()
    asked = Signal(str, object)
    complained = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._runs: dict[int, RunRecord] = {}
        self._damaged: list[Damaged] = []
        self._records: dict[int, ExperimentRecord] = {}
        self._experiments = Experiments(self.experiment)
        self._together: list[Together] = []
        self._passing: frozenset[int] | None = None
        self._shown: list[RunRecord] | None = None
        self._newest = 0
        self._series: dict[tuple[int, str], Growing] = {}
        self._names: dict[int, list[str]] = {}
        self._evaluations: dict[int, dict[int, Summary]] = {}
        self._results: dict[int, TestSummary | None] = {}
        self._diverged: dict[int, tuple[tuple[object, ...], int | None]] = {}
        self._unread: list[int] = []
        self._ahead = QTimer(self)
        self._ahead.setInterval(AHEAD_MILLISECONDS)
        self._ahead.timeout.connect(self._read_ahead)
        self.view = ALL
        """The key of the experiment in view."""
        self.selected: tuple[int, ...] = ()
        self.live: set[int] = set()
        """The run on the run thread: what it told of its status is newer than the file."""

    @property
    def read_only(self) -> bool:
        """Whether the project cannot be changed."""
        return self._project is None or self._project.read_only

    @property
    def path(self) -> Path | None:
        """The open project's file."""
        return self._project.path if self._project is not None else None

    def open(self, project: Project | None) -> None:
        """Show another project."""
        self._project = project
        self._records.clear()
        self._runs.clear()
        self._damaged, self._together, self._shown = [], [], None
        self._passing, self.view, self.selected, self.live, self._newest = None, ALL, (), set(), 0
        self.forget()
        self._ahead.stop()
        self.opened.emit()
        self.reread()

    def forget(self, run: int | None = None) -> None:
        """Read a run's history (or every run's) anew: it went back to a checkpoint."""
        if run is None:
            self._series.clear()
            self._names.clear()
            self._evaluations.clear()
            self._results.clear()
            self._diverged.clear()
            return
        self._series = {key: kept for key, kept in self._series.items() if key[0] != run}
        self._names.pop(run, None)
        self._evaluations.pop(run, None)
        self._results.pop(run, None)
        self._diverged.pop(run, None)

    def reread(self) -> None:
        """Read the list of runs again."""
        found = self._read(lambda p: p.listing(), None)
        if found is None:
            if self._project is not None:  # it could not be read: the old list serves
                return
            found = [], []
        known, damaged = found
        records = [self._as_it_is(each) for each in known if not each.deleted]
        self._runs, self._shown = {record.id: record for record in records}, None
        if any(each.experiment_id not in self._records for each in records):
            self._records = {each.id: each for each in self._read(lambda p: p.experiments(), [])}
        self._together = self._experiments.all(records)
        self._experiments.give_colours(each for each in known if each.experiment_id in self._records)
        self.select(run for run in self.selected if run in self._runs)
        told, self._damaged = self._damaged, damaged
        if damaged and damaged != told:
            self.complained.emit("; ".join(sentences(damaged, TOLD_DAMAGED)))
        self._follow_newest()
        self.listed.emit()
        unread = sorted(run for run in self._runs if run not in self._results)
        in_view = {run.id for run in self.in_view()}
        self._unread = sorted(unread, key=in_view.__contains__)
        self._ahead.start()

    def follow(self) -> None:
        """Another process has written: show what it wrote."""
        before = self._runs
        self.reread()
        state = {run.id: (run.iterations, run.status) for run in before.values()}
        moved = {run for run, now in self._runs.items() if state.get(run) != (now.iterations, now.status)}
        for run in moved:
            self.forget(run)
        if moved:
            self.grew.emit(moved)

    def rewritten(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Fields of runs were changed in the file: those that move and remove nothing are taken over."""
        if any(not PLAIN.issuperset(fields) for fields in changes.values()):
            self.reread()
            return
        for run, fields in changes.items():
            self.note(run, **fields)
        self._together = self._experiments.all(self.runs())
        self.listed.emit()

    @Slot()
    def _read_ahead(self) -> None:
        """Read what some runs have come to before anybody asks, those in view first; a little at a time."""
        until = time.monotonic() + AHEAD_SECONDS
        while self._unread and time.monotonic() < until:
            if (run := self._runs.get(self._unread.pop())) is not None:
                self.result(run.id)
                self.diverged_at(run)
        if not self._unread:
            self._ahead.stop()

    def _as_it_is(self, record: RunRecord) -> RunRecord:
        """A run from the file, with the status that it has at present."""
        known = self._runs.get(record.id)
        if record.id in self.live:
            status = known.status if known is not None and known.status in TOLD else record.status
            return replace(record, status=status)
        elsewhere = self._project is not None and self._project.read_only and self._project.writer_alive
        dead = record.status == "running" and not elsewhere
        return replace(record, status="interrupted") if dead else record

    # --- records -----------------------------------------------------------------------------------

    def runs(self) -> list[RunRecord]:
        """Every run, in the order of the queue."""
        return list(self._runs.values())

    def run(self, run: int) -> RunRecord | None:
        """One run; None where it is gone."""
        return self._runs.get(run)

    def shown(self) -> list[RunRecord]:
        """The runs that charts show: of the experiment in view those that are ticked, pass the filter, and
        are not in the archive."""
        if self._shown is None:
            self._shown = [each for each in self.in_view() if each.visible and self.passes(each)]
        return list(self._shown)

    def passes(self, run: RunRecord) -> bool:
        """Whether a run passes the filter, which lets nothing from the archive pass unless asked for it."""
        return ARCHIVED not in run.tags if self._passing is None else run.id in self._passing

    def show(self, runs: Iterable[int], visible: bool = True) -> None:
        """Show runs in charts, or hide them."""
        text = tr("Show in charts") if visible else tr("Hide in charts")
        changed = [run for run in runs if run in self._runs and self._runs[run].visible != visible]
        self.asked.emit(text, {run: {"visible": visible} for run in changed})

    def show_only(self, runs: Iterable[int]) -> None:
        """Show these and none of the others in view."""
        wanted = set(runs)
        changed = [each for each in self.in_view() if each.visible != (each.id in wanted)]
        self.asked.emit(tr("Show only this"), {run.id: {"visible": run.id in wanted} for run in changed})

    def filter(self, runs: Iterable[int] | None) -> None:
        """Let these runs pass only; None: all but the archive."""
        passing = None if runs is None else frozenset(runs)
        if passing != self._passing:
            self._passing, self._shown = passing, None
            self.viewed.emit()

    def experiment(self, run: RunRecord) -> ExperimentRecord:
        """The experiment's record that a run belongs to."""
        return self._records[run.experiment_id]

    def experiments(self) -> list[Together]:
        """The experiments, as a person sees them, in the order in which they were begun."""
        return list(self._together)

    def in_view(self) -> list[RunRecord]:
        """Every run of the experiment in view, in the order of the queue."""
        runs = self.runs()
        return (
            runs if self.view == ALL else [each for each in runs if self._experiments.key(each) == self.view]
        )

    def look_at(self, view: str) -> None:
        """Put an experiment in view by its key, or ``ALL``."""
        if view != self.view and view in (ALL, *(each.key for each in self._together)):
            self.view, self._shown = view, None
            self.viewed.emit()

    def arrange(self, arrangement: Arrangement) -> None:
        """Let algorithms have this order and these names in all charts and tables."""
        if arrangement != self.arrangement:
            self.arrangement = arrangement
            self.viewed.emit()

    def _follow_newest(self) -> None:
        """Look at the experiment that the newest run is of, where it is new or what was in view is gone;
        whoever looks at all experiments goes on to do so."""
        newest, known = max(self._runs, default=0), self._newest
        self._newest = max(newest, known)
        gone = self.view not in {each.key for each in self._together} and (self.view != ALL or not known)
        if newest and (gone or (newest > known and self.view != ALL)):
            self.look_at(self._experiments.key(self._runs[newest]))

    def colour(self, run: RunRecord) -> str:
        """The colour that the person chose, or the role of the run's algorithm."""
        return self._experiments.colour(run)

    @property
    def highlighted(self) -> int | None:
        """The first of the selected runs."""
        return next(iter(self.selected), None)

    def select(self, runs: Iterable[int]) -> None:
        """Select runs, everywhere."""
        selected = tuple(runs)
        if selected != self.selected:
            self.selected = selected
            self.selection_changed.emit()

    # --- what they produced ------------------------------------------------------------------------

    def series(self, run: int, name: str) -> Series:
        """Every point of a series so far, as (meta-iterations, values); not to be changed."""
        key = (run, name)
        known = self._series.pop(key, None)
        if known is None:
            empty = np.empty(0, np.int64), np.empty(0)
            known = Growing(*self._read(lambda p: p.series(run, name), empty))
            self._make_room(MOST_POINTS - known.count)
        self._series[key] = known  # the last to give way
        return known.view()

    def _make_room(self, points: int) -> None:
        """Forget what was not asked for for the longest time, until there are no more than so many points of
        series; it can be read again, but for what the running run has not written yet."""
        kept = sum(each.count for each in self._series.values())
        for key in [each for each in self._series if each[0] not in self.live]:
            if kept <= points:
                return
            kept -= self._series.pop(key).count

    def series_names(self, run: int) -> list[str]:
        """The series that a run has so far."""
        if run not in self._names:
            self._names[run] = self._read(lambda p: p.series_names(run), [])
        told = (name for (other, name), each in self._series.items() if other == run and len(each.view()[0]))
        return list(dict.fromkeys([*self._names[run], *told]))

    def evaluations(self, run: int) -> list[tuple[int, Summary]]:
        """The validations of a run, as (meta-iteration, summary), in order."""
        return sorted(self._kept_evaluations(run).items())

    def diverged_at(self, run: RunRecord) -> int | None:
        """The meta-iteration at which a run's training diverged; None where it did not."""
        if run.status == "queued" and not run.iterations:
            return None
        told = self._evaluations.get(run.id)
        newest = None if told is None else (len(told), max(told, default=-1))
        state = run.status, run.failure, run.iterations, newest
        known = self._diverged.get(run.id)
        if known is None or known[0] != state:
            well = told is None and ended_well(run, self._ends(run.id))
            known = self._diverged[run.id] = state, None if well else training_diverged_at(self, run)
        return known[1]

    def _ends(self, run: int) -> list[tuple[int, Summary]]:
        """The first validation and the last, which say of most runs that they did not diverge."""
        found: list[tuple[int, Summary]] = self._read(
            lambda p: p.evaluations(run, "validation", ends=True), []
        )
        return found

    def divergence(self, runs: Sequence[RunRecord]) -> str:
        """How many of an algorithm's runs diverged, and when, in words; empty where none did."""
        found = [at for each in runs if (at := self.diverged_at(each)) is not None]
        if not found:
            return ""
        when = tr("diverged at {}", span(min(found), max(found)))
        return when if len(runs) == 1 else tr("{} of {} {}", len(found), len(runs), when)

    def _kept_evaluations(self, run: int) -> dict[int, Summary]:
        if run not in self._evaluations:
            self._evaluations[run] = dict(self._read(lambda p: p.evaluations(run, "validation"), []))
        return self._evaluations[run]

    def result(self, run: int) -> TestSummary | None:
        """What a run reached on the meta-test episodes; None before its end."""
        if run not in self._results:
            found = self._read(lambda p: p.result(run, "test", arrays=False), None)
            self._results[run] = found.summary if found else None
        return self._results[run]

    def _read(self, what: Any, otherwise: Any) -> Any:
        if self._project is None or self._project.closed:
            return otherwise
        try:
            return what(self._project)
        except ProjectError as error:  # damaged in one place: show the rest
            self.complained.emit(str(error))
            return otherwise

    # --- what a run tells (see live.py) ------------------------------------------------------------

    def extend(
        self,
        run: int,
        first: int,
        values: dict[str, NDArray[np.float64]],
        evaluations: Iterable[tuple[int, Summary]],
        result: TestSummary | None,
    ) -> None:
        """Add what a run told; ``first`` meta-iterations were done before these values."""
        for name, y in values.items():
            self.series(run, name)  # from the file what was there before; it lags behind what is told
            self._series[run, name].append(np.arange(first + 1, first + 1 + len(y)), y)
        kept = self._kept_evaluations(run)
        if values:  # the run may have gone back
            for iteration in [each for each in kept if each > first]:
                del kept[iteration]
        kept.update(evaluations)
        if result is not None:
            self._results[run] = result

    def note(self, run: int, **changes: Any) -> None:
        """Change a run's record as shown (its progress, its status) ahead of the file."""
        record = self._runs.get(run)
        if record is not None:
            self._runs[run], self._shown = replace(record, **changes), None
