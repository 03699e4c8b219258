"""Baselines: frozen bodies with new heads, and the nearest neighbour."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    SINUSOID,
    SMALLER,
    Smooth,
    algorithm,
    episodes,
    experiment,
    family,
    meta_parameters,
)
from workbench.algorithms.memory import Memory
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


@pytest.mark.parametrize("features", ["un", "l2n", "cl2n"])
def test_simpleshot_takes_the_nearest_class_mean_of_its_features(features: str) -> None:
    learner = algorithm("simpleshot", Smooth(2, 3), CLASSIFICATION, features=features, scale=2.0)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    meta["mean"] = torch.linspace(-1, 1, 6, dtype=torch.float64)

    def compared(x: torch.Tensor) -> torch.Tensor:
        found = learner.embed(meta, x) - (meta["mean"] if features == "cl2n" else 0)
        return found if features == "un" else found / found.norm(dim=1, keepdim=True)

    support = compared(task.support["x"])
    means = torch.stack([support[task.support["y"] == label].mean(0) for label in range(3)])
    distances = torch.cdist(compared(task.query["x"]), means)
    predicted = learner.predict(learner.start(meta, task.support), task.query["x"]).softmax(1)
    torch.testing.assert_close(predicted, (-2 * distances.square()).softmax(1), **TIGHT)


def test_simpleshot_centres_about_the_mean_feature_of_the_tasks_it_is_fitted_on() -> None:
    learner = algorithm("simpleshot", Smooth(2, 3), CLASSIFICATION)
    meta, tasks = meta_parameters(learner), episodes(CLASSIFICATION, tasks=5)
    found = learner.fit(meta, [tasks.tasks(0, 2), tasks.tasks(2, 5)])
    expected = learner.embed(meta, tasks.support["x"].flatten(0, 1)).mean(0)
    torch.testing.assert_close(found, {"mean": expected}, **TIGHT)
    assert not algorithm("simpleshot", Smooth(2, 3), CLASSIFICATION, features="un").fits


def test_meta_baseline_trains_a_classifier_first_then_cosines_to_class_means() -> None:
    learner = algorithm("meta_baseline", Smooth(2, 3), CLASSIFICATION, pretraining=0.4, scale=3.0)
    baseline = algorithm("baseline", Smooth(2, 3), CLASSIFICATION)
    meta, tasks = meta_parameters(learner), episodes(CLASSIFICATION, tasks=2)
    first, second = (
        learner.loss(meta, learner.prepare(tasks, done, torch.Generator(), Memory(0)).one(0))
        for done in (0.39, 0.4)
    )
    task = tasks.one(0)
    torch.testing.assert_close(first, baseline.loss(meta, task), **TIGHT)
    features = learner.embed(meta, task.support["x"])
    means = torch.stack([features[task.support["y"] == label].mean(0) for label in range(3)])
    cosine = F.cosine_similarity(learner.embed(meta, task.query["x"])[:, None], means, dim=-1)
    torch.testing.assert_close(second, F.cross_entropy(3 * cosine, task.query["y"]), **TIGHT)


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


def test_of_scores_that_mean_no_probabilities_no_calibration_is_told() -> None:
    for name, told in (("nearest_neighbour", False), ("scratch", True)):
        e = experiment(name, *SMALLER, text=SINUSOID.replace('"sinusoid"', '"digits"\nways = 2'))
        *_, last = Trainer(e, e.algorithm[0], 0, family(e)).events()
        assert isinstance(last, Finished)
        assert (last.summary["calibration_error"] is not None) == told
        assert last.summary["diverged"][-1] == 0
