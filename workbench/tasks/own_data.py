"""A person's own data: how the families that learn from it get it, whichever way it is named."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

from workbench.data import registry
from workbench.data.cached import prepared_at
from workbench.data.found import Found, Kind, notes_of_a_path, some
from workbench.data.npz import Arrays
from workbench.data.prepared import Prepared
from workbench.data.progress import Progress, silent
from workbench.data.reading import Reading
from workbench.errors import DataError
from workbench.settings import misfit
from workbench.tasks.class_splits import ClassSplit, divide

_NAMES = {
    "images": "images",
    "text": "texts",
    "functions": "functions",
    "subjects": "subjects",
    "translation": "pairs of texts",
    "sentence_pairs": "pairs of sentences with labels",
}


class Named(Protocol):
    """A section that names data: a path, or a set that was imported; and how to divide it."""

    @property
    def path(self) -> str | None: ...
    @property
    def dataset(self) -> str | None: ...
    @property
    def split(self) -> ClassSplit: ...


class OwnData(NamedTuple):
    """A prepared set, its split, and what reading did to it, unless an import has told that."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    counts: tuple[int, ...]
    split: ClassSplit
    arrays: Arrays
    notes: tuple[str, ...] = ()


def one_of_both(section: Named, *, needed: str, optional: bool = False) -> None:
    """Refuse a section that names a path and an imported set, or neither where one is needed.

    Raises
    ------
    ValidationError
        At the field that is wrong.
    """
    if section.path and section.dataset:
        raise misfit(("dataset",), "give a path or the name of an imported set, not both")
    if not (section.path or section.dataset or optional):
        raise misfit(("path",), f"is missing; give {needed}, or the name of an imported set as dataset")


def own_data(kind: Kind, section: Named, reading: Reading, progress: Progress | None = None) -> OwnData:
    """The set that a section names, and the split that it asks for, or else the set's own.

    Raises
    ------
    DataError
        If there is none, or it is damaged, incomplete, of another kind, or cannot be divided so.
    """
    if section.dataset:
        held = registry.load(section.dataset, kind)
        own = held.manifest
        try:
            split = _split(section, own.split)
        except ValueError:  # a ValidationError is one too
            raise DataError(f"the data set {own.name!r} is damaged; import it again") from None
        return OwnData(own.names, own.groups, own.counts, split, held.arrays)

    def check(found: Found | Prepared) -> None:
        if found.kind != kind:
            raise DataError(f"{section.path}: holds {found.kind}, no {_NAMES[kind]}; choose that task family")
        if found.unreadable:
            first = some([f"{each.origin} ({each.why})" for each in found.unreadable])
            raise DataError(
                f"{section.path}: cannot be read: {first}; mend or remove it, or import the data without it"
            )
        divide(found.names, found.groups, _split(section, found.given_split()))

    read = prepared_at(Path(section.path or ""), reading, progress=progress or silent, check=check)
    check(read)
    split, notes = _split(section, read.given_split()), notes_of_a_path(read.findings, reading.rules)
    return OwnData(read.names, read.groups, read.counts, split, read.arrays, notes)


def _split(section: Named, own: object) -> ClassSplit:
    kind = type(section.split)
    return section.split if section.split != kind() else kind.model_validate(own or {})
