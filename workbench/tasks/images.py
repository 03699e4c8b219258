"""A person's own images, or a published set such as Omniglot, from a zip or a folder.

Omniglot: Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science 2015. Its alphabets are groups, its characters classes; reduced to 28 × 28 pixels,
with turned characters as new classes of meta-training, it is the usual few-shot benchmark (Vinyals,
Blundell, Lillicrap, Kavukcuoglu, Wierstra, NeurIPS 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import model_validator

from workbench.config import ClassificationTaskConfig
from workbench.data import registry
from workbench.data.found import FoundImages, notes_of_a_path, some
from workbench.data.look import look
from workbench.data.pictures import decode
from workbench.data.prepared import Prepared, prepare
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading, refuse_beyond_memory
from workbench.errors import DataError
from workbench.settings import Name, setting
from workbench.tasks.base import TaskFamily
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool
from workbench.tasks.own_data import of_the_set, of_the_source, one_of_both

_BRIGHT = 0.7


class ImagesConfig(ClassificationTaskConfig):
    has = frozenset({"bounds"})
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
        one_of_both(self.path, self.dataset, needed="a zip, a folder or an .npz file with images")
        return self


class Images(ClassFamily):
    """Tell classes of images apart that were never seen in training."""

    Config = ImagesConfig
    title = "Images"
    summary = "Your own images, or Omniglot: a zip or a folder with a folder for each class."

    def __init__(
        self, config: ImagesConfig, progress: Progress | None = None, reading: Reading = NOW
    ) -> None:
        progress = progress or silent
        if config.dataset is not None:
            held = registry.load(config.dataset, "images")
            names, groups, counts = held.manifest.names, held.manifest.groups, held.manifest.counts
            split = of_the_set(config.split, held.manifest)
            pixels = _scaled(held.arrays["pixels"], config, progress)
        else:
            read, split = _of_path(config, progress, reading)
            names, groups, counts = read.names, read.groups, read.counts
            pixels = read.arrays["pixels"]
            self.notes = notes_of_a_path(read.findings, reading.rules)
        self._inverted = _bright_edges(pixels) if config.invert == "auto" else config.invert
        if self._inverted:
            np.subtract(255, pixels, out=pixels)
        pool = ClassPool(torch.from_numpy(pixels), counts, names, groups)
        super().__init__(config, pool, divide(names, groups, split), rotations=config.rotations)

    @classmethod
    def _read(cls, config: ImagesConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        return cls(config, progress, reading)

    def describe(self) -> Mapping[str, Any]:
        where = {"path": self.config.path} if self.config.path else {"dataset": self.config.dataset}
        return {**where, "inverted": self._inverted, **super().describe()}


def _of_path(config: ImagesConfig, progress: Progress, reading: Reading) -> tuple[Prepared, ClassSplit]:
    """The images of a file or a folder as an import would read them, all of them, and their split."""
    found = look(Path(config.path or ""), reading)
    if not isinstance(found, FoundImages):
        raise DataError(f"{config.path}: holds {found.kind}, no images; choose that task family")
    split = of_the_source(config.split, found)
    divide(found.names, found.groups, split)  # before the reading, which may take long
    if found.unreadable:
        first = some([f"{each.origin} ({each.why})" for each in found.unreadable])
        raise DataError(f"{found.where}: cannot be read: {first}; mend it, or import the data without that")
    _refuse_too_many(len(found.labels), config)
    asked = replace(reading, size=config.size, channels=config.channels)
    read = prepare(found, asked, progress=progress)
    if read.unreadable:
        wrong = read.unreadable[0]
        raise DataError(
            f"{found.where}: the image {wrong.origin} cannot be read ({wrong.why}); replace or remove it, "
            "or import the data"
        )
    return read, split


def _scaled(pixels: NDArray[np.uint8], config: ImagesConfig, progress: Progress) -> NDArray[np.uint8]:
    """The images of a registered set in the size and the channels that are asked for."""
    shape = (config.channels, config.size, config.size)
    if pixels.shape[1:] == shape:
        return pixels if isinstance(pixels, np.memmap) else pixels.copy()
    _refuse_too_many(len(pixels), config)
    scaled = np.empty((len(pixels), *shape), np.uint8)
    for number, image in enumerate(pixels):
        if number % 100 == 0:
            progress(number / len(pixels), f"Scaling image {number + 1} of {len(pixels)}")
        plain = image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
        scaled[number] = decode(plain, config.size, config.channels)
    return scaled


def _refuse_too_many(count: int, config: ImagesConfig) -> None:
    size, channels = config.size, config.channels
    what = f"{config.path or config.dataset}: {count:,} images of {size} × {size} × {channels}"
    mend = "lower task.size or task.channels, or use fewer images"
    refuse_beyond_memory(what, count * channels * size * size, mend)


def _bright_edges(pixels: NDArray[np.uint8]) -> bool:
    edges = (pixels[..., 0, :], pixels[..., -1, :], pixels[..., :, 0], pixels[..., :, -1])
    brightness = sum(edge.mean((1, 2)) for edge in edges) / (len(edges) * 255)
    return bool(np.median(brightness) > _BRIGHT)
