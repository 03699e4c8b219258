"""Projects with curves, for the tests of charts."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.project import Project

TOML = 'name = "Sinusoid"\n[task]\nfamily = "sinusoid"\n[training]\nmeta_batch = 4\n'


def add_run(project: Project, label: str = "MAML", seed: int = 0, **fields: Any) -> int:
    """A run of the project's first experiment."""
    with project.transaction():
        known = project.experiments()
        experiment = known[0].id if known else project.add_experiment("Sinusoid", TOML, "c0ffee")
        given = {"name": f"{label}, seed {seed}", "algorithm": label.lower(), "label": label, "seed": seed}
        return project.add_run(experiment, **(given | {"task": "sinusoid"} | fields))  # type: ignore[arg-type]


def add_curve(project: Project, run: int, loss: Any, seconds_each: float = 0.5) -> None:
    """Training loss from meta-iteration 1 on, and the time it took."""
    x = np.arange(1, len(loss) + 1)
    project.append_series(run, "loss", x, loss)
    project.append_series(run, "seconds", x, x * seconds_each)


def summary(loss: list[float | None], ci: float = 0.1, **more: Any) -> dict[str, Any]:
    """What an evaluation tells."""
    told = {
        "problem": "regression",
        "inner_steps": list(range(len(loss))),
        "loss": loss,
        "loss_ci95": [ci] * len(loss),
        "accuracy": None,
        "accuracy_ci95": None,
        "tasks": 100,
        "diverged": [0] * len(loss),
    } | more
    names = [name for name in ("accuracy", "loss") if told[name] is not None]
    measures = {name: {"mean": told[name], "ci95": told[f"{name}_ci95"]} for name in names}
    return {"measures": measures} | told


def classified(accuracy: list[float], **more: Any) -> dict[str, Any]:
    """What an evaluation of a classification tells."""
    part = {"problem": "classification", "accuracy": accuracy, "accuracy_ci95": [0.02] * len(accuracy)}
    return summary([1.0 - each for each in accuracy], **(part | more))
