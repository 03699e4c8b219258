"""New cases of sets to group: a table with a row for each point."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from workbench.data.new_numbers import Numbers, column_names, read_numbers
from workbench.data.progress import Progress
from workbench.tasks.base import Data, DataError, Episode, EpisodeSize, Excerpt, TaskFamily
from workbench.tasks.cases import Case, CaseFiles, Range, beyond, training_tasks
from workbench.words import shown

TRUE, COUNT = "group", "groups"
"""Columns beside the points: the true group of each, and how many groups there are, the same in every row."""


class SetTables(CaseFiles):
    """The points of one set. Where the table says their true groups, the result is measured; no learner reads
    them.

    Parameters
    ----------
    family : of sets of points.
    points : of its own sets, how many.
    fewest, most : groups of its own sets.
    told : whether learners are told how many groups a set has.
    """

    def __init__(self, family: TaskFamily, points: int, fewest: int, most: int, *, told: bool) -> None:
        self._family, self._usual = family, points
        self._fewest, self._most, self._told = fewest, most, told
        self._inputs = family.shape.input_shape[0]
        asked = told and fewest < most
        self.columns = (*column_names("x", self._inputs), *([COUNT] if asked else [])), ()
        names = ", ".join(column_names("x", self._inputs))
        more = f", and {COUNT} (how many there are, from {fewest} to {most}, in every row)" if asked else ""
        self.support = (
            f"the set: a table (.csv, .tsv) with the columns {names}{more}, a row for each point, or an .npz "
            f"file with x; beside them {TRUE}, the true one, where that is known"
        )
        self.query = ""

    def _read(self, support: Path, query: Path, progress: Progress) -> Case:
        read = read_numbers(support, self._inputs, 0, with_y=False, aside=(TRUE, COUNT))
        true = _true_groups(read, support)
        count = len(read.x)
        most = self._how_many(read, true, support)
        if count < most:
            raise DataError(f"{support}: {count} points are too few for {most} groups; add some")
        x = torch.from_numpy(read.x.astype(np.float32))[None]
        told: Data = {COUNT: torch.full((1, count), most)} if self._told else {}
        data: Data = {"x": x} | told
        truth: Data = {} if true is None else {"y": true[None]}
        return Case(
            Episode(data, data | truth).to(self._family.device),
            self._family.shape,
            EpisodeSize(1, count, count),
            tuple(read.places),
            {"x": read.columns[0]},
            notes=tuple(self._notes(read, support)),
        )

    def _notes(self, read: Numbers, path: Path) -> list[str]:
        drawn = training_tasks(self._family).support["x"].flatten(0, 1).double().cpu().numpy()
        notes = [each.text for each in read.findings]
        notes += beyond(read.x, Range(drawn.min(0), drawn.max(0)), read.columns[0], read.places, str(path))
        if len(read.x) != self._usual:
            notes.append(f"{len(read.x)} points; the sets of this run have {self._usual}")
        return notes

    def _how_many(self, read: Numbers, true: Tensor | None, path: Path) -> int:
        """Groups of the set: those that are said, or true, or that all sets of the run have; where learners
        are not told, the fewest."""
        said = read.aside.get(COUNT)
        if said is not None:
            place = next((at for at, each in enumerate(said) if each != said[0]), 0)
            if place or not said[0].isdecimal():
                where = f"{path}, {read.places[place]}, column {COUNT}: {shown(said[place])!r}"
                raise DataError(f"{where}; the number of groups, the same in every row, is needed")
        found = int(said[0]) if said else None
        if found is None and self._fewest < self._most and true is not None:
            found = int(true.max()) + 1
        if found is None:
            if self._told and self._fewest < self._most:
                raise DataError(
                    f"{path}, line 1: has no column {COUNT}; this run is told how many groups a set has, "
                    f"from {self._fewest} to {self._most}"
                )
            return self._fewest
        if found > self._most or (self._told and found < 2):
            raise DataError(f"{path}: {found} groups; this run knows sets of up to {self._most}")
        return found

    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        x, y = (episode.query[name][0].cpu() for name in ("x", "y"))
        header = [*column_names("x", self._inputs), TRUE]
        rows = [
            [*map(repr, point), label] for point, label in zip(x.double().tolist(), y.tolist(), strict=True)
        ]
        if COUNT in episode.support:
            header.append(COUNT)
            rows = [[*row, int(episode.support[COUNT][0, 0])] for row in rows]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        return {"support.csv": text.getvalue().encode()}


def _true_groups(read: Numbers, path: Path) -> Tensor | None:
    """The number of each point's true group, ``[n]``; None where the table does not say."""
    said = read.aside.get(TRUE)
    if said is None or not any(said):
        return None
    missing = next((at for at, each in enumerate(said) if not each), None)
    if missing is not None:
        place = f"{path}, {read.places[missing]}, column {TRUE}"
        raise DataError(f"{place}: is empty; say the group of every point, or of none")
    return torch.from_numpy(np.unique(said, return_inverse=True)[1].astype(np.int64))
