"""Turns an experiment into runs (algorithm × seed), drives the trainer and writes the project."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import config
from workbench.algorithms import ALGORITHMS, Algorithm, Params
from workbench.config import AlgorithmConfig, Experiment
from workbench.data.reading import NEWEST
from workbench.engine import devices, trainer
from workbench.engine.events import (
    Abandoned,
    CheckpointDue,
    Evaluated,
    Event,
    Failed,
    Finished,
    MetaSteps,
)
from workbench.engine.interruption import AbandonedError
from workbench.engine.plan import Plan
from workbench.engine.state import Demands, State
from workbench.engine.tensor_file import StateError
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.paths import resource
from workbench.project import Project, ProjectError, RunRecord, RunWriter, Status, StorageError
from workbench.tasks import FAMILIES
from workbench.tasks.base import DataError, Progress, TaskFamily

log = logging.getLogger(__name__)

SAMPLES = {
    "quickstart": "quickstart.toml",
    "quickstart-glyphs": "quickstart_glyphs.toml",
    "all-sinusoid": "all_sinusoid.toml",
    "all-glyphs": "all_glyphs.toml",
}
"""The built-in experiments, by the name that stands for a file."""

RETRY_SECONDS = 1.0
MOST_THREADS = 1024
"""That a recorded plan may ask for: a stranger's million would end the process."""

CAN_GO_ON: tuple[Status, ...] = ("queued", "paused", "stopped", "interrupted")


@dataclass(frozen=True)
class Run:
    """One algorithm and one seed of an experiment."""

    experiment: Experiment
    config: AlgorithmConfig
    seed: int

    @property
    def label(self) -> str:
        """What charts call the algorithm."""
        return self.config.label or ALGORITHMS[self.config.name].title

    @property
    def hash(self) -> str:
        """Hash of everything that the run's results depend on."""
        return self.experiment.single(self.config, self.seed).hash()


@dataclass(frozen=True)
class Waiting:
    """The project cannot be written to at the moment; the run waits, with everything kept in memory."""

    message: str


@dataclass(frozen=True)
class WentOn:
    """The run goes on: the project can be written to again, or the pause is over."""


@dataclass(frozen=True)
class Paused:
    """The run holds, with a checkpoint kept; :meth:`Control.resume` lets it go on."""


Notice = Event | Waiting | WentOn | Paused
Tell = Callable[[Trainer, Notice], None]


class Control:
    """How another thread (or a signal) stops, pauses and resumes a run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stopping = self._pausing = False

    def stop(self) -> None:
        """End the run at the next event; it can be resumed later."""
        self._set(stopping=True, pausing=self._pausing)

    def pause(self) -> None:
        """Hold the run at the next event."""
        self._set(stopping=self._stopping, pausing=True)

    def resume(self) -> None:
        """Let a paused run go on."""
        self._set(stopping=self._stopping, pausing=False)

    def _set(self, *, stopping: bool, pausing: bool) -> None:
        with self._changed:
            self._stopping, self._pausing = stopping, pausing
            self._changed.notify_all()

    @property
    def stopping(self) -> bool:
        """Whether the run was told to stop."""
        return self._stopping

    @property
    def pausing(self) -> bool:
        """Whether the run was told to pause."""
        return self._pausing

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for the run to heed this control."""
        return self._stopping or self._pausing

    def wait_while_paused(self) -> None:
        """Return once the run may go on, or must stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or not self._pausing)

    def wait(self, seconds: float) -> bool:
        """Wait, but no longer than until the run must stop; tells whether it must."""
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, seconds)


def load_experiment(source: str, overrides: tuple[str, ...] = ()) -> Experiment:
    """Read an experiment from a file, or a built-in one by its name.

    Raises
    ------
    ConfigError
        If it is not an experiment.
    """
    if source in SAMPLES:
        text = resource(SAMPLES[source]).read_text(encoding="utf-8")
        return config.admitted(config.parse(text, overrides, source=source), source)
    return config.load(Path(source), overrides)


def expand(experiment: Experiment) -> list[Run]:
    """The runs of an experiment, in the order in which they are done."""
    seeds = experiment.training.seeds
    return [Run(experiment, each, seed) for each in experiment.algorithm for seed in seeds]


def open_family(
    experiment: Experiment, progress: Progress | None = None, reading: int = NEWEST
) -> TaskFamily:
    """The experiment's task family with its data, as the rules of that version read it.

    Raises
    ------
    DataError
        If the data cannot serve.
    """
    return FAMILIES[experiment.task.name].opened(experiment.task, progress, reading)


def reading_of(record: RunRecord) -> int:
    """Version of the rules by which a run's files are read: as when it was set up."""
    version = record.environment.get("reading", 1)  # from before there were others
    if not isinstance(version, int) or not 1 <= version <= NEWEST:
        raise DataError(
            f"run {record.id}: its data was read by rules of version {version!r}; "
            f"this program knows 1 to {NEWEST}"
        )
    return version


def check(experiment: Experiment, family: TaskFamily) -> None:
    """Refuse what could not run, before anything is written.

    Raises
    ------
    DataError, NetworkError, DeviceError
        For episodes that the data cannot give, a network that cannot take them, a device that is not there.
    """
    devices.pick(experiment.training.device)
    for each in experiment.algorithm:
        trainer.build(experiment, each, family)
        family.check(trainer.training_size(each, family), "train")
    for split in config.SPLITS:
        family.check(trainer.evaluation_size(experiment, family), split)


def add(project: Project, experiment: Experiment, family: TaskFamily) -> list[int]:
    """Queue the runs of an experiment in a project; returns their ids."""
    with project.transaction():
        owner = project.add_experiment(experiment.name, experiment.to_toml(), experiment.hash())
        return [
            project.add_run(
                owner,
                name=f"{run.label}, seed {run.seed}",
                algorithm=run.config.name,
                label=run.label,
                task=experiment.task.name,
                seed=run.seed,
                status="queued",
                iterations_planned=trainer.planned_iterations(experiment, run.config),
                config_hash=run.hash,
                data_hash=family.data_hash(),
                environment={"reading": family.reading},
            )
            for run in expand(experiment)
        ]


def of_record(project: Project, record: RunRecord) -> Run:
    """The run that a record stands for.

    Raises
    ------
    ProjectError
        If its experiment cannot be read by this version of the program.
    """
    owner = next(each for each in project.experiments() if each.id == record.experiment_id)
    try:
        runs = expand(config.parse(owner.toml))
    except config.ConfigError as error:
        raise ProjectError(f"{project.path}: experiment {owner.name!r}: {error}") from None
    for run in runs:
        if run.seed == record.seed and run.hash == record.config_hash:
            return run
    raise ProjectError(
        f"{project.path}: run {record.id} is not part of its experiment; one of them was altered, use a copy"
    )


def perform(project: Project, run_id: int, family: TaskFamily, control: Control, tell: Tell) -> Status:
    """Do a run, or what is left of it, and write it to the project as it happens.

    Parameters
    ----------
    project : open for writing, by this thread.
    run_id : the run; one that was stopped goes on from its newest checkpoint, bit for bit.
    family : the task family of its experiment.
    control : stops or pauses it.
    tell : called with every event, on this thread.

    Returns
    -------
    ``finished``, ``stopped`` or ``failed``.

    Raises
    ------
    DataError, NetworkError, DeviceError, ProjectError
        If the run cannot even start; its record is left as it was.
    StorageError
        If it was stopped while the project could not be written to; the file holds what it held.
    """
    record = project.run(run_id)
    run = of_record(project, record)
    if record.data_hash != family.data_hash():
        raise DataError(f"run {run_id}: the data has changed since the run was set up; start a new run")
    work = _prepared(run, family, _recorded_plan(record), control)
    if work is None:
        project.update_run(run_id, status="stopped")
        return "stopped"
    _restore(project, run_id, work)
    with project.transaction():
        project.rewind(run_id, work.iteration)
        project.update_run(
            run_id,
            status="running",
            failure="",
            environment=work.record,
            seconds=work.seconds,
            started=record.started or time.time(),
            ended=None,
        )
    return _Recorder(project, run_id, work, control, tell).record()


def _prepared(run: Run, family: TaskFamily, plan: Plan | None, control: Control) -> Trainer | None:
    """The run's trainer, whose making may take a while; None if it must stop before it has begun."""
    while not control.stopping:
        try:
            return Trainer(
                run.experiment, run.config, run.seed, family, plan=plan, asked=lambda: control.wanted
            )
        except AbandonedError:
            control.wait_while_paused()
    return None


def _recorded_plan(record: RunRecord) -> Plan | None:
    """The plan that a run was started with: its last bits depend on it. None if there is none to use."""
    device, threads, chunk = (record.environment.get(name) for name in ("device", "threads", "chunk"))
    if threads is None or chunk is None or device not in devices.available() or threads > MOST_THREADS:
        return None
    return Plan(str(device), threads, chunk)


def _restore(project: Project, run_id: int, work: Trainer) -> None:
    """Take up the newest checkpoint, if there is one."""
    state = _newest_state(project, run_id, work.demands)
    if state is not None:
        work.restore(state)


def _newest_state(project: Project, run_id: int, demands: Demands) -> State | None:
    """The state in a run's newest checkpoint; None if there is none.

    Raises
    ------
    ProjectError
        If it is not what such a run must hold, or all checkpoints are damaged.
    """
    checkpoint = project.checkpoint(run_id, demands.most_bytes)
    if checkpoint is None:
        if project.checkpoint_iterations(run_id):  # to begin anew would drop what the run has shown
            raise ProjectError(f"{project.path}: run {run_id}: its checkpoints are damaged; start a new run")
        return None
    try:
        return demands.read(checkpoint.iteration, checkpoint.state, checkpoint.tensors)
    except StateError as error:
        raise ProjectError(f"{project.path}: run {run_id}: the checkpoint's {error}") from None


@dataclass(frozen=True)
class Learned:
    """What a run has learned up to a checkpoint: its algorithm and meta-parameters, on the CPU."""

    algorithm: Algorithm
    meta: Params
    iteration: int


def learned(project: Project, run_id: int, family: TaskFamily) -> Learned:
    """What a run has learned up to its newest checkpoint, without setting up its training.

    Raises
    ------
    ProjectError
        If it has no checkpoint yet, or one that does not fit its experiment.
    DataError
        If the data is not what the run was trained on.
    """
    record = project.run(run_id)
    run = of_record(project, record)
    if record.data_hash != family.data_hash():
        raise DataError(f"run {run_id}: the data has changed since the run was set up")
    demands = trainer.demands(run.experiment, run.config, family)
    state = _newest_state(project, run_id, demands)
    if state is None:
        raise ProjectError(f"{record.name} has no checkpoint yet, so nothing that it has learned is kept")
    algorithm = trainer.build(run.experiment, run.config, family)
    return Learned(algorithm, demands.meta_of(state), state.values["iteration"])


class _Recorder:
    """Writes what a trainer tells, and does to it what the control says."""

    def __init__(self, project: Project, run_id: int, work: Trainer, control: Control, tell: Tell) -> None:
        self._writer = RunWriter(project, run_id)
        self._work, self._control = work, control
        self._listener: Tell | None = tell

    def _tell(self, notice: Notice) -> None:
        """Tell what happened. A listener that fails is not told any more; the run is none the worse."""
        if self._listener is None:
            return
        try:
            self._listener(self._work, notice)
        except Exception:
            self._listener = None
            log.exception("what happens in the run cannot be told any more; it goes on")

    def record(self) -> Status:
        try:
            status = self._follow()
        except StorageError:
            raise
        except Exception as error:  # an algorithm's own mistake must not end the queue
            if not isinstance(error, InputError):  # which says all there is to say in its line
                log.exception("the run failed")
            failed = Failed(self._work.iteration, f"{type(error).__name__}: {error}")
            status = "failed"
            self._end(failed.message)
            self._tell(failed)
        return status

    def _follow(self) -> Status:
        with closing(self._work.events()) as events:
            for event in events:
                status = self._write(event)
                self._tell(event)
                if status is not None:
                    return status
                if self._control.pausing and not self._control.stopping:
                    self._hold()
                if self._control.stopping:
                    self._writer.update(status="stopped", ended=time.time())
                    self._checkpoint()
                    return "stopped"
        raise AssertionError("a trainer ends with Finished or Failed")

    def _write(self, event: Event) -> Status | None:
        """Write an event; the status, if it was the last one."""
        match event:
            case MetaSteps():
                self._add_points(event)
            case Evaluated():
                self._keep(self._writer.evaluation, event.iteration, event.split, dict(event.summary))
            case CheckpointDue():
                self._checkpoint()
            case Abandoned():
                pass
            case Finished(summary=summary):
                self._writer.result("test", dict(summary), dict(event.arrays), summary["episodes_hash"])
                self._writer.update(status="finished", environment=self._work.record, ended=time.time())
                self._keep(self._writer.flush)
                return "finished"
            case Failed():
                self._end(event.message)
                return "failed"
        return None

    def _add_points(self, event: MetaSteps) -> None:
        work = self._work
        self._writer.update(
            iterations=event.iteration,
            seconds=work.seconds,
            meta_iterations_per_second=event.iteration / work.seconds if work.seconds else None,
        )
        pairs = zip(event.losses.tolist(), event.seconds.tolist(), strict=True)
        for iteration, (loss, seconds) in enumerate(pairs, event.first + 1):
            self._keep(self._writer.points, iteration, {"loss": loss, "seconds": seconds})

    def _checkpoint(self) -> None:
        try:
            state = self._work.state()
        except StateError as error:  # the next loss is no number either; the checkpoint before this stays
            log.warning("no checkpoint is kept at meta-iteration %d: %s", self._work.iteration, error)
            return
        self._keep(self._writer.checkpoint, self._work.iteration, state.values, state.packed())

    def _hold(self) -> None:
        self._writer.update(status="paused")
        self._checkpoint()
        self._tell(Paused())
        self._control.wait_while_paused()
        if not self._control.stopping:
            self._writer.update(status="running")
            self._keep(self._writer.flush)
            self._tell(WentOn())

    def _end(self, failure: str) -> None:
        self._writer.update(
            status="failed", failure=failure, environment=self._work.record, ended=time.time()
        )
        self._keep(self._writer.flush)

    def _keep(self, write: Callable[..., None], *what: Any) -> None:
        """Write; where the disk refuses, wait until it does not: nothing leaves the memory before."""
        try:
            write(*what)
        except StorageError as error:
            self._tell(Waiting(str(error)))
            while True:
                if self._control.wait(RETRY_SECONDS):
                    raise
                try:
                    self._writer.flush()
                except StorageError:
                    continue
                self._tell(WentOn())
                return
