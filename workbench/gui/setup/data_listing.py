"""What is in a person's data, whether episodes can be drawn from it, and its registration: worker jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.config import SPLITS, TaskConfig
from workbench.errors import InputError
from workbench.words import several, tr

if TYPE_CHECKING:
    from workbench.config import Split
    from workbench.data.found import Found
    from workbench.data.prepared import Prepared
    from workbench.data.reading import Reading

THUMBNAIL = 44
SAMPLES = 9
CURVES = 5
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Listing:
    """Classes (or tasks), their groups and sizes, and a few samples.

    Attributes
    ----------
    kind : ``images``, ``text``, ``functions`` or ``subjects``.
    given : the split that the source has, where it has one that can be used.
    pictures : name, width, height, RGB bytes.
    sentences : class and text.
    curves : task (or subject) and points ``[n, 2]``, sorted by x.
    reading : how it is read.
    columns, recognised : of a table of subjects the names of its columns, and what each was taken for.
    """

    path: str
    kind: str
    layout: str
    names: tuple[str, ...]
    groups: tuple[str, ...]
    counts: tuple[int, ...]
    given: dict[str, list[str]] | None
    found: Found
    reading: Reading
    pictures: tuple[tuple[str, int, int, bytes], ...] = ()
    sentences: tuple[tuple[str, str], ...] = ()
    curves: tuple[tuple[str, NDArray[Any]], ...] = ()
    columns: tuple[str, ...] = ()
    recognised: Mapping[str, str] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The task family that learns from it."""
        return self.kind

    @property
    def units_are(self) -> str:
        """What is divided into splits, with a capital: ``Classes``."""
        from workbench.importing import UNITS

        return several(UNITS[self.kind][0]).capitalize()

    def summary(self) -> str:
        """In words: ``5 groups, 136 classes, 2,720 images (20 in each class)``."""
        from workbench.importing import UNITS, counted

        return counted(self.groups, self.counts, *UNITS[self.kind])

    def units(self, whole_groups: bool) -> dict[str, int]:
        """The groups, or the classes, that a split may name, with the number of classes in each."""
        found: dict[str, int] = {}
        for name, group in zip(self.names, self.groups, strict=True):
            unit = (group or name) if whole_groups else name
            found[unit] = found.get(unit, 0) + 1
        return found


def look_into(path: str, progress: Progress, reading: Reading | None = None) -> Listing:
    """List what is there; runs in the worker thread.

    Raises
    ------
    DataError
        If it is none of the layouts.
    """
    from workbench.data.found import FoundFunctions, FoundImages, FoundPairs, FoundSubjects, FoundText
    from workbench.data.look import look
    from workbench.data.reading import NOW
    from workbench.data.subjects import columns_in

    progress(0.0, tr("Looking into the data"))
    reading = reading or NOW
    found = look(Path(path), reading, progress=progress)
    samples: dict[str, Any] = {}
    match found:
        case FoundImages():
            samples["pictures"] = _pictures(found, progress)
        case FoundText():
            samples["sentences"] = tuple(
                (found.names[c], found.texts[first][:300]) for c, first in _first_of(found, SAMPLES)
            )
        case FoundPairs():
            samples["sentences"] = tuple(
                (found.names[c], " → ".join(found.pairs[first])[:300])
                for c, first in _first_of(found, SAMPLES)
            )
        case FoundSubjects():
            curves = []
            for c, first in _first_of(found, CURVES):
                own = slice(first, first + found.counts[c])
                curves.append((found.names[c], np.stack([found.time[own], found.y[own]], 1)))
            samples |= {"curves": tuple(curves), "columns": columns_in(Path(path))}
            samples["recognised"] = {name: str(word) for name, word in found.told.items() if word}
        case FoundFunctions():
            curves = []
            for c, first in _first_of(found, CURVES):
                own = slice(first, first + found.counts[c])
                points = np.stack([found.x[own, 0], found.y[own, 0]], 1)
                curves.append((found.names[c], points[points[:, 0].argsort()]))
            samples["curves"] = tuple(curves)
    return Listing(
        path, found.kind, found.layout, found.names, found.groups, found.counts, found.given_split(), found,
        reading,
        **samples,
    )  # fmt: skip


@dataclass(frozen=True)
class Unfit:
    """What cannot be read as it is: why, and the columns of a table, to say what they are."""

    error: InputError
    columns: tuple[str, ...]


def look_or_offer(path: str, progress: Progress, reading: Reading) -> Listing | Unfit:
    """The same, or why not."""
    from workbench.data.subjects import columns_in
    from workbench.data.texts import TABLES

    try:
        return look_into(path, progress, reading)
    except InputError as error:
        table = Path(path).suffix.lower() in TABLES
        return Unfit(error, columns_in(Path(path)) if table else ())


def _first_of(found: Found, most: int) -> list[tuple[int, int]]:
    """Some classes, far apart, and the row of the first example of each."""
    count = min(most, len(found.names))
    first = np.concatenate([[0], np.cumsum(found.counts)])
    chosen = [number * len(found.names) // count for number in range(count)]
    return [(c, int(first[c])) for c in chosen]


def _pictures(found: Any, progress: Progress) -> tuple[tuple[str, int, int, bytes], ...]:
    from workbench.data.pictures import BAD_PICTURE, open_picture, upright

    pictures = []
    with found.opening() as read:
        for number, (c, row) in enumerate(_first_of(found, SAMPLES)):
            progress(number / SAMPLES, tr("Reading samples"))
            try:
                with open_picture(read(row)) as opened:
                    image = upright(opened, 2 * THUMBNAIL).convert("RGB")
            except BAD_PICTURE:  # is listed when all are read
                continue
            image.thumbnail((2 * THUMBNAIL, 2 * THUMBNAIL))
            pictures.append((found.names[c], *image.size, image.tobytes()))
    return tuple(pictures)


def check_all(listing: Listing, config: TaskConfig | None, progress: Progress) -> Prepared:
    """Read and check every example; runs in the worker thread.

    Raises
    ------
    DataError
        If nothing of it can be read.
    """
    from workbench.data.cached import prepared_at

    size, channels = (getattr(config, name, None) for name in ("size", "channels"))
    reading = replace(listing.reading, size=size, channels=channels)
    return prepared_at(Path(listing.path), reading, progress=progress)


def fits(prepared: Prepared, config: TaskConfig) -> bool:
    """Whether images were read in the form that the task asks for."""
    if prepared.kind != "images":
        return True
    channels, size = prepared.arrays["pixels"].shape[1:3]
    return (size, channels) == (getattr(config, "size", size), getattr(config, "channels", channels))


def register(
    prepared: Prepared, config: TaskConfig, name: str, *, replace: bool, skip_unreadable: bool
) -> str:
    """Register a set under a name, with the task's split; runs in the worker thread. Returns the name.

    Raises
    ------
    DataError
        If the name is not free, or the split does not fit.
    """
    from workbench import importing

    fields: Any = config
    planned = importing.divided(prepared, fields.split)
    done = importing.register(planned, name, replace=replace, skip_unreadable=skip_unreadable)
    return done.name


def met_across(prepared: Prepared, config: TaskConfig) -> list[str]:
    """What the task's split has in two of its parts, in words; nothing where it does not fit."""
    from workbench import importing
    from workbench.errors import DataError

    fields: Any = config
    try:
        found = importing.divided(prepared, fields.split).findings
    except DataError:  # is said where the split is chosen
        return []
    return [each.text for each in found[len(prepared.findings) :]]


def name_taken(name: str) -> tuple[str, bool]:
    """What is wrong with a name for a set; and whether replacing the set of that name would mend it."""
    from workbench.data import registry
    from workbench.errors import DataError

    try:
        registry.check_name(name)
    except DataError as error:
        return str(error), False
    try:
        registry.check_free(name)
    except DataError as error:
        return str(error), True
    return "", False


def divided(listing: Listing, config: TaskConfig) -> dict[Split, list[int]]:
    """The classes of each split.

    Raises
    ------
    DataError
        If the split does not fit the classes.
    """
    from workbench.tasks.class_splits import divide

    split: Any = getattr(config, "split")  # noqa: B009 (only some families have one)
    return divide(listing.names, listing.groups, split)


def check_fit(listing: Listing, config: TaskConfig) -> dict[Split, int]:
    """The number of classes in each split, if episodes of that size can be drawn.

    Raises
    ------
    DataError
        If not; the message says what would fit.
    """
    import torch

    from workbench.errors import DataError
    from workbench.importing import UNITS
    from workbench.tasks.classes import ClassFamily, ClassPool

    if listing.kind == "subjects":
        return _fit_subjects(listing, config)
    members = divided(listing, config)
    if "classes" not in config.gives():
        _, shots, queries = config.episode_size
        needed = shots + queries
        for split in SPLITS:
            scarcest = min(members[split], key=listing.counts.__getitem__)
            if listing.counts[scarcest] < needed:
                raise DataError(
                    f"task {listing.names[scarcest]!r} of the {split} split has {listing.counts[scarcest]} "
                    f"{UNITS[listing.kind][1]}, but {shots} shots + {queries} queries need {needed}"
                )
        return {split: len(members[split]) for split in SPLITS}
    blank = torch.zeros(1, 1, 1, 1, dtype=torch.uint8).expand(sum(listing.counts), 1, 1, 1)
    pool = ClassPool(blank, listing.counts, listing.names, listing.groups)
    fields: Any = config
    family = ClassFamily(fields, pool, members, rotations=getattr(fields, "rotations", False))
    classes = family.describe()["classes"]
    assert isinstance(classes, dict)
    return classes


def fit_in_words(listing: Listing, config: TaskConfig) -> str:
    """The same in a line: ``Classes: train 6, validation 2, test 2``."""
    if listing.kind == "subjects" and (told := _folds_in_words(listing, config)):
        return told
    counts = check_fit(listing, config)
    return f"{listing.units_are}: " + ", ".join(f"{split} {count}" for split, count in counts.items())


def _fit_subjects(listing: Listing, config: TaskConfig) -> dict[Split, int]:
    """The number of subjects with enough samples in each split."""
    from workbench.tasks.subject_tables import SubjectTable
    from workbench.tasks.subjects import divided_among

    found: Any = listing.found
    table = SubjectTable.found(found)
    fields: Any = config
    serve = table.serving(fields.shots, fields.until)
    members = divided_among(table, serve, fields)
    return {split: len(members[split]) for split in SPLITS}


def _folds_in_words(listing: Listing, config: TaskConfig) -> str:
    """How many subjects are in how many folds; empty where there are none."""
    from workbench.tasks.subjects import folds_of

    fields: Any = config
    count = _fit_subjects(listing, config)["test"]
    folds, _ = folds_of(count, fields)
    return (
        tr("Subjects: {} in {} folds, each tested by a learner of the others", count, folds) if folds else ""
    )
