"""What is said under tables and figures of numbers that are not what they look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.analysis import results
from workbench.analysis.summaries import count

MOST_NAMED = 6


def of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of rows of algorithms: what diverged, what knows no chance, what are copies; a sentence each.

    Parameters
    ----------
    rows : see :func:`workbench.analysis.results.table_row`.
    """
    said = [astray((row["algorithm"], row["diverged"], row["tasks"]) for row in rows)]
    fixed = [row["algorithm"] for row in rows if row["deterministic"]]
    if fixed:
        said.append(
            f"Without chance, so the same for every seed (n = 1, no interval over seeds): {_listed(fixed)}."
        )
    copies = sum(row["copies"] for row in rows)
    if copies:
        one = copies == 1
        said.append(
            f"{copies} run{'' if one else 's'} of the same settings and seed as another: "
            f"{'a copy' if one else 'copies'}, not counted (the first that finished counts)."
        )
        unlike = [row["algorithm"] for row in rows if row["copies_differ"]]
        if unlike:
            said.append(f"Copies that reached something else than the run that counts: {_listed(unlike)}.")
    return [each for each in said if each]


def astray(found: Iterable[tuple[str, int, int]]) -> str:
    """Of names with their diverged tasks and all of their tasks: a sentence; empty where none diverged."""
    lost = [f"{name} {results.share(diverged, tasks)}" for name, diverged, tasks in found if diverged]
    if not lost:
        return ""
    return f"Diverged tasks (loss not finite, or over ten times the mean before adaptation): {_listed(lost)}."


def episodes(test: Mapping[str, Any]) -> list[str]:
    """Of a test: that episodes repeat each other, or few classes or examples stand behind them."""
    known = [test.get(name) for name in ("episodes", *results.DISTINCT)]
    total, distinct, classes, examples = (each if isinstance(each, int) else 0 for each in known)
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


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
