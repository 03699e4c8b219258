"""What may be said of two learners after a test over episodes, and of the algorithms behind them.

A test over episodes is about two trained learners: another training of the same algorithms may turn out
otherwise. What is said of the algorithms comes from several seeds of both.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from workbench.analysis import results
from workbench.analysis.numerals import number, percent
from workbench.analysis.statistics import SIGNIFICANCE, Array, Estimate, Paired, plain, too_few
from workbench.engine.intervals import mean_interval
from workbench.measures import Measure
from workbench.project import RunRecord
from workbench.words import listed, plural

MOST_LISTED, MOST_SAID, FEW_UNDECIDED = 6, 8, 3
"""Pairs in a sentence; sentences of findings, and of what is not told apart."""

_listed = partial(listed, most=MOST_LISTED, sign="; ")


@dataclass(frozen=True)
class Scores:
    """What one algorithm reached on each episode.

    Attributes
    ----------
    run : one of its runs, for its colour.
    seeds : of the runs that count.
    by_seed : ``[seeds, distinct episodes]``.
    diverged : tasks that diverged, and of how many, summed over seeds.
    deterministic : whether seeds change nothing: one of them stands for all.
    """

    name: str
    run: RunRecord
    seeds: tuple[int, ...]
    by_seed: Array
    diverged: tuple[int, int] = (0, 0)
    deterministic: bool = False

    @cached_property
    def values(self) -> Array:
        """``[episodes]``: the mean over the seeds; not finite where a seed's value is not."""
        return np.asarray(self.by_seed.mean(axis=0))

    @cached_property
    def seed_means(self) -> Array:
        """``[seeds]``: each run's mean over its finite episodes."""
        return np.array([mean_interval(each).mean for each in self.by_seed])

    @property
    def mean(self) -> float:
        """Over seeds, of the means over finite episodes."""
        return mean_interval(self.seed_means).mean

    @property
    def n(self) -> str:
        """How many seeds its mean is of, in words: those that have a finite one."""
        return "1, deterministic" if self.deterministic else str(int(np.isfinite(self.seed_means).sum()))

    @property
    def lost(self) -> int:
        """Episodes without a finite value of every seed."""
        return int((~np.isfinite(self.values)).sum())


@dataclass(frozen=True)
class Claim:
    """Two algorithms, and what may be said of them.

    Attributes
    ----------
    paired : over the episodes, first minus second.
    p_wilcoxon, p_bootstrap : corrected by Holm's method for the number of pairs of algorithms.
    over_seeds : difference of the means over seeds with Welch's interval; NaN with a single seed.
    measure : what was measured; where neither end of it is better, ``better`` is the higher one.
    claims : comparisons that Holm's correction counts.
    """

    first: Scores
    second: Scores
    paired: Paired
    p_wilcoxon: float
    p_bootstrap: float
    over_seeds: Estimate
    measure: Measure
    claims: int

    @property
    def significant(self) -> bool:
        """Whether the corrected Wilcoxon p allows a claim at 5%."""
        return self.p_wilcoxon <= SIGNIFICANCE

    @property
    def better(self) -> Scores | None:
        """Which is better on these episodes, by the signed ranks; None where nothing may be claimed."""
        if not self.significant:
            return None
        return self.first if (self.paired.effect.value > 0) == (self.measure.sign >= 0) else self.second

    @property
    def contradicted(self) -> bool:
        """Whether the mean says the opposite of the ranks: a few large losses outweigh many small gains."""
        mean, effect = self.paired.difference.value, self.paired.effect.value
        return self.significant and mean * effect < 0

    @property
    def pair(self) -> str:
        """The names of both."""
        return f"{self.first.name} and {self.second.name}"

    @property
    def few(self) -> str:
        """Why there are too few episodes for a claim; empty where there are enough."""
        return too_few(self.paired.untied, self.claims) if self.better is None else ""

    @property
    def finding(self) -> str:
        """Which of the two trained learners is better and by how much, or that this cannot be told: one
        sentence that names both."""
        better, p = self.better, f"p {_equals(self.p_wilcoxon)} after Holm"
        apart, interval = self._apart()
        if better is None:
            why = self.few[:1].lower() + self.few[1:-1] or f"paired over {self.paired.pairs} tasks, {p}"
            shown = f"difference {apart}" if apart else ""
            return f"Between {self.pair} no difference can be claimed ({_joined(shown, interval, why)})."
        other = self.second if better is self.first else self.first
        ahead, behind = self.paired.higher, self.paired.lower
        wins = ahead if (better is self.first) == (self.measure.sign >= 0) else behind
        proof = f"on {wins} of {self.paired.pairs} paired tasks, {p}"
        word, worse = ("better", "worse") if self.measure.sign else ("higher", "lower")
        said = f"{better.name} is {word} than {other.name}"
        if self.contradicted:
            yet = f"yet its mean is {worse} by {apart}: a few tasks go very wrong, so look at both"
            return f"{said} ({proof}), {yet}."
        return f"{said}{' by ' if apart else ''}{apart} ({_joined(interval, proof)})."

    def _apart(self) -> tuple[str, str]:
        """How far apart the means are, with the unit, and the interval around that; empty where untold."""
        found, shown = self.paired.difference, self.measure
        if not math.isfinite(found.value):
            return "", ""
        unit = "percentage points" if shown.share else shown.unit or f"in {shown.quantity}"
        value, low, high = (
            percent(each)[:-1] if shown.share else number(each, 3)
            for each in (found if found.value >= 0 else (-found.value, -found.high, -found.low))
        )
        return f"{value} {unit}", f"95% CI {low} to {high}" if math.isfinite(found.low) else ""

    @property
    def reach(self) -> str:
        """What the finding says of the algorithms, in a sentence; empty without a finding."""
        better, low, high = self.better, self.over_seeds.low, self.over_seeds.high
        if better is None:
            return ""
        if math.isnan(low):
            return (
                "That is about these two trained learners; without several seeds of both (n = "
                f"{self.first.n} and {self.second.n}) it says nothing of the algorithms."
            )
        seeds = f"over seeds (n = {self.first.n} and {self.second.n})"
        if low <= 0 <= high:
            return (
                f"That is about these two trained learners; {seeds} the difference between the algorithms is "
                "not certain."
            )
        first = (self.over_seeds.value > 0) == (self.measure.sign >= 0)
        if first != (better is self.first):
            return f"That is about these two trained learners; {seeds} the means say the opposite."
        return f"It holds for the algorithms: {seeds} the 95% interval of the difference leaves out zero."

    def words(self) -> str:
        """What follows, in a few sentences."""
        said = [self.finding, self.reach]
        if lost := self.paired.lost:
            said.append(f"{plural(lost, 'pair')} without a finite value count as the worst rank.")
        return " ".join(filter(None, [*said, *went_astray([self.first, self.second])]))


def conclusions(found: Sequence[Claim]) -> list[str]:
    """What follows from all tests, no sentence twice: findings, those of who wins most at first, then what is
    not told apart, and what findings over tasks say of the algorithms."""
    wins = Counter(id(each.better) for each in found)
    claimed = sorted((each for each in found if each.better), key=lambda each: -wins[id(each.better)])
    undecided = [each for each in found if each.better is None]
    said = [each.finding for each in claimed[:MOST_SAID]]
    if more := len(claimed) - MOST_SAID:
        said += [f"{plural(more, 'more difference')} can be claimed: see the tests."] if more > 0 else []
    if len(undecided) <= FEW_UNDECIDED:
        said += [each.finding for each in undecided]
    else:
        pairs = [
            f"{each.pair} (p {_equals(each.p_wilcoxon)}{', too few tasks' if each.few else ''})"
            for each in undecided
        ]
        said.append(f"No difference can be claimed between {_listed(pairs)}, after Holm.")
    for text, claims in _by(found, lambda each: each.reach).items():
        said.append(f"{text[:-1]}: {_listed([each.pair for each in claims])}.")
    lost = [f"{each.paired.lost} of {each.pair}" for each in found if each.paired.lost]
    if lost:
        said.append(f"Pairs without a finite value count as the worst rank: {_listed(lost)}.")
    learners = {id(each): each for claim in found for each in (claim.first, claim.second)}
    return said + went_astray(list(learners.values()))


def went_astray(scores: Sequence[Scores]) -> list[str]:
    """How many tasks of each diverged, in a sentence."""
    lost = [f"{each.name} {results.share(*each.diverged)}" for each in scores if each.diverged[0]]
    return [f"Diverged tasks: {_listed(lost)}."] if lost else []


def _by(found: Sequence[Claim], text: Callable[[Claim], str]) -> dict[str, list[Claim]]:
    result: dict[str, list[Claim]] = {}
    for each in found:
        if text(each):
            result.setdefault(text(each), []).append(each)
    return result


def _equals(p: float) -> str:
    text = plain(p)
    return text if text.startswith("<") else f"= {text}"


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
