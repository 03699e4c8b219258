"""A person's own images, or a published set such as Omniglot, from a zip or a folder.

Omniglot: Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science 2015. Its alphabets are groups, its characters classes; reduced to 28 × 28 pixels,
with turned characters as new classes of meta-training, it is the usual few-shot benchmark (Vinyals,
Blundell, Lillicrap, Kavukcuoglu, Wierstra, NeurIPS 2016).
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from workbench.config import ClassificationTaskConfig
from workbench.sections import setting
from workbench.tasks.array_cache import load_arrays, store_arrays
from workbench.tasks.base import Progress
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool
from workbench.tasks.image_files import ImageClass, ImageSource, find_classes, naming, open_source

READING = 1
"""Raised by whoever changes how images are read, so that caches of the older ones are not used."""

_SLOW = 2.0
_BRIGHT = 0.7


class ImagesConfig(ClassificationTaskConfig):
    family: Literal["images"] = "images"
    path: str = setting(min_length=1, help="Zip or folder: class folders, or groups of class folders.")
    size: int = setting(28, ge=4, le=512, unit="pixels", help="Images are scaled to size × size.")
    channels: Literal[1, 3] = setting(1, help="1: grey, 3: colour.")
    invert: bool | Literal["auto"] = setting(
        "auto", help="Make dark ink on bright paper bright on dark; auto: if most images have bright edges."
    )
    rotations: bool = setting(
        False, help="90, 180 and 270 degrees as new classes, in the meta-training split only."
    )
    split: ClassSplit = setting(ClassSplit(), help="Groups or classes by name, or drawn by seed.")


class Images(ClassFamily):
    """Tell classes of images apart that were never seen in training."""

    Config = ImagesConfig
    title = "Images"
    summary = "Your own images, or Omniglot: a zip or a folder with a folder for each class."

    def __init__(self, config: ImagesConfig, progress: Progress | None = None) -> None:
        with open_source(Path(config.path)) as source:
            classes = find_classes(source)
            names, groups = tuple(each.name for each in classes), tuple(each.group for each in classes)
            members = divide(names, groups, config.split)  # before the reading, which may take long
            pixels = _read(source, classes, config, progress or (lambda done, text: None))
        self._inverted = _bright_edges(pixels) if config.invert == "auto" else config.invert
        if self._inverted:
            np.subtract(255, pixels, out=pixels)
        pool = ClassPool(torch.from_numpy(pixels), tuple(len(each.images) for each in classes), names, groups)
        super().__init__(config, pool, members, rotations=config.rotations)

    def describe(self) -> Mapping[str, Any]:
        return {"path": self.config.path, "inverted": self._inverted, **super().describe()}


def _read(
    source: ImageSource, classes: Sequence[ImageClass], config: ImagesConfig, progress: Progress
) -> NDArray[np.uint8]:
    """All images ``[N, channels, size, size]``; a set that is slow to read is kept in the cache."""
    paths = [path for each in classes for path in each.images]
    shape = (config.channels, config.size, config.size)
    key = json.dumps([READING, PIL.__version__, source.hash(), shape])
    kept = load_arrays("images", key).get("pixels")
    if kept is not None and kept.dtype == np.uint8 and kept.shape == (len(paths), *shape):
        return kept
    pixels = np.empty((len(paths), *shape), np.uint8)
    began = time.monotonic()
    for number, path in enumerate(paths):
        if number % 100 == 0:
            progress(number / len(paths), f"Reading image {number + 1} of {len(paths)}")
        with naming(source.where, path):
            pixels[number] = _decode(source.read(path), config.size, config.channels)
    progress(1.0, f"Read {len(paths)} images")
    if time.monotonic() - began > _SLOW:
        store_arrays("images", key, {"pixels": pixels})
    return pixels


def _decode(content: bytes, size: int, channels: int) -> NDArray[np.uint8]:
    """An image ``[channels, size, size]``, scaled whatever its proportions; transparency becomes white."""
    with Image.open(io.BytesIO(content)) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I;16"):  # would be clipped at 255, not scaled
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    scaled = np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))
    return scaled.reshape(size, size, channels).transpose(2, 0, 1)


def _bright_edges(pixels: NDArray[np.uint8]) -> bool:
    edges = (pixels[..., 0, :], pixels[..., -1, :], pixels[..., :, 0], pixels[..., :, -1])
    brightness = sum(edge.mean((1, 2)) for edge in edges) / (len(edges) * 255)
    return bool(np.median(brightness) > _BRIGHT)
