"""Best policies against other ways to find them: linear systems, enumeration, a plain search."""

from __future__ import annotations

import itertools
from collections import deque

import pytest
import torch
from torch import Tensor

from tests.worlds.some import SOLVABLE, chance, spread_out, tasks, uniform
from workbench.tasks.grid_navigation import GridWorld
from workbench.tasks.maze import MazeWorld
from workbench.tasks.opponents import COOPERATE, DEFECT, GAMES, OpponentsWorld
from workbench.tasks.tabular_mdp import TabularWorld
from workbench.worlds.base import Solvable, Tensors
from workbench.worlds.measures import GOALS, SUCCESS
from workbench.worlds.rollout import Policy, Seen, rollout, trial


def by_plan(world: Solvable, task: Tensors) -> Policy:
    plan = world.plan(task)

    def policy(seen: Seen) -> tuple[Tensor, Tensors]:
        return plan(seen.observation, seen.time), {}

    return policy


def oracle(world: Solvable, count: int, episodes: int, shift: str = "") -> tuple[Tensors, Tensors]:
    """So many tasks, and what the best policy does in trials of them."""
    task = tasks(world, (count,), shift=shift)
    return task, trial(world, task, chance(world, (count, episodes)), by_plan(world, task))


@pytest.mark.parametrize("world", SOLVABLE.values(), ids=SOLVABLE)
def test_the_best_policy_earns_what_is_said_of_it(world: Solvable) -> None:
    task, data = oracle(world, 500, 40)
    earned, said = data["reward"].sum(-1) / 40, world.best_return(task)
    off = earned - said
    # the episodes' chance, and, where they are parts of a run, the last way, which is not gone to its end
    assert abs(float(off.mean())) < 4 * float(off.std()) / 500**0.5 + (0.02 if world.restarts else 1e-9)
    assert torch.corrcoef(torch.stack([earned, said]))[0, 1] > 0.9


# --- tabular ---------------------------------------------------------------------------------------------


def test_value_iteration_agrees_with_a_linear_system_for_its_policy() -> None:
    world = TabularWorld(states=5, actions=3, horizon=6)
    task = tasks(world, (4,))
    states = torch.eye(5, dtype=torch.float64)
    for at in range(4):
        one = {name: each[at] for name, each in task.items()}
        plan = world.plan({name: each.expand(5, *each.shape) for name, each in one.items()})
        # unknown: what is earned from each state on, by step; v_t = r_π + P_π v_(t+1)
        system, pays = torch.eye(30, dtype=torch.float64), torch.zeros(30, dtype=torch.float64)
        for time in range(6):
            action = plan(states, time)
            pays[5 * time : 5 * time + 5] = one["mean"][range(5), action]
            if time < 5:
                system[5 * time : 5 * time + 5, 5 * time + 5 : 5 * time + 10] -= one["transition"][
                    range(5), action
                ]
        value = torch.linalg.solve(system, pays).reshape(6, 5)
        assert float(value[0, 0]) == pytest.approx(float(world.best_return(one)), abs=1e-10)
        # and no other action is better anywhere: Bellman's equation
        for time in range(6):
            then = one["transition"] @ value[time + 1] if time < 5 else torch.zeros(5, 3, dtype=torch.float64)
            assert ((one["mean"] + then).amax(-1) - value[time]).abs().max() < 1e-10


def test_transitions_and_rewards_are_as_the_table_says() -> None:
    world = TabularWorld(states=3, actions=2, horizon=4)
    task = tasks(world, ())
    many = {name: each.expand(20_000, *each.shape) for name, each in task.items()}
    luck = {name: each[:, 0] for name, each in chance(world, (20_000,)).items()}
    state = {"state": torch.full((20_000,), 2)}
    then, reward, done = world.step(state, torch.ones(20_000, dtype=torch.int64), many, luck, 0)
    share = torch.bincount(then["state"], minlength=3) / 20_000
    assert (share - task["transition"][2, 1]).abs().max() < 0.015
    assert abs(float(reward.mean() - task["mean"][2, 1])) < 0.03
    assert abs(float(reward.std()) - 1) < 0.03
    assert not done.any()


def test_the_oracle_of_tables_earns_218_in_a_trial() -> None:
    world = TabularWorld()
    assert 10 * float(world.best_return(tasks(world, (1000,))).mean()) == pytest.approx(218, abs=3)


# --- opponents -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("game", GAMES)
def test_the_best_response_is_the_best_of_all_deterministic_ones(game: str) -> None:
    world = OpponentsWorld(game, rounds=3)
    task = tasks(world, (6,))
    said = world.best_return(task)
    histories = [
        told for rounds in range(3) for told in itertools.product((COOPERATE, DEFECT), repeat=rounds)
    ]
    for at in range(6):
        strategy, best = task["strategy"][at].tolist(), -1e9
        # a deterministic way to play: the own move after everything that the other may have done
        for moves in itertools.product((COOPERATE, DEFECT), repeat=len(histories)):
            play = dict(zip(histories, moves, strict=True))
            value = 0.0
            for others in itertools.product((COOPERATE, DEFECT), repeat=3):
                likely, earned, situation = 1.0, 0.0, 0
                for time, other in enumerate(others):
                    own = play[others[:time]]
                    likely *= strategy[situation] if other == COOPERATE else 1 - strategy[situation]
                    earned += GAMES[game][own][other]
                    situation = 1 + 2 * own + other
                value += likely * earned
            best = max(best, value)
        assert float(said[at]) == pytest.approx(best, abs=1e-10)


@pytest.mark.parametrize(("shift", "figure"), [("", 173.9), ("named", 193.4), ("uniform", 165.6)])
def test_the_oracle_of_the_stag_hunt_earns_its_figure(shift: str, figure: float) -> None:
    world = OpponentsWorld()
    best = 3 * world.best_return(tasks(world, (4000,), shift=shift))
    assert float(best.mean()) == pytest.approx(figure, abs=2)


def test_named_strategies_are_played_with_a_little_noise() -> None:
    world = OpponentsWorld()
    strategy = tasks(world, (2000,), shift="named")["strategy"]
    assert len(strategy.unique(dim=0)) == 12
    assert float(strategy.min()) == pytest.approx(0.05)
    assert float(strategy.max()) == pytest.approx(0.95)


# --- grid ------------------------------------------------------------------------------------------------


def test_the_oracle_of_the_grid_reaches_every_goal_and_earns_11_07() -> None:
    world = GridWorld()
    goals = torch.tensor(world.goals[""], dtype=torch.float64)
    assert len(goals) == 21
    task = {"goal": goals}
    data = rollout(world, spread_out(task, 1), chance(world, (21, 1)), by_plan(world, spread_out(task, 1)))
    earned = data["reward"].sum(-1)[:, 0]
    assert (earned - world.best_return(task)).abs().max() < 1e-9
    assert float(earned.mean()) == pytest.approx(11.07, abs=0.02)
    assert (world.measured(data)[SUCCESS.name] == 1).all()


def test_a_goal_beyond_the_horizon_costs_every_step() -> None:
    world = GridWorld(size=5, horizon=4)
    task = {"goal": torch.tensor([[4.0, 4.0]], dtype=torch.float64)}
    data = trial(world, task, chance(world, (1, 1)), by_plan(world, task))
    assert float(data["reward"].sum()) == pytest.approx(float(world.best_return(task))) == -0.4
    assert float(world.measured(data)[SUCCESS.name]) == 0


def test_goals_held_out_are_never_drawn_in_training() -> None:
    world = GridWorld(held_out=6)
    usual = {tuple(goal) for goal in tasks(world, (3000,))["goal"].tolist()}
    apart = {tuple(goal) for goal in tasks(world, (3000,), shift="held_out")["goal"].tolist()}
    assert len(usual) == 15
    assert len(apart) == 6
    assert not usual & apart
    assert GridWorld(held_out=6).goals == world.goals


# --- maze ------------------------------------------------------------------------------------------------


def plain_steps(world: MazeWorld, opened: Tensor, goal: int) -> list[float]:
    """Steps to the goal from each room, by a breadth-first search."""
    strides = (1, world.size, -1, -world.size)
    steps, waiting = {goal: 0}, deque([goal])
    while waiting:
        room = waiting.popleft()
        for direction, stride in enumerate(strides):
            if opened[room, direction] and room + stride not in steps:
                steps[room + stride] = steps[room] + 1
                waiting.append(room + stride)
    return [float(steps[room]) for room in range(world.rooms)]


@pytest.mark.parametrize("shift", ["", "open", "dense"])
def test_shortest_ways_are_those_of_a_plain_search(shift: str) -> None:
    world = MazeWorld(size=5)
    task = tasks(world, (20,), shift=shift)
    steps, _ = world.steps_to_goal(task)
    for at in range(20):  # every room is reached, so the mazes hold together
        assert steps[at].tolist() == plain_steps(world, task["open"][at], int(task["goal"][at]))
    assert (task["goal"] > 0).all()


def test_a_maze_is_the_spanning_tree_of_least_weight() -> None:
    world = MazeWorld(size=4)
    drawn = uniform(world, (10,))
    opened = world.task(drawn, "dense")["open"]
    walls = [(room, room + 1, 0) for room in range(16) if (room + 1) % 4]
    walls += [(room, room + 4, 1) for room in range(12)]
    for at in range(10):
        group, tree = list(range(16)), set()  # Kruskal's algorithm
        for wall in drawn["weights"][at].argsort().tolist():
            first, second, direction = walls[wall]
            if group[first] != group[second]:
                group = [group[first] if each == group[second] else each for each in group]
                tree |= {(first, direction), (second, direction + 2)}
        assert {tuple(each) for each in opened[at].nonzero().tolist()} == tree


@pytest.mark.parametrize("permuted", [False, True])
def test_the_oracle_of_mazes_goes_the_shortest_way_again_and_again(permuted: bool) -> None:
    world = MazeWorld(permuted=permuted)
    task, data = oracle(world, 1000, 4)
    goals = world.measured(data)[GOALS.name]
    steps = world.steps_to_goal(task)[0][:, 0]
    assert torch.equal(goals, (120 / steps).floor())
    assert float(goals.mean()) == pytest.approx(30.6, rel=0.05)


def test_moves_are_permuted_from_task_to_task_only_where_asked() -> None:
    plain, mixed = (tasks(MazeWorld(permuted=permuted), (500,))["moves"] for permuted in (False, True))
    assert torch.equal(plain, torch.arange(4).expand(500, 4))
    assert torch.equal(mixed.sort(-1).values, plain)
    assert len(mixed.unique(dim=0)) == 24


def test_after_a_horizon_without_the_goal_a_maze_begins_anew() -> None:
    world = MazeWorld(size=3, horizon=5)
    task = tasks(world, (1,), shift="dense")
    stay = int((task["open"][0, 0] == 0).nonzero()[0])  # a wall of the first room

    def bump(seen: Seen) -> tuple[Tensor, Tensors]:
        return torch.full((1,), stay), {}

    data = trial(world, task, chance(world, (1, 3)), bump)
    assert data["ended"][0].tolist() == [0, 0, 0, 0, 1] * 3
    assert float(data["reward"].sum()) == pytest.approx(-3)
