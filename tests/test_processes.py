"""Runs in processes of their own: the same bits as in this thread, whatever is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.experiments import SINUSOID, SMALLER
from workbench import runs
from workbench.config import parse
from workbench.engine.events import Evaluated, MetaSteps
from workbench.project import Project, RunRecord
from workbench.runs import Control, Processes, Told

TWO = SINUSOID + '[[algorithm]]\nkind = "maml"\n[[algorithm]]\nkind = "reptile"\n'
LONG = ("training.iterations=90", "training.checkpoint_every=0", "evaluation.every=30", *SMALLER)


def nothing(*_: object) -> None:
    """Nobody is told."""


def queued(path: Path, *overrides: str) -> list[int]:
    """A project in which runs wait."""
    experiment = parse(TWO, [*LONG, *overrides])
    with Project.create(path) as project:
        return runs.add(project, experiment, runs.open_family(experiment))


def done_here(path: Path, wanted: list[int]) -> None:
    with Project.open(path) as project:
        family = runs.open_family(runs.of_record(project, project.run(wanted[0])).experiment)
        for run in wanted:
            assert runs.perform(project, run, family, Control(), nothing) == "finished"


def same(one: Path, other: Path, wanted: list[int]) -> None:
    """Both projects hold the same curves, weights and results, each point once."""
    with Project.open(one, read_only=True) as a, Project.open(other, read_only=True) as b:
        for run in wanted:
            assert (a.run(run).status, b.run(run).status) == ("finished", "finished")
            assert a.series_names(run) == b.series_names(run)
            for name in a.series_names(run):
                x, y = a.series(run, name)
                np.testing.assert_array_equal(x, b.series(run, name)[0])
                if name != "seconds":
                    np.testing.assert_array_equal(y, b.series(run, name)[1])
            left, right = a.checkpoint(run), b.checkpoint(run)
            assert left is not None
            assert right is not None
            assert (left.iteration, left.tensors) == (right.iteration, right.tensors)
            results = a.result(run, "test"), b.result(run, "test")
            assert results[0] is not None
            assert results[1] is not None
            assert results[0].summary["measures"] == results[1].summary["measures"]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, list[int]]:
    """Two projects with the same runs, of which those of the first are done here."""
    here, there = tmp_path / "here.mlwb", tmp_path / "there.mlwb"
    wanted = queued(here)
    assert queued(there) == wanted
    done_here(here, wanted)
    return here, there, wanted


def test_the_bits_are_those_of_this_thread_though_processes_are_killed(
    pair: tuple[Path, Path, list[int]],
) -> None:
    here, there, wanted = pair
    killed: list[int] = []

    def kill(_: RunRecord, told: Told) -> None:
        begun = isinstance(told.notice, MetaSteps | Evaluated) and told.iteration > 0
        if begun and len(killed) < 2:
            victim = multiprocessing.active_children()[-1]
            assert victim.pid is not None
            killed.append(victim.pid)
            victim.kill()

    with Project.open(there) as project:
        ended = Processes(project, 2, Control(), kill, nothing).perform(wanted)
    assert len(killed) == 2
    assert set(ended.values()) == {"finished"}
    same(here, there, wanted)
    assert not multiprocessing.active_children()


def test_what_is_stopped_goes_on_elsewhere_bit_for_bit(pair: tuple[Path, Path, list[int]]) -> None:
    here, there, wanted = pair
    control = Control()

    def stop(_: RunRecord, told: Told) -> None:
        if isinstance(told.notice, Evaluated) and told.iteration > 0:
            control.stop()

    with Project.open(there) as project:
        ended = Processes(project, 2, control, stop, nothing).perform(wanted)
        assert "stopped" in ended.values()
        assert not [run for run in project.runs() if run.status == "running"]
    done_here(there, [run for run in wanted if ended.get(run) != "finished"])
    same(here, there, wanted)


def test_a_run_that_kills_its_processes_fails_with_the_reason_and_others_go_on(tmp_path: Path) -> None:
    wanted = queued(tmp_path / "p.mlwb")
    reasons: list[str] = []

    def kill(record: RunRecord, told: Told) -> None:
        if record.id == wanted[0]:
            for each in multiprocessing.active_children():
                each.kill()

    with Project.open(tmp_path / "p.mlwb") as project:
        pool = Processes(project, 1, Control(), kill, lambda record, why: reasons.append(why))
        assert pool.perform(wanted) == {wanted[0]: "failed", wanted[1]: "finished"}
        assert reasons == ["its process was killed (signal 9), 4 times"]
        assert project.run(wanted[0]).failure == reasons[0]


def test_who_is_killed_leaves_no_process_behind_and_resume_goes_on(
    pair: tuple[Path, Path, list[int]],
) -> None:
    here, there, wanted = pair
    program = "from workbench.cli import main; import sys; sys.exit(main())"
    command = [sys.executable, "-c", program, "resume", str(there), "--jobs", "2"]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert parent.stderr is not None
    assert "validation" in parent.stderr.readline()
    children = psutil.Process(parent.pid).children()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stderr.close()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert children
    assert not alive
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    same(here, there, wanted)


Call = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("jobs", ["0", "10000", "two", "-1"])
def test_a_number_of_jobs_that_cannot_be_is_refused_in_one_line(call: Call, jobs: str) -> None:
    code, _, said = call("run", "quickstart", "--jobs", jobs)
    assert code == 2
    assert said.startswith(f"workbench: --jobs: {jobs!r} is no number of runs here; allowed: auto, or 1 to ")
    assert said.count("\n") == 1
