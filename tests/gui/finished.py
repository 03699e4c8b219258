"""Projects with runs that are over, for the views that compare and look at them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.experiments import SINUSOID
from workbench import runs
from workbench.config import parse
from workbench.engine.events import MetaSteps
from workbench.project import Project, RunWriter
from workbench.runs import Control

DIGITS = """
name = "small digits"
[task]
family = "digits"
queries = 4
[network]
kind = "mlp"
hidden = [8]
[training]
iterations = 4
meta_batch = 2
threads = 1
chunk = 2
[evaluation]
episodes = 6
validation_episodes = 2
inner_steps = 3
every = 2
"""


def project_of(
    path: Path, *algorithms: str, seeds: int = 2, text: str = SINUSOID, done: int | None = None
) -> list[int]:
    """A project with real runs, of which the first ``done`` (or all) are finished; their ids."""
    kinds = "".join(f'\n[[algorithm]]\nkind = "{name}"\n' for name in algorithms)
    experiment = parse(text + kinds, (f"training.seeds={list(range(seeds))}",))
    family = runs.open_family(experiment)
    with Project.create(path) as project:
        ids = runs.add(project, experiment, family)
        for run in ids[:done]:
            assert runs.perform(project, run, family, Control(), lambda *_: None) == "finished"
    return ids


def stop_half_way(path: Path, run: int) -> None:
    """Do a part of a run, up to a checkpoint."""
    with Project.open(path) as project:
        experiment = runs.of_record(project, project.run(run)).experiment
        control = Control()

        def tell(_: Any, notice: Any) -> None:
            if isinstance(notice, MetaSteps):
                control.stop()

        assert runs.perform(project, run, runs.open_family(experiment), control, tell) == "stopped"


def invent(
    project: Project,
    label: str,
    losses: Sequence[float | None],
    *,
    episodes: str = "e" * 64,
    experiment: str = "Invented",
    steps: Sequence[int] = (0, 1, 2),
    accuracy: float | None = None,
) -> list[int]:
    """Finished runs of one algorithm, one for each final loss, without any training."""
    ids = []
    for seed, loss in enumerate(losses):
        with project.transaction():
            owners = {each.name: each.id for each in project.experiments()}
            owner = owners.get(experiment) or project.add_experiment(
                experiment, f'name = "{experiment}"\n', "c0ffee"
            )
            run = project.add_run(
                owner, name=f"{label}, seed {seed}", algorithm="maml", label=label, task="sinusoid",
                seed=seed, status="finished", meta_iterations_per_second=100.0 + seed,
            )  # fmt: skip
        by_step = [None if loss is None else loss + len(steps) - 1 - i for i in range(len(steps))]
        shares = None if accuracy is None else [accuracy] * len(steps)
        summary = {
            "split": "test", "episodes": 50, "episodes_hash": episodes, "inner_steps": list(steps),
            "loss": by_step, "loss_ci95": [0.25] * len(steps), "accuracy": shares,
            "accuracy_ci95": shares and [0.03] * len(steps), "adaptation_steps_median": 2 + seed,
            "generalisation_gap": 0.5, "ways": 1, "shots": 5, "queries": 5,
        }  # fmt: skip
        writer = RunWriter(project, run)
        writer.result("test", summary, {}, episodes)
        writer.flush()
        ids.append(run)
    return ids
