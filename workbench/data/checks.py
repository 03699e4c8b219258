"""What is wrong, or odd, in data that can be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.config import Split
from workbench.data.found import LEFT_OUT, NOT_GIVEN, Finding, Ints, Kind, about
from workbench.words import shown

USUAL = 16
"""Examples of a class that an episode with 1 shot and 15 queries needs."""

_SPLITS = ("train", "validation", "test")


def duplicates(
    digests: Sequence[bytes],
    labels: Ints,
    given: NDArray[np.int8],
    names: Sequence[str],
    origin: Callable[[int], str],
) -> list[Finding]:
    """Examples of the same content: within a class, in two classes, in two splits of the source."""
    within, between, across = 0, [], []
    for same in _same(digests):
        classes = sorted({int(labels[index]) for index in same})
        splits = sorted({int(given[index]) for index in same} - {NOT_GIVEN, LEFT_OUT})
        pair = " = ".join(origin(index) for index in same[:2])
        if len(splits) > 1:
            across.append(f"{pair} ({' and '.join(_SPLITS[code] for code in splits)})")
        if len(classes) > 1:
            between.append(f"{pair} ({' and '.join(shown(names[each]) for each in classes[:2])})")
        else:
            within += len(same) - 1
    text = f"{len(across):,} examples occur in more than one split of the source"
    findings = about("duplicates across given splits", text, across, most=2)
    text = f"{len(between):,} examples occur in more than one class"
    findings += about("duplicates across classes", text, between, most=2)
    if within:
        text = f"{within:,} {'examples repeat' if within > 1 else 'example repeats'} another one of its class"
        findings.append(Finding("duplicates", text, within))
    return findings


def duplicates_across(
    digests: Sequence[bytes],
    labels: Ints,
    origin: Callable[[int], str],
    members: Mapping[Split, Sequence[int]],
) -> list[Finding]:
    """Examples of the same content in two of the splits that were chosen: the test would be seen before."""
    part_of: dict[int, str] = {index: part for part, indices in members.items() for index in indices}
    found = []
    for same in _same(digests):
        parts = {part_of[int(labels[index])] for index in same if int(labels[index]) in part_of}
        if len(parts) > 1:
            pair = " = ".join(origin(index) for index in same[:2])
            found.append(f"{pair} ({' and '.join(sorted(parts))})")
    text = f"{len(found):,} examples occur in more than one split"
    return about("duplicates across splits", text, found, most=2)


def small_classes(names: Sequence[str], labels: Ints, kind: Kind) -> list[Finding]:
    """Classes with too few examples for the usual episode."""
    if kind in ("subjects", "translation"):  # how many examples they need, an experiment says
        return []
    counts = np.bincount(labels, minlength=len(names))
    small = np.flatnonzero(counts < USUAL)
    what = "tasks have" if kind == "functions" else "classes have"
    listed = [f"{shown(names[index])} ({counts[index]})" for index in small[counts[small].argsort()]]
    needs = f"fewer than {USUAL} examples (1 shot and 15 queries)"
    return about("small classes", f"{len(small):,} {what} {needs}", listed)


def _same(digests: Sequence[bytes]) -> list[list[int]]:
    """Examples of the same content, where there are two or more."""
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        places[digest].append(index)
    return [each for each in places.values() if len(each) > 1]
