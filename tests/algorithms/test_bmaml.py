"""Bayesian MAML: Stein variational gradient descent in the inner loop."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    Smooth,
    algorithm,
    episodes,
    loss_of,
    meta_parameters,
)
from workbench.algorithms import Algorithm, Params
from workbench.algorithms.bmaml import svgd
from workbench.engine.meta_step import MetaStep
from workbench.tasks.base import Data, TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
SHAPES = pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)


def bmaml(shape: TaskShape, **settings: Any) -> Algorithm:
    return algorithm(
        "bmaml", Smooth(2, shape.outputs), shape, **({"inner_lr": 0.3, "particles": 4} | settings)
    )


def particle(meta: Params, number: int) -> Params:
    return {name: value[number] for name, value in meta.items()}


@SHAPES
@pytest.mark.parametrize("steps", [1, 3])
def test_one_particle_with_the_querys_loss_is_maml(shape: TaskShape, steps: int) -> None:
    learner = bmaml(shape, particles=1, objective="query", inner_steps=steps)
    maml = algorithm("maml", Smooth(2, shape.outputs), shape, inner_lr=0.3, inner_steps=steps)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=3)
    base = meta_parameters(maml)
    assert all(torch.equal(particle(meta, 0)[name], base[name]) for name in base)
    found, losses = MetaStep(learner, chunk=2).gradient(meta, tasks)
    expected, expected_losses = MetaStep(maml, chunk=2).gradient(base, tasks)
    torch.testing.assert_close(particle(found, 0), expected, **TIGHT)
    torch.testing.assert_close(losses, expected_losses, **TIGHT)


@SHAPES
@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_a_step_is_that_of_a_plain_loop_over_particles(shape: TaskShape, count: int) -> None:
    learner = bmaml(shape, particles=count)
    meta, task = meta_parameters(learner), episodes(shape, tasks=1).one(0)
    stepped = learner.step(meta, meta, task.support, 0)
    expected = _by_loops(learner, meta, task.support, 0.3)
    for m in range(count):
        flat = torch.cat([value[m].flatten() for value in stepped.values()])
        torch.testing.assert_close(flat, expected[m], **TIGHT)


def _by_loops(learner: Algorithm, particles: Params, support: Data, rate: float) -> list[Tensor]:
    """θ_m + ε (1/M) Σ_j [k(θ_j, θ_m) ∇log p(θ_j) + ∇_{θ_j} k(θ_j, θ_m)], ε = α / n, by autograd."""
    count, examples = len(particles["head.weight"]), len(support["x"])
    shapes = {name: value.shape[1:] for name, value in particles.items()}
    theta = [torch.cat([value[m].flatten() for value in particles.values()]) for m in range(count)]

    def log_posterior(at: Tensor) -> Tensor:
        parts = at.split([math.prod(shape) for shape in shapes.values()])
        weights = {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        hidden = torch.tanh(support["x"] @ weights["body.0.weight"].T + weights["body.0.bias"])
        outputs = hidden @ weights["head.weight"].T + weights["head.bias"]
        return -examples * loss_of(learner, outputs, support["y"])

    squares = sorted(float((theta[i] - theta[j]).square().sum()) for i in range(count) for j in range(i))
    h = squares[(len(squares) - 1) // 2] / math.log(count + 1) if squares else 1.0
    result = []
    for m in range(count):
        total = torch.zeros_like(theta[m])
        for j in range(count):
            at = theta[j].clone().requires_grad_()
            (score,) = torch.autograd.grad(log_posterior(at), at)
            kernel = torch.exp(-(at - theta[m]).square().sum() / h)
            (away,) = torch.autograd.grad(kernel, at)
            total += kernel.detach() * score + away
        result.append(theta[m] + rate / examples * total / count)
    return result


def test_particles_drive_each_other_apart() -> None:
    g = torch.Generator().manual_seed(0)
    particles = {"w": torch.randn(4, 7, generator=g)}
    away = svgd(particles, {"w": torch.zeros(4, 7)}, 1)["w"]
    spread = (particles["w"] - particles["w"].mean(0)).square().sum()
    moved = particles["w"] + 0.01 * away
    assert (moved - moved.mean(0)).square().sum() > spread
    torch.testing.assert_close(away.sum(0), torch.zeros(7), atol=1e-5, rtol=0)


def test_particles_in_one_place_stay_together_and_are_numbers() -> None:
    particles = {"w": torch.ones(3, 2, requires_grad=True)}
    direction = svgd(particles, {"w": torch.full((3, 2), 2.0)}, 5)["w"]
    assert torch.equal(direction, torch.full((3, 2), -2.0))
    (gradient,) = torch.autograd.grad(direction.sum(), particles["w"])
    assert gradient.isfinite().all()


@SHAPES
def test_the_chaser_follows_a_leader_that_stands_still(shape: TaskShape) -> None:
    """Its gradient is that of the distance to where the leader is, taken as a constant."""
    learner = bmaml(shape, inner_steps=2, leader_steps=2)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=1)
    task = tasks.one(0)
    both = task.support | {name: torch.cat([task.support[name], task.query[name]]) for name in task.query}
    leader = learner.adapt(meta, task.support, 2)
    for index in range(2):
        leader = learner.step(meta, leader, both, 2 + index)

    def distance(at: Params) -> Tensor:
        chaser = learner.adapt(at, task.support, 2)
        return sum(((chaser[n] - leader[n]).square().sum() for n in meta), torch.zeros(()).double())

    leaves = {name: value.clone().requires_grad_() for name, value in meta.items()}
    gradient, losses = MetaStep(learner, chunk=1).gradient(meta, tasks)
    torch.testing.assert_close(float(losses[0]), float(distance(meta)), rtol=1e-9, atol=0)
    expected = torch.autograd.grad(distance(leaves), list(leaves.values()))
    torch.testing.assert_close(gradient, dict(zip(leaves, expected, strict=True)), **TIGHT)


@SHAPES
def test_the_particles_mean_is_predicted(shape: TaskShape) -> None:
    learner = bmaml(shape)
    maml = algorithm("maml", Smooth(2, shape.outputs), shape)
    meta, task = meta_parameters(learner), episodes(shape, tasks=1).one(0)
    each = torch.stack([maml.predict(particle(meta, m), task.query["x"]) for m in range(4)])
    expected = each.mean(0) if shape.problem.name == "regression" else each.softmax(-1).mean(0).log()
    torch.testing.assert_close(learner.predict(meta, task.query["x"]), expected, **TIGHT)
