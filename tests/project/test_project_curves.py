"""Series and evaluations: bit for bit, in order, cut exactly."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.project.conftest import completed, evaluated, reached
from workbench.project import Project, ProjectError
from workbench.project.series import CHUNK, decode, encode

AddRun = Callable[..., int]
MILLION = 1_000_000


def bits(y: np.ndarray) -> bytes:
    return y.tobytes()


@given(
    hnp.arrays(np.float64, st.integers(1, 200), elements=st.floats(allow_nan=True, width=64)),
    st.integers(0, 2**40),
    st.one_of(st.integers(1, 10**6), st.none()),
)
@settings(deadline=None)
def test_packed_points_come_back_bit_for_bit(y: np.ndarray, first: int, step: int | None) -> None:
    gaps = np.full(len(y), step) if step else np.random.default_rng(first).integers(1, 99, len(y))
    x = first + np.cumsum(gaps)
    found_x, found_y = decode(encode(x, y))
    assert np.array_equal(found_x, x)
    missing = np.isnan(y)
    assert np.array_equal(np.isnan(found_y), missing)
    assert bits(found_y[~missing]) == bits(y[~missing])


def test_losses_of_float32_take_half_the_room() -> None:
    x = np.arange(1000)
    y = np.random.default_rng(0).normal(size=1000)
    assert len(encode(x, y)) > 8000
    assert len(encode(x, y.astype(np.float32).astype(np.float64))) < 4100


def test_bytes_that_were_not_packed_are_refused() -> None:
    data = encode(np.arange(50), np.arange(50.0))
    for index in range(len(data)):
        damaged = bytearray(data)
        damaged[index] ^= 0x10
        with pytest.raises(ValueError, match="a piece of a curve"):
            decode(bytes(damaged))
        with pytest.raises(ValueError, match="a piece of a curve"):
            decode(data[:index])


@pytest.mark.parametrize("batch", [1, 7, 100, CHUNK, 3 * CHUNK + 1, 20_000])
def test_points_come_back_however_they_were_appended(project: Project, add_run: AddRun, batch: int) -> None:
    run = add_run(project)
    count = 300 if batch == 1 else 20_000
    y = np.random.default_rng(1).normal(size=count)
    y[[3, 17, 20, 299]] = np.nan, np.inf, -np.inf, -0.0
    x = np.arange(1, count + 1)
    with project.transaction():
        for start in range(0, count, batch):
            project.append_series(run, "loss", x[start : start + batch], y[start : start + batch])
    found_x, found_y = project.series(run, "loss")
    assert found_x.dtype == np.int64
    assert np.array_equal(found_x, x)
    assert bits(found_y) == bits(y)
    rows = project._rows("SELECT COUNT(*) FROM chunks")[0][0]
    assert rows <= count / CHUNK + 66
    assert project.verify() == []


def test_a_series_that_is_not_there_is_empty(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    assert [len(part) for part in project.series(run, "loss")] == [0, 0]
    project.append_series(run, "loss", [], [])
    assert project.series_names(run) == []


def test_names_are_listed_per_run(project: Project, add_run: AddRun) -> None:
    first, second = add_run(project), add_run(project)
    for run, name in ((first, "seconds"), (first, "loss"), (second, "accuracy")):
        project.append_series(run, name, [1], [1.0])
    assert project.series_names(first) == ["loss", "seconds"]
    assert project.series_names(second) == ["accuracy"]


def test_no_point_is_ever_doubled(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    project.append_series(run, "loss", [1, 2, 5], [1.0, 2.0, 3.0])
    for x in ([5], [4], [5, 6]):
        with pytest.raises(ProjectError, match="up to iteration 5 already"):
            project.append_series(run, "loss", x, [0.0] * len(x))
    for x in ([6, 6], [7, 6], [-1, 6]):
        with pytest.raises(ValueError, match="must rise"):
            project.append_series(run, "loss", x, [0.0, 0.0])
    with pytest.raises(ValueError, match="equally long"):
        project.append_series(run, "loss", [6, 7], [0.0])
    assert project.series(run, "loss")[0].tolist() == [1, 2, 5]


@pytest.mark.parametrize("after", [-1, 0, 1, 499, 4096, 4097, 9_998, 9_999, 20_000])
def test_a_rewind_is_exact_to_the_iteration(project: Project, add_run: AddRun, after: int) -> None:
    run, other = add_run(project, iterations=10_000), add_run(project, iterations=10_000)
    x = np.arange(10_000)
    y = np.random.default_rng(2).normal(size=10_000)
    for each in (run, other):
        with project.transaction():
            for start in range(0, 10_000, 250):
                for name in ("loss", "seconds"):
                    part = slice(start, start + 250)
                    project.append_series(each, name, x[part], y[part])
            for iteration in range(0, 10_000, 500):
                project.add_evaluation(each, iteration, "validation", evaluated(iteration))
    project.save_result(run, "test", reached(1.0), {}, "h")
    project.rewind(run, after)
    left = slice(0, max(0, after + 1))
    for name in ("loss", "seconds"):
        found_x, found_y = project.series(run, name)
        assert np.array_equal(found_x, x[left])
        assert bits(found_y) == bits(y[left])
    assert [at for at, _ in project.evaluations(run, "validation")] == list(
        range(0, min(after + 1, 10_000), 500)
    )
    assert project.result(run, "test") is None
    assert project.run(run).iterations == max(0, min(after, 10_000))
    assert len(project.series(other, "loss")[0]) == project.run(other).iterations == 10_000
    if 0 <= after < 9_999:  # and on it goes, as if nothing had happened
        project.append_series(run, "loss", x[after + 1 :], y[after + 1 :])
        assert bits(project.series(run, "loss")[1]) == bits(y)
    assert project.verify() == []


def test_a_million_points_come_back_bit_for_bit(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    y = np.random.default_rng(3).normal(size=MILLION)
    with project.transaction():
        for start in range(0, MILLION, 2500):
            project.append_series(run, "loss", np.arange(start, start + 2500), y[start : start + 2500])
    found_x, found_y = project.series(run, "loss")
    assert np.array_equal(found_x, np.arange(MILLION))
    assert bits(found_y) == bits(y)


def test_evaluations_come_back_in_order_and_replace_their_equals(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    told = {"loss_ci95": np.array([0.1, 0.2, np.inf]), "accuracy": None, "best": np.float32(0.5)}
    project.add_evaluation(run, 500, "validation", evaluated(3, 1, 2, **told))
    project.add_evaluation(run, 0, "validation", evaluated(9.0))
    project.add_evaluation(run, 0, "validation", evaluated(8.0))
    project.add_evaluation(run, 0, "train", evaluated(float("nan")))
    assert project.evaluations(run, "validation") == [
        (0, completed(evaluated(8.0))),
        (500, completed(evaluated(3, 1, 2, **told | {"loss_ci95": [0.1, 0.2, None], "best": 0.5}))),
    ]
    assert project.evaluations(run, "train") == [(0, completed(evaluated(None)))]


def test_of_evaluations_the_ends_can_be_read_alone(project: Project, add_run: AddRun) -> None:
    run, other = add_run(project), add_run(project)
    assert project.evaluations(run, "validation", ends=True) == []
    for iteration in (5, 0, 10, 20):
        project.add_evaluation(run, iteration, "validation", evaluated(float(iteration)))
    project.add_evaluation(run, 30, "train", evaluated(1.0))
    project.add_evaluation(other, 40, "validation", evaluated(1.0))
    known = project.evaluations(run, "validation")
    assert project.evaluations(run, "validation", ends=True) == [known[0], known[-1]]
    assert len(project.evaluations(other, "validation", ends=True)) == 1


def test_damaged_curves_are_reported_not_shown(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    project.append_series(run, "loss", np.arange(100), np.arange(100.0))
    project.add_evaluation(run, 1, "validation", evaluated(1.0))
    with project.transaction():
        project._change("UPDATE chunks SET data = zeroblob(length(data))")
        project._change("UPDATE evaluations SET body = '{\"loss\":[2.0]}'")
    with pytest.raises(ProjectError, match=r"run 1, 'loss' is damaged"):
        project.series(run, "loss")
    with pytest.raises(ProjectError, match="evaluation at 1 is damaged"):
        project.evaluations(run, "validation")
    assert len(project.verify()) == 2


@pytest.mark.parametrize(
    "change",
    [
        "last = 98",
        "points = 7",
        "first = 1",
        "first = 200, last = 100",
        "points = 10000000",
    ],
)
def test_a_curve_that_contradicts_its_description_is_reported(
    project: Project, add_run: AddRun, change: str
) -> None:
    run = add_run(project)
    project.append_series(run, "loss", np.arange(100), np.arange(100.0))
    with project.transaction():
        project._change(f"UPDATE chunks SET {change}")
    assert len(project.verify()) == 1
    with suppress(ProjectError):  # or what is there, but nothing else
        project.series(run, "loss")
