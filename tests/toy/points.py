"""A task family: points on [0, 1] around a centre that is the task's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import torch

from tests.toy.density import Density
from workbench.config import Examples, Split, setting
from workbench.tasks.base import Episode, EpisodeSize, Progress, TaskFamily, TaskShape


class PointsConfig(Examples):
    problem = Density

    family: Literal["points"] = "points"
    width: float = setting(0.1, gt=0, le=1, help="Width of the range that a task's points lie in.")


class Points(TaskFamily):
    """Tell where the points of a task lie."""

    Config = PointsConfig
    title = "Points"
    summary = "Points on a line, uniform about a centre that is to be found."
    config: PointsConfig

    def __init__(self, config: PointsConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.shape = TaskShape(config.problem(), (1,), 1)

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        _, shots, queries = size or self.size
        width = self.config.width
        start = (1 - width) * torch.rand(count, 1, 1, generator=generator)
        x = start + width * torch.rand(count, shots + queries, 1, generator=generator)
        times = torch.randint(1, 4, (count, queries), generator=generator).float()
        query = {"x": x[:, shots:], "times": times}
        return Episode({"x": x[:, :shots]}, query, task={"start": start[:, 0]}).to(self.device)

    def data_hash(self) -> str:
        return hashlib.sha256(f"points {self.config.width}".encode()).hexdigest()

    def describe(self) -> Mapping[str, Any]:
        return {"width": self.config.width}
