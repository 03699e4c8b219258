"""Test results and checkpoints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.project.conftest import completed, reached
from workbench.project import Project, ProjectError

AddRun = Callable[..., int]


def test_a_result_comes_back_bit_for_bit(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    rng = np.random.default_rng(0)
    arrays = {
        "loss": rng.normal(size=(11, 600)),
        "accuracy": rng.random((11, 600), dtype=np.float32),
        "labels": rng.integers(0, 5, (600, 5)),
        "diverged": rng.random(600) < 0.1,
        "big_endian": np.arange(6, dtype=">f8").reshape(2, 3),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "empty": np.zeros((0, 3)),
        "one": np.array(2.5),
    }
    summary = reached(*range(11), episodes=600, accuracy=None, diverged=np.arange(11))
    project.save_result(run, "test", summary, arrays, "hash")
    result = project.result(run, "test")
    assert result is not None
    assert (result.split, result.episodes_hash) == ("test", "hash")
    assert result.summary == completed(summary) | {"diverged": list(range(11))}
    assert list(result.arrays) == list(arrays)
    for name, array in arrays.items():
        assert result.arrays[name].dtype == array.dtype.newbyteorder("<")
        assert np.array_equal(result.arrays[name], array)
    result.arrays["loss"][0, 0] = 1.0  # a copy that may be changed
    assert project.result_splits(run) == ["test"]
    assert project.result(run, "validation") is None
    short = project.result(run, "test", arrays=False)
    assert short is not None
    assert short.arrays == {}


def test_an_entry_of_a_report_that_has_a_row_of_its_own_is_by_task(project: Project, add_run: AddRun) -> None:
    run, arrays = add_run(project), {"loss": np.zeros((1, 2)), "CNP/σ": np.ones(2)}
    project.save_result(run, "test", reached(1.0), arrays, "a")
    result = project.result(run, "test")
    assert result is not None
    assert np.array_equal(result.arrays["CNP/σ"], np.ones(2))


def test_a_later_result_replaces_the_earlier(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    project.save_result(run, "test", reached(1.0), {"loss": np.zeros((1, 2))}, "a")
    project.save_result(run, "test", reached(2.0), {"accuracy": np.ones((1, 2))}, "b")
    result = project.result(run, "test")
    assert result is not None
    found = (result.summary, result.episodes_hash, list(result.arrays))
    assert found == (completed(reached(2.0)), "b", ["accuracy"])


@pytest.mark.parametrize("array", [np.array([object()]), np.array(["text"]), np.zeros(2, complex)])
def test_arrays_of_other_types_are_refused(project: Project, add_run: AddRun, array: np.ndarray) -> None:
    run = add_run(project)
    with pytest.raises(ValueError, match="a result takes"):
        project.save_result(run, "test", {}, {"x": array}, "")
    assert project.result_splits(run) == []


@pytest.mark.parametrize(
    "change",
    [
        "dtype = '|O'",
        "dtype = '<f4'",
        "shape = '[1000000000, 1000000000]'",
        "shape = '[-1, -3]'",
        "shape = '[\"a\"]'",
        "shape = '3'",
        "data = zeroblob(24)",
        "name = 'other'",
    ],
)
def test_an_altered_array_is_refused(project: Project, add_run: AddRun, change: str) -> None:
    run = add_run(project)
    project.save_result(run, "test", reached(1.0, episodes=3), {"loss": np.arange(3.0)[None]}, "h")
    with project.transaction():
        project._change(f"UPDATE result_arrays SET {change}")
    with pytest.raises(ProjectError, match="result on 'test' is damaged"):
        project.result(run, "test")
    assert len(project.verify()) == 1


def test_only_allowed_types_are_read_even_with_a_right_checksum(
    project: Project, add_run: AddRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add_run(project)
    with monkeypatch.context() as patch:
        patch.setattr("workbench.project.result_store._DTYPES", ("<U1",))
        project.save_result(run, "test", reached(1.0), {"x": np.array(["a"])}, "")
    with pytest.raises(ProjectError, match="not allowed"):
        project.result(run, "test")


def test_the_newest_two_checkpoints_are_kept(project: Project, add_run: AddRun) -> None:
    run, other = add_run(project), add_run(project)
    project.save_checkpoint(other, 1, {}, b"other")
    for iteration in (10, 20, 30):
        project.save_checkpoint(run, iteration, {"iteration": iteration}, bytes([iteration]) * 1000)
    assert project.checkpoint_iterations(run) == [30, 20]
    checkpoint = project.checkpoint(run)
    assert checkpoint is not None
    assert (checkpoint.iteration, checkpoint.state) == (30, {"iteration": 30})
    assert checkpoint.tensors == bytes([30]) * 1000
    project.save_checkpoint(run, 30, {"again": 2**127}, b"new")
    assert project.checkpoint(run).state == {"again": 2**127}
    project.save_checkpoint(run, 40, {}, b"", keep=1)
    assert project.checkpoint_iterations(run) == [40]
    assert project.checkpoint_iterations(other) == [1]


@pytest.mark.parametrize("change", ["tensors = x'00'", "state = '{}'", "digest = x''"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    project: Project, add_run: AddRun, change: str
) -> None:
    run = add_run(project)
    assert project.checkpoint(run) is None
    for iteration in (10, 20):
        project.save_checkpoint(run, iteration, {"i": iteration}, b"tensors")
    with project.transaction():
        project._change(f"UPDATE checkpoints SET {change} WHERE iteration = 20")
    assert project.checkpoint(run).iteration == 10
    (problem,) = project.verify()
    assert "checkpoint at 20" in problem


def test_a_rewind_drops_later_checkpoints(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    for iteration in (10, 20):
        project.save_checkpoint(run, iteration, {}, b"")
    project.rewind(run, 10)
    assert project.checkpoint_iterations(run) == [10]
