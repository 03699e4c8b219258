"""New cases of classes that a learner has never seen: pictures in folders, or texts with labels.

Classes are numbered in the order of their names: a learner with an output for each class tells them apart by
their numbers. So a task that is written as files has names that begin with ``A``, ``B``, …
"""

from __future__ import annotations

import csv
import io
import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from workbench.data.found import BETWEEN, FoundText
from workbench.data.new_pictures import Pictures, read_any, read_labelled
from workbench.data.progress import Progress
from workbench.data.reading import Reading
from workbench.data.texts import read_new_texts
from workbench.errors import DataError
from workbench.problems.diagnosis import ILL
from workbench.problems.predicted import class_names
from workbench.tasks.base import Data, Episode, Excerpt, TaskShape
from workbench.tasks.cases import Case, CaseFiles, of_shots
from workbench.tasks.text_features import words_of
from workbench.words import plural, shown

if TYPE_CHECKING:
    from workbench.tasks.classes import ClassFamily

_LOOKED_AT = 2000
"""Training pictures by which it is judged how bright pictures are."""

_DARKER = 0.02
"""By so much, from black to white, pictures may be darker or brighter than all of training."""


_PREFIX = re.compile(r"^[A-Z]+ ")
"""What the name of a class begins with where a task was written as files."""


class OneSet(NamedTuple):
    """Examples in the order of their names, which nobody need have put in classes.

    Attributes
    ----------
    x : as inputs, ``[n, *input_shape]``.
    classes, labels : the names of their classes, none where nobody says them; and the class of each.
    names, texts : what each is called, and its text, where it is one.
    """

    x: Tensor
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    texts: tuple[str, ...]
    notes: tuple[str, ...]


class ClassCase(CaseFiles):
    """What both have in common.

    Parameters
    ----------
    family : whose classes others were.
    """

    def __init__(self, family: ClassFamily) -> None:
        self._family = family

    def case(
        self,
        support: tuple[Tensor, Sequence[str], NDArray[np.int64]],
        query: tuple[Tensor, Sequence[str], NDArray[np.int64]],
        names: Sequence[str],
        notes: Sequence[str],
    ) -> Case:
        """A case out of examples, the names of their classes, and the number of each among these names."""
        x, classes, labels = support
        asked, own, own_labels = query
        family = self._family
        data = {
            "x": x[None],
            "y": torch.from_numpy(labels)[None],
            "classes": torch.arange(len(classes))[None],
        }
        query_data: Data = {"x": asked[None]}
        marks = family.ill_among([_PREFIX.sub("", name) for name in classes])
        if marks is not None:
            query_data[ILL] = torch.tensor([marks])
        if own:
            numbers = np.array([list(classes).index(name) for name in own])
            query_data["y"] = torch.from_numpy(numbers[own_labels])[None]
        told = [*notes, *self._of_the_classes(classes, labels)]
        if marks is not None and len(set(marks)) < 2:
            what = "every class counts" if marks[0] else "no class counts"
            told.append(f"{what} as ill, by task.diagnosis.ill of this run: there is nothing to tell apart")
        return Case(
            Episode(data, query_data).to(family.device),
            self._shape(len(classes)),
            family.size._replace(ways=len(classes), shots=int(np.bincount(labels).min())),
            tuple(names),
            excerpt=Excerpt(tuple(classes)),
            notes=tuple(dict.fromkeys(told)),
        )

    def _shape(self, ways: int) -> TaskShape:
        return replace(self._family.shape, outputs=ways)

    def _of_the_classes(self, classes: Sequence[str], labels: NDArray[np.int64]) -> list[str]:
        """What is to be said of ways and shots."""
        usual, ways = self._family.size.ways, len(classes)
        notes = (
            []
            if ways == usual
            else [f"{plural(ways, 'class', 'classes')}; the tasks of this run have {usual}"]
        )
        counts = np.bincount(labels, minlength=ways)
        few, many = int(counts.min()), int(counts.max())
        if few == many:
            return notes + of_shots(few, self._family, " of each class")
        shots = self._family.size.shots
        return [*notes, f"{few} to {many} support examples of a class; the tasks of this run have {shots}"]

    def refuse_one_class(self, classes: Sequence[str], path: Path) -> None:
        """Refuse a support set that tells nothing apart."""
        if len(classes) < 2:
            only = f"only the class {shown(classes[0])!r}" if classes else "no labels"
            raise DataError(f"{path}: has {only}; two classes or more are needed, with examples of each")

    @staticmethod
    def named(excerpt: Excerpt | None) -> list[str]:
        """The names that the classes of a task have in files."""
        classes = excerpt.classes if excerpt else ()
        short = class_names(len(classes))
        width = max(map(len, short), default=1)
        return [f"{letter:>0{width}} {name}".strip() for letter, name in zip(short, classes, strict=True)]

    @abstractmethod
    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]: ...

    one_set: str
    """What the files of one set are, for people."""

    @abstractmethod
    def read_set(self, path: Path, progress: Progress) -> OneSet:
        """Examples that may have labels.

        Raises
        ------
        DataError
            If they cannot be read.
        """

    @abstractmethod
    def write_set(self, x: Tensor, labels: Sequence[int], excerpt: Excerpt) -> dict[str, bytes]:
        """Inputs ``[n, *input_shape]`` as :meth:`read_set` reads them in the same order."""


class PictureFiles(ClassCase):
    """A folder with pictures for each class."""

    support = (
        "a folder or zip with a folder of pictures for each class, or an .npz file with images and labels"
    )
    query = "the same; or pictures without labels: a folder of them, or one"

    def _read(self, support: Path, query: Path, progress: Progress) -> Case:
        channels, size, _ = self._family.shape.input_shape
        reading = Reading(size=size, channels=channels)
        known = read_labelled(support, reading, progress)
        self.refuse_one_class(known.classes, support)
        asked = read_any(query, known.classes, reading, progress)
        parts, notes = [], [*known.notes, *asked.notes]
        for read, path in ((known, support), (asked, query)):
            x, told = self._inputs(read, path)
            parts.append((x, read.classes, read.labels))
            notes += told
        return self.case(parts[0], parts[1], asked.names, notes)

    one_set = "a folder of pictures, or an .npz file with images; beside them their classes, if known"

    def read_set(self, path: Path, progress: Progress) -> OneSet:
        channels, size, _ = self._family.shape.input_shape
        read = read_any(path, None, Reading(size=size, channels=channels), progress)
        x, notes = self._inputs(read, path)
        order = sorted(range(len(x)), key=lambda at: _by_number(read.names[at].rpartition("/")[2]))
        names = tuple(read.names[at] for at in order)
        return OneSet(x[order], read.classes, read.labels[order], names, (), (*read.notes, *notes))

    def write_set(self, x: Tensor, labels: Sequence[int], excerpt: Excerpt) -> dict[str, bytes]:
        names = [as_folder(name) for name in self.named(excerpt)]
        pixels = self._family.as_pixels(x)
        return {f"support/{names[label]}/{at:04d}.png": _png(pixels[at]) for at, label in enumerate(labels)}

    def _inputs(self, read: Pictures, path: Path) -> tuple[Tensor, list[str]]:
        """Pictures as inputs, and in what they are unlike those that were trained on."""
        x, inverted = self._family.of_pixels(read.pixels)
        notes = [f"{path}: dark on bright; inverted, since this run was trained on bright on dark"] * inverted
        notes += self._brightness(x, read.names, str(path))
        return x, [*notes, *self._outside(x, read.names, str(path))]

    def _brightness(self, x: Tensor, names: Sequence[str], where: str) -> list[str]:
        """That pictures are darker or brighter than all that were trained on."""
        low, high = _mean(self._seen).aminmax()
        own = _mean(x)
        outside = ((own < low - _DARKER) | (own > high + _DARKER)).nonzero()[:, 0].tolist()
        if not outside:
            return []
        first = outside[0]
        return [
            f"{where}: {plural(len(outside), 'picture')} of {len(x)} darker or brighter than all that were "
            f"trained on ({float(low):.0%} to {float(high):.0%} of white); the first: {shown(names[first])}, "
            f"{float(own[first]):.0%}"
        ]

    def _outside(self, x: Tensor, names: Sequence[str], where: str) -> list[str]:
        """That pictures have another contrast, or more or less colour, than all that were trained on."""
        notes = []
        for what, measured in (("contrast", _contrast), ("colour", _colour)):
            low, high = measured(self._seen).aminmax()
            own = measured(x)
            outside = ((own < low - _DARKER) | (own > high + _DARKER)).nonzero()[:, 0].tolist()
            if outside:
                notes.append(
                    f"{where}: {plural(len(outside), 'picture')} of {len(x)} with a {what} outside of what "
                    f"was trained on ({float(low):.0%} to {float(high):.0%}); the first: "
                    f"{shown(names[outside[0]])}, {float(own[outside[0]]):.0%}"
                )
        return notes

    @cached_property
    def _seen(self) -> Tensor:
        """Some of the pictures that were trained on, as inputs."""
        known = self._family.unlabelled()
        seen = known[:: max(1, len(known) // _LOOKED_AT)]
        return seen.float() / 255 if seen.dtype == torch.uint8 else seen.float()

    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        files = {}
        names = [as_folder(name) for name in self.named(excerpt)]
        for part, data in (("support", episode.support), ("query", episode.query)):
            labels = data["y"][0].tolist()
            pixels = self._family.as_pixels(data["x"][0])
            for index, label in enumerate(labels):
                number = labels[: index + 1].count(label)
                files[f"{part}/{names[label]}/{number:04d}.png"] = _png(pixels[index])
        return files


class TextFiles(ClassCase):
    """A table of texts with labels.

    Parameters
    ----------
    known : the texts that were trained on.
    """

    support = "texts with labels (.csv, .tsv, .jsonl, .json), in columns called text and label"
    query = "the same; labels may be missing"
    parts: ClassVar[tuple[str, ...]] = ("text",)
    """The columns of a text, or of its parts."""

    def __init__(self, family: ClassFamily, known: Sequence[str]) -> None:
        super().__init__(family)
        self._known = known

    def _texts_in(self, path: Path) -> tuple[FoundText, bool]:
        """The texts in a file, and whether they have labels."""
        return read_new_texts(path)

    def _read(self, support: Path, query: Path, progress: Progress) -> Case:
        progress(0.1, "Reading the texts")
        (known, labelled), (asked, told) = (self._texts_in(path) for path in (support, query))
        refuse_unreadable(known, asked)
        self.refuse_one_class(known.names if labelled else (), support)
        own = asked.names if told else ()
        unknown = next((name for name in own if name not in known.names), None)
        if unknown is not None:
            names = shown(", ".join(known.names))
            raise DataError(
                f"{query}: the label {shown(unknown)!r} is none of the support set, which has {names}"
            )
        notes = [each.text for each in (*known.findings, *asked.findings)]
        notes += [*self._unlike(known, support), *self._unlike(asked, query)]
        progress(0.3, f"Learning the words of {len(self._known):,} texts")
        x = self._family.of_texts([*known.texts, *asked.texts])
        count = len(known.texts)
        case = self.case(
            (x[:count], known.names, known.labels),
            (x[count:], own, asked.labels),
            [f"text {number}" for number in range(1, len(asked.texts) + 1)],
            notes,
        )
        by_class = tuple(
            tuple(text for text, label in zip(known.texts, known.labels, strict=True) if label == number)
            for number in range(len(known.names))
        )
        return replace(case, excerpt=Excerpt(known.names, by_class, (tuple(asked.texts),)))

    one_set = "texts (.csv, .tsv, .jsonl, .json) in a column called text; beside it label, if known"

    def read_set(self, path: Path, progress: Progress) -> OneSet:
        progress(0.1, "Reading the texts")
        found, labelled = self._texts_in(path)
        refuse_unreadable(found)
        order = np.argsort(found.order)
        texts = tuple(found.texts[at] for at in order)
        progress(0.3, f"Learning the words of {len(self._known):,} texts")
        notes = (*(each.text for each in found.findings), *self._unlike(found, path))
        names = tuple(f"text {number}" for number in range(1, len(texts) + 1))
        classes = found.names if labelled else ()
        return OneSet(self._family.of_texts(texts), classes, found.labels[order], names, texts, notes)

    def write_set(self, x: Tensor, labels: Sequence[int], excerpt: Excerpt) -> dict[str, bytes]:
        names, (texts,) = self.named(excerpt), excerpt.query
        return {"support.csv": self._table((text, names[at]) for text, at in zip(texts, labels, strict=True))}

    def _unlike(self, found: FoundText, path: Path) -> list[str]:
        """In what texts are unlike those that were trained on."""
        words = [words_of(text) for text in self._known]
        heard = {word for own in words for word in own}
        shortest, longest = min(map(len, words)), max(map(len, words))
        return [
            *_unheard(found.texts, heard, str(path)),
            *_of_length(found.texts, shortest, longest, str(path)),
        ]

    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        assert excerpt is not None
        names = self.named(excerpt)
        files = {}
        for part, texts in (("support", excerpt.support), ("query", excerpt.query)):
            rows = ((text, name) for name, own in zip(names, texts, strict=True) for text in own)
            files[f"{part}.csv"] = self._table(rows)
        return files

    def _table(self, rows: Iterable[tuple[str, str]]) -> bytes:
        """A table of texts and labels."""
        file = io.StringIO()
        written = csv.writer(file, lineterminator="\n")
        written.writerow([*self.parts, "label"])
        written.writerows([*text.split(BETWEEN, len(self.parts) - 1), label] for text, label in rows)
        return file.getvalue().encode()


def refuse_unreadable(*read: FoundText) -> None:
    """Refuse texts of which one cannot be read."""
    for found in read:
        if found.unreadable:
            first = found.unreadable[0]
            raise DataError(f"{first.origin}: {first.why}; mend or remove it")


def _by_number(name: str) -> list[tuple[int, str]]:
    """By which names are in order: 2 comes before 10."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name)]


def _unheard(texts: Sequence[str], heard: set[str], where: str) -> list[str]:
    """That texts have no word, or few, that were trained on."""
    words = [words_of(text) for text in texts]
    strange = [at for at, own in enumerate(words) if not heard.intersection(own)]
    total = sum(map(len, words))
    new = sum(word not in heard for own in words for word in own)
    notes = []
    if strange:
        notes.append(
            f"{where}: {plural(len(strange), 'text')} of {len(texts)} without a word that was trained on; "
            f"the first is {shown(texts[strange[0]], 60)!r}"
        )
    if total and 2 * new > total:
        notes.append(f"{where}: {new} of {total} words never occurred in what was trained on")
    return notes


def _of_length(texts: Sequence[str], low: int, high: int, where: str) -> list[str]:
    """That texts have fewer or more words than all that were trained on."""
    lengths = [len(words_of(text)) for text in texts]
    outside = [length for length in lengths if not low <= length <= high]
    if not outside:
        return []
    return [
        f"{where}: {plural(len(outside), 'text')} of {len(texts)} with a number of words outside of what was "
        f"trained on ({low} to {high}); the first has {outside[0]}"
    ]


def _mean(x: Tensor) -> Tensor:
    """How bright pictures are, from 0 to 1."""
    return x.flatten(1).mean(1)


def _contrast(x: Tensor) -> Tensor:
    """How far the pixels of pictures are from their mean, from 0 to 1: twice their standard deviation."""
    return 2 * x.flatten(1).std(1, correction=0)


def _colour(x: Tensor) -> Tensor:
    """How far the channels of pictures are apart, from 0 (grey) to 1."""
    return (x.amax(1) - x.amin(1)).flatten(1).mean(1)


def as_folder(name: str) -> str:
    """A class's name without what a path cannot hold."""
    return re.sub(r"[^\w .,=()+-]+", "-", name)[:80].strip(" .")


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """An image ``[channels, height, width]`` as a file."""
    file = io.BytesIO()
    plain = pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
    Image.fromarray(plain).save(file, "PNG")
    return file.getvalue()
