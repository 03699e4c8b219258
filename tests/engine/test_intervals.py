"""Measures against SciPy's or by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from workbench.engine import intervals
from workbench.problems.classification import calibration_error
from workbench.problems.regression import Regression


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.random.default_rng(0).normal(size=37)
    low, high = stats.t.interval(0.95, 36, loc=values.mean(), scale=stats.sem(values))
    mean, half = intervals.mean_interval(values)
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_the_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = sum(
        abs(mean) <= half
        for mean, half in (intervals.mean_interval(rng.normal(size=12)) for _ in range(2000))
    )
    assert stats.binomtest(covered, 2000, 0.95).pvalue > 0.001


def test_values_that_are_not_finite_are_left_out_of_a_mean() -> None:
    assert intervals.mean_interval(np.array([1.0, 3.0, math.inf, math.nan])).mean == 2.0
    assert math.isnan(intervals.mean_interval(np.array([math.nan])).mean)
    assert math.isnan(intervals.mean_interval(np.array([1.0])).half_width)


def test_the_difference_of_two_samples_has_welchs_interval() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(1, 2, 30), rng.normal(0, 1, 50)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    mean, half = intervals.difference_interval(a, b)
    assert (mean - half, mean + half) == pytest.approx((expected.low, expected.high))


def test_a_task_diverges_when_it_is_not_finite_or_ten_times_worse_than_tasks_were() -> None:
    loss = np.array([[1.0, 3.0, 0.01, 2.0], [0.5, np.nan, 0.5, 100.0], [0.4, np.inf, 0.2, 1.0]])
    assert Regression().diverged(loss).tolist() == [
        [False] * 4,
        [False, True, False, True],
        [False, True, False, False],
    ]


def test_with_a_reference_no_task_diverges_by_how_its_learner_was_before() -> None:
    loss = np.array([[0.1, 0.1, 0.1], [2.0, 11.0, np.nan]])
    assert Regression().diverged(loss, 1.0).tolist() == [[False] * 3, [False, True, True]]
    assert Regression().diverged(loss[1:], 1.0).tolist() == [[False, True, True]]  # a closed form
    assert Regression().diverged(loss, math.inf).tolist() == [[False] * 3, [False, False, True]]


def test_adaptation_time_is_the_first_step_below_the_threshold_and_never_dropped() -> None:
    loss = np.array([[0.2, 2.0, 2.0], [0.1, 0.4, 2.0], [0.9, 0.6, np.nan]])
    assert intervals.steps_to_reach(loss, 0.5).tolist() == [0.0, 1.0, math.inf]


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.35, 0.35])
    correct = np.array([True, True, False, False, True, False])
    expected = 4 / 6 * abs(0.5 - 0.9) + 2 / 6 * abs(0.5 - 0.35)
    assert calibration_error(confidence, correct) == pytest.approx(expected)
    assert calibration_error(np.ones(5), np.ones(5, dtype=bool)) == 0.0
    assert calibration_error(np.zeros(5), np.zeros(5, dtype=bool)) == 0.0
