"""UMTRA: Khodadadeh, Bölöni, Shah, "Unsupervised Meta-Learning for Few-Shot Image Classification", NeurIPS
2019, arXiv 1811.11819.

A training task has N random unlabelled images as its N classes. The support set is these images, the query
set are changed copies of them; a meta-learner, the base, learns from these tasks as from any. No label is
read in training; two of the N images may thus be of one class, which is rare where there are many.

The paper changes an image by random shifts and black pixels, or by AutoAugment; here it is shifted, turned,
stretched, and a square of it is black, all by amounts relative to its size. It trains with one support
example of a class; the further ones that a task may have here are changed copies, too.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.algorithms.base import Citation
from workbench.algorithms.wrapper import Wrapper, WrapperConfig
from workbench.config import AlgorithmConfig, setting
from workbench.tasks.base import TaskFamily
from workbench.tasks.unlabelled import Augmentation, AugmentedFamily


class SelfSupervisedConfig(WrapperConfig):
    """An episodic base, trained without labels."""

    needs = frozenset({"gradient", "classes"})

    @classmethod
    def allows(cls, base: type[AlgorithmConfig]) -> bool:
        return super().allows(base) and base.episodic


class UMTRAConfig(SelfSupervisedConfig):
    kind: Literal["umtra"] = "umtra"
    shift: float = setting(0.1, ge=0, le=1, help="Greatest shift of a copy, as a part of the image's side.")
    turn: float = setting(20.0, ge=0, le=180, unit="°", help="Greatest rotation of a copy.")
    stretch: float = setting(0.2, ge=0, le=1, help="Greatest change of a copy's width and height, as a part.")
    erased: float = setting(
        0.2, ge=0, le=1, help="Side of a copy's black square, as a part of the image's side."
    )


class UMTRA(Wrapper):
    """Every image is a class, its changed copies are the class's other members."""

    Config: ClassVar[type[AlgorithmConfig]] = UMTRAConfig
    title = "UMTRA"
    family = "self-supervised"
    summary = "Trains its base without labels: each image is a class, whose queries are changed copies of it."
    departs = "Images are shifted, turned, stretched and covered in part, without AutoAugment."
    citation = Citation(
        "S. Khodadadeh, L. Bölöni, M. Shah",
        "Unsupervised Meta-Learning for Few-Shot Image Classification",
        "NeurIPS",
        2019,
        "1811.11819",
    )
    drifts = False
    config: UMTRAConfig

    def training_family(self, family: TaskFamily) -> TaskFamily:
        c = self.config
        return AugmentedFamily(family, Augmentation(c.shift, c.turn, c.stretch, c.erased))
