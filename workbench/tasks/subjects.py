"""Subjects of a person's own table, measured over time: a few samples tell what comes next.

Each task is a subject: the support set is its first samples, or those before some time; the queries are all
later ones. Doses enter as the amount of the last one, the time since, and the total so far.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from workbench.config import SPLITS, Evaluation, Examples, Split, Suits, TaskConfig, Training
from workbench.data.progress import Progress
from workbench.data.reading import NOW, Columns, Reading
from workbench.errors import DataError
from workbench.problems.courses import DOSES, SUBJECT, WEIGHT, Course
from workbench.problems.regression import Regression
from workbench.settings import Name, misfit, setting
from workbench.tasks.base import FOLD, Data, Episode, EpisodeSize, TaskFamily, TaskShape
from workbench.tasks.cases import CaseFiles
from workbench.tasks.class_splits import ClassSplit, Names, divide
from workbench.tasks.own_data import one_of_both, own_data
from workbench.tasks.standard import Floats, Standard, Standards
from workbench.tasks.subject_cases import OfSubjects, SubjectFiles
from workbench.tasks.subject_tables import SubjectTable, filled_up, in_turn, spread_out
from workbench.words import plural

FEWEST = 3
"""Subjects, one for each split."""

_OF_THE_SPAN = 20
"""Part of a subject's time, one in so many, from which on the logarithm of time tells times apart."""

_CURVE = 120
"""Times at which a subject's course is drawn."""

ROLES = ("subject", "time", "outcome", "which", "dose", "covariates", "unit", "time_unit")
"""Settings that say what the columns of a file are."""


def _column(help: str, empty: str = "recognised") -> str | None:
    found: str | None = setting(None, rare=True, help=f"{help}, of a file at a path.", empty=empty)
    return found


class SubjectSplit(ClassSplit):
    """Subjects by name in three lists, drawn by seed, or in folds."""

    folds: Annotated[int, Field(ge=FEWEST, le=1000)] | Literal["all"] | None = setting(
        None,
        titles={"all": "all: leave one out"},
        help="Measure every subject once, by a learner that was trained on other folds; the fold after its "
        "own is for validation.",
        empty="one split",
    )

    @model_validator(mode="after")
    def _folds_are_drawn(self) -> Self:
        if self.folds is not None and (self.named or self.fractions is not None or self.by is not None):
            raise misfit(
                ("folds",), "takes all subjects; leave train, validation, test, fractions and by out"
            )
        return self


class SubjectsConfig(Examples):
    problem = Regression
    has = frozenset({"times"})
    network: ClassVar[Mapping[str, object]] = {"hidden": (64, 64), "activation": "tanh"}
    suits = Suits(
        Training(iterations=2000, meta_batch=16, decay="linear"),
        Evaluation(episodes=100, validation_episodes=50, inner_steps=3, every=500),
    )

    family: Literal["subjects"] = "subjects"
    path: str | None = setting(
        None, path=True, help="A .csv or .tsv table with a row for each sample: who, when and what."
    )
    dataset: Name | None = setting(None, help="Instead of a path: the name of an imported table.")
    shots: int = setting(3, ge=1, le=1000, help="First samples of a subject, which are known.")
    until: float | None = setting(
        None, help="Instead of so many: all samples before this time are known.", empty="the first shots"
    )
    queries: int = setting(
        100, rare=True, ge=1, le=1000, help="Most later samples that are predicted; all, if there are fewer."
    )
    threshold: float | None = setting(None, help="Value above which the time is counted.", empty="none")
    subject: str | None = _column("The column of subjects")
    time: str | None = _column("The column of times")
    outcome: str | None = _column("The column of what was measured")
    which: str | None = _column("Which of several outcomes is taken (DVID)", "the first")
    dose: str | None = _column("The column of doses")
    covariates: Names | None = setting(
        None,
        rare=True,
        help="Columns that say something of a subject, of a file at a path.",
        empty="all that stay the same within each",
    )
    unit: str | None = _column("The unit of what was measured", "as the column's name says")
    time_unit: str | None = _column("The unit of times", "as the column's name says")
    split: SubjectSplit = setting(SubjectSplit(), help="Subjects by name, drawn by seed, or in folds.")

    @model_validator(mode="after")
    def _path_or_dataset(self) -> Self:
        one_of_both(self, needed="a table of subjects (.csv, .tsv)")
        said = next((name for name in ROLES if getattr(self, name) is not None), None)
        if self.dataset and said is not None:
            raise misfit((said,), "belongs to a path; an imported table has its columns; leave it out")
        return self

    @property
    def columns(self) -> Columns:
        """What is said of a file's columns."""
        return Columns(**{name: value for name in ROLES if (value := getattr(self, name)) is not None})


class Subjects(OfSubjects):
    """Predict later samples of subjects that were never seen in training.

    Inputs are the time, the logarithm of the time since the last dose (since the beginning, where there are
    no doses), what was given so far, and the covariates; they and y are standardised by the samples of the
    training subjects (in folds: of all). Where subjects have different numbers of samples, the smaller sets
    are filled up with rows of weight 0.
    """

    Config = SubjectsConfig
    config: SubjectsConfig
    title = "Subjects"
    summary = (
        "Your own table of repeated measurements: a row for each sample of a subject, with doses if any."
    )

    def __init__(
        self, config: SubjectsConfig, progress: Progress | None = None, reading: Reading = NOW
    ) -> None:
        super().__init__(config, progress)
        own = own_data("subjects", config, replace(reading, columns=config.columns), progress)
        whole = SubjectTable.of(own.names, own.counts, own.arrays)
        serve = whole.serving(config.shots, config.until)
        members = divided_among(whole, serve, config, own.split)
        self.folds, self._fold = folds_of(len(serve), config)
        left = sorted(set(range(len(whole.names))) - set(serve))
        self.table = table = whole.kept(serve)
        self.left_out = [whole.names[at] for at in left]
        self.notes = own.notes
        if left:
            told = f"{len(left)} of {len(whole.names)} subjects are left out, which have not {needed(config)}"
            self.notes = (*own.notes, f"{told}: {whole.listed(left)}")
        self._members = {part: torch.tensor(each) for part, each in members.items()}
        self._begins, self._span = table.time.min(), table.span()
        self._inputs, self.input_names = self._columns(table)
        training = np.isin(table.subject, self._members["train"].numpy())
        self._usual = _means(self._inputs[training])
        x, y = self._known(self._inputs), table.y[:, None]
        self.standards = known = Standards(Standard.of(x[training]), Standard.of(y[training]))
        self._x, self._y = self._standardised(table)
        self._doses = torch.from_numpy(table.padded_doses())
        self._rows: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor, Tensor]] = {}
        words = table.words
        amounts = table.doses[:, 2]
        course = Course(
            unit=words.unit,
            time_unit=words.time_unit,
            offset=float(known.y.mean[0]),
            scale=float(known.y.spread[0]),
            time_offset=float(known.x.mean[0]),
            time_scale=float(known.x.spread[0]),
            threshold=config.threshold,
            dosed=table.dosed,
            dose=float(np.median(amounts)) if len(amounts) else 1.0,
            span=self._span,
            outcome=words.outcome or "value",
            time=words.time or "time",
            dose_unit=words.dose_unit,
            subjects=table.names,
        )
        self.shape = TaskShape(Regression(course), (x.shape[1],), 1, folds=self.folds)
        self.most_queries = max(1, max(len(self._later(at)) for at in range(len(table.names))))

    def _columns(self, table: SubjectTable) -> tuple[Floats, tuple[str, ...]]:
        """The inputs of each sample in the data's units, ``[N, inputs]``, and what they are."""
        given, dosed = table.dose_columns(), self.table.dosed
        since = given[:, 1] if dosed else table.time - self._begins
        unit = self._span / _OF_THE_SPAN
        columns = [table.time, np.log1p(np.maximum(since, 0) / unit)]
        after = "the last dose" if dosed else "the beginning"
        names = [table.words.time, f"log(1 + time since {after} / {unit:.3g})"]
        if dosed:
            columns += list(given.T)
            names += ["last dose", "time since it", "total dose"]
        columns += list(np.repeat(table.covariates, table.counts, 0).T)
        return np.stack(columns, 1), (*names, *table.words.covariates)

    def _known(self, inputs: Floats) -> Floats:
        """Inputs where what is not known is the mean of the training samples."""
        known: Floats = np.where(np.isnan(inputs), self._usual, inputs)
        return known

    # --- episodes ---------------------------------------------------------------------------------------

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
        drawn, fold = self._drawn(split, count, generator)
        support, known, query, asked = self._placed(size)
        sets = (self._data(drawn, fold, *each) for each in ((support, known), (query, asked)))
        return Episode(*sets).to(self.device)

    def most_looked_at(self, split: Split) -> int:
        return len(self._members[split])

    def looked_at(self, split: Split, number: int, generator: torch.Generator, size: EpisodeSize) -> Episode:
        """The subject of that number, its later samples, and many times between its beginning and its end."""
        self.check(size, split)
        members = self._members[split]
        drawn = members[number : number + 1]
        fold = (self._fold[drawn] - int(split == "validation")) % max(1, self.folds)
        support, known, query, asked = self._placed(size)
        sets = [self._data(drawn, fold, *each) for each in ((support, known), (query, asked))]
        between = self._between(int(drawn))
        count = len(between["y"])
        more = {name: each[:, :1].expand(-1, count, *each.shape[2:]) for name, each in sets[1].items()}
        more |= {name: each[None] for name, each in between.items()}
        asked_of = {name: torch.cat([each, more[name]], 1) for name, each in sets[1].items()}
        asked_of[SUBJECT] = drawn[:, None].expand(asked_of["y"].shape[:2])
        return Episode(sets[0], asked_of).to(self.device)

    def _between(self, subject: int) -> Data:
        """Queries of weight 0 all along a subject's time; y is on straight lines between its samples."""
        start, count = int(self.table.first[subject]), int(self.table.counts[subject])
        times, values = (each[start : start + count] for each in (self.table.time, self.table.y))
        begins = min([times[0], *self.table.doses_of(subject)[:1, 0]])
        grid = np.linspace(begins, times[-1], _CURVE)
        one = self.table.kept([subject])
        along = replace(one, counts=np.array([_CURVE]), time=grid, y=np.interp(grid, times, values))
        return dict(zip("xy", self._standardised(along), strict=True)) | {WEIGHT: torch.zeros(_CURVE)}

    def _standardised(self, table: SubjectTable) -> tuple[Tensor, Tensor]:
        """x and y of the samples of a table, ``[N, …]``."""
        assert self.standards is not None
        x, y = self._known(self._columns(table)[0]), table.y[:, None]
        return (
            torch.from_numpy(self.standards.x.applied(x).astype(np.float32)),
            torch.from_numpy(self.standards.y.applied(y).astype(np.float32)),
        )

    def rows_of(self, one: SubjectTable, fold: int) -> Data:
        """Samples of one subject, who need not be in the table, for the learner of a fold, ``[1, n, …]``."""
        x, y = self._standardised(one)
        found = {"x": x, "y": y, WEIGHT: torch.ones(len(x))}
        if self.table.dosed:
            found[DOSES] = torch.from_numpy(one.padded_doses())[0].expand(len(x), -1, -1).contiguous()
        if self.folds:
            found[FOLD] = torch.full((len(x),), fold)
        return {name: each[None] for name, each in found.items()}

    def samples_of(self, episode: Episode) -> tuple[SubjectTable, SubjectTable]:
        """The samples of a task in the table: those of the support set, and of the queries."""
        own = torch.cat([self._x, self._y], 1)
        rows = []
        for part in (episode.support, episode.query):
            drawn = torch.cat([part["x"][0], part["y"][0]], 1)[part[WEIGHT][0] > 0].cpu()
            rows.append((own[:, None] == drawn).all(-1))  # [N, n]
        for subject, (start, count) in enumerate(zip(self.table.first, self.table.counts, strict=True)):
            found = [each[start : start + count] for each in rows]
            if all(each.any(0).all() for each in found):
                one = self.table.kept([subject])
                places = [each.int().argmax(0).numpy() for each in found]
                known, asked = (
                    replace(one, counts=np.array([len(at)]), time=one.time[at], y=one.y[at]) for at in places
                )
                return known, asked
        raise DataError("the task is of no subject of the table")

    def case_files(self) -> CaseFiles:
        words, doses = self.table.words, self.table.doses
        words = replace(words, time=words.time or "time", outcome=words.outcome or "value")
        once = not doses[:, 1].any() and len(np.unique(doses[:, 0])) == len(doses)
        shots = self.config.shots if self.config.until is None else None
        return SubjectFiles(self, words, self.input_names, shots=shots, once=once)

    def _drawn(self, split: Split, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Subjects by chance, and the learner that each is for; of those that are measured, each subject as
        often as the others."""
        members = self._members[split]
        if split != "train":
            drawn = members[in_turn(len(members), count, generator)]
            behind = int(split == "validation")  # the fold after a learner's own
            return drawn, (self._fold[drawn] - behind) % max(1, self.folds)
        if not self.folds:
            drawn = members[torch.randint(len(members), (count,), generator=generator)]
            return drawn, torch.zeros_like(drawn)
        fold = torch.arange(count) % self.folds  # so that each learner has its share of a meta-batch
        others = [self._of_others(each) for each in range(self.folds)]
        held = torch.tensor([len(each) for each in others])[fold]
        place = (torch.rand(count, generator=generator) * held).long()
        return torch.nn.utils.rnn.pad_sequence(others, batch_first=True)[fold, place], fold

    def _of_others(self, fold: int) -> Tensor:
        """The subjects that the learner of a fold is trained on."""
        left_out = torch.tensor([fold, (fold + 1) % self.folds])
        return (~torch.isin(self._fold, left_out)).nonzero()[:, 0]

    def _data(self, subjects: Tensor, fold: Tensor, rows: Tensor, weight: Tensor) -> Data:
        places = rows[subjects]
        found = {"x": self._x[places], "y": self._y[places], WEIGHT: weight[subjects]}
        if self.table.dosed:
            doses = self._doses[subjects][:, None].expand(-1, places.shape[1], -1, -1)
            found[DOSES] = doses.contiguous()
        if self.folds:
            found[FOLD] = fold[:, None].expand(places.shape)
        return found

    def _placed(self, size: EpisodeSize) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The rows of each subject's support and query sets, each with its weights: ``[subjects, n]``."""
        key = size.shots, size.queries
        if key not in self._rows:
            subjects = range(len(self.table.names))
            support = [self._first(each, size.shots) for each in subjects]
            query = [spread_out(self._later(each, size.shots), size.queries) for each in subjects]
            self._rows[key] = (*filled_up(support), *filled_up(query))
        return self._rows[key]

    def _first(self, subject: int, shots: int) -> list[int]:
        start, count = int(self.table.first[subject]), int(self.table.counts[subject])
        if self.config.until is None:
            return list(range(start, start + min(shots, count)))
        return [row for row in range(start, start + count) if self.table.time[row] < self.config.until]

    def _later(self, subject: int, shots: int | None = None) -> list[int]:
        known = set(self._first(subject, self.config.shots if shots is None else shots))
        start, count = int(self.table.first[subject]), int(self.table.counts[subject])
        return [row for row in range(start, start + count) if row not in known]

    def check(self, size: EpisodeSize, split: Split) -> None:
        fewest = min(self._members[split].tolist(), key=lambda each: self.table.counts[each])
        held = int(self.table.counts[fewest])
        if self.config.until is None and held <= size.shots:
            raise DataError(
                f"subject {self.table.names[fewest]!r} of the {split} split has {held} samples, but "
                f"{size.shots} shots and a query need {size.shots + 1}; use fewer"
            )

    def names_in(self, split: Split) -> list[str]:
        return [] if self.folds else [self.table.names[at] for at in self._members[split].tolist()]

    def data_hash(self) -> str:
        digest = hashlib.sha256(b"subjects")
        for part in SPLITS:
            digest.update(f"{part} {self._members[part].tolist()}\n".encode())
        digest.update(f"{self.config.until} {self.config.threshold} {self._fold.tolist()}".encode())
        for array in (self.table.counts, self._x.numpy(), self._y.numpy(), self._doses.numpy()):
            digest.update(array.tobytes())
        return digest.hexdigest()

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        assert isinstance(config, SubjectsConfig)
        return cls(config, progress, reading)

    def describe(self) -> Mapping[str, object]:
        table, words = self.table, self.table.words
        where = {"path": self.config.path} if self.config.path else {"dataset": self.config.dataset}
        split: dict[str, object] = {
            "subjects": {part: len(self._members[part]) for part in SPLITS},
            "samples": {part: int(table.counts[self._members[part].numpy()].sum()) for part in SPLITS},
        }
        if self.folds:
            split = {"subjects": len(table.names), "samples": len(table.y), "folds": self.folds}
        return {
            **where,
            **split,
            "outcome": f"{words.outcome} ({words.unit})" if words.unit else words.outcome,
            "inputs": list(self.input_names),
            "doses": len(table.doses),
            "left_out": self.left_out,
        }


def _means(inputs: Floats) -> Floats:
    """The mean of each column where it is known; 0 where it never is."""
    known = np.isfinite(inputs)
    found: Floats = np.where(known, inputs, 0).sum(0) / np.maximum(1, known.sum(0))
    return found


def needed(config: SubjectsConfig) -> str:
    """What a subject must have."""
    if config.until is None:
        return f"{config.shots + 1} samples (shots + 1)"
    return f"a sample before {config.until:g} and one from then on (until)"


def folds_of(count: int, config: SubjectsConfig) -> tuple[int, Tensor]:
    """How many folds so many subjects are in, and the fold of each; 0 where there are none.

    Raises
    ------
    DataError
        If there are more folds than subjects.
    """
    said = config.split.folds
    folds = count if said == "all" else said or 0
    if folds > count:
        raise DataError(
            f"task.split.folds: {folds} folds of {plural(count, 'subject')}; allowed: 3 to {count}"
        )
    order = torch.randperm(count, generator=torch.Generator().manual_seed(config.split.seed or 0))
    fold = torch.zeros(count, dtype=torch.int64)
    fold[order] = torch.arange(count) % max(1, folds)
    return folds, fold


def divided_among(
    table: SubjectTable, serve: list[int], config: SubjectsConfig, split: ClassSplit | None = None
) -> dict[Split, list[int]]:
    """The subjects of each split, by their number among those that serve.

    Parameters
    ----------
    split : how to divide them; None: as the configuration says. Of named ones those count that serve.

    Raises
    ------
    DataError
        If there are too few, or a split has none.
    """
    where, split = config.path or f"data set {config.dataset!r}", split or config.split
    if len(serve) < FEWEST:
        raise DataError(
            f"{where}: {plural(len(serve), 'subject')} of {len(table.names)} "
            f"{'has' if len(serve) == 1 else 'have'} {needed(config)}; at least {FEWEST} are needed"
        )
    if config.split.folds is not None:
        everybody = list(range(len(serve)))
        return {"train": everybody, "validation": everybody, "test": everybody}
    kept = [table.names[at] for at in serve]
    if not split.named:
        return divide(kept, ("",) * len(kept), split)
    by_name = divide(table.names, ("",) * len(table.names), split)
    number = {name: at for at, name in enumerate(kept)}
    members = {
        part: [number[name] for each in own if (name := table.names[each]) in number]
        for part, own in by_name.items()
    }
    empty = next((part for part in SPLITS if not members[part]), None)
    if empty is not None:
        raise DataError(f"{where}: task.split.{empty}: none of its subjects has {needed(config)}")
    return members
