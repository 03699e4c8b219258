"""ADML: Yin, Tang, Xu, Wang, "Adversarial Meta-Learning", 2018, arXiv 1806.03316.

θ' is adapted to the clean support set, θ'_adv to the attacked one; θ follows the gradient of
L(θ', attacked queries) + L(θ'_adv, clean queries). The attack is FGSM: on the support set through θ, on the
queries through θ', the weights that have to stand it.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from workbench.algorithms.attacks import fgsm
from workbench.algorithms.base import Citation, InnerLoopConfig, Params
from workbench.algorithms.maml import MAML
from workbench.config import setting
from workbench.networks.base import Network
from workbench.tasks.base import Episode, TaskShape, valid_range


class ADMLConfig(InnerLoopConfig):
    needs = frozenset({"gradient", "classes", "bounds"})
    episodic = False

    kind: Literal["adml"] = "adml"
    epsilon: float = setting(
        8 / 255, ge=0, le=1, symbol="ε", help="Largest change of a pixel, whose values run from 0 to 1."
    )


class ADML(MAML):
    """MAML on clean and attacked examples, crosswise."""

    Config = ADMLConfig
    title = "ADML"
    family = "adversarial"
    summary = "MAML that adapts to clean and to attacked examples, each learner tested on the other kind."
    citation = Citation(
        "C. Yin, J. Tang, Z. Xu, Y. Wang", "Adversarial Meta-Learning", "arXiv", 2018, "1806.03316"
    )

    def __init__(self, config: ADMLConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self._bounds = valid_range(shape, self.title)

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        support, steps = episode.support, self.config.inner_steps
        attacked = support._replace(x=self._attacked(meta, support.x, support.y))
        clean = self.adapt(meta, support, steps)
        adversarial = self.adapt(meta, attacked, steps)
        queries = self._attacked(clean, episode.query_x, episode.query_y)
        return self.task_loss(self.predict(clean, queries), episode.query_y) + self.task_loss(
            self.predict(adversarial, episode.query_x), episode.query_y
        )

    def _attacked(self, weights: Params, x: Tensor, y: Tensor) -> Tensor:
        return fgsm(
            lambda at: self.task_loss(self.predict(weights, at), y),
            x,
            epsilon=self.config.epsilon,
            bounds=self._bounds,
        )
