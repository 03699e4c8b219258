"""Real project files in a folder of each test's own, and real second processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.project import Project

Start = Callable[[str, Path], "subprocess.Popen[str]"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's project goes, in a folder with nothing else in it."""
    folder = tmp_path / "a folder, 50% full?"
    folder.mkdir()
    return folder / "Projekt #1.mlwb"


@pytest.fixture
def project(path: Path) -> Iterator[Project]:
    """An empty project, open for writing."""
    with Project.create(path) as project:
        yield project


@pytest.fixture
def add_run() -> Callable[..., int]:
    """Adds a run (and an experiment) to a project; takes a run's fields."""

    def add(project: Project, **fields: Any) -> int:
        with project.transaction():
            experiment = project.add_experiment("Sinusoid", 'name = "Sinusoid"\n', "c0ffee")
            given = {"name": "MAML", "algorithm": "maml", "task": "sinusoid", "seed": 0} | fields
            return project.add_run(experiment, **given)  # type: ignore[arg-type]

    return add


def evaluated(*loss: float | None, **more: Any) -> dict[str, Any]:
    """A summary with what every evaluation has."""
    steps = list(range(len(loss)))
    return {"inner_steps": steps, "loss": list(loss), "loss_ci95": [0.5] * len(loss)} | more


def completed(told: dict[str, Any]) -> dict[str, Any]:
    """The same as a project gives it: with its problem, its measures by name, and its number of tasks."""
    measures = {"loss": {"mean": told["loss"], "ci95": told["loss_ci95"]}}
    tasks = {"tasks": told["episodes"]} if "episodes" in told else {}
    return told | {"problem": "regression", "measures": measures} | tasks


def reached(*loss: float | None, **more: Any) -> dict[str, Any]:
    """A summary with what every result has."""
    return evaluated(*loss, **({"episodes": 2, "episodes_hash": "h"} | more))


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code in another process, with the project's path as its argument and pipes to talk."""
    processes = []

    def launch(code: str, path: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        processes.append(process)
        return process

    yield launch
    for process in processes:
        with process:  # waits for it and closes the pipes
            process.kill()


def everything(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.fixture
def snapshot(path: Path) -> Callable[[], dict[str, bytes]]:
    """Takes down every file beside the project with its bytes, to compare later."""
    return lambda: everything(path.parent)
