"""What the families that learn from a person's own data have in common."""

from __future__ import annotations

from workbench.data.found import Found
from workbench.data.registry import Manifest
from workbench.settings import misfit
from workbench.tasks.base import DataError
from workbench.tasks.class_splits import ClassSplit


def one_of_both(path: str | None, dataset: str | None, *, needed: str, optional: bool = False) -> None:
    """Refuse a section that names a file and an imported set, or neither where one is needed.

    Raises
    ------
    ValidationError
        At the field that is wrong.
    """
    if path and dataset:
        raise misfit(("dataset",), "give a path or the name of an imported set, not both")
    if not (path or dataset or optional):
        raise misfit(("path",), f"is missing; give {needed}, or the name of an imported set as dataset")


def of_the_set(split: ClassSplit, manifest: Manifest) -> ClassSplit:
    """The split that an experiment asks for, or else the one that the set was imported with.

    Raises
    ------
    DataError
        If the set's own cannot be read.
    """
    if split != ClassSplit():
        return split
    try:
        return ClassSplit.model_validate(manifest.split)
    except ValueError:  # a ValidationError is one too
        raise DataError(f"the data set {manifest.name!r} is damaged; import it again") from None


def of_the_source(split: ClassSplit, found: Found) -> ClassSplit:
    """The split that an experiment asks for, or else the one that a file or a folder comes with."""
    given = found.given_split() if split == ClassSplit() else None
    return split if given is None else ClassSplit.model_validate(given)
