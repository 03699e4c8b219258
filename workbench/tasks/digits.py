"""Handwritten digits in 8 × 8 pixels: small enough to look at a run in seconds.

scikit-learn's copy of the test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin,
Kaynak 1998): 1,797 drawings by 13 people. Ten classes leave two for validation and two for the test.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.config import ClassificationTaskConfig, Evaluation, Suits, Training
from workbench.settings import setting
from workbench.tasks.base import Progress
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool

DIGITS = 10
SHADES = 16
"""Above black."""


class DigitsConfig(ClassificationTaskConfig):
    has = frozenset({"bounds"})
    default_network = "mlp"
    suits = Suits(
        Training(iterations=1000, meta_batch=16),
        Evaluation(every=100),
    )

    family: Literal["digits"] = "digits"
    ways: int = setting(2, ge=2, le=DIGITS, help="Classes in one task.")
    split: ClassSplit = setting(ClassSplit(), help='Digits by name, "0" to "9", or drawn by seed.')


class Digits(ClassFamily):
    """Tell two handwritten digits apart that were never seen in training."""

    Config = DigitsConfig
    title = "Digits"
    summary = "Tell small handwritten digits apart: 8 × 8 pixels, ten classes, comes with the program."

    def __init__(self, config: DigitsConfig, progress: Progress | None = None) -> None:
        from sklearn.datasets import load_digits  # takes as long to import as torch: only when used

        images, labels = load_digits(return_X_y=True)
        order = torch.from_numpy(labels).argsort(stable=True)
        names = tuple(str(digit) for digit in range(DIGITS))
        pool = ClassPool(
            examples=torch.from_numpy(images).float().div(SHADES).view(-1, 1, 8, 8)[order],
            counts=tuple(torch.from_numpy(labels).bincount().tolist()),
            names=names,
            groups=("",) * DIGITS,
        )
        super().__init__(config, pool, divide(pool.names, pool.groups, config.split))

    def of_pixels(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, bool]:
        """In the 17 shades that ours have."""
        x, inverted = super().of_pixels(pixels)
        return (x * SHADES).round() / SHADES, inverted
