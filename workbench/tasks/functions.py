"""Regress a person's own functions: each task is one of them, known at some points."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import model_validator
from scipy.spatial import KDTree

from workbench.config import SPLITS, Examples, Split, TaskConfig
from workbench.data.progress import Progress
from workbench.data.reading import NOW, Reading
from workbench.errors import DataError
from workbench.problems.regression import Regression
from workbench.settings import Name, setting
from workbench.tasks.base import Episode, EpisodeSize, TaskFamily, TaskShape
from workbench.tasks.cases import CaseFiles, NumberTables
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.own_data import one_of_both, own_data
from workbench.tasks.standard import Floats, Standard, Standards
from workbench.words import shown

_NEIGHBOURS = 32
_LOOKED_AT = 2000
_LOST = 1e-3
"""Part of a column's spread that may be lost to 32 bits."""


class FunctionsConfig(Examples):
    problem = Regression

    family: Literal["functions"] = "functions"
    path: str | None = setting(None, path=True, help="An .npz file with the arrays x, y and task.")
    dataset: Name | None = setting(None, help="Instead of a path: the name of an imported set of functions.")
    standardise: bool = setting(
        True,
        help="Shift and scale x and y to mean 0 and variance 1 over the meta-training tasks; so are losses.",
    )
    split: ClassSplit = setting(ClassSplit(), help="Tasks by their number, or drawn by seed.")

    @model_validator(mode="after")
    def _path_or_dataset(self) -> Self:
        one_of_both(self, needed="an .npz file with x, y and task")
        return self


class Functions(TaskFamily):
    """Regress functions of a file that were never seen in training.

    Values are held in 64 bits. By default x and y are standardised by the meta-training tasks before they
    become the 32-bit numbers that networks see, so that neither offset nor scale costs digits or learning.
    Losses are those of the standardised y: 1 is what saying its mean costs, and runs on data in other units
    compare. Predictions are shown in the data's own units; times the square of y's spread, which
    :meth:`describe` tells, a loss is too.

    Parameters
    ----------
    standards : what x and y are standardised by; None: those of the meta-training tasks.
    """

    Config = FunctionsConfig
    config: FunctionsConfig
    title = "Functions"
    summary = "Your own functions to regress: an .npz file with x, y and the task that each row belongs to."

    def __init__(
        self,
        config: FunctionsConfig,
        progress: Progress | None = None,
        reading: Reading = NOW,
        standards: Standards | None = None,
    ) -> None:
        super().__init__(config, progress)
        own = own_data("functions", config, reading, progress)
        names, counts, self.notes = own.names, own.counts, own.notes
        members = divide(names, own.groups, own.split)
        self._names = names
        self._members = {part: torch.tensor(members[part]) for part in SPLITS}
        self._counts = torch.tensor(counts)
        self._first = self._counts.cumsum(0) - self._counts
        training = np.isin(np.repeat(np.arange(len(names)), counts), members["train"])
        x, y = own.arrays["x"], own.arrays["y"]
        if reading.rules == 1:  # 32 bits first
            x, y = (each.astype(np.float32) for each in (x, y))
            old = standards or _standards_by_rule_1(x, y, training) if config.standardise else None
            self._in_files = old
            if old is not None:
                x, y = old.x.applied(x.astype(np.float64)), old.y.applied(y.astype(np.float64))
                x, y = (each.astype(np.float32) for each in (x, y))
        else:
            x, y = (each.astype(np.float64) for each in (x, y))
            known = standards or Standards(Standard.of(x[training]), Standard.of(y[training]))
            self.standards = self._in_files = known if config.standardise else None
            x, y = self._in_32_bits("x", x, known.x), self._in_32_bits("y", y, known.y)
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y)
        self.shape = TaskShape(config.problem(), (x.shape[1],), y.shape[1])
        fewest = int(min(self._counts[self._members[part]].min() for part in SPLITS))
        self.most_queries = max(1, fewest - config.shots)
        self.reference_loss = _local_variance(x[training], y[training])
        for part in SPLITS:
            self.check(self.size, part)

    def _in_32_bits(self, name: str, values: Floats, own: Standard) -> NDArray[np.float32]:
        """What networks see: standardised values, or the given ones if these survive in 32 bits."""
        with np.errstate(over="ignore"):
            known = own.applied(values) if self.standards else values
            short: NDArray[np.float32] = known.astype(np.float32)
        row = int(np.abs(known).max(1).argmax())
        of_task = self._names[int(np.searchsorted(self._first.numpy(), row, "right")) - 1]
        if not np.isfinite(short).all():
            away = "far from those of the training tasks, and too large" if self.standards else "too large"
            raise DataError(f"{name} of task {shown(of_task)} has values {away} for 32 bits: {values[row]}")
        if self.standards is None and (np.abs(short - known).max(0) > _LOST * own.spread).any():
            raise DataError(
                f"{name} differs by {own.spread.min():.3g} about {own.mean[own.spread.argmin()]:.6g}, which "
                "32 bits cannot tell apart; set task.standardise to true"
            )
        return short

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
        members = self._members[split]
        drawn = members[torch.randint(len(members), (count,), generator=generator)]
        held = self._counts[drawn][:, None]
        keys = torch.rand(count, int(held.max()), generator=generator)
        keys.masked_fill_(torch.arange(keys.shape[1]) >= held, -1.0)
        rows = (self._first[drawn][:, None] + keys.topk(size.shots + size.queries).indices).to(self.device)
        x, y = self._x[rows], self._y[rows]
        shots = size.shots
        return Episode.pairs(x[:, :shots], y[:, :shots], x[:, shots:], y[:, shots:])

    def check(self, size: EpisodeSize, split: Split) -> None:
        members = self._members[split]
        scarcest = int(members[self._counts[members].argmin()])
        held, needed = int(self._counts[scarcest]), size.shots + size.queries
        if held < needed:
            raise DataError(
                f"task {self._names[scarcest]!r} of the {split} split has {held} points, but {size.shots} "
                f"shots + {size.queries} queries need {needed}; use fewer, or leave the task out"
            )

    def names_in(self, split: Split) -> list[str]:
        return [self._names[at] for at in self._members[split].tolist()]

    def data_hash(self) -> str:
        digest = hashlib.sha256(b"functions")
        for part in SPLITS:
            digest.update(f"{part} {self._members[part].tolist()}\n".encode())
        for tensor in (self._counts, self._x, self._y):
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        assert isinstance(config, FunctionsConfig)
        return cls(config, progress, reading)

    def beside(self, config: TaskConfig, progress: Progress | None) -> Functions:
        """Other functions, whose numbers are shifted and scaled as its own are."""
        assert isinstance(config, FunctionsConfig)
        if config.standardise != self.config.standardise:
            raise DataError("task.standardise: is as in [task]; leave it out")
        family = Functions(config, progress, Reading(rules=self.reading), self._in_files)
        family.reading = self.reading
        return family

    def case_files(self) -> CaseFiles:
        return NumberTables(self, self._in_files)

    def describe(self) -> Mapping[str, object]:
        where = {"path": self.config.path} if self.config.path else {"dataset": self.config.dataset}
        return {
            **where,
            "tasks": {part: len(self._members[part]) for part in SPLITS},
            "points": {part: int(self._counts[self._members[part]].sum()) for part in SPLITS},
            "inputs": self.shape.input_shape[0],
            "outputs": self.shape.outputs,
            **(self._told(self.standards) if self.standards else {}),
        }

    def _told(self, own: Standards) -> dict[str, str]:
        means = {"x": own.x, "y": own.y}
        of = {
            f"{name}_standardised_by": ", ".join(
                f"{mean:.6g} ± {spread:.4g}" for mean, spread in zip(each.mean, each.spread, strict=True)
            )
            for name, each in means.items()
        }
        return {**of, "loss": "squared error of the standardised y"}

    def to(self, device: torch.device) -> Functions:
        super().to(device)
        self._x, self._y = self._x.to(device), self._y.to(device)
        return self


def _standards_by_rule_1(
    x: NDArray[np.float32], y: NDArray[np.float32], training: NDArray[np.bool_]
) -> Standards:
    """What the values stood for when they became 32-bit numbers before they were standardised."""
    own = []
    for values in (x, y):
        known = values[training].astype(np.float64)
        scale = known.std(0)
        own.append(Standard(known.mean(0), np.where(scale > 0, scale, 1.0)))
    return Standards(*own)


def _local_variance(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    """Variance of y among points of about the same x, over all tasks: what is left when E[y | x] is said."""
    step = max(1, len(x) // _LOOKED_AT)
    near = KDTree(x).query(x[::step], k=min(_NEIGHBOURS, len(x)))[1].reshape(len(x[::step]), -1)
    return float(y[near].astype(np.float64).var(1).mean())
