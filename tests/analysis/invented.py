"""Projects with invented results: per-task values that a test can know beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

from workbench.analysis.source import _hash
from workbench.engine.evaluation import Curves
from workbench.problems import Classification, Problem, Regression
from workbench.project import Project, RunWriter

TASK = {"family": "sinusoid", "shots": 5, "queries": 5}
NETWORK = {"kind": "mlp", "hidden": [40, 40]}
TRAINING = {"iterations": 100, "meta_batch": 4, "meta_lr": 0.001, "device": "auto"}
ENVIRONMENT = {"device": "cpu", "threads": 1, "chunk": 4, "torch": "2"}


def add(
    project: Project,
    label: str,
    loss: NDArray[np.float64],
    *,
    accuracy: NDArray[np.float64] | None = None,
    episodes: str = "e" * 64,
    name: str = "Invented",
    task: Mapping[str, Any] = TASK,
    seeds: Sequence[int] | None = None,
    iterations: int = 100,
    problem: Problem | None = None,
    others: Mapping[str, NDArray[np.float64]] | None = None,
    training: Mapping[str, float] | None = None,
    **settings: Any,
) -> list[int]:
    """Finished runs of one algorithm.

    Parameters
    ----------
    loss, accuracy : ``[seeds, tasks]`` after the last of two inner steps; before, a task's loss is 1 more.
    problem : of the tasks; None: regression, or classification where there is accuracy.
    others : further measures of the problem, as accuracy.
    training : measures of training iterations beside the loss; constant.
    """
    others = dict(others or {}) | ({} if accuracy is None else {"accuracy": accuracy})
    problem = problem or (Regression() if accuracy is None else Classification())
    seeds = list(range(len(loss))) if seeds is None else list(seeds)
    entry = {"label": label, "kind": "maml", "inner_lr": 0.01, "inner_steps": 1, **settings}
    table = {"format": 1, "name": name, "algorithm": [entry], "task": dict(task), "network": NETWORK}
    table |= {
        "training": TRAINING | {"seeds": seeds},
        "evaluation": {"episodes": loss.shape[1], "inner_steps": 1},
    }
    ids = []
    with project.transaction():
        owner = project.add_experiment(name, tomli_w.dumps(table), "c0ffee")
    for place, seed in enumerate(seeds):
        run = project.add_run(
            owner, name=f"{label}, seed {seed}", algorithm="maml", label=label, task=str(task["family"]),
            seed=seed, status="finished", seconds=10.0 + seed, iterations=iterations, data_hash="d",
            config_hash=_hash(table, dict(table["training"]), entry, seed),  # type: ignore[call-overload]
            iterations_planned=iterations, environment=dict(ENVIRONMENT),
        )  # fmt: skip
        values = {"loss": np.stack([loss[place] + 1, loss[place]])}
        values |= {name: np.stack([each[place] * 0.5, each[place]]) for name, each in others.items()}
        curves = Curves(problem, (0, 1), values)
        summary = curves.summary() | {
            "split": "test", "episodes": loss.shape[1], "episodes_hash": episodes, "transductive": None,
            "ways": task.get("ways", 1), "shots": task["shots"], "queries": task["queries"], "attack": None,
            "adaptation_steps_median": 1.0, "generalisation_gap": 0.1, "milliseconds_by_step": [0.1, 2.0],
            "training": {"loss": 0.5, **(training or {})},
        }  # fmt: skip
        writer = RunWriter(project, run)
        writer.result("test", summary, curves.arrays(), episodes)
        writer.flush()
        project.append_series(run, "loss", np.arange(1, 11), 1 / np.arange(1.0, 11.0) + seed)
        for series, value in (training or {}).items():
            project.append_series(run, series, np.arange(1, 11), np.full(10, value))
        project.add_evaluation(run, 0, "validation", curves.summary())
        ids.append(run)
    return ids


def three(path: Path, tasks: int = 60, seeds: int = 3) -> Path:
    """Good is better than Middling on nearly every task, and Same is Middling with noise."""
    rng = np.random.default_rng(7)
    base = rng.exponential(1.0, (1, tasks)) + 0.5
    with Project.create(path) as project:
        add(project, "Good", base * rng.uniform(0.5, 0.8, (seeds, tasks)))
        add(project, "Middling", base * rng.uniform(0.9, 1.1, (seeds, tasks)), inner_lr=0.02)
        add(project, "Same", base * rng.uniform(0.9, 1.1, (seeds, tasks)), inner_lr=0.05)
    return path
