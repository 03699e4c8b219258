"""Turns an experiment into runs (algorithm × seed) and drives the trainer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import config
from workbench.algorithms import ALGORITHMS
from workbench.config import AlgorithmConfig, Experiment
from workbench.engine.events import Event, Failed, Finished
from workbench.engine.trainer import Trainer
from workbench.networks import NETWORKS
from workbench.paths import resource
from workbench.tasks import FAMILIES
from workbench.tasks.base import Progress, TaskFamily

QUICKSTART = "quickstart"


@dataclass(frozen=True)
class Run:
    """One algorithm and one seed of an experiment."""

    experiment: Experiment
    config: AlgorithmConfig
    seed: int

    @property
    def name(self) -> str:
        """What tables and charts call it."""
        return f"{self.config.label or ALGORITHMS[self.config.name].title}, seed {self.seed}"


def load_experiment(source: str, overrides: tuple[str, ...] = ()) -> Experiment:
    """Read an experiment from a file, or the built-in one by its name.

    Raises
    ------
    ConfigError
        If it is not an experiment.
    """
    assert NETWORKS  # importing the registries has made every kind known to the configuration
    if source == QUICKSTART:
        text = resource("quickstart.toml").read_text(encoding="utf-8")
        return config.parse(text, overrides, source=QUICKSTART)
    return config.load(Path(source), overrides)


def expand(experiment: Experiment) -> list[Run]:
    """The runs of an experiment, in the order in which they are done."""
    return [
        Run(experiment, each, seed) for each in experiment.algorithm for seed in experiment.training.seeds
    ]


def open_family(experiment: Experiment, progress: Progress | None = None) -> TaskFamily:
    """The experiment's task family with its data.

    Raises
    ------
    DataError
        If the data cannot serve.
    """
    return FAMILIES[experiment.task.name](experiment.task, progress)


def execute(run: Run, family: TaskFamily, tell: Callable[[Trainer, Event], None]) -> dict[str, Any]:
    """Do a run and return its record (the shape of ``workbench show --json``).

    Parameters
    ----------
    run : what to do.
    family : the experiment's task family.
    tell : called with every event.

    Raises
    ------
    DeviceError, NetworkError, DataError
        If the run cannot even start.
    """
    trainer = Trainer(run.experiment, run.config, run.seed, family)
    status, test, message = "running", None, None
    for event in trainer.events():
        match event:
            case Finished(summary=summary):
                status, test = "finished", dict(summary)
            case Failed():
                status, message = "failed", event.message
        tell(trainer, event)
    return {
        "id": uuid.uuid4().hex,
        "name": run.name,
        "experiment": run.experiment.name,
        "algorithm": run.config.name,
        "task": run.experiment.task.name,
        "seed": run.seed,
        "status": status,
        "message": message,
        "iterations": trainer.iteration,
        "seconds": trainer.seconds,
        "meta_iterations_per_second": trainer.iteration / trainer.seconds if trainer.seconds else None,
        "config_hash": run.experiment.single(run.config, run.seed).hash(),
        "data_hash": family.data_hash(),
        "environment": trainer.record,
        "test": test,
    }
