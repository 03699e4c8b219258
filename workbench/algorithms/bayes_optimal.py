"""The best that anyone can expect who does not see the task: exact dynamic programming over what is believed.

Where few things can happen at a step and each is counted, so can be whatever is ever believed. Backwards from
the last step of the trial, each move is worth what it pays and what is worth what it teaches (Bellman, "A
problem in the sequential design of experiments", Sankhya 1956; for Markov decision processes Duff, "Optimal
Learning: Computational procedures for Bayes-adaptive Markov decision processes", University of Massachusetts
Amherst 2002). Beliefs are merged that are alike but for the order of interchangeable moves: of five arms and
ten pulls 3,519 are left.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from workbench.algorithms.base import Citation
from workbench.algorithms.references import Believer, BelieverConfig, Moves, jittered
from workbench.config import EpisodeSize
from workbench.errors import InputError
from workbench.worlds.base import Countable, Tensors
from workbench.worlds.rollout import Seen

MOST = 1_000_000
"""Things that may happen after one step, of everything that may be believed."""


class BayesOptimalConfig(BelieverConfig):
    needs = frozenset({"rollouts", "belief", "counts"})
    kind: Literal["bayes_optimal"] = "bayes_optimal"


class BayesOptimal(Believer):
    """Plans by everything that it may come to believe."""

    Config = BayesOptimalConfig
    title = "Bayes-optimal"
    summary = "Plans exactly over all that it may come to believe: nobody can expect more who sees no task."
    citation = Citation("R. Bellman", "A problem in the sequential design of experiments", "Sankhya", 1956)

    @property
    def world(self) -> Countable:
        world = super().world
        if not isinstance(world, Countable):
            raise InputError("'bayes_optimal' is for worlds in which few things can happen; leave it out")
        return world

    def check(self, size: EpisodeSize) -> None:
        solved(self.world, size.queries)  # to count what may happen is to solve it; that is kept

    def moves(self, trials: int, episodes: int, generator: torch.Generator) -> Moves:
        world = self.world
        levels = solved(world, episodes)
        at = torch.zeros(trials, dtype=torch.int64)
        move = at

        def moves(belief: Tensors, seen: Seen) -> Tensor:
            nonlocal at, move
            if seen.step:
                last = levels[seen.step - 1]
                happened = (last.reward[at, move] - seen.reward[:, None]).abs().argmin(-1)
                at = last.then[at, move, happened]
            order = in_order(world, belief)
            move = jittered(levels[seen.step].value[at], generator, 1e-9).argmax(-1)
            return order.gather(-1, move[:, None])[:, 0]

        return moves


class Level(NamedTuple):
    """A step of a trial, for each of the S things that may be believed and seen before it.

    Attributes
    ----------
    value : what each move earns from there on if the best ones follow it, ``[S, moves]``.
    reward, then : what each move may pay, and which of the next level's follows; ``[S, moves, outcomes]``.
    """

    value: Tensor
    reward: Tensor
    then: Tensor


class _Step(NamedTuple):
    likely: Tensor
    reward: Tensor
    then: Tensor


def solved(world: Countable, episodes: int) -> list[Level]:
    """The levels of a trial of so many episodes; those asked for last are kept.

    Raises
    ------
    InputError
        If too much may be believed.
    """
    found = _solved(world, episodes)
    if isinstance(found, str):
        raise InputError(found)
    return found


@lru_cache(maxsize=4)
def _solved(world: Countable, episodes: int) -> list[Level] | str:
    """The levels, or why there are none: to find that out takes as long."""
    try:
        return _backwards(world, episodes)
    except InputError as error:
        return str(error)


def _backwards(world: Countable, episodes: int) -> list[Level]:
    belief = {name: each.double() for name, each in world.prior((1,)).items()}
    start = world.reset(world.expected(belief), {})
    known, steps = belief | start, []
    for step in range(episodes * world.horizon):
        found, known = _followed(world, known, start, step % world.horizon)
        steps.append(found)
    value = torch.zeros(_count(known), dtype=torch.float64)
    levels = []
    for each in reversed(steps):
        of_moves = (each.likely * (each.reward + value[each.then])).sum(-1)
        levels.append(Level(of_moves, each.reward, each.then))
        value = of_moves.amax(-1)
    return levels[::-1]


def in_order(world: Countable, belief: Tensors) -> Tensor:
    """The moves in an order in which interchangeable ones are told by what is believed of them alone, int64
    ``[…, moves]``."""
    like = next(iter(belief.values()))
    if not world.interchangeable:
        return torch.arange(world.actions.width).expand(*like.shape[:-1], -1)
    code = torch.zeros_like(like, dtype=torch.float64)
    for each in belief.values():
        code = code * 2**20 + each  # what is counted is far below that
    return code.argsort(-1)


def _followed(world: Countable, known: Tensors, start: Tensors, time: int) -> tuple[_Step, Tensors]:
    """What may follow a step of S trials, and everything that may be known after it.

    Parameters
    ----------
    known : what is believed and the state, by their names; so is what is returned.
    start : the state at the start of an episode.
    """
    last, moves = time == world.horizon - 1, world.actions.width
    action = torch.arange(moves).expand(_count(known), -1)
    known = {name: each[:, None].expand(-1, moves, *each.shape[1:]) for name, each in known.items()}
    task = world.expected(known)
    seen = world.observe(known, task, time)
    likely, reward, rows = [], [], []
    for chance, luck in world.outcomes(known, action, task):
        state, paid, _ = world.step(known, action, task, luck, time)
        if last:
            state = {name: start[name].expand_as(each) for name, each in state.items()}
        then = world.observe(state, task, 0 if last else time + 1)
        belief = world.learned(known, seen, action, paid, then, torch.full_like(paid, float(last)))
        order = in_order(world, belief)
        if world.interchangeable:
            belief = {name: each.gather(-1, order) for name, each in belief.items()}
        likely.append(chance)
        reward.append(paid)
        rows.append(_packed(belief | state))
    every = torch.stack(rows, 2)
    if every.shape[:3].numel() > MOST:
        raise InputError(
            f"'bayes_optimal' would plan for more than {MOST:,} things that may happen at a step; make the "
            "trial shorter, or leave it out"
        )
    distinct, index = _distinct(every.flatten(0, 2))
    found = _Step(torch.stack(likely, -1), torch.stack(reward, -1), index.reshape(every.shape[:3]))
    return found, _unpacked(distinct, belief | state)


def _distinct(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of doubles of which no two are alike, and which of them each row is: found by sums that differ
    where rows do, unless by an accident, which is noticed."""
    bits = rows.view(torch.int64)
    weights = torch.randint(2**62, rows.shape[1:], generator=torch.Generator().manual_seed(0))
    codes, index = torch.unique(((bits ^ (bits >> 32)) * weights).sum(-1), return_inverse=True)
    distinct = rows[torch.empty_like(codes).scatter_(0, index, torch.arange(len(rows)))]
    if not torch.equal(distinct[index], rows):
        distinct, index = torch.unique(rows, dim=0, return_inverse=True)
    return distinct, index


def _count(known: Tensors) -> int:
    return len(next(iter(known.values())))


def _packed(known: Tensors) -> Tensor:
    """What is known after each move as numbers, ``[S, moves, numbers]``."""
    return torch.cat([each.double().reshape(*each.shape[:2], -1) for each in known.values()], -1)


def _unpacked(rows: Tensor, like: Tensors) -> Tensors:
    """The same from rows ``[S, numbers]``, as it was before."""
    parts = torch.split(rows, [each[0, 0].numel() for each in like.values()], -1)
    return {
        name: part.reshape(len(rows), *each.shape[2:]).to(each.dtype)
        for (name, each), part in zip(like.items(), parts, strict=True)
    }
