"""A person's own images, or a published set such as Omniglot, from a zip or a folder.

Omniglot: Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science 2015. Its alphabets are groups, its characters classes; reduced to 28 × 28 pixels,
with turned characters as new classes of meta-training, it is the usual few-shot benchmark (Vinyals,
Blundell, Lillicrap, Kavukcuoglu, Wierstra, NeurIPS 2016).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import model_validator
from torch import Tensor

from workbench.config import TaskConfig
from workbench.data.picture_set import FEWER
from workbench.data.pictures import as_pixels, open_picture
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading, refuse_beyond_memory
from workbench.settings import Name, setting
from workbench.tasks.base import TaskFamily
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool, ImageTaskConfig, as_floats, bright_edges
from workbench.tasks.own_data import one_of_both, own_data


class ImagesConfig(ImageTaskConfig):
    family: Literal["images"] = "images"
    path: str | None = setting(
        None,
        path=True,
        help="Zip or folder: class folders, groups of them, or split files; or arrays (.npz).",
    )
    dataset: Name | None = setting(None, help="Instead of a path: the name of an imported set of images.")
    size: int = setting(28, ge=4, le=512, unit="pixels", help="Images are scaled to size × size.")
    channels: Literal[1, 3] = setting(1, help="1: grey, 3: colour.")
    invert: bool | Literal["auto"] = setting(
        "auto", help="Make dark ink on bright paper bright on dark; auto: if most images have bright edges."
    )
    rotations: bool = setting(
        False, help="90, 180 and 270 degrees as new classes, in the meta-training split only."
    )
    split: ClassSplit = setting(
        ClassSplit(), help="Groups or classes by name, or drawn by seed.", empty="the data's own, if any"
    )

    @model_validator(mode="after")
    def _path_or_dataset(self) -> Self:
        one_of_both(self, needed="a zip, a folder or an .npz file with images")
        return self


class Images(ClassFamily):
    """Tell classes of images apart that were never seen in training."""

    Config = ImagesConfig
    config: ImagesConfig
    title = "Images"
    summary = "Your own images, or Omniglot: a zip or a folder with a folder for each class."

    def __init__(
        self, config: ImagesConfig, progress: Progress | None = None, reading: Reading = NOW
    ) -> None:
        asked = replace(reading, size=config.size, channels=config.channels)
        own = own_data("images", config, asked, progress)
        self.notes = own.notes
        pixels = _scaled(own.arrays["pixels"].view(np.uint8), config, progress or silent)
        self._inverted = bright_edges(pixels) if config.invert == "auto" else config.invert
        if self._inverted:
            np.subtract(255, pixels, out=pixels)
        pool = ClassPool(torch.from_numpy(pixels), own.counts, own.names, own.groups)
        members = divide(own.names, own.groups, own.split)
        super().__init__(config, pool, members, rotations=config.rotations)

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        assert isinstance(config, ImagesConfig)
        return cls(config, progress, reading)

    def of_pixels(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, bool]:
        """As those of the source: inverted if these were."""
        return as_floats(torch.from_numpy(255 - pixels if self._inverted else pixels)), False

    def as_pixels(self, x: Tensor) -> NDArray[np.uint8]:
        pixels = super().as_pixels(x)
        return 255 - pixels if self._inverted else pixels

    def describe(self) -> Mapping[str, object]:
        where = {"path": self.config.path} if self.config.path else {"dataset": self.config.dataset}
        return {**where, "inverted": self._inverted, **super().describe()}


def _scaled(pixels: NDArray[np.uint8], config: ImagesConfig, progress: Progress) -> NDArray[np.uint8]:
    """Images in the size and the channels that are asked for, which an imported set may not have."""
    shape = (config.channels, config.size, config.size)
    if pixels.shape[1:] == shape:
        return pixels
    what = f"{config.dataset}: {len(pixels):,} images of {config.size} × {config.size} × {config.channels}"
    refuse_beyond_memory(what, len(pixels) * math.prod(shape), FEWER)
    scaled = np.empty((len(pixels), *shape), np.uint8)
    for number, image in enumerate(pixels):
        if number % 100 == 0:
            progress(number / len(pixels), f"Scaling image {number + 1} of {len(pixels)}")
        plain = image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
        scaled[number] = as_pixels(open_picture(plain), config.size, config.channels)
    return scaled
