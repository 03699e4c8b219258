"""MAML++, CAVIA, iMAML and what is MAML in a special case: what must hold exactly, in float64."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import hessian

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
from workbench.algorithms import Algorithm, Params, make
from workbench.algorithms.imaml import conjugate_gradient
from workbench.algorithms.memory import Memory
from workbench.algorithms.reptile import whole_task
from workbench.config import AlgorithmConfig
from workbench.engine.meta_step import MetaStep
from workbench.networks.conv4 import Conv4, Conv4Config
from workbench.problems.classification import Classification
from workbench.tasks.base import Episode, TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
IMAGES = TaskShape(Classification(), (1, 8, 8), 3, train_classes=7)


def conv4() -> Conv4:
    return Conv4(Conv4Config(width=4, stride=2), IMAGES.input_shape, IMAGES.outputs)


def gradient_of(learner: Algorithm, meta: Params, tasks: Episode) -> Params:
    return MetaStep(learner, chunk=100).gradient(meta, tasks)[0]


def prepared(learner: Algorithm, tasks: Episode, done: float) -> Episode:
    return learner.prepare(tasks, done, torch.Generator(), Memory(0))


# --- MAML++ ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_mamlpp_with_one_step_equals_maml(shape: TaskShape) -> None:
    """One step: no step before the last, and all rates at the same value."""
    tasks = episodes(shape, tasks=3)
    settings = {"inner_lr": 0.3, "inner_steps": 1}
    plus = algorithm("mamlpp", Smooth(2, shape.outputs), shape, **settings)
    maml = algorithm("maml", Smooth(2, shape.outputs), shape, **settings)
    meta = meta_parameters(plus)
    for name, value in meta.items():
        if name.startswith("log_rate."):  # exact in float64
            meta[name] = torch.full_like(value, math.log(0.3))
    found = gradient_of(plus, meta, prepared(plus, tasks, 0.0))
    expected = gradient_of(maml, meta_parameters(maml), tasks)
    torch.testing.assert_close({name: found[name] for name in expected}, expected, **TIGHT)


def test_mamlpps_step_weights_go_over_to_the_last_step() -> None:
    learner = algorithm("mamlpp", Smooth(2, 1), REGRESSION, inner_steps=4, multi_step=0.5)
    tasks = episodes(REGRESSION, tasks=3)

    def weights(done: float) -> list[float]:
        of_each = prepared(learner, tasks, done).extra["step_weights"]
        assert of_each.shape == (3, 4)
        return of_each[1].tolist()

    assert weights(0.0) == pytest.approx([0.25] * 4)
    assert weights(0.25) == pytest.approx([0.125] * 3 + [0.625])
    assert weights(0.4999) == pytest.approx([0.0075] * 3 + [0.9775])
    assert prepared(learner, tasks, 0.5).extra == {}


def test_mamlpps_loss_is_the_weighted_sum_over_its_steps() -> None:
    learner = algorithm("mamlpp", Smooth(2, 1), REGRESSION, inner_steps=3)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, tasks=1)
    task = prepared(learner, tasks, 0.05).one(0)
    _, *adapted = learner.adaptation(meta, task.support, 3)
    losses = [loss_of(learner, learner.predict(each, task.query["x"]), task.query["y"]) for each in adapted]
    expected = (task.extra["step_weights"] * torch.stack(losses)).sum()
    torch.testing.assert_close(learner.loss(meta, task), expected, **TIGHT)
    torch.testing.assert_close(learner.loss(meta, tasks.one(0)), losses[-1], **TIGHT)


def test_mamlpp_takes_the_norms_of_each_step_and_does_not_adapt_them() -> None:
    learner = algorithm("mamlpp", conv4(), IMAGES, inner_steps=2)
    meta, task = meta_parameters(learner), episodes(IMAGES, tasks=1).one(0)
    name = "norm.body.1.norm.bias"
    assert meta[name].shape == (2, 4)
    meta[name] = torch.arange(8, dtype=torch.float64).reshape(2, 4)
    learners = list(learner.adaptation(meta, task.support, 4))
    for step, of_step in enumerate([0, 1, 1, 1, 1]):  # beyond the trained steps, the last one's
        assert torch.equal(learners[step]["body.1.norm.bias"], meta[name][of_step])
    assert not torch.equal(learners[3]["head.weight"], learners[4]["head.weight"])


def test_mamlpps_outer_rate_falls_as_a_cosine() -> None:
    learner = algorithm("mamlpp", Linear(2, 1), REGRESSION, final_rate=0.1)
    assert [learner.meta_lr(2.0, done) for done in (0.0, 0.5, 1.0)] == pytest.approx([2.0, 1.1, 0.2])


# --- what is MAML in a special case ----------------------------------------------------------------


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
@pytest.mark.parametrize(
    ("name", "settings"), [("alfa", {"weight_decay": 0.0}), ("warpgrad", {}), ("mt_net", {})]
)
def test_it_begins_as_maml(name: str, settings: dict[str, Any], shape: TaskShape) -> None:
    """MT-net with all units in its mask."""
    tasks = episodes(shape, tasks=3)
    learner, maml = (
        algorithm(each, Smooth(2, shape.outputs), shape, inner_lr=0.25, inner_steps=2, **more)
        for each, more in ((name, settings), ("maml", {}))
    )
    sure = {n: each + 60 if n.startswith("mask.") else each for n, each in meta_parameters(learner).items()}
    found = MetaStep(learner, chunk=3).gradient(sure, prepared(learner, tasks, 0.0))
    expected = MetaStep(maml, chunk=3).gradient(meta_parameters(maml), tasks)
    torch.testing.assert_close(({each: found[0][each] for each in expected[0]}, found[1]), expected, **TIGHT)


def test_alfas_rates_and_decays_are_those_that_its_perceptron_says() -> None:
    """One step, with one layer's factors said otherwise."""
    learner = algorithm("alfa", Linear(2, 1), REGRESSION, inner_lr=0.25, weight_decay=0.5)
    meta, task = meta_parameters(learner), episodes(REGRESSION, tasks=1).one(0)
    weights = learner.start(meta, task.support)
    gradient = learner.gradient(weights, task.support)
    read = [each[name].mean() for each in (weights, gradient) for name in ("head.bias", "head.weight")]
    hidden = torch.relu(meta["generator.0.weight"] @ torch.stack(read) + meta["generator.0.bias"])
    meta["generator.1.weight"] = torch.randn(4, 4, dtype=torch.float64)
    rates, decays = (2 * torch.sigmoid(meta["generator.1.weight"] @ hidden)).chunk(2)
    stepped = learner.step(meta, weights, task.support, learner.trained_steps - 1)
    assert learner.step(meta, weights, task.support, learner.trained_steps) is weights
    for at, name in enumerate(("head.bias", "head.weight")):
        expected = (1 - 0.125 * decays[at]) * weights[name] - 0.25 * rates[at] * gradient[name]
        torch.testing.assert_close(stepped[name], expected, **TIGHT)


def random_maps(meta: Params) -> Params:
    maps = {name: each for name, each in meta.items() if name.startswith("warp.")}
    return meta | {name: each + 0.3 * torch.randn(each.shape).double() for name, each in maps.items()}


@pytest.mark.parametrize("network", ["smooth", "conv4"])
@pytest.mark.parametrize("name", ["warpgrad", "mt_net"])
def test_warps_are_part_of_the_network_and_no_task_adapts_them(name: str, network: str) -> None:
    """A linear map of a layer's output is one of the weights before or behind it."""
    shape, module = (IMAGES, conv4()) if network == "conv4" else (CLASSIFICATION, Smooth(2, 3))
    learner = algorithm(name, module, shape, inner_lr=0.3)
    meta, task = random_maps(meta_parameters(learner)), episodes(shape, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, 2)
    assert not torch.equal(adapted["head.weight"], meta["head.weight"])
    assert all(torch.equal(adapted[each], meta[each]) for each in meta if each.startswith("warp."))
    if network == "smooth":
        first, second = meta.get("warp.body.0"), meta.get("warp.head", meta.get("warp.1"))
        assert second is not None
        hidden = task.query["x"] @ meta["body.0.weight"].T + meta["body.0.bias"]
        hidden = torch.tanh(hidden) if first is None else torch.tanh(hidden @ first.T)
        if name == "warpgrad":
            expected = hidden @ second.T @ meta["head.weight"].T + meta["head.bias"]
        else:
            expected = (hidden @ meta["head.weight"].T + meta["head.bias"]) @ second.T
        torch.testing.assert_close(learner.predict(meta, task.query["x"]), expected, **TIGHT)


def test_an_mt_nets_task_adapts_the_units_that_its_mask_has() -> None:
    learner = algorithm("mt_net", Smooth(2, 3), CLASSIFICATION, inner_lr=0.3)
    meta, tasks = meta_parameters(learner), prepared(learner, episodes(CLASSIFICATION, tasks=20), 0.0)
    shares = []
    for task in map(tasks.one, range(20)):
        start, adapted = (learner.adapt(meta, task.support, steps) for steps in (0, 3))
        mask = start["mask.body.0"]
        assert set(mask.tolist()) <= {0.0, 1.0}
        assert torch.equal((adapted["body.0.weight"] != meta["body.0.weight"]).any(1), mask > 0)
        shares.append(mask.mean())
    assert 0.4 < torch.stack(shares).mean() < 0.6
    assert (gradient_of(learner, meta, tasks)["mask.head"] != 0).all()
    usual = learner.start(meta, episodes(CLASSIFICATION, tasks=1).one(0).support)
    assert torch.equal(usual["mask.head"], torch.full((3,), 0.5, dtype=torch.float64))


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_to_match_the_weights_one_step_further_is_maml(shape: TaskShape) -> None:
    tasks, settings = episodes(shape, tasks=3), {"inner_lr": 0.3, "inner_steps": 2}
    further = {"bootstrap_steps": 1, "distance": "weights"}
    learner = algorithm("bootstrapped", Smooth(2, shape.outputs), shape, **settings, **further)
    maml = algorithm("maml", Smooth(2, shape.outputs), shape, **settings)
    meta = meta_parameters(maml)
    torch.testing.assert_close(gradient_of(learner, meta, tasks), gradient_of(maml, meta, tasks), **TIGHT)


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_predictions_are_to_match_those_of_a_target_that_stands_still(shape: TaskShape) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": 2, "bootstrap_steps": 3}
    learner = algorithm("bootstrapped", Smooth(2, shape.outputs), shape, **settings)
    meta, task = meta_parameters(learner), episodes(shape, tasks=1).one(0)
    target = learner.adapt(meta, task.support, 2)
    for part in (whole_task(task), whole_task(task), task.query):
        target = learner.step(meta, target, part, 2)
    leaves = {name: weight.requires_grad_() for name, weight in meta.items()}
    adapted = learner.adapt(leaves, task.support, 2)
    said, right = (learner.predict(each, task.query["x"]) for each in (adapted, target))
    if shape is REGRESSION:
        expected = torch.nn.functional.mse_loss(said, right.detach())
    else:
        classes = (torch.distributions.Categorical(logits=each) for each in (right.detach(), said))
        expected = torch.distributions.kl_divergence(*classes).mean()
    loss = learner.loss(leaves, task)
    torch.testing.assert_close(loss, expected, **TIGHT)
    found, wanted = (torch.autograd.grad(each, list(leaves.values())) for each in (loss, expected))
    torch.testing.assert_close(found, wanted, **TIGHT)


# --- the outer loss after every inner step ---------------------------------------------------------


@pytest.mark.parametrize("cost", [0.0, 0.7])
def test_the_anytime_loss_is_the_weighted_mean_over_the_steps(cost: float) -> None:
    settings = {"inner_lr": 0.3, "inner_steps": 3}
    learner = algorithm("maml", Smooth(2, 3), CLASSIFICATION, **settings)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    losses = []
    for steps in (1, 2, 3):
        adapted = learner.adapt(meta, task.support, steps)
        losses.append(loss_of(learner, learner.predict(adapted, task.query["x"]), task.query["y"]))
    weights = torch.exp(-cost * torch.arange(3, dtype=torch.float64))
    learner.step_cost = cost
    torch.testing.assert_close(learner.loss(meta, task), (weights / weights.sum()) @ torch.stack(losses))
    assert learner.heeds_step_cost


ANYTIME = {"maml": True, "alfa": True, "la_maml": True, "reptile": False, "imaml": False, "protonet": False}


@pytest.mark.parametrize("name", ANYTIME)
def test_who_has_no_steps_or_a_loss_of_its_own_does_not_heed_what_a_step_costs(name: str) -> None:
    network, task = Smooth(2, 3), episodes(CLASSIFICATION, tasks=1).one(0)
    usual, anytime = (
        make(AlgorithmConfig.resolve({"kind": name}).suited(CLASSIFICATION.problem.gives), network, *more)
        for more in ((CLASSIFICATION,), (CLASSIFICATION, 0.7))
    )
    meta = meta_parameters(usual)
    assert anytime.heeds_step_cost == ANYTIME[name]
    several = usual.trained_steps > 1
    alike = torch.equal(usual.loss(meta, task), anytime.loss(meta, task))
    assert alike != (ANYTIME[name] and several)


# --- CAVIA ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["smooth", "conv4"])
def test_cavias_context_is_zero_before_every_task_and_leaves_the_network_as_it_is(network: str) -> None:
    shape = IMAGES if network == "conv4" else CLASSIFICATION
    module = conv4() if network == "conv4" else Smooth(2, 3)
    learner = algorithm("cavia", module, shape, context=3)
    meta = meta_parameters(learner)
    weights = {name: meta[name] for name, _ in module.named_parameters()}
    for index in range(2):
        task = episodes(shape, tasks=2).one(index)
        start = learner.start(meta, task.support)
        assert torch.equal(start["context"], torch.zeros(3, dtype=torch.float64))
        plain = torch.func.functional_call(module, weights, (task.query["x"],))
        assert torch.equal(learner.predict(start, task.query["x"]), plain)


@pytest.mark.parametrize("network", ["smooth", "conv4"])
def test_cavia_adapts_its_context_only(network: str) -> None:
    shape = IMAGES if network == "conv4" else CLASSIFICATION
    learner = algorithm("cavia", conv4() if network == "conv4" else Smooth(2, 3), shape)
    meta, task = meta_parameters(learner), episodes(shape, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, 2)
    assert adapted["context"].abs().sum() > 0
    assert all(torch.equal(adapted[name], value) for name, value in meta.items())
    before, after = (
        learner.predict(each, task.query["x"]) for each in (learner.start(meta, task.support), adapted)
    )
    assert not torch.allclose(before, after)


def test_cavias_context_is_a_further_input_of_a_fully_connected_network() -> None:
    learner = algorithm("cavia", Smooth(2, 1), REGRESSION, context=3)
    meta, x = meta_parameters(learner), episodes(REGRESSION, tasks=1).query["x"][0]
    context = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    joined = torch.cat([x, context.expand(len(x), -1)], 1)
    first = torch.cat([meta["body.0.weight"], meta["context_map"]], 1)
    hidden = torch.tanh(joined @ first.T + meta["body.0.bias"])
    expected = hidden @ meta["head.weight"].T + meta["head.bias"]
    torch.testing.assert_close(learner.predict(meta | {"context": context}, x), expected, **TIGHT)


# --- iMAML ----------------------------------------------------------------------------------------


def flat(values: Params) -> Tensor:
    return torch.cat([value.flatten() for value in values.values()])


def unflat(vector: Tensor, like: Params) -> Params:
    parts = vector.split([value.numel() for value in like.values()])
    return {name: part.view_as(like[name]) for (name, part) in zip(like, parts, strict=True)}


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_imamls_meta_gradient_equals_the_dense_solve(shape: TaskShape) -> None:
    """(I + H/λ)⁻¹ ∇L_Q at the adapted weights, with H written out."""
    settings = {"inner_lr": 0.05, "proximity": 2.0, "cg_steps": 80, "test_pull": "as trained"}
    learner = algorithm("imaml", Smooth(2, shape.outputs), shape, **settings)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=2)
    expected = []
    for index in range(2):
        task = tasks.one(index)
        adapted = learner.adapt(meta, task.support, learner.config.inner_steps)

        def support_loss(at: Tensor, task: Episode = task, like: Params = adapted) -> Tensor:
            return loss_of(learner, learner.predict(unflat(at, like), task.support["x"]), task.support["y"])

        matrix = torch.eye(flat(adapted).numel(), dtype=torch.float64)
        matrix = matrix + hessian(support_loss)(flat(adapted)) / learner.config.proximity
        assert torch.linalg.eigvalsh(matrix).min() > 0
        query = learner.gradient(adapted, task.query)
        expected.append(torch.linalg.solve(matrix, flat(query)))
    found = flat(gradient_of(learner, meta, tasks))
    torch.testing.assert_close(found, torch.stack(expected).mean(0), rtol=1e-7, atol=1e-9)


def test_imamls_meta_gradient_of_a_solved_quadratic_equals_finite_differences() -> None:
    """A linear model with the squared error: the inner problem is quadratic, and 200 steps solve it."""
    settings = {"inner_lr": 0.1, "inner_steps": 200, "proximity": 1.5, "cg_steps": 10}
    learner = algorithm("imaml", Linear(2, 1), REGRESSION, **settings)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, tasks=3)
    step = MetaStep(learner, chunk=3)
    gradient, _ = step.gradient(meta, tasks)
    h = 1e-5
    for name, value in meta.items():
        for index in range(value.numel()):
            change = torch.zeros(value.numel(), dtype=torch.float64)
            change[index] = h
            ahead, behind = (
                float(step.gradient(meta | {name: value + sign * change.view_as(value)}, tasks)[1].mean())
                for sign in (1, -1)
            )
            expected = (ahead - behind) / (2 * h)
            assert float(gradient[name].flatten()[index]) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_imaml_tests_as_maml_does() -> None:
    learner = algorithm("imaml", Smooth(2, 1), REGRESSION, inner_lr=0.1)
    maml = algorithm("maml", Smooth(2, 1), REGRESSION, inner_lr=0.1)
    meta, support = meta_parameters(learner), episodes(REGRESSION, tasks=1).one(0).support
    torch.testing.assert_close(learner.adapt(meta, support, 4), maml.adapt(meta, support, 4))


@pytest.mark.parametrize(("steps", "near"), [(200, True), (1, False)])
def test_imaml_says_how_near_the_minimum_its_inner_loop_comes(steps: int, near: bool) -> None:
    learner = algorithm("imaml", Linear(2, 1), REGRESSION, inner_lr=0.1, inner_steps=steps, proximity=1.5)
    meta, task = meta_parameters(learner), episodes(REGRESSION, tasks=1).one(0)
    left = float(learner.report(meta, meta, task)["residual"]["of the inner loop"])
    assert (left < 1e-9) == near
    said = learner.caution({"residual": {"of the inner loop": {"mean": left, "ci95": None}}})
    assert (said == "") == near
    assert near or f"{left:.0%} is left after its 1 steps" in said
    assert "more than could be counted" in learner.caution({})


def test_conjugate_gradient_ends_where_the_curvature_is_negative() -> None:
    b = {"x": torch.tensor([1.0, 1.0], dtype=torch.float64)}
    diagonal = torch.tensor([1.0, -3.0], dtype=torch.float64)
    found = conjugate_gradient(lambda at: {"x": diagonal * at["x"]}, b, 5)
    assert torch.equal(found["x"], b["x"])
    solved = {"x": torch.zeros(2, dtype=torch.float64)}
    assert torch.equal(conjugate_gradient(lambda at: at, solved, 5)["x"], solved["x"])  # and no NaN
