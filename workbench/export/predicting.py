"""Computes what a run predicts by its newest checkpoint, on tasks of its own or on a new case.

A window does so on its background thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.analysis import membership
from workbench.analysis.membership import Audit
from workbench.analysis.numerals import count
from workbench.engine.predicted import Predictions, Request
from workbench.errors import InputError
from workbench.export import kept_figures
from workbench.export.using import Used
from workbench.pictures import Figure
from workbench.project import Project, ProjectError, RunRecord

if TYPE_CHECKING:  # they import torch, which is not awaited here
    from workbench.config import Experiment
    from workbench.engine.inside import Asked
    from workbench.runs import Learned
    from workbench.tasks.base import TaskFamily


MOST_AUDITED = 2000
"""Training tasks that are audited, unless more are asked for."""


class Asks(NamedTuple):
    """What a run's family asks for as a new case (see :class:`~workbench.tasks.cases.CaseFiles`)."""

    support: str
    query: str
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    needs_query: bool


class NothingLearnedError(ProjectError):
    """The run has no checkpoint yet."""


class NoFixedTasksError(InputError):
    """The run was not trained on a fixed number of tasks."""


class Predictor:
    """Keeps the task family of the last run, since reading images takes longer than predicting them.

    Only one thread may use it.
    """

    def __init__(self) -> None:
        self._family: tuple[tuple[str, str, int], TaskFamily] | None = None

    def predict(
        self, path: Path, run_id: int, request: Request, progress: Callable[[float, str], None]
    ) -> tuple[int, Predictions]:
        """The meta-iterations of the checkpoint, and what was learned until then predicts.

        Raises
        ------
        NothingLearnedError
            If there is no checkpoint yet.
        InputError
            If the data, the project or the experiment cannot serve; the message says why.
        """
        from workbench.engine import predictions

        learned, experiment, family, _ = self._learned(path, run_id, progress)
        found = predictions.requested(learned.algorithm, learned.meta, experiment, family, request)
        return learned.iteration, found

    def asks(self, path: Path, run_id: int, progress: Callable[[float, str], None]) -> Asks:
        """What a run asks for as a new case; it is ready to be used then.

        Raises
        ------
        NothingLearnedError, InputError
            If it cannot be put to use; the message says why.
        """
        *_, family, _ = self._learned(path, run_id, progress)
        files = family.case_files()
        return Asks(files.support, files.query, files.columns, files.needs_query)

    def example(
        self, path: Path, run_id: int, folder: Path, progress: Callable[[float, str], None]
    ) -> tuple[Path, ...]:
        """Write a run's first meta-test task into a new folder; the support set there, and the queries."""
        from workbench.export import episodes

        with Project.open(path, read_only=True) as project:
            record = project.run(run_id)
            return episodes.write(
                project, record, 0, folder, lambda each: self._opened(each, record, progress)
            )

    def use(
        self,
        path: Path,
        run_id: int,
        support: Path,
        query: Path | None,
        progress: Callable[[float, str], None],
    ) -> Used:
        """What a run's learner makes of a new case. The project is only read.

        Parameters
        ----------
        support, query : the files of the case, as the run's family reads them; no query where all there is
            to ask about is the support set, or need not be said.

        Raises
        ------
        NothingLearnedError
            If there is no checkpoint yet.
        InputError
            If a file, the data, the project or the experiment cannot serve; the message says why.
        """
        from workbench.engine import predictions

        learned, experiment, family, record = self._learned(path, run_id, progress)
        files = family.case_files()
        case = files.read(support, query, progress)
        found = predictions.use(learned.algorithm, learned.meta, experiment, family, case, progress)
        examples, queries = case.sizes
        queries = queries if files.query else 0
        return Used(record, learned.iteration, examples, queries, found, case.notes)

    def look_inside(
        self, path: Path, run_id: int, what: str, asked: Asked, progress: Callable[[float, str], None]
    ) -> Figure:
        """A view inside a run (see :data:`workbench.engine.inside.VIEWS`); computed once for a checkpoint.

        Raises
        ------
        NothingLearnedError
            If there is no checkpoint yet.
        InputError
            If the run has not what the view needs, or cannot be read; the message says what.
        """

        def drawn() -> Figure:
            from workbench.engine.inside import VIEWS, Inside

            view = VIEWS[what]
            learned, experiment, family, record = self._learned(path, run_id, progress)
            inside = Inside.of(
                learned.algorithm, learned.meta, experiment, family, asked, view.tasks, progress
            )
            return view.figure(inside, f"{record.name}, after {count(learned.iteration)} meta-iterations")

        return _kept(path, run_id, (what, *asked), progress, drawn)

    def look_at_training(
        self, path: Path, run_id: int, tasks: int | None, progress: Callable[[float, str], None]
    ) -> Figure:
        """An audit of a run as a figure, computed once for a checkpoint; see :meth:`audit`."""

        def drawn() -> Figure:
            audit = self.audit(path, run_id, tasks, progress)
            figure = membership.figure([audit])
            panels = (
                replace(each, title=each.title.removeprefix(f"{audit.run.name}: ")) for each in figure.panels
            )
            return replace(figure, panels=tuple(panels))

        return _kept(path, run_id, ("audit", tasks), progress, drawn)

    def audit(
        self,
        path: Path,
        run_id: int,
        tasks: int | None,
        progress: Callable[[float, str], None],
        shadows: Sequence[int] = (),
    ) -> Audit:
        """What can be told of a run's training tasks. The project is only read.

        Parameters
        ----------
        tasks : how many of them are looked at, at most; None: :data:`MOST_AUDITED`.
        shadows : runs on other training tasks of the same data, with which the run is compared.

        Raises
        ------
        NothingLearnedError
            If there is no checkpoint yet.
        InputError
            If the run has no fixed training tasks, or cannot be read; the message says what.
        """
        from workbench import runs
        from workbench.engine.membership import membership as losses

        with Project.open(path, read_only=True) as project:
            records = [project.run(each) for each in (run_id, *shadows)]
            experiments = [runs.of_record(project, each).experiment for each in records]
        record, privacy = records[0], experiments[0].training.privacy
        if not record.iterations_planned:
            raise NoFixedTasksError(f"{record.name} is not trained: there are no training tasks to tell")
        if privacy is None:
            raise NoFixedTasksError(
                f"{record.name} was not trained on fixed tasks, which an audit could try to tell; Training → "
                "Private tasks ([training.privacy] with tasks = N) fixes them, and noise = 0 with clip = "
                '"none" protects none'
            )
        for each, of in zip(records[1:], experiments[1:], strict=True):
            alike = each.algorithm, each.data_hash, of.task
            if each.seed == record.seed or alike != (record.algorithm, record.data_hash, experiments[0].task):
                raise InputError(
                    f"run {each.id} ({each.name}) is no shadow of {record.name}: it must be of the same "
                    "algorithm and task, and of another seed, so that its training tasks are others"
                )
        learned, experiment, family, record = self._learned(path, run_id, progress)
        learners = [learned, *(self._learned(path, each, progress)[0] for each in shadows)]
        found = losses(
            [(each.algorithm, each.meta) for each in learners],
            experiment,
            family,
            record.seed,
            min(tasks or MOST_AUDITED, privacy.tasks),
            progress,
        )
        return Audit(record, learned.iteration, privacy.tasks, found)

    def _learned(
        self, path: Path, run_id: int, progress: Callable[[float, str], None]
    ) -> tuple[Learned, Experiment, TaskFamily, RunRecord]:
        """What a run has learned, its experiment and its data.

        What is computed of it stays in this thread: torch's own, of which each waits for the others at every
        small operation, are many times slower beside other work.
        """
        import torch

        from workbench import runs
        from workbench.engine.devices import set_up

        set_up(torch.device("cpu"), threads=1, tf32=False)
        with Project.open(path, read_only=True) as project:
            record = project.run(run_id)
            experiment = runs.of_record(project, record).experiment
            if not project.checkpoint_iterations(run_id):
                raise NothingLearnedError(f"{record.name} has no checkpoint yet")
            family = self._opened(experiment, record, progress)
            return runs.learned(project, run_id, family), experiment, family, record

    def _opened(
        self, experiment: Experiment, record: RunRecord, progress: Callable[[float, str], None]
    ) -> TaskFamily:
        from workbench import runs

        reading = runs.reading_of(record)
        key = experiment.task.model_dump_json(), record.data_hash, reading  # files may have changed since
        if self._family is None or self._family[0] != key:
            self._family = None  # before the next one needs the memory
            self._family = key, runs.open_family(experiment, progress, reading, domains=False)
        return self._family[1]


def _kept(
    path: Path,
    run_id: int,
    what: tuple[object, ...],
    progress: Callable[[float, str], None],
    drawn: Callable[[], Figure],
) -> Figure:
    """The figure that was kept of a run's checkpoint, or that is drawn now."""
    progress(0.0, "Opening the run")
    with Project.open(path, read_only=True) as project:
        record, digests = project.run(run_id), project.checkpoint_digests(run_id)
    key = (record.name, record.config_hash, record.data_hash, *digests, *what)
    known = kept_figures.find(key) if digests else None
    if known is None:
        known = drawn()
        kept_figures.keep(key, known)
    return known
