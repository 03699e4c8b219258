"""The contract of a task family: a distribution of tasks that draws seeded episodes."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from torch import Tensor

from workbench.config import Drifts, Split, TaskConfig
from workbench.config import EpisodeSize as EpisodeSize
from workbench.data.progress import Progress as Progress
from workbench.data.reading import NEWEST, Reading
from workbench.errors import DataError as DataError
from workbench.problems.base import Data as Data
from workbench.problems.base import Problem
from workbench.tasks.standard import Standards

if TYPE_CHECKING:
    from workbench.tasks.cases import CaseFiles


class Episode(NamedTuple):
    """T tasks. Inside an algorithm, one task: no leading dimension.

    Attributes
    ----------
    support : what a learner may adapt to, ``[T, n, …]`` by name; with ``classes`` ``[T, ways]``, the family's
        class behind each label, where there are classes.
    query : what it is measured on, ``[T, n, …]`` by name.
    task : hidden parameters of each task, ``[T, …]`` by name; no learner sees them.
    extra : what an algorithm adds for its own outer step, ``[T, …]`` by name: random numbers, weights of
        this moment. No part of the task, hence not of its hash.
    """

    support: Data
    query: Data
    task: Data = {}  # noqa: RUF012 (never changed in place, nor is the next)
    extra: Data = {}  # noqa: RUF012

    @classmethod
    def pairs(
        cls,
        support_x: Tensor,
        support_y: Tensor,
        query_x: Tensor,
        query_y: Tensor,
        classes: Tensor | None = None,
    ) -> Episode:
        """Tasks whose examples are pairs of x and y.

        Parameters
        ----------
        support_x, query_x : float ``[T, n, *input_shape]``
        support_y, query_y : float ``[T, n, outputs]``, or int64 ``[T, n]`` labels below ``ways``
        classes : int64 ``[T, ways]``: the family's class behind each label; None where y are no labels
        """
        known = {} if classes is None else {"classes": classes}
        return cls({"x": support_x, "y": support_y} | known, {"x": query_x, "y": query_y})

    @property
    def count(self) -> int:  # type: ignore[override]  # what a tuple has by that name serves nobody here
        """T."""
        return len(self._some)

    @property
    def device(self) -> torch.device:
        return self._some.device

    @property
    def numbers(self) -> int:
        """How many numbers the data of one task has, by which its size in memory is judged (see
        :func:`numbers_in`)."""
        return sum(numbers_in(part) for part in (self.support, self.query, self.task))

    @property
    def _some(self) -> Tensor:
        return next(each for part in self for each in part.values())

    def map(self, change: Callable[[Tensor], Tensor]) -> Episode:
        """The episode with every tensor changed in the same way."""
        return Episode(*({name: change(each) for name, each in part.items()} for part in self))

    def to(self, device: torch.device) -> Episode:
        return self.map(lambda tensor: tensor.to(device, non_blocking=True))

    def tasks(self, start: int, stop: int) -> Episode:
        """Tasks ``start`` to ``stop`` (exclusive)."""
        return self.map(lambda tensor: tensor[start:stop])

    def one(self, index: int) -> Episode:
        """One task, without the leading dimension."""
        return self.map(lambda tensor: tensor[index])

    @classmethod
    def merged(cls, episodes: Sequence[Episode], merge: Callable[[list[Tensor]], Tensor]) -> Episode:
        """One episode of several, by what is to be done with all tensors of one name."""
        return cls(
            *(
                {name: merge([part[name] for part in parts]) for name in parts[0]}
                for parts in zip(*episodes, strict=True)
            )
        )

    @classmethod
    def joined(cls, episodes: Sequence[Episode]) -> Episode:
        """The tasks of several episodes, one after the other."""
        return episodes[0] if len(episodes) == 1 else cls.merged(episodes, torch.cat)

    def hash(self) -> str:
        """SHA-256 over names, types, shapes and bytes of the tensors, wherever they are stored."""
        parts = {"support": self.support, "query": self.query, "task": self.task}
        named = {f"{part}_{name}": each for part, data in parts.items() for name, each in data.items()}
        # last, by that name and never left out: so it is in the hashes of the first edition
        named["classes"] = named.pop("support_classes", torch.empty(self.count, 0, dtype=torch.int64))
        digest = hashlib.sha256()
        for name, tensor in named.items():
            array = tensor.detach().cpu().contiguous().numpy()
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()


def ways(support: Data) -> int:
    """Classes of the task that a support set belongs to; 0 where there are none."""
    return support["classes"].shape[-1] if "classes" in support else 0


def numbers_in(data: Data) -> int:
    """How many numbers the data ``[T, n, …]`` of one task has.

    What is to be predicted of x is not counted, nor are classes: so were the blocks measured that the first
    edition drew its streams in, and they are to stay what they were.
    """
    return sum(each[0].numel() for name, each in data.items() if name not in ("y", "classes"))


FEW_HIDDEN = 8
"""Numbers of a hidden parameter that people may look at one by one."""

FOLD = "fold"
"""The name of the number of the learner that a task is for, ``[n]``, the same in each row of a set; there
where the shape has folds."""


class Excerpt(NamedTuple):
    """One task in words.

    Attributes
    ----------
    classes : the name behind each label.
    support, query : the examples of each class, where they are texts; else empty.
    """

    classes: tuple[str, ...]
    support: tuple[tuple[str, ...], ...] = ()
    query: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class TaskShape:
    """What a network and an algorithm need to know of a task family.

    Attributes
    ----------
    problem : what a loss and a measure are.
    input_shape : shape of one example, without batch or task dimensions.
    outputs : ways, or the number of values regressed.
    train_classes : classes of the meta-training split (0 for regression).
    bounds : smallest and largest value that an input can have (pixels: 0 and 1); None if there are none.
    vocabulary : how many words there are, where an input is a list of their numbers; 0 for all others.
    folds : how many learners there are, each for other tasks; 0: one for all.
    places : of a sequence that is to be said; 0 where a prediction is one vector of outputs.
    """

    problem: Problem
    input_shape: tuple[int, ...]
    outputs: int
    train_classes: int = 0
    bounds: tuple[float, float] | None = None
    vocabulary: int = 0
    folds: int = 0
    places: int = 0


def valid_range(shape: TaskShape, who: str) -> tuple[float, float]:
    """The bounds of the inputs, for an attack that must stay within them.

    Raises
    ------
    DataError
        If there are none.
    """
    if shape.bounds is None:
        raise DataError(
            f"{who}: an attack needs inputs with a smallest and a largest value, such as pixels, "
            "which this task family does not have"
        )
    return shape.bounds


class Domain(NamedTuple):
    """Tasks of another kind that a run is tested on too: a domain of the experiment, or a shift that the
    family itself names.

    Attributes
    ----------
    name, words : in files, and what it is.
    family : draws the tasks, from its ``test`` split.
    """

    name: str
    words: str
    family: TaskFamily


class TaskFamily(ABC):
    """A distribution of tasks.

    The same seed gives the same episodes whatever the algorithm, device or number of threads: every
    random number is drawn on the CPU from the generator that is passed in.

    Parameters
    ----------
    config : the family's section of the configuration.
    progress : told how far a long preparation (reading or rendering images) has come.

    Raises
    ------
    DataError
        If the data cannot serve: not there, damaged, too few classes or examples.
    """

    Config: ClassVar[type[TaskConfig]]
    title: ClassVar[str]
    summary: ClassVar[str]

    config: TaskConfig
    shape: TaskShape
    reference_loss: float | None = None
    """Expected query loss of the best predictor that cannot adapt; None where nobody can say it."""

    most_queries: int | None = None
    """Queries that every task can give beside its shots; None: as many as are asked for."""

    input_names: tuple[str, ...] = ()
    """What the numbers of an input are; empty where they have no names."""

    standards: Standards | None = None
    """What standardised inputs and values stand for; None where they are the data's own."""

    reading: int = NEWEST
    """Version of the rules by which its files were read."""

    versions: Mapping[str, str] = MappingProxyType({})
    """Of other people's programs that its tasks are made by: a part of a run's record, and of the hash of its
    episodes."""

    notes: tuple[str, ...] = ()
    """What reading its files did to them. A set that was imported has told it then."""

    domains: tuple[Domain, ...] = ()
    """The other domains of the experiment, as far as somebody has opened them."""

    def __init__(self, config: TaskConfig, progress: Progress | None = None) -> None:
        self.config = config

    @classmethod
    def opened(cls, config: TaskConfig, progress: Progress | None, reading: int) -> TaskFamily:
        """The family with its data, as the rules of that version read it."""
        family = cls._read(config, progress, Reading(rules=reading))
        family.reading = reading
        return family

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        """The family; one that learns from a person's files heeds the reading."""
        return cls(config, progress)

    def record_of_domains(self) -> dict[str, dict[str, str]]:
        """The hashes of the other domains' data by name, for a run's record; empty without domains."""
        hashes = {each.name: each.family.data_hash() for each in self.domains}
        return {"domains": hashes} if hashes else {}

    def beside(self, config: TaskConfig, progress: Progress | None) -> TaskFamily:
        """A family of the same kind with other data or settings, whose inputs mean what its own do.

        Raises
        ------
        DataError
            If there is no such way.
        """
        return type(self).opened(config, progress, self.reading)

    @property
    def problem(self) -> Problem:
        """What kind of task it is."""
        return self.shape.problem

    @property
    def size(self) -> EpisodeSize:
        """The episodes that the configuration asks for."""
        return self.config.episode_size

    @property
    def segments(self) -> int:
        """Segments of a training stream that drifts; 1 where the tasks come from one distribution."""
        drift = self.config.drift if isinstance(self.config, Drifts) else None
        return 1 if drift is None else drift.segments

    @property
    def shift(self) -> Domain | None:
        """Another distribution that the configuration names, which runs are tested on too; None where there
        is none."""
        return None

    def names_in(self, split: Split) -> Sequence[str]:
        """The classes, languages, functions or subjects of a split; empty where they have no names."""
        return ()

    @abstractmethod
    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        """Draw ``count`` tasks of a split, on the family's device.

        Parameters
        ----------
        split : ``train``, ``validation`` or ``test``; classes of different splits never meet.
        count : T, the number of tasks.
        generator : a CPU generator; the episode is a function of its state alone.
        size : ways, shots and queries, where they differ from the configuration's.
        segment : of the drifting stream, from 0; None draws from all of them. Only the ``train`` split of
            a family with classes has segments; the others do not drift.
        """

    split_looked_at: Split = "validation"
    """Whose tasks people look at."""

    def most_looked_at(self, split: Split) -> int | None:
        """How many tasks of a split there are to be looked at; None: as many as anybody wants."""
        return None

    def looked_at(self, split: Split, number: int, generator: torch.Generator, size: EpisodeSize) -> Episode:
        """One task for people to look at, as :meth:`sample` draws it; there may be more queries, of weight 0,
        where these make a curve.

        Parameters
        ----------
        number : of the task, from 0, where tasks are counted.
        """
        return self.sample(split, 1, generator, size)

    def hidden(self, episode: Episode) -> dict[str, Tensor]:
        """The numbers behind T tasks that nobody tells a learner, ``[T]`` by name, where these are few."""
        found: dict[str, Tensor] = {}
        for name, each in episode.task.items():
            numbers = each.flatten(1).unbind(1) if each.dim() > 1 else [each]
            names = [name] if len(numbers) == 1 else [f"{name} {at}" for at in range(1, len(numbers) + 1)]
            found |= dict(zip(names, numbers, strict=True)) if len(numbers) <= FEW_HIDDEN else {}
        return found

    @abstractmethod
    def data_hash(self) -> str:
        """SHA-256 of everything that the episodes are drawn from, splits included."""

    @abstractmethod
    def describe(self) -> Mapping[str, object]:
        """What the data is, for people: classes, examples, sizes of the splits (JSON types)."""

    def excerpt(
        self,
        split: Split,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        *,
        count: int = 1,
        index: int = 0,
    ) -> Excerpt | None:
        """A task that :meth:`sample` draws from a generator in the same state, in words; None where there are
        no classes.

        Parameters
        ----------
        count, index : how many are drawn, and which of them is meant.
        """
        return None

    def case_files(self) -> CaseFiles:
        """How a new task of this kind is read from files.

        Raises
        ------
        DataError
            If there is no way; the message says what there is instead.
        """
        raise DataError(f"{self.title}: a new task of this kind cannot be read from files")

    def check(self, size: EpisodeSize, split: Split) -> None:  # noqa: B027 (nothing to check by default)
        """Refuse an episode size that a split cannot give.

        Raises
        ------
        DataError
            For more ways than classes, or fewer examples in a class than shots + queries.
        """

    def fewest_examples(self, split: Split) -> int:
        """Examples that every class of a split has; 0 where there are none to be counted."""
        return 0

    def to(self, device: torch.device) -> TaskFamily:
        """Keep the data on a device, so that episodes are gathered there."""
        self.device = device
        return self

    device: torch.device = torch.device("cpu")
