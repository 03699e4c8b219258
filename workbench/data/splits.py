"""The splits that a published source comes with, and the one that it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, Ints, some
from workbench.words import shown

_TRAIN, _VALIDATION, _TEST = range(3)
_WORDS = ("training", "validation", "test")
_MORE_NAMES = {
    **dict.fromkeys(("background", "images_background", "metatraining", "meta_training"), _TRAIN),
    **dict.fromkeys(("meta_validation", "metavalidation", "meta_valid", "metavalid"), _VALIDATION),
    **dict.fromkeys(("evaluation", "images_evaluation", "meta_testing", "metatesting"), _TEST),
}
_MAY_BE_VALIDATION = {"eval", "evaluation"}
_PART_FOR_TEST_OR_VALIDATION = 4
"""One class in so many of those for training is drawn where a split lacks."""


def split_of(name: str) -> int:
    """The split that a folder's or a file's name, or a word in a table, means: 0, 1, 2; -1 for none."""
    plain = _plain(name)
    return _MORE_NAMES.get(plain, SPLIT_NAMES.get(plain, NOT_GIVEN))


def splits_of(names: Collection[str]) -> dict[str, int]:
    """The split that each name means among others: eval is validation where there is a test beside it."""
    codes = {name: split_of(name) for name in names}
    certain = {code for name, code in codes.items() if _plain(name) not in _MAY_BE_VALIDATION}
    if _TEST in certain and _VALIDATION not in certain:
        codes |= {name: _VALIDATION for name in names if _plain(name) in _MAY_BE_VALIDATION}
    return codes


def completed(
    names: Sequence[str], groups: Sequence[str], labels: Ints, given: NDArray[np.int8]
) -> tuple[NDArray[np.int8], list[Finding]]:
    """The given splits with the missing one drawn out of training, and what is to be said of it.

    Nothing is changed unless training and one of the others are there, with classes of their own.
    """
    parts = [set(np.unique(labels[given == code]).tolist()) for code in range(3)]
    missing = [code for code in range(3) if not parts[code]]
    disjoint = sum(map(len, parts)) == len(set().union(*parts))
    if len(missing) != 1 or _TRAIN in missing or not disjoint:
        return given, []
    training = sorted(parts[_TRAIN])
    inner = {groups[index] for index in training} - {""}
    whole = len(inner) >= _PART_FOR_TEST_OR_VALIDATION
    unit_of = {index: (groups[index] or names[index]) if whole else names[index] for index in training}
    # in an order that depends on nothing but the names
    units = sorted(set(unit_of.values()), key=lambda unit: hashlib.sha256(unit.encode()).digest())
    if len(units) < 2:
        return given, []
    lacking = _WORDS[missing[0]]
    drawn = sorted(units[: max(1, len(units) // _PART_FOR_TEST_OR_VALIDATION)])
    members = [index for index in training if unit_of[index] in set(drawn)]
    changed = given.copy()
    changed[np.isin(labels, members)] = missing[0]
    of = f"{len(drawn):,} of its {len(units):,} training {'groups' if whole else 'classes'}"
    text = f"the source has no {lacking} split; {of} are drawn for {lacking}: {shown(some(drawn))}"
    return changed, [Finding("drawn split", text, len(drawn), tuple(map(shown, drawn[:3])))]


def shared_classes(names: Sequence[str], labels: Ints, given: NDArray[np.int8]) -> list[Finding]:
    """That the source's splits are of examples, not of classes."""
    parts = [set(np.unique(labels[given == code]).tolist()) for code in range(3)]
    shared = [names[index] for index in range(len(names)) if sum(index in part for part in parts) > 1]
    if not shared:
        return []
    text = (
        f"{len(shared):,} classes are in more than one split of the source, whose splits are those of "
        f"examples; they are put together, and classes are divided anew: {shown(some(shared))}"
    )
    return [Finding("shared classes", text, len(shared), tuple(map(shown, shared[:3])))]


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
