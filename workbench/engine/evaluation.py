"""Adaptation curves on frozen episodes, and what is reported of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from workbench.algorithms import attacks
from workbench.algorithms.base import Algorithm, Params
from workbench.config import Attack
from workbench.engine import intervals
from workbench.engine.crew import Crew
from workbench.engine.devices import synchronise
from workbench.engine.episodes import ATTACKED, FrozenEpisodes, seeded
from workbench.engine.interruption import Asked, give_up_if, nobody_asks
from workbench.tasks.base import Episode, numbers_in, valid_range

CHUNK_NUMBERS = 1_000_000
TIMED_TASKS = 20
Measured = tuple[dict[str, NDArray[Any]], dict[str, dict[str, NDArray[Any]]]]
"""What is measured of a chunk of tasks: the curve's arrays, and the report's by group."""


@dataclass(frozen=True)
class Curves:
    """What every task did at every inner step.

    Attributes
    ----------
    steps : the inner steps measured (0 … N; for a closed form the one adaptation, 1).
    loss : query loss, ``[steps, tasks]``.
    accuracy : ``[steps, tasks]``, or None for regression.
    confidence, correct : of each query example at the last step, ``[tasks, n_q]``, or None.
    report : what the algorithm measures of itself at the last step, and what an attack does: ``[tasks]`` by
        group and name.
    episode : which distinct episode each task is, ``[tasks]``; None where none repeats another.
    """

    steps: tuple[int, ...]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64] | None
    confidence: NDArray[np.float64] | None
    correct: NDArray[np.bool_] | None
    report: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    episode: NDArray[np.int64] | None = None

    def of(self, episodes: FrozenEpisodes) -> Curves:
        """The same, with what is known of the episodes that were measured."""
        episode = episodes.seen.episode
        return replace(self, episode=episode if len(np.unique(episode)) < len(episode) else None)

    def interval(self, values: NDArray[np.float64]) -> intervals.Interval:
        """The mean over tasks with its interval; what repeats an episode counts as one with it."""
        return intervals.mean_interval(intervals.collapsed(values, self.episode))

    def summary(self) -> Any:
        """Means by step with their intervals over tasks; JSON types, None where there is no number."""
        result: dict[str, Any] = {"inner_steps": list(self.steps), "tasks": self.loss.shape[1]}
        for name, values in (("loss", self.loss), ("accuracy", self.accuracy)):
            each_step = None if values is None else [self.interval(row) for row in values]
            result[name] = each_step and [number(each.mean) for each in each_step]
            result[f"{name}_ci95"] = each_step and [number(each.half_width) for each in each_step]
        result["loss_median"] = [number(float(np.median(row))) for row in self.loss]
        result["diverged"] = [int(row.sum()) for row in intervals.diverged(self.loss)]
        result["report"] = {
            group: {name: reported(self.interval(values)) for name, values in entries.items()}
            for group, entries in self.report.items()
        }
        return result

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, for storage."""
        names = ("loss", "accuracy", "confidence", "correct", "episode")
        arrays = {name: value for name in names if (value := getattr(self, name)) is not None}
        return arrays | {
            f"{group}/{name}": values
            for group, entries in self.report.items()
            for name, values in entries.items()
        }


def reported(interval: intervals.Interval) -> dict[str, float | None]:
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

    def make(algorithm: Algorithm) -> Callable[[Episode], Measured]:
        batched = vmap(_curve_of(algorithm, steps, alone, asked, attack), in_dims=(None, 0))

        def compute(part: Episode) -> Measured:
            with torch.no_grad():
                curve, report = batched(meta, part)
            return _arrays(curve), {group: _arrays(entries) for group, entries in report.items()}

        return compute

    crew = Crew(algorithm, make, threads)
    try:
        parts = list(crew.map(_chunks(episodes, alone)))
    finally:
        crew.close()
    curve = _joined([part for part, _ in parts])
    groups = parts[0][1]
    return Curves(
        tuple(range(curve["loss"].shape[1])) if algorithm.adapts_stepwise else (1,),
        curve["loss"].T.astype(np.float64),
        curve["accuracy"].T.astype(np.float64) if "accuracy" in curve else None,
        curve["confidence"].astype(np.float64) if "confidence" in curve else None,
        curve.get("correct"),
        {
            group: {
                name: values.astype(np.float64)
                for name, values in _joined([report[group] for _, report in parts]).items()
            }
            for group in groups
        },
    )


def _arrays(tensors: Params) -> dict[str, NDArray[Any]]:
    return {name: tensor.cpu().numpy() for name, tensor in tensors.items()}


def _joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _curve_of(
    algorithm: Algorithm, steps: int, alone: bool, asked: Asked, attack: Attack | None
) -> Callable[[Params, Episode], tuple[Params, dict[str, Params]]]:
    """For one task: loss by step and, for classification, accuracy by step, confidence and correctness of
    each query; and the report on the last learner."""
    predict = predict_alone if alone else predict_together

    def curve(meta: Params, episode: Episode) -> tuple[Params, dict[str, Params]]:
        losses, accuracies = [], []
        for learner in algorithm.adaptation(meta, episode.support, steps):
            give_up_if(asked)
            prediction = predict(algorithm, learner, episode)
            losses.append(algorithm.problem.loss(partial(_said, prediction), episode.query))
            if "classes" in algorithm.problem.gives:
                accuracies.append((prediction.argmax(-1) == episode.query["y"]).float().mean())
        report = algorithm.report(meta, learner, episode)
        if not accuracies:
            return {"loss": torch.stack(losses)}, report
        if attack is not None:
            report = report | {"robust": _robust(algorithm, learner, episode, predict, attack, asked)}
        confidence, label = prediction.softmax(-1).max(-1)
        found = {"loss": torch.stack(losses), "accuracy": torch.stack(accuracies)}
        return found | {"confidence": confidence, "correct": label == episode.query["y"]}, report

    return curve


def _robust(
    algorithm: Algorithm,
    learner: Params,
    episode: Episode,
    predict: Callable[[Algorithm, Params, Episode], Tensor],
    attack: Attack,
    asked: Asked,
) -> Params:
    """Loss and accuracy on queries that were attacked through the adapted weights."""

    def loss(x: Tensor) -> Tensor:
        give_up_if(asked)
        prediction = predict(algorithm, learner, episode._replace(query=episode.query | {"x": x}))
        return algorithm.problem.loss(partial(_said, prediction), episode.query)

    bounds = valid_range(algorithm.shape, "evaluation.attack")
    if attack.kind == "fgsm":
        x = attacks.fgsm(loss, episode.query["x"], epsilon=attack.epsilon, bounds=bounds)
    else:
        x = attacks.pgd(
            loss,
            episode.query["x"],
            epsilon=attack.epsilon,
            steps=attack.steps,
            step_size=attack.step_size,
            bounds=bounds,
            noise=episode.extra["noise"],
        )
    prediction = predict(algorithm, learner, episode._replace(query=episode.query | {"x": x}))
    return algorithm.problem.measured(partial(_said, prediction), episode.query)


def _said(prediction: Tensor, x: Tensor) -> Tensor:
    """What was predicted of x already."""
    return prediction


def with_noise(episodes: FrozenEpisodes) -> Iterator[Episode]:
    """The episodes with the random starts of attacks on their queries, the same for every run."""
    for number, block in enumerate(episodes):
        generator = seeded(episodes.seed, ATTACKED, number)
        noise = torch.rand(block.query["x"].shape, generator=generator).to(block.device)
        yield block._replace(extra={"noise": noise})


def predict_together(algorithm: Algorithm, learner: Params, episode: Episode) -> Tensor:
    """A task's queries, which batch norm sees together."""
    return algorithm.predict(learner, episode.query["x"])


def predict_alone(algorithm: Algorithm, learner: Params, episode: Episode) -> Tensor:
    """Each of a task's queries, beside the support set only."""

    def one(query: Tensor) -> Tensor:
        return algorithm.predict(learner, torch.cat([episode.support["x"], query[None]]))[-1]

    return vmap(one)(episode.query["x"])


def _chunks(episodes: Iterable[Episode], alone: bool) -> Iterator[Episode]:
    """Tasks adapted at once: by the size of a task only, so the same on every machine."""
    for block in episodes:
        support, queries = numbers_in(block.support), numbers_in(block.query)
        numbers = queries + (support * block.query["x"].shape[1] if alone else support)
        size = max(1, CHUNK_NUMBERS // numbers)
        for start in range(0, block.count, size):
            yield block.tasks(start, start + size)


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
    threshold: float,
    threads: int = 1,
    asked: Asked = nobody_asks,
    attack: Attack | None = None,
) -> tuple[Any, Mapping[str, NDArray[Any]]]:
    """Measure meta-test episodes once: the summary of design.md, section 6, and the per-task arrays.

    Parameters
    ----------
    test : the frozen meta-test episodes.
    train : frozen meta-training episodes of the same size, for the generalisation gap.
    steps : inner steps of the curve.
    threshold : τ, the query loss that counts as adapted.
    threads : chunks of tasks computed at the same time.
    asked : asked often whether to give up, with an :class:`AbandonedError`.
    attack : attack the queries of the meta-test episodes too.
    """

    def measured(episodes: FrozenEpisodes, attack: Attack | None = None) -> Curves:
        return evaluate(
            algorithm,
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
    reached = intervals.steps_to_reach(curves.loss, threshold)
    took = np.array([times[int(index)] if math.isfinite(index) else math.inf for index in reached])
    steps_taken = np.array(
        [curves.steps[int(index)] if math.isfinite(index) else math.inf for index in reached]
    )
    gap = intervals.difference_interval(
        *(intervals.collapsed(each.loss[-1], each.episode) for each in (curves, seen))
    )
    summary = {
        "split": test.split,
        "episodes": test.count,
        "episodes_hash": test.hash,
        **curves.summary(),
        "adaptation_threshold": threshold,
        "adaptation_steps_median": number(float(np.median(steps_taken))),
        "adaptation_milliseconds_median": number(float(np.median(took))),
        "adaptation_reached": float(np.isfinite(reached).mean()),
        "milliseconds_by_step": times,
        "generalisation_gap": number(gap.mean),
        "generalisation_gap_ci95": number(gap.half_width),
        "train_loss": [number(seen.interval(row).mean) for row in seen.loss],
        "calibration_error": None,
        "attack": None if attack is None else attack.model_dump(),
        "transductive": transductive if algorithm.network.uses_batch_statistics else None,
        **dict(zip(("ways", "shots", "queries"), test.size, strict=True)),
        **test.seen.summary(),
    }
    if curves.confidence is not None and curves.correct is not None:
        summary["calibration_error"] = number(intervals.calibration_error(curves.confidence, curves.correct))
    return summary, curves.arrays()
