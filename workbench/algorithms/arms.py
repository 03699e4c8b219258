"""References that give each arm of a bandit a number, an index, and pull the arm with the greatest.

UCB1 (Auer, Cesa-Bianchi, Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", Machine Learning
2002): the mean of what an arm has paid and a bonus that falls with its pulls. The Gittins index (Gittins,
"Bandit Processes and Dynamic Allocation Indices", Journal of the Royal Statistical Society B 1979): the pay
of a known arm that would be as good as this one; for so many pulls as are left (Kaufmann, "On Bayesian index
policies for sequential resource allocation", Annals of Statistics 2018, arXiv 1601.01190), where it is very
good, but no longer the best.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation
from workbench.algorithms.references import Believer, BelieverConfig, Moves, jittered
from workbench.config import EpisodeSize, setting
from workbench.errors import InputError
from workbench.problems import Problem
from workbench.worlds.base import Countable, Tensors
from workbench.worlds.rollout import Seen

GRID = 401
"""Known arms that an unknown one is compared with, from 0 to 1."""

MOST_PULLS = 200
"""Of a trial that indices are computed for."""


class ArmsConfig(BelieverConfig):
    """What only bandits are for."""

    needs = frozenset({"rollouts", "belief", "arms"})


class Arms(Believer):
    """Pulls the arm with the greatest index."""

    @abstractmethod
    def index(self, belief: Tensors, pulls: Tensor, paid: Tensor, left: int) -> Tensor:
        """The index of each arm, ``[T, arms]``.

        Parameters
        ----------
        pulls, paid : of each arm: how often it was pulled, what it has paid in all; ``[T, arms]``.
        left : pulls that are left in the trial.
        """

    def moves(self, trials: int, episodes: int, generator: torch.Generator) -> Moves:
        pulls = paid = torch.zeros(trials, self.world.actions.width)

        def moves(belief: Tensors, seen: Seen) -> Tensor:
            nonlocal pulls, paid
            pulls, paid = pulls + seen.action, paid + seen.action * seen.reward[:, None]
            index = self.index(belief, pulls, paid, episodes - seen.step)
            return jittered(index, generator).argmax(-1)

        return moves


class UCBConfig(ArmsConfig):
    kind: Literal["ucb"] = "ucb"
    mean: Literal["posterior", "empirical"] = setting(
        "posterior",
        titles={"posterior": "posterior mean", "empirical": "empirical mean (UCB1)"},
        help="What the bonus is added to; the empirical one: UCB1, which has no c and knows no prior.",
    )
    c: float = setting(0.2, ge=0, le=100, help="Weight of the bonus, with the posterior mean.")

    @classmethod
    def privileged(cls, problem: type[Problem]) -> str:
        return f"{cls.privilege}, unless its means are empirical"

    def privileges(self, problem: type[Problem]) -> str:
        return self.privilege if self.mean == "posterior" else ""


class UCB(Arms):
    """A mean and a bonus for arms that were rarely pulled."""

    Config = UCBConfig
    title = "UCB"
    summary = "Pulls the arm with the greatest upper confidence bound: a mean and a bonus for few pulls."
    citation = Citation(
        "P. Auer, N. Cesa-Bianchi, P. Fischer",
        "Finite-time Analysis of the Multiarmed Bandit Problem",
        "Machine Learning",
        2002,
    )
    config: UCBConfig

    def index(self, belief: Tensors, pulls: Tensor, paid: Tensor, left: int) -> Tensor:
        step = pulls.sum(-1, keepdim=True)  # from 0
        if self.config.mean == "posterior":
            bonus = (2 * (step + 1).log() / (pulls + 1)).sqrt()
            return self.world.expected(belief)["pay"] + self.config.c * bonus
        times = pulls.clamp_min(1)
        bounds = paid / times + (2 * step.clamp_min(1).log() / times).sqrt()
        return torch.where(pulls == 0, math.inf, bounds)


class GittinsConfig(ArmsConfig):
    kind: Literal["gittins"] = "gittins"


class Gittins(Arms):
    """The pay of a known arm that would be as good, for the pulls that are left."""

    Config = GittinsConfig
    title = "Gittins index"
    summary = "Pulls the arm that a known arm would have to pay most to be as good as, for the pulls left."
    citation = Citation(
        "J. C. Gittins",
        "Bandit Processes and Dynamic Allocation Indices",
        "Journal of the Royal Statistical Society B",
        1979,
    )

    def check(self, size: EpisodeSize) -> None:
        if not isinstance(self.world, Countable):
            raise InputError("'gittins' has indices of arms that pay 1 or 0; leave it out")
        if size.queries > MOST_PULLS:
            raise InputError(
                f"'gittins' computes indices of at most {MOST_PULLS} pulls, not {size.queries}; make the "
                "trial shorter, or leave it out"
            )

    def moves(self, trials: int, episodes: int, generator: torch.Generator) -> Moves:
        self.check(EpisodeSize(1, 0, episodes))
        return super().moves(trials, episodes, generator)

    def index(self, belief: Tensors, pulls: Tensor, paid: Tensor, left: int) -> Tensor:
        pulled = int(pulls[0].sum()) + left
        return indices(pulled)[left][pulls.long(), paid.long()]


@lru_cache(maxsize=2)
def indices(pulls: int) -> tuple[Tensor, ...]:
    """Finite-horizon Gittins indices of an arm that pays 1 with p ~ U[0, 1], else 0.

    An arm is as good as one that is known to pay λ where, with so many pulls left, it makes no difference
    whether one retires to that at once or pulls this one at least once more. The values of both are computed
    backwards, for all λ of a grid.

    Parameters
    ----------
    pulls : of a trial.

    Returns
    -------
    By pulls left, from 0: ``[pulled, paid]``, as far as those are at most the pulls that went before.
    """
    known = torch.linspace(0, 1, GRID, dtype=torch.float64)
    value = torch.zeros(pulls + 1, pulls + 1, GRID, dtype=torch.float64)  # of an arm, by pulled and paid
    found = [torch.zeros(0, 0)]
    for left in range(1, pulls + 1):
        before = pulls - left
        index = known.new_zeros(before + 1, before + 1)
        for pulled in range(before + 1):
            likely = ((torch.arange(pulled + 1, dtype=known.dtype) + 1) / (pulled + 2))[:, None]
            then = value[pulled + 1]
            pull = likely * (1 + then[1 : pulled + 2]) + (1 - likely) * then[: pulled + 1]
            index[pulled, : pulled + 1] = _crossing(pull - left * known, known)
            value[pulled, : pulled + 1] = torch.maximum(pull, left * known)
        found.append(index)
    return tuple(found)


def _crossing(better: Tensor, known: Tensor) -> Tensor:
    """Where a falling function of λ ``[…, λ]`` is 0, between the two λ of a grid about it."""
    # at λ = 1 nothing is better than to retire, at λ = 0 nothing is worse
    last = (better > 0).sum(-1, keepdim=True).clamp(1, GRID - 1)
    above, below = better.gather(-1, last - 1), better.gather(-1, last)
    part = above / (above - below).clamp_min(1e-12)
    return (known[last - 1] + part * (known[1] - known[0]))[..., 0]
