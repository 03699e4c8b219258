"""What is in a folder or a zip of images, and whether episodes can be drawn from it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.config import TaskConfig

if TYPE_CHECKING:
    from workbench.config import Split

THUMBNAIL = 44
SAMPLES = 9


@dataclass(frozen=True)
class Listing:
    """Classes, their groups and sizes, and a few pictures (width, height, RGB bytes)."""

    path: str
    names: tuple[str, ...]
    groups: tuple[str, ...]
    counts: tuple[int, ...]
    pictures: tuple[tuple[str, int, int, bytes], ...]

    def summary(self) -> str:
        """In words: ``5 groups, 136 classes, 2720 images (20 in each class)``."""
        groups = len(set(self.groups) - {""})
        few, many = min(self.counts), max(self.counts)
        each = f"{few} in each class" if few == many else f"{few} to {many} in a class"
        parts = [f"{groups} group{'s' * (groups != 1)}"] if groups else []
        classes = len(self.names)
        parts += [f"{classes} class{'es' * (classes != 1)}", f"{sum(self.counts)} images ({each})"]
        return ", ".join(parts)

    def units(self, whole_groups: bool) -> dict[str, int]:
        """The groups, or the classes, that a split may name, with the number of classes in each."""
        found: dict[str, int] = {}
        for name, group in zip(self.names, self.groups, strict=True):
            unit = (group or name) if whole_groups else name
            found[unit] = found.get(unit, 0) + 1
        return found


def look_into(path: str, progress: Callable[[float, str], None]) -> Listing:
    """List what is there; runs in the worker thread.

    Raises
    ------
    DataError
        If it is no folder or zip of class folders with images.
    """
    from PIL import Image

    from workbench.tasks.image_files import find_classes, naming, open_source

    progress(0.0, "Looking into the data")
    with open_source(Path(path)) as source:
        classes = find_classes(source)
        pictures = []
        for number in range(min(SAMPLES, len(classes))):
            chosen = classes[number * len(classes) // min(SAMPLES, len(classes))]
            progress(number / SAMPLES, "Reading samples")
            with naming(source.where, chosen.images[0]):
                with Image.open(io.BytesIO(source.read(chosen.images[0]))) as opened:
                    image = opened.convert("RGB")
                image.thumbnail((2 * THUMBNAIL, 2 * THUMBNAIL))
                pictures.append((chosen.name, *image.size, image.tobytes()))
    return Listing(
        path,
        tuple(each.name for each in classes),
        tuple(each.group for each in classes),
        tuple(len(each.images) for each in classes),
        tuple(pictures),
    )


def divided(listing: Listing, config: TaskConfig) -> dict[Split, list[int]]:
    """The classes of each split.

    Raises
    ------
    DataError
        If the split does not fit the classes.
    """
    from workbench.tasks.class_splits import divide

    split: Any = getattr(config, "split")  # noqa: B009 (only image families have one)
    return divide(listing.names, listing.groups, split)


def check_fit(listing: Listing, config: TaskConfig) -> dict[Split, int]:
    """The number of classes in each split, if episodes of that size can be drawn.

    Raises
    ------
    DataError
        If not; the message says what would fit.
    """
    import torch

    from workbench.tasks.classes import ClassFamily, ClassPool

    blank = torch.zeros(1, 1, 1, 1, dtype=torch.uint8).expand(sum(listing.counts), 1, 1, 1)
    members = divided(listing, config)
    pool = ClassPool(blank, listing.counts, listing.names, listing.groups)
    fields: Any = config
    family = ClassFamily(fields, pool, members, rotations=fields.rotations)
    found: dict[Split, int] = dict(family.describe()["classes"])
    return found
