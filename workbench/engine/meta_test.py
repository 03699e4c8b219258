"""The meta-test of a run: what it learned, measured once on frozen episodes of unseen tasks."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.algorithms.base import Algorithm, Params
from workbench.algorithms.trials import TrialLearner
from workbench.config import Attack
from workbench.engine import intervals
from workbench.engine.devices import synchronise
from workbench.engine.episodes import ACTED, FrozenEpisodes, seeded
from workbench.engine.evaluation import Curves, evaluate, number, reported, with_noise
from workbench.engine.interruption import Asked, give_up_if, nobody_asks
from workbench.measures import SHIFTED
from workbench.summaries import DomainSummary, OperatingPoint, ShiftSummary, TestSummary
from workbench.tasks.base import Domain

TIMED_TASKS = 20

Arrays = Mapping[str, NDArray[np.generic]]


class Tested(NamedTuple):
    """What a meta-test measured.

    Attributes
    ----------
    summary : the summary of design.md, section 6.
    arrays : what each task did, by measure.
    domains : the same arrays of each other domain, by its name; their summaries are in that of the test.
    """

    summary: TestSummary
    arrays: Arrays
    domains: Mapping[str, Arrays]


class Other(NamedTuple):
    """Another distribution of tasks, frozen episodes of it, and the learner as it acts there."""

    domain: Domain
    episodes: FrozenEpisodes
    algorithm: Algorithm


def milliseconds(
    algorithm: Algorithm, meta: Params, episodes: FrozenEpisodes, steps: int, asked: Asked = nobody_asks
) -> list[float]:
    """Time to adapt to one task alone, until each recorded step (median over tasks, synchronised)."""
    block = next(iter(episodes))
    device = block.device
    taken = []
    with torch.no_grad():
        for index in range(min(TIMED_TASKS, block.count) + 1):
            task = block.one(max(0, index - 1))
            synchronise(device)
            start, times = time.perf_counter(), []
            give_up_if(asked)
            if isinstance(algorithm, TrialLearner):
                query = block.tasks(max(0, index - 1), max(1, index)).query
                algorithm.act(meta, query, seeded(ACTED))
                trial, count = (time.perf_counter() - start) * 1e3, algorithm.problem.episodes(query)
                taken.append([trial * episode / count for episode in range(count)])
                continue
            for _ in algorithm.adaptation(meta, task.support, steps):
                synchronise(device)
                times.append((time.perf_counter() - start) * 1e3)
            taken.append(times)
    return [statistics.median(column) for column in zip(*taken[1:], strict=True)]  # the first warms up


def result(
    algorithm: Algorithm,
    meta: Params,
    test: FrozenEpisodes,
    train: FrozenEpisodes,
    *,
    steps: int,
    transductive: bool,
    threshold: float | None,
    threads: int = 1,
    asked: Asked = nobody_asks,
    attack: Attack | None = None,
    shifted: Other | None = None,
    validation: FrozenEpisodes | None = None,
    domains: Sequence[Other] = (),
) -> Tested:
    """Measure meta-test episodes once.

    Parameters
    ----------
    test : the frozen meta-test episodes.
    train : frozen meta-training episodes of the same size, for the generalisation gap.
    steps : inner steps of the curve.
    threshold : τ, what counts as adapted, of the measure that the problem says; None where there is none.
    threads : chunks of tasks computed at the same time.
    asked : asked often whether to give up, with an :class:`AbandonedError`.
    attack : attack the queries of the meta-test episodes too.
    shifted : another distribution that the family names, which is measured too.
    validation : the frozen meta-validation episodes, where the problem chooses something on them.
    domains : the other domains of the experiment.
    """

    def measured(
        episodes: FrozenEpisodes, attack: Attack | None = None, learner: Algorithm = algorithm
    ) -> Curves:
        return evaluate(
            learner,
            meta,
            episodes if attack is None else with_noise(episodes),
            steps,
            transductive=transductive,
            threads=threads,
            asked=asked,
            attack=attack,
        ).of(episodes)

    curves, seen = measured(test, attack), measured(train)
    times = milliseconds(algorithm, meta, test, steps, asked)
    gap = intervals.difference_interval(
        *(intervals.collapsed(each.loss[-1], each.episode) for each in (curves, seen))
    )
    judged = algorithm.problem.pooled(curves.details) if algorithm.gives_probabilities else {}
    pooled = {name: number(each) for name, each in judged.items()}
    told, arrays = curves.summary(), curves.arrays()
    point = None if validation is None else _chosen(validation, measured(validation))
    if point is not None:
        group, reached = algorithm.problem.decided(curves.details, point)
        told["report"][group] = {name: reported(curves.interval(each)) for name, each in reached.items()}
        arrays |= {f"{group}/{name}": each for name, each in reached.items()}
    shift = None
    if shifted is not None:
        other = measured(shifted.episodes, learner=shifted.algorithm)
        shift = _shift_summary(shifted, other)
        told["report"][SHIFTED] = {
            row.name: reported(other.interval(other.values[row.name][-1])) for row in other.problem.measures
        }
        arrays |= {f"{SHIFTED}/{name}": each for name, each in other.values.items()}
    others = {each.domain.name: measured(each.episodes, learner=each.algorithm) for each in domains}
    summary = {
        "split": test.split,
        "episodes": test.count,
        "episodes_hash": test.hash,
        **told,
        **_adaptation(curves, threshold, times),
        "milliseconds_by_step": times,
        "generalisation_gap": number(gap.mean),
        "generalisation_gap_ci95": number(gap.half_width),
        "train_loss": [number(seen.interval(row).mean) for row in seen.loss],
        "calibration_error": None,
        **pooled,
        "attack": None if attack is None else attack.model_dump(),
        "shift": shift,
        **({} if validation is None else {"operating_point": point}),
        "transductive": transductive if algorithm.network.uses_batch_statistics else None,
        **dict(zip(("ways", "shots", "queries"), test.size, strict=True)),
        **test.seen.summary(),
    }
    if domains:
        told_of = {
            each.domain.name: _domain_summary(each, others[each.domain.name], curves) for each in domains
        }
        summary["domains"] = told_of
    return Tested(
        cast("TestSummary", summary), arrays, {name: each.arrays() for name, each in others.items()}
    )


def _chosen(episodes: FrozenEpisodes, curves: Curves) -> OperatingPoint | None:
    """What the problem chooses on meta-validation tasks, and which tasks these were."""
    found = curves.problem.chosen(curves.details, curves.episode)
    if found is None:
        return None
    return {**found, "episodes": episodes.count, "episodes_hash": episodes.hash}


def _shift_summary(shifted: Other, curves: Curves) -> ShiftSummary:
    return {
        "name": shifted.domain.name,
        "words": shifted.domain.words,
        "episodes_hash": shifted.episodes.hash,
        "measures": curves.summary()["measures"],
    }


def _domain_summary(other: Other, curves: Curves, home: Curves) -> DomainSummary:
    episodes = other.episodes
    summary = {
        "split": episodes.split,
        "words": other.domain.words,
        "episodes": episodes.count,
        "episodes_hash": episodes.hash,
        **curves.summary(),
        **dict(zip(("ways", "shots", "queries"), episodes.size, strict=True)),
        **episodes.seen.summary(),
        "drop": {
            row.name: reported(_drop(row.sign, row.name, home, curves))
            for row in curves.problem.measures
            if row.sign and row.name in home.values
        },
    }
    return cast("DomainSummary", summary)


def _drop(sign: int, measure: str, home: Curves, other: Curves) -> intervals.Interval:
    """How much worse a measure is after the last step on other tasks."""
    mean, half = intervals.difference_interval(
        *(intervals.collapsed(each.values[measure][-1], each.episode) for each in (home, other))
    )
    return intervals.Interval(sign * mean, half)


def _adaptation(curves: Curves, threshold: float | None, times: list[float]) -> dict[str, object]:
    """When tasks were adapted: the first step at which each is better than the threshold, in the measure
    that its problem says."""
    row = curves.problem.adapted
    better = -row.sign * curves.values[row.name]
    at = intervals.steps_to_reach(better, -math.inf if threshold is None else -row.sign * threshold)

    def median(by_step: Sequence[float]) -> float | None:
        taken = [by_step[int(index)] if math.isfinite(index) else math.inf for index in at]
        return number(float(np.median(taken)))

    found: dict[str, object] = {
        "adaptation_threshold": threshold,
        "adaptation_measure": row.name,
        "adaptation_steps_median": median(curves.steps),
        "adaptation_milliseconds_median": median(times),
        "adaptation_reached": None if threshold is None else float(np.isfinite(at).mean()),
    }
    if curves.consumed:
        found["adaptation_environment_steps_median"] = median(curves.environment_steps)
    return found
