"""Grid navigation (Zintgraf et al., ICLR 2020, VariBAD, arXiv 1910.08348, section 5.1).

A grid of cells, a hidden goal, and no hint but the reward: 1 on the goal, else −.1. An episode begins in a
corner and always lasts to the horizon; the goal is never in the 2×2 cells of that corner.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import ValidationInfo, field_validator, model_validator
from torch import Tensor

from workbench.config import Evaluation, Suits, Training, setting
from workbench.measures import Measure
from workbench.pictures import INK, Panel
from workbench.settings import misfit
from workbench.tasks.acting import ActingConfig, WorldConfig, WorldFamily
from workbench.worlds.base import Actions, Places, Plan, Tensors
from workbench.worlds.measures import SUCCESS
from workbench.worlds.numbers import choice
from workbench.worlds.pictures import Acted, Arrays, cells, path, points

STAY, UP, RIGHT, DOWN, LEFT = range(5)
STEP_COST = 0.1


class GridWorld(Places):
    """Cells to search for a goal.

    Parameters
    ----------
    size : cells along each side, at least 3.
    held_out : so many goals (the same ones always, spread at random) are drawn by the shift ``held_out``
        only.
    """

    shifts: ClassVar[Mapping[str, str]] = {
        "far": "only goals more steps from the start than a side has cells",
        "held_out": "only goals that training never draws (held_out says how many)",
    }
    measures: ClassVar[tuple[Measure, ...]] = (SUCCESS,)

    def __init__(self, size: int = 5, horizon: int = 15, held_out: int = 0) -> None:
        self.size, self.horizon = size, horizon
        self.places = size * size
        self.observations = 2
        self.actions = Actions(moves=("stay", "up", "right", "down", "left"))
        self.draws = {"goal": 1}
        goals = [(x, y) for x in range(size) for y in range(size) if max(x, y) > 1]
        apart = set(random.Random(0).sample(goals, held_out))
        self.goals = {
            "": [goal for goal in goals if goal not in apart],
            "far": [goal for goal in goals if sum(goal) > size],
            "held_out": sorted(apart),
        }

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        """``goal`` ``[…, 2]``: its cell, from 0, right and up."""
        drawn = uniform["goal"]
        cells = torch.tensor(self.goals[shift], dtype=drawn.dtype, device=drawn.device)
        return {"goal": cells[choice(drawn[..., 0], len(cells))]}

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {}

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        return {"place": torch.zeros_like(task["goal"])}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        """The place, from −1 to 1 along each side."""
        return self._scaled(state["place"])

    def _scaled(self, cell: Tensor) -> Tensor:
        return cell * (2 / (self.size - 1)) - 1

    def _cell(self, observation: Tensor) -> Tensor:
        return ((observation + 1) * ((self.size - 1) / 2)).round()

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        place = self._moved(state["place"], action)
        there = (place == task["goal"]).all(-1)
        reward = there.to(place.dtype) * (1 + STEP_COST) - STEP_COST
        return {"place": place}, reward, torch.zeros_like(there)

    def _moved(self, place: Tensor, action: Tensor) -> Tensor:
        x = (action == RIGHT).long() - (action == LEFT).long()
        y = (action == UP).long() - (action == DOWN).long()
        return (place + torch.stack([x, y], -1)).clamp(0, self.size - 1)

    def known(self, task: Tensors) -> Tensor:
        return self._scaled(task["goal"])

    def watched(self, state: Tensors) -> Tensors:
        return {"place": state["place"]}

    def measured(self, data: Tensors) -> Tensors:
        return {SUCCESS.name: (data["reward"] > 0).any(-1).to(data["reward"].dtype)}

    drawing: ClassVar[tuple[str, str]] = ("Paths over the grid", "")

    def told(self, task: Arrays) -> str:
        right, up = (int(each) for each in task["goal"])
        return f"goal {right} right, {up} up"

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """A map of the cells, the goal and the way."""
        ways, moving = path(acted, "place", (0.0, 0.0))
        goal = points("goal", task["goal"].astype(np.float64)[None], INK, "star", thick=True)
        return cells(self.size, [goal, *ways], moving)

    def plan(self, task: Tensors) -> Plan:
        """Along x, then along y: with no walls, one shortest path of many."""
        goal = task["goal"]

        def move(observation: Tensor, time: int) -> Tensor:
            x, y = (goal - self._cell(observation)).unbind(-1)
            upright = UP * (y > 0).long() + DOWN * (y < 0).long()
            return torch.where(x > 0, RIGHT, torch.where(x < 0, LEFT, upright))

        return move

    def place(self, observation: Tensor) -> Tensor:
        x, y = self._cell(observation).long().unbind(-1)
        return self.size * x + y

    def leads(self, observation: Tensor) -> Tensor:
        return self._ways()[self.place(observation)]

    def mapped(self) -> tuple[Tensor, Tensors]:
        return self._ways(), {"goal": torch.tensor(self.goals[""], dtype=torch.get_default_dtype())}

    def _ways(self) -> Tensor:
        sides = torch.arange(self.size)
        moves = torch.arange(len(self.actions.moves)).expand(self.places, -1)
        x, y = self._moved(torch.cartesian_prod(sides, sides)[:, None], moves).unbind(-1)
        return self.size * x + y

    def best_return(self, task: Tensors) -> Tensor:
        before = (task["goal"].sum(-1) - 1).clamp_max(self.horizon)
        return self.horizon - before - STEP_COST * before


class GridConfig(WorldConfig):
    has = frozenset({"moves", "plan", "places"})
    suits = Suits(
        Training(iterations=500, meta_batch=256, meta_lr=3e-3),
        Evaluation(episodes=2000, validation_episodes=500, inner_steps=3, every=50),
        {"discount": 1.0, "entropy": 0.03},
    )
    family: Literal["grid_navigation"] = "grid_navigation"
    size: int = setting(5, ge=3, le=50, unit="cells", help="Cells along each side.")
    horizon: int = setting(15, ge=1, le=1000, unit="steps", help="Length of an episode.")
    episodes: int = setting(4, ge=1, le=10_000, help="Episodes of a trial.")
    held_out: int = setting(
        0, rare=True, ge=0, help="Goals that training never draws, for the shift held_out."
    )

    shift: Literal["far", "held_out"] | None = setting(
        None, titles=GridWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )

    @field_validator("held_out")
    @classmethod
    def _some_are_left(cls, held_out: int, info: ValidationInfo) -> int:
        size = info.data.get("size")
        if size is not None and held_out >= (goals := size * size - 4):
            raise ValueError(f"must be below {goals}, all the goals of the grid")
        return held_out

    @model_validator(mode="after")
    def _some_are_held_out(self) -> Self:
        if self.shift == "held_out" and not self.held_out:
            raise misfit(("held_out",), "must be at least 1 for the shift held_out")
        return self


class Grid(WorldFamily):
    """Search a grid for its goal, then go there at once."""

    Config = GridConfig
    title = "Grid navigation"
    summary = "Search a grid for a hidden goal, and go straight to it in later episodes."

    @classmethod
    def made(cls, config: ActingConfig) -> GridWorld:
        assert isinstance(config, GridConfig)
        return GridWorld(config.size, config.horizon, config.held_out)
