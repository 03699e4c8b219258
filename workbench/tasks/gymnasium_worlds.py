"""Environments of gymnasium by name, with parameters that differ from task to task.

Gymnasium: Towers et al., "Gymnasium: A Standard Interface for Reinforcement Learning Environments", 2024,
arXiv 2407.17032. An environment is anybody's code, outside torch: it runs in a process of its own (see
:mod:`workbench.worlds.simulator`), no gradient flows through it, and copies of it act one after the other.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from workbench.config import Evaluation, Suits, Training, setting
from workbench.tasks.acting import WorldConfig, WorldFamily
from workbench.words import LONGEST_NAME, shown
from workbench.worlds import spans
from workbench.worlds.base import Actions, Tensors, World
from workbench.worlds.numbers import start, start_size
from workbench.worlds.outside import outside
from workbench.worlds.rollout import ACTING, at_random, draw_acting, rollout
from workbench.worlds.simulated import Array
from workbench.worlds.simulator import LIMIT, Simulator
from workbench.worlds.spans import Span

SEEDS = 2**24
"""As many as a uniform number of 32 bits tells apart."""

NONE = "same"
"""The hidden parameter of tasks that have none: it changes nothing."""

LOOKS = 16
"""Episodes of random actions by which observations and rewards are scaled."""

_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_RANGE = re.compile(rf"(\w+)\s+(±?)\s*{_NUMBER}\s+to\s+{_NUMBER}", re.IGNORECASE)


def range_of(text: str) -> tuple[str, Span]:
    """A parameter's name and range, from ``length 0.25 to 1`` or ``force_mag ±5 to 15``.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{shown(text)}' is no range: write length 0.25 to 1, or force_mag ±5 to 15")
    name, sign, low, high = found[1], found[2], float(found[3]), float(found[4])
    if not low < high < math.inf or (sign and low < 0):
        both = " and neither below 0" if sign else ""
        raise ValueError(f"'{shown(text)}' is no range: the second number must be larger{both}")
    return name, Span(low, high, signed=bool(sign))


class GymnasiumConfig(WorldConfig):
    suits = Suits(Training(iterations=150, meta_batch=32, meta_lr=3e-3), Evaluation(episodes=100, every=25))

    family: Literal["gymnasium"] = "gymnasium"
    environment: str = setting(
        "CartPole-v1",
        min_length=1,
        max_length=LONGEST_NAME,
        help="Name of the environment, as gymnasium and what is installed beside it register it.",
    )
    parameters: Annotated[tuple[str, ...], Field(strict=False)] = setting(
        ("length 0.25 to 1", "force_mag ±5 to 15"),
        help="Attributes of it that differ from task to task, each with its range; ± with either sign.",
        empty="every task is the same",
    )
    horizon: int = setting(100, ge=1, le=10_000, unit="steps", help="Most steps of an episode.")
    limit: float = setting(
        LIMIT, rare=True, incidental=True, ge=1, le=3600, unit="s", help="Most time of one step of one copy."
    )
    shift: Literal["beyond"] | None = setting(
        None,
        titles={"beyond": "parameters beyond their ranges"},
        help="Measure on another distribution of tasks too.",
        empty="none",
    )

    @field_validator("environment")
    @classmethod
    def _registers_itself(cls, value: str) -> str:
        """A name may have a module before it, which gymnasium would import: a stranger's file would say what
        is executed."""
        if ":" in value:
            raise ValueError(
                "no module may be named; a package tells its environments by the entry point gymnasium.envs"
            )
        return value

    @field_validator("parameters")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = [range_of(each)[0] for each in value]
        if len(set(names)) < len(names):
            raise ValueError("each parameter may be named once")
        return value


class GymnasiumWorld(World):
    """Copies of an environment; every thread that acts has a process of its own.

    Seen are the environment's observations, scaled by what random actions meet.

    Parameters
    ----------
    environment : its name.
    parameters : ranges of its attributes.
    horizon : most steps of an episode; the environment's own limit holds, too.
    limit : seconds that one step of one copy may take.

    Raises
    ------
    SimulatorError
        If there is no such environment, or nobody can act in it.
    """

    shifts: ClassVar[Mapping[str, str]] = {
        "beyond": "parameters from above their ranges, by up to half of their widths"
    }

    def __init__(
        self, environment: str, parameters: Mapping[str, Span], horizon: int, limit: float = LIMIT
    ) -> None:
        self.horizon = horizon
        self._parameters = parameters
        self._environment, self._limit = environment, limit
        self._mine = threading.local()
        self.observations, moves, numbers = self._simulator.spaces
        self.actions = Actions(tuple(f"move {move + 1}" for move in range(moves)), numbers)
        self.draws = dict.fromkeys(parameters, 1) or {NONE: 1}
        self._middle, self._spread = torch.zeros(()), torch.ones(())
        self._look()

    @property
    def _simulator(self) -> Simulator:
        """This thread's."""
        if not hasattr(self._mine, "simulator"):
            self._mine.simulator = Simulator(self._environment, list(self._parameters), self._limit)
            self._mine.turn = 0
        simulator: Simulator = self._mine.simulator
        return simulator

    def _look(self) -> None:
        """Act at random, to scale what is seen and what is earned."""
        generator = torch.Generator().manual_seed(0)
        task = self.task({name: torch.rand(LOOKS, 1, generator=generator) for name in self.draws})
        chance = self.chance((LOOKS,), generator) | {ACTING: draw_acting(self, (LOOKS,), generator)}
        met = rollout(self, task, chance, at_random(self))
        reward, seen = (met[name].double().numpy() for name in ("reward", "observation"))
        seen = seen[met["alive"].numpy() > 0]
        self._middle, self._spread = torch.tensor(seen.mean(0)), torch.tensor(_spread(seen))
        self.rewards = float(reward.mean()), float(_spread(reward.ravel()))

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        if not self._parameters:
            return {NONE: uniform[NONE][..., 0]}
        ranges = {name: _beyond(span) if shift else span for name, span in self._parameters.items()}
        return spans.drawn(ranges, uniform)

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {"seed": torch.rand(*shape, *start_size(1, self.horizon), generator=generator)}

    def known(self, task: Tensors) -> Tensor:
        return spans.scaled(self._parameters, task) if self._parameters else 2 * task[NONE][..., None] - 1

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        def compute(drawn: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
            seeds = (drawn.flatten() * SEEDS).long().numpy(force=True)
            values = [each.flatten().double().numpy(force=True) for each in parameters]
            seen = self._simulator.reset(seeds, dict(zip(self._parameters, values, strict=True)))
            self._mine.turn += 1
            return _like(drawn, seen), torch.full_like(drawn, self._mine.turn, dtype=torch.int64)

        (drawn,) = start(chance["seed"], 1)
        seen, turn = outside(compute, drawn, *(task[name] for name in self._parameters))
        return {"seen": seen, "turn": turn}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        seen = state["seen"]
        return (seen - self._middle.to(seen)) / self._spread.to(seen)

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        def compute(before: Tensor, turn: Tensor, action: Tensor) -> tuple[Tensor, ...]:
            if (turn != self._mine.turn).any():
                raise RuntimeError("copies were reset while somebody acted in them")
            shape = (-1, self.actions.numbers) if self.actions.numbers else (-1,)
            seen, *rest = self._simulator.step(action.reshape(shape).numpy(force=True))
            return _like(before[..., 0], seen), *(_like(before[..., 0], each) for each in rest)

        seen, reward, over = outside(compute, state["seen"], state["turn"], action)
        return {"seen": seen, "turn": state["turn"]}, reward, over > 0


class Gymnasium(WorldFamily):
    """Environments by name, with parameters that differ from task to task."""

    Config = GymnasiumConfig
    title = "Gymnasium"
    summary = "Environments of gymnasium by name; parameters of the environment differ from task to task."
    config: GymnasiumConfig

    @classmethod
    def made(cls, config: GymnasiumConfig) -> World:  # type: ignore[override]  # its own kind of configuration
        parameters = dict(map(range_of, config.parameters))
        return GymnasiumWorld(config.environment, parameters, config.horizon, config.limit)

    @property
    def versions(self) -> Mapping[str, str]:  # type: ignore[override]  # what no other family has
        return {"gymnasium": version("gymnasium")}

    def _described(self) -> dict[str, object]:
        return {name: value for name, value in super()._described().items() if name != "limit"}


def _spread(numbers: Array) -> Array:
    """Standard deviations along the first dimension; 1 where nothing differs."""
    spread = numbers.std(0)
    return np.where(spread > 1e-6, spread, 1.0)


def _beyond(span: Span) -> Span:
    return replace(span, low=span.high, high=span.high + (span.high - span.low) / 2)


def _like(tensor: Tensor, array: Array) -> Tensor:
    """An array ``[n, *]`` as a tensor ``[…, *]``, of the type of a ``[…]`` and where that is."""
    found = torch.tensor(array, dtype=tensor.dtype, device=tensor.device)
    return found.reshape(tensor.shape + array.shape[1:])
