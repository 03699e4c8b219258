"""What is told from losses: areas, their intervals, and the least ε."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench.analysis.membership import area, curve, epsilon_at_least


@pytest.mark.parametrize("digits", [8, 0])
def test_the_area_is_that_of_scikit_learn(digits: int) -> None:
    """With equal losses, too, and where a task diverged."""
    rng = np.random.default_rng(3)
    members, fresh = rng.normal(0, 1, 30).round(digits), rng.normal(0.7, 1, 40).round(digits)
    truth = np.arange(70) < 30
    fresh[0] = 99.0
    expected = roc_auc_score(truth, -np.concatenate([members, fresh]))
    assert area(members, fresh).value == pytest.approx(expected, abs=1e-12)
    fresh[0] = math.inf  # the worst as before
    assert area(members, fresh).value == pytest.approx(expected, abs=1e-12)
    assert curve(members, fresh).area == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_four_tasks_by_hand() -> None:
    """DeLong: the parts that are above are 1 and 3/4 of either side, so the variance is 1/32 / 2 twice."""
    found = area(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    assert found.value == 0.875
    half = 1.959964 * math.sqrt(1 / 32) / (7 / 64)
    assert found.low == pytest.approx(7 / (7 + math.exp(half)), abs=1e-12)
    assert found.high == pytest.approx(7 / (7 + math.exp(-half)), abs=1e-12)


def test_what_is_wholly_apart_has_no_interval() -> None:
    found = area(np.arange(5.0), np.arange(5.0) + 9)
    assert (found.value, str(found)) == (1.0, "1.00")
    assert math.isnan(found.low)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_interval_covers(shift: float) -> None:
    """Also where both are fresh: chance is within it 19 times in 20."""
    rng, truth = np.random.default_rng(5), NormalDist().cdf(shift / math.sqrt(2))
    found = [area(rng.normal(0, 1, 50), rng.normal(shift, 1, 50)) for _ in range(1000)]
    assert 0.93 <= np.mean([each.low <= truth <= each.high for each in found]) <= 0.975


def test_the_least_epsilon_by_hand() -> None:
    """Of 100 tasks that judge, all are right: Clopper and Pearson say (α/2)^(1/100) at least."""
    members, fresh = np.zeros(200), np.ones(200)
    least = 0.025 ** (1 / 100)
    assert epsilon_at_least(members, fresh, 0.0) == pytest.approx(math.log(least / (1 - least)), abs=1e-9)
    assert epsilon_at_least(members, fresh, 0.1) == pytest.approx(
        math.log((least - 0.1) / (1 - least)), abs=1e-9
    )
    assert epsilon_at_least(members, members, 0.0) == 0.0


def test_the_least_epsilon_is_seldom_more_than_that_of_a_known_mechanism() -> None:
    """Randomised response at ε = 1: right with probability e / (1 + e)."""
    rng, right = np.random.default_rng(2), math.e / (1 + math.e)
    found = [
        epsilon_at_least(1.0 * (rng.random(400) > right), 1.0 * (rng.random(400) < right), 0.0)
        for _ in range(200)
    ]
    assert np.mean(np.array(found) > 1) <= 0.05
    assert np.median(found) > 0.4
