"""The splits that a published source comes with, and the one that it lacks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.data.found import LEFT_OUT, NOT_GIVEN, SPLIT_NAMES, Finding, Ints, about
from workbench.words import shown

_TRAIN, _VALIDATION, _TEST = range(3)
_WORDS = ("training", "validation", "test")
_NAMES = SPLIT_NAMES | {
    **dict.fromkeys(("background", "images_background", "metatraining", "meta_training", "seen"), _TRAIN),
    **dict.fromkeys(("meta_validation", "metavalidation", "meta_valid", "metavalid"), _VALIDATION),
    **dict.fromkeys(("evaluation", "images_evaluation", "meta_testing", "metatesting", "unseen"), _TEST),
}
_MAY_BE_VALIDATION = {"eval", "evaluation"}
_PART_FOR_TEST_OR_VALIDATION = 4
"""One class in so many of those for training is drawn where a split lacks."""


def splits_of(names: Collection[str]) -> dict[str, int]:
    """The split that each name means among others, of folders, of files or in a table: 0, 1, 2; -1 for none.

    Where that leaves names over, words in them count (novel_all, trainset), if then all are splits and none
    is one that another name is exactly. eval is validation where there is a test beside it.
    """
    words = {name: _plain(name) for name in names}
    exact = {_NAMES[word] for word in words.values() if word in _NAMES}
    within = {name: _word_within(word) for name, word in words.items() if word not in _NAMES}
    more = {_NAMES.get(word, NOT_GIVEN) for word in within.values()}
    if NOT_GIVEN not in more and not more & exact and len(more | exact) > 1:
        words |= within
    codes = {name: _NAMES.get(word, NOT_GIVEN) for name, word in words.items()}
    certain = {code for name, code in codes.items() if words[name] not in _MAY_BE_VALIDATION}
    if _TEST in certain and _VALIDATION not in certain:
        codes |= {name: _VALIDATION for name, word in words.items() if word in _MAY_BE_VALIDATION}
    return codes


def may_be_split(name: str) -> bool:
    """Whether a name, or a word of it, means a split."""
    return _plain(name) in _NAMES or bool(_word_within(_plain(name)))


def unknown(words: Mapping[str, int]) -> list[Finding]:
    """That words, each in so many rows, name no split that is known."""
    count, listed = sum(words.values()), [f"{shown(word.strip())} ({n:,})" for word, n in words.items()]
    text = f"{count:,} rows name a split that is neither for training, validation nor test"
    return about("split", text, listed, count)


def completed(
    names: Sequence[str], groups: Sequence[str], labels: Ints, given: NDArray[np.int8]
) -> tuple[NDArray[np.int8], list[Finding]]:
    """The given splits with the missing one drawn out of training, and what is to be said of it.

    Nothing is changed unless training and one of the others are there, with classes of their own; then
    examples for which no split is named go with the others of their class.
    """
    given, findings = _with_their_class(names, labels, given)
    parts = [set(np.unique(labels[given == code]).tolist()) for code in range(3)]
    missing = [code for code in range(3) if not parts[code]]
    disjoint = sum(map(len, parts)) == len(set().union(*parts))
    if len(missing) != 1 or _TRAIN in missing or not disjoint:
        return given, findings
    training = sorted(parts[_TRAIN])
    inner = {groups[index] for index in training} - {""}
    whole = len(inner) >= _PART_FOR_TEST_OR_VALIDATION
    unit_of = {index: (groups[index] or names[index]) if whole else names[index] for index in training}
    # in an order that depends on nothing but the names
    units = sorted(set(unit_of.values()), key=lambda unit: hashlib.sha256(unit.encode()).digest())
    if len(units) < 2:
        return given, [*findings, _not_kept("has one training class only, from which none can be drawn")]
    lacking = _WORDS[missing[0]]
    drawn = sorted(units[: max(1, len(units) // _PART_FOR_TEST_OR_VALIDATION)])
    members = [index for index in training if unit_of[index] in set(drawn)]
    changed = given.copy()
    changed[np.isin(labels, members)] = missing[0]
    of = f"{len(drawn):,} of its {len(units):,} training {'groups' if whole else 'classes'}"
    text = f"the source has no {lacking} split; {of} are drawn for {lacking}"
    return changed, [*findings, *about("drawn split", text, drawn)]


def _with_their_class(
    names: Sequence[str], labels: Ints, given: NDArray[np.int8]
) -> tuple[NDArray[np.int8], list[Finding]]:
    """Examples without a split put into that of their class; classes without any are in none."""
    code_of = np.full(len(names), LEFT_OUT, np.int8)
    for code in range(3):
        members = np.unique(labels[given == code])
        if (code_of[members] != LEFT_OUT).any():
            return given, []  # splits are those of examples
        code_of[members] = code
    present, without = set(code_of.tolist()) - {LEFT_OUT}, given == NOT_GIVEN
    if not present or not (without.any() or _TRAIN not in present):
        return given, []
    if _TRAIN not in present or len(present) < 2:
        return given, [
            _not_kept(f"names splits for {' and '.join(_WORDS[code] for code in sorted(present))} only")
        ]
    changed = np.where(without, code_of[labels], given)
    followed = np.flatnonzero(without & (changed != LEFT_OUT))
    several = [names[index] for index in np.unique(labels[followed])]
    text = f"{len(followed):,} examples name no split, and go with the others of their class"
    findings = about("split", text, several, len(followed))
    left = [names[index] for index in np.unique(labels[without & (changed == LEFT_OUT)])]
    text = f"{len(left):,} {'classes name' if len(left) > 1 else 'class names'} no split, and are in none"
    return changed, findings + about("left out", text, left)


def _not_kept(why: str) -> Finding:
    return Finding("split", f"the source {why}; its splits are not kept, and classes are divided anew", 1)


def shared_classes(names: Sequence[str], labels: Ints, given: NDArray[np.int8]) -> list[Finding]:
    """That the source's splits are of examples, not of classes."""
    parts = [set(np.unique(labels[given == code]).tolist()) for code in range(3)]
    shared = [names[index] for index in range(len(names)) if sum(index in part for part in parts) > 1]
    text = (
        f"{len(shared):,} classes are in more than one split of the source, whose splits are those of "
        "examples; they are put together, and classes are divided anew"
    )
    return about("shared classes", text, shared)


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _word_within(name: str) -> str:
    """The one word of a name that means a split; empty if there is none, or several mean different ones."""
    words = {word.removesuffix("set") for word in re.findall("[a-z]+", name)} & _NAMES.keys()
    return min(words) if len({_NAMES[word] for word in words}) == 1 else ""
