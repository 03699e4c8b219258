"""The worlds that every test of the contract is run on, small, and tasks and chance for them."""

from __future__ import annotations

import torch

from workbench.tasks.bandits import BanditsWorld, GaussianBanditsWorld
from workbench.tasks.cartpole import CartPoleWorld
from workbench.tasks.driving import DrivingWorld
from workbench.tasks.following import FollowingWorld
from workbench.tasks.grid_navigation import GridWorld
from workbench.tasks.maze import MazeWorld
from workbench.tasks.navigation import NavigationWorld
from workbench.tasks.opponents import OpponentsWorld
from workbench.tasks.tabular_mdp import TabularWorld
from workbench.worlds.base import Solvable, Tensors, World
from workbench.worlds.rollout import ACTING, Policy, Seen, draw_acting

WORLDS: dict[str, World] = {
    "bandits": BanditsWorld(arms=3),
    "gaussian bandits": GaussianBanditsWorld(arms=3),
    "tabular": TabularWorld(states=4, actions=3, horizon=5),
    "grid": GridWorld(size=4, horizon=9, held_out=3),
    "maze": MazeWorld(size=3, horizon=12),
    "permuted maze": MazeWorld(size=3, horizon=12, permuted=True),
    "opponents": OpponentsWorld(rounds=6),
    "pennies": OpponentsWorld("pennies", rounds=6),
    "navigation": NavigationWorld(horizon=12),
    "driving": DrivingWorld(horizon=7),
    "following": FollowingWorld(horizon=20),
    "cart and pole": CartPoleWorld(horizon=25),
}

SOLVABLE: dict[str, Solvable] = {name: each for name, each in WORLDS.items() if isinstance(each, Solvable)}


def uniform(world: World, shape: tuple[int, ...], seed: int = 0) -> Tensors:
    """The uniform numbers behind tasks, ``[*shape, numbers]`` by name."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(*shape, numbers, generator=generator, dtype=torch.float64)
        for name, numbers in world.draws.items()
    }


def tasks(world: World, shape: tuple[int, ...], seed: int = 0, shift: str = "") -> Tensors:
    """Tasks in 64 bits."""
    return world.task(uniform(world, shape, seed), shift)


def chance(world: World, shape: tuple[int, ...], seed: int = 0) -> Tensors:
    """The chance of episodes in 64 bits, that of who acts among it."""
    generator = torch.Generator().manual_seed(seed)
    drawn = world.chance(shape, generator) | {ACTING: draw_acting(world, shape, generator)}
    return {name: each.double() if each.is_floating_point() else each for name, each in drawn.items()}


def spread_out(task: Tensors, episodes: int) -> Tensors:
    """Tasks ``[T, *]`` as those of so many episodes each, ``[T, episodes, *]``."""
    return {name: each[:, None].expand(-1, episodes, *each.shape[1:]) for name, each in task.items()}


def at_random(world: World) -> Policy:
    """Who acts by the episode's chance alone."""

    def act(seen: Seen) -> tuple[torch.Tensor, Tensors]:
        return seen.chance.argmax(-1) if world.actions.discrete else seen.chance.clamp(-1, 1), {}

    return act
