"""ProtoMAML, BOIL and UNICORN-MAML: what must hold exactly, in float64."""

from __future__ import annotations

import pytest
import torch

from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    Linear,
    Smooth,
    algorithm,
    episodes,
    loss_of,
    meta_parameters,
)
from workbench.engine.meta_step import MetaStep
from workbench.tasks.base import Episode, TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def with_classes_reordered(task: Episode, order: torch.Tensor) -> Episode:
    """The same task, whose class ``order[k]`` is now called k."""
    called = order.argsort()
    parts = ({**part, "y": called[part["y"]]} for part in (task.support, task.query))
    return Episode(*parts)


def test_protomaml_without_steps_predicts_as_protonet() -> None:
    proto_maml = algorithm("proto_maml", Smooth(2, 3), CLASSIFICATION)
    protonet = algorithm("protonet", Smooth(2, 3), CLASSIFICATION)
    meta, task = meta_parameters(protonet), episodes(CLASSIFICATION, tasks=1).one(0)
    body = {name: meta[name] for name in meta_parameters(proto_maml)}
    found = proto_maml.predict(proto_maml.adapt(body, task.support, 0), task.query["x"])
    expected = protonet.predict(protonet.start(meta, task.support), task.query["x"])
    torch.testing.assert_close(found, expected, **TIGHT)


def test_first_order_protomaml_learns_through_the_start_of_its_head() -> None:
    """Its gradient is that of one whose inner gradients are numbers."""
    learner = algorithm("proto_maml", Smooth(2, 3), CLASSIFICATION, inner_lr=0.1, first_order=True)
    meta, tasks = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1)
    task = tasks.one(0)
    leaves = {name: weight.clone().requires_grad_() for name, weight in meta.items()}
    start = learner.start(leaves, task.support)
    inner = learner.gradient({name: each.detach() for name, each in start.items()}, task.support)
    adapted = {name: each - 0.1 * inner[name] for name, each in start.items()}
    loss = loss_of(learner, learner.predict(adapted, task.query["x"]), task.query["y"])
    expected = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    found, _ = MetaStep(learner, chunk=1).gradient(meta, tasks)
    torch.testing.assert_close(found, expected, **TIGHT)
    assert (learner.order, algorithm("proto_maml", Smooth(2, 3), CLASSIFICATION).order) == (1, 2)


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_boil_adapts_the_body_as_maml_does_and_nothing_else(shape: TaskShape) -> None:
    boil = algorithm("boil", Smooth(2, shape.outputs), shape, inner_lr=0.3)
    maml = algorithm("maml", Smooth(2, shape.outputs), shape, inner_lr=0.3)
    meta, task = meta_parameters(boil), episodes(shape, tasks=1).one(0)
    found, expected = (each.adapt(meta, task.support, 1) for each in (boil, maml))
    for name, weight in meta.items():
        head = name.startswith("head.")
        assert torch.equal(found[name], weight if head else expected[name])
        assert not torch.equal(expected[name], weight)
    gradient, _ = MetaStep(boil, chunk=1).gradient(meta, episodes(shape, tasks=1))
    assert gradient["head.weight"].abs().sum() > 0  # which is meta-learned all the same


def test_boil_on_a_model_that_is_only_a_head_does_not_adapt() -> None:
    learner = algorithm("boil", Linear(2, 1), REGRESSION)
    meta, task = meta_parameters(learner), episodes(REGRESSION, tasks=1).one(0)
    torch.testing.assert_close(learner.adapt(meta, task.support, 3), meta, rtol=0, atol=0)


def test_unicorn_maml_cannot_tell_classes_apart_before_it_adapts() -> None:
    learner = algorithm("unicorn_maml", Smooth(2, 3), CLASSIFICATION)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    logits = learner.predict(learner.start(meta, task.support), task.query["x"])
    torch.testing.assert_close(logits, logits[:, :1].expand(-1, 3), **TIGHT)


@pytest.mark.parametrize("name", ["unicorn_maml", "proto_maml"])
def test_how_classes_are_numbered_makes_no_difference(name: str) -> None:
    learner = algorithm(name, Smooth(2, 3), CLASSIFICATION, inner_lr=0.3)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    order = torch.tensor([2, 0, 1])
    other = with_classes_reordered(task, order)
    other = other._replace(support=other.support | {"classes": task.support["classes"][order]})
    found, moved = (
        learner.predict(learner.adapt(meta, each.support, 5), each.query["x"]) for each in (task, other)
    )
    torch.testing.assert_close(moved, found[:, order], **TIGHT)
    torch.testing.assert_close(learner.loss(meta, task), learner.loss(meta, other), **TIGHT)
