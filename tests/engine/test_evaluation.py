"""Adaptation curves: batched equals one by one, and what is reported of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.experiments import (
    EVERY,
    SEARCHES,
    Smooth,
    algorithm,
    episodes,
    experiment,
    family,
    loss_of,
    meta_parameters,
)
from workbench.config import parse
from workbench.engine import evaluation
from workbench.engine.episodes import FrozenEpisodes, TrainingEpisodes
from workbench.engine.events import Finished
from workbench.engine.trainer import Trainer
from workbench.networks.conv4 import Conv4, Conv4Config
from workbench.problems.classification import Classification
from workbench.tasks.base import Episode, EpisodeSize, TaskShape


@pytest.mark.parametrize(("name", "shape"), EVERY)
def test_the_curve_of_a_batch_equals_adapting_to_each_task_alone(name: str, shape: TaskShape) -> None:
    learner = algorithm(name, Smooth(2, shape.outputs), shape)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=7)
    curves = evaluation.evaluate(learner, meta, [tasks.tasks(0, 4), tasks.tasks(4, 7)], steps=3)
    assert curves.steps == ((0, 1, 2, 3) if learner.adapts_stepwise else (1,))
    for task_index in range(7):
        task = tasks.one(task_index)
        for row, step in enumerate(curves.steps):
            adapted = learner.adapt(meta, task.support, step if learner.adapts_stepwise else 0)
            prediction = learner.predict(adapted, task.query["x"])
            loss = loss_of(learner, prediction, task.query["y"])
            assert curves.loss[row, task_index] == pytest.approx(float(loss), rel=SEARCHES.get(name, 1e-9))
            if "accuracy" in curves.values:
                right = (prediction.argmax(-1) == task.query["y"]).double().mean()
                assert curves.values["accuracy"][row, task_index] == pytest.approx(float(right))


def _conv4() -> tuple[object, dict[str, torch.Tensor], Episode]:
    shape = TaskShape(Classification(), (1, 8, 8), 2, train_classes=4)
    learner = algorithm("maml", Conv4(Conv4Config(width=4, stride=2), shape.input_shape, 2), shape)
    return learner, meta_parameters(learner), episodes(shape, tasks=3, shots=1, queries=2)


def test_without_transduction_a_query_is_predicted_beside_the_support_set_only() -> None:
    learner, meta, tasks = _conv4()
    curves = evaluation.evaluate(learner, meta, [tasks], steps=1, transductive=False)  # type: ignore[arg-type]
    task = tasks.one(0)
    adapted = learner.adapt(meta, task.support, 1)  # type: ignore[attr-defined]
    alone = torch.stack(
        [learner.predict(adapted, torch.cat([task.support["x"], q[None]]))[-1] for q in task.query["x"]]  # type: ignore[attr-defined]
    )
    assert curves.loss[1, 0] == pytest.approx(float(F.cross_entropy(alone, task.query["y"]).detach()))
    together = evaluation.evaluate(learner, meta, [tasks], steps=1)  # type: ignore[arg-type]
    assert together.loss[1, 0] != pytest.approx(curves.loss[1, 0])


def test_without_transduction_other_queries_change_nothing() -> None:
    learner, meta, tasks = _conv4()
    noise = tasks.query["x"].clone()
    noise[:, 1:] = torch.randn_like(noise[:, 1:])
    one = [
        tasks._replace(query={"x": x[:, :1], "y": tasks.query["y"][:, :1]}) for x in (tasks.query["x"], noise)
    ]
    many = [tasks._replace(query=tasks.query | {"x": x}) for x in (tasks.query["x"], noise)]
    first, second = (
        evaluation.evaluate(learner, meta, [each], 1, transductive=False)  # type: ignore[arg-type]
        for each in one
    )
    assert np.array_equal(first.loss, second.loss)
    a, b = (
        evaluation.evaluate(learner, meta, [each], 1, transductive=False)  # type: ignore[arg-type]
        for each in many
    )
    assert a.details["confidence"][:, 0] == pytest.approx(b.details["confidence"][:, 0])


def test_a_result_has_every_field_of_the_design_and_only_numbers_that_json_has() -> None:
    e = experiment("meta_sgd", "algorithm.0.inner_lr=5", "evaluation.inner_steps=30", "training.iterations=1")
    last = list(Trainer(e, e.algorithm[0], 0, family(e)).events())[-1]
    assert isinstance(last, Finished)
    summary = last.summary
    assert summary["split"] == "test"
    assert summary["episodes"] == 20
    assert summary["inner_steps"] == list(range(31))
    assert summary["accuracy"] is None
    for name in ("loss", "loss_ci95", "loss_median", "diverged"):
        assert len(summary[name]) == 31
    assert summary["diverged"][-1] > 0
    assert all(value is None or math.isfinite(value) for value in summary["loss"] + summary["loss_ci95"])
    assert set(summary) >= {
        "episodes_hash",
        "adaptation_steps_median",
        "generalisation_gap",
        "calibration_error",
    }
    assert last.arrays["loss"].shape == (31, 20)


def test_tasks_that_never_adapt_are_counted_and_make_the_median_open() -> None:
    e = experiment("scratch", "evaluation.threshold=1e-6")
    last = list(Trainer(e, e.algorithm[0], 0, family(e)).events())[-1]
    assert isinstance(last, Finished)
    assert last.summary["adaptation_reached"] == 0.0
    assert last.summary["adaptation_steps_median"] is None
    easy = experiment("scratch", "evaluation.threshold=1e6")
    last = list(Trainer(easy, easy.algorithm[0], 0, family(easy)).events())[-1]
    assert isinstance(last, Finished)
    assert (last.summary["adaptation_reached"], last.summary["adaptation_steps_median"]) == (1.0, 0.0)


def test_training_episodes_are_a_function_of_seed_and_iteration_alone() -> None:
    sinusoids = family(experiment("maml"))
    size = EpisodeSize(1, 5, 5)
    forward = TrainingEpisodes(sinusoids, size, 4, seed=3)
    hashes = [forward[index].hash() for index in range(200)]
    assert len(set(hashes)) == 200
    backward = TrainingEpisodes(sinusoids, size, 4, seed=3)
    assert [backward[index].hash() for index in reversed(range(200))] == hashes[::-1]
    assert TrainingEpisodes(sinusoids, size, 4, seed=4)[0].hash() != hashes[0]


def test_frozen_episodes_are_as_many_as_asked_for_and_differ_between_splits() -> None:
    sinusoids = family(experiment("maml"))
    frozen = {
        split: FrozenEpisodes(sinusoids, split, EpisodeSize(1, 5, 9), 120, 7) for split in ("train", "test")
    }  # type: ignore[arg-type]
    assert sum(block.count for block in frozen["test"]) == 120
    assert next(iter(frozen["test"])).query["x"].shape[1] == 9
    assert frozen["train"].hash != frozen["test"].hash


def test_frozen_episodes_too_large_to_keep_are_drawn_again_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sinusoids = family(experiment("maml"))
    kept = FrozenEpisodes(sinusoids, "test", EpisodeSize(1, 5, 5), 60, 7)
    monkeypatch.setattr("workbench.engine.episodes.KEPT_NUMBERS", 0)
    drawn = FrozenEpisodes(sinusoids, "test", EpisodeSize(1, 5, 5), 60, 7)
    assert drawn.hash == kept.hash
    assert [block.hash() for block in drawn] == [block.hash() for block in kept]


def test_the_generalisation_gap_is_test_minus_training_loss() -> None:
    e = parse(
        '[task]\nfamily = "digits"\n[[algorithm]]\nkind = "protonet"\n[network]\nkind = "mlp"\n'
        "[training]\niterations = 1\nthreads = 1\nchunk = 4\nmeta_batch = 4\n[evaluation]\nepisodes = 30"
    )
    last = list(Trainer(e, e.algorithm[0], 0, family(e)).events())[-1]
    assert isinstance(last, Finished)
    gap = last.summary["loss"][-1] - last.summary["train_loss"][-1]
    assert last.summary["generalisation_gap"] == pytest.approx(gap)
    assert 0 <= last.summary["calibration_error"] <= 1


def test_episodes_that_another_version_of_a_simulator_makes_are_others() -> None:
    e = experiment()
    size, hashes = EpisodeSize(1, 2, 2), []
    for versions in ({}, {"simulator": "1.0"}, {"simulator": "1.1"}):
        source = family(e)
        source.versions = versions
        hashes.append(FrozenEpisodes(source, "test", size, 3, 1).hash)
    assert len(set(hashes)) == 3
