"""MAML with policy gradients: what it learns from, its outer gradient, and that it learns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.func import grad, vmap

from tests.experiments import Smooth, algorithm, meta_parameters
from workbench.algorithms import Algorithm, Params
from workbench.algorithms.base import descended
from workbench.algorithms.policies import log_probability
from workbench.algorithms.policy_gradient import lvc, mean_of, proximal
from workbench.problems.control import Control, rows
from workbench.tasks.base import Data, Episode, TaskShape
from workbench.worlds.base import Actions, Tensors, World
from workbench.worlds.rollout import ACTING, draw_acting

ROLLOUTS = 12


class Aim(World):
    """A goal to the left or to the right, which has to be met in each of two steps; nothing is to be seen."""

    observations = 1
    horizon = 2
    draws: ClassVar[Mapping[str, int]] = {"goal": 1}

    def __init__(self, actions: Actions) -> None:
        self.actions = actions

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        return {"goal": (uniform["goal"][..., 0] > 0.5).to(uniform["goal"].dtype)}

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {}

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        return {"goal": task["goal"]}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        return torch.ones_like(task["goal"]).unsqueeze(-1)

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        chosen = action if self.actions.discrete else action[..., 0]
        away = (chosen - task["goal"]).abs()
        return state, -away, away > 2  # who is far off is out

    def known(self, task: Tensors) -> Tensor:
        return 2 * task["goal"].unsqueeze(-1) - 1


MOVES, NUMBERS = Actions(moves=("left", "right")), Actions(numbers=1)
BOTH = pytest.mark.parametrize("actions", [MOVES, NUMBERS], ids=["moves", "numbers"])


def learner(actions: Actions, **settings: Any) -> Algorithm:
    shape = TaskShape(Control(Aim(actions), ROLLOUTS), (1,), actions.width)
    return algorithm("maml_pg", Smooth(1, actions.width), shape, **settings)


def drawn(actions: Actions, count: int = 6, updates: int = 2, seed: int = 0) -> Episode:
    """Tasks in float64, with the chance of so many updates and of 20 episodes after them."""
    g = torch.Generator().manual_seed(seed)
    world = Aim(actions)
    task = world.task({"goal": torch.rand(count, 1, generator=g, dtype=torch.float64)})

    def part(number: int) -> Data:
        chance = {ACTING: draw_acting(world, (count, number), g).double()}
        return rows(chance, {"goal": task["goal"][:, None].expand(-1, number)})

    return Episode(part(ROLLOUTS * updates), part(20), task)


def returns(learner: Algorithm, meta: Params, tasks: Episode, steps: int) -> Tensor:
    """The return after 0, 1, … inner steps, ``[tasks, steps + 1]``."""

    def curve(task: Episode) -> Tensor:
        found = learner.adaptation(meta, task.support, steps)
        return torch.stack(
            [-learner.problem.loss(partial(learner.predict, each), task.query) for each in found]
        )

    with torch.no_grad():
        return vmap(curve)(tasks)


# --- what is collected ----------------------------------------------------------------------------


@BOTH
def test_each_task_is_collected_as_if_it_were_alone(actions: Actions) -> None:
    maml_pg = learner(actions, inner_steps=2)
    meta, tasks = meta_parameters(maml_pg), drawn(actions)
    together = maml_pg.collect(meta, tasks)
    for index in range(tasks.count):
        alone = maml_pg.collect(meta, tasks.tasks(index, index + 1))
        for part in ("support", "query"):
            found, expected = getattr(together.tasks(index, index + 1), part), getattr(alone, part)
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@BOTH
def test_adapting_to_collected_episodes_is_adapting_in_the_world(actions: Actions) -> None:
    """The query episodes are those of the learner that evaluation adapts, too."""
    maml_pg = learner(actions, inner_steps=2)
    meta, tasks = meta_parameters(maml_pg), drawn(actions)
    collected = maml_pg.collect(meta, tasks)
    earned = collected.query["reward"].sum(-1).mean(-1)
    torch.testing.assert_close(earned, returns(maml_pg, meta, tasks, 2)[:, 2], rtol=1e-9, atol=1e-9)


def test_nothing_that_is_collected_has_a_gradient() -> None:
    maml_pg = learner(NUMBERS)
    leaves = {name: each.requires_grad_() for name, each in meta_parameters(maml_pg).items()}
    found = maml_pg.collect(leaves, drawn(NUMBERS))
    assert not any(each.requires_grad for part in found for each in part.values())


# --- the outer gradient ---------------------------------------------------------------------------


def outer_gradient(learner: Algorithm, meta: Params, tasks: Episode) -> Params:
    return grad(lambda at: learner.losses(at, tasks).mean())(meta)


def differences(learner: Algorithm, meta: Params, tasks: Episode) -> Params:
    """The same by central differences."""

    def at(name: str, change: Tensor) -> Tensor:
        return learner.losses(meta | {name: meta[name] + change}, tasks).mean()

    found = {}
    for name, value in meta.items():
        steps = 1e-5 * torch.eye(value.numel(), dtype=value.dtype).reshape(-1, *value.shape)
        slopes = [(at(name, step) - at(name, -step)) / 2e-5 for step in steps]
        found[name] = torch.stack(slopes).reshape(value.shape)
    return found


@BOTH
@pytest.mark.parametrize(
    "settings", [{}, {"exploration": True, "inner_steps": 2}, {"outer": "reinforce"}], ids=str
)
def test_the_outer_gradient_runs_through_the_inner_steps(actions: Actions, settings: dict[str, Any]) -> None:
    maml_pg = learner(actions, penalty=0.1, **settings)
    meta, tasks = meta_parameters(maml_pg), drawn(actions)
    collected = maml_pg.collect(meta, tasks)
    moved = meta_parameters(maml_pg, seed=0)
    moved = {name: each + 0.01 for name, each in moved.items()}  # as after an epoch
    expected = differences(maml_pg, moved, collected)
    torch.testing.assert_close(outer_gradient(maml_pg, moved, collected), expected, rtol=1e-5, atol=1e-7)


def test_the_first_order_takes_inner_gradients_as_constants() -> None:
    maml_pg = learner(NUMBERS, order=1, penalty=0)
    meta, tasks = meta_parameters(maml_pg), drawn(NUMBERS, count=1)
    collected = maml_pg.collect(meta, tasks)
    support, query = collected.one(0).support, collected.one(0).query

    def said(weights: Params, data: Data) -> Tensor:
        return maml_pg.predict(weights, data["observation"].flatten(0, 1)).unflatten(0, (-1, 2))

    def inner(weights: Params) -> Tensor:
        now, then = (
            log_probability(each, support["action"]) for each in (said(weights, support), support["said"])
        )
        return -mean_of(lvc(now, then, support["advantage"]), support["alive"])

    def outer(weights: Params) -> Tensor:
        now, then = (log_probability(each, query["action"]) for each in (said(weights, query), query["said"]))
        return -mean_of(proximal(now, then, query["advantage"], 0.3), query["alive"])

    expected = grad(outer)(descended(meta, grad(inner)(meta), 0.1))
    torch.testing.assert_close(outer_gradient(maml_pg, meta, collected), expected, rtol=1e-9, atol=1e-11)
    assert maml_pg.order == 1


def test_the_penalty_is_how_far_the_policy_moved_from_the_one_that_collected() -> None:
    with_penalty, without = learner(NUMBERS, penalty=10.0), learner(NUMBERS, penalty=0)
    meta, tasks = meta_parameters(without), drawn(NUMBERS)
    collected = without.collect(meta, tasks)
    torch.testing.assert_close(with_penalty.losses(meta, collected), without.losses(meta, collected))
    wider = meta | {"log_std": meta["log_std"] + 0.5}
    more = with_penalty.losses(wider, collected) - without.losses(wider, collected)
    expected = 0.5 + 0.5 * torch.tensor(-1.0, dtype=torch.float64).exp() - 0.5  # of σ = 1 from σ = √e
    torch.testing.assert_close(more, 10 * expected.expand_as(more))


def test_exploration_makes_what_was_done_before_success_likelier() -> None:
    plain, explores = (learner(MOVES, penalty=0, discount=1.0, exploration=each) for each in (False, True))
    meta, tasks = meta_parameters(plain), drawn(MOVES)
    collected = plain.collect(meta, tasks)
    above = collected.extra["above"]
    assert float(above.mean()) == pytest.approx(0, abs=1e-9)
    assert (above.argsort() == collected.query["reward"].sum((1, 2)).argsort()).all()

    def likelihood(meta: Params, task: Episode) -> Tensor:
        support = {name: each[:ROLLOUTS] for name, each in task.support.items()}
        said = plain.predict(meta, support["observation"].flatten(0, 1)).unflatten(0, (-1, 2))
        return task.extra["above"] * mean_of(log_probability(said, support["action"]), support["alive"])

    expected = grad(lambda at: -vmap(partial(likelihood, at))(collected).mean())(meta)
    gradients = [outer_gradient(each, meta, collected) for each in (explores, plain)]
    found = {name: gradients[0][name] - gradients[1][name] for name in meta}
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def test_joint_training_learns_without_adapting_and_adapts_when_it_is_measured() -> None:
    joint = learner(MOVES, inner_steps=0, inner_lr=1.0)
    meta, tasks = meta_parameters(joint), drawn(MOVES)
    collected = joint.collect(meta, tasks)
    earned = collected.query["reward"].sum(-1).mean(-1)
    curve = returns(joint, meta, tasks, 2)
    torch.testing.assert_close(earned, curve[:, 0])
    assert collected.support == {}
    assert (curve[:, 1] > curve[:, 0] + 0.1).all()


# --- it learns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "settings"),
    [
        (MOVES, {}),
        (MOVES, {"estimator": "dice"}),
        (MOVES, {"estimator": "reinforce", "exploration": True}),
        (NUMBERS, {}),
        (NUMBERS, {"order": 1}),
    ],
    ids=str,
)
def test_it_learns_to_meet_the_goal_after_an_update(actions: Actions, settings: dict[str, Any]) -> None:
    """Who cannot adapt earns −1 at most."""
    maml_pg = learner(actions, **settings)
    meta = {name: each.requires_grad_() for name, each in meta_parameters(maml_pg).items()}
    fresh = drawn(actions, count=50, seed=100)
    optimiser = torch.optim.Adam(meta.values(), lr=0.01)
    for seed in range(30):
        tasks = maml_pg.collect(meta, drawn(actions, count=10, updates=1, seed=seed))
        for _ in range(maml_pg.outer.epochs):
            optimiser.zero_grad()
            maml_pg.losses(meta, tasks).mean().backward()
            torch.nn.utils.clip_grad_norm_(meta.values(), maml_pg.outer.norm or 0)
            optimiser.step()
    before, after = returns(maml_pg, meta, fresh, 1).mean(0).tolist()
    assert after > -0.75
    assert after > before + 0.25
