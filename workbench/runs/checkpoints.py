"""What a run has learned up to its newest checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.algorithms import Algorithm, Params
from workbench.engine import building
from workbench.engine.state import Demands, State
from workbench.engine.tensor_file import StateError
from workbench.project import Project, ProjectError, Store
from workbench.runs.experiments import of_record
from workbench.tasks.base import DataError, TaskFamily


def newest_state(project: Store, run_id: int, demands: Demands) -> State | None:
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
    """What a run has learned up to its newest checkpoint, without setting up its training: of a finished one,
    the weights that were tested.

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
    demands = building.demands(run.experiment, run.config, family)
    state = newest_state(project, run_id, demands)
    if state is None:
        raise ProjectError(f"{record.name} has no checkpoint yet, so nothing that it has learned is kept")
    algorithm = building.build(run.experiment, run.config, family)
    best = record.status == "finished" and run.experiment.evaluation.checkpoint == "best"
    best = best and demands.keeps_best
    done = state.values["best_at" if best else "iteration"]
    return Learned(algorithm, demands.meta_of(state, best), done)
