"""Runs and benchmarks without a window: progress on stderr, results in a project and as JSON."""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench import getting, importing, runs, terminal
from workbench.analysis import membership
from workbench.analysis.arrangement import Arrangement
from workbench.analysis.equal import TITLES, By, equal
from workbench.analysis.results import run_entries, told
from workbench.analysis.tables import Table, as_json
from workbench.config import Experiment
from workbench.data import registry
from workbench.data.cached import prepared_at
from workbench.data.published.listing import Entry
from workbench.data.reading import Reading
from workbench.engine.events import Evaluated, Failed, Finished, MetaSteps, Trained
from workbench.engine.inside import Asked
from workbench.engine.throughput import steps_per_second
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.measures import known
from workbench.project import Project, ProjectError, RunRecord, Status, StorageError, Tuned
from workbench.project.records import sentences
from workbench.project.temporaries import private_folder
from workbench.runs import CAN_GO_ON, Control, More, Notice, Told, Waiting, WentOn
from workbench.summaries import CostEntry
from workbench.tasks.base import TaskFamily
from workbench.terminal import say, say_json
from workbench.words import visible

PROGRESS_SECONDS = 0.5
CLEAR = "\r\x1b[K"
"""Takes a terminal back to the start of its line, and empties it."""
STOPPED = 130


class Progress:
    """One line on stderr that is rewritten on a terminal; elsewhere only what is worth a line."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._live = quiet, terminal.is_terminal()
        self._last = 0.0
        self._open = False

    def line(self, text: str, *, urgent: bool = False) -> None:
        """Something to keep on the screen; what is urgent is said to those as well who asked for quiet."""
        if not self._quiet or urgent:
            self.done()
            terminal.tell(text)

    def passing(self, text: str) -> None:
        """Something that the next line may replace."""
        if self._quiet or not self._live or time.monotonic() - self._last < PROGRESS_SECONDS:
            return
        self._last, self._open = time.monotonic(), True
        terminal.mutter(f"{CLEAR}{visible(text)}")

    def done(self) -> None:
        """Take back what :meth:`passing` has left."""
        if self._open:
            terminal.mutter(CLEAR)
            self._open = False

    def preparing(self, done: float, what: str) -> None:
        """What a task family tells while it reads or renders."""
        self.passing(f"{what} {done:.0%}")


def run(
    source: str,
    overrides: tuple[str, ...],
    project: Path | None,
    output: Path | None,
    quiet: bool,
    by: By | None = None,
    jobs: int = 1,
    cluster: str = "",
    *,
    together: bool = False,
) -> int:
    """Do every run of an experiment, in a project that is kept where one is named; with equal budgets, where
    it is said by what."""
    progress = Progress(quiet)
    experiment, family = _prepared(source, overrides, project, output, progress)
    if experiment.sweep is not None:
        raise runs.SweepError(f"{source} has a [sweep]: 'workbench sweep' does it; or leave it out")
    experiment = _equal(experiment, family, by, progress)
    with (
        runs.elsewhere(jobs, cluster) as executor,
        private_folder() as folder,
        _to_be_written(project or folder / "unsaved.mlwb") as opened,
    ):
        wanted = runs.add(opened, experiment, family)
        alone = len(wanted) == 1
        return _perform(
            opened, wanted, progress, output, family, alone=alone, executor=executor, together=together
        )


def sweep(
    source: str,
    overrides: tuple[str, ...],
    project: Path,
    output: Path | None,
    quiet: bool,
    jobs: int,
    cluster: str = "",
) -> int:
    """Try settings, choose by validation, and test what was chosen."""
    progress = Progress(quiet)
    experiment, family = _prepared(source, overrides, project, output, progress)
    runs.check_sweep(experiment, family)
    with runs.elsewhere(jobs, cluster) as executor, _to_be_written(project) as opened:
        sweeping, wanted = runs.Sweeping.started(opened, experiment, family)
        code = _perform(
            opened, wanted, progress, output, family, alone=False, executor=executor, sweeps=[sweeping]
        )
        _tell_choice([sweeping], code, progress)
        return code


def _tell_choice(sweeps: Sequence[runs.Sweeping], code: int, progress: Progress) -> None:
    """What sweeps have come to, unless they were stopped."""
    for line in () if code == STOPPED else [line for each in sweeps for line in each.words()]:
        progress.line(line)


def _prepared(
    source: str, overrides: tuple[str, ...], project: Path | None, output: Path | None, progress: Progress
) -> tuple[Experiment, TaskFamily]:
    """An experiment that can be done, and its tasks, with what there is to know of them said."""
    experiment = runs.load_experiment(source, overrides)
    for option, path in (("--json", output), ("--project", project)):
        if path is not None and not path.absolute().parent.is_dir():
            raise InputError(f"{option}: {path}: there is no folder {path.parent}")
    family = runs.open_family(experiment, progress.preparing)
    runs.check(experiment, family)
    for note in (*family.notes, *runs.cautions(experiment)):
        progress.line(f"note: {note}")
    for each in family.domains:
        progress.line(f"domain {each.name}: {each.words}")
        for note in each.family.notes:
            progress.line(f"note: {each.name}: {note}")
    return experiment, family


@contextmanager
def _to_be_written(path: Path) -> Iterator[Project]:
    """A project, made if it is not there."""
    with Project.open(path) if path.exists() else Project.create(path) as opened:
        _must_be_writable(opened)
        yield opened


def _equal(experiment: Experiment, family: TaskFamily, by: By | None, progress: Progress) -> Experiment:
    """The experiment with equal budgets, where it is said by what."""
    if by is None:
        return experiment
    measured = runs.costs(experiment, family, progress.preparing)
    progress.done()
    shared = equal(experiment, measured, by)
    lengths = ", ".join(
        f"{cost['label']} {each.schedule(shared.training).iterations:,}"
        for cost, each in zip(measured, shared.algorithm, strict=True)
        if cost["iterations"]
    )
    progress.line(f"note: equal {TITLES[by]}: {lengths} meta-iterations")
    return shared


def dry_run(source: str, overrides: tuple[str, ...], quiet: bool, by: By | None = None) -> list[CostEntry]:
    """What the runs of an experiment would take, from a few steps of each algorithm; nothing is kept."""
    progress = Progress(quiet)
    experiment = runs.load_experiment(source, overrides)
    family = runs.open_family(experiment, progress.preparing)
    runs.check(experiment, family)
    experiment = _equal(experiment, family, by, progress)
    found = runs.costs(experiment, family, progress.preparing)
    progress.done()
    return found


def resume(
    path: Path,
    run_id: int | None,
    output: Path | None,
    quiet: bool,
    jobs: int = 1,
    cluster: str = "",
    *,
    together: bool = False,
) -> int:
    """Go on with what was queued, stopped or killed."""
    progress = Progress(quiet)
    with runs.elsewhere(jobs, cluster) as executor, Project.open(path) as project:
        _must_be_writable(project)
        if run_id is not None:
            record = project.run(run_id)
            if record.status == "finished":
                raise ProjectError(f"{path}: run {run_id} is finished; there is nothing left to do")
            return _perform(project, [run_id], progress, output, None, alone=True, executor=executor)
        sweeps = runs.Sweeping.all_of(project)
        for sweeping in sweeps:
            sweeping.due()
        wanted = [each.id for each in project.runs() if each.status in CAN_GO_ON]
        damaged = project.damaged()
        for each in sentences(damaged):
            progress.line(each, urgent=True)
        if not wanted:
            progress.line(f"{path}: every run is over; nothing to resume")
        alone = len(wanted) == 1 and not damaged
        code = _perform(
            project,
            wanted,
            progress,
            output,
            None,
            alone=alone,
            executor=executor,
            sweeps=sweeps,
            together=together and not sweeps,
        )
        _tell_choice(sweeps, code, progress)
        return code or int(bool(damaged))


def _must_be_writable(project: Project) -> None:
    if project.read_only:
        raise ProjectError(f"{project.path}: cannot be written to: {project.read_only_reason}")


def _perform(
    project: Project,
    wanted: Sequence[int],
    progress: Progress,
    output: Path | None,
    family: TaskFamily | None,
    *,
    alone: bool,
    executor: runs.Executor | None = None,
    sweeps: Sequence[runs.Sweeping] = (),
    together: bool = False,
) -> int:
    """0; 1 if a run failed or could not go on (unless it stands ``alone``); 130 if the user stopped it.

    Parameters
    ----------
    executor : where several runs are done at once; None: one after the other, in this thread.
    sweeps : of which more runs are due when some are over.
    together : whether seeds of one algorithm are computed together.
    """
    wanted = list(wanted)

    def more() -> list[int]:
        new = [run for each in sweeps for run in each.due()]
        wanted.extend(new)
        return new

    if executor is not None:
        return _elsewhere(project, wanted, more, progress, output, executor)
    if together:
        return _together(project, wanted, progress, output)
    families = {} if family is None else {_task_of(project, wanted[0]): family}
    failed = False
    with _stopped_by_signals() as control:
        for run_id in wanted:  # which grows
            if control.stopping:
                break
            try:
                failed |= _perform_one(project, run_id, families, control, progress) == "failed" and (
                    not _is_trial(project, run_id)
                )
            except StorageError:
                raise
            except InputError as error:  # its data is gone, say: no reason for the others to wait
                if alone:
                    raise
                failed = True
                progress.line(f"run {run_id} cannot go on: {error}", urgent=True)
            more()
            if output is not None and output != terminal.STANDARD_OUTPUT:
                try:
                    _deliver(project, wanted, output)
                except OSError as error:  # it is written again after the next run
                    progress.line(f"--json: {error}", urgent=True)
        if output is not None:
            _deliver(project, wanted, output)
        if control.stopping:
            progress.line(f"stopped; 'workbench resume {project.path}' goes on")
            return STOPPED
    return 1 if failed else 0


def _together(project: Project, wanted: Sequence[int], progress: Progress, output: Path | None) -> int:
    """The same, with the seeds of an algorithm together."""
    names = {run: project.run(run).name for run in wanted}
    refused: list[int] = []

    def tell(run: int) -> Callable[[Trainer, Notice], None]:
        return lambda trainer, notice: _report(progress, names[run], trainer, notice)

    def refuse(run: int, error: InputError) -> None:
        refused.append(run)
        progress.line(f"run {run} cannot go on: {error}", urgent=True)

    with _stopped_by_signals() as control:
        ended = runs.together(project, wanted, control, tell, refuse, progress.preparing)
        if output is not None:
            _deliver(project, wanted, output)
        if control.stopping:
            progress.line(f"stopped; 'workbench resume {project.path}' goes on")
            return STOPPED
    return 1 if refused or "failed" in ended.values() else 0


def _is_trial(project: Project, run_id: int) -> bool:
    """Whether it is a trial of a sweep, which may fail: that is one more thing that is found out."""
    tuned = Tuned.of(project.run(run_id))
    return tuned is not None and not tuned.tests


def _elsewhere(
    project: Project,
    wanted: Sequence[int],
    more: More,
    progress: Progress,
    output: Path | None,
    executor: runs.Executor,
) -> int:
    """The same, with several runs at once."""
    refused: list[int] = []

    def tell(record: RunRecord, told: Told) -> None:
        if told.notice is not None:
            _report(progress, record.name, told, told.notice)
        elif told.preparing:
            progress.passing(f"{record.name}: {told.preparing}")

    def refuse(record: RunRecord, reason: str) -> None:
        refused.append(record.id)
        progress.line(f"run {record.id} cannot go on: {reason}", urgent=True)

    with _stopped_by_signals() as control:
        ended = runs.Host(project, executor, control, tell, refuse).perform(tuple(wanted), more)
        if output is not None:
            _deliver(project, wanted, output)
        if control.stopping:
            progress.line(f"stopped; 'workbench resume {project.path}' goes on")
            return STOPPED
    failed = [run for run, status in ended.items() if status == "failed" and not _is_trial(project, run)]
    return 1 if refused or failed else 0


Task = tuple[str, int]
"""What tells whether two runs learn from the same data: the task and how it is read."""


def _task_of(project: Project, run_id: int) -> Task:
    record = project.run(run_id)
    return runs.of_record(project, record).experiment.task.model_dump_json(), runs.reading_of(record)


def _perform_one(
    project: Project,
    run_id: int,
    families: dict[Task, TaskFamily],
    control: Control,
    progress: Progress,
) -> Status:
    """Do one run; ``families`` holds the family of the run before, and then that of this one."""
    key = _task_of(project, run_id)
    if key not in families:
        families.clear()  # before the next one needs the memory
        experiment = runs.of_record(project, project.run(run_id)).experiment
        families[key] = runs.open_family(experiment, progress.preparing, key[1])
    name = project.run(run_id).name
    return runs.perform(
        project,
        run_id,
        families[key],
        control,
        lambda trainer, notice: _report(progress, name, trainer, notice),
    )


def _deliver(project: Project, wanted: Sequence[int], output: Path) -> None:
    terminal.deliver(output, as_json({"runs": run_entries(project, wanted)}).encode())


@contextmanager
def _stopped_by_signals() -> Iterator[Control]:
    """A control that Ctrl-C and a polite kill reach; a second one ends the program at once."""
    control = Control()
    before: dict[signal.Signals, Any] = {}

    def stop(number: int, frame: object) -> None:
        if control.stopping:
            raise KeyboardInterrupt
        control.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    for number in terminal.HANGS_UP:  # a terminal that is closed takes its lines along, not the run
        before[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield control
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(progress: Progress, name: str, trainer: Trainer | Told, notice: Notice) -> None:
    match notice:
        case MetaSteps():
            speed = notice.iteration / trainer.seconds
            left = (trainer.iterations - notice.iteration) / speed
            newest = "  ".join(f"{known(each).quantity} {row[-1]:.4g}" for each, row in notice.values.items())
            progress.passing(
                f"{name}: {notice.iteration}/{trainer.iterations}  {newest}  "
                f"{speed:.0f} meta-iterations/s  {left:.0f} s left"
            )
        case Evaluated(summary=summary):
            score = told(summary, interval=False)
            progress.line(f"{name}: {notice.iteration}/{trainer.iterations}  validation {score}")
        case Finished(summary=summary):
            score = told(summary)
            progress.line(f"{name}: test {score} ({summary['episodes']} episodes), {notice.seconds:.1f} s")
        case Trained(given_up=given_up):
            progress.line(f"{name}: {'given up' if given_up else 'trained'}, {notice.seconds:.1f} s")
        case Failed():
            progress.line(f"{name}: failed at {notice.message}", urgent=True)
        case Waiting():
            progress.line(f"{name}: waiting at {trainer.iteration}: {notice.message}", urgent=True)
        case WentOn():
            progress.line(f"{name}: goes on", urgent=True)


def import_data(
    path: Path,
    name: str,
    how: importing.How | None,
    fractions: tuple[float, float, float] | None,
    seed: int | None,
    reading: Reading,
    *,
    skip_unreadable: bool,
    replace: bool,
    as_json_text: bool,
    quiet: bool,
) -> int:
    """Check a data set and register it; nothing is left behind if it is refused or cancelled."""
    progress = Progress(quiet)
    registry.check_free(name, replace=replace)
    prepared = prepared_at(path.expanduser(), reading, progress=progress.preparing)
    registry.refuse_unreadable(prepared, skip_unreadable=skip_unreadable)
    planned = importing.plan(prepared, how, fractions=fractions, seed=seed)
    progress.preparing(1.0, "Registering")
    manifest = importing.register(planned, name, replace=replace, skip_unreadable=skip_unreadable)
    progress.done()
    if as_json_text:
        say_json(as_json(importing.as_json(planned, manifest)))
    else:
        say("\n".join(importing.in_words(planned, manifest)))
    return 0


def get_data(entry: Entry, name: str, *, replace: bool, as_json_text: bool, quiet: bool) -> int:
    """Fetch a published set and register it; what had come before somebody stopped it is kept."""
    progress = Progress(quiet)
    try:
        got = getting.get(entry, name, replace=replace, progress=progress.preparing)
    except KeyboardInterrupt:
        progress.line(
            f"stopped; what has come is kept: workbench data {entry.name} goes on from there", urgent=True
        )
        return STOPPED
    progress.done()
    if as_json_text:
        say_json(as_json(got.as_json()))
    else:
        say("\n".join(got.in_words()))
    return 0


def predict(
    project: Path,
    run_id: int,
    support: Path,
    query: Path | None,
    wanted: Sequence[tuple[Path, str]],
    step: int | None,
    quiet: bool,
) -> int:
    """Put a run to use on a new case and write what it predicts, in the wanted files and formats."""
    from workbench.export.predicting import Predictor

    progress = Progress(quiet)
    asked = None if query is None else query.expanduser()
    used = Predictor().use(project, run_id, support.expanduser(), asked, progress.preparing)
    if step is not None and step not in used.found.steps:
        raise InputError(f"--step: {step} was not computed; allowed: 0 to {used.found.steps[-1]}")
    place = None if step is None else used.places[used.found.steps.index(step)]
    for path, form in wanted:
        terminal.deliver(path, used.written(form, place))
    progress.done()
    for note in used.notes:
        progress.line(f"note: {note}")
    progress.line(used.words(place))
    return 0


def inspect(
    project: Path, run_id: int, what: str, asked: Asked, wanted: Sequence[tuple[Path, str]], quiet: bool
) -> int:
    """Write a view inside a run, in the wanted files and formats."""
    from workbench.export.inspecting import written
    from workbench.export.predicting import Predictor

    progress = Progress(quiet)
    figure = Predictor().look_inside(project, run_id, what, asked, progress.preparing)
    for path, form in wanted:
        terminal.deliver(path, written(figure, form))
    progress.done()
    progress.line(figure.caption)
    return 0


def audit(
    project: Path,
    run_id: int,
    wanted: Sequence[tuple[Path, str]],
    tasks: int | None,
    shadows: Sequence[int],
    quiet: bool,
) -> Table:
    """Audit a run's privacy and write what is found, in the wanted files and formats."""
    from workbench.export import makers
    from workbench.export.predicting import Predictor
    from workbench.export.wishes import Wish

    progress = Progress(quiet)
    found = [Predictor().audit(project, run_id, tasks, progress.preparing, shadows)]
    with Project.open(project, read_only=True) as opened:
        for path, form in wanted:
            request = makers.Request(opened, Wish(), form, Arrangement())
            terminal.deliver(path, makers.audited(request, found).content)
    progress.done()
    table = membership.table(found)
    progress.line(table.caption)
    return table


def bench(source: str, overrides: tuple[str, ...], as_json_text: bool, seconds: float) -> int:
    """Measure each algorithm's meta-iterations for some seconds, and where it acts, steps of the environment
    as long."""
    experiment = runs.load_experiment(source, overrides)
    family = runs.open_family(experiment, domains=False)
    runs.check(experiment, family)
    results: dict[str, dict[str, Any]] = {}
    for each in experiment.algorithm:
        trainer = Trainer(experiment, each, experiment.training.seeds[0], family)
        if not trainer.iterations:
            continue
        times = trainer.time_steps(seconds)
        results[each.label or each.name] = {
            "meta_iterations_per_second": len(times) / sum(times),
            "milliseconds_median": statistics.median(times) * 1e3,
            "device": str(trainer.device),
            "threads": trainer.plan.threads,
            "chunk": trainer.plan.chunk,
            "compiled": trainer.record["compiled"],
        }
        if rates := steps_per_second(trainer, seconds):
            results[each.label or each.name]["environment_steps_per_second"] = rates
    if as_json_text:
        first: dict[str, Any] = next(iter(results.values()), {})
        say_json(as_json({**first, "algorithms": results}))
        return 0
    for name, figures in results.items():
        say(
            f"{name}: {figures['meta_iterations_per_second']:.1f} meta-iterations/s, median "
            f"{figures['milliseconds_median']:.2f} ms, {figures['device']}, {figures['threads']} threads, "
            f"chunks of {figures['chunk']} tasks"
        )
        for what, rates in figures.get("environment_steps_per_second", {}).items():
            by_tasks = ", ".join(f"{rate:,.0f} at {tasks}" for tasks, rate in rates.items())
            say(f"  {what}, steps of the environment per second by tasks at once: {by_tasks}")
    return 0
