"""Mazes: rooms whose openings, goal and, if wished, moves are unknown, played in one long run.

Between N × N rooms a random spanning tree is open (Prim's algorithm on random weights), and a share of all
other walls. A run begins in a corner; reaching the goal pays 1 and leads back to the corner, every step costs
1/horizon, and after a horizon of steps without the goal one is led back, too. The walls round a room are
seen, and its place, not the goal. The maze task of RL² (Duan et al. 2016, arXiv 1611.02779) in rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import ValidationInfo, field_validator
from torch import Tensor
from torch.nn import functional as F

from workbench.config import Evaluation, Suits, Training, setting
from workbench.measures import Measure
from workbench.pictures import INK, Panel
from workbench.tasks.acting import ActingConfig, WorldFamily
from workbench.worlds.base import Actions, Places, Plan, Tensors
from workbench.worlds.measures import GOALS
from workbench.worlds.numbers import choice, entry
from workbench.worlds.pictures import Acted, Arrays, cells, lines, points, restarting_path

FAR = 1e6
"""Steps to where no way leads, and the weight of what may not be chosen."""

EXTRA = 0.15
OPENNESS = {"open": 0.45, "dense": 0.0}
"""Share of the walls beyond the tree that are open: in training, and under a shift."""


class MazeWorld(Places):
    """Rooms to find a goal in, again and again.

    Rooms are numbered column by column, ``x · size + y``; directions are up (y + 1), right (x + 1), down,
    left.

    Parameters
    ----------
    size : rooms along each side.
    permuted : whether which move leads in which direction differs from task to task.
    """

    restarts = True
    ranked = frozenset({"weights", "moves"})
    measures: ClassVar[tuple[Measure, ...]] = (GOALS,)
    shifts: ClassVar[Mapping[str, str]] = {
        "open": "45% of the walls beyond the tree are open, not 15%",
        "dense": "no wall beyond the tree is open: one way only between two rooms",
    }

    def __init__(self, size: int = 5, horizon: int = 30, permuted: bool = False) -> None:
        self.size, self.horizon, self.permuted = size, horizon, permuted
        self.rooms = self.places = size * size
        self.observations = 4 + 2 * size
        self.actions = Actions(
            moves=tuple(f"move {move + 1}" for move in range(4))
            if permuted
            else ("up", "right", "down", "left")
        )
        # each wall between two rooms: those, and the direction (up or right) from the first to the second
        across = [(room, room + 1, 0) for room in range(self.rooms) if (room + 1) % size]
        across += [(room, room + size, 1) for room in range(self.rooms - size)]
        self._walls = across
        walls = len(across)
        self._wall_of = [walls] * (4 * self.rooms)  # by room and direction; one more for the outer wall
        for wall, (first, second, direction) in enumerate(across):
            self._wall_of[4 * first + direction] = self._wall_of[4 * second + direction + 2] = wall
        self.draws = {"goal": 1, "openings": walls, "weights": walls} | ({"moves": 4} if permuted else {})

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        """``open`` ``[…, rooms, 4]``, 1 where a direction is open; ``goal``, a room, never the start;
        ``moves`` ``[…, 4]``, the direction of each."""
        opened = self._tree(uniform["weights"]) | (uniform["openings"] < OPENNESS.get(shift, EXTRA))
        outer = torch.zeros_like(opened[..., :1])
        by_room = torch.cat([opened, outer], -1)[..., torch.tensor(self._wall_of, device=opened.device)]
        moves = uniform["moves"].argsort(-1) if self.permuted else self._directions(opened)
        return {
            "open": torch.unflatten(by_room, -1, (self.rooms, 4)).to(uniform["weights"].dtype),
            "goal": 1 + choice(uniform["goal"][..., 0], self.rooms - 1),
            "moves": moves,
        }

    def _directions(self, like: Tensor) -> Tensor:
        return torch.arange(4, device=like.device).expand(*like.shape[:-1], 4)

    def _tree(self, weights: Tensor) -> Tensor:
        """Which walls are open in the spanning tree of least weight, bool ``[…, walls]``: the lightest wall
        between a room in the tree and one outside is opened, until no room is outside."""
        first, second = (
            torch.tensor([wall[side] for wall in self._walls], device=weights.device) for side in (0, 1)
        )
        inside = F.one_hot(torch.zeros_like(weights[..., 0], dtype=torch.int64), self.rooms).bool()
        opened = torch.zeros_like(weights, dtype=torch.bool)
        for _ in range(self.rooms - 1):
            border = inside[..., first] ^ inside[..., second]
            lightest = torch.where(border, weights, FAR).argmin(-1)
            opened = opened | F.one_hot(lightest, len(self._walls)).bool()
            for side in (first, second):
                inside = inside | F.one_hot(side[lightest], self.rooms).bool()
        return opened

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {}

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        return {"room": torch.zeros_like(task["goal"])}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        """The four directions, 1 where open, then x and y, one-hot."""
        room, opened = state["room"], task["open"]
        index = room[..., None, None].expand(*room.shape, 1, 4)
        place = [
            F.one_hot(each, self.size).to(opened.dtype) for each in (room // self.size, room % self.size)
        ]
        return torch.cat([opened.gather(-2, index)[..., 0, :], *place], -1)

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        room, direction = state["room"], entry(task["moves"], action)
        opened = entry(task["open"].flatten(-2), 4 * room + direction) > 0
        stride = torch.where(direction % 2 == 0, 1, self.size) * torch.where(direction < 2, 1, -1)
        room = torch.where(opened, room + stride, room)
        there = room == task["goal"]
        return {"room": room}, there.to(task["open"].dtype) - 1 / self.horizon, there

    def known(self, task: Tensors) -> Tensor:
        """−1 or 1 for each wall, the goal's x and y (one-hot), and, if permuted, each move's direction."""
        index = torch.tensor([4 * first + way for first, _, way in self._walls], device=task["open"].device)
        walls = 2 * task["open"].flatten(-2)[..., index] - 1
        goal = [F.one_hot(each, self.size) for each in (task["goal"] // self.size, task["goal"] % self.size)]
        moves = [F.one_hot(task["moves"], 4).flatten(-2)] if self.permuted else []
        return torch.cat([walls, *(each.to(walls.dtype) for each in (*goal, *moves))], -1)

    def watched(self, state: Tensors) -> Tensors:
        return {"room": state["room"]}

    def measured(self, data: Tensors) -> Tensors:
        return {GOALS.name: (data["reward"] > 0).to(data["reward"].dtype).sum(-1)}

    drawing: ClassVar[tuple[str, str]] = (
        "Paths through the maze",
        "Who reaches the goal goes on from the start; a piece of the run goes on where the last one ended.",
    )

    def told(self, task: Arrays) -> str:
        goal = int(task["goal"])
        told = f"goal {goal // self.size} right, {goal % self.size} up"
        if not self.permuted:
            return told
        ways = ("up", "right", "down", "left")
        return f"{told}; the moves lead {', '.join(ways[int(each)] for each in task['moves'])}"

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """A map of the walls, the goal and the way."""
        rooms = np.stack(np.divmod(np.arange(self.rooms), self.size), -1).astype(np.float64)
        edge, far = -0.5, self.size - 0.5
        corners = np.array([[edge, edge], [far, edge], [far, far], [edge, far], [edge, edge]])
        walls = [corners[side : side + 2] for side in range(4)]
        for first, second, direction in self._walls:
            if not task["open"][first, direction]:
                middle = (rooms[first] + rooms[second]) / 2
                along = np.array([0.5, 0.0] if direction == 0 else [0.0, 0.5])
                walls.append(np.stack([middle - along, middle + along]))
        ways, moving = restarting_path(acted, "room", rooms)
        goal = points("goal", rooms[[int(task["goal"])]], INK, "star", thick=True)
        return cells(self.size, [lines("wall", walls, wide=True), goal, *ways], moving)

    def steps_to_goal(self, task: Tensors) -> tuple[Tensor, Tensor]:
        """Steps of the shortest way from each room, ``[…, rooms]``, and by the direction in which it begins,
        ``[…, rooms, 4]``: what a neighbour says and one more, until no room is left that could say less."""
        opened, size, rooms = task["open"] > 0, self.size, self.rooms
        beside = [room + stride for room in range(rooms) for stride in (1, size, -1, -size)]
        neighbour = torch.tensor([min(max(each, 0), rooms - 1) for each in beside], device=opened.device)
        goal = F.one_hot(task["goal"], rooms).bool()
        steps = torch.where(goal, 0.0, FAR)
        for _ in range(rooms - 1):
            by_direction = torch.where(
                opened, torch.unflatten(steps[..., neighbour], -1, (rooms, 4)) + 1, FAR
            )
            steps = torch.minimum(steps, by_direction.amin(-1))
        return steps, by_direction

    def plan(self, task: Tensors) -> Plan:
        _, by_direction = self.steps_to_goal(task)
        moves = task["moves"]
        index = moves[..., None, :].expand(*moves.shape[:-1], self.rooms, 4)
        best = by_direction.gather(-1, index).argmin(-1)

        def move(observation: Tensor, time: int) -> Tensor:
            return entry(best, self.place(observation))

        return move

    def place(self, observation: Tensor) -> Tensor:
        x, y = (part.argmax(-1) for part in torch.split(observation[..., 4:], self.size, -1))
        return self.size * x + y

    def leads(self, observation: Tensor) -> Tensor:
        """Through what is seen to be open; of moves that may be permuted, nothing is seen."""
        opened = observation[..., :4] > 0
        if self.permuted:
            return torch.full_like(opened, -1, dtype=torch.int64)
        strides = torch.tensor([1, self.size, -1, -self.size], device=opened.device)
        return self.place(observation)[..., None] + opened * strides

    def best_return(self, task: Tensors) -> Tensor:
        """A part of a long run is begun anywhere on the way: the average, in which a goal is reached every so
        many steps as the way is long."""
        steps = self.steps_to_goal(task)[0][..., 0]
        return torch.where(steps > self.horizon, 0.0, self.horizon / steps) - 1


class MazeConfig(ActingConfig):
    has = frozenset({"moves", "plan", "places"})
    suits = Suits(
        Training(iterations=300, meta_batch=256, meta_lr=3e-3),
        Evaluation(episodes=2000, validation_episodes=500, inner_steps=3, every=50),
        {"discount": 1.0, "trace": 0.9, "entropy": 0.03},
    )
    family: Literal["maze"] = "maze"
    size: int = setting(5, ge=2, le=20, unit="rooms", help="Rooms along each side.")
    horizon: int = setting(
        30, ge=2, le=1000, unit="steps", help="Steps after which one is led back without the goal."
    )
    steps: int = setting(120, ge=2, le=100_000, unit="steps", help="Length of a trial, one long run.")
    permuted: bool = setting(
        False, help="Which move leads in which direction is unknown, too: it differs from task to task."
    )

    shift: Literal["open", "dense"] | None = setting(
        None, titles=MazeWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )

    @field_validator("steps")
    @classmethod
    def _whole_parts(cls, steps: int, info: ValidationInfo) -> int:
        horizon = info.data.get("horizon")
        if horizon is not None and steps % horizon:
            raise ValueError(f"must be a multiple of horizon, {horizon}: it is measured in such parts")
        return steps

    @property
    def trial(self) -> int:
        return self.steps // self.horizon


class Maze(WorldFamily):
    """Find the goal of a maze as often as possible."""

    Config = MazeConfig
    title = "Maze"
    summary = "Find the hidden goal of an unknown maze, again and again in one long run."

    @classmethod
    def made(cls, config: ActingConfig) -> MazeWorld:
        assert isinstance(config, MazeConfig)
        return MazeWorld(config.size, config.horizon, config.permuted)
