"""Baselines: frozen bodies with new heads, and the nearest neighbour."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    Smooth,
    algorithm,
    episodes,
    experiment,
    family,
    meta_parameters,
)
from workbench.engine.events import Finished
from workbench.engine.trainer import Trainer
from workbench.problems.classification import Classification
from workbench.tasks.base import TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
BOTH = ["baseline", "baseline_pp"]


@pytest.mark.parametrize("name", BOTH)
def test_a_task_trains_nothing_but_its_head(name: str) -> None:
    learner = algorithm(name, Smooth(2, 3), CLASSIFICATION)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, 5)
    for parameter, weight in meta.items():
        # the bias of a classifier of cosines is not used
        moves = parameter == "head.weight" or (parameter == "head.bias" and name == "baseline")
        assert torch.equal(adapted[parameter], weight) != moves, parameter


def test_baselines_head_starts_empty_and_takes_the_steps_of_adam() -> None:
    learner = algorithm("baseline", Smooth(2, 3), CLASSIFICATION, inner_lr=0.05)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    head = torch.nn.Linear(6, 3, dtype=torch.float64)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    adam = torch.optim.Adam(head.parameters(), lr=0.05)
    for adapted in learner.adaptation(meta, task.support, 4):
        torch.testing.assert_close(
            learner.predict(adapted, task.query["x"]), head(learner.embed(meta, task.query["x"]))
        )
        adam.zero_grad()
        F.cross_entropy(head(learner.embed(meta, task.support["x"])), task.support["y"]).backward()
        adam.step()


@pytest.mark.parametrize("name", BOTH)
def test_it_is_trained_to_tell_all_training_classes_apart(name: str) -> None:
    learner = algorithm(name, Smooth(2, 3), CLASSIFICATION)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    assert meta["joint.weight"].shape == (CLASSIFICATION.train_classes, 6)
    features = learner.embed(meta, torch.cat([task.support["x"], task.query["x"]]))
    if name == "baseline":
        logits = F.linear(features, meta["joint.weight"], meta["joint.bias"])
    else:
        logits = 10 * F.cosine_similarity(features[:, None], meta["joint.weight"], dim=-1)
    classes = task.support["classes"][torch.cat([task.support["y"], task.query["y"]])]
    torch.testing.assert_close(learner.loss(meta, task), F.cross_entropy(logits, classes), **TIGHT)


def test_baseline_pps_logits_are_cosines() -> None:
    learner = algorithm("baseline_pp", Smooth(2, 3), CLASSIFICATION, scale=3.0)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    predicted = learner.predict(learner.start(meta, task.support), task.query["x"])
    cosine = F.cosine_similarity(learner.embed(meta, task.query["x"])[:, None], meta["head.weight"], dim=-1)
    torch.testing.assert_close(predicted, 3 * cosine, **TIGHT)


@pytest.mark.parametrize("input_shape", [(2,), (3, 4, 4)])
def test_the_nearest_support_example_gives_its_class(input_shape: tuple[int, ...]) -> None:
    shape = TaskShape(Classification(), input_shape, 3)
    learner = algorithm("nearest_neighbour", Smooth(2, 3), shape)
    task = episodes(shape, tasks=1).one(0)
    predicted = learner.predict(learner.start({}, task.support), task.query["x"])
    distances = torch.cdist(task.query["x"].flatten(1), task.support["x"].flatten(1))
    assert torch.equal(predicted.argmax(1), task.support["y"][distances.argmin(1)])
    of_class = torch.stack([distances[:, task.support["y"] == label].amin(1) for label in range(3)], 1)
    torch.testing.assert_close(predicted, -of_class.square(), rtol=1e-9, atol=1e-9)


def test_the_nearest_support_example_gives_its_value() -> None:
    learner = algorithm("nearest_neighbour", Smooth(2, 1), REGRESSION)
    task = episodes(REGRESSION, tasks=1).one(0)
    predicted = learner.predict(learner.start({}, task.support), task.query["x"])
    nearest = torch.cdist(task.query["x"], task.support["x"]).argmin(1)
    assert torch.equal(predicted, task.support["y"][nearest])


def test_a_run_without_anything_to_train_is_measured_and_can_be_restored() -> None:
    e = experiment("nearest_neighbour")
    trainer = Trainer(e, e.algorithm[0], 0, family(e))
    *_, last = trainer.events()
    assert isinstance(last, Finished)
    assert (trainer.iteration, dict(trainer.meta)) == (0, {})
    assert last.summary["inner_steps"] == [1]
    assert 0 < last.summary["loss"][0] < 6
    again = Trainer(e, e.algorithm[0], 0, family(e))
    again.restore(trainer.state())
    *_, repeated = again.events()
    assert isinstance(repeated, Finished)
    assert repeated.summary["loss"] == last.summary["loss"]
