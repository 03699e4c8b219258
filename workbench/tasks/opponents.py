"""Opponents: a repeated game of two moves against a hidden strategy.

An opponent has a strategy of memory one: the chances that it cooperates at the start of a match and after
each of the four joint moves (Nowak and Sigmund, Nature 1993). A match has some rounds, a trial some matches
with the same opponent. Chances are drawn from Beta(½, ½), so that most opponents are nearly sure of most
moves.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.config import Evaluation, Suits, Training, setting
from workbench.pictures import INK, Curve, Panel
from workbench.tasks.acting import ActingConfig, WorldConfig, WorldFamily
from workbench.worlds.base import Actions, Countable, Plan, Tensors
from workbench.worlds.numbers import beta_sample, choice, entry
from workbench.worlds.pictures import Acted, Arrays, points, tiles

COOPERATE, DEFECT = range(2)

GAMES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "stag_hunt": ((4, 0), (3, 2)),
    "prisoners_dilemma": ((3, 0), (5, 1)),
    "chicken": ((3, 1), (5, 0)),
    "pennies": ((1, 0), (0, 1)),
}
"""What a player wins, by its own move and then the other's; of two equal own moves, no two pay the same."""

STRATEGIES: dict[str, tuple[float, float, float, float, float]] = {
    "always cooperate": (1, 1, 1, 1, 1),
    "always defect": (0, 0, 0, 0, 0),
    "tit for tat": (1, 1, 1, 0, 0),
    "suspicious tit for tat": (0, 1, 1, 0, 0),
    "generous tit for tat": (1, 1, 1, 1 / 3, 1 / 3),
    "grim": (1, 1, 0, 0, 0),
    "win-stay, lose-shift": (1, 1, 0, 0, 1),
    "alternator": (1, 0, 1, 0, 1),
    "random": (0.5, 0.5, 0.5, 0.5, 0.5),
    "bully": (0, 0, 0, 1, 1),
    "extortion": (0, 8 / 9, 1 / 3, 1 / 2, 0),
    "firm but fair": (1, 1, 1, 0, 1),
}
"""Chances that an opponent cooperates: at the start and after CC, CD, DC, DD, the learner's move first."""

NOISE = 0.05
"""So often an opponent of a named strategy does the contrary of what it means to do."""


class OpponentsWorld(Countable):
    """A match of some rounds.

    Belief: how often the other has cooperated and defected in each of the five situations, and half a time
    more (``cooperated``, ``defected``): the Beta(½, ½) that strategies are drawn from.
    """

    episode: ClassVar[str] = "match"
    replans: ClassVar[bool] = True
    shifts: ClassVar[Mapping[str, str]] = {
        "named": f"one of {len(STRATEGIES)} known strategies, such as tit for tat, with 5% noise",
        "uniform": "each chance of a strategy ~ U[0, 1]: opponents that are less sure",
    }

    def __init__(self, game: str = "stag_hunt", rounds: int = 20) -> None:
        self.pays, self.horizon = GAMES[game], rounds
        pays = [each for row in self.pays for each in row]
        self.rewards = (statistics.fmean(pays), statistics.pstdev(pays))
        self.observations = 6
        self.actions = Actions(moves=("cooperate", "defect"))
        self.draws = {"strategy": 5}

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        """``strategy`` ``[…, 5]``: the chances that the other cooperates."""
        drawn = uniform["strategy"]
        if shift == "uniform":
            return {"strategy": drawn}
        if shift == "named":
            named = torch.tensor(list(STRATEGIES.values()), dtype=drawn.dtype, device=drawn.device)
            meant = named[choice(drawn[..., 0], len(named))]
            return {"strategy": meant * (1 - 2 * NOISE) + NOISE}
        return {"strategy": (drawn * (math.pi / 2)).sin().square()}  # Beta(1/2, 1/2): the law of the arcsine

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {"luck": torch.rand(*shape, self.horizon, generator=generator)}

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        return {"situation": torch.zeros_like(task["strategy"][..., 0], dtype=torch.int64)}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        """The situation, one-hot (start, then the moves CC, CD, DC, DD), and the time left, from 1 to −1."""
        situation = F.one_hot(state["situation"], 5).to(task["strategy"].dtype)
        left = torch.full_like(situation[..., :1], 1 - 2 * time / self.horizon)
        return torch.cat([situation, left], -1)

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        cooperates = chance["luck"] < entry(task["strategy"], state["situation"])
        with_it, against_it = self._pays(action, task["strategy"].dtype)
        reward = torch.where(cooperates, with_it, against_it)
        situation = 1 + 2 * action + torch.where(cooperates, COOPERATE, DEFECT)
        return {"situation": situation}, reward, torch.zeros_like(cooperates)

    def _pays(self, action: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """What an own move pays where the other cooperates, and where it defects."""
        mine, defected = action == COOPERATE, self.pays[DEFECT]
        return tuple(  # type: ignore[return-value]
            torch.where(mine, self.pays[COOPERATE][other], defected[other]).to(dtype)
            for other in (COOPERATE, DEFECT)
        )

    def known(self, task: Tensors) -> Tensor:
        return 2 * task["strategy"] - 1

    drawing: ClassVar[tuple[str, str]] = ("Moves by round", "Filled: who cooperates; crosses: who defects.")

    def told(self, task: Arrays) -> str:
        """The name of a known strategy, else the chances that the other cooperates."""
        strategy = task["strategy"].astype(np.float64)
        for name, chances in STRATEGIES.items():
            if np.allclose(strategy, np.array(chances) * (1 - 2 * NOISE) + NOISE, atol=1e-4):
                return f"{name}, {NOISE:.0%} noise"
        first, *after = (f"{each:.0%}" for each in strategy)
        moves = ", ".join(f"{each} {of}" for of, each in zip(after, ("CC", "CD", "DC", "DD"), strict=True))
        return f"cooperates at first {first}, after {moves}"

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """Both players' moves in each round of a match."""
        action, reward = acted.seen("action"), acted.seen("reward")
        rounds = np.arange(1, self.horizon + 1, dtype=np.float64)
        curves: list[Curve] = []
        if action is not None and reward is not None:
            pays = np.array(self.pays)[action.astype(np.int64)]
            other = np.abs(reward[:, None] - pays).argmin(-1)
            for row, colour, moves in ((0.0, INK, other), (1.0, acted.colour, action)):
                helps = moves == COOPERATE
                against = points("defects", np.stack([rounds, np.full_like(rounds, row)], -1)[~helps], colour)
                curves += [tiles("cooperates", rounds[helps], row, colour)] if helps.any() else []
                curves += [replace(against, sign="cross", faint=True)] if not helps.all() else []
        return Panel(
            x_label="round",
            y_names=("other", "own"),
            x_range=(0.0, self.horizon + 1.0),
            curves=tuple(curves),
        )

    def values(self, task: Tensors) -> Tensor:
        """What each move earns until the end of the match if the best moves follow it, ``[…, rounds, 5, 2]``:
        backward induction over the situations."""
        strategy = task["strategy"]
        value = torch.zeros_like(strategy)
        by_round = []
        for _ in range(self.horizon):
            moves = []
            for own in (COOPERATE, DEFECT):
                after = [
                    self.pays[own][other] + value[..., 1 + 2 * own + other, None]
                    for other in (COOPERATE, DEFECT)
                ]
                moves.append(strategy * after[COOPERATE] + (1 - strategy) * after[DEFECT])
            by_round.append(torch.stack(moves, -1))
            value = by_round[-1].amax(-1)
        return torch.stack(by_round[::-1], -3)

    def plan(self, task: Tensors) -> Plan:
        best = self.values(task).argmax(-1)
        return lambda observation, time: entry(best[..., time, :], observation[..., :5].argmax(-1))

    def best_return(self, task: Tensors) -> Tensor:
        return self.values(task)[..., 0, 0, :].amax(-1)

    def outcomes(self, state: Tensors, action: Tensor, task: Tensors) -> list[tuple[Tensor, Tensors]]:
        cooperates = entry(task["strategy"], state["situation"])
        low, high = torch.zeros_like(cooperates), torch.ones_like(cooperates)
        return [(cooperates, {"luck": low}), (1 - cooperates, {"luck": high})]

    def prior(self, shape: tuple[int, ...]) -> Tensors:
        return {"cooperated": torch.full((*shape, 5), 0.5), "defected": torch.full((*shape, 5), 0.5)}

    def learned(
        self, belief: Tensors, seen: Tensor, action: Tensor, reward: Tensor, then: Tensor, ended: Tensor
    ) -> Tensors:
        # told by the reward: what is seen next may be the start of another match
        with_it, against_it = self._pays(action, reward.dtype)
        cooperated = ((reward - with_it).abs() < (reward - against_it).abs())[..., None]
        now = seen[..., :5]
        return {
            "cooperated": belief["cooperated"] + now * cooperated,
            "defected": belief["defected"] + now * ~cooperated,
        }

    def expected(self, belief: Tensors) -> Tensors:
        return {"strategy": belief["cooperated"] / (belief["cooperated"] + belief["defected"])}

    def sampled(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        return {"strategy": beta_sample(belief["cooperated"], belief["defected"], generator)}

    def optimistic(self, task: Tensors, belief: Tensors) -> Tensors:
        """An opponent that cooperates more, which is better for a learner in every game but pennies."""
        return {"strategy": torch.maximum(task["strategy"], self.expected(belief)["strategy"])}


class OpponentsConfig(WorldConfig):
    has = frozenset({"moves", "plan", "belief", "counts"})
    suits = Suits(
        Training(iterations=500, meta_batch=256, meta_lr=3e-3),
        Evaluation(episodes=2000, validation_episodes=500, inner_steps=3, every=50),
        {"discount": 1.0, "trace": 0.9, "entropy": 0.1},
    )
    family: Literal["opponents"] = "opponents"
    game: Literal["stag_hunt", "prisoners_dilemma", "chicken", "pennies"] = setting(
        "stag_hunt",
        titles={
            "stag_hunt": "stag hunt",
            "prisoners_dilemma": "prisoner's dilemma",
            "pennies": "matching pennies",
        },
        help="What a round pays by both moves.",
    )
    rounds: int = setting(20, ge=1, le=1000, help="Rounds of a match.")
    episodes: int = setting(
        3, label="Matches", ge=1, le=10_000, help="Matches of a trial, against the same opponent."
    )
    shift: Literal["named", "uniform"] | None = setting(
        None, titles=OpponentsWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )


class Opponents(WorldFamily):
    """Find the best answer to an opponent while playing against it."""

    Config = OpponentsConfig
    title = "Opponents"
    summary = "Play matches of a repeated game against an opponent whose strategy is unknown."

    @classmethod
    def made(cls, config: ActingConfig) -> OpponentsWorld:
        assert isinstance(config, OpponentsConfig)
        return OpponentsWorld(config.game, config.rounds)
