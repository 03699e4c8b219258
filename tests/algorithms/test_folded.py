"""A learner for each fold learns what it would learn alone, from its own tasks only."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.func import vmap

from tests.experiments import COURSES, REGRESSION, Smooth, algorithm, episodes, meta_parameters
from workbench.algorithms import Params
from workbench.algorithms.folded import Folded
from workbench.algorithms.memory import Memory
from workbench.engine.meta_step import MetaStep
from workbench.errors import DataError
from workbench.tasks.base import FOLD, Episode, TaskShape

FOLDS, EACH = 3, 2
SHAPES = {"empirical_bayes": COURSES, "population": COURSES}


def in_folds(episode: Episode) -> Episode:
    """The same tasks, each for one fold after the other."""
    fold = torch.arange(episode.count) % FOLDS

    def of(data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return data | {FOLD: fold[:, None].expand(len(fold), data["x"].shape[1])}

    return episode._replace(support=of(episode.support), query=of(episode.query))


def folded(name: str, **settings: object) -> tuple[Folded, Params, TaskShape]:
    """The learner, and meta-parameters that differ from fold to fold."""
    shape = SHAPES.get(name, REGRESSION)
    learner = algorithm(name, Smooth(2, 1), replace(shape, folds=FOLDS), **settings)
    assert isinstance(learner, Folded)
    meta = meta_parameters(learner)
    shift = 0.1 * torch.arange(FOLDS, dtype=torch.float64)
    return learner, {n: each + shift.view(-1, *[1] * (each.dim() - 1)) for n, each in meta.items()}, shape


@pytest.mark.parametrize("name", ["maml", "reptile", "cnp", "population", "empirical_bayes", "fusion"])
def test_each_learner_learns_and_predicts_as_it_would_alone(name: str) -> None:
    learner, meta, shape = folded(name, **({"batch": "all"} if name == "reptile" else {}))
    tasks = episodes(shape, learner.new_tasks(EACH))
    assert tasks.count % FOLDS == 0
    g, alone = torch.Generator(), learner.base
    prepared = learner.prepare(in_folds(tasks), 0.3, g, Memory(0))
    together, losses = MetaStep(learner, chunk=prepared.count).gradient(meta, prepared)
    for fold in range(FOLDS):
        own = tasks.map(lambda each, at=fold: each[at::FOLDS])
        of_fold = {n: each[fold] for n, each in meta.items()}
        asked = alone.prepare(own, 0.3, g, Memory(0))
        gradient, expected = MetaStep(alone, chunk=asked.count).gradient(of_fold, asked)
        torch.testing.assert_close({n: each[fold] for n, each in together.items()}, gradient)
        torch.testing.assert_close(losses[fold::FOLDS], expected)
        if learner.outer.update:
            moved = learner.outer.update(meta, together, 0.1)
            wanted = alone.outer.update(of_fold, gradient, 0.1)  # type: ignore[misc]
            torch.testing.assert_close({n: each[fold] for n, each in moved.items()}, wanted)
        adapted = vmap(lambda support: learner.adapt(meta, support, 2))(in_folds(tasks).support)
        said = vmap(learner.predict)(adapted, tasks.query["x"])[fold::FOLDS]
        own_learners = vmap(lambda support, at=of_fold: alone.adapt(at, support, 2))(own.support)
        torch.testing.assert_close(said, vmap(alone.predict)(own_learners, own.query["x"]))


def test_what_is_fitted_is_fitted_on_the_tasks_of_each_fold() -> None:
    learner, meta, shape = folded("fusion", weights="validation")
    tasks = episodes(shape, 6)
    found = learner.fit(meta, [in_folds(tasks)])
    for fold in range(FOLDS):
        own = tasks.map(lambda each, at=fold: each[at::FOLDS])
        expected = learner.base.fit({n: each[fold] for n, each in meta.items()}, [own])
        torch.testing.assert_close({n: each[fold] for n, each in found.items()}, expected)


def test_who_would_learn_from_tasks_of_other_folds_is_refused() -> None:
    learner, _, shape = folded("mer")
    tasks = in_folds(episodes(shape, learner.new_tasks(EACH)))
    with pytest.raises(DataError, match=r"MER learns from past tasks .* leave task\.split\.folds out"):
        learner.prepare(tasks, 0.3, torch.Generator(), Memory(learner.capacity))
