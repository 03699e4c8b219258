"""Every world does what the contract says: the same lines for one episode, for many, and under vmap."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.worlds.some import SOLVABLE, WORLDS, at_random, chance, spread_out, tasks, uniform
from workbench.worlds.base import Solvable, Tensors, World
from workbench.worlds.rollout import Seen, rollout, trial

EXACT = 1e-9
TASKS, EPISODES = 5, 3

every_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


def assert_same(one: Tensors, other: Tensors) -> None:
    assert one.keys() == other.keys()
    for name, each in one.items():
        assert each.shape == other[name].shape, name
        assert (each.double() - other[name].double()).abs().max() <= EXACT, name


def looped(act: Callable[[Tensors, Tensors], Tensors], task: Tensors, luck: Tensors) -> Tensors:
    """What happens to each task by itself, stacked."""
    by_task = [
        act({name: each[at] for name, each in task.items()}, {name: each[at] for name, each in luck.items()})
        for at in range(TASKS)
    ]
    return {name: torch.stack([each[name] for each in by_task]) for name in by_task[0]}


@every_world
def test_many_tasks_at_once_are_as_each_by_itself(world: World) -> None:
    drawn = uniform(world, (TASKS,))
    single = [world.task({name: each[at] for name, each in drawn.items()}) for at in range(TASKS)]
    together = {name: torch.stack([each[name] for each in single]) for name in single[0]}
    assert_same(world.task(drawn), together)
    assert_same(torch.func.vmap(world.task)(drawn), together)


@every_world
def test_many_episodes_at_once_are_as_each_by_itself(world: World) -> None:
    task, luck = tasks(world, (TASKS,)), chance(world, (TASKS, EPISODES))
    together = rollout(world, spread_out(task, EPISODES), luck, at_random(world))

    def episodes(task: Tensors, luck: Tensors) -> Tensors:
        each = [
            rollout(world, task, {name: value[at] for name, value in luck.items()}, at_random(world))
            for at in range(EPISODES)
        ]
        return {name: torch.stack([one[name] for one in each]) for name in each[0]}

    assert_same(together, looped(episodes, task, luck))


@every_world
def test_under_vmap_the_same_happens(world: World) -> None:
    task, luck = tasks(world, (TASKS,)), chance(world, (TASKS, EPISODES))

    def act(task: Tensors, luck: Tensors) -> Tensors:
        return rollout(world, task, luck, at_random(world))

    over_episodes = torch.func.vmap(act, in_dims=(None, 0))
    together = torch.func.vmap(over_episodes)(task, luck)
    assert_same(together, rollout(world, spread_out(task, EPISODES), luck, at_random(world)))


@every_world
def test_many_trials_at_once_are_as_each_by_itself(world: World) -> None:
    task, luck = tasks(world, (TASKS,)), chance(world, (TASKS, EPISODES))
    together = trial(world, task, luck, at_random(world))
    single = looped(lambda task, luck: trial(world, task, luck, at_random(world)), task, luck)
    assert_same(together, single)


@every_world
def test_tasks_do_not_see_each_other(world: World) -> None:
    task, other = tasks(world, (TASKS,)), tasks(world, (TASKS,), seed=1)
    luck, other_luck = chance(world, (TASKS, EPISODES)), chance(world, (TASKS, EPISODES), seed=1)
    before = trial(world, task, luck, at_random(world))
    changed = {name: torch.cat([each[:-1], other[name][-1:]]) for name, each in task.items()}
    changed_luck = {name: torch.cat([each[:-1], other_luck[name][-1:]]) for name, each in luck.items()}
    after = trial(world, changed, changed_luck, at_random(world))
    for name, each in before.items():
        assert torch.equal(each[:-1], after[name][:-1]), name
    assert any(not torch.equal(each[-1], after[name][-1]) for name, each in before.items())


@every_world
def test_shapes_are_as_the_contract_says(world: World) -> None:
    task, luck = tasks(world, (TASKS,)), chance(world, (TASKS, EPISODES))
    for name, each in luck.items():
        assert each.shape[:3] == (TASKS, EPISODES, world.horizon), name
    assert not task.keys() & luck.keys()
    data = rollout(world, spread_out(task, EPISODES), luck, at_random(world))
    assert data["observation"].shape == (TASKS, EPISODES, world.horizon, world.observations)
    for name, each in data.items():
        assert each.shape[:3] == (TASKS, EPISODES, world.horizon), name
    assert data["reward"].shape == data["ended"].shape == data["alive"].shape
    assert data["reward"].dtype == torch.float64
    assert world.known(task).shape[:1] == (TASKS,)
    assert world.known(task).dim() == 2
    measured = world.measured(data)
    assert measured.keys() == {row.name for row in world.measures}
    assert all(each.shape == (TASKS, EPISODES) for each in measured.values())


@every_world
def test_what_is_known_of_a_task_tells_it_from_others_and_is_of_the_order_of_one(world: World) -> None:
    known = world.known(tasks(world, (400,)))
    assert len(known.unique(dim=0)) > 1
    assert known.isfinite().all()
    assert 0.1 < known.square().mean().sqrt() < 2


@every_world
def test_a_shift_has_other_tasks(world: World) -> None:
    assert world.shifts
    usual = world.known(tasks(world, (400,))).mean(0)
    for shift in world.shifts:
        shifted = world.known(tasks(world, (400,), shift=shift))
        assert not torch.allclose(shifted.mean(0), usual, atol=1e-3) or shifted.std() < 0.95 * usual.std()


@every_world
def test_the_same_chance_is_drawn_from_the_same_seed(world: World) -> None:
    one, again, other = (chance(world, (TASKS, EPISODES), seed) for seed in (3, 3, 4))
    assert all(torch.equal(each, again[name]) for name, each in one.items())
    assert not any(torch.equal(each, other[name]) for name, each in one.items())


@pytest.mark.parametrize("world", SOLVABLE.values(), ids=SOLVABLE)
def test_a_plan_over_many_tasks_is_that_of_each(world: Solvable) -> None:
    task, luck = tasks(world, (TASKS,)), chance(world, (TASKS, EPISODES))

    def act(task: Tensors, luck: Tensors) -> Tensors:
        plan = world.plan(task)

        def policy(seen: Seen) -> tuple[Tensor, Tensors]:
            return plan(seen.observation, seen.time), {}

        return trial(world, task, luck, policy)

    assert_same(act(task, luck), looped(act, task, luck))
    assert_same(act(task, luck), torch.func.vmap(act)(task, luck))
    best = [world.best_return({name: each[at] for name, each in task.items()}) for at in range(TASKS)]
    assert (world.best_return(task) - torch.stack(best)).abs().max() <= EXACT
