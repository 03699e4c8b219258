"""Algorithms that adapt in closed form: one look at the support set, no inner steps."""

from __future__ import annotations

from torch import Tensor

from workbench.algorithms.base import Algorithm, Params
from workbench.tasks.base import Episode, Support


class ClosedForm(Algorithm):
    """What a learner is after :meth:`start`, it stays; trained by its loss on the query set."""

    adapts_stepwise = False

    def step(self, meta: Params, learner: Params, support: Support, index: int) -> Params:
        return learner

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        learner = self.start(meta, episode.support)
        return self.task_loss(self.predict(learner, episode.query_x), episode.query_y)
