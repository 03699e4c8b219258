"""A real process, killed without warning again and again, ends where an undisturbed one does."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import processes
from tests.experiments import SINUSOID
from tests.tasks.test_subjects import lines
from tests.test_runs import contents
from workbench.project import Project

AHEAD = 1
"""So many evaluations a run that is to be killed may be ahead of the one that decides when."""

CONV4 = """
name = "small digits"
[task]
family = "digits"
ways = 2
queries = 3
[network]
kind = "conv4"
width = 4
stride = 2
[evaluation]
episodes = 30
inner_steps = 2
"""

FOLDED = """
name = "subjects in folds"
[task]
family = "subjects"
path = "table.csv"
shots = 3
[task.split]
folds = 3
[network]
kind = "mlp"
hidden = [8]
[evaluation]
episodes = 7
inner_steps = 2
"""


@pytest.mark.parametrize(
    ("text", "kills", "each"),
    [
        pytest.param(SINUSOID, 12, 20, id="sinusoid-mlp"),
        pytest.param(CONV4, 5, 5, id="digits-conv4"),
        pytest.param(FOLDED, 3, 5, id="subjects-in-folds"),
    ],
)
def test_a_killed_run_resumes_bit_for_bit(text: str, kills: int, each: int, tmp_path: Path) -> None:
    # a kill comes at most so many evaluations after the one before, so the run cannot be over before the last
    segments = (AHEAD + 2) * kills + 1
    toml = tmp_path / "e.toml"
    (tmp_path / "table.csv").write_text("\n".join(lines()))
    toml.write_text(text + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    settings = {
        "training.iterations": each * segments,
        "training.meta_batch": 4,
        "training.threads": 1,
        "training.chunk": 4,
        "training.checkpoint_every": 0.05,
        "evaluation.every": each,
        "evaluation.validation_episodes": 4,
    }
    run = ["run", str(toml), *sets(settings), "--project"]
    processes.finished(*run, tmp_path / "whole.mlwb")

    chance = random.Random(0)
    project = tmp_path / "killed.mlwb"
    command = [*run, str(project)]
    for kill in range(1, kills + 1):
        _kill_at(command, kill * each, chance)
        with Project.open(project, read_only=True) as opened:
            (record,) = opened.runs()
            assert record.status == "interrupted"
            written, losses = opened.series(record.id, "loss")
            assert written.tolist() == list(range(1, len(losses) + 1))  # no gap, no fold, no doubled point
            assert opened.verify() == []
        command = ["resume", str(project)]
    processes.finished(*command)

    with Project.open(tmp_path / "whole.mlwb") as whole, Project.open(project) as opened:
        (reference,), (resumed,) = whole.runs(), opened.runs()
        assert resumed.status == "finished"
        assert contents(opened, resumed.id) == contents(whole, reference.id)


def sets(settings: Mapping[str, object]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def _kill_at(command: list[str], iteration: int, chance: random.Random) -> None:
    """Start the process and kill it a random moment after it has told of an iteration."""
    with processes.started(*command, ahead=AHEAD) as process:
        said = []
        for line in process.lines():
            said.append(line)
            told = re.search(r": (\d+)/\d+  validation", line)
            if told and int(told[1]) >= iteration:
                break
        else:
            pytest.fail(f"the process ended before it was killed: {said}")
        process.wait(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_at_most_a_second_of_curves_is_missing_after_a_kill(tmp_path: Path) -> None:
    toml, project = tmp_path / "e.toml", tmp_path / "p.mlwb"
    toml.write_text(SINUSOID + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    # no checkpoint and hardly an evaluation falls due, which would write as well
    settings = {
        "training.iterations": 1_000_000,
        "training.checkpoint_every": 3600,
        "evaluation.every": 1_000_000,
    }
    command = ["run", toml, "--project", project, *sets(settings)]
    for run in (1, 2, 3):  # a busy machine may stand still at the wrong moment, but hardly three times
        with processes.started(*command) as process:
            process.said.readline()  # the validation before training: it trains from here on
            began = time.monotonic()
            process.wait(2.0)
            process.send_signal(signal.SIGKILL)
            killed = time.monotonic()
        with Project.open(project, read_only=True) as opened:
            iterations, trained = opened.series(run, "seconds")
        assert iterations.tolist() == list(range(1, len(iterations) + 1))
        if trained[-1] >= killed - began - 1.0:
            break
    else:
        pytest.fail("more than a second of curves is missing")


def test_ctrl_c_stops_a_run_and_says_how_to_go_on(tmp_path: Path) -> None:
    toml, project = tmp_path / "e.toml", tmp_path / "p.mlwb"
    toml.write_text(SINUSOID + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    command = ["run", toml, "--project", project, "--set", "training.iterations=1000000"]
    with processes.started(*command) as process:
        process.said.readline()
        process.send_signal(signal.SIGINT)
        said = process.said.read()
    assert process.returncode == 130
    assert f"workbench resume {project}" in said
    with Project.open(project) as opened:
        assert opened.runs()[0].status == "stopped"
        assert opened.checkpoint_iterations(1)[0] == opened.runs()[0].iterations


@pytest.mark.parametrize("small_disk", [3], indirect=True)
def test_a_run_on_a_disk_that_fills_up_waits_and_then_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    toml = tmp_path / "e.toml"
    toml.write_text(SINUSOID + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    settings = {
        "training.iterations": 600,
        "training.checkpoint_every": 0.1,
        "evaluation.every": 50,
    }
    run = ["run", toml, *sets(settings), "--project"]
    processes.finished(*run, tmp_path / "whole.mlwb")

    filler = small_disk / "filler"
    said = []
    with processes.started(*run, small_disk / "p.mlwb") as process:
        for line in process.said:
            said.append(line)
            if "100/600  validation" in line:
                _fill(filler)
            if "waiting at" in line:
                assert "the disk is full" in line
                filler.unlink()
    assert process.returncode == 0, said
    assert sum("waiting at" in line for line in said) >= 1
    assert any("goes on" in line for line in said)
    with Project.open(tmp_path / "whole.mlwb") as whole, Project.open(small_disk / "p.mlwb") as opened:
        assert opened.verify() == []
        assert contents(opened, opened.runs()[0].id) == contents(whole, whole.runs()[0].id)


def _fill(path: Path) -> None:
    """Take all the room there is, to the last byte."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
