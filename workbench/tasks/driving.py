"""Driving: keeping a lane with an unknown vehicle.

The vehicle is a dynamic bicycle (R. Rajamani, *Vehicle Dynamics and Control*, Springer, 2012, chapter 2):
two states, lateral speed and yaw rate, and one tyre at each axle. Its lateral force grows with the slip
angle α and saturates, F = μ F_z tanh(c α / μ): friction μ, load F_z, stiffness c per unit of load. The
moment of inertia is m a b (mass, distances of the axles from the centre of mass). So the mass, which force
and inertia share, cancels.

The simulator is differentiable: gradients reach from the rewards to whoever acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import tau
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.config import Evaluation, Suits, Training, setting
from workbench.measures import Measure
from workbench.pictures import MUTED, Array, Curve, Panel
from workbench.tasks.acting import WorldConfig, WorldFamily
from workbench.worlds import spans
from workbench.worlds.base import Actions, Tensors, World
from workbench.worlds.measures import LATERAL_ERROR, LEFT_LANE, OFF_LANE
from workbench.worlds.numbers import start, start_size
from workbench.worlds.pictures import PALE, Acted, Arrays, number, over_time
from workbench.worlds.spans import Span, Spans

STEP = 0.1
"""Seconds that a command holds."""

SUBSTEPS = 2
"""Euler steps of the vehicle in each."""

SIGHT = 0.5
"""How far ahead the road is seen, in seconds."""

GRAVITY = 9.81
STEERING = 1.8
"""Angle of the front wheels at full command and gain 1, in rad, times the speed in m/s."""

LATEST = 3
"""Longest delay of a command, in steps."""

OFF = 0.9
LEAVES = 1.75
"""Metres from the middle: partly off the lane, and off it."""

DEMAND = 4
"""What the road demands now, among what is seen."""

BENDS = 1.0
"""Metres to each side that a road goes where it is drawn."""

LIMITS = (6.0, 1.0, 2.0, 8.0)
"""Of lateral error (m), heading error (rad), yaw rate (rad/s), lateral speed (m/s): a vehicle that is lost
does not get more so, and has no gradient."""

VEHICLES: Spans = {
    "wheelbase": Span(2.3, 4.0),  # m
    "axle_split": Span(0.42, 0.58),  # from the front axle to the centre of mass, of the wheelbase
    "mass": Span(900, 3500, logarithmic=True),  # kg
    "front_stiffness": Span(7, 13),  # force per load and rad
    "rear_stiffness": Span(0.95, 1.5),  # of the front one
    "friction": Span(0.45, 1),
    "steering_gain": Span(0.5, 1.5),
    "misalignment": Span(-0.02, 0.02),  # rad, at 18 m/s
    "lag": Span(0.05, 0.25),  # s, of the steering's actuator
    "delay": Span(0, LATEST, whole=True),  # steps
    "wind": Span(-0.5, 0.5),  # m/s²
    "speed": Span(12, 30),  # m/s
}

SHIFTS: Mapping[str, Spans] = {
    "lorries": {
        "wheelbase": Span(4.0, 6.0),
        "mass": Span(3500, 12_000, logarithmic=True),
        "lag": Span(0.2, 0.35),
    },
    "ice": {"friction": Span(0.15, 0.3)},
}


class DrivingWorld(World):
    """A vehicle on a bending road, as fast as its task says.

    Seen: lateral error (m), heading error (.1 rad), error of the yaw rate (.2 rad/s), the last command, the
    lateral acceleration that the road demands now and half a second ahead (m/s²), the speed.

    Parameters
    ----------
    horizon : steps of .1 s.
    """

    observations = 7
    actions = Actions(numbers=1)
    smooth = True
    rewards = (0.0, 0.1)
    shifts: ClassVar[Mapping[str, str]] = {
        "lorries": "heavier loads, longer wheelbases, slower steering",
        "ice": "friction of .15 to .3",
    }
    measures: ClassVar[tuple[Measure, ...]] = (LATERAL_ERROR, OFF_LANE, LEFT_LANE)
    episode: ClassVar[str] = "drive"

    def __init__(self, horizon: int = 100) -> None:
        self.horizon = horizon
        self.draws = dict.fromkeys(VEHICLES, 1)

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        return spans.drawn({**VEHICLES, **SHIFTS.get(shift, {})}, uniform)

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {"start": torch.rand(*shape, *start_size(8, self.horizon), generator=generator)}

    def known(self, task: Tensors) -> Tensor:
        return spans.scaled({name: span for name, span in VEHICLES.items() if name != "speed"}, task)

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        """The vehicle and its road: what does not depend on commands is computed here, once for all steps."""
        lateral, heading, *road = start(chance["start"], 8)
        demand = self._demand(road)
        zero = torch.zeros_like(lateral)
        line = zero.unsqueeze(-1)
        return {
            "motion": torch.stack([lateral - 0.5, (heading - 0.5) * 0.05, zero, zero], -1),
            "wheels": zero,
            "error": lateral - 0.5,
            "commands": line.expand(*zero.shape, LATEST + 1),
            "scale": line + zero.new_tensor([1.0, 10.0, 5.0, 1.0, 0.0, 0.0, 0.0]),
            "nothing": line.expand(*zero.shape, 3),
            "limits": line + zero.new_tensor(LIMITS),
        } | self._folded(task, demand)

    def _demand(self, road: list[Tensor]) -> Tensor:
        """Lateral acceleration that the road demands, m/s²: two sines, at each Euler step to half a second
        beyond the horizon, ``[…, steps]``."""
        slow, slow_rate, slow_phase, quick, quick_rate, quick_phase = (each.unsqueeze(-1) for each in road)
        euler = STEP / SUBSTEPS
        steps = (self.horizon + 1) * SUBSTEPS + round(SIGHT / euler)
        time = torch.arange(steps, device=slow.device, dtype=slow.dtype) * euler
        first = 1.2 * slow * torch.sin((0.3 + 0.7 * slow_rate) * time + tau * slow_phase)
        return first + 0.5 * quick * torch.sin((1 + quick_rate) * time + tau * quick_phase)

    def _folded(self, task: Tensors, demand: Tensor) -> Tensors:
        """The constants of the equations of motion, and what the road adds to each step."""
        euler, speed = STEP / SUBSTEPS, task["speed"]
        front = task["axle_split"] * task["wheelbase"]
        rear = task["wheelbase"] - front
        grip = task["front_stiffness"] / task["friction"]
        rear_grip = grip * task["rear_stiffness"]
        hold = euler * GRAVITY * task["friction"] / task["wheelbase"]
        ahead = round(SIGHT / euler)
        now, later = demand[..., : -ahead or None : SUBSTEPS], demand[..., ahead::SUBSTEPS]
        still, pace = torch.zeros_like(now), ((speed - 21) / 9).unsqueeze(-1).expand_as(now)
        seen = [still, still, -5 * now / speed.unsqueeze(-1), still, now, later, pace]
        return {
            "delay": task["delay"].long().unsqueeze(-1),
            "target": task["steering_gain"] * STEERING / speed,
            "target_0": task["misalignment"] * 18 / speed,
            "follows": euler / task["lag"].clamp_min(euler),
            "front_wheels": grip,
            "front_drift": -grip / speed,
            "front_yaw": -grip * front / speed,
            "rear_drift": -rear_grip / speed,
            "rear_yaw": rear_grip * rear / speed,
            "drift_front": hold * rear,
            "drift_rear": hold * front,
            "drift_yaw": -euler * speed,
            "drift_0": euler * task["wind"],
            "yaw_front": hold,
            "yaw_rear": -hold,
            "lateral_heading": euler * speed,
            "bend": -euler * demand / speed.unsqueeze(-1),
            "road": torch.stack(seen, -1),
        }

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        own = torch.cat([state["motion"][..., :3], state["commands"][..., :1], state["nothing"]], -1)
        return torch.addcmul(state["road"][..., time, :], own, state["scale"])

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        s, euler = state, STEP / SUBSTEPS
        commands = torch.cat([torch.tanh(action), s["commands"][..., :-1]], -1)
        target = torch.addcmul(s["target_0"], s["target"], commands.gather(-1, s["delay"])[..., 0])
        wheels, (lateral, heading, yaw, drift) = s["wheels"], s["motion"].unbind(-1)
        for substep in range(SUBSTEPS):
            wheels = torch.lerp(wheels, target, s["follows"])
            slip = torch.addcmul(s["front_wheels"] * wheels, s["front_drift"], drift)
            front = torch.tanh(torch.addcmul(slip, s["front_yaw"], yaw))
            rear = torch.tanh(torch.addcmul(s["rear_drift"] * drift, s["rear_yaw"], yaw))
            drift = torch.addcmul(drift + s["drift_0"], s["drift_yaw"], yaw)
            drift = torch.addcmul(torch.addcmul(drift, s["drift_front"], front), s["drift_rear"], rear)
            yaw = torch.addcmul(yaw, s["yaw_front"], front - rear)
            lateral = torch.addcmul(
                torch.add(lateral, drift, alpha=euler), s["lateral_heading"], torch.sin(heading)
            )
            heading = torch.add(heading, yaw, alpha=euler) + s["bend"][..., time * SUBSTEPS + substep]
        change = commands[..., 0] - s["commands"][..., 0]
        reward = torch.addcmul(-0.4 * torch.tanh(lateral.square() / 4), change, change, value=-0.02)
        after = {
            "motion": torch.stack([lateral, heading, yaw, drift], -1).clamp(-s["limits"], s["limits"]),
            "wheels": wheels,
            "error": lateral,
            "commands": commands,
        }
        return s | after, reward, torch.zeros_like(reward, dtype=torch.bool)

    def watched(self, state: Tensors) -> Tensors:
        """Lateral error in metres, however large."""
        return {"lateral": state["error"]}

    def measured(self, data: Tensors) -> Tensors:
        error = data["lateral"]
        far = error.abs()
        return {
            LATERAL_ERROR.name: error.square().mean(-1).sqrt(),
            OFF_LANE.name: (far > OFF).to(error.dtype).mean(-1),
            LEFT_LANE.name: (far > LEAVES).any(-1).to(error.dtype),
        }

    drawing: ClassVar[tuple[str, str]] = (
        "Paths of the vehicle",
        "Lanes are 3.5 m wide; the road's bends are drawn flatter than they are, the distance from the "
        "middle is not.",
    )

    def told(self, task: Arrays) -> str:
        own = {name: float(each) for name, each in task.items()}
        return (
            f"{number(own['mass'] / 1000, 1)} t, wheelbase {number(own['wheelbase'], 1)} m, "
            f"{number(own['speed'], 0)} m/s, friction {number(own['friction'])}, "
            f"delay {number(own['delay'] * STEP, 1)} s, steering × {number(own['steering_gain'], 1)}"
        )

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """The road from above, and the vehicle's way along it."""
        seen, pace = acted.seen("observation"), STEP * float(task["speed"])
        road = np.zeros(self.horizon) if seen is None else _bends(seen[:, DEMAND])
        along: Array = pace * np.arange(1.0, self.horizon + 1)
        edges = [Curve("lane", MUTED, along, road + side * LEAVES, faint=True) for side in (-1.0, 1.0)]
        middle = Curve("", MUTED, along, road, dashed=1, faint=True, shade=PALE)
        widest = BENDS + LEAVES + 0.5
        ways, moving = over_time(acted, "lateral", pace, lambda each: road + each, widest)
        return Panel(
            x_range=(0.0, pace * (self.horizon + 1)),
            y_range=(-widest, widest),
            curves=(*edges, middle, *ways),
            moving=moving,
            x_hidden=True,
            y_hidden=True,
        )


def _bends(demand: Array) -> Array:
    """Where the middle of a road is, in metres, from the lateral acceleration that it demands at each step:
    without its direction, and flattened where it goes far."""
    place = np.cumsum(np.cumsum(demand)) * STEP**2
    at = np.arange(len(place), dtype=np.float64)
    place -= np.polyval(np.polyfit(at, place, 1), at) if len(place) > 1 else place
    return place * min(1.0, BENDS / max(1e-9, float(np.abs(place).max())))


class DrivingConfig(WorldConfig):
    has = frozenset({"gradient"})
    suits = Suits(
        Training(iterations=1000, meta_batch=128, meta_lr=5e-3, gradient_norm=0.5, decay="linear"),
        Evaluation(episodes=512, inner_steps=3, every=100),
        {"train_shots": 2, "train_queries": 2, "every": 5},
    )
    family: Literal["driving"] = "driving"
    steps: int = setting(100, ge=1, le=10_000, unit="steps", help="Length of a drive, .1 s each.")
    rollouts: int = setting(
        2, rare=True, ge=1, le=1000, help="Drives that each update of a gradient learner acts in."
    )
    shift: Literal["lorries", "ice"] | None = setting(
        None, titles=DrivingWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )


class Driving(WorldFamily):
    """Keep a lane with an unknown vehicle."""

    Config = DrivingConfig
    title = "Driving"
    summary = "Keep a lane with a vehicle of unknown size, tyres, steering and road surface."

    config: DrivingConfig

    @classmethod
    def made(cls, config: DrivingConfig) -> World:  # type: ignore[override]  # its own kind of configuration
        return DrivingWorld(config.steps)
