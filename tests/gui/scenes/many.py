"""A project of several experiments and any number of runs, as people have them after some weeks."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench import runs
from workbench.config import parse
from workbench.measures import known
from workbench.project import Project, RunWriter
from workbench.runs import Control
from workbench.summaries import Summary

S = TypeVar("S", bound=Summary)

FEW_SHOT = ("protonet", "maml", "fomaml", "anil", "matchingnet", "reptile", "transfer", "scratch")
EXPERIMENTS = {
    "Sinusoid, K = 5": (
        'family = "sinusoid"',
        ("maml", "fomaml", "reptile", "anil", "meta_sgd", "cavia", "transfer", "scratch"),
    ),
    "Digits, 5-way 1-shot": ('family = "digits"\nshots = 1', FEW_SHOT),
    "Digits, 5-way 5-shot": ('family = "digits"\nshots = 5', FEW_SHOT),
    "Patients: three early samples": (
        'family = "pharmacokinetics"',
        ("cnp", "maml", "fomaml", "population", "reptile", "anil", "transfer", "scratch"),
    ),
    "Mixtures to group": (
        'family = "mixtures"',
        ("set_clustering", "kmeans", "gaussian_mixture", "agglomerative"),
    ),
    "Bandits, five arms": ('family = "bandits"', ("rl2", "thompson", "ucb", "greedy", "random")),
}
"""Task table and algorithms, by the name of the experiment."""

COMMON = """
[training]
iterations = 40
meta_batch = 2
threads = 1
compile = false
chunk = 2
[evaluation]
episodes = 12
validation_episodes = 4
every = 10
"""


def many(
    path: Path, runs_in_all: int, names: Sequence[str] = tuple(EXPERIMENTS), algorithms_each: int = 8
) -> None:
    """A project with so many finished runs (or a few more) in several experiments: one run of each algorithm
    is trained, the others are like it but for noise."""
    kinds = sum(len(EXPERIMENTS[name][1][:algorithms_each]) for name in names)
    seeds = -(-runs_in_all // kinds)
    with Project.create(path) as project:
        for number, name in enumerate(names):
            task, all_of_them = EXPERIMENTS[name]
            algorithms = all_of_them[:algorithms_each]
            text = f'name = "{name}"\n[task]\n{task}\n{COMMON}' + "".join(
                f'\n[[algorithm]]\nkind = "{kind}"\n' for kind in algorithms
            )
            experiment = parse(text, (f"training.seeds={list(range(seeds))}",))
            family = runs.open_family(experiment)
            ids = runs.add(project, experiment, family)
            for first in range(0, len(ids), seeds):
                assert runs.perform(project, ids[first], family, Control(), lambda *_: None) == "finished"
                for run in ids[first + 1 : first + seeds]:
                    _like(project, ids[first], run, np.random.default_rng([number, run]))


def _like(project: Project, known: int, run: int, chance: np.random.Generator) -> None:
    """Make a run a finished one that is like another, but for noise."""
    record, scale = project.run(known), float(np.exp(0.1 * chance.standard_normal()))
    writer = RunWriter(project, run, interval=1e9)
    with project.transaction():
        for name in project.series_names(known):
            x, y = project.series(known, name)
            if name != "seconds":
                y = y * scale * np.exp(0.05 * chance.standard_normal(len(y)))
            project.append_series(run, name, x, y)
    for iteration, summary in project.evaluations(known, "validation"):
        writer.evaluation(iteration, "validation", _scaled(summary, scale))
    found = project.result(known, "test")
    assert found is not None
    arrays = {name: _noisy(name, each, scale) for name, each in found.arrays.items()}
    writer.result("test", _scaled(found.summary, scale), arrays, found.summary["episodes_hash"])
    writer.update(
        status="finished", iterations=record.iterations, seconds=record.seconds * scale,
        meta_iterations_per_second=record.meta_iterations_per_second, environment=record.environment,
        started=record.started, ended=record.ended,
    )  # fmt: skip
    writer.flush()


def _noisy(name: str, values: NDArray[np.generic], scale: float) -> NDArray[np.generic]:
    if values.dtype != np.float64:
        return values
    scaled = values * scale  # type: ignore[operator]
    return np.minimum(scaled, 1) if known(name).share else scaled  # type: ignore[no-any-return]


def _scaled(summary: S, scale: float) -> S:
    scaled = copy.deepcopy(summary)
    for by_step in scaled["measures"].values():
        by_step["mean"] = [None if each is None else each * scale for each in by_step["mean"]]
    return scaled
