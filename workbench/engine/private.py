"""Outer steps from which no training task can be told: Abadi et al., "Deep Learning with Differential
Privacy", CCS 2016, arXiv 1607.00133; of tasks: Li, Khodak, Caldas, Talwalkar, ICLR 2020, arXiv 1909.05830.

Of N fixed tasks each is in a step with probability q, T in the mean. What is learned of each is clipped to
the norm C (by :class:`~workbench.engine.meta_step.MetaStep`), noise N(0, σ²C²) is added to the sum, which is
divided by T.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from workbench.algorithms.base import Params
from workbench.config import Privacy
from workbench.engine.accounting import epsilon, noise_for
from workbench.engine.episodes import CHOSEN, NOISED, seeded
from workbench.measures import EPSILON

POINTS = 50
"""Of the curve of ε: it is computed so often, and in between it is what it will be next."""


class Private:
    """Which tasks a step is made of, its noise, and what all of them spend.

    Parameters
    ----------
    settings : what is asked for.
    meta_batch : T, tasks of a step in the mean.
    iterations : steps that are planned.
    seed : the run's.

    Attributes
    ----------
    tasks, noise : N, σ.
    repeated : steps that were done once more, with other noise, after a kill.
    empty : whether no task was chosen last.

    Raises
    ------
    PrivacyError
        If dp-accounting is not installed, or no noise is enough.
    """

    def __init__(self, settings: Privacy, meta_batch: int, iterations: int, seed: int) -> None:
        self._settings, self._meta_batch, self._iterations, self._seed = (
            settings,
            meta_batch,
            iterations,
            seed,
        )
        self.tasks, self._rate = settings.tasks, meta_batch / settings.tasks
        self.noise = settings.noise or 0.0
        if settings.epsilon is not None:
            self.noise = noise_for(
                settings.epsilon, self._rate, iterations, settings.delta, settings.accountant
            )
        self.repeated = 0
        self.empty = False

    @property
    def most(self) -> int:
        """Tasks that hardly a step has more of."""
        return min(self.tasks, self._meta_batch + math.ceil(3 * math.sqrt(self._meta_batch)))

    @property
    def words(self) -> str:
        """How much noise there is, and what that makes of the whole training."""
        if not self.noise:
            return "No noise, so that nothing is protected: ε = ∞"
        settings = self._settings
        return (
            f"Noise of {self.noise:.4g} times the bound of {settings.bound:.4g} makes ε = "
            f"{self._whole():.3g} at δ = {settings.delta:g} of {self._iterations:,} meta-iterations "
            f"with about {self._meta_batch:,} of {self.tasks:,} tasks each"
        )

    def chosen(self, iteration: int) -> Tensor:
        """The numbers of the tasks of a step; where there are none, that of one from which :meth:`step` then
        takes nothing."""
        generator = self._generator(CHOSEN, iteration)
        drawn = torch.rand(self.tasks, dtype=torch.float64, generator=generator)
        numbers = (drawn < self._rate).nonzero()[:, 0]
        self.empty = not len(numbers)
        return numbers if len(numbers) else torch.zeros(1, dtype=torch.int64)

    def step(self, total: Params, iteration: int) -> Params:
        """What to descend along, from the clipped sum over the tasks that were chosen last."""
        generator = self._generator(NOISED, iteration)
        total = {name: torch.zeros_like(each) for name, each in total.items()} if self.empty else total
        if self.noise:
            spread = self.noise * self._settings.bound
            total = {
                name: each + spread * torch.randn(each.shape, generator=generator).to(each)
                for name, each in total.items()
            }
        return {name: each / self._meta_batch for name, each in total.items()}

    def _generator(self, purpose: int, iteration: int) -> torch.Generator:
        if self._settings.chance == "seed":
            return seeded(self._seed, purpose, iteration)
        return torch.Generator().manual_seed(int.from_bytes(os.urandom(8)))

    # --- what is spent -----------------------------------------------------------------------------

    def spent(self, iteration: int) -> dict[str, Tensor]:
        """ε after so many steps, by its measure; none where there is no noise."""
        if not self.noise:
            return {}
        planned = self._iterations + self.repeated
        every = math.ceil(planned / POINTS)
        steps = math.ceil((iteration + self.repeated) / every) * every
        found = self._epsilon(steps, quick=True) if steps < planned else self._whole()
        return {EPSILON.name: torch.tensor(found, dtype=torch.float64)}

    def _whole(self) -> float:
        """ε of the whole training."""
        return self._epsilon(self._iterations + self.repeated)

    def _epsilon(self, steps: int, *, quick: bool = False) -> float:
        settings = self._settings
        return epsilon(self.noise, self._rate, steps, settings.delta, settings.accountant, quick=quick)

    @property
    def record(self) -> dict[str, Any]:
        """For the run's record (JSON types); ε is that of the whole training."""
        settings = self._settings
        return {
            EPSILON.name: self._whole() if self.noise else None,
            "delta": settings.delta,
            "noise": self.noise,
            "clip": settings.clip,
            "tasks": self.tasks,
            "sampling": self._rate,
            "chance": settings.chance,
            "accountant": settings.accountant,
            "repeated": self.repeated,
        }

    def resume(self, environment: Mapping[str, Any], done: int, iteration: int) -> None:
        """Count what is done again.

        Parameters
        ----------
        environment : the run's record.
        done : steps that were done once.
        iteration : after which the run goes on.
        """
        if self._settings.chance == "seed":  # the very same noise
            return
        record = environment.get("privacy")
        before = record.get("repeated") if isinstance(record, dict) else 0
        self.repeated = (max(0, before) if isinstance(before, int) else 0) + max(0, done - iteration)
