"""The batched writer: what a kill or a full disk may cost, and what not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.project.conftest import completed, evaluated, reached
from workbench.project import Project, RunWriter, StorageError, StorageFull

AddRun = Callable[..., int]
Snapshot = Callable[[], dict[str, bytes]]


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def stored(project: Project, run: int) -> list[int]:
    return project.series(run, "loss")[0].tolist()


def test_everything_is_written_in_one_commit(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    writer = RunWriter(project, run, interval=1e9)
    for iteration in range(1, 6):
        writer.points(iteration, {"loss": 1 / iteration, "seconds": float(iteration)})
    writer.update(iterations=5, status="running")
    writer.result("test", reached(1.0), {"loss": np.zeros((1, 2))}, "h")
    assert project.series_names(run) == []
    assert project.run(run).iterations == 0
    writer.checkpoint(5, {"iteration": 5}, b"tensors")
    assert stored(project, run) == [1, 2, 3, 4, 5]
    assert project.series(run, "seconds")[1].tolist() == [1, 2, 3, 4, 5]
    assert project.run(run).iterations == 5
    assert project.checkpoint(run).iteration == 5
    assert project.result(run, "test") is not None
    writer.evaluation(5, "validation", evaluated(0.5))
    assert project.evaluations(run, "validation") == [(5, completed(evaluated(0.5)))]
    writer.flush()
    assert stored(project, run) == [1, 2, 3, 4, 5]


def test_fast_iterations_are_written_together(project: Project, add_run: AddRun) -> None:
    run, clock = add_run(project), Clock()
    writer = RunWriter(project, run, clock=clock)
    written = set()
    for iteration in range(2000):
        clock.now += 0.001
        writer.points(iteration, {"loss": 0.0})
        written.add(len(stored(project, run)) if iteration % 100 == 0 else 0)
        waiting = iteration + 1 - len(stored(project, run)) if iteration % 50 == 0 else 0
        assert waiting <= 500
    assert len(written) <= 6


def test_slow_iterations_are_written_at_once(project: Project, add_run: AddRun) -> None:
    run, clock = add_run(project), Clock()
    writer = RunWriter(project, run, clock=clock)
    for iteration in range(1, 10):
        clock.now += 0.4  # the next point would come too late for this one
        writer.points(iteration, {"loss": 0.0})
        assert stored(project, run)[-1] == iteration


def test_a_writer_refuses_to_flush_inside_a_transaction(project: Project, add_run: AddRun) -> None:
    writer = RunWriter(project, add_run(project))
    with project.transaction(), pytest.raises(RuntimeError, match="its own transaction"):
        writer.flush()


KILLED = """
import sys, time
from workbench.project import Project, RunWriter
project = Project.open(sys.argv[1])
project.update_run(1, status="running")
writer, iteration = RunWriter(project, 1), 0
while True:
    iteration += 1
    writer.points(iteration, {"loss": 1 / iteration, "clock": time.monotonic()})
    writer.update(iterations=iteration)
    if iteration % 5000 == 0:
        writer.checkpoint(iteration, {"iteration": iteration}, b"x" * 10000)
    if iteration % 1000 == 0:
        print(iteration, time.monotonic(), flush=True)
"""


@pytest.mark.parametrize("reports", [1, 37, 400])
def test_a_killed_writer_loses_at_most_a_second_of_its_curves(
    project: Project, add_run: AddRun, start: Callable, snapshot: Snapshot, reports: int
) -> None:
    run = add_run(project)
    project.close()
    writer = start(KILLED, project.path)
    for _ in range(reports):
        _, killed = map(float, writer.stdout.readline().split())
    writer.kill()
    writer.wait()
    before = snapshot()

    def check(again: Project) -> None:
        assert again.run(run).status == "interrupted"
        x, y = again.series(run, "loss")
        assert np.array_equal(x, np.arange(1, len(x) + 1))
        assert np.array_equal(y, 1 / x)
        seconds = again.series(run, "clock")[1]
        assert len(seconds) == len(x) == again.run(run).iterations
        if len(seconds):  # (nothing was due yet at the first report)
            assert seconds[-1] > killed - 1
        checkpoint = again.checkpoint(run)
        assert checkpoint is None or checkpoint.iteration <= len(x)
        assert again.verify() == []

    with Project.open(project.path, read_only=True) as reader:
        check(reader)
    assert snapshot() == before
    with Project.open(project.path) as again:
        assert not again.read_only
        check(again)
        again.rewind(run, 3)
        RunWriter(again, run, interval=0).points(4, {"loss": 0.25})
        assert stored(again, run) == [*range(1, len(stored(again, run))), 4]
    assert [file.name for file in project.path.parent.iterdir()] == [project.path.name]


def test_a_writer_killed_on_a_network_share_is_recovered(
    project: Project, add_run: AddRun, start: Callable, snapshot: Snapshot
) -> None:
    run = add_run(project)
    project.append_series(run, "loss", [1, 2], [1.0, 2.0])
    project.close()
    code = """
import os, sys
from workbench.project import Project, file
file.on_network = lambda path: True
project = Project.open(sys.argv[1])
project.update_run(1, status="running")
project._connection.execute("PRAGMA cache_size=1")  # spills to the file before the commit
with project.transaction():
    for iteration in range(3, 3000):
        project.add_evaluation(1, iteration, "validation", {"loss": [0.5] * 50})
    print("in the middle", flush=True)
    sys.stdin.read()
"""
    writer = start(code, project.path)
    assert writer.stdout.readline() == "in the middle\n"
    writer.kill()
    writer.wait()
    before = snapshot()
    assert any(name.endswith("-journal") for name in before)
    with Project.open(project.path, read_only=True) as reader:
        assert stored(reader, run) == [1, 2]
        assert reader.evaluations(run, "validation") == []
        assert reader.run(run).status == "interrupted"
    assert snapshot() == before
    with Project.open(project.path) as again:
        assert again.evaluations(run, "validation") == []
        assert again.verify() == []


def test_a_full_disk_loses_and_doubles_nothing(small_disk: Path, add_run: AddRun) -> None:
    with Project.create(small_disk / "P.mlwb") as project:
        run = add_run(project)
        writer = RunWriter(project, run, interval=1e9)
        rng = np.random.default_rng(0)
        losses = rng.normal(size=60_000)
        failures, iteration, messages = 0, 0, set()
        filler = small_disk / "filler"
        filler.write_bytes(bytes(1_200_000))
        while iteration < len(losses):
            for loss in losses[iteration : iteration + 1000]:
                iteration += 1
                writer.points(iteration, {"loss": loss})
            writer.update(iterations=iteration)
            try:
                writer.flush()
            except StorageFull as error:
                messages.add(str(error))
                assert len(stored(project, run)) == project.run(run).iterations < iteration
                failures += 1
                if failures == 5:
                    filler.unlink()
        assert failures == 5
        assert messages == {f"{project.path}: the disk is full; free some room and continue"}
        with pytest.raises(StorageFull):
            writer.checkpoint(iteration, {}, bytes(3_000_000))
        with pytest.raises(StorageFull):
            project.save_copy(small_disk / "copy.mlwb")
        assert not [file for file in small_disk.iterdir() if "copy" in file.name]
        writer.checkpoint(iteration, {}, b"small")
        x, y = project.series(run, "loss")
        assert np.array_equal(x, np.arange(1, iteration + 1))
        assert y.tobytes() == losses.tobytes()
    with Project.open(small_disk / "P.mlwb") as again:
        assert again.verify() == []


def test_a_full_disk_at_opening_gives_read_only(small_disk: Path, add_run: AddRun) -> None:
    with Project.create(small_disk / "P.mlwb") as project:
        add_run(project, status="running")
    filler = os.open(small_disk / "filler", os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while os.write(filler, bytes(4096)):
            pass
    os.close(filler)
    with Project.open(small_disk / "P.mlwb") as project:
        assert project.read_only
        assert len(project.runs()) == 1
    (small_disk / "filler").unlink()
    with Project.open(small_disk / "P.mlwb") as project:
        assert not project.read_only


LIMITED = """
import resource, sys
from workbench.project import Project, RunWriter, StorageError
with Project.open(sys.argv[1]) as project:
    writer = RunWriter(project, 1, interval=1e9)
    room = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, room[1]))
    failures = 0
    for iteration in range(1, 30_001):
        writer.points(iteration, {"loss": 1 / iteration})
        if iteration % 1000 == 0:
            try:
                writer.flush()
            except StorageError as error:
                failures += 1
                assert "limit" in str(error), error
    resource.setrlimit(resource.RLIMIT_FSIZE, room)
    writer.flush()
    print(failures)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_limit_on_the_files_size_loses_and_doubles_nothing(
    project: Project, add_run: AddRun, start: Callable
) -> None:
    run = add_run(project)
    project.close()
    process = start(LIMITED, project.path)
    answer, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert int(answer) > 5
    with Project.open(project.path) as again:
        x, y = again.series(run, "loss")
        assert np.array_equal(x, np.arange(1, 30_001))
        assert np.array_equal(y, 1 / x)
        assert again.verify() == []


def test_a_failed_flush_keeps_every_kind_of_thing(
    project: Project, add_run: AddRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, clock = add_run(project), Clock()
    writer = RunWriter(project, run, clock=clock)
    with monkeypatch.context() as patch:

        def refuse(*_: object, **__: object) -> None:
            raise StorageError("the share is gone")

        patch.setattr(Project, "update_run", refuse)
        writer.update(iterations=2)
        writer.points(1, {"loss": 1.0})
        for call in (
            lambda: writer.evaluation(1, "validation", evaluated(1.0)),
            lambda: writer.checkpoint(1, {}, b"1"),
            lambda: writer.checkpoint(2, {}, b"2"),
            writer.flush,
        ):
            with pytest.raises(StorageError, match="the share is gone"):
                call()
        writer.result("test", reached(1.0), {}, "h")
        clock.now += 1
        with pytest.raises(StorageError):
            writer.points(2, {"loss": 2.0})
        assert project.series_names(run) == []
    writer.flush()
    assert stored(project, run) == [1, 2]
    assert [at for at, _ in project.evaluations(run, "validation")] == [1]
    assert project.checkpoint(run).tensors == b"2"
    assert project.result_splits(run) == ["test"]
    assert project.run(run).iterations == 2


def test_collecting_points_costs_next_to_nothing(project: Project, add_run: AddRun) -> None:
    writer = RunWriter(project, add_run(project), interval=1e9)
    start = time.process_time()
    for iteration in range(100_000):
        writer.points(iteration, {"loss": 0.5, "seconds": 1.0})
    assert time.process_time() - start < 2  # 0.1 s here: 1 µs of an iteration's 500 at the least
    writer.flush()
