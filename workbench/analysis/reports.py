"""Measures of an algorithm's own in the summaries of evaluations: ``{group: {name: {"mean", "ci95"}}}``.

A *key* names one of them: ``robust/accuracy``. Summaries may come from an older file, which has no such
measures, or from a stranger's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MOST = 200
"""Names (or groups) of a stranger's file that are looked at."""


def groups(summaries: Iterable[Mapping[str, Any] | None]) -> list[str]:
    """The groups that some summary has, in natural order."""
    return _natural(group for each in summaries for group in _report(each))


def names(summaries: Iterable[Mapping[str, Any] | None], group: str) -> list[str]:
    """What some summary measures in a group, in natural order."""
    return _natural(name for each in summaries for name in _group(each, group))


def entry(summary: Mapping[str, Any] | None, group: str, name: str) -> tuple[float | None, float | None]:
    """Mean and 95% half-width over tasks; None where there is no number."""
    found = _group(summary, group).get(name)
    if not isinstance(found, Mapping):
        return None, None
    mean, half = (number(found.get(each)) for each in ("mean", "ci95"))
    return mean, half if mean is not None else None


def key(group: str, name: str) -> str:
    """How one measure of a group is named where there is one name only, and in the arrays of a result."""
    return f"{group}/{name}"


def parts(measure: str) -> tuple[str, str] | None:
    """The group and the name that a key is made of; None for what is no key."""
    group, slash, name = measure.partition("/")
    return (group, name) if slash else None


def title(group: str, name: str = "") -> str:
    """For people: ``Open gates``, ``Robust accuracy``, ``Weight: member 1``."""
    text = group[:1].upper() + group[1:]
    if not name:
        return text
    return f"{text} {name}" if name in ("loss", "accuracy") else f"{text}: {name}"


def is_share(group: str, name: str = "") -> bool:
    """Whether it is an accuracy, which is shown in percent."""
    return "accuracy" in (group.rpartition(" ")[2], name)


def is_loss(group: str, name: str = "") -> bool:
    """Whether it has the unit of a loss."""
    return "loss" in (group.rpartition(" ")[2], name)


def measured_on(group: str) -> str:
    """What a group of a validation is measured on, in words."""
    if group.startswith("segment "):
        return "on frozen meta-training episodes of each segment of the stream, after the last inner step"
    if group == "tasks in memory":
        return "at each validation"
    return "on the frozen meta-validation episodes, after the last inner step"


def _natural(found: Iterable[str]) -> list[str]:
    """Without repetitions, and ``member 2`` before ``member 10``."""
    return sorted(dict.fromkeys(found), key=_order)[:MOST]


def _order(text: str) -> list[tuple[int, str]]:
    return [(int(each) if each.isdecimal() else -1, each) for each in re.split(r"(\d{1,9})", text)]


def _report(summary: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return _tables(summary.get("report") if summary else None)


def _group(summary: Mapping[str, Any] | None, group: str) -> Mapping[str, Any]:
    return _tables(_report(summary).get(group))


def _tables(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    return {name: each for name, each in value.items() if isinstance(each, Mapping) and each}


def number(value: Any) -> float | None:
    """A value of a summary as a number; None where it is none."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and abs(value) < 1e300 else None
