"""What happens when somebody acts in a world: one loop over steps, for all tasks and episodes at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from workbench.worlds.base import Tensors, World

ACTING = "acting"
"""The chance of who acts, ``[…, horizon, width]``: Gumbel numbers for moves, normal ones for numbers."""


class Seen(NamedTuple):
    """What somebody who acts is told at a step; leading dimensions are those of the world.

    Attributes
    ----------
    observation : ``[…, observations]``.
    action, reward : of the step before, ``[…, width]`` (one-hot for moves) and ``[…]``; 0 in the first.
    ended : ``[…]``, 1 where the step before ended an episode.
    chance : ``[…, width]``, to explore with.
    time : step of the episode, from 0.
    step : step of the trial, from 0.
    """

    observation: Tensor
    action: Tensor
    reward: Tensor
    ended: Tensor
    chance: Tensor
    time: int
    step: int


Policy = Callable[[Seen], tuple[Tensor, Tensors]]
"""Who acts: what is seen to an action and what is to be kept of it, by name. It may remember."""


def draw_acting(world: World, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """The chance of who acts in episodes, ``[*shape, horizon, width]``."""
    size = (*shape, world.horizon, world.actions.width)
    if world.actions.discrete:
        return -torch.empty(size).exponential_(generator=generator).clamp_min(1e-30).log()
    return torch.randn(size, generator=generator)


def at_random(world: World) -> Policy:
    """Who acts by the chance of the episodes alone."""

    def policy(seen: Seen) -> tuple[Tensor, Tensors]:
        return (seen.chance.argmax(-1) if world.actions.discrete else seen.chance), {}

    return policy


def rollout(world: World, task: Tensors, chance: Tensors, policy: Policy) -> Tensors:
    """Some episodes, each with its own task, all at once.

    Parameters
    ----------
    task : ``[…, *]`` by name.
    chance : ``[…, horizon, *]`` by name, the acting one among it.

    Returns
    -------
    Tensors ``[…, horizon, *]``: ``observation``, ``action``, ``reward`` (0 once an episode is over),
    ``alive`` (0 once it is over), ``ended`` (1 at the step that ends it), what the policy kept and what the
    world watches.
    """
    axis = chance[ACTING].dim() - 2
    return trial(world, task, {name: each.unsqueeze(axis) for name, each in chance.items()}, policy)


def trial(world: World, task: Tensors, chance: Tensors, policy: Policy) -> Tensors:
    """Episodes of one task one after the other, whoever acts remembering: a trial.

    Parameters
    ----------
    task : ``[…, *]`` by name.
    chance : ``[…, episodes, horizon, *]`` by name, the acting one among it.

    Returns
    -------
    As :func:`rollout`, with ``[…, episodes · horizon, *]``.
    """
    like = chance[ACTING]
    axis = like.dim() - 3
    lead, (episodes, horizon) = like.shape[:axis], like.shape[axis : axis + 2]
    action = like.new_zeros(*lead, world.actions.width)
    reward = ended = like.new_zeros(lead)
    kept: list[Tensors] = []
    state: Tensors = {}
    clock = like.new_zeros(lead)
    for episode in range(episodes):
        mine = {name: each.select(axis, episode) for name, each in chance.items()}
        fresh = world.reset(task, mine)
        if episode == 0 or not world.restarts:
            state, alive = fresh, like.new_ones(lead)
        by_step = zip(*(each.unbind(axis) for each in mine.values()), strict=True)
        steps = [dict(zip(mine, each, strict=True)) for each in by_step]
        for time, now in enumerate(steps):
            seen = world.observe(state, task, time)
            told = Seen(seen, action, reward, ended, now[ACTING], time, episode * horizon + time)
            chosen, record = policy(told)
            state, reward, done = world.step(state, chosen, task, now, time)
            watched = world.watched(state)
            if world.restarts:
                clock = clock + 1
                over = done | (clock >= horizon)
                ended, clock = over.to(like.dtype), torch.where(over, torch.zeros_like(clock), clock)
                state = {name: _where(over, fresh[name], each) for name, each in state.items()}
                was_alive = alive
            else:
                reward, was_alive = reward * alive, alive
                ended = alive if time == horizon - 1 else alive * done.to(like.dtype)
                alive = alive - alive * done.to(like.dtype)
            action = world.actions.encoded(chosen)
            kept.append(
                {"observation": seen, "action": chosen, "reward": reward, "alive": was_alive, "ended": ended}
                | record
                | watched
            )
    return {name: torch.stack([each[name] for each in kept], dim=axis) for name in kept[0]}


def _where(over: Tensor, fresh: Tensor, state: Tensor) -> Tensor:
    return torch.where(over.reshape(over.shape + (1,) * (state.dim() - over.dim())), fresh, state)
