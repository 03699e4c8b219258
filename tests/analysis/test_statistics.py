"""Tests of tests: as SciPy's and as published, right about nothing, silent where there is too little."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from workbench.analysis.statistics import (
    RESAMPLES,
    SEED,
    Estimate,
    _iman_davenport,
    compare,
    critical_difference,
    differences,
    friedman,
    holm,
    least_p,
    nemenyi,
    plain,
    rank_biserial,
    too_few,
    wilcoxon,
)


def two(
    n: int = 60, shift: float = 0.2, seed: int = 0, *, ties: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n) + shift, rng.normal(size=n)
    return (np.round(a, 1), np.round(b, 1)) if ties else (a, b)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [6, 20, 600])
def test_wilcoxon_is_scipys(n: int, ties: bool) -> None:
    a, b = two(n, ties=ties)
    kept = (a - b)[a != b]
    assert compare(a, b).p_wilcoxon == stats.wilcoxon(kept).pvalue


def test_the_bootstrap_is_scipys() -> None:
    a, b = two(200)
    found = compare(a, b)
    theirs = stats.bootstrap((a - b,), np.mean, n_resamples=RESAMPLES, rng=np.random.default_rng(SEED))
    assert found.difference == pytest.approx((float(np.mean(a - b)), *theirs.confidence_interval), abs=1e-15)


def test_the_bootstraps_p_follows_students() -> None:
    """Of well-behaved differences both say about the same."""
    for shift in (0.0, 0.1, 0.2, 0.3):
        a, b = two(400, shift, seed=5)
        assert compare(a, b).p_bootstrap == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=0.02)


@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=12), st.floats(0, 1, exclude_max=True))
def test_a_corrected_p_is_the_least_level_at_which_holm_rejects(p: list[float], level: float) -> None:
    rejected = set()
    left = sorted((value, index) for index, value in enumerate(p) if not math.isnan(value))
    while left and len(left) * left[0][0] <= level:  # the step-down procedure, as Holm gives it
        rejected.add(left.pop(0)[1])
    found = holm(p)
    assert {index for index, value in enumerate(found) if value <= level} == rejected
    assert [math.isnan(value) for value in found] == [math.isnan(value) for value in p]


def test_corrected_p_values_are_those_of_r() -> None:
    """p.adjust(c(.01, .04, .03, .005), "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(arrays(np.float64, st.integers(1, 40), elements=st.integers(-5, 5).map(float)))
def test_the_effect_size_is_kerbys(difference: np.ndarray) -> None:
    kept = difference[difference != 0]
    found = rank_biserial(difference)
    if not len(kept):
        assert found.value == 0
        return
    ranks = stats.rankdata(np.abs(kept))
    favourable = ranks[kept > 0].sum() / ranks.sum()
    assert found.value == pytest.approx(favourable - (1 - favourable))
    if not math.isnan(found.low):
        assert -1 <= found.low <= found.high <= 1
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9 or len(difference) < 40


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.2])
def test_the_effect_sizes_interval_covers_what_it_should(shift: float) -> None:
    rng = np.random.default_rng(3)
    many = rng.normal(shift, 1, 100_000)
    ranks = stats.rankdata(np.abs(many))
    truth = (ranks[many > 0].sum() - ranks[many < 0].sum()) / ranks.sum()
    trials = 150
    covered = sum(
        each.low <= truth <= each.high
        for each in (rank_biserial(rng.normal(shift, 1, 80)) for _ in range(trials))
    )
    assert covered / trials > 0.88


def test_nothing_is_found_where_there_is_nothing() -> None:
    """200 comparisons of a learner with itself, trained anew: about one in twenty is a false alarm."""
    rng = np.random.default_rng(20)
    alarms = {"wilcoxon": 0, "bootstrap": 0}
    for _ in range(200):
        difficulty = rng.exponential(size=60)
        a, b = (difficulty * rng.lognormal(0, 0.4, 60) for _ in range(2))
        found = compare(a, b)
        alarms["wilcoxon"] += found.p_wilcoxon <= 0.05
        alarms["bootstrap"] += found.p_bootstrap <= 0.05
    low, high = stats.binom.interval(0.99, 200, 0.05)
    assert all(low <= count <= high for count in alarms.values()), alarms


def test_several_comparisons_do_not_make_more_alarms() -> None:
    """Six algorithms alike, fifteen comparisons: Holm keeps any false alarm at one family in twenty."""
    rng = np.random.default_rng(21)
    families = 0
    for _ in range(200):
        values = rng.exponential(size=(1, 40)) * rng.lognormal(0, 0.4, (6, 40))
        p = [wilcoxon(values[i] - values[j]) for i in range(6) for j in range(i)]
        families += min(holm(p)) <= 0.05
    assert families <= stats.binom.ppf(0.995, 200, 0.05)


def test_five_pairs_cannot_claim_anything() -> None:
    a, b = np.arange(1.0, 6.0), np.zeros(5)
    found = compare(a, b)
    assert found.p_wilcoxon == least_p(5) == 0.0625
    assert too_few(5) == ("Too few for a claim: 5 pairs cannot give a two-sided Wilcoxon p below .0625.")
    assert too_few(6) == ""
    assert "below .094 among 3 comparisons" in too_few(6, 3)
    assert math.isnan(found.difference.low)  # nor can so few be resampled
    assert math.isnan(found.p_bootstrap)


def test_a_task_that_diverged_is_the_worst_and_not_dropped() -> None:
    a, b = two(40)
    a[:3] = np.nan
    b[2] = np.inf
    found = compare(a, b)
    assert (found.pairs, found.lost) == (40, 3)
    assert differences(a, b)[:3].tolist() == [math.inf, math.inf, 0]
    assert differences(a, b, higher_is_better=True)[:3].tolist() == [-math.inf, -math.inf, 0]
    assert found.difference.value == pytest.approx(float((a - b)[3:].mean()))
    assert found.p_wilcoxon == wilcoxon(np.concatenate([[1e9, 1e9, 0], (a - b)[3:]]))


def test_equal_learners_have_nothing_to_test() -> None:
    same = np.ones(30)
    found = compare(same, same)
    assert (found.p_wilcoxon, found.p_bootstrap, found.ties) == (1, 1, 30)
    assert found.difference == (0, 0, 0)
    assert found.effect.value == 0
    assert too_few(found.untied) == "No pair differs, so there is nothing to test."


def test_a_clear_sweep_keeps_an_open_end() -> None:
    found = rank_biserial(np.arange(1.0, 11.0))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(2 * 0.025 ** (1 / 10) - 1)
    assert rank_biserial(-np.arange(1.0, 11.0)) == Estimate(-1, -1, -found.low)


@pytest.mark.parametrize(
    ("learners", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (10, 3.164)]
)
def test_the_critical_difference_is_demsars(learners: int, q: float) -> None:
    """Table 5 (a) of the paper."""
    expected = q * math.sqrt(learners * (learners + 1) / (6 * 14))
    assert critical_difference(learners, 14) == pytest.approx(expected, rel=3e-4)


@pytest.mark.parametrize(("learners", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (10, 3.164)])
def test_nemenyis_p_at_the_critical_difference_of_demsars_table_is_5_percent(learners: int, q: float) -> None:
    ranks = np.linspace(0, q * math.sqrt(learners * (learners + 1) / (6 * 14)), learners)
    assert nemenyi(ranks, 14)[0, -1] == pytest.approx(0.05, rel=2e-3)


def test_nemenyi_concludes_as_demsar_does_of_four_c45_over_14_data_sets() -> None:
    """His example: nothing at 5% (CD 1.25); at 10% (CD 1.12), C4.5 is worse than two others."""
    c45, m, cf, both = range(4)
    p = nemenyi(np.array([3.143, 2.000, 2.893, 1.964]), 14)
    assert {(i, j) for i in range(4) for j in range(i) if p[i, j] <= 0.10} == {(m, c45), (both, c45)}
    assert p.min() > 0.05
    assert p[cf, both] == p[both, cf] > 0.10
    np.testing.assert_array_equal(np.diag(p), 1.0)


def test_friedman_is_scipys() -> None:
    scores = np.random.default_rng(2).normal(size=(12, 5)) + np.arange(5) * 0.6
    found = friedman(scores)
    assert found.p_friedman == stats.friedmanchisquare(*scores.T).pvalue
    np.testing.assert_allclose(found.mean_ranks, stats.rankdata(scores, axis=1).mean(axis=0))
    for i in range(5):
        for j in range(i):
            apart = abs(found.mean_ranks[i] - found.mean_ranks[j]) >= found.critical_difference
            assert apart == (found.p_nemenyi[i, j] <= 0.05)


def test_iman_davenports_f_concludes_as_demsar_does_of_four_c45_over_14_data_sets() -> None:
    """His example: χ² = 9.28, F = 3.69 with 3 and 39 degrees of freedom."""
    assert _iman_davenport(9.28, 14, 4) == pytest.approx(stats.f.sf(3.69, 3, 39), rel=5e-3)
    assert _iman_davenport(3 * 14.0, 14, 4) == 0.0  # all agree


def test_a_pair_is_tested_alone_whoever_else_is_ranked() -> None:
    scores = np.random.default_rng(3).normal(size=(12, 4)) + np.arange(4) * 0.8
    found = friedman(scores)
    alone = [stats.wilcoxon(scores[:, i] - scores[:, j]).pvalue for i in range(4) for j in range(i)]
    pairs = [found.p_wilcoxon[i, j] for i in range(4) for j in range(i)]
    np.testing.assert_allclose(pairs, holm(alone))
    assert (found.p_wilcoxon == found.p_wilcoxon.T).all()


def test_ranks_turn_where_high_is_good() -> None:
    scores = np.random.default_rng(2).normal(size=(12, 4))
    up, down = friedman(scores, higher_is_better=True), friedman(-scores)
    np.testing.assert_array_equal(up.mean_ranks, down.mean_ranks)
    assert up.p_nemenyi.shape == (4, 4)


def test_groups_that_are_not_told_apart_are_maximal() -> None:
    scores = np.tile(np.arange(5.0), (30, 1)) + np.random.default_rng(0).normal(size=(30, 5)) * 0.9
    found = friedman(scores)
    for group in found.cliques():
        assert np.ptp(found.mean_ranks[list(group)]) < found.critical_difference
    assert not any(set(a) < set(b) for a in found.cliques() for b in found.cliques())


def test_few_families_are_said_in_words() -> None:
    assert "3 task families; Friedman's test wants at least 5" in friedman(np.eye(3)).words()
    with pytest.raises(ValueError, match="2 families and 3 learners"):
        friedman(np.ones((5, 2)))


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0625, ".0625"), (0.05, ".05"), (0.03125, ".031"), (0.4, ".40"), (1.0, "1"), (1e-9, "< .001")],
)
def test_p_is_written_as_it_is_read(p: float, text: str) -> None:
    assert plain(p) == text
