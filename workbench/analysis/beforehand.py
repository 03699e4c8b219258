"""What is said before anything starts: how long runs will take, and whether so much can be meant."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from workbench.analysis.numerals import duration
from workbench.config import AlgorithmConfig, ConfigError, Experiment
from workbench.project import ExperimentRecord, RunRecord
from workbench.summaries import TestSummary

MOST_RUNS, MOST_ITERATIONS, LONGEST = 500, 20_000_000, 2 * 86_400
"""More than this is asked about: runs at once, meta-iterations of one, seconds of all."""


def doubt(experiment: Experiment, seconds: float | None) -> str:
    """What is asked for, where hardly anybody means it: ``2,004 runs, about 9 days``; empty: it is usual.

    Parameters
    ----------
    seconds : of all runs, where that is known.
    """
    runs = len(experiment.algorithm) * len(experiment.training.seeds)
    iterations = max(each.schedule(experiment.training).iterations for each in experiment.algorithm)
    many, long = iterations > MOST_ITERATIONS, seconds is not None and seconds > LONGEST
    if not (runs > MOST_RUNS or many or long):
        return ""
    parts = [f"{runs:,} run{'s' * (runs != 1)}"]
    parts += [f"{iterations:,} iterations each"] * many
    parts += [f"about {duration(seconds)}"] if seconds is not None else []
    return ", ".join(parts)


def seconds_of(
    experiment: Experiment,
    runs: Iterable[RunRecord],
    owner: Callable[[RunRecord], ExperimentRecord],
    result: Callable[[int], TestSummary | None],
    trials: Sequence[int] = (),
) -> float | None:
    """What all runs of an experiment take, going by finished ones that differ in seed and length at most.

    Parameters
    ----------
    trials : of a sweep, those of each algorithm, which train but are not tested.

    Returns
    -------
    None where an algorithm has no such run.
    """
    tried = dict(enumerate(trials))
    missing = {
        _alike(experiment, each): (each, tried.get(at, 0)) for at, each in enumerate(experiment.algorithm)
    }
    seeds = len(experiment.training.seeds)
    total = 0.0
    for run in sorted(runs, key=lambda run: -run.id):
        if run.status != "finished":
            continue
        found = missing.pop(_of(owner(run).toml, run.algorithm, run.label), None)
        if found is not None:
            config, more = found
            iterations = config.schedule(experiment.training).iterations  # none of what is not trained
            training = run.seconds * iterations / max(1, run.iterations)
            cost = (result(run.id) or {}).get("cost")
            total += training * (seeds + more) + (
                cost["seconds"]["test"] * seeds if cost is not None else 0.0
            )
    return None if missing else total


@lru_cache(maxsize=512)
def _of(toml: str, algorithm: str, label: str) -> str:
    """What runs of one algorithm of an experiment have in common; empty where it cannot be told."""
    try:
        experiment = Experiment.from_table(tomllib.loads(toml))
    except (ConfigError, tomllib.TOMLDecodeError):  # an older or a damaged one
        return ""
    of_kind = [each for each in experiment.algorithm if each.name == algorithm]
    found = of_kind if len(of_kind) == 1 else [each for each in of_kind if each.label == label]
    return _alike(experiment, found[0]) if found else ""


def _alike(experiment: Experiment, config: AlgorithmConfig) -> str:
    """All settings but the name, the seeds and the length, as one text."""
    table = experiment.single(config, 0).as_table()
    table.pop("name", None)
    table.get("training", {}).pop("iterations", None)
    return json.dumps(table, sort_keys=True)
