"""A new case: a task that somebody brings along as files, for a learner that was trained on others like it.

A family says with :class:`CaseFiles` how the files of a case look. It reads them into the numbers that its
own tasks have, tells in what the case lies outside of what was trained on, and writes a task of its own as
such files.
"""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.data.new_numbers import Numbers, column_names, read_numbers
from workbench.data.progress import Progress, silent
from workbench.errors import DataError
from workbench.problems.courses import WEIGHT
from workbench.tasks.base import Data, Episode, EpisodeSize, Excerpt, TaskFamily, TaskShape
from workbench.tasks.standard import Floats, Standards

LOOKED_AT = 200
"""Training tasks by which it is judged what was trained on."""

_SLACK = 0.02
"""Part of a range that a number may lie beyond it: the range is that of drawn numbers."""


@dataclass(frozen=True)
class Case:
    """A task out of files.

    Attributes
    ----------
    episode : one task (``T`` is 1); without ``y`` among its queries where that is not known.
    shape : what it looks like, where it differs from the family's.
    size : of those tasks of the family that are most like it.
    names : what each query is called.
    columns : what the numbers of ``x`` and ``y`` are called, in the files.
    excerpt : the task in words, where it has classes.
    notes : what reading did, and in what the case is unlike those that were trained on; a line each.
    standards : what standardised inputs and values stand for.
    along : the queries of the episode and more, of weight 0, for a curve to be drawn; None: no more.
    """

    episode: Episode
    shape: TaskShape
    size: EpisodeSize
    names: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    excerpt: Excerpt | None = None
    notes: tuple[str, ...] = ()
    standards: Standards | None = None
    along: Data | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """How many support and query examples it has that count."""
        support, query = (
            int((part[WEIGHT] > 0).sum()) if WEIGHT in part else next(iter(part.values())).shape[1]
            for part in (self.episode.support, self.episode.query)
        )
        return support, query


class CaseFiles(ABC):
    """How the files of a case look.

    Attributes
    ----------
    support, query : what each of the two is, for people; query is empty where all there is to ask about is
        the support set.
    columns : of a small table that can be typed in: those of a query, and those that a support set has
        beside; empty where there are only files.
    needs_query : whether there must be queries, where a case has some.
    """

    support: str
    query: str
    needs_query: bool = True
    columns: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def read(self, support: Path, query: Path | None, progress: Progress = silent) -> Case:
        """A case.

        Parameters
        ----------
        query : None where there is nothing to ask about but the support set.

        Raises
        ------
        DataError
            If a file is of another shape, in one line that says where; or if one is missing.
        """
        if query is None and self.query and self.needs_query:
            raise DataError(f"--query: is missing; give what is to be predicted: {self.query}")
        if query is not None and not self.query:
            raise DataError(
                f"--query: {query}: has no meaning here, since the support set is grouped; leave it out"
            )
        return self._read(support, query or support, progress)

    @abstractmethod
    def _read(self, support: Path, query: Path, progress: Progress) -> Case:
        """The same of files that are named."""

    @abstractmethod
    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        """One task (``T`` is 1) as the files of a case: their content by their path; what belongs to the
        support set begins with ``support``, the rest with ``query``."""


class Range(NamedTuple):
    """The smallest and the largest number of each column."""

    low: Floats
    high: Floats


class NumberTables(CaseFiles):
    """Points of one function: tables with a column for each number of x and of y.

    Parameters
    ----------
    family : whose inputs are lists of numbers, and whose tasks have values.
    standards : what its numbers stand for; None: themselves.
    """

    def __init__(self, family: TaskFamily, standards: Standards | None = None) -> None:
        self._family, self._standards = family, standards
        self._inputs, self._outputs = family.shape.input_shape[0], family.shape.outputs
        self.columns = column_names("x", self._inputs), column_names("y", self._outputs)
        x, y = (", ".join(names) for names in self.columns)
        self.support = f"a table (.csv, .tsv) with the columns {x}, {y}, or an .npz file with x and y"
        self.query = f"the same; {y} may be missing"

    def _read(self, support: Path, query: Path, progress: Progress) -> Case:
        known, asked = (
            read_numbers(path, self._inputs, self._outputs, with_y=with_y)
            for path, with_y in ((support, True), (query, False))
        )
        assert known.y is not None
        x, y = self._range()
        notes = [each.text for each in (*known.findings, *asked.findings)]
        notes += [
            note
            for path, numbers in ((support, known), (query, asked))
            for note in beyond(numbers.x, x, numbers.columns[0], numbers.places, str(path))
        ]
        notes += beyond(known.y, y, known.columns[1], known.places, str(support))
        notes += of_shots(len(known.x), self._family)
        query_data = {"x": self._short("x", asked, query)}
        if asked.y is not None:
            query_data["y"] = self._short("y", asked, query)
        support_data = {"x": self._short("x", known, support), "y": self._short("y", known, support)}
        return Case(
            Episode(support_data, query_data),
            self._family.shape,
            self._family.size._replace(shots=len(known.x)),
            tuple(asked.places),
            {"x": known.columns[0], "y": known.columns[1]},
            notes=tuple(notes),
            standards=self._standards,
        )

    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        return {
            f"{name}.csv": self._table(data)
            for name, data in (("support", episode.support), ("query", episode.query))
        }

    def _table(self, data: Data) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*self.columns[0], *self.columns[1]])
        values = np.concatenate([self._own("x", data["x"][0]), self._own("y", data["y"][0])], 1)
        writer.writerows([[repr(value) for value in row] for row in values.tolist()])
        return text.getvalue().encode()

    def _short(self, name: str, numbers: Numbers, path: Path) -> Tensor:
        """x or y as networks see it, ``[1, n, numbers]``."""
        values = numbers.x if name == "x" else numbers.y
        assert values is not None
        if self._standards is not None:
            values = getattr(self._standards, name).applied(values)
        with np.errstate(over="ignore"):
            short = torch.from_numpy(values.astype(np.float32))
        bad = (~short.isfinite()).nonzero().tolist()
        if bad:
            row, column = bad[0]
            where = f"{path}, {numbers.places[row]}, column {numbers.columns[name == 'y'][column]}"
            raise DataError(f"{where}: too far from what was trained on for 32 bits")
        return short[None].to(self._family.device)

    def _own(self, name: str, values: Tensor) -> Floats:
        """x or y in the units of the data."""
        plain = values.detach().cpu().numpy()
        if self._standards is None:
            return plain.astype(np.float64)
        undone: Floats = getattr(self._standards, name).undone(plain)
        return undone

    def _range(self) -> tuple[Range, Range]:
        """The numbers of x and of y in training tasks, in the units of the data."""
        drawn = training_tasks(self._family)
        found = []
        for name in ("x", "y"):
            values = torch.cat([each.flatten(0, 1) for each in (drawn.support[name], drawn.query[name])])
            own = self._own(name, values)
            found.append(Range(own.min(0), own.max(0)))
        return found[0], found[1]


def training_tasks(family: TaskFamily, count: int = LOOKED_AT) -> Episode:
    """Some of the tasks that a learner was trained on, or might have been."""
    return family.sample("train", count, torch.Generator().manual_seed(0))


def beyond(
    values: Floats, known: Range, columns: Sequence[str], places: Sequence[str], where: str
) -> list[str]:
    """Which columns have numbers beyond those of training; a line each."""
    slack = _SLACK * (known.high - known.low)
    outside = (values < known.low - slack) | (values > known.high + slack)
    notes = []
    for column in np.flatnonzero(outside.any(0)).tolist():
        rows = np.flatnonzero(outside[:, column]).tolist()
        low, high = known.low[column], known.high[column]
        notes.append(
            f"{where}: {columns[column]} lies outside of what was trained on ({low:.4g} to {high:.4g}) in "
            f"{len(rows)} of {len(values)} rows; the first: {places[rows[0]]}, {values[rows[0], column]:.6g}"
        )
    return notes


def of_shots(shots: int, family: TaskFamily, of: str = "") -> list[str]:
    """That a case has more or fewer support examples than the tasks of an experiment."""
    usual = family.size.shots
    if shots == usual:
        return []
    return [f"{shots} support example{'s' * (shots != 1)}{of}; the tasks of this run have {usual}"]
