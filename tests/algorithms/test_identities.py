"""What must hold exactly, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.experiments import (
    CLASSIFICATION,
    EVERY,
    REGRESSION,
    SEARCHES,
    Linear,
    Smooth,
    algorithm,
    episodes,
    loss_of,
    meta_batch,
    meta_parameters,
)
from workbench.algorithms import Params
from workbench.algorithms.memory import Memory
from workbench.algorithms.reptile import whole_task
from workbench.engine.meta_step import MetaStep
from workbench.problems.regression import Regression
from workbench.tasks.base import Episode, TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def _gradient(
    name: str, network: Linear | Smooth, shape: TaskShape, tasks: Episode, **settings: object
) -> tuple[Params, Params]:
    learner = algorithm(name, network, shape, **settings)
    meta = meta_parameters(learner)
    return MetaStep(learner, chunk=100).gradient(meta, tasks)[0], meta


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", ["maml", "anil", "boil", "meta_sgd"])
@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_the_meta_gradient_equals_finite_differences(name: str, steps: int, shape: TaskShape) -> None:
    learner = algorithm(name, Smooth(2, shape.outputs), shape, inner_lr=0.3, inner_steps=steps)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=3)
    gradient, _ = MetaStep(learner, chunk=100).gradient(meta, tasks)

    def outer_loss(at: dict[str, Tensor]) -> float:
        return float(MetaStep(learner, chunk=100).gradient(at, tasks)[1].mean())

    g = torch.Generator().manual_seed(3)
    for parameter, value in meta.items():
        direction = torch.randn(value.shape, generator=g, dtype=torch.float64)
        h = 1e-5
        ahead, behind = (outer_loss(meta | {parameter: value + sign * h * direction}) for sign in (1, -1))
        expected = (ahead - behind) / (2 * h)
        assert float((gradient[parameter] * direction).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_fomaml_leaves_out_the_second_derivatives() -> None:
    """Its gradient is that of the query loss at the adapted weights."""
    tasks = episodes(REGRESSION, tasks=1)
    network = Smooth(2, 1)
    gradient, meta = _gradient("fomaml", network, REGRESSION, tasks, inner_lr=0.3, inner_steps=2)
    maml = algorithm("maml", network, REGRESSION, inner_lr=0.3, inner_steps=2)
    task = tasks.one(0)
    adapted = {n: w.detach().requires_grad_() for n, w in maml.adapt(meta, task.support, 2).items()}
    loss = loss_of(maml, maml.predict(adapted, task.query["x"]), task.query["y"])
    expected = dict(zip(adapted, torch.autograd.grad(loss, list(adapted.values())), strict=True))
    torch.testing.assert_close(gradient, expected, **TIGHT)
    second_order, _ = _gradient("maml", network, REGRESSION, tasks, inner_lr=0.3, inner_steps=2)
    assert not torch.allclose(gradient["head.weight"], second_order["head.weight"], rtol=1e-3)


def test_fomaml_equals_maml_where_the_hessian_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """A linear model with a loss linear in its parameters."""
    monkeypatch.setattr(Regression, "of", lambda self, prediction, y: (prediction * y).mean())
    tasks = episodes(REGRESSION, tasks=3)
    first, _ = _gradient("fomaml", Linear(2, 1), REGRESSION, tasks, inner_lr=0.3, inner_steps=3)
    second, _ = _gradient("maml", Linear(2, 1), REGRESSION, tasks, inner_lr=0.3, inner_steps=3)
    torch.testing.assert_close(first, second, **TIGHT)


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_meta_sgd_with_all_rates_at_a_scalar_equals_maml(shape: TaskShape) -> None:
    tasks = episodes(shape, tasks=3)
    rate = 0.25  # exact in the float32 that meta-parameters start in
    sgd, _ = _gradient("meta_sgd", Smooth(2, shape.outputs), shape, tasks, inner_lr=rate, inner_steps=2)
    maml, _ = _gradient("maml", Smooth(2, shape.outputs), shape, tasks, inner_lr=rate, inner_steps=2)
    torch.testing.assert_close({n: g for n, g in sgd.items() if not n.startswith("rate.")}, maml, **TIGHT)


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_anil_on_a_model_that_is_only_a_head_equals_maml(shape: TaskShape) -> None:
    tasks = episodes(shape, tasks=3)
    anil, _ = _gradient("anil", Linear(2, shape.outputs), shape, tasks, inner_lr=0.3, inner_steps=3)
    maml, _ = _gradient("maml", Linear(2, shape.outputs), shape, tasks, inner_lr=0.3, inner_steps=3)
    torch.testing.assert_close(anil, maml, **TIGHT)


def test_anil_adapts_nothing_but_the_head() -> None:
    learner = algorithm("anil", Smooth(2, 1), REGRESSION, inner_lr=0.3)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, tasks=1)
    adapted = learner.adapt(meta, tasks.one(0).support, 3)
    for name, weight in meta.items():
        assert torch.equal(adapted[name], weight) == name.startswith("body.")


def test_one_step_reptile_equals_plain_descent_on_the_task() -> None:
    """θ + ε (φ₁ − θ) = θ − ε α ∇L, on support and query together."""
    tasks = episodes(REGRESSION, tasks=1)
    learner = algorithm("reptile", Smooth(2, 1), REGRESSION, inner_lr=0.3, inner_steps=1, batch="all")
    meta = meta_parameters(learner)
    direction, _ = MetaStep(learner, chunk=1).gradient(meta, tasks)
    leaves = {name: value.clone().requires_grad_() for name, value in meta.items()}
    x = torch.cat([tasks.support["x"][0], tasks.query["x"][0]])
    y = torch.cat([tasks.support["y"][0], tasks.query["y"][0]])
    loss = torch.nn.functional.mse_loss(learner.predict(leaves, x), y)
    plain = torch.autograd.grad(loss, list(leaves.values()))
    torch.testing.assert_close(direction, {n: 0.3 * g for n, g in zip(leaves, plain, strict=True)}, **TIGHT)


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_reptile_takes_each_step_on_other_examples_of_the_shuffled_task(shape: TaskShape) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": 5, "batch": 4}
    learner = algorithm("reptile", Smooth(2, shape.outputs), shape, **settings)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=2)
    batches = learner.prepare(tasks, 0.5, torch.Generator().manual_seed(3), Memory(0))
    order, count = batches.extra["order"], len(whole_task(tasks.one(0))["y"])
    assert order.shape == (2, 5, 4)
    assert all(len(row.flatten()[:count].unique()) == min(count, 20) for row in order)
    direction, _ = MetaStep(learner, chunk=2).gradient(meta, batches)
    ends = []
    for number in range(2):
        task, reached = whole_task(tasks.one(number)), dict(meta)
        for chosen in order[number]:
            part = task | {name: task[name][chosen] for name in ("x", "y")}
            reached = {n: w - 0.3 * learner.gradient(reached, part)[n] for n, w in reached.items()}
        ends.append(reached)
    expected = {n: w - (ends[0][n] + ends[1][n]) / 2 for n, w in meta.items()}
    torch.testing.assert_close(direction, expected, **TIGHT)


def test_a_minibatch_of_the_whole_task_is_the_whole_task() -> None:
    tasks = episodes(CLASSIFICATION, tasks=3)
    found = []
    for batch in ("all", 1000):
        learner = algorithm("reptile", Smooth(2, 3), CLASSIFICATION, batch=batch)
        batches = learner.prepare(tasks, 0.5, torch.Generator(), Memory(0))
        found.append(MetaStep(learner, chunk=3).gradient(meta_parameters(learner), batches)[0])
    torch.testing.assert_close(*found, **TIGHT)


def test_reptiles_outer_step_decays_linearly_to_zero() -> None:
    learner = algorithm("reptile", Linear(2, 1), REGRESSION, outer_step=0.8)
    assert [learner.meta_lr(1.0, done) for done in (0.0, 0.5, 1.0)] == pytest.approx([0.8, 0.4, 0.0])


@pytest.mark.parametrize("chunk", [1, 3, 5])
@pytest.mark.parametrize(("name", "shape"), EVERY)
def test_a_batch_of_tasks_equals_the_mean_over_single_tasks(name: str, shape: TaskShape, chunk: int) -> None:
    learner = algorithm(name, Smooth(2, shape.outputs), shape)
    meta = meta_parameters(learner)
    tasks = meta_batch(learner, 5)
    batched, losses = MetaStep(learner, chunk=chunk).gradient(meta, tasks)

    singles, single_losses = [], []
    for index in range(5):
        task = tasks.one(index)  # no task dimension, no vmap
        direction = learner.outer.direction
        if direction is None:
            leaves = {n: value.clone().requires_grad_() for n, value in meta.items()}
            loss = learner.loss(leaves, task)
            found = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
            singles.append(dict(zip(leaves, found, strict=True)))
        else:
            gradient, loss = direction(meta, task)
            singles.append(gradient)
        single_losses.append(loss.detach())
    mean = {n: torch.stack([single[n] for single in singles]).mean(0) for n in meta}
    near = {"rtol": SEARCHES[name], "atol": 1e-8} if name in SEARCHES else TIGHT
    torch.testing.assert_close(batched, mean, **near)
    torch.testing.assert_close(losses, torch.stack(single_losses), **near)


def test_protonet_is_a_softmax_over_squared_distances_to_class_means() -> None:
    learner = algorithm("protonet", Smooth(2, 3), CLASSIFICATION)
    meta = meta_parameters(learner)
    task = episodes(CLASSIFICATION, tasks=1).one(0)
    features = learner.embed(meta, task.support["x"])
    means = torch.stack([features[task.support["y"] == label].mean(0) for label in range(3)])
    distances = torch.cdist(learner.embed(meta, task.query["x"]), means).square()
    predicted = learner.predict(learner.start(meta, task.support), task.query["x"]).softmax(-1)
    torch.testing.assert_close(predicted, (-distances).softmax(-1), **TIGHT)


def test_transfer_starts_each_task_with_an_empty_head_on_the_trained_body() -> None:
    learner = algorithm("transfer", Smooth(2, 3), CLASSIFICATION)
    meta = meta_parameters(learner)
    assert meta["joint.weight"].shape == (CLASSIFICATION.train_classes, 6)
    task = episodes(CLASSIFICATION, tasks=1).one(0)
    start = learner.start(meta, task.support)
    torch.testing.assert_close(
        learner.predict(start, task.query["x"]).softmax(-1), torch.full((18, 3), 1 / 3, dtype=torch.float64)
    )
    assert all(torch.equal(start[n], meta[n]) for n in meta if n.startswith("body."))


@pytest.mark.parametrize(("steps", "each"), [(4, 1), (2, 2)])
def test_scratch_takes_the_steps_of_adam(steps: int, each: int) -> None:
    learner = algorithm("scratch", Smooth(2, 1), REGRESSION, inner_lr=0.05, adam_steps=each)
    meta = meta_parameters(learner)
    task = episodes(REGRESSION, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, steps)
    leaves = {n: value.clone().requires_grad_() for n, value in meta.items()}
    adam = torch.optim.Adam(leaves.values(), lr=0.05)
    for _ in range(4):
        adam.zero_grad()
        torch.nn.functional.mse_loss(learner.predict(leaves, task.support["x"]), task.support["y"]).backward()
        adam.step()
    torch.testing.assert_close({n: adapted[n] for n in meta}, {n: w.detach() for n, w in leaves.items()})
