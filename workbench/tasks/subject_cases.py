"""New cases of subjects: a table with a row for each sample and each dose of one of them."""

from __future__ import annotations

import csv
import io
import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from workbench.data.columns import Head, number_in
from workbench.data.new_subject import NewSubject, read_subject
from workbench.data.progress import Progress
from workbench.data.reading import Columns
from workbench.errors import DataError
from workbench.problems.courses import WEIGHT
from workbench.problems.regression import Regression
from workbench.tasks.base import FOLD, Data, Episode, Excerpt, TaskFamily
from workbench.tasks.cases import Case, CaseFiles, Range, beyond, of_shots, training_tasks
from workbench.tasks.real_patients import CONCENTRATIONS, CURVE, HOURS
from workbench.tasks.standard import Floats
from workbench.tasks.subject_tables import SubjectTable, Words
from workbench.words import plural, shown


class OfSubjects(TaskFamily):
    """A family whose tasks are subjects."""

    @abstractmethod
    def rows_of(self, one: SubjectTable, fold: int) -> Data:
        """Samples of one subject as the task of the learner of a fold has them, ``[1, n, …]``; y may be NaN.

        Raises
        ------
        DataError
            If there can be none, and why.
        """

    @abstractmethod
    def samples_of(self, episode: Episode) -> tuple[SubjectTable, SubjectTable]:
        """The samples of a task of its own, known ones and others."""


_ASKED = 20
"""Times that are asked for where nobody says any: at least so many."""

_ANOTHER_TIME = 1
"""The column of x that says nothing but the time in another form."""


class SubjectFiles(CaseFiles):
    """Samples of one subject, its doses, and what else is known of it.

    Parameters
    ----------
    family : whose tasks are subjects.
    words : what the columns of a table are called.
    inputs : what the columns of x are called.
    shots : samples that its tasks have; None: different numbers.
    once : whether every subject had one dose, at time 0.
    """

    needs_query = False

    def __init__(
        self, family: OfSubjects, words: Words, inputs: Sequence[str], *, shots: int | None, once: bool
    ) -> None:
        self._family, self._words, self._inputs = family, words, tuple(inputs)
        self._shots, self._once = shots, once
        self._course = Regression.course_of(family.problem)
        self._others = tuple(dict.fromkeys(name.partition(" = ")[0] for name in words.covariates))
        time = _with_unit(words.time, words.time_unit)
        doses = [_with_unit(words.dose, words.dose_unit)] if self._course.dosed else []
        self.columns = (time,), (_with_unit(words.outcome, words.unit), *doses, *self._others)
        names = ", ".join((*self.columns[0], *self.columns[1]))
        self.support = (
            f"one subject: a table (.csv, .tsv) with the columns {names}, a row for each sample"
            f"{' and each dose' if doses else ''}; cells of what is not known stay empty"
        )
        self.query = f"a table with the times that are asked for, {time}; or none, for the whole course"

    # --- reading ------------------------------------------------------------------------------------

    def _read(self, support: Path, query: Path, progress: Progress) -> Case:
        whole = self._of_file(support)
        known, asked = whole.part(whole.measured), whole.part(~whole.measured)
        notes = list(whole.notes)
        if not known.places:
            raise DataError(
                f"{support}: has no sample: no row with {self._words.time} and {self._words.outcome}"
            )
        if query != support:
            if asked.places:
                text = f"{plural(len(asked.places), 'row')} without {self._words.outcome}, not asked for"
                notes.append(f"{support}: {text}, since there is a table of queries")
            asked = self._of_file(query)
            notes += asked.notes
            if not asked.places:
                raise DataError(f"{query}: asks for no time: no row with {self._words.time} and no dose")
        given = known.doses.tolist()
        doses = np.array([*given, *(each for each in asked.doses.tolist() if each not in given)]).reshape(
            -1, 2
        )
        covariates, told = self._covariates(known, asked)
        fold, of_fold = self._fold(known)
        one = SubjectTable(
            names=("",),
            counts=np.array([len(known.time)]),
            time=known.time,
            y=known.y,
            doses=np.column_stack([np.zeros(len(doses)), doses]),
            covariates=covariates,
            words=self._words,
        )
        parts = {"support": self._rows(one, fold, support)}
        drawn = training_tasks(self._family)
        x, y = self._range(drawn)
        notes += [*told, *of_fold, *self._beyond(parts["support"], x, known.places, support)]
        notes += beyond(known.y[:, None], y, [self._words.outcome], known.places, str(support))
        if self._shots is not None:
            notes += of_shots(len(known.time), self._family)
        if not asked.places:
            asked = self._whole_course(known)
        all_known = bool(asked.measured.all())
        if not all_known and asked.measured.any():
            notes.append(
                f"{query}: {self._words.outcome} is not known in every row, so that nothing is measured"
            )
        parts["query"] = self._rows(_at(one, asked.time, asked.y), fold, query)
        notes += self._beyond(parts["query"], x, asked.places, query)
        along = self._along(one, asked)
        parts["along"] = self._rows(along, fold, query)
        parts["along"][WEIGHT] = (torch.arange(len(along.time)) < len(asked.time)).float()[None]
        if not all_known:
            del parts["query"]["y"], parts["along"]["y"]
        device = self._family.device
        like = {"support": drawn.support, "query": drawn.query}
        sets = (_filled_up(parts[name], like[name]["x"].shape[1]) for name in like)
        return Case(
            Episode(*sets).to(device),
            self._family.shape,
            self._family.size._replace(shots=len(known.time)) if self._shots else self._family.size,
            asked.places,
            {"x": self._inputs, "y": (self._words.outcome,)},
            notes=tuple(notes),
            standards=self._family.standards,
            along={name: each.to(device) for name, each in parts["along"].items()},
        )

    def _of_file(self, path: Path) -> NewSubject:
        words = self._words
        like = Columns(
            subject=words.subject,
            time=words.time,
            outcome=words.outcome,
            which=words.which,
            dose=words.dose,
            covariates=(*self._others, *([FOLD] if self._family.shape.folds else [])),
        )
        found = read_subject(path, like, once=self._once)
        for what, said in found.units.items():
            ours, name = getattr(words, what), getattr(words, _UNITS[what])
            if ours and not _same_unit(said, ours):
                raise DataError(
                    f"{path}, line 1: {name} is in {shown(said)}, but this run was trained on {shown(ours)}; "
                    "convert it"
                )
        unknown = [
            f"{path}: {getattr(words, _UNITS[what])} is in {shown(said)}; that of the training is not said"
            for what, said in found.units.items()
            if not getattr(words, what) and Head.of(getattr(words, _UNITS[what])).unit != said
        ]
        return replace(found, notes=(*found.notes, *unknown))

    def _covariates(self, known: NewSubject, asked: NewSubject) -> tuple[Floats, list[str]]:
        """What is known of the subject, ``[1, covariates]``, NaN where it is not; and what is to be said."""
        values, notes = [], []
        for name in self._others:
            cell, place = known.known.get(name, ("", ""))
            other, elsewhere = asked.known.get(name, ("", ""))
            if cell and other and cell != other:
                raise DataError(
                    f"{elsewhere}: {shown(other)}, but {shown(cell)} in {place}; it is one subject"
                )
            cell, place = (cell, place) if cell else (other, elsewhere)
            levels = [
                title.partition(" = ")[2]
                for title in self._words.covariates
                if title.startswith(f"{name} = ")
            ]
            if not cell:
                values += [math.nan] * max(1, len(levels))
                notes.append(f"{name} is not said; the mean of the training subjects is taken")
                continue
            if levels:
                values += [float(cell == level) for level in levels]
                if cell not in levels:
                    names = ", ".join(map(shown, levels))
                    notes.append(f"{place}: {shown(cell)} is taken as what is none of {names}")
                continue
            number = number_in(cell)
            if number is None:
                raise DataError(f"{place}: {shown(cell)!r} is no number")
            values.append(number)
        return np.array([values], np.float64).reshape(1, -1), notes

    def _fold(self, known: NewSubject) -> tuple[int, list[str]]:
        """The number of the learner that is used, of those in folds."""
        folds = self._family.shape.folds
        if not folds:
            return 0, []
        cell, place = known.known.get(FOLD, ("", ""))
        if not cell:
            text = f"this run has {folds} learners, one for each fold; the first is used"
            return 0, [f"{text} (a column {FOLD} may say another)"]
        if not cell.isdecimal() or not 1 <= int(cell) <= folds:
            raise DataError(f"{place}: {shown(cell)}; allowed: 1 to {folds}")
        return int(cell) - 1, []

    def _rows(self, one: SubjectTable, fold: int, path: Path) -> Data:
        """As the family has them."""
        try:
            return self._family.rows_of(one, fold)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

    def _range(self, drawn: Episode) -> tuple[Range, Range]:
        """The numbers of x and of y in training tasks, in the units of the data."""
        standards = self._family.standards
        assert standards is not None
        x, y = (
            standard.undone(
                torch.cat([each[name].flatten(0, 1) for each in (drawn.support, drawn.query)]).cpu().numpy()
            )
            for name, standard in (("x", standards.x), ("y", standards.y))
        )
        return Range(x.min(0), x.max(0)), Range(y.min(0), y.max(0))

    def _beyond(self, data: Data, known: Range, places: Sequence[str], path: Path) -> list[str]:
        """Which inputs lie outside of what was trained on."""
        assert self._family.standards is not None
        own: Floats = self._family.standards.x.undone(data["x"][0].numpy())
        own, low, high = (np.delete(each, _ANOTHER_TIME, -1) for each in (own, known.low, known.high))
        names = np.delete(np.array(self._inputs, object), _ANOTHER_TIME).tolist()
        return beyond(own, Range(low, high), names, places, str(path))

    # --- times --------------------------------------------------------------------------------------

    def _ends(self, known: NewSubject) -> float:
        """When the usual course of a subject is over."""
        begins = min([known.time[0], *known.doses[:, 0]])
        return float(max(begins + self._course.span, known.time[-1] + self._course.span / 4))

    def _whole_course(self, known: NewSubject) -> NewSubject:
        """Round times from the last sample on, where nobody asks for any."""
        last, end = float(known.time[-1]), self._ends(known)
        step = 10.0 ** math.floor(math.log10((end - last) / _ASKED))
        step *= max(each for each in (1, 2, 5) if (end - last) / (each * step) >= _ASKED)
        times: Floats = step * np.arange(math.floor(last / step) + 1, math.floor(end / step + 1e-9) + 1.0)
        unknown = np.full(len(times), math.nan)
        return NewSubject(times, unknown, tuple(f"time {each:g}" for each in times), known.doses, {}, {})

    def _along(self, one: SubjectTable, asked: NewSubject) -> SubjectTable:
        """What is asked for, and times all along the course, with values on straight lines between those that
        are known."""
        begins = min([one.time[0], *asked.time, *one.doses[:, 1]])
        ends = max(asked.time.max(), one.time[-1])
        between = np.linspace(begins, ends, CURVE)
        time, y = np.concatenate([one.time, asked.time]), np.concatenate([one.y, asked.y])
        order = time.argsort(kind="stable")
        course = np.interp(between, time[order], y[order])
        return _at(one, np.concatenate([asked.time, between]), np.concatenate([asked.y, course]))

    # --- writing ------------------------------------------------------------------------------------

    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        known, asked = self._family.samples_of(episode)
        folds = [str(int(episode.support[FOLD][0, 0]) + 1)] if FOLD in episode.support else []
        others = [*self._cells(known.covariates[0]), *folds]
        header = [*self.columns[0], *self.columns[1], *([FOLD] if folds else [])]
        rows = [(time, [repr(value), *([""] if known.dosed else [])]) for time, value in _samples(known)]
        rows += [(time, ["", repr(amount)]) for time, amount in known.doses_of(0).tolist()]
        rows.sort(key=lambda row: row[0])
        support = [header, *([repr(time), *cells, *others] for time, cells in rows)]
        query = [header[:2], *([repr(time), repr(value)] for time, value in _samples(asked))]
        return {"support.csv": _table(support), "query.csv": _table(query)}

    def _cells(self, values: Floats) -> list[str]:
        """What is known of a subject, in the words of its table."""
        cells: dict[str, str] = {}
        for title, value in zip(self._words.covariates, values.tolist(), strict=True):
            name, _, level = title.partition(" = ")
            cells.setdefault(name, "")
            if level:
                cells[name] = level if value == 1 else cells[name] or ("" if math.isnan(value) else "another")
            elif not math.isnan(value):
                cells[name] = repr(value)
        return list(cells.values())


_UNITS = {"unit": "outcome", "time_unit": "time", "dose_unit": "dose"}
"""The word for what each unit is of."""


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def _same_unit(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    hours = HOURS.get(one)
    return (
        one == other
        or {one, other} <= set(CONCENTRATIONS)
        or (hours is not None and hours == HOURS.get(other))
    )


def _filled_up(data: Data, most: int) -> Data:
    """A set as large as those of the family, whose smaller ones are filled up with rows of weight 0: so that
    numbers are added up as there."""
    count = data["x"].shape[1]
    if WEIGHT not in data or count >= most:
        return data
    rows = torch.arange(most)
    found = {name: each[:, rows % count] for name, each in data.items()}
    return found | {WEIGHT: (rows < count).float()[None]}


def _at(one: SubjectTable, time: Floats, y: Floats) -> SubjectTable:
    """The same subject at other times."""
    return replace(one, counts=np.array([len(time)]), time=time, y=y)


def _samples(table: SubjectTable) -> list[tuple[float, float]]:
    """Times and values, in order."""
    return sorted(zip(table.time.tolist(), table.y.tolist(), strict=True), key=lambda each: each[0])


def _table(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
