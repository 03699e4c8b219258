"""Worlds with continuous state: motion by the equations, gradients, and what acting well brings."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.worlds.some import chance, spread_out, tasks, uniform
from workbench.tasks.cartpole import CartPoleWorld
from workbench.tasks.driving import DrivingWorld
from workbench.tasks.following import FollowingWorld
from workbench.tasks.navigation import NavigationWorld
from workbench.worlds.base import Tensors, World
from workbench.worlds.rollout import Policy, Seen, rollout
from workbench.worlds.spans import Span


def by(act: Callable[[Tensor], Tensor]) -> Policy:
    """Who acts by what is seen at this moment alone."""
    return lambda seen: (act(seen.observation), {})


def measured(world: World, count: int, policy: Policy, shift: str = "", seed: int = 0) -> Tensors:
    """Return and measures of so many tasks, one episode each, in 64 bits."""
    task, luck = tasks(world, (count,), seed, shift), chance(world, (count,), seed)
    data = rollout(world, task, luck, policy)
    return world.measured(data) | {"return": data["reward"].sum(-1)}


def steering(seen: Tensor) -> Tensor:
    """By hand: against the errors, into the bend to come."""
    lateral, heading, yaw, _, _, bend, _ = seen.unbind(-1)
    return (-0.6 * lateral - 0.7 * heading - 0.5 * yaw + 0.15 * bend)[..., None]


def pedals(seen: Tensor) -> Tensor:
    """By hand: towards the wished gap and the leader's speed."""
    error, relative, speed, _, _ = seen.unbind(-1)
    return (0.4 * error * (9 * speed + 18).clamp_min(5) / 3 + 0.7 * relative)[..., None]


def nothing(seen: Tensor) -> Tensor:
    return torch.zeros_like(seen[..., :1])


SMOOTH: dict[str, tuple[World, Callable[[Tensor], Tensor]]] = {
    "driving": (DrivingWorld(horizon=40), steering),
    "following": (FollowingWorld(horizon=60), pedals),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    world, act = SMOOTH[name]
    task, luck = tasks(world, (4,), seed=5), chance(world, (4,), seed=5)
    torch.manual_seed(0)
    weights = torch.randn(world.observations, dtype=torch.float64) * 0.05
    direction = torch.randn(world.observations, dtype=torch.float64)

    def total(weights: Tensor) -> Tensor:
        policy = by(lambda seen: act(seen) + (seen @ weights)[..., None])
        return rollout(world, task, luck, policy)["reward"].sum()

    def slope(weights: Tensor) -> Tensor:
        return torch.func.grad(total)(weights) @ direction

    size = 1e-6
    ahead, behind = weights + size * direction, weights - size * direction
    first = (total(ahead) - total(behind)) / (2 * size)
    assert float(slope(weights)) == pytest.approx(float(first), rel=1e-6)
    second = (slope(ahead) - slope(behind)) / (2 * size)
    exact = torch.func.grad(slope)(weights) @ direction
    assert float(exact) == pytest.approx(float(second), rel=1e-4)


@pytest.mark.parametrize("name", SMOOTH)
def test_each_task_has_its_own_gradient_under_vmap(name: str) -> None:
    world, act = SMOOTH[name]
    task, luck = tasks(world, (3,)), chance(world, (3, 2))

    def total(weights: Tensor, task: Tensors, luck: Tensors) -> Tensor:
        return rollout(world, task, luck, by(lambda seen: act(seen) + (seen @ weights)[..., None]))[
            "reward"
        ].sum()

    weights = torch.zeros(world.observations, dtype=torch.float64)
    together = torch.func.vmap(torch.func.grad(total), in_dims=(None, 0, 0))(
        weights, spread_out(task, 2), luck
    )
    for at in range(3):
        mine = {key: each[at] for key, each in spread_out(task, 2).items()}
        alone = torch.func.grad(total)(weights, mine, {key: each[at] for key, each in luck.items()})
        assert torch.allclose(together[at], alone, rtol=1e-9)


def test_driving_by_hand_is_better_than_not_steering() -> None:
    world = DrivingWorld()
    idle, steered = (measured(world, 400, by(act)) for act in (nothing, steering))
    assert float(idle["return"].mean()) < -10
    assert float(steered["return"].mean()) > -3
    assert (steered["return"] > idle["return"]).double().mean() > 0.9
    assert steered["left_lane"].mean() < 0.2 < 0.8 < idle["left_lane"].mean()
    assert steered["lateral_error"].mean() < 0.5 < idle["lateral_error"].mean()
    assert (idle["off_lane"] > 0)[idle["left_lane"] > 0].all()


@pytest.mark.parametrize("shift", ["", "lorries"])
def test_on_a_straight_road_an_aligned_vehicle_goes_on_straight(shift: str) -> None:
    world = DrivingWorld()
    task = tasks(world, (50,), shift=shift)
    task |= {"misalignment": torch.zeros(50).double(), "wind": torch.zeros(50).double()}
    luck = {name: torch.zeros_like(each) for name, each in chance(world, (50,)).items()}
    luck["start"][:, :2, 0] = 0.5  # in the middle, ahead
    data = rollout(world, task, luck, by(nothing))
    assert data["lateral"].abs().max() < 1e-9
    assert data["reward"].abs().max() < 1e-9


def test_a_vehicle_holds_a_bend_as_the_equations_of_a_steady_turn_say() -> None:
    """wheels = wheelbase / radius + (1 / front − 1 / rear stiffness) · lateral acceleration / g."""
    world = DrivingWorld(horizon=300)
    task = tasks(world, (200,), seed=2)
    task |= {"misalignment": 0 * task["lag"], "wind": 0 * task["lag"], "friction": 1e3 * torch.ones(200)}
    state = world.reset(task, chance(world, (200,)))
    command = torch.full((200, 1), 0.02, dtype=torch.float64)
    for _ in range(150):
        state, _, _ = world.step(state, command, task, {}, 0)
    speed, wheelbase = task["speed"], task["wheelbase"]
    front, rear = task["front_stiffness"], task["front_stiffness"] * task["rear_stiffness"]
    wheels = task["steering_gain"] * 1.8 / speed * math.tanh(0.02)
    acceleration = speed * state["motion"][..., 2]
    # loads: each axle bears its share, and each tyre's force is stiffness · load · slip
    slips = (acceleration / 9.81) * (1 / front - 1 / rear)
    assert torch.allclose(wheels, wheelbase * state["motion"][..., 2] / speed + slips, rtol=1e-4)


def test_on_ice_the_same_hand_steers_worse() -> None:
    usual, ice = (measured(DrivingWorld(), 300, by(steering), shift)["return"] for shift in ("", "ice"))
    assert ice.mean() < usual.mean() - 1


def test_following_by_hand_is_better_than_rolling() -> None:
    world = FollowingWorld()
    idle, held = (measured(world, 300, by(act)) for act in (nothing, pedals))
    assert float(held["return"].mean()) > -10 > -30 > float(idle["return"].mean())
    assert held["time_gap_error"].mean() < 0.3 < 1 < idle["time_gap_error"].mean()
    assert held["collisions"].mean() < 0.02 < idle["collisions"].mean()


def test_the_leader_drives_at_its_mean_speed_with_its_spread() -> None:
    """Without brakings, an Ornstein–Uhlenbeck process through a lag; small wishes meet no limits."""
    world = FollowingWorld(horizon=400)
    count = 3000
    numbers = uniform(world, (count,))
    same = {"leader_speed": 0.6, "leader_spread": 0.2, "leader_memory": 0.5, "abruptness": 0.0}
    for name, value in (same | {"brakings": 0.0}).items():
        numbers[name] = torch.full_like(numbers[name], value)
    task = world.task(numbers)
    path = world.reset(task, chance(world, (count,)))["path"]
    mean, spread = float(task["leader_speed"][0]), float(task["leader_spread"][0])
    assert float(path.mean()) == pytest.approx(mean, abs=0.05)
    # the speed follows the wish with a lag of a second, which leaves σ √(τ / (τ + 1)) of the spread
    memory = float(task["leader_memory"][0])
    assert float(path[:, -1].std()) == pytest.approx(spread * math.sqrt(memory / (memory + 1)), rel=0.1)


def test_a_leader_that_brakes_is_slower_and_stronger_brakings_slow_it_more() -> None:
    world = FollowingWorld()
    means = []
    for rate, strength in ((0.0, 0.5), (1.0, 0.2), (1.0, 1.0)):
        numbers = uniform(world, (500,))
        numbers["brakings"] = torch.full_like(numbers["brakings"], rate)
        numbers["braking_strength"] = torch.full_like(numbers["braking_strength"], strength)
        path = world.reset(world.task(numbers), chance(world, (500,)))["path"]
        assert path.min() >= 0
        means.append(float(path.mean()))
    assert means[0] > means[1] + 0.1 > means[2] + 0.2


@pytest.mark.parametrize("shift", ["", *FollowingWorld.shifts])
def test_every_car_can_climb_at_its_leaders_speed(shift: str) -> None:
    world = FollowingWorld()
    task = tasks(world, (4000,), shift=shift)
    fastest = world.reset(task, chance(world, (4000,)))["path"].amax(-1)
    assert (task["throttle"] > task["slope"] + task["drag"] * fastest.square()).all()


@pytest.mark.parametrize(("world", "act"), [SMOOTH["driving"], SMOOTH["following"]], ids=SMOOTH)
def test_a_command_takes_effect_after_the_delay_of_the_task(
    world: World, act: Callable[[Tensor], Tensor]
) -> None:
    task, luck = tasks(world, (100,), seed=3), chance(world, (100,), seed=3)

    def pushed_at_first(seen: Seen) -> tuple[Tensor, Tensors]:
        return torch.full_like(seen.observation[..., :1], float(seen.time == 0)), {}

    moved = next(name for name in ("wheels", "acceleration") if name in world.reset(task, luck))
    paths = []
    for policy in (by(nothing), pushed_at_first):
        state, path = world.reset(task, luck), []
        for time in range(8):
            seen = Seen(world.observe(state, task, time), *[torch.zeros(100)] * 4, time, time)
            state, _, _ = world.step(state, policy(seen)[0], task, {}, time)
            path.append(state[moved])
        paths.append(torch.stack(path, -1))
    first = (paths[0] != paths[1]).double().argmax(-1)
    assert torch.equal(first.double(), task["delay"])


def test_staying_and_the_straight_line_earn_in_navigation_what_is_known() -> None:
    world = NavigationWorld()
    task, luck = tasks(world, (20_000,)), chance(world, (20_000,))
    stay = rollout(world, task, luck, by(lambda seen: torch.zeros_like(seen)))
    assert float(stay["reward"].sum(-1).mean()) == pytest.approx(-38.2, abs=0.3)
    plan = world.plan(task)
    best = rollout(world, task, luck, lambda seen: (plan(seen.observation, seen.time), {}))
    returns = best["reward"].sum(-1)
    assert float(returns.mean()) == pytest.approx(-0.50, abs=0.02)
    assert (returns - world.best_return(task)).abs().max() < 1e-9
    assert world.measured(best)["success"].min() == 1
    assert world.measured(stay)["success"].mean() < 0.01


def test_nothing_earns_more_in_navigation_than_the_plan() -> None:
    world = NavigationWorld(horizon=12)
    task, luck = tasks(world, (500,)), chance(world, (500,))
    plan = world.plan(task)

    def near_it(seen: Seen) -> tuple[Tensor, Tensors]:
        return plan(seen.observation, seen.time) + 0.3 * seen.chance, {}

    assert (rollout(world, task, luck, near_it)["reward"].sum(-1) <= world.best_return(task) + 1e-9).all()


def test_the_goal_counts_only_where_the_episode_ends_there() -> None:
    """Whoever walks on after the end is not asked any more."""
    world = NavigationWorld(horizon=6)
    task = {"goal": torch.tensor([[0.1, 0.0], [0.3, 0.0]], dtype=torch.float64)}
    right = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(2, 2)
    data = rollout(world, task, chance(world, (2,)), by(lambda seen: right))
    assert data["ended"].tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    assert data["reward"].sum(-1).tolist() == pytest.approx([0, -0.3])
    assert world.measured(data)["success"].tolist() == [1, 1]


def gymnasium_step(
    state: list[float], right: int, force: float, length: float, mass: float, cart: float
) -> list[float]:
    """CartPole-v1 of gymnasium 1.0, by the lines of its ``step``."""
    x, x_dot, theta, theta_dot = state
    push = force if right == 1 else -force
    costheta, sintheta = math.cos(theta), math.sin(theta)
    total_mass, polemass_length = mass + cart, mass * length
    temp = (push + polemass_length * theta_dot**2 * sintheta) / total_mass
    thetaacc = (9.8 * sintheta - costheta * temp) / (length * (4.0 / 3.0 - mass * costheta**2 / total_mass))
    xacc = temp - polemass_length * thetaacc * costheta / total_mass
    return [x + 0.02 * x_dot, x_dot + 0.02 * xacc, theta + 0.02 * theta_dot, theta_dot + 0.02 * thetaacc]


def test_cart_and_pole_move_as_those_of_gymnasium() -> None:
    world = CartPoleWorld()
    task, luck = tasks(world, (8,)), chance(world, (8,))
    names = ("place", "speed", "angle", "turning")
    state = world.reset(task, luck)
    theirs = torch.stack([state[name] for name in names], -1).tolist()
    fell = [False] * 8
    for time in range(60):
        moves = luck["acting"][:, time].argmax(-1)
        state, reward, done = world.step(state, moves, task, {}, time)
        for at in range(8):
            parameters = [
                float(task[name][at]) for name in ("force", "half_length", "pole_mass", "cart_mass")
            ]
            theirs[at] = gymnasium_step(theirs[at], int(moves[at]), *parameters)
            if not fell[at]:
                mine = [float(state[name][at]) for name in names]
                assert mine == pytest.approx(theirs[at], abs=1e-12)
                fell[at] = abs(theirs[at][0]) > 2.4 or abs(theirs[at][2]) > 12 * 2 * math.pi / 360
                assert bool(done[at]) == fell[at]
                assert float(reward[at]) == 1
    assert any(fell)


def test_balancing_needs_the_direction_of_the_push() -> None:
    """A hand that knows it stands to the end; the same hand the other way round falls at once."""
    world = CartPoleWorld()
    task, luck = tasks(world, (300,)), chance(world, (300,))

    def balanced(side: Tensor) -> Tensors:
        def act(seen: Seen) -> tuple[Tensor, Tensors]:
            place, speed, angle, turning = seen.observation.unbind(-1)
            lean = 0.2 * place + 0.4 * speed + angle + 2 * turning
            return (lean * side > 0).long(), {}

        data = rollout(world, task, luck, act)
        return world.measured(data) | {"return": data["reward"].sum(-1)}

    right, wrong, always = (balanced(side) for side in (task["force"], -task["force"], 1 + 0 * task["force"]))
    assert right["success"].mean() > 0.95
    assert float(wrong["return"].mean()) < 20
    assert 0.3 < always["success"].mean() < 0.7


def test_what_fell_earns_nothing_more_and_stays_finite() -> None:
    world = CartPoleWorld(horizon=2000)
    task, luck = tasks(world, (20,), shift="long poles"), chance(world, (20,))
    data = rollout(world, task, luck, lambda seen: (seen.chance.argmax(-1), {}))
    assert all(each.isfinite().all() for each in data.values())
    assert torch.equal(data["reward"], data["alive"])
    assert data["alive"][:, -1].max() == 0
    assert world.measured(data)["success"].max() == 0


def test_a_span_is_drawn_within_its_limits_and_scaled_back() -> None:
    numbers = torch.linspace(0, 1, 1001, dtype=torch.float64)[:-1]
    for span, lowest, highest in (
        (Span(2, 4), 2, 4),
        (Span(1, 100, logarithmic=True), 1, 100),
        (Span(0, 3, whole=True), 0, 3),
        (Span(0.5, 1, signed=True), -1, 1),
    ):
        drawn = span.drawn(numbers)
        assert lowest <= drawn.min() < drawn.max() <= highest
        assert (drawn.diff() >= 0).all()
        assert float(span.scaled(drawn).abs().max()) == pytest.approx(1, abs=0.01)
    assert Span(0, 3, whole=True).drawn(numbers).unique().tolist() == [0, 1, 2, 3]
    assert Span(0.5, 1, signed=True).drawn(numbers).abs().min() >= 0.5
    assert float(Span(1, 100, logarithmic=True).drawn(torch.tensor(0.5))) == pytest.approx(10)
