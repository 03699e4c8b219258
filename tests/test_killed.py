"""A real process, killed without warning again and again, ends where an undisturbed one does."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.experiments import SINUSOID
from tests.test_runs import CLI, contents
from workbench.project import Project

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


@pytest.mark.parametrize(
    ("text", "kills", "each"),
    [
        pytest.param(SINUSOID, 20, 60, id="sinusoid-mlp"),
        pytest.param(CONV4, 8, 20, id="digits-conv4"),
    ],
)
def test_a_killed_run_resumes_bit_for_bit(text: str, kills: int, each: int, tmp_path: Path) -> None:
    segments = kills + 2
    iterations = each * segments
    toml = tmp_path / "e.toml"
    toml.write_text(text + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    settings = {
        "training.iterations": iterations,
        "training.meta_batch": 4,
        "training.threads": 1,
        "training.chunk": 4,
        "training.checkpoint_every": 0.05,
        "evaluation.every": each,
        "evaluation.validation_episodes": 4,
    }
    sets = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    run = [*CLI, "run", str(toml), *sets, "--project"]
    subprocess.run([*run, str(tmp_path / "whole.mlwb")], check=True, capture_output=True)

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
        command = [*CLI, "resume", str(project)]
    subprocess.run(command, check=True, capture_output=True)

    with Project.open(tmp_path / "whole.mlwb") as whole, Project.open(project) as opened:
        (reference,), (resumed,) = whole.runs(), opened.runs()
        assert resumed.status == "finished"
        assert contents(opened, resumed.id) == contents(whole, reference.id)


def _kill_at(command: list[str], iteration: int, chance: random.Random) -> None:
    """Start the process and kill it a random moment after it has told of an iteration."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            told = re.search(r": (\d+)/\d+  validation", line)
            if told and int(told[1]) >= iteration:
                break
        try:
            process.wait(chance.uniform(0, 0.1))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "the process ended before it was killed"


def test_at_most_a_second_of_curves_is_missing_after_a_kill(tmp_path: Path) -> None:
    toml, project = tmp_path / "e.toml", tmp_path / "p.mlwb"
    toml.write_text(SINUSOID + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    command = [*CLI, "run", str(toml), "--project", str(project)]
    # no checkpoint and hardly an evaluation falls due, which would write as well
    for setting in ("iterations=1000000", "checkpoint_every=3600"):
        command += ["--set", f"training.{setting}"]
    command += ["--set", "evaluation.every=1000000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the validation before training: it trains from here on
        began = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3.0)
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
    with Project.open(project, read_only=True) as opened:
        iterations, trained = opened.series(1, "seconds")
    assert iterations.tolist() == list(range(1, len(iterations) + 1))
    assert trained[-1] >= killed - began - 1.0


def test_ctrl_c_stops_a_run_and_says_how_to_go_on(tmp_path: Path) -> None:
    toml, project = tmp_path / "e.toml", tmp_path / "p.mlwb"
    toml.write_text(SINUSOID + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    command = [*CLI, "run", str(toml), "--project", str(project), "--set", "training.iterations=1000000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert f"workbench resume {project}" in said
    with Project.open(project) as opened:
        assert opened.runs()[0].status == "stopped"
        assert opened.checkpoint_iterations(1)[-1] == opened.runs()[0].iterations


@pytest.mark.parametrize("small_disk", [3], indirect=True)
def test_a_run_on_a_disk_that_fills_up_waits_and_then_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    toml = tmp_path / "e.toml"
    toml.write_text(SINUSOID + '[[algorithm]]\nkind = "maml"\n', encoding="utf-8")
    settings = {
        "training.iterations": 1500,
        "training.checkpoint_every": 0.1,
        "evaluation.every": 100,
    }
    sets = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    run = [*CLI, "run", str(toml), *sets, "--project"]
    subprocess.run([*run, str(tmp_path / "whole.mlwb")], check=True, capture_output=True)

    filler = small_disk / "filler"
    said = []
    with subprocess.Popen([*run, str(small_disk / "p.mlwb")], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "200/1500  validation" in line:
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
