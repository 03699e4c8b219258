"""Which algorithms may be compared episode by episode, and what comes out of it.

Pairs are episodes: frozen and identical, told by their hash. Of several seeds, the mean over the seeds on
each episode is paired: seeds × episodes are not independent, and would pass for more evidence than there is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.engine.measures import difference_interval, mean_interval
from workbench.export.comparison import Episodes, title
from workbench.export.source import Grouping, Source
from workbench.export.statistics import (
    SIGNIFICANCE,
    Array,
    Estimate,
    Paired,
    compare,
    holm,
    plain,
    too_few,
)
from workbench.project import Project, RunRecord

Arrays = Callable[[int], Mapping[str, NDArray[Any]]]
"""The per-task values of a run's meta-test, by name; see :func:`arrays_of`."""


def arrays_of(project: Project) -> Arrays:
    """Reads per-task values from a project."""

    def read(run: int) -> Mapping[str, NDArray[Any]]:
        found = project.result(run, "test")
        return found.arrays if found else {}

    return read


def higher_is_better(measure: str) -> bool:
    """Whether a measure wants to be high."""
    return measure.rpartition("/")[2] == "accuracy"


@dataclass(frozen=True)
class Scores:
    """What one algorithm reached on each episode.

    Attributes
    ----------
    run : one of its runs, for its colour.
    seeds : of the runs that count.
    by_seed : ``[seeds, episodes]``.
    """

    name: str
    run: RunRecord
    seeds: tuple[int, ...]
    by_seed: Array

    @property
    def values(self) -> Array:
        """``[episodes]``: the mean over the seeds; not finite where a seed's value is not."""
        return np.asarray(self.by_seed.mean(axis=0))

    @property
    def seed_means(self) -> Array:
        """``[seeds]``: each run's mean over its finite episodes."""
        return np.array([mean_interval(each).mean for each in self.by_seed])

    @property
    def mean(self) -> float:
        """Over seeds, of the means over finite episodes."""
        return mean_interval(self.seed_means).mean

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
    """

    first: Scores
    second: Scores
    paired: Paired
    p_wilcoxon: float
    p_bootstrap: float
    over_seeds: Estimate
    higher_is_better: bool
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
        return self.first if (self.paired.effect.value > 0) == self.higher_is_better else self.second

    @property
    def contradicted(self) -> bool:
        """Whether the mean says the opposite of the ranks: a few large losses outweigh many small gains."""
        mean, effect = self.paired.difference.value, self.paired.effect.value
        return self.significant and mean * effect < 0

    def words(self) -> str:
        """What follows, in a sentence or two."""
        few = too_few(self.paired.untied, self.claims)
        better = self.better
        if better is None:
            said = few or f"No difference can be claimed (p = {plain(self.p_wilcoxon)} after Holm)."
        else:
            other = self.second if better is self.first else self.first
            ahead, behind = self.paired.higher, self.paired.lower
            wins = ahead if (better is self.first) == self.higher_is_better else behind
            p = plain(self.p_wilcoxon)
            said = (
                f"{better.name} is better than {other.name} on {wins} of {self.paired.pairs} episodes "
                f"(p {p if p.startswith('<') else f'= {p}'} after Holm)."
            )
            if self.contradicted:
                said += " Yet its mean is worse: a few episodes go very wrong, so look at both."
        if self.paired.lost:
            lost = self.paired.lost
            said += f" {lost} pair{'s' if lost != 1 else ''} without a finite value count as the worst rank."
        return said + self._on_seeds()

    def _on_seeds(self) -> str:
        if self.better is None:
            return ""
        if math.isnan(self.over_seeds.low):
            two = (self.first, self.second)
            single = [each.name for each in two if np.isfinite(each.seed_means).sum() < 2]
            who = " and ".join(dict.fromkeys(single))
            return (
                f" This holds for these trained networks; one seed ({who}) says nothing of another training."
            )
        if self.over_seeds.low <= 0 <= self.over_seeds.high:
            n = f"{len(self.first.seeds)} and {len(self.second.seeds)}"
            return (
                f" It holds for these trained networks; over seeds (n = {n}) the difference is not certain."
            )
        return ""


@dataclass(frozen=True)
class Statistics:
    """Every two algorithms of the same frozen episodes.

    Attributes
    ----------
    step : the inner step; None: the last.
    missing : algorithms without values for the measure after the step.
    """

    met: Episodes
    measure: str
    step: int | None
    scores: tuple[Scores, ...]
    claims: tuple[Claim, ...]
    missing: tuple[str, ...]

    @property
    def best(self) -> Scores | None:
        """The algorithm with the best mean, among those that have a finite value of every episode."""
        known = [each for each in self.scores if not each.lost]
        sign = -1 if higher_is_better(self.measure) else 1
        return min(known, key=lambda each: sign * each.mean, default=None)

    def leaders(self) -> tuple[str, ...]:
        """The best by its mean, and those that the test cannot tell from it."""
        best = self.best
        if best is None:
            return ()
        alike = {
            id(each)
            for claim in self.claims
            if not claim.significant and (claim.first is best or claim.second is best)
            for each in (claim.first, claim.second)
        }
        return tuple(
            each.name for each in self.scores if each is best or (id(each) in alike and not each.lost)
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row for each two algorithms; None where there is no number."""
        return [self._row(each) for each in self.claims]

    def _row(self, claim: Claim) -> dict[str, Any]:
        paired, up = claim.paired, higher_is_better(self.measure)
        better = (paired.higher, paired.lower) if up else (paired.lower, paired.higher)
        row = {
            "measure": self.measure,
            "step": self.step,
            "episodes_hash": self.met.hash,
            "first": claim.first.name,
            "second": claim.second.name,
            "pairs": paired.pairs,
            "first_better": better[0],
            "second_better": better[1],
            "ties": paired.ties,
            "not_finite": paired.lost,
            "mean_first": claim.first.mean,
            "mean_second": claim.second.mean,
            "difference": paired.difference.value,
            "difference_low": paired.difference.low,
            "difference_high": paired.difference.high,
            "effect_size": paired.effect.value,
            "effect_size_low": paired.effect.low,
            "effect_size_high": paired.effect.high,
            "p_wilcoxon": paired.p_wilcoxon,
            "p_wilcoxon_holm": claim.p_wilcoxon,
            "p_bootstrap": paired.p_bootstrap,
            "p_bootstrap_holm": claim.p_bootstrap,
            "seeds_first": len(claim.first.seeds),
            "seeds_second": len(claim.second.seeds),
            "seeds_difference": claim.over_seeds.value,
            "seeds_difference_low": claim.over_seeds.low,
            "seeds_difference_high": claim.over_seeds.high,
            "conclusion": claim.words(),
        }
        return {name: number(value) for name, value in row.items()}

    def caption(self) -> str:
        """What the numbers are, for under a table."""
        when = "the last inner step" if self.step is None else f"inner step {self.step}"
        seeds = any(len(each.seeds) > 1 for each in self.scores)
        parts = [
            f"{title(self.measure)} after {when}, paired over {self.met.test['episodes']} identical "
            f"meta-test episodes (SHA-256 {self.met.hash[:12]}): first minus second."
        ]
        if seeds:
            parts.append("Of several seeds, the mean over the seeds on each episode is paired.")
        parts.append(
            "Better on: the episodes on which the first, and the second, is better. Brackets: 95% intervals. "
            "Difference: mean over episodes, bootstrap over episodes (BCa). Effect: "
            "matched-pairs rank-biserial correlation (Kerby 2014). p: two-sided Wilcoxon signed-rank test "
            f"and paired bootstrap, each corrected by Holm's method for {len(self.claims)} "
            f"comparison{'s' if len(self.claims) != 1 else ''}."
        )
        if seeds:
            parts.append("Over seeds: difference of the means over seeds, Welch's t.")
        return " ".join(parts)


def number(value: Any) -> Any:
    """The value; None for a float that JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def statistics(
    runs: Source,
    met: Episodes,
    arrays: Arrays,
    measure: str = "",
    step: int | None = None,
) -> Statistics:
    """Compare every two algorithms that met the same episodes.

    Parameters
    ----------
    runs : the runs that are shown.
    met : the episodes, with the runs that met them.
    measure : empty: the most telling.
    step : the inner step; None: the last.
    """
    measure = measure or met.measures[0]
    found, missing = scores(runs, met, arrays, measure, step)
    return Statistics(
        met, measure, step, tuple(found), tuple(claims(found, higher_is_better(measure))), tuple(missing)
    )


def scores(
    runs: Source, met: Episodes, arrays: Arrays, measure: str, step: int | None
) -> tuple[list[Scores], list[str]]:
    """Each algorithm's values on each episode, and the names of those that have none."""
    entries = {each["id"]: each["test"] for each in met.entries}
    found, missing = [], []
    for group in Grouping(runs).groups(joined=True):
        members = [run for run in group.runs if run.id in entries]
        if not members:
            continue
        lists = [(run, _values(entries[run.id], arrays(run.id), measure, step)) for run in members]
        count = met.test["episodes"]
        known = [(run, values) for run, values in lists if values is not None and len(values) == count]
        if known:
            by_seed = np.stack([values for _, values in known])
            found.append(Scores(group.label, known[0][0], tuple(run.seed for run, _ in known), by_seed))
        else:
            missing.append(group.label)
    return found, missing


def _values(
    test: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], measure: str, step: int | None
) -> Array | None:
    """A run's values after an inner step, ``[episodes]``; of a closed form, which adapts once, after any."""
    values, steps = arrays.get(measure), list(test["inner_steps"])
    if values is None or values.dtype.kind not in "fiub":
        return None
    if values.ndim == 1:  # a report's entry, measured after the last step
        return values.astype(np.float64)
    if step is not None and steps == [1] and step > 1:
        step = 1
    if values.ndim != 2 or len(values) != len(steps) or (step is not None and step not in steps):
        return None
    return np.asarray(values[-1 if step is None else steps.index(step)], dtype=np.float64)


def claims(found: Sequence[Scores], up: bool) -> list[Claim]:
    """Every two algorithms, corrected for how many that are."""
    two = list(itertools.combinations(found, 2))
    compared = [compare(a.values, b.values, higher_is_better=up) for a, b in two]
    wilcoxon = holm([each.p_wilcoxon for each in compared])
    # what has too few pairs for a bootstrap still counts as one of the comparisons
    counted = holm([1.0 if math.isnan(each.p_bootstrap) else each.p_bootstrap for each in compared])
    resampled = [
        each.p_bootstrap if math.isnan(each.p_bootstrap) else p
        for each, p in zip(compared, counted, strict=True)
    ]
    return [
        Claim(a, b, paired, p, q, _over_seeds(a, b), up, len(two))
        for (a, b), paired, p, q in zip(two, compared, wilcoxon, resampled, strict=True)
    ]


def _over_seeds(a: Scores, b: Scores) -> Estimate:
    mean, half = difference_interval(a.seed_means, b.seed_means)
    return Estimate(a.mean - b.mean, mean - half, mean + half)
