"""Whether it can be told which tasks a run was trained on, by the loss that they have afterwards: membership
inference (Yeom, Giacomelli, Fredrikson, Jha, CSF 2018, arXiv 1709.01604). It trains nothing.

Beside the loss that *shadow* runs, trained on other tasks, have on the same tasks it tells more: a likelihood
ratio (Carlini et al., S&P 2022, arXiv 2112.03570, the offline attack), where log losses are normal with one
variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

KINDS = 3
"""Training tasks, fresh ones, and others of these."""

LEAST = 4
"""Tasks of each kind, below which nothing can be told."""

Losses = NDArray[np.float64]


class Membership(NamedTuple):
    """How much tasks are unlike training tasks, by inner step and task, ``[steps, tasks]``: their query loss,
    or that beside what shadow runs have.

    Attributes
    ----------
    members : of tasks that the run was trained on.
    fresh, others : of tasks of the same distribution that it was not, in two parts.
    left_out : tasks that are the same as one before them.
    shadows : how many shadow runs there were.
    """

    steps: tuple[int, ...]
    members: Losses
    fresh: Losses
    others: Losses
    left_out: int
    shadows: int


def membership(
    learners: Sequence[tuple[Algorithm, Params]],
    experiment: Experiment,
    family: TaskFamily,
    seed: int,
    tasks: int,
    progress: Progress,
) -> Membership:
    """Adapt to training tasks and to twice as many fresh ones of their size, as the run's evaluation does.

    Parameters
    ----------
    learners : the run's, and those of shadow runs, with what they have learned.
    experiment, seed : the run's, which has fixed training tasks.
    tasks : how many of the training tasks.

    Raises
    ------
    DataError
        If the data has hardly another task than those of training.
    """
    privacy, settings, algorithm = experiment.training.privacy, experiment.evaluation, learners[0][0]
    assert privacy is not None
    source, size = algorithm.training_family(family), training_size(algorithm.config, family)
    fixed = FixedTasks(source, size, privacy.tasks, seed)
    seen = Seen()

    def drawn(kind: int, first: int, count: int) -> Episode:
        if not kind:
            return fixed[torch.arange(first, first + count)]
        return source.sample("train", count, seeded(seed, AUDITED, kind, first), size)

    def blocks(number: int) -> Iterator[Episode]:
        for kind in range(KINDS):
            for first in range(0, tasks, FROZEN_BLOCK):
                done = (number + (kind + first / tasks) / KINDS) / len(learners)
                progress(done, "Adapting to training tasks and to fresh ones")
                block = drawn(kind, first, min(FROZEN_BLOCK, tasks - first))
                if not number:
                    seen.add(block)
                yield block

    curves = [
        evaluate(each, meta, blocks(number), settings.inner_steps, transductive=settings.transductive)
        for number, (each, meta) in enumerate(learners)
    ]
    own, *shadows = (np.nan_to_num(each.loss, nan=np.inf, posinf=np.inf) for each in curves)
    losses = _beside(own, shadows) if shadows else own
    new = np.zeros(KINDS * tasks, bool)
    new[np.unique(seen.episode, return_index=True)[1]] = True
    members, fresh, others = parts = [
        part[:, counts]
        for part, counts in zip(np.split(losses, KINDS, axis=1), np.split(new, KINDS), strict=True)
    ]
    if min(part.shape[1] for part in parts) < LEAST:
        raise DataError(
            f"the data has too few tasks beside those of training: of {KINDS} times {tasks} that were drawn "
            f"{', '.join(str(part.shape[1]) for part in parts)} are new; at least {LEAST} are needed"
        )
    return Membership(curves[0].steps, members, fresh, others, int((~new).sum()), len(shadows))


def _beside(own: Losses, shadows: Sequence[Losses]) -> Losses:
    """The logarithm of losses (or where some are below 0, themselves) less its mean over shadow runs."""
    every = np.stack([own, *shadows])
    finite = every[np.isfinite(every)]
    every = every.clip(finite.min(initial=0.0), finite.max(initial=0.0))
    if every.min() >= 0:
        every = np.log(every + np.finfo(np.float64).tiny)
    return np.asarray(every[0] - every[1:].mean(0), np.float64)
