"""Model fusion: members that are each what they would be alone, and a mixture that is no worse than they."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import vmap
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
    loss_of,
    meta_parameters,
)
from workbench.algorithms import ALGORITHMS, Algorithm, Params
from workbench.algorithms.memory import Memory
from workbench.config import ConfigError
from workbench.engine.events import Evaluated, Event, Finished, MetaSteps
from workbench.engine.meta_step import MetaStep
from workbench.engine.trainer import Trainer
from workbench.problems.classification import Classification
from workbench.problems.regression import Regression
from workbench.tasks.base import Episode, TaskShape

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
WEIGHTS = ("uniform", "validation", "per_task")
DIGITS = SINUSOID.replace('family = "sinusoid"', 'family = "digits"\nways = 2')
SHAPES = pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)


def fusion(shape: TaskShape, base: str = "maml", **settings: Any) -> Algorithm:
    base_settings = settings.pop("of_base", {"inner_lr": 0.3} if base != "protonet" else {})
    settings = {"members": 3} | settings
    return algorithm(
        "fusion", Smooth(2, shape.outputs), shape, base={"kind": base, **base_settings}, **settings
    )


def prepared(learner: Algorithm, tasks: Episode) -> Episode:
    return learner.prepare(tasks, 0.5, torch.Generator().manual_seed(0), Memory(0))


def one(meta: Params, member: int) -> Params:
    return {name: value[member] for name, value in meta.items() if not name.startswith("fusion.")}


def events(text: str, *overrides: str) -> list[Event]:
    e = experiment("fusion", *overrides, text=text)
    return list(Trainer(e, e.algorithm[0], 0, family(e)).events())


def losses(events: list[Event]) -> list[float]:
    return [float(loss) for event in events if isinstance(event, MetaSteps) for loss in event.values["loss"]]


# --- members ------------------------------------------------------------------------------------------

BASES = [
    pytest.param(name, text, id=f"{name}-{problem}")
    for problem, text in (("regression", SINUSOID), ("classification", DIGITS))
    for name, cls in ALGORITHMS.items()
    if cls.Config.needs <= experiment(text=text).task.gives()
    and ALGORITHMS["fusion"].Config.allows(cls.Config)  # type: ignore[attr-defined]
]


@pytest.mark.parametrize(("base", "text"), BASES)
def test_one_member_is_its_base(base: str, text: str) -> None:
    """A whole run: the same losses in training, the same measures of unseen tasks."""
    few = ("training.iterations=5", *SMALLER)
    e = experiment(base, *few, text=text)
    alone = list(Trainer(e, e.algorithm[0], 0, family(e)).events())
    fused = events(text, *few, f"algorithm.0.base.kind='{base}'", "algorithm.0.members=1")
    assert len(losses(alone)) == 5
    np.testing.assert_allclose(losses(fused), losses(alone), rtol=2e-4, atol=1e-6)
    assert isinstance(alone[-1], Finished)
    assert isinstance(fused[-1], Finished)
    for measure in ("loss", "accuracy"):
        if alone[-1].summary[measure] is not None:
            np.testing.assert_allclose(
                fused[-1].summary[measure], alone[-1].summary[measure], rtol=1e-3, atol=1e-6
            )


@SHAPES
@pytest.mark.parametrize("base", ["maml", "reptile", "meta_sgd", "mamlpp", "protonet"])
def test_each_member_learns_as_it_would_alone(base: str, shape: TaskShape) -> None:
    if shape.problem.name not in ALGORITHMS[base].Config.problems():
        return
    learner = fusion(shape, base)
    alone = algorithm(
        base, Smooth(2, shape.outputs), shape, **learner.config.base.model_dump(exclude={"kind"})
    )
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=6)
    assert learner.new_tasks(2) == 6
    gradient, shown = MetaStep(learner, chunk=1).gradient(meta, prepared(learner, tasks))
    singles, generator = [], torch.Generator().manual_seed(0)  # one, that all members draw from in turn
    for member in range(3):
        own = alone.prepare(tasks.tasks(2 * member, 2 * member + 2), 0.5, generator, Memory(0))
        expected, single = MetaStep(alone, chunk=5).gradient(one(meta, member), own)
        torch.testing.assert_close(one(gradient, member), expected, **TIGHT)
        singles.append(single)
    torch.testing.assert_close(shown, torch.stack(singles).mean(0), **TIGHT)
    assert float(gradient["fusion.v"].abs().sum()) == 0


def test_the_first_member_starts_as_the_base_alone_and_the_others_elsewhere() -> None:
    learner, alone = fusion(REGRESSION), algorithm("maml", Smooth(2, 1), REGRESSION)
    meta, base = meta_parameters(learner, seed=4), meta_parameters(alone, seed=4)
    assert all(torch.equal(one(meta, 0)[name], base[name]) for name in base)
    assert all(not torch.equal(one(meta, 1)[name], base[name]) for name in base)


def test_the_outer_step_of_a_base_that_has_its_own_leaves_the_weights_alone() -> None:
    learner = fusion(REGRESSION, "reptile")
    meta = meta_parameters(learner) | {"fusion.v": torch.tensor([1.0, 2.0, 3.0])}
    gradient, _ = MetaStep(learner, chunk=2).gradient(meta, prepared(learner, episodes(REGRESSION, tasks=3)))
    after = learner.outer.update(meta, gradient, 0.5)
    assert torch.equal(after["fusion.v"], meta["fusion.v"])
    torch.testing.assert_close(after["head.weight"], meta["head.weight"] - 0.5 * gradient["head.weight"])


# --- the mixture --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("base", ["maml", "protonet"])
def test_the_mixture_is_no_worse_than_the_weighted_mean_of_its_members(base: str, weights: str) -> None:
    """Jensen, on every episode; and weights are at least 0 and sum to 1."""
    for shape in (CLASSIFICATION, REGRESSION):
        if shape.problem.name not in ALGORITHMS[base].Config.problems():
            continue
        learner = fusion(shape, base, weights=weights, members=4)
        meta = meta_parameters(learner)
        if weights == "validation":
            meta["fusion.v"] = torch.tensor([0.3, -1.0, 2.0, 0.0], dtype=torch.float64)

        def measure(
            episode: Episode, learner: Algorithm = learner, meta: Params = meta
        ) -> tuple[Tensor, ...]:
            adapted = learner.adapt(meta, episode.support, 3)
            report = learner.report(meta, adapted, episode)
            member_losses, weight = (
                torch.stack(list(report[group].values())) for group in ("member loss", "weight")
            )
            loss = loss_of(learner, learner.predict(adapted, episode.query["x"]), episode.query["y"])
            return loss, member_losses, weight

        loss, member_losses, weight = vmap(measure)(episodes(shape, tasks=40))
        assert weight.shape == (40, 4)
        assert (weight >= 0).all()
        torch.testing.assert_close(weight.sum(1), torch.ones(40, dtype=torch.float64), **TIGHT)
        assert (loss <= (weight * member_losses).sum(1) + 1e-12).all()


def test_probabilities_are_averaged_without_overflow() -> None:
    outputs = torch.tensor([[[1000.0, 0.0]], [[0.0, 1000.0]]])
    mixed = Classification().mixed(outputs, torch.tensor([0.25, 0.75]).log())
    torch.testing.assert_close(mixed.exp(), torch.tensor([[0.25, 0.75]]))
    values = Regression().mixed(outputs, torch.tensor([0.25, 0.75]).log())
    torch.testing.assert_close(values, torch.tensor([[250.0, 750.0]]))


@SHAPES
def test_predictions_are_averaged_not_weights(shape: TaskShape) -> None:
    learner = fusion(shape, weights="uniform")
    alone = algorithm("maml", Smooth(2, shape.outputs), shape, inner_lr=0.3)
    meta, task = meta_parameters(learner), episodes(shape, tasks=1).one(0)
    *_, last = learner.adaptation(meta, task.support, 2)
    members = [alone.predict(alone.adapt(one(meta, m), task.support, 2), task.query["x"]) for m in range(3)]
    if shape.problem.name == "regression":
        expected = torch.stack(members).mean(0)
    else:
        expected = torch.stack([each.softmax(-1) for each in members]).mean(0).log()
    torch.testing.assert_close(learner.predict(last, task.query["x"]), expected, **TIGHT)
    report = learner.report(meta, last, task)
    assert list(report["member loss"]) == ["member 1", "member 2", "member 3"]
    for number, each in enumerate(members):
        found = report["member loss"][f"member {number + 1}"]
        torch.testing.assert_close(found, loss_of(alone, each, task.query["y"]), **TIGHT)
    assert ("member accuracy" in report) == (shape.problem.name == "classification")


# --- weights that are fitted --------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["validation", "per_task"])
def test_weights_find_the_one_good_member_among_four_at_chance(weights: str) -> None:
    """ProtoNet's classes are noise to members with random weights, and plain to the one that looks right."""
    shape = TaskShape(Classification(), (2,), 3, train_classes=7)
    learner = fusion(shape, "protonet", weights=weights, members=5)
    meta = meta_parameters(learner)
    meta["body.0.weight"] = torch.zeros_like(meta["body.0.weight"])
    meta["body.0.bias"] = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)).double()
    meta["body.0.weight"][2, :2] = 0.5 * torch.eye(2, dtype=torch.float64)  # the others see no input at all
    g = torch.Generator().manual_seed(5)
    centres = 3 * torch.randn(60, 3, 2, generator=g, dtype=torch.float64)
    noise = 0.1 * torch.randn(60, 3, 10, 2, generator=g, dtype=torch.float64)
    x, y = centres[:, :, None] + noise, torch.arange(3).repeat_interleave(5).repeat(60, 1)
    tasks = Episode.pairs(
        x[:, :, :5].flatten(1, 2), y, x[:, :, 5:].flatten(1, 2), y, torch.zeros(60, 3, dtype=torch.int64)
    )
    with torch.no_grad():
        fitted = learner.fit(meta, [tasks.tasks(0, 30), tasks.tasks(30, 60)])
    task = tasks.one(0)
    weight = learner.report(meta, learner.start(meta | fitted, task.support), task)["weight"]
    assert float(weight["member 3"]) > 0.9


@SHAPES
def test_validation_weights_minimise_the_loss_of_the_mixture(shape: TaskShape) -> None:
    learner = fusion(shape, members=2)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=20)

    def loss_at(v: Tensor) -> float:
        def of(task: Episode) -> Tensor:
            adapted = learner.adapt(meta | {"fusion.v": v}, task.support, 1)
            return loss_of(learner, learner.predict(adapted, task.query["x"]), task.query["y"])

        return float(vmap(of)(tasks).mean())

    found = learner.fit(meta, [tasks])["fusion.v"]
    grid = [torch.tensor([w, 1 - w], dtype=torch.float64).log() for w in np.linspace(0.001, 0.999, 101)]
    assert loss_at(found) <= min(map(loss_at, grid)) + 1e-6


def test_weights_of_a_task_follow_its_support_losses() -> None:
    learner = fusion(REGRESSION, weights="per_task")
    meta = meta_parameters(learner) | {"fusion.log_temperature": torch.tensor(0.5).double().log()}
    task = episodes(REGRESSION, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, 1)
    on_support = task._replace(query=task.support)
    report = learner.report(meta, adapted, on_support)
    support_losses, weight = (
        torch.stack(list(report[group].values())) for group in ("member loss", "weight")
    )
    torch.testing.assert_close(weight, (-support_losses / 0.5).softmax(0), **TIGHT)


def test_a_task_whose_predictions_are_no_numbers_does_not_spoil_the_weights() -> None:
    learner = fusion(REGRESSION)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, tasks=10)
    without = learner.fit(meta, [tasks.tasks(1, 10)])["fusion.v"]
    tasks.query["x"][0] = torch.nan
    torch.testing.assert_close(learner.fit(meta, [tasks])["fusion.v"], without)
    nothing = learner.fit(meta, [tasks.tasks(0, 1)])
    assert nothing == {}


def test_weights_are_fitted_while_training_and_reported() -> None:
    run = events(DIGITS, "algorithm.0.members=2", "algorithm.0.base.kind='protonet'")
    *_, last = (event for event in run if isinstance(event, Evaluated))
    report = last.summary["report"]
    assert set(report) == {"member loss", "member accuracy", "weight"}
    assert sum(entry["mean"] for entry in report["weight"].values()) == pytest.approx(1, abs=1e-5)
    assert isinstance(run[-1], Finished)
    assert run[-1].arrays["weight/member 1"].shape == (20,)


# --- relations ----------------------------------------------------------------------------------------


@SHAPES
@pytest.mark.parametrize("related", ["as published", "ours"])
@pytest.mark.parametrize("relation", ["cooperation", "diversity"])
def test_related_members_pay_for_how_they_differ(relation: str, related: str, shape: TaskShape) -> None:
    learner = fusion(shape, relation=relation, strength=0.7, temperature=2, related=related)
    times = 3 if related == "ours" else 1
    alone = algorithm("maml", Smooth(2, shape.outputs), shape, inner_lr=0.3)
    meta, tasks = meta_parameters(learner), episodes(shape, tasks=2)
    assert learner.new_tasks(2) == 2  # all members see the same
    leaves = {name: value.clone().requires_grad_() for name, value in meta.items()}
    total = torch.zeros((), dtype=torch.float64)
    for number in range(2):
        task = tasks.one(number)
        outputs = [
            alone.predict(alone.adapt(one(leaves, m), task.support, 1), task.query["x"]) for m in range(3)
        ]
        own = torch.stack([loss_of(alone, each, task.query["y"]) for each in outputs]).sum()
        pairs = [
            _psi(relation, related, shape, outputs[j], outputs[k], task.query["y"])
            for j in range(3)
            for k in range(3)
            if j != k
        ]
        total = total + (own + times * 0.7 * torch.stack(pairs).mean()) / 2
    expected = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
    gradient, shown = MetaStep(learner, chunk=5).gradient(meta, prepared(learner, tasks))
    torch.testing.assert_close(gradient, dict(zip(leaves, expected, strict=True)), **TIGHT)
    torch.testing.assert_close(shown.mean(), total.detach() / 3, **TIGHT)


@pytest.mark.parametrize(
    ("relation", "strength", "temperature"), [("cooperation", 10, 1), ("diversity", 1, 5)]
)
def test_relations_are_by_default_as_strong_as_published(
    relation: str, strength: float, temperature: float
) -> None:
    settings = {"strength": strength, "temperature": temperature}
    said = fusion(CLASSIFICATION, relation=relation, related="as published", **settings)
    usual, tasks = (
        fusion(CLASSIFICATION, relation=relation, related="as published"),
        episodes(CLASSIFICATION, tasks=2),
    )
    found = [MetaStep(each, chunk=2).gradient(meta_parameters(each), tasks)[0] for each in (said, usual)]
    torch.testing.assert_close(*found, **TIGHT)


def _psi(relation: str, related: str, shape: TaskShape, a: Tensor, b: Tensor, y: Tensor) -> Tensor:
    if shape.problem.name == "regression":
        if relation == "cooperation":
            return F.mse_loss(a, b)
        return F.cosine_similarity((a - y).flatten(), (b - y).flatten(), dim=0)
    p, q = (a / 2).softmax(-1), (b / 2).softmax(-1)
    if relation == "cooperation" and related == "ours":
        return ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)).mean() / 2
    found = []
    for row, label in enumerate(y.tolist()):
        kept = [k for k in range(p.shape[1]) if k != label]
        one, other = p[row, kept] / p[row, kept].sum(), q[row, kept] / q[row, kept].sum()
        if relation == "cooperation":
            found.append(-(one * other.log() + other * one.log()).sum() / 2)
        else:
            found.append(F.cosine_similarity(one, other, dim=0))
    return torch.stack(found).mean()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("algorithm.0.relation='diversity'", "algorithm.0.base.kind='reptile'"),
            r"base\.kind: members of 'reptile' cannot be related.*allowed: .*maml",
        ),
        (
            ("algorithm.0.relation='cooperation'", "algorithm.0.members=1"),
            "relation: 'cooperation' needs two",
        ),
        (("algorithm.0.base.kind='fusion'",), r"base\.kind: 'fusion' cannot be a base here"),
        (("algorithm.0.base.kind='scratch'",), r"base\.kind: 'scratch' cannot be a base here"),
    ],
)
def test_what_cannot_be_fused_is_refused_in_one_line(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        experiment("fusion", *overrides)
