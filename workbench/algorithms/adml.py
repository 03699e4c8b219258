"""ADML: Yin, Tang, Xu, Wang, "Adversarial Meta-Learning", 2018, arXiv 1806.03316.

θ' is adapted to the clean support set, θ'_adv to the attacked one; θ follows the gradient of
L(θ', attacked queries) + L(θ'_adv, clean queries). The attack is FGSM: on the support set through θ, on the
queries through θ', the weights that have to stand it.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor

from workbench.algorithms.attacks import fgsm
from workbench.algorithms.base import Citation, InnerLoopConfig, Params
from workbench.algorithms.maml import MAML
from workbench.config import setting
from workbench.networks.base import Network
from workbench.tasks.base import Data, Episode, TaskShape, valid_range


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
    departs = (
        "The paper's order of the two outer updates is not known for sure; here their losses are summed "
        "into one."
    )
    citation = Citation(
        "C. Yin, J. Tang, Z. Xu, Y. Wang", "Adversarial Meta-Learning", "arXiv", 2018, "1806.03316"
    )

    config: ADMLConfig

    def __init__(self, config: ADMLConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self._bounds = valid_range(shape, self.title)

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        clean = self.adapt(meta, episode.support, self.trained_steps)
        adversarial = self.adapt(meta, self._attacked(meta, episode.support), self.trained_steps)
        queries = self._attacked(clean, episode.query)
        return self.problem.loss(partial(self.predict, clean), queries) + self.problem.loss(
            partial(self.predict, adversarial), episode.query
        )

    def _attacked(self, weights: Params, data: Data) -> Data:
        x = fgsm(
            lambda at: self.problem.loss(partial(self.predict, weights), data | {"x": at}),
            data["x"],
            epsilon=self.config.epsilon,
            bounds=self._bounds,
        )
        return data | {"x": x}
