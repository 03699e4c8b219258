"""Families of functions of one number that are drawn, not read: a file for each says which functions."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from workbench.config import Drifts, Examples, Split
from workbench.problems.regression import Regression
from workbench.tasks.base import Episode, EpisodeSize, Progress, TaskFamily, TaskShape
from workbench.tasks.cases import CaseFiles, NumberTables


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] >= value[1]:
        raise ValueError(f"{list(value)} is not a range; allowed: [smallest, largest]")
    return value


Range = Annotated[tuple[float, float], Field(strict=False), AfterValidator(_ordered)]


class CurveConfig(Examples):
    """What the functions are drawn from; every field of its own is a part of the data."""

    problem = Regression


class CurveFamily(TaskFamily):
    """Every task is a function of one number, known at a few points.

    The three splits are independent draws from the same distribution: its parameters are continuous, so no
    task returns.
    """

    config: CurveConfig

    def __init__(self, config: CurveConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.shape = TaskShape(config.problem(), (1,), 1)

    @abstractmethod
    def points(
        self, count: int, each: int, generator: torch.Generator, segment: int | None
    ) -> tuple[Tensor, Tensor]:
        """x and y of so many points of each of ``count`` functions, ``[count, each, 1]``, on the CPU.

        Parameters
        ----------
        segment : of the drifting stream; None draws from all of it.
        """

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        _, shots, queries = size or self.size
        x, y = self.points(count, shots + queries, generator, segment)
        return Episode.pairs(x[:, :shots], y[:, :shots], x[:, shots:], y[:, shots:]).to(self.device)

    def case_files(self) -> CaseFiles:
        return NumberTables(self)

    def data_hash(self) -> str:
        return hash_of(self.config)

    def describe(self) -> Mapping[str, object]:
        return told_of(self.config)


def hash_of(config: CurveConfig, without: frozenset[str] = frozenset()) -> str:
    """SHA-256 of what says which functions there are, but for some fields."""
    values = " ".join(str(value) for name, value in _parameters(config).items() if name not in without)
    return hashlib.sha256(f"{config.name} {values}".encode()).hexdigest()


def told_of(config: CurveConfig) -> dict[str, object]:
    """The same for people (JSON types)."""
    told = {name: list(v) if isinstance(v, tuple) else v for name, v in _parameters(config).items()}
    return told | {"splits": "independent draws of one continuous distribution"}


def _parameters(config: CurveConfig) -> dict[str, object]:
    """The fields of the configuration that say which functions there are."""
    common = {*Examples.model_fields, *Drifts.model_fields}
    own = [name for name in type(config).model_fields if name not in common]
    return {name: getattr(config, name) for name in own if name != config.selector}


def uniform(bounds: tuple[float, float], shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Numbers between two bounds."""
    low, high = bounds
    return low + (high - low) * torch.rand(shape, generator=generator)
