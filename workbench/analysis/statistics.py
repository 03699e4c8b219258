"""Claims about differences, as plain functions of arrays: paired tests, intervals, effect sizes, ranks.

Which test for what follows Demšar, *Statistical comparisons of classifiers over multiple data sets*, JMLR 7,
2006: two learners on the same episodes by Wilcoxon's signed ranks, several learners over several task
families by Friedman's test with Iman and Davenport's F, which is less conservative, and Nemenyi's critical
difference, several claims at once with Holm's correction. Mean ranks depend on who else was ranked, so that
each pair has Wilcoxon's test over the families, too (Benavoli, Corani, Mangili, *Should we really use
post-hoc tests based on mean-ranks?*, JMLR 17, 2016). scipy computes; it is imported when first needed, since
it takes long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.words import plural

Array = NDArray[np.float64]

SEED = 20060101
"""Of the bootstrap: the same arrays give the same interval, to the last digit."""

RESAMPLES, FEWER_RESAMPLES, MANY_PAIRS = 9999, 1999, 5000
SIGNIFICANCE = 0.05
FEWEST_RESAMPLED = 20
"""Fewer pairs, resampled, stay too close together: the bootstrap would promise too much."""

MOST_TRIED = 13
"""So many tied differences have all choices of their signs tried."""

FEWEST_FAMILIES = 5
"""Below so many blocks Friedman's chi-square is a poor approximation, and Nemenyi finds nothing."""

CITATIONS = (
    "Wilcoxon. Individual comparisons by ranking methods. Biometrics Bulletin 1, 1945.",
    "Holm. A simple sequentially rejective multiple test procedure. "
    "Scandinavian Journal of Statistics 6, 1979.",
    "Efron, Tibshirani. An Introduction to the Bootstrap. "
    "Chapman & Hall 1993 (BCa and percentile intervals).",
    "Kerby. The simple difference formula: an approach to teaching nonparametric correlation. "
    "Comprehensive Psychology 3, 2014 (matched-pairs rank-biserial correlation).",
)
RANK_CITATIONS = (
    "Demšar. Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.",
    "Iman, Davenport. Approximations of the critical region of the Friedman statistic. "
    "Communications in Statistics A9, 1980.",
    "Benavoli, Corani, Mangili. Should we really use post-hoc tests based on mean-ranks? JMLR 17, 2016.",
)


class Estimate(NamedTuple):
    """A number with the ends of its 95% interval; NaN where it cannot be told."""

    value: float
    low: float
    high: float


NOTHING = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Paired:
    """Two learners on the same episodes: ``a`` minus ``b``.

    Attributes
    ----------
    pairs : episodes that both met.
    higher, lower, ties : episodes on which a's value is higher than b's, lower, or the same.
    lost : pairs without a finite value on at least one side. They count in the ranks (a value that is not
        finite is the worst there is), but cannot in the mean difference.
    difference : mean of a − b over the finite pairs, with its bootstrap interval (BCa).
    effect : matched-pairs rank-biserial correlation, from −1 (a lower on every episode) to 1.
    p_wilcoxon : two-sided, of the signed ranks.
    p_bootstrap : two-sided, of the mean difference.
    """

    pairs: int
    higher: int
    lower: int
    ties: int
    lost: int
    difference: Estimate
    effect: Estimate
    p_wilcoxon: float
    p_bootstrap: float

    @property
    def untied(self) -> int:
        """The pairs that say anything: Wilcoxon leaves ties out."""
        return self.higher + self.lower


def compare(a: Array, b: Array, *, higher_is_better: bool = False) -> Paired:
    """Compare two learners episode by episode.

    Parameters
    ----------
    a, b : ``[episodes]``, the same episodes in the same order.
    higher_is_better : which end a value that is not finite counts as.
    """
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"pairs need two equally long lists, not {a.shape} and {b.shape}")
    finite = np.isfinite(a) & np.isfinite(b)
    signs = differences(a, b, higher_is_better=higher_is_better)
    mean, p = bootstrap(a[finite] - b[finite])
    higher, lower = int((signs > 0).sum()), int((signs < 0).sum())
    return Paired(
        len(a),
        higher,
        lower,
        len(a) - higher - lower,
        int((~finite).sum()),
        mean,
        rank_biserial(signs),
        wilcoxon(signs),
        p,
    )


def differences(a: Array, b: Array, *, higher_is_better: bool = False) -> Array:
    """a − b, where a value that is not finite is the worst possible one, and two such are equal.

    What is better when higher is a share of the queries: its differences are rounded to a millionth, so that
    those which are equal tie in spite of binary fractions.
    """
    worst = -math.inf if higher_is_better else math.inf
    a, b = np.where(np.isfinite(a), a, worst), np.where(np.isfinite(b), b, worst)
    with np.errstate(invalid="ignore"):
        difference = np.where(a == b, 0.0, a - b)
    return difference.round(6) if higher_is_better else difference


def wilcoxon(difference: Array) -> float:
    """The two-sided p of Wilcoxon's signed-rank test; zeros are left out, as he did. 1 where all are zero.

    As ``scipy.stats.wilcoxon(difference)``, which tries every choice of signs of a few tied differences, too,
    but takes half a second for it.
    """
    from scipy import stats

    kept = difference[difference != 0]
    if not len(kept):
        return 1.0
    ranks = stats.rankdata(np.abs(kept))
    if len(kept) > MOST_TRIED or len(np.unique(ranks)) == len(kept):
        return float(stats.wilcoxon(kept).pvalue)
    signs = np.arange(2 ** len(kept))[:, None] >> np.arange(len(kept)) & 1
    sums, found = signs @ ranks, ranks[kept > 0].sum()
    return float(min(1.0, 2 * min((sums <= found).mean(), (sums >= found).mean())))


def rank_biserial(difference: Array) -> Estimate:
    """(sum of positive ranks − sum of negative ranks) / sum of ranks (Kerby 2014), with a 95% interval.

    The interval is the bootstrap's over the pairs (percentiles); effectsize's by Fisher's z, measured, covers
    large effects half the time. Where one side has all ranks, resampling changes nothing, and the open end is
    that of Clopper and Pearson's interval for the share of pairs on that side, as a correlation.
    """
    n = int(np.count_nonzero(difference))
    if not n:
        return Estimate(0.0, math.nan, math.nan) if len(difference) else NOTHING
    size = np.abs(difference)
    levels, level = np.unique(size, return_inverse=True)
    signs = np.sign(difference)
    value = float(_rank_biserial(np.ones((1, len(size))), signs, level, levels)[0])
    if abs(value) == 1:
        end = max(-1.0, 2 * 0.025 ** (1 / n) - 1)
        return Estimate(1.0, end, 1.0) if value > 0 else Estimate(-1.0, -1.0, -end)
    if len(difference) < FEWEST_RESAMPLED:
        return Estimate(value, math.nan, math.nan)
    generator, found = np.random.default_rng(SEED), []
    for start in range(0, FEWER_RESAMPLES, batch := max(1, 2_000_000 // len(size))):
        rows = min(batch, FEWER_RESAMPLES - start)
        drawn = generator.integers(0, len(size), (rows, len(size)))
        drawn += np.arange(rows)[:, None] * len(size)
        times = np.bincount(drawn.ravel(), minlength=rows * len(size)).reshape(rows, len(size))
        found.append(_rank_biserial(times.astype(np.float64), signs, level, levels))
    low, high = np.nanquantile(np.concatenate(found), (0.025, 0.975))
    return Estimate(value, float(low), float(high))


def _rank_biserial(times: Array, signs: Array, level: NDArray[np.intp], levels: Array) -> Array:
    """The correlation of lists in which pair j occurs ``times[i, j]`` times, ``[lists]``.

    Parameters
    ----------
    level : ``[pairs]``, the place of each pair's size among the ``levels``, which rise from 0 (or above).
    """
    order = np.argsort(level, kind="stable")
    times, signs, level = times[:, order], signs[order], level[order]
    starts = np.flatnonzero(np.diff(level, prepend=-1))
    each = np.add.reduceat(times, starts, axis=1)
    signed = np.add.reduceat(times * signs, starts, axis=1)
    if levels[0] == 0:  # ties have no rank
        each, signed = each[:, 1:], signed[:, 1:]
    ranks = np.cumsum(each, axis=1) - (each - 1) / 2
    with np.errstate(invalid="ignore"):
        return np.asarray((signed * ranks).sum(axis=1) / (each * ranks).sum(axis=1))


def bootstrap(difference: Array) -> tuple[Estimate, float]:
    """Mean difference with its BCa bootstrap interval over the pairs, and a two-sided p.

    As ``scipy.stats.bootstrap`` with a fixed seed. p is the share of resampled means, moved to a mean of
    zero, that are at least as far from it as the mean found, itself counted among them. Neither is given for
    fewer than 20 pairs.
    """
    from scipy import stats

    n = len(difference)
    if not n:
        return NOTHING, math.nan
    mean = float(difference.mean())
    if n < FEWEST_RESAMPLED:
        return Estimate(mean, math.nan, math.nan), math.nan
    if np.ptp(difference) == 0:
        return Estimate(mean, mean, mean), 1.0 if mean == 0 else 1 / (RESAMPLES + 1)
    count = RESAMPLES if n <= MANY_PAIRS else FEWER_RESAMPLES
    with np.errstate(all="ignore"):
        found = stats.bootstrap(
            (difference,),
            np.mean,
            n_resamples=count,
            batch=max(1, 2_000_000 // n),
            vectorized=True,
            rng=np.random.default_rng(SEED),
        )
    far = np.abs(found.bootstrap_distribution - mean) >= abs(mean)
    low, high = found.confidence_interval
    return Estimate(mean, float(low), float(high)), (1 + int(far.sum())) / (count + 1)


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected for being several, by Holm's step-down method; NaN stays and does not count."""
    known = sorted((value, index) for index, value in enumerate(p) if not math.isnan(value))
    corrected, highest = list(p), 0.0
    for place, (value, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - place) * value))
        corrected[index] = highest
    return corrected


# --- what may be claimed, in words -----------------------------------------------------------------


def least_p(pairs: int) -> float:
    """The smallest two-sided p that Wilcoxon's test can give for so many untied pairs."""
    return min(1.0, 2.0 ** (1 - pairs)) if pairs > 0 else 1.0


def too_few(pairs: int, claims: int = 1) -> str:
    """Why so few pairs allow no claim, in a sentence; empty where they do.

    Parameters
    ----------
    pairs : untied pairs.
    claims : comparisons that Holm's correction counts.
    """
    if pairs == 0:
        return "No pair differs, so there is nothing to test."
    least = least_p(pairs)
    said = f"{plural(pairs, 'pair')} cannot give a two-sided Wilcoxon p below {plain(least)}"
    if least > SIGNIFICANCE:
        return f"Too few for a claim: {said}."
    if claims > 1 and least * claims > SIGNIFICANCE:
        among = f"below {plain(least * claims)} among {claims} comparisons (Holm)"
        return f"Too few for a claim: {said}, and {among}."
    return ""


def plain(p: float) -> str:
    """A p-value as it is read: .0625, < .001."""
    if math.isnan(p):
        return "–"
    if p < 0.001:
        return "< .001"
    if p >= 1:
        return "1"
    text = f"{p:.2f}" if p >= 0.1 else f"{p:.4f}".rstrip("0") if p == round(p, 4) else f"{p:.3f}"
    return text.removeprefix("0")


# --- several task families -------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranks:
    """Several learners over several task families.

    Attributes
    ----------
    families : how many.
    mean_ranks : ``[learners]``, 1 is best.
    p_friedman : whether they differ at all, by Friedman's χ².
    p_iman_davenport : the same by Iman and Davenport's F, which is what words go by.
    critical_difference : mean ranks that differ by less are not told apart (Nemenyi, 5%).
    p_nemenyi : ``[learners, learners]``.
    p_wilcoxon : the same of each pair alone, by its differences over the families (Holm, over all pairs).
    """

    families: int
    mean_ranks: Array
    p_friedman: float
    p_iman_davenport: float
    critical_difference: float
    p_nemenyi: Array
    p_wilcoxon: Array

    @property
    def order(self) -> list[int]:
        """The learners, best first."""
        return sorted(range(len(self.mean_ranks)), key=lambda i: (self.mean_ranks[i], i))

    def cliques(self) -> list[tuple[int, ...]]:
        """Largest groups of learners that lie within a critical difference, best first."""
        order = self.order
        found: list[tuple[int, ...]] = []
        for start in range(len(order)):
            first = self.mean_ranks[order[start]]
            group = tuple(i for i in order[start:] if self.mean_ranks[i] - first < self.critical_difference)
            if len(group) > 1 and not any(set(group) <= set(other) for other in found):
                found.append(group)
        return found

    def words(self) -> str:
        """What follows, in a sentence or two."""
        if self.families < FEWEST_FAMILIES:
            return (
                f"Too few for a claim: {self.families} task families; Friedman's test wants at least "
                f"{FEWEST_FAMILIES}, better ten (Demšar 2006)."
            )
        p = plain(self.p_iman_davenport)
        if self.p_iman_davenport > SIGNIFICANCE:
            return (
                f"Friedman's test (Iman and Davenport's F) finds no difference (p = {p}), so none is claimed."
            )
        apart = [(i, j) for i in range(len(self.mean_ranks)) for j in range(i)]
        alone = sum(self.p_wilcoxon[pair] <= SIGNIFICANCE for pair in apart)
        sign = "" if p.startswith("<") else "= "
        return (
            f"The learners differ (Friedman's test, Iman and Davenport's F, p {sign}{p}). Mean ranks that "
            f"differ by less than {self.critical_difference:.2f} are not told apart (Nemenyi, 5%); they "
            f"depend on who else is ranked. Pair by pair (Wilcoxon over the families, Holm) {alone} of "
            f"{len(apart)} pairs differ at 5%."
        )


def friedman(scores: Array, *, higher_is_better: bool = False) -> Ranks:
    """Rank learners within each family, and compare their mean ranks.

    Parameters
    ----------
    scores : ``[families, learners]``, at least two by three.
    """
    from scipy import stats

    families, learners = scores.shape
    if families < 2 or learners < 3:
        raise ValueError(
            f"Friedman's test needs 2 families and 3 learners or more, not {families} and {learners}"
        )
    ordered = -scores if higher_is_better else scores
    ranks = stats.rankdata(ordered, axis=1)
    tied = bool((ranks == ranks[:, :1]).all())
    chi = None if tied else stats.friedmanchisquare(*ordered.T)
    mean = ranks.mean(axis=0)
    return Ranks(
        families,
        mean,
        1.0 if chi is None else float(chi.pvalue),
        1.0 if chi is None else _iman_davenport(float(chi.statistic), families, learners),
        critical_difference(learners, families),
        nemenyi(mean, families),
        _wilcoxon_pairs(ordered),
    )


def _iman_davenport(chi_square: float, families: int, learners: int) -> float:
    """p of F = (N − 1) χ² / (N (k − 1) − χ²) with k − 1 and (k − 1)(N − 1) degrees of freedom."""
    from scipy.stats import f

    left = families * (learners - 1) - chi_square
    if left <= 1e-9 * chi_square:  # every family ranks them alike
        return 0.0
    degrees = learners - 1
    return float(f.sf((families - 1) * chi_square / left, degrees, degrees * (families - 1)))


def _wilcoxon_pairs(scores: Array) -> Array:
    """p of each two learners, ``[learners, learners]``, by Wilcoxon's test over the families (Holm)."""
    learners = scores.shape[1]
    pairs = [(i, j) for i in range(learners) for j in range(i)]
    p = holm([wilcoxon(differences(scores[:, i], scores[:, j])) for i, j in pairs])
    found = np.ones((learners, learners))
    for (i, j), each in zip(pairs, p, strict=True):
        found[i, j] = found[j, i] = each
    return found


def critical_difference(learners: int, families: int) -> float:
    """Nemenyi's, at 5%: q · √(k (k + 1) / 6N), q of the studentised range over √2 (Demšar 2006, table 5)."""
    from scipy.stats import studentized_range

    q = float(studentized_range.isf(SIGNIFICANCE, learners, math.inf)) / math.sqrt(2)
    return q * _standard_error(learners, families)


def nemenyi(mean_ranks: Array, families: int) -> Array:
    """p of each two learners, ``[learners, learners]``, from their mean ranks over families."""
    from scipy.stats import studentized_range

    apart = np.abs(mean_ranks[:, None] - mean_ranks) / _standard_error(len(mean_ranks), families)
    return np.asarray(studentized_range.sf(apart * math.sqrt(2), len(mean_ranks), math.inf))


def _standard_error(learners: int, families: int) -> float:
    """Of the difference of two mean ranks."""
    return math.sqrt(learners * (learners + 1) / (6 * families))
