"""What a reader finds in a source, in the same words for every layout."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.words import shown

Kind = Literal["images", "text", "functions", "subjects", "sentence_pairs", "translation"]
"""Of data; each is named as the task family that learns from it."""
Ints = NDArray[np.int64]
NOT_GIVEN = -1
LEFT_OUT = -2
"""Instead of a split: the source names none for an example; or it has splits, and keeps it out of them."""
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "meta_train", "metatrain", "base"), 0),
    **dict.fromkeys(("val", "valid", "validation", "dev", "meta_val", "metaval"), 1),
    **dict.fromkeys(("test", "testing", "eval", "meta_test", "metatest", "novel"), 2),
}
"""What authors call the three splits."""

_LONGEST = 300  # letters of what a finding names: two examples with their classes


@dataclass(frozen=True)
class Finding:
    """Something worth knowing before the data is used.

    Attributes
    ----------
    what : for programs: ``duplicates``, ``small classes``, ``constant``, ``left out``.
    text : for people, one line.
    count : how many examples or classes it is about.
    examples : the first few of them.
    """

    what: str
    text: str
    count: int
    examples: tuple[str, ...] = ()


def about(
    what: str, text: str, names: Sequence[str], count: int | None = None, most: int = 3
) -> list[Finding]:
    """A finding whose text ends with the first few of the names that it is about; none if there are no names.

    Parameters
    ----------
    count : of examples, if it is not that of the names.
    """
    if not names:
        return []
    listed = [shown(name, _LONGEST) for name in names[:3]]
    told = some([*listed[:most], *names[most:]], most)
    return [Finding(what, f"{text}: {told}", len(names) if count is None else count, tuple(listed))]


class Unreadable(NamedTuple):
    """One example that cannot be read: what it is called, and why."""

    origin: str
    why: str


class Page(NamedTuple):
    """One page of a film."""

    content: bytes
    number: int


Picture = bytes | Page | NDArray[np.uint8]
"""A file's bytes, one of its pages, or pixels ``[h, w]`` or ``[h, w, 3]``."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Examples of classes, sorted by class.

    Attributes
    ----------
    layout : of their source, in words: class folders, split files, …
    names, groups : of the classes (of the tasks, for functions); an empty group is none.
    labels : the class of each example ``[N]``, ascending.
    given : the split that the source puts each example into: 0, 1, 2, or one of the two above.
    findings : what reading has shown.
    unreadable : what has been left out.
    """

    layout: str
    names: tuple[str, ...]
    groups: tuple[str, ...]
    labels: Ints
    given: NDArray[np.int8]
    findings: tuple[Finding, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of examples of each class."""
        return tuple(np.bincount(self.labels, minlength=len(self.names)).tolist())

    def given_split(self) -> dict[str, list[str]] | None:
        """The classes of each split as the source has them, whole groups by the group's name.

        None where a split is missing, or a class is in two of them.
        """
        labels, given, names, groups = self.labels, self.given, self.names, self.groups
        parts: list[set[int]] = [set(np.unique(labels[given == code]).tolist()) for code in range(3)]
        if not all(parts) or sum(map(len, parts)) != len(set().union(*parts)):
            return None
        if (given == NOT_GIVEN).any():
            return None
        of_group: dict[str, set[int]] = {}
        for index, group in enumerate(groups):
            of_group.setdefault(group, set()).add(index)
        split = {}
        for code, key in enumerate(("train", "validation", "test")):
            units = {
                groups[index] if groups[index] and of_group[groups[index]] <= parts[code] else names[index]
                for index in parts[code]
            }
            split[key] = sorted(units)
        return split


@dataclass(frozen=True, kw_only=True)
class Found(Examples, ABC):
    """What is in a source, at the path ``where``; within a class in the order of the examples' names."""

    kind: ClassVar[Kind]
    where: Path

    @abstractmethod
    def origin(self, index: int) -> str:
        """What to call an example when talking about it."""


@dataclass(frozen=True, kw_only=True)
class FoundImages(Found):
    """Images that are yet to be read: ``opening`` gives a function from an example's index to its content."""

    kind: ClassVar[Kind] = "images"
    origins: Sequence[str] = field(repr=False)
    opening: Callable[[], contextlib.AbstractContextManager[Callable[[int], Picture]]] = field(repr=False)

    def origin(self, index: int) -> str:
        return shown(self.origins[index])


@dataclass(frozen=True, kw_only=True)
class FoundText(Found):
    """Texts.

    Attributes
    ----------
    order : the place of each among those that were read; empty where nobody has kept it.
    """

    kind: ClassVar[Kind] = "text"
    texts: Sequence[str] = field(repr=False)
    order: Sequence[int] = field(repr=False, default=())

    def origin(self, index: int) -> str:
        return quoted(self.texts[index])


@dataclass(frozen=True, kw_only=True)
class FoundSentencePairs(FoundText):
    """Pairs of texts with a label, each as one text, ``BETWEEN`` the two."""

    kind: ClassVar[Kind] = "sentence_pairs"


BETWEEN = "\u2002→\u2002"
"""Stands between the two texts of a pair; no text has its blanks, of which reading makes plain ones."""


@dataclass(frozen=True, kw_only=True)
class FoundFunctions(Found):
    """Points of functions: inputs ``[N, d]`` and values ``[N, o]``, float64; each task is one function.

    By the rules of version 1 they are float32.
    """

    kind: ClassVar[Kind] = "functions"
    x: NDArray[np.floating] = field(repr=False)
    y: NDArray[np.floating] = field(repr=False)

    def origin(self, index: int) -> str:
        return f"a point of task {shown(self.names[int(self.labels[index])])}"


@dataclass(frozen=True, kw_only=True)
class FoundSubjects(Found):
    """Samples of subjects, each of which is a class: sorted by subject, then by time.

    Attributes
    ----------
    time, y : of each sample, ``[N]``.
    doses : number of the subject, time and amount of each dose, ``[doses, 3]``.
    covariates : what is known of each subject, ``[subjects, covariates]``; NaN where it is not.
    told : names and units, in JSON types.
    """

    kind: ClassVar[Kind] = "subjects"
    time: NDArray[np.float64] = field(repr=False)
    y: NDArray[np.float64] = field(repr=False)
    doses: NDArray[np.float64] = field(repr=False)
    covariates: NDArray[np.float64] = field(repr=False)
    told: Mapping[str, object]

    def origin(self, index: int) -> str:
        return f"a sample of subject {shown(self.names[int(self.labels[index])])}"


@dataclass(frozen=True, kw_only=True)
class FoundPairs(Found):
    """Pairs of a source and a target; each language is a class."""

    kind: ClassVar[Kind] = "translation"
    pairs: Sequence[tuple[str, str]] = field(repr=False)

    def origin(self, index: int) -> str:
        return quoted(self.pairs[index][0])


def quoted(text: str) -> str:
    """What a text is called: its beginning."""
    return repr(shown(text[:80]))


def notes_of_a_path(findings: Iterable[Finding], rules: int) -> tuple[str, ...]:
    """What is to be said of a file that an experiment names; options that it mentions are those of an import.

    A run that was begun by the rules of version 1 is read as it was then, and told nothing.
    """
    texts = [each.text for each in findings if rules > 1 and each.what != "small classes"]
    return tuple(each.replace("(--", "(import --").replace(": --range", ": import --range") for each in texts)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
