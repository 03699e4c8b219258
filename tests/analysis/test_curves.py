"""Means over seeds, smoothing and thinning, against plain loops."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.analysis.curves import (
    Grown,
    Joined,
    Smoothed,
    intervals,
    moving_average,
)
from workbench.analysis.thinning import Peaks, band, column_edges, visible
from workbench.engine.intervals import mean_interval

Array = NDArray[np.float64]


def noise(points: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(points)


def curve(x: list[int] | NDArray[np.int64], seed: int = 0) -> tuple[NDArray[np.int64], Array]:
    places = np.asarray(x, np.int64)
    return places, noise(len(places), seed)


# --- the mean over seeds ---------------------------------------------------------------------------


def test_intervals_are_those_of_the_measures() -> None:
    values = noise(70).reshape(7, 10)
    values[2:, 3] = np.nan
    values[1:, 4] = np.inf
    values[:, 5] = np.nan
    n, mean, half = intervals(values)
    for column in range(10):
        expected = mean_interval(values[:, column])
        assert n[column] == np.isfinite(values[:, column]).sum()
        np.testing.assert_allclose([mean[column], half[column]], expected, rtol=1e-12)


def test_only_runs_that_stand_at_a_point_count_there() -> None:
    joined = Joined()
    joined.update([curve([1, 2, 3]), curve([2, 4])], [0, 0])
    assert joined.x.tolist() == [1, 2, 3, 4]
    assert joined.n.tolist() == [1, 2, 1, 1]
    first, second = noise(3), noise(2)
    np.testing.assert_allclose(joined.mean, [first[0], (first[1] + second[0]) / 2, first[2], second[1]])
    assert np.isfinite(joined.low).tolist() == [False, True, False, False]


@given(st.data())
def test_growing_gives_what_joining_anew_gives(data: st.DataObject) -> None:
    places = st.lists(st.integers(0, 60), unique=True, max_size=30).map(sorted)
    runs = [curve(data.draw(places), seed) for seed in range(data.draw(st.integers(1, 3)))]
    joined, seen = Joined(), [0] * len(runs)
    for _ in range(4):
        until = [data.draw(st.integers(a, len(x))) for a, (x, _) in zip(seen, runs, strict=True)]
        parts = [(x[:b], y[:b]) for b, (x, y) in zip(until, runs, strict=True)]
        before = joined.x.copy(), joined.mean.copy()
        changed = joined.update(parts, seen)
        np.testing.assert_array_equal(joined.x[:changed], before[0][:changed])
        np.testing.assert_array_equal(joined.mean[:changed], before[1][:changed])
        seen = until
        whole = Joined()
        whole.update(parts, [0] * len(parts))
        for name in ("x", "n", "mean", "low", "high"):
            np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_a_single_run_is_its_own_mean() -> None:
    x, y = curve([3, 5, 9])
    joined = Joined()
    joined.update([(x, y)], [0])
    np.testing.assert_array_equal(joined.mean, y)
    assert np.isnan(joined.low).all()


def test_a_run_that_went_back_is_taken_up_anew() -> None:
    x, y = curve(list(range(10)))
    joined = Joined()
    joined.update([(x, y), (x, y)], [0, 0])
    joined.update([(x, y), (x[:4], y[:4] + 1)], [10, 0])
    assert joined.n.tolist() == [2] * 4 + [1] * 6
    np.testing.assert_allclose(joined.mean[:4], y[:4] + 0.5)


def test_what_grew_is_told_from_what_was_replaced() -> None:
    x, y = curve(list(range(10)))
    grown = Grown()
    assert grown.fresh(x[:4], y[:4]) == 0
    assert grown.fresh(x[:7], y[:7]) == 4
    assert grown.fresh(x[:7], y[:7]) == 7
    assert grown.fresh(x[:5], y[:5]) == 0
    assert grown.fresh(x, y + 1) == 0


# --- smoothing -------------------------------------------------------------------------------------


def plain_average(y: Array, window: int) -> Array:
    result = []
    for index, value in enumerate(y):
        width = max(1, min(window, (index + 1) // 10))
        part = y[index - width // 2 : index - width // 2 + width]
        part = part[np.isfinite(part)]
        result.append(part.mean() if np.isfinite(value) else np.nan)
    return np.array(result)


@given(st.integers(1, 300), st.integers(1, 25), st.sets(st.integers(0, 299)), st.data())
def test_the_moving_average_is_that_of_a_loop(
    points: int, window: int, gaps: set[int], data: st.DataObject
) -> None:
    y = noise(points)
    y[[each for each in gaps if each < points]] = np.nan
    expected = plain_average(y, window)
    np.testing.assert_allclose(moving_average(y, window), expected, rtol=1e-10, atol=1e-12)
    start = data.draw(st.integers(0, points))
    np.testing.assert_array_equal(moving_average(y, window, start), moving_average(y, window)[start:])


def test_a_giant_value_spoils_only_its_own_window() -> None:
    y = np.ones(200)
    y[140] = 1e30
    smooth = moving_average(y, 10)
    np.testing.assert_array_equal(smooth[150:], 1.0)
    np.testing.assert_array_equal(smooth[:130], 1.0)


@given(st.integers(1, 400), st.integers(1, 60), st.integers(0, 99))
def test_smoothing_stays_within_what_lies_around(points: int, window: int, seed: int) -> None:
    y = np.cumsum(noise(points, seed))
    reach = min(window, points // 10)  # at most a tenth of the curve
    for index, value in enumerate(moving_average(y, window)):
        around = y[max(0, index - reach) : index + reach + 1]
        assert around.min() - 1e-9 <= value <= around.max() + 1e-9


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 99))
def test_what_falls_goes_on_falling_when_smoothed(points: int, window: int, seed: int) -> None:
    y = -np.cumsum(np.random.default_rng(seed).exponential(size=points) ** 4)
    assert (np.diff(moving_average(y, window)) <= 1e-9).all()


@pytest.mark.parametrize("window", [2, 50, 9999])
def test_a_short_run_has_no_plateau_that_is_not_there(window: int) -> None:
    y = 1.2 + 3.0 * np.exp(-np.arange(40) / 8)
    smooth = moving_average(y, window)
    assert smooth[0] == y[0]
    assert (smooth[2:] < smooth[:-2]).all()
    assert np.abs(smooth / y - 1).max() < 0.1


@given(st.lists(st.integers(0, 90), max_size=6), st.integers(1, 30))
def test_smoothing_grows_with_its_curve(steps: list[int], window: int) -> None:
    y = noise(sum(steps))
    smoothed, count = Smoothed(window), 0
    for step in steps:
        values, changed = smoothed.update(y[: count + step], count)
        count += step
        np.testing.assert_array_equal(values, moving_average(y[:count], window))
        assert changed <= max(0, count - step)


# --- thinning --------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", [5, 1000, 40_000])
@pytest.mark.parametrize("log", [False, True])
def test_every_spike_and_both_ends_survive(points: int, log: bool) -> None:
    x, y = np.arange(1.0, points + 1), noise(points)
    for spike in (points // 3, points // 2 + 1):
        y[spike] = 100.0 * (-1) ** spike
    peaks = Peaks()
    peaks.update(y, 0)
    index = peaks.within(x, y, 0, points, column_edges(1, points, 200, log=log))
    assert (np.diff(index) > 0).all()
    assert {0, points - 1, points // 3, points // 2 + 1} <= set(index.tolist())
    assert len(index) <= max(5, 2 * 203 + 2)


def test_each_column_keeps_its_extremes() -> None:
    x, y = np.arange(20_000.0), noise(20_000)
    peaks = Peaks()
    peaks.update(y, 0)
    edges = column_edges(0, 20_000, 50)
    kept = peaks.within(x, y, 0, 20_000, edges)
    for low, high in pairwise(edges):
        column, thinned = (x >= low) & (x < high), (x[kept] >= low) & (x[kept] < high)
        if column.any():
            assert y[kept][thinned].min() == y[column].min()
            assert y[kept][thinned].max() == y[column].max()


def test_summaries_grow_with_their_curve() -> None:
    x, y = np.arange(10_000.0), noise(10_000)
    grown, whole = Peaks(), Peaks()
    for count, before in ((100, 0), (5000, 100), (5001, 5000), (10_000, 5001)):
        grown.update(y[:count], before)
    whole.update(y, 0)
    edges = column_edges(0, 10_000, 40)
    np.testing.assert_array_equal(grown.within(x, y, 0, 10_000, edges), whole.within(x, y, 0, 10_000, edges))


def test_a_gap_stays_a_gap() -> None:
    x, y = np.arange(10_000.0), noise(10_000)
    y[4000:6000] = np.nan
    y[100] = np.nan
    y[300] = 50.0
    peaks = Peaks()
    peaks.update(y, 0)
    index = peaks.within(x, y, 0, 10_000, column_edges(0, 10_000, 100))
    missing = index[np.isnan(y[index])]
    assert ((missing >= 4000) & (missing < 6000)).any()
    assert 300 in index


def test_columns_do_not_move_with_the_range() -> None:
    first, second = column_edges(100, 1100, 50), column_edges(137, 1137, 50)
    assert set(np.round(second, 6)[:-2]) & set(np.round(first, 6))
    assert set(np.round(first, 6)[3:]) <= set(np.round(second, 6)) | set(np.round(first, 6)[:4])


def test_a_band_is_as_wide_as_its_widest_point() -> None:
    x, low, high = np.arange(1000.0), noise(1000) - 5, noise(1000, 1) + 5
    places, bottom, top = band(x, low, high, 0, 1000, column_edges(0, 1000, 20))
    assert (places[0], places[-1]) == (0, 999)
    assert bottom.min() == low.min()
    assert top.max() == high.max()
    assert len(places) < 30


def test_a_range_reaches_one_point_beyond_what_is_visible() -> None:
    x = np.arange(10.0)
    assert visible(x, 3.5, 5.5) == (3, 7)
    assert visible(x, -5, 50) == (0, 10)
