"""Metric and closed-form learners: what their predictions are, in float64."""

from __future__ import annotations

import pytest
import torch
from sklearn.svm import LinearSVC
from torch import Tensor
from torch.distributions import Normal
from torch.nn import functional as F

from tests.experiments import CLASSIFICATION, REGRESSION, Smooth, algorithm, episodes, meta_parameters
from workbench.algorithms import ALGORITHMS, Params
from workbench.engine.meta_step import MetaStep
from workbench.errors import InputError
from workbench.problems.classification import Classification
from workbench.tasks.base import Episode, TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
CLOSED_FORM = [
    pytest.param(name, shape, id=f"{name}-{shape.problem.name}")
    for name in (
        "protonet",
        "matchingnet",
        "relationnet",
        "r2d2",
        "cnp",
        "simpleshot",
        "meta_baseline",
        "metaoptnet",
    )
    for shape in (CLASSIFICATION, REGRESSION)
    if shape.problem.name in ALGORITHMS[name].Config.problems()
]


def _reordered(episode: Episode) -> Episode:
    order = torch.randperm(len(episode.support["x"]), generator=torch.Generator().manual_seed(5))
    moved = {name: episode.support[name][order] for name in ("x", "y")}
    return episode._replace(support=episode.support | moved)


@pytest.mark.parametrize(("name", "shape"), CLOSED_FORM)
def test_the_order_of_the_support_set_does_not_matter(name: str, shape: TaskShape) -> None:
    learner = algorithm(name, Smooth(2, shape.outputs), shape)
    meta, task = meta_parameters(learner), episodes(shape, tasks=1).one(0)
    first, second = (
        learner.predict(learner.start(meta, each.support), task.query["x"])
        for each in (task, _reordered(task))
    )
    torch.testing.assert_close(first, second, **TIGHT)


@pytest.mark.parametrize(("name", "shape"), CLOSED_FORM)
def test_the_meta_gradient_equals_finite_differences(name: str, shape: TaskShape) -> None:
    learner = algorithm(name, Smooth(2, shape.outputs), shape)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=2)
    step = MetaStep(learner, chunk=2)
    gradient, _ = step.gradient(meta, tasks)
    g = torch.Generator().manual_seed(3)
    direction = {n: torch.randn(w.shape, generator=g, dtype=torch.float64) for n, w in meta.items()}

    def outer_loss(h: float) -> float:
        return float(step.gradient({n: w + h * direction[n] for n, w in meta.items()}, tasks)[1].mean())

    h = 1e-8  # so small that no ReLU of a relation module or of CNP has its kink in between
    expected = (outer_loss(h) - outer_loss(-h)) / (2 * h)
    found = sum(float((gradient[n] * direction[n]).sum()) for n in meta)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "name", ["matchingnet", "relationnet", "r2d2", "metaoptnet", "proto_maml", "unicorn_maml"]
)
def test_a_task_may_have_any_number_of_classes(name: str) -> None:
    learner = algorithm(name, Smooth(2, 3), CLASSIFICATION)
    task = episodes(TaskShape(Classification(), (2,), 5), tasks=1).one(0)
    predicted = learner.predict(learner.start(meta_parameters(learner), task.support), task.query["x"])
    assert predicted.shape == (30, 5)


def test_matchingnet_is_a_vote_of_the_support_examples() -> None:
    learner = algorithm("matchingnet", Smooth(2, 3), CLASSIFICATION, scale=4.0)
    meta = meta_parameters(learner)
    task = episodes(CLASSIFICATION, tasks=1).one(0)
    predicted = learner.predict(learner.start(meta, task.support), task.query["x"])
    cosine = F.cosine_similarity(
        learner.embed(meta, task.query["x"])[:, None], learner.embed(meta, task.support["x"]), dim=-1
    )
    expected = (meta["log_scale"].exp() * cosine).softmax(-1) @ F.one_hot(task.support["y"]).double()
    assert float(meta["log_scale"].exp()) == pytest.approx(4.0)
    torch.testing.assert_close(predicted.exp(), expected, **TIGHT)
    torch.testing.assert_close(predicted.softmax(-1), expected, **TIGHT)


def _relations(learner_meta: Params, queries: Tensor, classes: Tensor) -> Tensor:
    pairs = [[torch.cat([c, q]) for c in classes] for q in queries]
    hidden = torch.stack([torch.stack(row) for row in pairs])
    for layer in (0, 1):
        weight, bias = (learner_meta[f"relation.{layer}.{each}"] for each in ("weight", "bias"))
        hidden = F.linear(F.relu(hidden) if layer else hidden, weight, bias)
    return hidden.squeeze(-1).sigmoid()


def test_relationnet_compares_every_query_with_every_class() -> None:
    learner = algorithm("relationnet", Smooth(2, 3), CLASSIFICATION, width=7)
    meta = meta_parameters(learner)
    task = episodes(CLASSIFICATION, tasks=1).one(0)
    features = learner.embed(meta, task.support["x"])
    means = torch.stack([features[task.support["y"] == label].mean(0) for label in range(3)])
    r = _relations(meta, learner.embed(meta, task.query["x"]), means)
    predicted = learner.predict(learner.start(meta, task.support), task.query["x"])
    torch.testing.assert_close(predicted, r.log(), **TIGHT)
    torch.testing.assert_close(predicted.softmax(-1), r / r.sum(-1, keepdim=True), **TIGHT)
    squared = F.mse_loss(r, F.one_hot(task.query["y"], 3).double())
    torch.testing.assert_close(learner.loss(meta, task), squared, **TIGHT)


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_r2d2_equals_the_primal_ridge_regression(shape: TaskShape) -> None:
    learner = algorithm("r2d2", Smooth(2, shape.outputs), shape, ridge=0.3, per_example=False)
    meta = meta_parameters(learner)
    task = episodes(shape, tasks=1).one(0)

    def embedded(x: Tensor) -> Tensor:
        return torch.cat([learner.embed(meta, x), torch.ones(len(x), 1, dtype=torch.float64)], 1)

    X = embedded(task.support["x"])
    Y = task.support["y"] if shape is REGRESSION else F.one_hot(task.support["y"]).double()
    penalty = meta["log_ridge"].exp() * torch.eye(X.shape[1], dtype=torch.float64)
    out = embedded(task.query["x"]) @ torch.linalg.solve(X.T @ X + penalty, X.T @ Y)
    expected = out if shape is REGRESSION else meta["scale"] * out + meta["bias"]
    assert float(meta["log_ridge"].exp()) == pytest.approx(0.3)
    torch.testing.assert_close(
        learner.predict(learner.start(meta, task.support), task.query["x"]), expected, **TIGHT
    )


def test_r2d2s_head_is_the_same_where_every_example_is_there_twice() -> None:
    learner = algorithm("r2d2", Smooth(2, 3), CLASSIFICATION)
    before = algorithm("r2d2", Smooth(2, 3), CLASSIFICATION, per_example=False)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    twice = task.support | {name: torch.cat([task.support[name]] * 2) for name in ("x", "y")}
    once, again = (learner.start(meta, each)["W"] for each in (task.support, twice))
    torch.testing.assert_close(again, once, **TIGHT)
    assert not torch.allclose(before.start(meta, twice)["W"], before.start(meta, task.support)["W"])


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_metaoptnets_ridge_equals_the_primal_one(shape: TaskShape) -> None:
    learner = algorithm("metaoptnet", Smooth(2, shape.outputs), shape, head="ridge", ridge=0.3)
    meta, task = meta_parameters(learner), episodes(shape, tasks=1).one(0)
    X = learner.embed(meta, task.support["x"])
    Y = task.support["y"] if shape is REGRESSION else F.one_hot(task.support["y"]).double()
    W = torch.linalg.solve(X.T @ X + 0.3 * torch.eye(6, dtype=torch.float64), X.T @ Y)
    expected = learner.embed(meta, task.query["x"]) @ W * (1 if shape is REGRESSION else 10)
    adapted = learner.start(meta, task.support)
    torch.testing.assert_close(learner.predict(adapted, task.query["x"]), expected, **TIGHT)
    assert learner.report(meta, adapted, task) == {}


def test_metaoptnets_machine_is_that_of_crammer_and_singer() -> None:
    learner = algorithm("metaoptnet", Smooth(2, 3), CLASSIFICATION)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    X, y = learner.embed(meta, task.support["x"]).numpy(), task.support["y"].numpy()
    machine = LinearSVC(multi_class="crammer_singer", C=0.1, fit_intercept=False, tol=1e-10).fit(X, y)
    adapted = learner.start(meta, task.support)
    torch.testing.assert_close(adapted["W"], torch.tensor(machine.coef_.T), rtol=1e-5, atol=1e-7)
    assert 0 <= float(learner.report(meta, adapted, task)["duality gap"]["SVM"]) < 1e-5


def test_a_machine_that_has_not_converged_is_told_by_its_gap() -> None:
    learner = algorithm("metaoptnet", Smooth(2, 3), CLASSIFICATION, C=100.0, solver_steps=2)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    adapted = learner.start(meta, task.support)
    assert float(learner.report(meta, adapted, task)["duality gap"]["SVM"]) > 0.1


def test_a_machine_does_not_do_regression() -> None:
    with pytest.raises(InputError, match='set head = "ridge"'):
        algorithm("metaoptnet", Smooth(2, 1), REGRESSION, head="svm")


def test_cnp_is_trained_by_the_likelihood_of_the_query_values() -> None:
    learner = algorithm("cnp", Smooth(2, 1), REGRESSION, width=16)
    meta = meta_parameters(learner)
    task = episodes(REGRESSION, tasks=1).one(0)
    adapted = learner.start(meta, task.support)
    mean, spread = learner.distribution(adapted, task.query["x"])  # type: ignore[attr-defined]
    assert float(spread.min()) > 0.1
    torch.testing.assert_close(learner.predict(adapted, task.query["x"]), mean)
    expected = Normal(mean, spread).log_prob(task.query["y"]).mean()
    torch.testing.assert_close(learner.loss(meta, task), -expected, **TIGHT)
    report = learner.report(meta, adapted, task)["CNP"]
    torch.testing.assert_close(report["log-likelihood of a value"], expected, **TIGHT)
    torch.testing.assert_close(report["σ"], spread.mean(), **TIGHT)


def test_cnp_sums_the_support_set_up_as_a_mean() -> None:
    """Every example twice is the same support set."""
    learner = algorithm("cnp", Smooth(2, 1), REGRESSION, width=16)
    meta = meta_parameters(learner)
    task = episodes(REGRESSION, tasks=1).one(0)
    twice = {name: each.repeat(2, 1) for name, each in task.support.items()}
    torch.testing.assert_close(
        learner.start(meta, twice)["r"], learner.start(meta, task.support)["r"], **TIGHT
    )
