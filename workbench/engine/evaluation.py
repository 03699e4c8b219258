"""Adaptation curves on frozen episodes, and what is reported of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from workbench.algorithms import attacks
from workbench.algorithms.base import Algorithm, Params
from workbench.algorithms.trials import TrialLearner
from workbench.config import Attack
from workbench.engine import intervals
from workbench.engine.crew import Crew
from workbench.engine.episodes import ACTED, ATTACKED, FROZEN_BLOCK, FrozenEpisodes, seeded
from workbench.engine.interruption import Asked, give_up_if, nobody_asks
from workbench.measures import LOSS
from workbench.problems import Data, Predict, Problem
from workbench.problems.base import Forecast
from workbench.summaries import FIRST_EDITION, ByStep, Entry, Summary
from workbench.tasks.base import Episode, numbers_in, valid_range

CHUNK_NUMBERS = 1_000_000
TRIALS = 500
"""Trials that are acted in at once."""

ByName = dict[str, NDArray[np.generic]]
Found = TypeVar("Found")


class Measured(NamedTuple):
    """What is measured of a chunk of tasks, by name; of a report, by group and name."""

    values: ByName
    details: ByName
    report: dict[str, ByName]


@dataclass(frozen=True)
class Curves:
    """What every task did at every inner step.

    Attributes
    ----------
    problem : what kind of task they are.
    steps : the inner steps measured (0 … N; for a closed form the one adaptation, 1).
    values : every measure of the problem, ``[steps, tasks]`` by name.
    details : what the problem keeps of each query at the last step, ``[tasks, n_q]`` by name.
    report : what the algorithm measures of itself at the last step, and what an attack does: ``[tasks]`` by
        group and name.
    consumed : episodes that were acted in before each step; empty where nobody acts.
    episode : which distinct episode each task is, ``[tasks]``; None where none repeats another.
    reference : the loss that ten times of is diverged, see :meth:`~workbench.problems.Problem.diverged`.
    """

    problem: Problem
    steps: tuple[int, ...]
    values: Mapping[str, NDArray[np.float64]]
    details: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    report: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    consumed: tuple[int, ...] = ()
    episode: NDArray[np.int64] | None = None
    reference: float | None = None

    @property
    def loss(self) -> NDArray[np.float64]:
        """Query loss, ``[steps, tasks]``."""
        return self.values[LOSS.name]

    @property
    def environment_steps(self) -> list[int]:
        """Steps of the environment before each step: of whole episodes, also where one ended early."""
        return [each * self.problem.horizon for each in self.consumed]

    def of(self, episodes: FrozenEpisodes) -> Curves:
        """The same, with what is known of the episodes that were measured."""
        episode = episodes.seen.episode
        repeated = episode if len(np.unique(episode)) < len(episode) else None
        return replace(self, episode=repeated, reference=episodes.reference)

    def interval(self, values: NDArray[np.float64]) -> intervals.Interval:
        """The mean over tasks with its interval; what repeats an episode counts as one with it."""
        return intervals.mean_interval(intervals.collapsed(values, self.episode))

    def summary(self) -> Summary:
        """Means by step with their intervals over tasks; None where there is no number."""
        rows = [row.name for row in self.problem.measures]
        by_step = {name: self._by_step(self.values[name]) for name in rows}
        units = {
            row.name: row.unit for row in self.problem.measures if row.unit != self._usual_unit(row.name)
        }
        summary: dict[str, object] = {
            "problem": self.problem.name,
            **({"units": units} if units else {}),
            "inner_steps": list(self.steps),
            "tasks": self.loss.shape[1],
            "measures": by_step,
        }
        for name in FIRST_EDITION:
            summary[name] = by_step[name]["mean"] if name in by_step else None
            summary[f"{name}_ci95"] = by_step[name]["ci95"] if name in by_step else None
        summary["loss_median"] = [number(float(np.median(row))) for row in self.loss]
        summary["diverged"] = [int(row.sum()) for row in self.problem.diverged(self.loss, self.reference)]
        if self.consumed:
            summary["episode"] = self.problem.episode
            summary["episodes_consumed"] = list(self.consumed)
            summary["environment_steps"] = self.environment_steps
        summary["report"] = {
            group: {name: reported(self.interval(values)) for name, values in entries.items()}
            for group, entries in self.report.items()
        }
        return cast("Summary", summary)

    def _usual_unit(self, measure: str) -> str:
        """The unit that the problem gives a measure whatever the data are."""
        row = type(self.problem).row(measure)
        return row.unit if row else ""

    def _by_step(self, values: NDArray[np.float64]) -> ByStep:
        found = [self.interval(row) for row in values]
        return {
            "mean": [number(each.mean) for each in found],
            "ci95": [number(each.half_width) for each in found],
        }

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays by name, for storage."""
        arrays: dict[str, NDArray[np.generic]] = {**self.values, **self.details}
        if self.episode is not None:
            arrays["episode"] = self.episode
        return arrays | {
            f"{group}/{name}": values
            for group, entries in self.report.items()
            for name, values in entries.items()
        }


def reported(interval: intervals.Interval) -> Entry:
    """An entry of a report: the mean with its interval over tasks."""
    return {"mean": number(interval.mean), "ci95": number(interval.half_width)}


def number(value: float) -> float | None:
    """A float that JSON has, or None."""
    return value if math.isfinite(value) else None


def evaluate(
    algorithm: Algorithm,
    meta: Params,
    episodes: Iterable[Episode],
    steps: int,
    *,
    transductive: bool = True,
    threads: int = 1,
    asked: Asked = nobody_asks,
    attack: Attack | None = None,
) -> Curves:
    """Adapt to every task and measure its query set after 0, 1, …, ``steps`` inner steps.

    Parameters
    ----------
    algorithm, meta : the learner and its meta-parameters.
    episodes : blocks of tasks.
    steps : inner steps.
    transductive : let batch norm see all queries of a task at once; otherwise each query is predicted
        beside the support set only.
    threads : chunks of tasks computed at the same time.
    asked : asked between inner steps whether to give up.
    attack : attack the queries of the learner after the last step too; the episodes then have ``noise``.

    Raises
    ------
    AbandonedError
        If so.
    """
    alone = not transductive and algorithm.network.uses_batch_statistics

    if isinstance(algorithm, TrialLearner):
        return trials(algorithm, meta, episodes, asked)

    def make(algorithm: Algorithm) -> Callable[[Episode], Measured]:
        batched = vmap(_curve_of(algorithm, steps, alone, asked, attack), in_dims=(None, 0))

        def compute(part: Episode) -> Measured:
            with torch.no_grad():
                values, details, report = batched(meta, part)
            by_group = {group: _arrays(entries) for group, entries in report.items()}
            return Measured(_arrays(values), _arrays(details), by_group)

        return compute

    crew = Crew(algorithm, make, threads)
    try:
        parts = list(crew.map(_chunks(episodes, alone)))
    finally:
        crew.close()
    return _curves(algorithm, parts)


def _curves(algorithm: Algorithm, parts: list[Measured]) -> Curves:
    values = {name: each.T for name, each in _doubles(_joined([part.values for part in parts])).items()}
    steps = tuple(range(len(values[LOSS.name]))) if algorithm.adapts_stepwise else (1,)
    consumed = [algorithm.consumed(each) for each in steps]
    return Curves(
        algorithm.problem,
        steps,
        values,
        _joined([part.details for part in parts]),
        {group: _doubles(_joined([part.report[group] for part in parts])) for group in parts[0].report},
        tuple(each for each in consumed if each is not None),
    )


def trials(algorithm: TrialLearner, meta: Params, episodes: Iterable[Episode], asked: Asked) -> Curves:
    """The same of who acts in trials and remembers: every measure of each episode of a trial, that is after
    0, 1, … episodes."""
    parts = []
    for number, part in enumerate(_merged(episodes)):
        give_up_if(asked)
        with torch.no_grad():
            acted = algorithm.act(meta, part.query, seeded(ACTED, number))
            values = algorithm.problem.by_episode(acted, part.query)
            report = algorithm.report_trials(meta, part)
        parts.append(
            Measured(_arrays(values), {}, {group: _arrays(entries) for group, entries in report.items()})
        )
    return _curves(algorithm, parts)


def acted_together(index: int, count: int) -> tuple[int, int, int]:
    """With which other frozen episodes, of ``count``, one is measured that somebody acts in: the number of
    that part, its first episode, and how many it has."""
    most = -(-TRIALS // FROZEN_BLOCK) * FROZEN_BLOCK
    number = index // most
    return number, number * most, min(most, count - number * most)


def _merged(episodes: Iterable[Episode]) -> Iterator[Episode]:
    """Blocks joined to so many tasks that a step of all of them is worth its while."""
    waiting: list[Episode] = []
    for block in episodes:
        waiting.append(block)
        if sum(each.count for each in waiting) >= TRIALS:
            yield Episode.joined(waiting)
            waiting = []
    if waiting:
        yield Episode.joined(waiting)


def _arrays(tensors: Params) -> ByName:
    return {name: tensor.cpu().numpy() for name, tensor in tensors.items()}


def _joined(parts: list[ByName]) -> ByName:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _doubles(arrays: ByName) -> dict[str, NDArray[np.float64]]:
    return {name: each.astype(np.float64) for name, each in arrays.items()}


def _curve_of(
    algorithm: Algorithm, steps: int, alone: bool, asked: Asked, attack: Attack | None
) -> Callable[[Params, Episode], tuple[Params, Params, dict[str, Params]]]:
    """For one task: every measure by step, and the details and the report of the last learner."""
    problem = algorithm.problem

    def curve(meta: Params, episode: Episode) -> tuple[Params, Params, dict[str, Params]]:
        found: list[Params] = []
        query = problem.judged(episode.support, episode.query)
        for learner in algorithm.adaptation(meta, episode.support, steps):
            give_up_if(asked)
            predict = once(predictor(algorithm, learner, episode.support, alone=alone))
            found.append(problem.measured(predict, query))
        report = algorithm.report(meta, learner, episode)
        if attack is not None:
            predict_attacked = predictor(algorithm, learner, episode.support, alone=alone)
            report = report | {"robust": _robust(algorithm, predict_attacked, episode, attack, asked)}
        values = {name: torch.stack([each[name] for each in found]) for name in found[0]}
        return values, problem.details(predict, query), report

    return curve


def predictor(algorithm: Algorithm, learner: Params, support: Data, *, alone: bool) -> Predict:
    """What an adapted learner predicts of a task's queries, which batch norm sees together; ``alone`` each
    beside the support set only. Who gives a distribution has no batch norm."""

    def one(query: Tensor) -> Tensor:
        return algorithm.predict(learner, torch.cat([support["x"], query[None]]))[-1]

    predict = vmap(one) if alone else partial(algorithm.predict, learner)
    return Forecast(predict, partial(algorithm.distribution, learner))


def once(predict: Predict) -> Predict:
    """The same, computed once where the same inputs are asked for again."""
    if isinstance(predict, Forecast):
        return Forecast(_remembering(predict), _remembering(predict.distribution))
    return _remembering(predict)


def _remembering(asked: Callable[[Tensor], Found]) -> Callable[[Tensor], Found]:
    known: list[tuple[Tensor, Found]] = []

    def remembered(x: Tensor) -> Found:
        if not known or known[0][0] is not x:
            known[:] = [(x, asked(x))]
        return known[0][1]

    return remembered


def _robust(algorithm: Algorithm, predict: Predict, episode: Episode, attack: Attack, asked: Asked) -> Params:
    """Every measure on queries that were attacked through the adapted weights."""
    problem = algorithm.problem
    query = problem.judged(episode.support, episode.query)

    def loss(x: Tensor) -> Tensor:
        give_up_if(asked)
        return problem.loss(predict, query | {"x": x})

    bounds = valid_range(algorithm.shape, "evaluation.attack")
    if attack.kind == "fgsm":
        x = attacks.fgsm(loss, query["x"], epsilon=attack.epsilon, bounds=bounds)
    else:
        x = attacks.pgd(
            loss,
            query["x"],
            epsilon=attack.epsilon,
            steps=attack.steps,
            step_size=attack.step_size,
            bounds=bounds,
            noise=episode.extra["noise"],
        )
    return problem.measured(predict, query | {"x": x})


def with_noise(episodes: FrozenEpisodes) -> Iterator[Episode]:
    """The episodes with the random starts of attacks on their queries, the same for every run."""
    for number, block in enumerate(episodes):
        generator = seeded(episodes.seed, ATTACKED, number)
        noise = torch.rand(block.query["x"].shape, generator=generator).to(block.device)
        yield block._replace(extra={"noise": noise})


def _chunks(episodes: Iterable[Episode], alone: bool) -> Iterator[Episode]:
    """Tasks adapted at once: by the size of a task only, so the same on every machine."""
    for block in episodes:
        support, queries = numbers_in(block.support), numbers_in(block.query)
        numbers = queries + (support * block.query["x"].shape[1] if alone else support)
        size = max(1, CHUNK_NUMBERS // numbers)
        for start in range(0, block.count, size):
            yield block.tasks(start, start + size)
