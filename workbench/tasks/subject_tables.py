"""A table of subjects as families use it: samples, doses and covariates, in the units of the data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.data.found import FoundSubjects
from workbench.data.npz import Arrays
from workbench.errors import DataError
from workbench.tasks.standard import Floats
from workbench.words import shown

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """What a table calls its columns, and their units; empty where it does not say."""

    subject: str = ""
    outcome: str = ""
    which: str = ""
    unit: str = ""
    time: str = ""
    time_unit: str = ""
    dose: str = ""
    dose_unit: str = ""
    covariates: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, object]) -> Words:
        """Out of JSON types; what a newer program says beside is passed over."""
        known = {each.name for each in fields(cls)}
        said = {name: word for name, word in told.items() if name in known}
        listed = said.get("covariates")
        names = tuple(map(str, listed)) if isinstance(listed, list) else ()
        return cls(**{name: str(word) for name, word in said.items()} | {"covariates": names})  # type: ignore[arg-type]


@dataclass(frozen=True)
class SubjectTable:
    """Samples sorted by subject, then by time.

    Attributes
    ----------
    names, counts : of the subjects, and how many samples each has.
    time, y : of each sample, ``[N]``.
    doses : number of the subject, time and amount of each dose, ``[doses, 3]``.
    covariates : ``[subjects, covariates]``; NaN where one is not known.
    """

    names: tuple[str, ...]
    counts: Ints
    time: Floats
    y: Floats
    doses: Floats
    covariates: Floats
    words: Words

    @classmethod
    def of(cls, names: Sequence[str], counts: Sequence[int], arrays: Arrays) -> SubjectTable:
        """What a prepared set holds.

        Raises
        ------
        DataError
            If it does not fit together.
        """
        words = Words.of(json.loads(arrays["words"].tobytes()))
        time, y, doses, covariates = (
            arrays[name].astype(np.float64) for name in ("time", "y", "doses", "covariates")
        )
        held = np.array(counts, np.int64)
        sound = (
            len(time) == len(y) == held.sum()
            and doses.shape[1:] == (3,)
            and covariates.shape == (len(names), len(words.covariates))
            and np.isin(doses[:, 0], np.arange(len(names))).all()
        )
        if not sound:
            raise DataError("the table of subjects is damaged; import it again")
        return cls(tuple(names), held, time, y, doses, covariates, words)

    @classmethod
    def found(cls, found: FoundSubjects) -> SubjectTable:
        """What was found at a path."""
        held = np.array(found.counts, np.int64)
        words = Words.of(found.told)
        return cls(found.names, held, found.time, found.y, found.doses, found.covariates, words)

    def serving(self, shots: int, until: float | None) -> list[int]:
        """Who has so many samples and more; or, if a time is said, samples before it and from then on."""
        if until is None:
            return np.flatnonzero(self.counts > shots).tolist()
        early = np.bincount(self.subject[self.time < until], minlength=len(self.names))
        return np.flatnonzero((early > 0) & (early < self.counts)).tolist()

    @property
    def first(self) -> Ints:
        """Where the samples of each subject begin."""
        found: Ints = self.counts.cumsum() - self.counts
        return found

    @property
    def subject(self) -> Ints:
        """The number of the subject of each sample."""
        return np.repeat(np.arange(len(self.names)), self.counts)

    @property
    def dosed(self) -> bool:
        """Whether any dose is told."""
        return len(self.doses) > 0

    def doses_of(self, subject: int) -> Floats:
        """Time and amount of each dose of a subject, ``[doses, 2]``."""
        found: Floats = self.doses[self.doses[:, 0] == subject, 1:]
        return found

    def padded_doses(self) -> NDArray[np.float32]:
        """Those of all subjects, ``[subjects, most, 2]``, filled up with amounts of 0."""
        own = [self.doses_of(each) for each in range(len(self.names))]
        most = max(1, max(map(len, own)))
        found = np.zeros((len(own), most, 2), np.float32)
        for at, doses in enumerate(own):
            found[at, : len(doses)] = doses
        return found

    def dose_columns(self) -> Floats:
        """Of each sample the amount of the last dose before it (or with it), the time since, and the total of
        all so far, ``[N, 3]``; 0 where there was none."""
        found = np.zeros((len(self.time), 3))
        for subject, (start, count) in enumerate(zip(self.first, self.counts, strict=True)):
            doses = self.doses_of(subject)
            doses = doses[doses[:, 0].argsort(kind="stable")]
            times = self.time[start : start + count]
            given = np.searchsorted(doses[:, 0], times, "right")
            known = given > 0
            last = given[known] - 1
            rows = start + np.flatnonzero(known)
            found[rows, 0] = doses[last, 1]
            found[rows, 1] = times[known] - doses[last, 0]
            found[rows, 2] = doses[:, 1].cumsum()[last]
        return found

    def kept(self, subjects: Sequence[int]) -> SubjectTable:
        """The same of some of the subjects, in that order."""
        rows = np.concatenate([np.arange(self.counts[each]) + self.first[each] for each in subjects])
        doses = [
            np.column_stack([np.full(len(own), at), own])
            for at, each in enumerate(subjects)
            if len(own := self.doses_of(each))
        ]
        return SubjectTable(
            tuple(self.names[each] for each in subjects),
            self.counts[list(subjects)],
            self.time[rows],
            self.y[rows],
            np.concatenate(doses) if doses else np.empty((0, 3)),
            self.covariates[list(subjects)],
            self.words,
        )

    def span(self) -> float:
        """The usual time from the first sample (or dose) of a subject to its last."""
        spans = []
        for subject, (start, count) in enumerate(zip(self.first, self.counts, strict=True)):
            times = self.time[start : start + count]
            begins = min([times[0], *self.doses_of(subject)[:1, 0]])
            spans.append(times[-1] - begins)
        usual = float(np.median(spans))
        return usual if usual > 0 else 1.0

    def listed(self, subjects: Sequence[int], most: int = 6) -> str:
        """The names of some subjects in a line."""
        names = [shown(self.names[each]) for each in subjects]
        return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def spread_out(rows: list[int], most: int) -> list[int]:
    """So many of them at most, evenly."""
    if len(rows) <= most:
        return rows
    return [rows[int((each + 0.5) * len(rows) / most)] for each in range(most)]


def filled_up(sets: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Sets of rows as one table, the smaller ones filled up with their own rows again, and their weights."""
    most = max(map(len, sets))
    rows = [[own[each % len(own)] for each in range(most)] for own in sets]
    weights = [[1.0] * len(own) + [0.0] * (most - len(own)) for own in sets]
    return torch.tensor(rows), torch.tensor(weights)


def in_turn(members: int, count: int, generator: torch.Generator) -> Tensor:
    """So many numbers of members by chance, each as often as the others."""
    rounds = -(-count // members)
    return torch.cat([torch.randperm(members, generator=generator) for _ in range(rounds)])[:count]
