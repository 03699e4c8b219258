"""Whether it can be told which tasks a run was trained on, by the loss that they have afterwards: membership
inference (Yeom, Giacomelli, Fredrikson, Jha, CSF 2018, arXiv 1709.01604). It trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.algorithms.base import Algorithm, Params
from workbench.config import Experiment
from workbench.data.progress import Progress
from workbench.engine.building import training_size
from workbench.engine.distinct import Seen
from workbench.engine.episodes import AUDITED, FROZEN_BLOCK, FixedTasks, seeded
from workbench.engine.evaluation import evaluate
from workbench.errors import DataError
from workbench.tasks.base import Episode, TaskFamily

LEAST = 4
"""Tasks of each kind, below which nothing can be told."""

Losses = NDArray[np.float64]


class Membership(NamedTuple):
    """Query losses by inner step and task, ``[steps, tasks]``; infinite where they are no number.

    Attributes
    ----------
    members : of tasks that the run was trained on.
    fresh, others : of tasks of the same distribution that it was not, in two parts.
    left_out : tasks of these that were no others than training tasks, or than one of the first part.
    """

    steps: tuple[int, ...]
    members: Losses
    fresh: Losses
    others: Losses
    left_out: int


def membership(
    algorithm: Algorithm,
    meta: Params,
    experiment: Experiment,
    family: TaskFamily,
    seed: int,
    tasks: int,
    progress: Progress,
) -> Membership:
    """Adapt to training tasks and to twice as many fresh ones of their size, as the run's evaluation does.

    Parameters
    ----------
    experiment : one that has fixed training tasks.
    seed : the run's.
    tasks : how many of the training tasks.

    Raises
    ------
    DataError
        If the data has hardly another task than those of training.
    """
    privacy, settings = experiment.training.privacy, experiment.evaluation
    assert privacy is not None
    source, size = algorithm.training_family(family), training_size(algorithm.config, family)
    fixed = FixedTasks(source, size, privacy.tasks, seed)

    def drawn(kind: int) -> Callable[[int, int], Episode]:
        return lambda first, count: source.sample("train", count, seeded(seed, AUDITED, kind, first), size)

    ways: tuple[Callable[[int, int], Episode], ...] = (
        lambda first, count: fixed[torch.arange(first, first + count)],
        drawn(0),
        drawn(1),
    )
    seen = Seen()

    def blocks() -> Iterator[Episode]:
        for kind, draw in enumerate(ways):
            for first in range(0, tasks, FROZEN_BLOCK):
                progress((kind + first / tasks) / len(ways), "Adapting to training tasks and to fresh ones")
                block = draw(first, min(FROZEN_BLOCK, tasks - first))
                seen.add(block)
                yield block

    curves = evaluate(algorithm, meta, blocks(), settings.inner_steps, transductive=settings.transductive)
    losses = np.nan_to_num(curves.loss, nan=np.inf, posinf=np.inf, neginf=-np.inf)
    members, fresh, others = np.split(losses, len(ways), axis=1)
    known, *new = np.split(seen.episode, len(ways))
    apart = [~np.isin(new[0], known), ~np.isin(new[1], np.concatenate([known, new[0]]))]
    if min(each.sum() for each in apart) < LEAST:
        raise DataError(
            f"the data has too few other tasks than those of training: of {tasks} that were drawn anew "
            f"{apart[0].sum()} are others; at least {LEAST} are needed"
        )
    left_out = sum(int((~each).sum()) for each in apart)
    return Membership(curves.steps, members, fresh[:, apart[0]], others[:, apart[1]], left_out)
