"""Bandits: arms of unknown pay (Duan et al. 2016, RL², arXiv 1611.02779, section 3.1).

An episode is one pull, a trial some pulls of the same k arms. Bernoulli arms pay 1 with p ~ U[0, 1], else 0.
Gaussian arms pay N(mean, 1), mean ~ N(0, 1): the testbed of Sutton and Barto (2018, section 2.3).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.config import Evaluation, Suits, Training, setting
from workbench.pictures import INK, Array, Curve, Panel
from workbench.tasks.acting import ActingConfig, WorldFamily
from workbench.worlds.base import Actions, Conjugate, Countable, Plan, Tensors
from workbench.worlds.numbers import beta_sample, entry, normal
from workbench.worlds.pictures import Acted, Arrays, bars, number


class ArmsWorld(Conjugate):
    """Arms to pull, each with a mean pay of its own: ``pay`` ``[…, arms]`` of a task."""

    horizon = 1
    episode: ClassVar[str] = "pull"
    shifts: ClassVar[Mapping[str, str]] = {"scarce": "poor arms only: p ~ U[0, .5], or means ~ N(−1, 1)"}

    def __init__(self, arms: int = 5) -> None:
        self.arms = arms
        self.observations = 1
        self.actions = Actions(moves=tuple(f"arm {arm + 1}" for arm in range(arms)))
        self.draws = {"pay": arms}

    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        return {}

    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        """There is nothing to see: a 1, for what needs an input."""
        return torch.ones_like(task["pay"][..., :1])

    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        reward = self._reward(entry(task["pay"], action), chance["luck"])
        return {}, reward, torch.ones_like(reward, dtype=torch.bool)

    @abstractmethod
    def _reward(self, pay: Tensor, luck: Tensor) -> Tensor:
        """What an arm of some mean pays."""

    drawing: ClassVar[tuple[str, str]] = (
        "Pulls of the arms so far",
        "Bars: the share of all pulls; dashes: how often an arm pays.",
    )

    def told(self, task: Arrays) -> str:
        pay = task["pay"]
        if len(pay) <= 6:
            return f"arms pay {', '.join(map(number, pay))}"
        best = int(pay.argmax())
        return f"arm {best + 1} pays {number(pay[best])}, the others {number(pay.mean())} on average"

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """Bars of pulls beside what the arms pay."""
        now, before = acted.so_far("action"), acted.before["action"].astype(np.float64)
        curves = [bars("pulls", self._shares(now), acted.colour)]
        if not acted.trial and len(before):
            curves.insert(0, acted.beneath(bars("", self._shares(before), acted.colour)))
        if acted.trial:
            pulled, high = now[-1], self._shares(now)[int(now[-1, 0])]
            curves.append(Curve("this pull", INK, pulled, np.full(1, high), kind="markers"))
        return Panel(
            x_label="arm",
            y_label="pulls",
            x_names=self._names(task),
            y_range=(0.0, 1.05),
            y_percent=True,
            curves=(*curves, *self._marks(task)),
        )

    def _shares(self, pulls: Array) -> Array:
        counted = np.bincount(pulls.reshape(-1).astype(np.int64), minlength=self.arms)
        shares: Array = counted / max(1, counted.sum())
        return shares

    def _names(self, task: Arrays) -> tuple[str, ...]:
        return tuple(str(arm + 1) for arm in range(self.arms))

    def _marks(self, task: Arrays) -> tuple[Curve, ...]:
        arms = np.arange(self.arms, dtype=np.float64)
        return (
            Curve("pays", INK, arms, task["pay"].astype(np.float64), kind="markers", sign="dash", thick=True),
        )

    def plan(self, task: Tensors) -> Plan:
        best = task["pay"].argmax(-1)
        return lambda observation, time: best

    def best_return(self, task: Tensors) -> Tensor:
        return task["pay"].amax(-1)

    def optimistic(self, task: Tensors, belief: Tensors) -> Tensors:
        return {"pay": torch.maximum(task["pay"], self.expected(belief)["pay"])}


class BanditsWorld(ArmsWorld, Countable):
    """Arms that pay 1 or 0.

    Belief: how often each arm has paid (``paid``) and not (``failed``), and once more, which is U[0, 1].
    """

    rewards = (0.5, 0.5)
    interchangeable: ClassVar[bool] = True

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        return {"pay": uniform["pay"] * (0.5 if shift else 1.0)}

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {"luck": torch.rand(*shape, 1, generator=generator)}

    def _reward(self, pay: Tensor, luck: Tensor) -> Tensor:
        return (luck < pay).to(pay.dtype)

    def known(self, task: Tensors) -> Tensor:
        return 2 * task["pay"] - 1

    def prior(self, shape: tuple[int, ...]) -> Tensors:
        return {"paid": torch.ones(*shape, self.arms), "failed": torch.ones(*shape, self.arms)}

    def learned(
        self, belief: Tensors, seen: Tensor, action: Tensor, reward: Tensor, then: Tensor, ended: Tensor
    ) -> Tensors:
        pulled, paid = F.one_hot(action, self.arms), reward[..., None]
        return {"paid": belief["paid"] + pulled * paid, "failed": belief["failed"] + pulled * (1 - paid)}

    def expected(self, belief: Tensors) -> Tensors:
        return {"pay": belief["paid"] / (belief["paid"] + belief["failed"])}

    def sampled(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        return {"pay": beta_sample(belief["paid"], belief["failed"], generator)}

    def outcomes(self, state: Tensors, action: Tensor, task: Tensors) -> list[tuple[Tensor, Tensors]]:
        pays = entry(task["pay"], action)
        return [(pays, {"luck": torch.zeros_like(pays)}), (1 - pays, {"luck": torch.ones_like(pays)})]


class GaussianBanditsWorld(ArmsWorld):
    """Arms that pay a mean with normal noise around it.

    Belief: one more than an arm's pulls (``precision``, as the prior counts as one pull that paid 0), and
    what they have paid (``total``).
    """

    rewards = (0.0, 2**0.5)

    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        return {"pay": normal(uniform["pay"]) - (1.0 if shift else 0.0)}

    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        return {"luck": torch.randn(*shape, 1, generator=generator)}

    def _reward(self, pay: Tensor, luck: Tensor) -> Tensor:
        return pay + luck

    drawing: ClassVar[tuple[str, str]] = (
        "Pulls of the arms so far",
        "Bars: the share of all pulls; below each arm what it pays on average.",
    )

    def _names(self, task: Arrays) -> tuple[str, ...]:
        return tuple(map(number, task["pay"]))

    def _marks(self, task: Arrays) -> tuple[Curve, ...]:
        return ()

    def known(self, task: Tensors) -> Tensor:
        return task["pay"]

    def prior(self, shape: tuple[int, ...]) -> Tensors:
        return {"precision": torch.ones(*shape, self.arms), "total": torch.zeros(*shape, self.arms)}

    def learned(
        self, belief: Tensors, seen: Tensor, action: Tensor, reward: Tensor, then: Tensor, ended: Tensor
    ) -> Tensors:
        pulled = F.one_hot(action, self.arms)
        return {
            "precision": belief["precision"] + pulled,
            "total": belief["total"] + pulled * reward[..., None],
        }

    def expected(self, belief: Tensors) -> Tensors:
        return {"pay": belief["total"] / belief["precision"]}

    def sampled(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        mean, spread = belief["total"] / belief["precision"], belief["precision"].rsqrt()
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
        return {"pay": mean + spread * noise}


class BanditsConfig(ActingConfig):
    has = frozenset({"moves", "plan", "belief", "counts", "arms"})
    suits = Suits(
        Training(iterations=300, meta_batch=256, meta_lr=3e-3),
        Evaluation(episodes=2000, validation_episodes=500, inner_steps=3, every=50),
        {"discount": 1.0, "trace": 0.3, "entropy": 0.03},
    )
    family: Literal["bandits"] = "bandits"
    arms: int = setting(5, ge=2, le=1000, symbol="k", help="Arms to choose from.")
    pays: Literal["bernoulli", "gaussian"] = setting(
        "bernoulli",
        titles={"bernoulli": "1 or 0", "gaussian": "normal numbers"},
        help="bernoulli: an arm pays 1 with p ~ U[0, 1], else 0; gaussian: N(mean, 1), mean ~ N(0, 1).",
    )
    pulls: int = setting(10, ge=1, le=10_000, symbol="n", help="Pulls of a trial, each an episode.")

    shift: Literal["scarce"] | None = setting(
        None, titles=BanditsWorld.shifts, help="Measure on another distribution of tasks too.", empty="none"
    )

    @property
    def trial(self) -> int:
        return self.pulls


class Bandits(WorldFamily):
    """Find the best of some arms while they are pulled."""

    Config = BanditsConfig
    title = "Bandits"
    summary = "Pull the best of k arms, whose pay is unknown, as often as possible."

    @classmethod
    def made(cls, config: ActingConfig) -> ArmsWorld:
        assert isinstance(config, BanditsConfig)
        return (GaussianBanditsWorld if config.pays == "gaussian" else BanditsWorld)(config.arms)
