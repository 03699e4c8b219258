"""Measures of an algorithm's own in the summaries of evaluations: ``{group: {name: {"mean", "ci95"}}}``.

A *key* names one of them: ``robust/accuracy``. Older files have no such measures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench.measures import SHIFTED, Measure
from workbench.summaries import Entry, Summary

MOST = 200
"""Names (or groups) of a stranger's file that are looked at."""


def groups(summaries: Iterable[Summary | None]) -> list[str]:
    """The groups that some summary has, in natural order."""
    return _natural(group for each in summaries for group, entries in _report(each).items() if entries)


def names(summaries: Iterable[Summary | None], group: str) -> list[str]:
    """What some summary measures in a group, in natural order."""
    return _natural(name for each in summaries for name in _report(each).get(group, {}))


def entry(summary: Summary | None, group: str, name: str) -> tuple[float | None, float | None]:
    """Mean and 95% half-width over tasks; None where there is no number."""
    found = _report(summary).get(group, {}).get(name)
    mean = found.get("mean") if found else None
    return mean, found.get("ci95") if found and mean is not None else None


def key(group: str, name: str) -> str:
    """How one measure of a group is named where there is one name only, and in the arrays of a result."""
    return f"{group}/{name}"


def parts(measure: str) -> tuple[str, str] | None:
    """The group and the name that a key is made of; None for what is no key."""
    group, slash, name = measure.partition("/")
    return (group, name) if slash else None


def last_only(measure: str) -> bool:
    """Whether it is a key of what is measured after the last inner step alone."""
    found = parts(measure)
    return found is not None and found[0] != SHIFTED


def measured_on(row: Measure) -> str:
    """What a group of a validation is measured on, in words."""
    return f"on {row.on or 'the frozen meta-validation episodes, after the last inner step'}"


def _natural(found: Iterable[str]) -> list[str]:
    """Without repetitions, and ``member 2`` before ``member 10``."""
    return sorted(dict.fromkeys(found), key=_order)[:MOST]


def _order(text: str) -> list[tuple[int, str]]:
    return [(int(each) if each.isdecimal() else -1, each) for each in re.split(r"(\d{1,9})", text)]


def _report(summary: Summary | None) -> dict[str, dict[str, Entry]]:
    return (summary or {}).get("report", {})
