"""Search: look for the goal, then take the shortest way that is known.

Where tasks differ in the goal only, it looks along a fixed path: the best of many random ones, each worth
exactly what it earns on average over all goals if the shortest way follows once the goal is found. Elsewhere
it goes to the nearest place that it has not been to, as a depth-first search does in a tree.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Params
from workbench.algorithms.references import Reference, ReferenceConfig, jittered
from workbench.tasks.base import Data
from workbench.worlds.base import Places, Tensors
from workbench.worlds.rollout import ACTING, Policy, Seen, trial

PATHS = 20_000
"""Random paths that the best is taken of."""

STEPS = 30_000_000
"""That are taken at most to find it: of many goals or long trials, fewer paths are tried."""

AT_ONCE = 20_000
"""Trials of random paths that are acted in at once."""

ASTRAY = 0.1
"""Share of the steps of a random path that may lead back to where it has been."""

FAR = 1e6


class SearchConfig(ReferenceConfig):
    needs = frozenset({"rollouts", "moves", "places"})
    privilege: ClassVar[str] = "knows the world's rules"
    kind: Literal["search"] = "search"


class Search(Reference):
    """Look for the goal, then go straight there."""

    own_chance = True  # which of the places as near comes first

    Config = SearchConfig
    title = "Search"
    summary = "Searches along the best fixed path, or where it has not been yet; then goes straight there."

    def policy(self, meta: Params, query: Data, generator: torch.Generator) -> Policy:
        world = self.problem.world
        assert isinstance(world, Places)  # it is needed
        explorer = Explorer(world, len(next(iter(query.values()))))
        path = best_path(world, self.problem.episodes(query))

        def policy(seen: Seen) -> tuple[Tensor, Data]:
            explorer.learn(seen)
            move = explorer.nearest(generator)
            if seen.step < len(path):
                move = torch.where(explorer.found, move, path[seen.step])
            return move, {}

        return policy


class Explorer:
    """What is known in T trials: where moves lead, where one has been, and where the goal is.

    Beside the places there are two nodes: wherever it is not known that a move leads, and the goal, as long
    as its place is not known.

    Attributes
    ----------
    found : whether it is known how to reach the goal, ``[T]``.
    """

    def __init__(self, world: Places, trials: int) -> None:
        self._world, self._rows = world, torch.arange(trials)
        self._unknown, self._goal = world.places, world.places + 1
        nodes, mapped = world.places + 2, world.mapped()
        self._ways = torch.arange(nodes)[:, None].repeat(trials, 1, world.actions.width)
        self._ways[:, : world.places] = self._unknown if mapped is None else mapped[0]
        self._wanted = (torch.arange(nodes) <= self._unknown).repeat(trials, 1)
        self._steps = torch.zeros(trials, nodes)
        self._place = torch.zeros(trials, dtype=torch.int64)
        self.found, self._settled = (torch.zeros(trials, dtype=torch.bool) for _ in range(2))

    def learn(self, seen: Seen) -> None:
        """Take in where a step has led to, and what is seen there."""
        rows, place = self._rows, self._world.place(seen.observation)
        if seen.step:
            move, reached = seen.action.argmax(-1), (seen.reward > 0) & ~self.found
            known = self._ways[rows, self._place, move]
            # where an episode ended, what is seen is another start, not where the move has led to
            apart = torch.where((seen.reward > 0) & (known == self._unknown), self._goal, known)
            led = torch.where(seen.ended > 0, apart, place)
            self._ways[rows, self._place, move] = led
            self._wanted[reached] = F.one_hot(led[reached], self._wanted.shape[1]).bool()
            self.found = self.found | reached
        self._wanted[rows, place] &= self.found
        leads = self._world.leads(seen.observation)
        self._ways[rows, place] = torch.where(leads < 0, self._ways[rows, place], leads)
        self._place = place

    def nearest(self, generator: torch.Generator) -> Tensor:
        """A move along a shortest way to the goal, or, before it is found, to where one has not been."""
        new = ~self._settled
        self._steps[new] = _steps_to(self._wanted[new], self._ways[new])
        self._settled = self.found
        steps = self._steps.gather(1, self._ways[self._rows, self._place])
        return jittered(steps, generator, 0.5).argmin(-1)


def _steps_to(wanted: Tensor, ways: Tensor) -> Tensor:
    """Steps from each node to the nearest wanted one, ``[T, nodes]``, by the ways ``[T, nodes, moves]``."""
    steps = torch.where(wanted, 0.0, FAR)
    while True:
        through = steps.gather(1, ways.flatten(1)).reshape(ways.shape).amin(-1) + 1
        if torch.equal(shorter := torch.minimum(steps, through), steps):
            return steps
        steps = shorter


@lru_cache(maxsize=4)
def best_path(world: Places, episodes: int) -> Tensor:
    """The moves of the best of many random paths, ``[steps]``, for the episodes that it takes to go
    everywhere; none where the map differs from task to task."""
    mapped = world.mapped()
    if mapped is None:
        return torch.zeros(0, dtype=torch.int64)
    ways, goals = mapped
    number = len(next(iter(goals.values())))
    enough = 2 + 2 * world.places // world.horizon
    shape = (min(episodes, enough), world.horizon)
    count = max(1, min(PATHS, STEPS // (number * shape[0] * shape[1])))
    start = world.place(world.observe(world.reset(goals, {}), goals, 0))[:1]
    paths = _random_paths(ways, start.expand(count), shape)
    earned = [_earned(world, goals, some) for some in torch.split(paths, max(1, AT_ONCE // number))]
    return paths[torch.cat(earned).argmax()].flatten()


def _random_paths(ways: Tensor, start: Tensor, shape: tuple[int, int]) -> Tensor:
    """Moves at random, ``[paths, episodes, steps]``: mostly, where possible, to where a path has not been."""
    generator = torch.Generator().manual_seed(0)
    been = F.one_hot(start, len(ways)).bool()
    rows, moves = torch.arange(len(start)), []
    for _ in range(shape[0]):
        at = start
        for _ in range(shape[1]):
            leads = ways[at]
            forward = torch.rand(len(at), 1, generator=generator) >= ASTRAY
            liking = (~been.gather(1, leads) & forward).float() - (leads == at[:, None]).float()
            moves.append(jittered(liking, generator, 0.5).argmax(-1))
            at = leads[rows, moves[-1]]
            been[rows, at] = True
    return torch.stack(moves, -1).reshape(-1, *shape)


def _earned(world: Places, goals: Tensors, paths: Tensor) -> Tensor:
    """What paths ``[paths, episodes, steps]`` earn on average over all goals, if the best way is taken once
    the goal is found."""
    number = len(next(iter(goals.values())))
    task = {name: each.expand(len(paths), *each.shape) for name, each in goals.items()}
    plan, moves, found = world.plan(task), paths.flatten(1), torch.zeros(len(paths), number, dtype=torch.bool)

    def policy(seen: Seen) -> tuple[Tensor, Tensors]:
        nonlocal found
        found = found | (seen.reward > 0)
        return torch.where(found, plan(seen.observation, seen.time), moves[:, seen.step, None]), {}

    size = (len(paths), number, *paths.shape[1:], world.actions.width)
    data = trial(world, task, {ACTING: torch.zeros(()).expand(size)}, policy)
    return data["reward"].sum(-1).mean(-1)
