"""What is said under tables and figures of numbers that are not what they look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from workbench.analysis import results
from workbench.analysis.numerals import count
from workbench.analysis.results import Row
from workbench.summaries import TestSummary
from workbench.words import listed, plural


def of(rows: Sequence[Row], *, in_full: bool = True) -> list[str]:
    """Of rows of algorithms: privileges, what diverged, what knows no chance, what are copies, what is
    published; a sentence each.

    Parameters
    ----------
    in_full : whether of several published values each is told with its paper and protocol.
    """
    said = [
        privileged((row.algorithm, row.privilege) for row in rows),
        private((row.algorithm, row.privacy) for row in rows),
        _bracketed("Tested weights", ((row.algorithm, row.weights) for row in rows)),
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
    return [each for each in [*said, published(rows, in_full)] if each]


def published(rows: Iterable[Row], in_full: bool) -> str:
    """What is published beside results, where, and in which points the protocols differ; empty where nothing
    is."""
    known = [row for row in rows if row.published]
    if len(known) > 1 and not in_full:
        names = listed([row.algorithm for row in known], len(known))
        return f"Published: {names}; point at a square for its paper and protocol."
    said = [f"{row.algorithm} {row.published.said}" for row in known if row.published]
    return f"Published: {'. '.join(said)}." if said else ""


def privileged(found: Iterable[tuple[str, str]]) -> str:
    """Of names with what each knows or uses of a test task that others do not: a sentence; empty where nobody
    does."""
    return _bracketed("With a privilege", found)


def private(found: Iterable[tuple[str, str]]) -> str:
    """Of names with how far the training tasks of each are private: a sentence; empty where none are."""
    return _bracketed("Trained privately", found)


def of_runs(found: Iterable[tuple[str, Mapping[str, object]]]) -> list[str]:
    """Of names with the records of their runs: what distinguishes them, a sentence each."""
    known = list(found)
    said = [
        privileged((name, results.privilege(record)) for name, record in known),
        private((name, results.privacy(record)) for name, record in known),
    ]
    return [each for each in said if each]


def _bracketed(what: str, found: Iterable[tuple[str, str]]) -> str:
    names: dict[str, list[str]] = {}
    for name, words in found:
        if words and name not in names.setdefault(words, []):
            names[words].append(name)
    said = [f"{listed(each, len(each))} ({words})" for words, each in names.items()]
    return f"{what}: {'; '.join(said)}." if said else ""


def astray(found: Iterable[tuple[str, int, int]]) -> str:
    """Of names with their diverged tasks and all of their tasks: a sentence; empty where none diverged."""
    lost = [f"{name} {results.share(diverged, tasks)}" for name, diverged, tasks in found if diverged]
    if not lost:
        return ""
    return f"Diverged tasks (loss not finite, or over ten times that without adaptation): {listed(lost)}."


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
