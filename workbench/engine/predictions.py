"""Adapts a learner to a few tasks and keeps what it predicts after 0, 1, …, k inner steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from workbench.algorithms.base import Algorithm, Params
from workbench.config import SPLITS, Experiment, Split
from workbench.engine.episodes import seeded
from workbench.engine.evaluation import predict_alone, predict_together
from workbench.engine.predicted import Predictions, Request
from workbench.engine.trainer import Trainer, evaluation_size
from workbench.tasks.base import Episode, EpisodeSize, TaskFamily
from workbench.tasks.standard import Standards

FUNCTION_POINTS = 200
"""Queries that show a function of one number as a curve."""

MOST_QUERIES = 15
"""Queries of each class: as many as a person looks at."""


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
        ``[count, …]``; a function of one number has 200 queries (fewer where its data ends), sorted by x.
    """
    size = _size(experiment, family)
    drawn = [
        family.sample(split, 1, _stream(experiment, split, number, seed), size)
        for number in range(first, first + count)
    ]
    episode = Episode.joined(drawn)
    if not is_curve(family):
        return episode
    order = episode.query_x.argsort(1)
    return episode._replace(
        query_x=episode.query_x.gather(1, order),
        query_y=episode.query_y.gather(1, order.expand_as(episode.query_y)),
    )


def _size(experiment: Experiment, family: TaskFamily) -> EpisodeSize:
    size = evaluation_size(experiment, family)
    if is_curve(family):
        return size._replace(queries=min(FUNCTION_POINTS, family.most_queries or FUNCTION_POINTS))
    classified = family.shape.problem == "classification"
    return size._replace(queries=min(size.queries, MOST_QUERIES)) if classified else size


def _stream(experiment: Experiment, split: Split, number: int, seed: int | None = None) -> torch.Generator:
    start = experiment.evaluation.seed if seed is None else seed
    return seeded(start, 3, SPLITS.index(split), number)


def is_curve(family: TaskFamily) -> bool:
    """Whether a task is a function of one number."""
    return family.shape.problem == "regression" and family.shape.input_shape == (1,)


def predict(
    algorithm: Algorithm,
    meta: Params,
    episode: Episode,
    steps: int,
    *,
    transductive: bool = True,
    first: int = 0,
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
    """
    alone = not transductive and algorithm.network.uses_batch_statistics
    of_query = predict_alone if alone else predict_together
    classified = algorithm.shape.problem == "classification"

    def of_task(meta: Params, episode: Episode) -> tuple[Tensor, Tensor]:
        outputs, losses = [], []
        for learner in algorithm.adaptation(meta, episode.support, steps):
            output = of_query(algorithm, learner, episode)
            losses.append(algorithm.task_loss(output, episode.query_y))
            outputs.append(output.softmax(-1) if classified else output)
        return torch.stack(outputs), torch.stack(losses)

    with torch.no_grad():
        weights = {name: weight.detach() for name, weight in meta.items()}
        outputs, losses = vmap(of_task, in_dims=(None, 0), out_dims=1)(weights, episode)
    count = len(outputs)
    support_x, support_y, query_x, query_y, _ = (each.cpu().numpy() for each in episode.tensors)
    return Predictions(
        problem=algorithm.shape.problem,
        first=first,
        steps=tuple(range(count)) if algorithm.adapts_stepwise else (1,),
        support_x=support_x,
        support_y=support_y,
        query_x=query_x,
        query_y=query_y,
        outputs=outputs.cpu().numpy(),
        loss=losses.double().cpu().numpy(),
    )


def in_own_units(found: Predictions, standards: Standards) -> Predictions:
    """Predictions of standardised values in the units of the data. The loss stays that of training."""
    return replace(
        found,
        support_x=standards.x.undone(found.support_x),
        query_x=standards.x.undone(found.query_x),
        support_y=standards.y.undone(np.asarray(found.support_y, np.float64)),
        query_y=standards.y.undone(np.asarray(found.query_y, np.float64)),
        outputs=standards.y.undone(found.outputs),
        standardised=True,
    )


def requested(
    algorithm: Algorithm, meta: Params, experiment: Experiment, family: TaskFamily, request: Request
) -> Predictions:
    """What a view asks for, from weights that were learned in an experiment."""
    count = request.tasks if family.shape.problem == "regression" else 1
    episode = sample_tasks(experiment, family, count, first=request.first)
    device = next(iter(meta.values())).device
    settings = experiment.evaluation
    found = predict(
        algorithm,
        meta,
        episode.to(device),
        min(settings.inner_steps, request.steps),
        transductive=settings.transductive,
        first=request.first,
    )
    if family.standards is not None:
        found = in_own_units(found, family.standards)
    generator = _stream(experiment, "validation", request.first)
    return replace(found, excerpt=family.excerpt("validation", generator, _size(experiment, family)))


def compute(trainer: Trainer, request: Request) -> Predictions:
    """What a run in training predicts at present; called on its thread between two events.

    The rest of the run is bit for bit as it would have been.
    """
    return requested(trainer.algorithm, trainer.meta, trainer.experiment, trainer.family, request)
