"""Sets whose groups are arcs, segments and blobs, turned, stretched and unequal, which may cross: where the
nearest mean and mixtures of Gaussians fail."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from workbench.config import Split, setting
from workbench.tasks.base import Data
from workbench.tasks.sets import SetConfig, SetFamily, of_each

ARC, SEGMENT, BLOB = range(3)
KINDS = ("arc", "segment", "blob")

CENTRES = 2.5
"""Of groups, at most this far from 0 in each direction."""

SMALLEST, LARGEST = 0.8, 2.4
"""Radius of an arc; a segment is 2.4 times as long, a blob's standard deviation a quarter."""

TURN = 1.2 * math.pi
"""The angle that an arc spans."""


class ShapesConfig(SetConfig):
    has = frozenset({"curved"})

    family: Literal["shapes"] = "shapes"
    groups: int = setting(
        3, ge=2, le=100, symbol="K", help="Groups of a set; the fewest, where sets have different numbers."
    )
    points: int = setting(150, ge=2, le=5000, unit="points", help="Points of a set, in all groups together.")
    noise: float = setting(0.08, ge=0, le=10, symbol="σ", help="Standard deviation of points about a shape.")


class Shapes(SetFamily):
    """Group the points of arcs, segments and blobs."""

    Config = ShapesConfig
    title = "Shapes"
    summary = "Sets of points along arcs, segments and in blobs, to be grouped without labels."
    config: ShapesConfig

    def points(
        self, split: Split, groups: Tensor, points: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Data]:
        sets, most = len(groups), self.config.most

        def drawn() -> Tensor:
            return torch.rand(sets, most, generator=generator)

        kind = torch.randint(len(KINDS), (sets, most), generator=generator)
        centre = CENTRES * (2 * torch.rand(sets, most, 2, generator=generator) - 1)
        angle, size = 2 * math.pi * drawn(), SMALLEST + (LARGEST - SMALLEST) * drawn()
        y = (torch.rand(sets, points, generator=generator) * groups[:, None]).long()
        along = torch.rand(sets, points, generator=generator) - 0.5
        blob = 0.25 * torch.randn(sets, points, 2, generator=generator)
        noise = self.config.noise * torch.randn(sets, points, 2, generator=generator)
        arc = torch.stack([torch.cos(TURN * along), torch.sin(TURN * along)], -1)
        segment = torch.stack([2.4 * along, torch.zeros_like(along)], -1)
        of_kind = of_each(kind, y)[..., None]
        shape = torch.where(of_kind == ARC, arc, torch.where(of_kind == SEGMENT, segment, blob))
        shape = shape * of_each(size, y)[..., None]
        turn = of_each(angle, y)
        cos, sin = turn.cos(), turn.sin()
        turned = torch.stack(
            [cos * shape[..., 0] - sin * shape[..., 1], sin * shape[..., 0] + cos * shape[..., 1]], -1
        )
        task = {"kind": kind, "centre": centre, "angle": angle, "size": size}
        return turned + of_each(centre, y) + noise, y, task
