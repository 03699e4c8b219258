"""What learners were given to be trained on, and whether they were given the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.analysis.numerals import count, duration
from workbench.analysis.source import Group, Source
from workbench.words import listed

NEAR = 0.02
"""Budgets that differ by no more of the larger are the same: what is measured is never quite so."""


@dataclass(frozen=True)
class Budget:
    """What training one run took, in the mean over seeds.

    Attributes
    ----------
    iterations : meta-iterations.
    tasks : that were drawn.
    seconds : of training alone, on the machine that it ran on.
    operations : floating-point ones; None where they were not counted.
    """

    iterations: float
    tasks: float
    seconds: float
    operations: float | None


KINDS = {
    "iterations": "meta-iterations",
    "tasks": "tasks drawn",
    "seconds": "training time",
    "operations": "operations",
}
_IN_WORDS: dict[str, Callable[[int], str]] = {
    "iterations": count,
    "tasks": count,
    "seconds": duration,
    "operations": "{:.2g}".format,
}


def of(source: Source, group: Group) -> Budget:
    """What the finished runs of an algorithm took."""
    runs = group.runs
    each = [(source.result(run.id) or {}).get("cost") for run in runs]
    counted = [cost["operations"].get("iteration") if cost and cost["operations"] else None for cost in each]
    spent = [run.iterations * n for run, n in zip(runs, counted, strict=True) if n is not None]
    iterations = sum(run.iterations for run in runs) / len(runs)
    return Budget(
        iterations,
        iterations * group.meta_batch,
        sum(run.seconds for run in runs) / len(runs),
        sum(spent) / len(spent) if len(spent) == len(runs) else None,
    )


def said(found: Sequence[Budget]) -> str:
    """In which of them trained learners had the same, and how far apart they are in the others: a sentence;
    empty where there are not two to compare."""
    trained = [each for each in found if each.iterations]
    if len(trained) < 2:
        return ""
    same, apart = [], []
    for name, title in KINDS.items():
        values = [getattr(each, name) for each in trained]
        if any(not value for value in values):
            continue
        low, high = min(values), max(values)
        if high - low <= NEAR * high:
            same.append(f"{title} ({_IN_WORDS[name](round(high))})")
        else:
            much = f"{high / low:.2g} times" if high >= 2 * low else f"{high / low - 1:.0%} more"
            apart.append(f"{title} (up to {much})")
    unequal = f"not by {listed(apart)}" if apart else ""
    if not same:
        return f"No equal budgets: trained learners differ in {listed(apart)}."
    return f"Equal budgets by {'; '.join(filter(None, [listed(same), unequal]))}."
