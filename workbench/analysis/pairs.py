"""Which algorithms may be compared episode by episode, and what comes out of it.

Pairs are episodes: frozen and identical, told by their hash; what repeats an episode is one pair with it. Of
several seeds, the mean over the seeds on each episode is paired: seeds × episodes are not independent, and
would pass for more evidence than there is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import remarks, reports
from workbench.analysis.claims import Claim as Claim
from workbench.analysis.claims import Scores
from workbench.analysis.comparison import Episodes
from workbench.analysis.reached import Arrays, by_task, lost_tasks, without_chance
from workbench.analysis.source import Grouping, Source
from workbench.analysis.statistics import Estimate, compare, holm
from workbench.engine.intervals import collapsed, difference_interval, mean_interval
from workbench.measures import Measure
from workbench.project import Project
from workbench.words import plural

Reader = Callable[[int], Arrays]
"""Reads the per-task values of a run's meta-test."""


def arrays_of(project: Project, split: str = "test") -> Reader:
    """Reads per-task values from a project."""

    def read(run: int) -> Arrays:
        found = project.result(run, split)
        return found.arrays if found else {}

    return read


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

    @cached_property
    def row(self) -> Measure:
        """What is compared."""
        return self.met.row(self.measure)

    @property
    def best(self) -> Scores | None:
        """The algorithm with the best mean, among those that have a finite value of every episode; None where
        neither high nor low is better."""
        known, sign = [each for each in self.scores if not each.lost], self.row.sign
        return max(known, key=lambda each: sign * each.mean, default=None) if sign else None

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

    def rows(self) -> list[dict[str, object]]:
        """A row for each two algorithms; None where there is no number."""
        return [self._row(each) for each in self.claims]

    def _row(self, claim: Claim) -> dict[str, object]:
        paired = claim.paired
        better = (paired.higher, paired.lower) if self.row.sign > 0 else (paired.lower, paired.higher)
        row: dict[str, object] = {
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
            "episodes": self.met.test["episodes"],
            **{
                f"{name}_{side}": value
                for side, each in (("first", claim.first), ("second", claim.second))
                for name, value in (
                    ("diverged", each.diverged[0]),
                    ("tasks", each.diverged[1]),
                    ("deterministic", each.deterministic),
                )
            },
        }
        return {name: finite(value) for name, value in row.items()}

    def caption(self) -> str:
        """What the numbers are, for under a table."""
        seeds = any(len(each.seeds) > 1 for each in self.scores)
        parts = [
            f"{self.met.told(self.measure, self.step)}, paired over {self.met.named(self.measure)}: "
            "first minus second.",
            *self.met.conditions(self.measure, self.step),
            *remarks.episodes(self.met.test),
            *remarks.of_runs((each.name, each.run.environment) for each in self.scores),
            "A test over episodes is about these trained learners; over seeds, it is about the algorithms.",
        ]
        if seeds:
            parts.append("Of several seeds, the mean over the seeds on each episode is paired.")
        parts.append(
            "Better on: the episodes on which the first, and the second, is better. Brackets: 95% intervals. "
            "Difference: mean over episodes, bootstrap over episodes (BCa). Effect: "
            "matched-pairs rank-biserial correlation (Kerby 2014). p: two-sided Wilcoxon signed-rank test "
            f"and paired bootstrap, each corrected by Holm's method for "
            f"{plural(len(self.claims), 'comparison')}."
        )
        if seeds:
            parts.append("Over seeds: difference of the means over seeds, Welch's t.")
        return " ".join(filter(None, parts))


def finite(value: object) -> object:
    """The value; None for a float that JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def statistics(
    runs: Source,
    met: Episodes,
    arrays: Reader,
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
        met, measure, step, tuple(found), tuple(claims(found, met.row(measure))), tuple(missing)
    )


def scores(
    runs: Source, met: Episodes, arrays: Reader, measure: str, step: int | None
) -> tuple[list[Scores], list[str]]:
    """Each algorithm's values on each episode, and the names of those that have none."""
    entries = met.tests
    found, missing = [], []
    episode: NDArray[np.int64] | None = None
    count = met.test["episodes"]
    for each in Grouping(runs).groups(joined=True):
        group = each.among(entries)
        if group is None:
            continue
        known = []
        for run in group.runs:
            kept = arrays(run.id)
            episode = _episode(kept, count) if episode is None else episode
            values = by_task(entries[run.id], kept, measure, step)
            if values is not None and len(values) == count:
                known.append((run, values))
        if not known:
            missing.append(group.label)
            continue
        tests = [entries[run.id] for run, _ in known]
        fixed = without_chance(tests)
        tests = tests[:1] if fixed else tests
        found.append(
            Scores(
                group.label,
                known[0][0],
                tuple(run.seed for run, _ in known),
                np.stack([values for _, values in (known[:1] if fixed else known)]),
                lost_tasks(tests, None if reports.last_only(measure) else step),
                fixed,
            )
        )
    return [replace(each, by_seed=collapsed(each.by_seed, episode)) for each in found], missing


def _episode(arrays: Arrays, count: int) -> NDArray[np.int64] | None:
    """Which distinct episode each task is; None where that is not kept: each is distinct then."""
    found = arrays.get("episode")
    if found is None or found.dtype.kind not in "iu" or found.shape != (count,):
        return None
    return found.astype(np.int64)


def claims(found: Sequence[Scores], measure: Measure) -> list[Claim]:
    """Every two algorithms by a measure, corrected for how many that are."""
    return claims_of([found], measure)[0]


def claims_of(groups: Sequence[Sequence[Scores]], measure: Measure) -> list[list[Claim]]:
    """The same of several groups, corrected for all of them together."""
    owned = [(at, a, b) for at, found in enumerate(groups) for a, b in itertools.combinations(found, 2)]
    compared = [compare(a.values, b.values, higher_is_better=measure.sign > 0) for _, a, b in owned]
    wilcoxon = holm([each.p_wilcoxon for each in compared])
    # what has too few pairs for a bootstrap still counts as one of the comparisons
    counted = holm([1.0 if math.isnan(each.p_bootstrap) else each.p_bootstrap for each in compared])
    resampled = [
        each.p_bootstrap if math.isnan(each.p_bootstrap) else p
        for each, p in zip(compared, counted, strict=True)
    ]
    told: list[list[Claim]] = [[] for _ in groups]
    for (at, a, b), paired, p, q in zip(owned, compared, wilcoxon, resampled, strict=True):
        told[at].append(Claim(a, b, paired, p, q, _over_seeds(a, b), measure, len(owned)))
    return told


def _over_seeds(a: Scores, b: Scores) -> Estimate:
    """Difference of the means over seeds; what knows no chance is a constant in it."""
    value = a.mean - b.mean
    if a.deterministic and b.deterministic:
        return Estimate(value, value, value)
    if a.deterministic or b.deterministic:
        half = mean_interval((b if a.deterministic else a).seed_means).half_width
        return Estimate(value, value - half, value + half)
    mean, half = difference_interval(a.seed_means, b.seed_means)
    return Estimate(value, mean - half, mean + half)
