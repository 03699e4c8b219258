"""Families of sets to group that are drawn, not read: a file for each says which sets."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping

import torch
from pydantic import model_validator
from torch import Tensor

from workbench.config import EpisodeSize, Evaluation, Split, Suits, TaskConfig, Training, setting
from workbench.problems.clustering import Clustering
from workbench.settings import misfit
from workbench.tasks.base import Data, DataError, Episode, Progress, TaskFamily, TaskShape
from workbench.tasks.cases import CaseFiles
from workbench.tasks.set_cases import SetTables


class SetConfig(TaskConfig):
    """Sets of points that belong to groups."""

    problem = Clustering
    suits = Suits(
        Training(iterations=1000, meta_batch=16),
        Evaluation(episodes=200, validation_episodes=50, inner_steps=5, every=100),
    )

    groups: int = setting(
        4, ge=2, le=100, symbol="K", help="Groups of a set; the fewest, where sets have different numbers."
    )
    most_groups: int | None = setting(
        None,
        rare=True,
        ge=2,
        le=100,
        help="Most groups of a set: each set has some number from the fewest to this.",
        empty="every set has the same number",
    )
    points: int = setting(200, ge=2, le=5000, unit="points", help="Points of a set, in all groups together.")
    told: bool = setting(True, help="Tell learners how many groups a set has; else they estimate it.")

    @model_validator(mode="after")
    def _room_for_all_groups(self) -> SetConfig:
        if self.most_groups is not None and self.most_groups < self.groups:
            raise misfit(("most_groups",), f"{self.most_groups} is fewer than groups = {self.groups}")
        if self.points < self.most:
            raise misfit(("points",), f"{self.points} are too few for {self.most} groups; use more")
        return self

    @property
    def most(self) -> int:
        """The most groups of a set."""
        return self.most_groups or self.groups

    @property
    def episode_size(self) -> EpisodeSize:
        return EpisodeSize(1, self.points, self.points)


class SetFamily(TaskFamily):
    """Every task is a set of points to group; the query set is the support set with labels.

    All sets of an experiment have the same number of points (a learner may train on other sizes). The three
    splits are independent draws from the same distribution, which is continuous, so no set returns.
    """

    config: SetConfig

    @property
    def dimensions(self) -> int:
        """Numbers of a point."""
        return 2

    def __init__(self, config: SetConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.shape = TaskShape(Clustering(config.most), (self.dimensions,), config.most)

    @abstractmethod
    def points(
        self, split: Split, groups: Tensor, points: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Data]:
        """Points of T sets.

        Parameters
        ----------
        groups : how many groups each set has, int64 ``[T]``.
        points : n.

        Returns
        -------
        x : ``[T, n, d]``.
        y : the group of each, int64 ``[T, n]``.
        task : what the groups are like, ``[T, …]`` by name.
        """

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        size = size or self.size
        self.check(size, split)
        groups = self.numbers_of_groups(count, generator)
        x, y, task = self.points(split, groups, size.shots, generator)
        told = {"groups": groups[:, None].expand(-1, size.shots)} if self.config.told else {}
        return Episode({"x": x} | told, {"x": x, "y": y} | told, task).to(self.device)

    def numbers_of_groups(self, count: int, generator: torch.Generator) -> Tensor:
        """How many groups each of T sets has."""
        return torch.randint(self.config.groups, self.config.most + 1, (count,), generator=generator)

    def check(self, size: EpisodeSize, split: Split) -> None:
        if size.queries != self.config.points:
            raise DataError(
                f"{size.queries} queries, but the queries of a set are its own points; leave "
                "evaluation.queries and train_queries out"
            )
        if size.shots < self.config.most:
            raise DataError(f"{size.shots} points are too few for {self.config.most} groups; use more")

    def case_files(self) -> CaseFiles:
        config = self.config
        return SetTables(self, config.points, config.groups, config.most, told=config.told)

    def data_hash(self) -> str:
        values = " ".join(f"{name}={value}" for name, value in sorted(self._drawn_from.items()))
        return hashlib.sha256(f"{self.config.name} {values}".encode()).hexdigest()

    def describe(self) -> Mapping[str, object]:
        told = "told" if self.config.told else "not told"
        return self._drawn_from | {
            "points": self.config.points,
            "number_of_groups": told,
            "splits": "independent draws of one continuous distribution",
        }

    @property
    def _drawn_from(self) -> dict[str, object]:
        """The fields of the configuration that say which sets there are."""
        episodes = ("points", "told", self.config.selector)
        own = [name for name in type(self.config).model_fields if name not in episodes]
        return {name: getattr(self.config, name) for name in own}


def of_each(values: Tensor, y: Tensor) -> Tensor:
    """What the groups of T sets are like, ``[T, K, …]``, at each point of group ``y`` ``[T, n]``."""
    return values[torch.arange(len(y))[:, None], y]
