"""Adapts a learner to a few tasks and keeps what it predicts after 0, 1, …, k inner steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.func import vmap

from workbench.algorithms.base import Algorithm, Params
from workbench.algorithms.trials import TrialLearner
from workbench.config import SPLITS, AnyWays, Experiment, Split
from workbench.data.progress import Progress, silent
from workbench.engine.building import evaluation_size
from workbench.engine.episodes import ACTED, frozen_tasks, seeded
from workbench.engine.evaluation import acted_together, once, predictor
from workbench.engine.predicted import Predictions, Request
from workbench.engine.trainer import Trainer
from workbench.problems.regression import SPREAD
from workbench.tasks.base import DataError, Episode, EpisodeSize, TaskFamily
from workbench.tasks.cases import Case
from workbench.tasks.standard import Standards

MARGIN_TASKS, MARGIN_CHUNK = 100, 10
"""Meta-validation tasks by which it is judged how sure predictions are, and how many of them at once."""


def sample_tasks(
    experiment: Experiment,
    family: TaskFamily,
    count: int,
    split: Split = "validation",
    seed: int | None = None,
    *,
    first: int = 0,
) -> Episode:
    """Tasks to look at: the same for every run of an experiment, whatever the count.

    Parameters
    ----------
    count, first : how many tasks, and the number of the first.
    seed : of the stream; None takes the evaluation's. They are tasks of the same split as the frozen
        validation (or test) episodes, drawn apart from them.

    Returns
    -------
    Episode
        ``[count, …]``, with as many queries as the problem draws (fewer where the family's data ends).
    """
    size = _size(experiment, family)
    drawn = [
        family.looked_at(split, number, _stream(experiment, split, number, seed), size)
        for number in range(first, first + count)
    ]
    return Episode.joined(drawn)


def _size(experiment: Experiment, family: TaskFamily) -> EpisodeSize:
    size = evaluation_size(experiment, family)
    wanted = family.problem.queries_shown(size.queries, family.shape.input_shape)
    return size._replace(queries=min(wanted, family.most_queries or wanted))


def _stream(experiment: Experiment, split: Split, number: int, seed: int | None = None) -> torch.Generator:
    start = experiment.evaluation.seed if seed is None else seed
    return seeded(start, 3, SPLITS.index(split), number)


def predict(
    algorithm: Algorithm,
    meta: Params,
    episode: Episode,
    steps: int,
    *,
    transductive: bool = True,
    first: int = 0,
    watched: bool = False,
    number: int = 0,
) -> Predictions:
    """Adapt to every task and predict its query set after 0, 1, …, ``steps`` inner steps.

    Neither weights nor any global random state change, and no gradient is kept.

    Parameters
    ----------
    algorithm, meta : the learner and its meta-parameters.
    episode : T tasks, on the device of the meta-parameters.
    steps : inner steps.
    transductive : as in :func:`workbench.engine.evaluation.evaluate`.
    first : the number of the first task, to be told on.
    watched : whether the loss on the support set is told, too.
    number : of the part of the frozen episodes that these are (see
        :func:`~workbench.engine.evaluation.acted_together`), for who draws chance of its own.
    """
    if isinstance(algorithm, TrialLearner):
        return _acted(algorithm, meta, episode, first, number)
    alone = not transductive and algorithm.network.uses_batch_statistics
    problem = algorithm.problem

    known = problem.known(episode.query)

    def of_task(meta: Params, episode: Episode) -> tuple[Params, Params, Params]:
        shown, measured, inner = [], [], []
        query = problem.judged(episode.support, episode.query)
        for learner in algorithm.adaptation(meta, episode.support, steps):
            said = once(predictor(algorithm, learner, episode.support, alone=alone))
            shown.append(problem.predicted(said, episode.query))
            measured.append(problem.measured(said, query) if known else {})
            of_support = partial(algorithm.predict, learner)
            inner.append({"inner": problem.adapt_loss(of_support, episode.support)} if watched else {})
        return _stacked(shown), _stacked(measured), _stacked(inner)

    with torch.no_grad():
        weights = {name: weight.detach() for name, weight in meta.items()}
        shown, measured, inner = vmap(of_task, in_dims=(None, 0), out_dims=1)(weights, episode)
    count = len(next(iter(shown.values())))
    found = _predictions(
        algorithm,
        episode,
        shown,
        measured,
        first=first,
        steps=tuple(range(count)) if algorithm.adapts_stepwise else (1,),
    )
    return replace(found, inner=inner["inner"].double().cpu().numpy()) if watched else found


def _acted(algorithm: TrialLearner, meta: Params, episode: Episode, first: int, number: int) -> Predictions:
    """What who acts in trials did in each episode of a trial: that is after 0, 1, … episodes."""
    query, problem = episode.query, algorithm.problem
    with torch.no_grad():
        acted = algorithm.act(meta, query, seeded(ACTED, number))
        measured = problem.by_episode(acted, query)
    episodes = problem.episodes(query)
    rows = {name: torch.unflatten(each, 1, (episodes, 1, -1)).swapaxes(0, 1) for name, each in acted.items()}
    measured = {name: each.T for name, each in measured.items()}
    steps = tuple(range(episodes))
    return _predictions(algorithm, episode, rows, measured, first=first, steps=steps, trial=True)


def _predictions(
    algorithm: Algorithm,
    episode: Episode,
    shown: Params,
    measured: Params,
    *,
    first: int,
    steps: tuple[int, ...],
    trial: bool = False,
) -> Predictions:
    """All of it as plain values."""
    support, query = (
        {name: each.cpu().numpy() for name, each in part.items() if name != "classes"}
        for part in (episode.support, episode.query)
    )
    return Predictions(
        problem=algorithm.problem,
        first=first,
        steps=steps,
        support=support,
        query=query,
        outputs={name: each.double().cpu().numpy() for name, each in shown.items()},
        measured={name: each.double().cpu().numpy() for name, each in measured.items()},
        trial=trial,
    )


def _stacked(by_step: list[Params]) -> Params:
    return {name: torch.stack([each[name] for each in by_step]) for name in by_step[0]}


def use(
    algorithm: Algorithm,
    meta: Params,
    experiment: Experiment,
    family: TaskFamily,
    case: Case,
    progress: Progress = silent,
) -> Predictions:
    """Adapt to a new case as the experiment's evaluation does, and predict its queries, in their own units.

    How far from the truth the predictions may be is measured on meta-validation tasks of the same size, where
    the problem has a way and the data such tasks; a new task that is like them is as sure.

    Raises
    ------
    DataError
        If the case has other ways, and the learner an output for each of those that it was trained on.
    """
    device = next((weight.device for weight in meta.values()), torch.device("cpu"))
    settings = experiment.evaluation
    usual, needed = algorithm.shape.outputs, case.shape.outputs
    if usual != needed and not _takes_any_ways(algorithm, meta, case.episode.to(device), needed):
        raise DataError(
            f"the support set has {needed} classes, but {algorithm.title} has an output for each of {usual}; "
            f"give {usual} classes, or use a learner that compares examples, such as a prototypical network"
        )

    def predicted(episode: Episode, *, watched: bool = False) -> Predictions:
        steps, together = settings.inner_steps, settings.transductive
        found = predict(algorithm, meta, episode.to(device), steps, transductive=together, watched=watched)
        return in_own_units(found, case.standards) if case.standards else found

    progress(0.6, "Adapting")
    found = predicted(case.episode, watched=True)
    if case.along is not None:
        course = predicted(case.episode._replace(query=case.along))
        found = replace(found, query=course.query, outputs=course.outputs)
    found = replace(
        found, problem=case.shape.problem, names=case.names, columns=case.columns, excerpt=case.excerpt
    )
    size = _like(case.size, experiment, family)
    if not algorithm.problem.band or size is None:
        return found
    outputs: list[dict[str, NDArray[np.float64]]] = []
    queries: list[dict[str, NDArray[np.generic]]] = []
    for first in range(0, MARGIN_TASKS, MARGIN_CHUNK):
        progress(0.65 + 0.35 * first / MARGIN_TASKS, "Measuring how sure that is on meta-validation tasks")
        generator = _stream(experiment, "validation", first)
        others = predicted(family.sample("validation", MARGIN_CHUNK, generator, size))
        outputs.append({name: each[-1] for name, each in others.outputs.items()})
        queries.append({name: each for name, each in others.query.items() if name != "x"})
    joined = [
        {name: np.concatenate([e[name] for e in parts]) for name in parts[0]} for parts in (outputs, queries)
    ]
    return replace(found, margins=algorithm.problem.margins(*joined))


def _like(size: EpisodeSize, experiment: Experiment, family: TaskFamily) -> EpisodeSize | None:
    """The size of meta-validation tasks that are like a case; None where the data gives none."""
    usual = evaluation_size(experiment, family)
    for queries in (usual.queries, 1):
        wanted = size._replace(queries=queries)
        try:
            family.check(wanted, "validation")
        except DataError:
            continue
        return wanted
    return None


def _takes_any_ways(algorithm: Algorithm, meta: Params, episode: Episode, ways: int) -> bool:
    """Whether a learner has as many outputs as a task has classes, whatever it was trained on."""
    if not isinstance(algorithm.config.built_of[-1], AnyWays):
        return False
    task = episode.one(0)
    with torch.no_grad():
        said = algorithm.predict(algorithm.start(meta, task.support), task.query["x"])
    return said.shape[-1] == ways


def in_own_units(found: Predictions, standards: Standards) -> Predictions:
    """Predictions of standardised values in the units of the data. The loss stays that of training."""
    change = {"x": standards.x.undone, "y": standards.y.undone}
    support, query = (
        {
            name: change[name](np.asarray(each, np.float64)) if name in change else each
            for name, each in part.items()
        }
        for part in (found.support, found.query)
    )
    outputs = {
        name: each * standards.y.spread if name == SPREAD else standards.y.undone(each)
        for name, each in found.outputs.items()
    }
    return replace(found, support=support, query=query, outputs=outputs, standardised=True)


def requested(
    algorithm: Algorithm, meta: Params, experiment: Experiment, family: TaskFamily, request: Request
) -> Predictions:
    """What a view asks for, from weights that were learned in an experiment.

    Raises
    ------
    DataError
        If there is no such task.
    """
    device = next((weight.device for weight in meta.values()), torch.device("cpu"))  # some have no weights
    settings = experiment.evaluation

    def predicted(episode: Episode, first: int, number: int = 0) -> Predictions:
        return predict(
            algorithm,
            meta,
            episode.to(device),
            min(settings.inner_steps, request.steps),
            transductive=settings.transductive,
            first=first,
            number=number,
        )

    if family.problem.looks_at_test:
        return _of_the_test(algorithm, experiment, family, request, predicted)
    split, count = family.split_looked_at, request.of(family.problem)
    total = family.most_looked_at(split)
    if total is not None:
        count = min(count, total - request.first)
        if count < 1:
            raise DataError(f"there is no task {request.first + 1}: there are {total}")
    episode = sample_tasks(experiment, family, count, split, first=request.first)
    whole = episode.support
    if request.samples and family.problem.grows:
        few = {name: each[:, : request.samples] for name, each in whole.items()}
        episode = episode._replace(support=few)
    found = predicted(episode, request.first)
    given = found.samples
    found = replace(
        found, support={name: each.cpu().numpy() for name, each in whole.items() if name != "classes"}
    )
    found = replace(found, of_test=split == "test", total=total, withheld=found.samples - given)
    if family.standards is not None:
        found = in_own_units(found, family.standards)
    generator = _stream(experiment, split, request.first)
    return replace(found, excerpt=family.excerpt(split, generator, _size(experiment, family)))


def _of_the_test(
    algorithm: Algorithm,
    experiment: Experiment,
    family: TaskFamily,
    request: Request,
    predicted: Callable[[Episode, int, int], Predictions],
) -> Predictions:
    """What happens in the frozen meta-test episodes, by which the result is: the very same, also of who draws
    chance of its own."""
    total = experiment.evaluation.episodes
    first, count = request.first, min(request.of(family.problem), total - request.first)
    if count < 1:
        raise DataError(f"there is no meta-test task {first + 1}: the experiment has {total}")
    size = evaluation_size(experiment, family)

    def tasks(first: int, count: int) -> Episode:
        return frozen_tasks(family, "test", size, total, experiment.evaluation.seed, first, count)

    if not (isinstance(algorithm, TrialLearner) and algorithm.own_chance):
        return replace(predicted(tasks(first, count), first, 0), total=total)
    parts = []
    while count:
        number, start, together = acted_together(first, total)
        stop = min(first + count, start + together)
        parts.append(predicted(tasks(start, together), start, number).part(first - start, stop - start))
        first, count = stop, first + count - stop
    return replace(Predictions.joined(parts), total=total)


def compute(trainer: Trainer, request: Request) -> Predictions:
    """What a run in training predicts at present; called on its thread between two events.

    The rest of the run is bit for bit as it would have been.
    """
    return requested(trainer.algorithm, trainer.meta, trainer.experiment, trainer.family, request)
