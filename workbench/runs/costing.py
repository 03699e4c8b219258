"""What the runs of an experiment would take."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from workbench.config import Experiment
from workbench.engine.cost import estimated
from workbench.engine.interruption import Asked
from workbench.engine.trainer import Trainer
from workbench.runs.experiments import Run
from workbench.summaries import CostEntry
from workbench.tasks.base import Progress, TaskFamily

ASKED = 0.1
"""Seconds between two reports, each of which may end the work."""


def costs(experiment: Experiment, family: TaskFamily, progress: Progress) -> list[CostEntry]:
    """What a run of each algorithm takes, from some seconds of it; nothing is kept.

    Raises
    ------
    DataError, NetworkError, DeviceError
        If an algorithm cannot be trained.
    """
    found: list[CostEntry] = []
    seeds = experiment.training.seeds
    for number, each in enumerate(experiment.algorithm):
        label = Run(experiment, each, seeds[0]).label
        asked = _asked(partial(progress, number / len(experiment.algorithm), f"Measuring {label}"))
        trainer = Trainer(experiment, each, seeds[0], family, asked=asked)
        tasks = trainer.iterations * trainer.algorithm.new_tasks(trainer.meta_batch)
        cost = estimated(trainer)
        by_phase = [{**phases, "total": sum(phases.values())} for phases in (cost.seconds, cost.operations)]
        found.append(
            {
                "algorithm": each.name,
                "label": label,
                "runs": len(seeds),
                "iterations": trainer.iterations,
                "tasks": tasks,
                "seconds": by_phase[0],
                "operations": by_phase[1],
                "peak_memory": cost.memory,
                "disk": cost.disk,
            }
        )
    return found


def _asked(report: Callable[[], None]) -> Asked:
    """Reports now and then while something is measured; it gives up by the report's own exception."""
    report()
    last = time.monotonic()

    def asked() -> bool:
        nonlocal last
        if time.monotonic() - last >= ASKED:
            last = time.monotonic()
            report()
        return False

    return asked
