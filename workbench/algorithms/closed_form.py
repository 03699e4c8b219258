"""Algorithms that adapt in closed form: one look at the support set, no inner steps."""

from __future__ import annotations

from workbench.algorithms.base import Algorithm, Params
from workbench.tasks.base import Data


class ClosedForm(Algorithm):
    """What a learner is after :meth:`start`, it stays."""

    adapts_stepwise = False

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        return learner
