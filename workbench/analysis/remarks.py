"""What is said under tables and figures of numbers that are not what they look like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.analysis import results
from workbench.analysis.numerals import count
from workbench.analysis.results import Row
from workbench.summaries import TestSummary
from workbench.words import listed, plural


def of(rows: Sequence[Row]) -> list[str]:
    """Of rows of algorithms: privileges, what diverged, what knows no chance, what are copies; a sentence
    each."""
    said = [
        privileged((row.algorithm, row.privilege) for row in rows),
        astray((row.algorithm, row.diverged, row.tasks) for row in rows),
    ]
    fixed = [row.algorithm for row in rows if row.deterministic]
    if fixed:
        said.append(
            f"Without chance, so the same for every seed (n = 1, no interval over seeds): {listed(fixed)}."
        )
    copies = sum(row.copies for row in rows)
    if copies:
        said.append(
            f"{plural(copies, 'run')} of the same settings and seed as another: "
            f"{'a copy' if copies == 1 else 'copies'}, not counted (the first that finished counts)."
        )
        unlike = [row.algorithm for row in rows if row.copies_differ]
        if unlike:
            said.append(f"Copies that reached something else than the run that counts: {listed(unlike)}.")
    return [each for each in said if each]


def privileged(found: Iterable[tuple[str, str]]) -> str:
    """Of names with what each knows or uses of a test task that others do not: a sentence; empty where nobody
    does."""
    names: dict[str, list[str]] = {}
    for name, privilege in found:
        if privilege and name not in names.setdefault(privilege, []):
            names[privilege].append(name)
    said = [f"{listed(each, len(each))} ({privilege})" for privilege, each in names.items()]
    return f"With a privilege: {'; '.join(said)}." if said else ""


def astray(found: Iterable[tuple[str, int, int]]) -> str:
    """Of names with their diverged tasks and all of their tasks: a sentence; empty where none diverged."""
    lost = [f"{name} {results.share(diverged, tasks)}" for name, diverged, tasks in found if diverged]
    if not lost:
        return ""
    return f"Diverged tasks (loss not finite, or over ten times the mean before adaptation): {listed(lost)}."


def episodes(test: TestSummary) -> list[str]:
    """Of a test: that episodes repeat each other, or few classes or examples stand behind them."""
    total, distinct = test["episodes"], test.get("distinct_episodes") or 0
    classes, examples = test.get("distinct_classes") or 0, test.get("distinct_examples") or 0
    said = []
    if 0 < distinct < total:
        said.append(
            f"Of {count(total)} episodes {count(distinct)} are distinct; what repeats one counts as one with "
            "it in means, intervals and tests."
        )
    few = [(classes, "class", "classes"), (examples, "example", "examples")]
    if any(0 < n < total for n, _, _ in few):
        behind = " and ".join(f"{count(n)} {one if n == 1 else more}" for n, one, more in few if n)
        said.append(
            f"{count(total)} episodes, all from {behind}: intervals and tests over episodes are about these, "
            "not about others."
        )
    return said
