"""Following: keeping a time gap behind a leading car, in a car of unknown dynamics.

The wished gap is 2 m and 1.5 s of the own speed: a constant time gap, as adaptive cruise control keeps it.
The own car takes a command some steps late and follows it with a lag, uphill or downhill, against the wind;
how it brakes is not how it accelerates. The leader wishes a speed that wanders about a mean (an
Ornstein–Uhlenbeck process), and brakes at random.

The simulator is differentiable: gradients reach from the rewards to whoever acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.config import Evaluation, Suits, Training, setting
from workbench.measures import Measure
from workbench.pictures import INK, Panel
from workbench.tasks.acting import WorldConfig, WorldFamily
from workbench.worlds import spans
from workbench.worlds.base import Actions, Tensors, World
from workbench.worlds.measures import COLLISIONS, TIME_GAP_ERROR
from workbench.worlds.numbers import normal, start, start_size
from workbench.worlds.pictures import Acted, Arrays, lines, number, over_time, points
from workbench.worlds.spans import Span, Spans

STEP = 0.1
"""Seconds."""

STANDSTILL = 2.0
TIME_GAP = 1.5
"""The wished gap: metres at rest, and seconds of the own speed."""

LATEST = 5
"""Longest delay of a command, in steps."""

CARS: Spans = {
    "throttle": Span(1.8, 5, logarithmic=True),  # m/s² at full throttle
    "brake": Span(3, 10, logarithmic=True),  # m/s² at full brake
    "lag": Span(0.1, 0.8, logarithmic=True),  # s
    "delay": Span(0, LATEST, whole=True),  # steps
    "slope": Span(-0.6, 0.6),  # m/s², uphill above 0
    "drag": Span(2e-4, 6e-4),  # 1/m
    "leader_speed": Span(8, 28),  # m/s, mean
    "leader_spread": Span(0.3, 2),  # m/s, standard deviation of the wished speed
    "leader_memory": Span(3, 10, logarithmic=True),  # s, after which a wish has changed
    "brakings": Span(0, 0.12),  # of the leader, a second
    "braking_strength": Span(1, 4),  # m/s²
    "abruptness": Span(0.1, 1, logarithmic=True),  # s, the lag of the leader's acceleration
}

SHIFTS: Mapping[str, Spans] = {
    "mountains": {"slope": Span(0.6, 1.0, signed=True)},
    "trucks": {
        "throttle": Span(1.3, 1.8, logarithmic=True),
        "brake": Span(2, 3, logarithmic=True),
        "lag": Span(0.8, 1.5, logarithmic=True),
    },
}
"""Every car can climb at the leader's speed: throttle > slope + drag · speed²."""


class FollowingWorld(World):
    """A car behind another.

    Seen: the error of the time gap (s), the leader's speed less the own one, the own speed, the last command,
    the gap.

    Parameters
    ----------
    horizon : steps of .1 s.
    """

    observations = 5
    actions = Actions(numbers=1)
    smooth = True
    rewards = (0.0, 0.1)
    shifts: ClassVar[Mapping[str, str]] = {
        "mountains": "steeper roads, up and down",
        "trucks": "weaker and slower engines and brakes",
    }
    measures: ClassVar[tuple[Measure, ...]] = (TIME_GAP_ERROR, COLLISIONS)
    episode: ClassVar[str] = "drive"

    def __init__(self, horizon: int = 200) -> None:
        self.horizon = horizon
        self.draws = dict.fromkeys(CARS, 1)

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        return spans.drawn({**CARS, **SHIFTS.get(shift, {})}, uniform)

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        steps = (*shape, self.horizon)
        return {
            "wish": torch.randn(steps, generator=generator),
            "braking": torch.rand(steps, generator=generator),
            "braking_time": torch.rand(steps, generator=generator),
            "start": torch.rand(*shape, *start_size(3, self.horizon), generator=generator),
        }

    def known(self, task: Tensors) -> Tensor:
        return spans.scaled(CARS, task)

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        """The car and all that the leader will do: it takes no notice of who follows."""
        leader, own, near = start(chance["start"], 3)
        fast = (task["leader_speed"] + task["leader_spread"] * normal(leader)).clamp_min(2)
        path = self._leader(fast, task, chance)
        speed = (path[..., 0] + 1.5 * normal(own)).clamp_min(1)
        gap = (STANDSTILL + TIME_GAP * speed) * (0.8 + 0.4 * near)
        zero = torch.zeros_like(speed)
        line = zero.unsqueeze(-1)
        return {
            "gap": gap,
            "speed": speed,
            "leader": path[..., 0],
            "acceleration": zero,
            "error": _error(gap, speed),
            "commands": line.expand(*zero.shape, LATEST + 1),
            "path": path,
            "delay": task["delay"].long().unsqueeze(-1),
            "follows": 1 - torch.exp(-STEP / task["lag"]),
            "slows": -STEP * task["slope"],
            "drags": -STEP * task["drag"],
            "scale": line + zero.new_tensor([1.0, 1 / 3, 1 / 9, 1.0, 1 / 40]),
            "middle": line + zero.new_tensor([0.0, 0.0, -2.0, 0.0, -1.0]),
        }

    def _leader(self, speed: Tensor, task: Tensors, chance: Tensors) -> Tensor:
        """The leader's speed after each step, ``[…, horizon]``, m/s."""
        steps = torch.arange(self.horizon, device=speed.device)
        begins = chance["braking"] < (task["brakings"] * STEP).unsqueeze(-1)
        last = torch.where(begins, steps, -1).cummax(-1).values
        lasts = 0.5 + 2 * chance["braking_time"].gather(-1, last.clamp_min(0))
        brakes = (last >= 0) & (lasts > (steps - last) * STEP)
        strongest = -task["braking_strength"].unsqueeze(-1)
        least = torch.where(brakes, strongest, -2.0).unbind(-1)
        most = torch.where(brakes, strongest, 1.2).unbind(-1)
        pull = STEP / task["leader_memory"]
        jolts = (chance["wish"] * (task["leader_spread"] * (2 * pull).sqrt()).unsqueeze(-1)).unbind(-1)
        follows = 1 - torch.exp(-STEP / task["abruptness"])
        wish, acceleration, path = speed, torch.zeros_like(speed), []
        for low, high, jolt in zip(least, most, jolts, strict=True):
            wish = torch.lerp(wish, task["leader_speed"], pull) + jolt
            acceleration = torch.lerp(acceleration, torch.clamp(wish - speed, low, high), follows)
            speed = torch.add(speed, acceleration, alpha=STEP).clamp_min(0)
            path.append(speed)
        return torch.stack(path, -1)

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        speed = state["speed"]
        seen = [state["error"], state["leader"] - speed, speed, state["commands"][..., 0], state["gap"]]
        return torch.addcmul(state["middle"], torch.stack(seen, -1), state["scale"])

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        commands = torch.cat([torch.tanh(action), state["commands"][..., :-1]], -1)
        command = commands.gather(-1, state["delay"])[..., 0]
        wanted = torch.where(command > 0, task["throttle"], task["brake"]) * command
        acceleration = torch.lerp(state["acceleration"], wanted, state["follows"])
        speed, leader = state["speed"], state["path"][..., time]
        freely = torch.addcmul(speed + state["slows"], state["drags"], speed.square())
        speed = torch.add(freely, acceleration, alpha=STEP).clamp_min(0)
        gap = torch.add(state["gap"], leader - speed, alpha=STEP).clamp(-5, 250)
        error = _error(gap, speed)
        # −.1 s · (4 tanh((2 error)²) + .02 jerk² + (metres below 3 / 3)²), in few operations
        change, near = acceleration - state["acceleration"], (3 - gap).clamp_min(0)
        reward = -4 * STEP * torch.tanh(4 * error.square())
        reward = torch.addcmul(reward, change, change, value=-0.02 / STEP)
        reward = torch.addcmul(reward, near, near, value=-STEP / 9)
        after = {
            "gap": gap,
            "speed": speed,
            "leader": leader,
            "acceleration": acceleration,
            "error": error,
            "commands": commands,
        }
        return state | after, reward, torch.zeros_like(gap, dtype=torch.bool)

    def watched(self, state: Tensors) -> Tensors:
        """The gap in metres and the error of the time gap in seconds."""
        return {"gap": state["gap"], "time_gap": state["error"]}

    def measured(self, data: Tensors) -> Tensors:
        gap = data["gap"]
        return {
            TIME_GAP_ERROR.name: data["time_gap"].square().mean(-1).sqrt(),
            COLLISIONS.name: (gap < 0).any(-1).to(gap.dtype),
        }

    drawing: ClassVar[tuple[str, str]] = (
        "Time gap to the leader",
        "0 is the wished gap; above it the car is too far behind. A cross: a collision.",
    )

    def told(self, task: Arrays) -> str:
        own = {
            name: float(task[name]) for name in ("throttle", "brake", "lag", "delay", "slope", "leader_speed")
        }
        way = "uphill" if own["slope"] > 0 else "downhill"
        return (
            f"throttle {number(own['throttle'], 1)}, brake {number(own['brake'], 1)} m/s², "
            f"lag {number(own['lag'], 1)} s, delay {number(own['delay'] * STEP, 1)} s, {way} "
            f"{number(abs(own['slope']), 1)} m/s², leader {number(own['leader_speed'], 0)} m/s"
        )

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """How much too long the time gap is, over time."""
        limit, lasts = 0.6, self.horizon * STEP
        curves, moving = over_time(acted, "time_gap", STEP, most=limit)
        zero = lines("wished gap", [np.array([[0.0, 0.0], [lasts, 0.0]])], INK, pale=True)
        gap, crashes = acted.seen("gap"), []
        if gap is not None and (gap < 0).any():
            at = STEP * (1 + int((gap < 0).argmax()))
            crashes = [points("collision", np.array([[at, -limit]]), INK, "cross", thick=True)]
        return Panel(
            x_label="time (s)",
            y_label="gap too long by (s)",
            x_range=(0.0, lasts),
            y_range=(-limit, limit),
            curves=(zero, *curves, *crashes),
            moving=moving,
        )


def _error(gap: Tensor, speed: Tensor) -> Tensor:
    """How much too long the gap is, in seconds."""
    return torch.add(gap - STANDSTILL, speed, alpha=-TIME_GAP) / speed.clamp_min(5)


class FollowingConfig(WorldConfig):
    has = frozenset({"gradient"})
    suits = Suits(
        Training(iterations=400, meta_batch=128, meta_lr=5e-3, gradient_norm=0.5, decay="linear"),
        Evaluation(episodes=512, inner_steps=3, every=50),
        {"train_shots": 2, "train_queries": 2, "every": 5},
    )
    family: Literal["following"] = "following"
    steps: int = setting(200, ge=1, le=10_000, unit="steps", help="Length of a drive, .1 s each.")
    rollouts: int = setting(
        2, rare=True, ge=1, le=1000, help="Drives that each update of a gradient learner acts in."
    )
    shift: Literal["mountains", "trucks"] | None = setting(
        None, titles=FollowingWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )


class Following(WorldFamily):
    """Keep behind a leading car, in an unknown car."""

    Config = FollowingConfig
    title = "Following in traffic"
    summary = "Keep 1.5 s behind a leading car, in a car of unknown engine, brakes and delay."

    config: FollowingConfig

    @classmethod
    def made(cls, config: FollowingConfig) -> World:  # type: ignore[override]  # its own kind of configuration
        return FollowingWorld(config.steps)
