"""Task gates and sparse-MAML: structures that adapt."""

from __future__ import annotations

import pytest
import torch

from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    Smooth,
    algorithm,
    episodes,
    meta_parameters,
)
from workbench.algorithms import Params
from workbench.engine.meta_step import MetaStep
from workbench.networks import Network
from workbench.networks.conv4 import Conv4, Conv4Config
from workbench.networks.mlp import MLP, MLPConfig
from workbench.problems.classification import Classification
from workbench.tasks.base import Episode, TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
IMAGES = TaskShape(Classification(), (1, 8, 8), 3, train_classes=7)


def network(kind: str) -> Network:
    if kind == "conv4":
        return Conv4(Conv4Config(width=4, stride=2), IMAGES.input_shape, IMAGES.outputs)
    return MLP(MLPConfig(hidden=(5, 6)), IMAGES.input_shape, IMAGES.outputs)


@pytest.mark.parametrize("kind", ["mlp", "conv4"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_open_gates_give_the_base_networks_outputs_bit_for_bit(kind: str, dtype: torch.dtype) -> None:
    base = network(kind)
    learner = algorithm("gates", base, IMAGES)
    meta = {name: value.to(dtype) for name, value in meta_parameters(learner).items()}
    task = (
        episodes(IMAGES, tasks=1)
        .one(0)
        .map(lambda each: each.to(dtype) if each.is_floating_point() else each)
    )
    weights = {name: meta[name] for name, _ in base.named_parameters()}
    start = learner.start(meta, task.support)
    plain = torch.func.functional_call(base, weights, (task.query["x"],))
    assert torch.equal(learner.predict(start, task.query["x"]), plain)


@pytest.mark.parametrize("adapt_head", [False, True])
def test_gates_leave_the_bodys_weights_alone(adapt_head: bool) -> None:
    learner = algorithm("gates", network("mlp"), IMAGES, adapt_head=adapt_head)
    meta, task = meta_parameters(learner), episodes(IMAGES, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, 2)
    assert adapted["gate.2"].abs().sum() > 0
    assert adapted["shift.4"].abs().sum() > 0
    for name in (name for name in meta if not name.startswith("rate.")):
        assert torch.equal(adapted[name], meta[name]) != (adapt_head and name.startswith("head."))


def test_a_gate_that_falls_below_the_threshold_is_exactly_closed() -> None:
    """Its unit has no effect any more, and its share is reported."""
    learner = algorithm("gates", network("mlp"), IMAGES, threshold=0.9, inner_lr=5.0, adapt_head=False)
    meta, tasks = meta_parameters(learner), episodes(IMAGES, tasks=4)
    for index in range(4):
        task = tasks.one(index)
        adapted = learner.adapt(meta, task.support, 1)
        for name, units in (("gate.2", 5), ("gate.4", 6)):
            gates = 1 + adapted[name]
            assert ((gates == 0) | (gates.abs() >= 0.9)).all()
            share = learner.report(meta, adapted, task)["open gates"][f"layer {int(name[-1]) // 2}"]
            assert share == (gates != 0).double().sum() / units
        assert 0 < learner.report(meta, adapted, task)["open gates"]["all"] < 1


def test_a_closed_gate_silences_its_unit() -> None:
    learner = algorithm("gates", Smooth(2, 3), CLASSIFICATION)
    meta, task = meta_parameters(learner), episodes(CLASSIFICATION, tasks=1).one(0)
    start = learner.start(meta, task.support)
    start["gate.1"] = torch.tensor([-1.0, 0, 0, 0, 0, 0], dtype=torch.float64)
    before = learner.predict(start, task.query["x"])
    start["body.0.weight"] = start["body.0.weight"].clone()
    start["body.0.weight"][0] += 1
    assert torch.equal(learner.predict(start, task.query["x"]), before)


def _gradient(name: str, shape: TaskShape, tasks: Episode, **settings: object) -> tuple[Params, torch.Tensor]:
    learner = algorithm(name, Smooth(2, shape.outputs), shape, inner_lr=0.3, inner_steps=2, **settings)
    return MetaStep(learner, chunk=100).gradient(meta_parameters(learner), tasks)


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_sparse_maml_with_an_open_mask_equals_maml(shape: TaskShape) -> None:
    tasks = episodes(shape, tasks=3)
    sparse, sparse_losses = _gradient("sparse_maml", shape, tasks, frozen=0.0)
    maml, losses = _gradient("maml", shape, tasks)
    torch.testing.assert_close(sparse_losses, losses, **TIGHT)
    torch.testing.assert_close({name: sparse[name] for name in maml}, maml, **TIGHT)
    assert all(sparse[f"mask.{name}"].abs().sum() > 0 for name in maml)


def test_sparse_mamls_mask_is_learned_straight_through_the_step() -> None:
    """∂L_Q/∂m is what it would be if the mask were m's own value: for one step −α ∇L_S ∘ ∇L_Q(θ')."""
    learner = algorithm("sparse_maml", Smooth(2, 1), REGRESSION, inner_lr=0.3)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, tasks=1)
    gradient, _ = MetaStep(learner, chunk=1).gradient(meta, tasks)
    task = tasks.one(0)
    weights = learner.start(meta, task.support)
    adapted = learner.adapt(meta, task.support, 1)
    inner = learner.gradient(weights, task.support)
    outer = learner.gradient(adapted, task.query)
    for name in weights:
        expected = -0.3 * inner[name] * outer[name]
        torch.testing.assert_close(gradient[f"mask.{name}"], expected, **TIGHT)


def test_sparse_maml_adapts_what_its_mask_leaves_open_and_reports_the_rest() -> None:
    learner = algorithm("sparse_maml", Smooth(2, 1), REGRESSION, inner_lr=0.3, frozen=0.4)
    meta, task = meta_parameters(learner), episodes(REGRESSION, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, 2)
    closed = {name: meta[f"mask.{name}"] < 0 for name in adapted}
    for name, value in adapted.items():
        assert torch.equal(value == meta[name], closed[name])
    shares = learner.report(meta, adapted, task)["frozen weights"]
    assert set(shares) == {"body.0", "head", "all"}
    everything = torch.cat([each.flatten() for each in closed.values()]).double()
    assert 0 < everything.mean() < 1
    torch.testing.assert_close(shares["all"], everything.mean())
    head = torch.cat([closed["head.weight"].flatten(), closed["head.bias"]]).double()
    torch.testing.assert_close(shares["head"], head.mean())
