"""Which classes a family meta-trains on, validates on and tests on: ``[task.split]``."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Collection, Sequence
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator

from workbench.config import SPLITS, Split
from workbench.settings import Section, setting
from workbench.tasks.base import DataError
from workbench.words import shown

Names = Annotated[tuple[str, ...], Field(strict=False)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Fractions = Annotated[tuple[Fraction, Fraction, Fraction], Field(strict=False)]

FRACTIONS = (0.6, 0.2, 0.2)


class ClassSplit(Section):
    """Classes by name in three lists, or drawn by seed. A group's name stands for all its classes."""

    train: Names | None = setting(None, help="Groups or classes for meta-training.")
    validation: Names | None = setting(None, help="Groups or classes for meta-validation.")
    test: Names | None = setting(None, help="Groups or classes for meta-test.")
    fractions: Fractions | None = setting(
        None, help="Parts for train, validation and test, drawn by seed.", empty="0.6, 0.2, 0.2"
    )
    seed: int | None = setting(None, ge=0, lt=2**32, help="Seed of the draw.", empty="0")
    by: Literal["group", "class"] | None = setting(
        None, label="Drawn by", help="Draw whole groups or single classes.", empty="groups if there are any"
    )

    whole: ClassVar[bool] = False
    """Whether all classes are in every split, since nothing is trained on them."""

    @property
    def named(self) -> bool:
        """Whether the classes are named, not drawn."""
        return self.train is not None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        missing = [split for split in SPLITS if getattr(self, split) is None]
        if 0 < len(missing) < len(SPLITS):
            raise ValueError(f"{' and '.join(missing)} missing; train, validation and test are all needed")
        if not missing and (self.fractions, self.seed, self.by) != (None, None, None):
            raise ValueError("give either train, validation and test, or fractions, seed and by")
        if self.fractions is not None and not math.isclose(sum(self.fractions), 1.0, abs_tol=1e-6):
            raise ValueError(f"the fractions {list(self.fractions)} do not add up to 1")
        return self


class Whole(ClassSplit):
    """All classes of data that nothing is trained on, or some by name. No file says so: it follows from what
    a domain is."""

    whole = True


def divide(names: Sequence[str], groups: Sequence[str], split: ClassSplit) -> dict[Split, list[int]]:
    """The classes of each split, as indices in ascending order.

    Parameters
    ----------
    names, groups : of every class; an empty group is none.
    split : how to divide them. Named classes need not be all of them.

    Raises
    ------
    DataError
        For an empty split, an unknown name, a class in two splits, or too few classes to draw from.
    """
    if split.whole:
        test = marked(names, groups, split.test or (), "task.split.test")
        found = [index for index, meant in enumerate(test) if meant or split.test is None]
        return dict.fromkeys(SPLITS, found)
    return _by_name(names, groups, split) if split.named else _by_draw(names, groups, split)


def marked(names: Sequence[str], groups: Sequence[str], wanted: Sequence[str], where: str) -> list[bool]:
    """Which classes are meant by names of classes (in full, or within their group) or of groups.

    Raises
    ------
    DataError
        If a name is of none; ``where`` it stands is said.
    """
    meant = [
        {_composed(key) for key in (name, group, name.rpartition("/")[2])}
        for name, group in zip(names, groups, strict=True)
    ]
    for name in wanted:
        if not any(_composed(name) in each for each in meant):
            known = {key for each in meant for key in each - {""}}
            raise DataError(f"{where}: no group or class is named {name!r}; {_hint(name, known)}")
    asked = set(map(_composed, wanted))
    return [bool(asked & each) for each in meant]


def _by_name(names: Sequence[str], groups: Sequence[str], split: ClassSplit) -> dict[Split, list[int]]:
    meant: dict[str, list[int]] = {}
    for index, (name, group) in enumerate(zip(names, groups, strict=True)):
        for key in {name, group} - {""}:
            meant.setdefault(_composed(key), []).append(index)
    owner: dict[int, Split] = {}
    for part in SPLITS:
        wanted = getattr(split, part)
        if not wanted:
            raise DataError(f"task.split.{part} is empty; it needs at least one group or class")
        for name in wanted:
            if _composed(name) not in meant:
                raise DataError(
                    f"task.split.{part}: no group or class is named {name!r}; {_hint(name, meant)}"
                )
            for index in meant[_composed(name)]:
                if owner.setdefault(index, part) != part:
                    raise DataError(
                        f"task.split: {name!r} is in {owner[index]} and in {part}; "
                        "a group or class belongs in one split only"
                    )
    return {part: sorted(index for index in owner if owner[index] == part) for part in SPLITS}


def _by_draw(names: Sequence[str], groups: Sequence[str], split: ClassSplit) -> dict[Split, list[int]]:
    if split.by == "group" and not any(groups):
        raise DataError("task.split.by is 'group', but the classes have no groups; use by = \"class\"")
    whole = split.by == "group" or (split.by is None and any(groups))
    unit_of = [group or name for name, group in zip(names, groups, strict=True)] if whole else list(names)
    units = sorted(set(unit_of))
    if len(units) < len(SPLITS):
        what = "groups" if whole else "classes"
        mend = "divide it by class" if whole else "add some, or call the column that holds them label"
        raise DataError(
            f"three splits need three {what} or more, but there are {len(units)}: {_some(units)}; {mend}"
        )
    _, *rest = split.fractions or FRACTIONS
    validation, test = (max(1, round(fraction * len(units))) for fraction in rest)
    validation = min(validation, len(units) - 2)  # leaves one for each of the others
    train = max(1, len(units) - validation - test)
    order = torch.randperm(len(units), generator=torch.Generator().manual_seed(split.seed or 0)).tolist()
    part_of: dict[str, Split] = {}
    for place, index in enumerate(order):
        part_of[units[index]] = (
            "train" if place < train else "validation" if place < train + validation else "test"
        )
    return {part: [i for i, unit in enumerate(unit_of) if part_of[unit] == part] for part in SPLITS}


def _composed(name: str) -> str:
    """Some systems write é as e and an accent; both are the same name."""
    return unicodedata.normalize("NFC", name)


def _hint(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(_composed(name), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {_some(sorted(known))}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
