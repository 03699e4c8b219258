"""Cart and pole: A. G. Barto, R. S. Sutton, C. W. Anderson, "Neuronlike Adaptive Elements That Can Solve
Difficult Learning Control Problems", IEEE Transactions on Systems, Man, and Cybernetics 13(5), 1983.

A pole stands on a cart that is pushed left or right at every step, and every step until it falls earns 1.
Equations, limits and start are those of gymnasium's CartPole-v1, which has no friction. Here the pole's
length, both masses, and strength and direction of the push are unknown: which move pushes to which side
must be found out before the pole falls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import radians
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.config import setting
from workbench.measures import Measure
from workbench.pictures import INK, Array, Panel
from workbench.tasks.acting import WorldConfig, WorldFamily
from workbench.worlds import spans
from workbench.worlds.base import Actions, Tensors, World
from workbench.worlds.measures import SUCCESS
from workbench.worlds.numbers import start, start_size
from workbench.worlds.pictures import Acted, Arrays, lines, number, over_time
from workbench.worlds.spans import Span, Spans

STEP = 0.02
"""Seconds."""

GRAVITY = 9.8
FARTHEST = 2.4
"""Metres from the middle."""

STEEPEST = radians(12)

CARTS: Spans = {
    "half_length": Span(0.25, 1.0),  # m, of the pole
    "pole_mass": Span(0.05, 0.5, logarithmic=True),  # kg
    "cart_mass": Span(0.5, 2.0, logarithmic=True),  # kg
    "force": Span(5, 15, signed=True),  # N, of the push that is called right
}

SHIFTS: Mapping[str, Spans] = {"long poles": {"half_length": Span(1.0, 2.0)}}


class CartPoleWorld(World):
    """A pole on a cart.

    Seen: place and speed of the cart, angle and angular speed of the pole, in units of 2.4 m, 2.4 m/s, 12°
    and 2 rad/s.

    Parameters
    ----------
    horizon : most steps of an episode, of .02 s.
    """

    observations = 4
    actions = Actions(moves=("left", "right"))
    shifts: ClassVar[Mapping[str, str]] = {"long poles": "poles two to four metres long"}
    measures: ClassVar[tuple[Measure, ...]] = (SUCCESS.said("Balanced"),)

    def __init__(self, horizon: int = 100) -> None:
        self.horizon = horizon
        self.draws = dict.fromkeys(CARTS, 1)

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        return spans.drawn({**CARTS, **SHIFTS.get(shift, {})}, uniform)

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {"start": torch.rand(*shape, *start_size(4, self.horizon), generator=generator)}

    def known(self, task: Tensors) -> Tensor:
        return spans.scaled(CARTS, task)

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        place, speed, angle, turning = (0.1 * each - 0.05 for each in start(chance["start"], 4))
        stands = torch.ones_like(place)
        return {"place": place, "speed": speed, "angle": angle, "turning": turning, "stands": stands}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        seen = [state["place"] / FARTHEST, state["speed"] / FARTHEST]
        return torch.stack([*seen, state["angle"] / STEEPEST, state["turning"] / 2], -1)

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        place, speed, angle, turning = (state[name] for name in ("place", "speed", "angle", "turning"))
        length, mass, total = task["half_length"], task["pole_mass"], task["pole_mass"] + task["cart_mass"]
        push = task["force"] * (2 * action - 1)
        sine, cosine = torch.sin(angle), torch.cos(angle)
        pull = (push + mass * length * turning.square() * sine) / total
        lever = length * (4 / 3 - mass * cosine.square() / total)
        angular = (GRAVITY * sine - cosine * pull) / lever
        linear = pull - mass * length * angular * cosine / total
        # what has fallen stays within limits that nothing which stands ever meets, however long this goes on
        after = {
            "place": (place + STEP * speed).clamp(-10, 10),
            "speed": (speed + STEP * linear).clamp(-100, 100),
            "angle": (angle + STEP * turning).clamp(-2, 2),
            "turning": (turning + STEP * angular).clamp(-100, 100),
        }
        fallen = (after["place"].abs() > FARTHEST) | (after["angle"].abs() > STEEPEST)
        after["stands"] = 1 - fallen.to(angle.dtype)
        return after, torch.ones_like(angle), fallen

    def watched(self, state: Tensors) -> Tensors:
        """Where the cart is (m), the pole's angle (rad), and whether it stands."""
        return {name: state[name] for name in ("place", "angle", "stands")}

    def measured(self, data: Tensors) -> Tensors:
        return {SUCCESS.name: data["stands"][..., -1] * data["alive"][..., -1]}

    drawing: ClassVar[tuple[str, str]] = (
        "Pole and cart",
        "1 and −1: where the pole (12°) or the cart (2.4 m) counts as fallen.",
    )

    def told(self, task: Arrays) -> str:
        pole, mass, cart, force = (
            float(task[name]) for name in ("half_length", "pole_mass", "cart_mass", "force")
        )
        pushed = "" if force > 0 else ", left and right swapped"
        return (
            f"pole {number(2 * pole)} m, {number(mass)} kg, cart {number(cart, 1)} kg, "
            f"push {number(abs(force), 1)} N{pushed}"
        )

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """The pole's angle and the cart's place over time, in parts of their limits."""
        limit = 1.1

        def scaled(values: Array, most: float) -> Array:
            return np.clip(values / most, -limit, limit)

        poles, moving = over_time(acted, "angle", STEP, lambda each: scaled(each, STEEPEST))
        carts, _ = over_time(acted, "place", STEP, lambda each: scaled(each, FARTHEST))
        lasts = self.horizon * STEP
        limits = [np.array([[0.0, side], [lasts, side]]) for side in (-1.0, 1.0)]
        shown = [lines("limit", limits, INK, pale=True)]
        if moving is not None:
            shown.append(replace(carts[-1], label="cart", dashed=2))
            poles[-1] = replace(poles[-1], label="pole")
        return Panel(
            x_label="time (s)",
            y_label="of the limit",
            x_range=(0.0, lasts),
            y_range=(-limit, limit),
            curves=(*shown, *poles),
            moving=moving,
        )


class CartPoleConfig(WorldConfig):
    has = frozenset({"moves"})
    family: Literal["cartpole"] = "cartpole"
    horizon: int = setting(100, ge=1, le=10_000, unit="steps", help="Most steps of an episode, .02 s each.")
    rollouts: int = setting(
        20, rare=True, ge=1, le=1000, help="Episodes that each update of a gradient learner acts in."
    )
    shift: Literal["long poles"] | None = setting(
        None, titles=CartPoleWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )


class CartPole(WorldFamily):
    """Balance a pole on a cart whose push is unknown."""

    Config = CartPoleConfig
    title = "Cart and pole"
    summary = "Balance a pole of unknown length and mass on a cart that may be pushed the wrong way round."

    config: CartPoleConfig

    @classmethod
    def made(cls, config: CartPoleConfig) -> World:  # type: ignore[override]  # its own kind of configuration
        return CartPoleWorld(config.horizon)
