"""Pictures of another family in the size and the channels that learners know."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.config import EpisodeSize, Split
from workbench.tasks.base import DataError, Episode, Excerpt, TaskFamily

BRIGHTNESS = (0.299, 0.587, 0.114)
"""Parts of red, green and blue (ITU-R BT.601, as Pillow has them)."""


class Fitted(TaskFamily):
    """Pictures of another family, in the size and the channels of the home domain's.

    Parameters
    ----------
    family : draws them.
    shape : channels, height and width that they are to have.
    fit : ``resize`` (bilinear, antialiased), or ``pad`` with black around the middle.

    Attributes
    ----------
    done : what is done to them, in words.

    Raises
    ------
    DataError
        If they are too large to be padded.
    """

    def __init__(self, family: TaskFamily, shape: tuple[int, ...], fit: Literal["resize", "pad"]) -> None:
        super().__init__(family.config)
        self.family, self._fit = family, fit
        self.shape = replace(family.shape, input_shape=shape)
        self.reading, self.notes, self.versions = family.reading, family.notes, family.versions
        (channels, *size), (wanted, *sides) = family.shape.input_shape, shape
        larger = any(own > side for own, side in zip(size, sides, strict=True))
        if fit == "pad" and larger:
            was, to = (" × ".join(map(str, each)) for each in (size, sides))
            raise DataError(f'pictures of {was} pixels cannot be padded to {to}; use fit = "resize"')
        how = {"resize": "resized", "pad": "padded with black"}[fit]
        self.done = [f"{how} from {size[0]} × {size[1]} to {sides[0]} × {sides[1]} pixels"] * (size != sides)
        if channels != wanted:
            self.done.append("colours as brightness" if wanted == 1 else "grey in three equal channels")

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        drawn = self.family.sample(split, count, generator, size, segment)
        support, query = ({**part, "x": self.fitted(part["x"])} for part in (drawn.support, drawn.query))
        return drawn._replace(support=support, query=query)

    def fitted(self, x: Tensor) -> Tensor:
        """Pictures ``[…, channels, height, width]`` as they are to be."""
        flat, (wanted, height, width) = x.flatten(0, -4), self.shape.input_shape
        if flat.shape[1] > wanted:
            flat = torch.einsum("nchw,c->nhw", flat, flat.new_tensor(BRIGHTNESS))[:, None]
        if self._fit == "pad":
            across, down = width - flat.shape[-1], height - flat.shape[-2]
            flat = F.pad(flat, (across // 2, across - across // 2, down // 2, down - down // 2))
        elif flat.shape[-2:] != (height, width):
            flat = F.interpolate(flat, (height, width), mode="bilinear", antialias=True).clamp_(0, 1)
        return flat.expand(-1, wanted, -1, -1).reshape(*x.shape[:-3], wanted, height, width)

    def excerpt(
        self,
        split: Split,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        *,
        count: int = 1,
        index: int = 0,
    ) -> Excerpt | None:
        return self.family.excerpt(split, generator, size, count=count, index=index)

    def data_hash(self) -> str:
        rule = f"{self.family.data_hash()} {self._fit} {list(self.shape.input_shape)}"
        return hashlib.sha256(rule.encode()).hexdigest()

    def describe(self) -> Mapping[str, object]:
        return {**self.family.describe(), "fitted": ", ".join(self.done)}

    def check(self, size: EpisodeSize, split: Split) -> None:
        self.family.check(size, split)

    def to(self, device: torch.device) -> Fitted:
        super().to(device)
        self.family = self.family.to(device)
        return self
