"""2-D navigation (Finn, Abbeel, Levine, ICML 2017, arXiv 1703.03400, section 5.3).

A point walks from the middle of a square of side 1 to a goal that it does not see, and is paid minus its
distance to the goal after each step. The episode ends where it is within .01 of the goal both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.config import Evaluation, Suits, Training, setting
from workbench.measures import Measure
from workbench.pictures import INK, MUTED, Curve, Panel
from workbench.tasks.acting import WorldConfig, WorldFamily
from workbench.worlds import spans
from workbench.worlds.base import Actions, Plan, Solvable, Tensors
from workbench.worlds.measures import SUCCESS
from workbench.worlds.pictures import PALE, Acted, Arrays, number, path, points
from workbench.worlds.spans import Span, Spans

PACE = 0.1
"""How far a step leads at most, each way."""

REACHED = 0.01

GOALS: Spans = {"goal_x": Span(-0.5, 0.5), "goal_y": Span(-0.5, 0.5)}

SHIFTS: Mapping[str, Spans] = {"far": {name: Span(0.5, 1, signed=True) for name in GOALS}}


class NavigationWorld(Solvable):
    """A point that sees where it is.

    Parameters
    ----------
    horizon : most steps of an episode.
    """

    observations = 2
    actions = Actions(numbers=2)
    smooth = True
    rewards = (0.0, 0.4)
    shifts: ClassVar[Mapping[str, str]] = {"far": "goals outside the square"}
    measures: ClassVar[tuple[Measure, ...]] = (SUCCESS,)

    def __init__(self, horizon: int = 100) -> None:
        self.horizon = horizon
        self.draws = dict.fromkeys(GOALS, 1)

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        goal = spans.drawn({**GOALS, **SHIFTS.get(shift, {})}, uniform)
        return {"goal": torch.stack([goal[name] for name in GOALS], -1)}

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {}

    def known(self, task: Tensors) -> Tensor:
        return 2 * task["goal"]

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        goal = task["goal"]
        return {"place": torch.zeros_like(goal), "reached": torch.zeros_like(goal[..., 0])}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        return state["place"]

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        place = state["place"] + PACE * action.clamp(-1, 1)
        away = place - task["goal"]
        reached = (away.abs() < REACHED).all(-1)
        after = {"place": place, "reached": reached.to(place.dtype)}
        return after, -torch.linalg.vector_norm(away, dim=-1), reached

    def watched(self, state: Tensors) -> Tensors:
        """Where the point is, and whether that is the goal."""
        return dict(state)

    def measured(self, data: Tensors) -> Tensors:
        return {SUCCESS.name: (data["reached"] * data["alive"]).amax(-1)}

    drawing: ClassVar[tuple[str, str]] = ("Paths to the goal", "The square is where goals are in training.")

    def told(self, task: Arrays) -> str:
        return f"goal at {', '.join(map(number, task['goal'].tolist()))}"

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """A map of the way to the goal."""
        goal = task["goal"].astype(np.float64)
        reach = 0.7 if np.abs(goal).max() <= GOALS["goal_x"].high else 1.3
        ways, moving = path(acted, "place", (0.0, 0.0), reach)
        known = points("goal", goal[None], INK, "star", thick=True)
        middle = points("start", np.zeros((1, 2)), MUTED, "cross")
        low, high = GOALS["goal_x"].low, GOALS["goal_x"].high
        corners = np.array([[low, low], [high, low], [high, high], [low, high], [low, low]])
        square = Curve("", MUTED, corners[:, 0], corners[:, 1], faint=True, shade=PALE)
        limits = -reach, reach
        return Panel(
            curves=(square, middle, *ways, known),
            moving=moving,
            x_range=limits,
            y_range=limits,
            x_hidden=True,
            y_hidden=True,
            square=True,
            ratio=1.0,
        )

    def plan(self, task: Tensors) -> Plan:
        """Straight on, each way as fast as can be: then no distance after any step could be smaller."""

        def towards(observation: Tensor, time: int) -> Tensor:
            return ((task["goal"] - observation) / PACE).clamp(-1, 1)

        return towards

    def best_return(self, task: Tensors) -> Tensor:
        goal = task["goal"]
        walked = PACE * torch.arange(1, self.horizon + 1, device=goal.device, dtype=goal.dtype)
        left = (goal.abs().unsqueeze(-2) - walked.unsqueeze(-1)).clamp_min(0)
        best: Tensor = -torch.linalg.vector_norm(left, dim=-1).sum(-1)
        return best


class NavigationConfig(WorldConfig):
    has = frozenset({"gradient", "plan"})
    suits = Suits(
        Training(iterations=100, meta_batch=20, meta_lr=2e-3),
        Evaluation(episodes=200, validation_episodes=40, inner_steps=3, every=10),
        {"warm_up": 0.0},  # a policy for all goals is one that stays
    )
    family: Literal["navigation"] = "navigation"
    horizon: int = setting(100, ge=1, le=10_000, unit="steps", help="Most steps of an episode.")
    rollouts: int = setting(
        20, rare=True, ge=1, le=1000, help="Episodes that each update of a gradient learner acts in."
    )
    shift: Literal["far"] | None = setting(
        None,
        titles=NavigationWorld.shifts,
        help="Measure on another distribution of tasks too.",
        empty="none",
    )


class Navigation(WorldFamily):
    """Walk to a hidden goal in the plane."""

    Config = NavigationConfig
    title = "2-D navigation"
    summary = "Walk to a goal in the plane that is not seen, paid by how near it is."

    config: NavigationConfig

    @classmethod
    def made(cls, config: NavigationConfig) -> Solvable:  # type: ignore[override]  # its own kind of configuration
        return NavigationWorld(config.horizon)
