"""What the runs of an experiment would take."""

from __future__ import annotations

from workbench.config import Experiment
from workbench.engine.cost import estimated
from workbench.engine.trainer import Trainer
from workbench.runs.experiments import Run
from workbench.summaries import CostEntry
from workbench.tasks.base import Progress, TaskFamily


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
        progress(number / len(experiment.algorithm), f"Measuring {label}")
        cost = estimated(Trainer(experiment, each, seeds[0], family))
        by_phase = [{**phases, "total": sum(phases.values())} for phases in (cost.seconds, cost.operations)]
        found.append(
            {
                "algorithm": each.name,
                "label": label,
                "runs": len(seeds),
                "seconds": by_phase[0],
                "operations": by_phase[1],
                "peak_memory": cost.memory,
                "disk": cost.disk,
            }
        )
    return found
