"""Runs in a project: written as they happen, stopped and resumed bit for bit, patient with full disks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import processes
from tests.experiments import SINUSOID, experiment, family
from workbench import runs
from workbench.algorithms import ALGORITHMS
from workbench.engine.events import Failed, Finished, MetaSteps
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.project import Project, ProjectError, StorageFull
from workbench.runs import Control, Notice, Waiting, WentOn
from workbench.tasks.base import DataError


def contents(project: Project, run: int) -> dict[str, Any]:
    """All that must be the same twice: every loss, evaluation and per-task result."""
    x, y = project.series(run, "loss")
    result = project.result(run, "test")
    assert result is not None
    summary = {
        name: value for name, value in result.summary.items() if "milliseconds" not in name and name != "cost"
    }
    return {
        "iterations": x.tolist(),
        "losses": y.tolist(),
        "validation": project.evaluations(run, "validation"),
        "test": summary,
        "arrays": {name: array.tobytes() for name, array in result.arrays.items()},  # NaN is the same
    }


def start(path: Path, *algorithms: str, overrides: tuple[str, ...] = ()) -> tuple[Project, list[int]]:
    project = Project.create(path)
    ids = []
    for name in algorithms:
        e = experiment(name, *overrides)
        ids += runs.add(project, e, family(e))
    return project, ids


def perform(
    project: Project, run: int, tell: Callable[..., None] = lambda *_: None, control: Control | None = None
) -> str:
    e = runs.of_record(project, project.run(run)).experiment
    return runs.perform(project, run, family(e), control or Control(), tell)


def test_a_run_leaves_its_curves_result_and_record(tmp_path: Path) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    assert project.run(run).status == "queued"
    assert perform(project, run) == "finished"
    record = project.run(run)
    assert (record.status, record.iterations, record.iterations_planned) == ("finished", 12, 12)
    assert (record.label, record.algorithm, record.task, record.seed) == ("MAML", "maml", "sinusoid", 0)
    assert record.meta_iterations_per_second is not None
    assert record.environment["chunk"] == 4
    x, y = project.series(run, "loss")
    assert x.tolist() == list(range(1, 13))
    assert np.isfinite(y).all()
    assert (np.diff(project.series(run, "seconds")[1]) > 0).all()
    assert [iteration for iteration, _ in project.evaluations(run, "validation")] == [0, 5, 10, 12]
    result = project.result(run, "test")
    assert result is not None
    assert result.arrays["loss"].shape == (4, 20)
    assert project.checkpoint_iterations(run)[0] == 12
    project.close()


class StopAt:
    """Stops or pauses a run once it has done so many iterations; keeps what it was told."""

    def __init__(self, iteration: int, act: Callable[[], None]) -> None:
        self.iteration, self.act = iteration, act
        self.notices: list[Notice] = []

    def __call__(self, trainer: Trainer, notice: Notice) -> None:
        self.notices.append(notice)
        if trainer.iteration >= self.iteration:
            self.act()


@pytest.fixture
def every_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainers report each meta-iteration, so that a test can stop at any of them."""
    monkeypatch.setattr("workbench.engine.trainer.REPORT_SECONDS", 0)
    defaults = Trainer.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "report_seconds", 0)


@pytest.mark.usefixtures("every_iteration")
@pytest.mark.parametrize("stop", [1, 5, 7, 12])
@pytest.mark.parametrize("name", ["maml", "reptile", "transfer"])
def test_a_stopped_run_goes_on_in_another_session_bit_for_bit(name: str, stop: int, tmp_path: Path) -> None:
    whole, (reference,) = start(tmp_path / "whole.mlwb", name)
    perform(whole, reference)

    project, (run,) = start(tmp_path / "stopped.mlwb", name)
    control = Control()
    status = perform(project, run, StopAt(stop, control.stop), control)
    assert status == project.run(run).status == "stopped"
    assert project.run(run).iterations == stop
    project.close()
    with Project.open(tmp_path / "stopped.mlwb") as again:
        assert perform(again, run) == "finished"
        assert contents(again, run) == contents(whole, reference)
        assert again.run(run).status == "finished"
    whole.close()


@pytest.mark.usefixtures("every_iteration")
def test_a_paused_run_waits_and_goes_on(tmp_path: Path) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    control = Control()
    seen: list[str] = []
    watcher = project.reader()

    def tell(trainer: Trainer, notice: Notice) -> None:
        if isinstance(notice, MetaSteps) and trainer.iteration == 4:
            control.pause()
            waits = control.wait_while_paused

            def look_then_resume() -> None:
                seen.append(watcher.run(run).status)
                control.resume()
                waits()

            control.wait_while_paused = look_then_resume  # type: ignore[method-assign]

    assert perform(project, run, tell, control) == "finished"
    assert seen == ["paused"]
    watcher.close()
    project.close()


def test_a_failed_run_says_why_and_keeps_its_curve(tmp_path: Path) -> None:
    overrides = ("algorithm.0.inner_lr=50", "algorithm.0.inner_steps=40")
    project, (run,) = start(tmp_path / "p.mlwb", "reptile", overrides=overrides)
    notices: list[Notice] = []
    assert perform(project, run, lambda _, notice: notices.append(notice)) == "failed"
    record = project.run(run)
    assert record.status == "failed"
    assert "not finite" in record.failure
    assert sum(isinstance(each, Failed | Finished) for each in notices) == 1
    assert len(project.series(run, "loss")[0]) == record.iterations
    project.close()


def test_a_mistake_in_an_algorithm_fails_its_run_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    monkeypatch.setattr("workbench.algorithms.maml.MAML.loss", lambda *_: 1 / 0)
    assert perform(project, run) == "failed"
    assert project.run(run).failure == "ZeroDivisionError: division by zero"
    project.close()


def test_a_run_is_not_resumed_on_other_data(tmp_path: Path) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    other = family(experiment("maml", "task.amplitude=[1, 2]"))
    with pytest.raises(DataError, match="the data has changed"):
        runs.perform(project, run, other, Control(), lambda *_: None)
    assert project.run(run).status == "queued"
    project.close()


@pytest.mark.parametrize("compile", ["true", "false", "'auto'"])
def test_a_resume_computes_as_the_run_did_before(compile: str, tmp_path: Path) -> None:
    overrides = ("training.chunk='auto'", f"training.compile={compile}")
    project, (run,) = start(tmp_path / "p.mlwb", "maml", overrides=overrides)
    before = {"device": "cpu", "threads": 1, "chunk": 3, "compiled": False}
    project.update_run(run, environment=before)
    perform(project, run)
    after = project.run(run).environment
    assert {name: after[name] for name in before} == before
    project.close()


@pytest.mark.usefixtures("every_iteration")
def test_a_disk_that_refuses_makes_the_run_wait_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.runs.performing.RETRY_SECONDS", 0)
    whole, (reference,) = start(tmp_path / "whole.mlwb", "maml")
    perform(whole, reference)
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    real, refused = project.append_series, 0

    def append(*arguments: Any) -> None:
        nonlocal refused
        if refused < 5:
            refused += 1
            raise StorageFull("the disk is full; free some room and continue")
        real(*arguments)

    monkeypatch.setattr(project, "append_series", append)
    notices: list[Notice] = []
    assert perform(project, run, lambda _, notice: notices.append(notice)) == "finished"
    assert [type(each) for each in notices if isinstance(each, Waiting | WentOn)] == [Waiting, WentOn]
    assert contents(project, run) == contents(whole, reference)
    project.close()
    whole.close()


def test_a_run_that_waits_for_the_disk_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")

    def refuse(*_: Any) -> None:
        raise StorageFull("the disk is full")

    monkeypatch.setattr(project, "append_series", refuse)
    control = Control()

    def tell(_: Trainer, notice: Notice) -> None:
        if isinstance(notice, Waiting):
            control.stop()

    with pytest.raises(StorageFull):
        perform(project, run, tell, control)
    project.close()
    with Project.open(tmp_path / "p.mlwb") as again:
        assert again.run(run).status == "interrupted"
        assert perform(again, run) == "finished"


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "e.toml"
    path.write_text(
        SINUSOID + '[[algorithm]]\nkind = "maml"\n[[algorithm]]\nkind = "scratch"\n', encoding="utf-8"
    )
    return path


@pytest.fixture
def cli(call: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """All that a command says; it must end with the code that is expected."""

    def run(*arguments: object, code: int = 0) -> str:
        ended, out, err = call(*arguments)
        assert ended == code, err
        return out + err

    return run


def test_from_run_to_export_by_command_line(cli: Callable[..., str], toml: Path, tmp_path: Path) -> None:
    import json

    project = tmp_path / "p.mlwb"
    cli("run", toml, "--project", project, "--set", "training.seeds=[0, 1]", "--json", tmp_path / "run.json")
    shown = json.loads(cli("show", project, "--json"))
    assert shown == json.loads((tmp_path / "run.json").read_text())
    assert [run["status"] for run in shown["runs"]] == ["finished"] * 4
    wanted = {
        "id", "name", "experiment", "algorithm", "task", "seed", "status", "iterations", "seconds",
        "meta_iterations_per_second", "config_hash", "environment", "test",
    }  # fmt: skip
    tested = {
        "split", "episodes", "episodes_hash", "inner_steps", "loss", "loss_ci95", "accuracy", "accuracy_ci95",
        "diverged", "adaptation_steps_median", "generalisation_gap",
    }  # fmt: skip
    for run in shown["runs"]:
        assert wanted <= set(run)
        assert tested <= set(run["test"])
    assert "MAML, seed 1" in cli("show", project)
    assert "sound" in cli("verify", project)
    assert "nothing to resume" in cli("resume", project)
    assert "there is nothing left to do" in cli("resume", project, 1, code=2)
    assert "there is no run 99" in cli("resume", project, 99, code=2)
    for what, rows in (("runs", 4), ("table", 2)):
        for form in ("csv", "json"):
            cli("export", project, "--what", what, "--format", form, "-o", tmp_path / f"{what}.{form}")
        table = json.loads((tmp_path / f"{what}.json").read_text())[what]
        assert len(table) == rows
        assert (tmp_path / f"{what}.csv").read_text().splitlines()[0] == ",".join(table[0])
    maml, scratch = json.loads((tmp_path / "table.json").read_text())["table"]
    assert (maml["algorithm"], maml["seeds"], scratch["algorithm"]) == ("MAML", 2, "From scratch")
    finals = [run["test"]["loss"][-1] for run in shown["runs"][:2]]
    assert maml["mean"] == pytest.approx(sum(finals) / 2)
    assert not list(tmp_path.glob("p.mlwb-*"))


def test_a_second_experiment_joins_the_project(cli: Callable[..., str], toml: Path, tmp_path: Path) -> None:
    project = tmp_path / "p.mlwb"
    for _ in range(2):
        cli("run", toml, "--project", project)
    with Project.open(project, read_only=True) as opened:
        assert len(opened.experiments()) == 2
        assert len(opened.runs()) == 4


def test_a_project_that_another_process_writes_is_left_alone(toml: Path, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.mlwb"):
        with processes.started("run", toml, "--project", tmp_path / "p.mlwb") as other:
            said = other.said.read()
        assert other.returncode == 2
    assert "cannot be written to" in said


def test_what_is_no_project_is_refused_in_one_line(
    cli: Callable[..., str], toml: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "p.mlwb"
    foreign.write_bytes(b"not a project" * 100)
    for command in (
        ["run", toml, "--project", foreign],
        ["resume", foreign],
        ["show", foreign],
        ["verify", foreign],
    ):
        said = cli(*command, code=2)
        assert said.count("\n") == 1
    assert foreign.read_bytes() == b"not a project" * 100


def test_show_verify_and_export_never_import_torch(
    cli: Callable[..., str], toml: Path, tmp_path: Path
) -> None:
    project = tmp_path / "p.mlwb"
    cli("run", toml, "--project", project)
    script = (
        "import sys; from workbench.cli import main\n"
        "try:\n main()\nfinally:\n assert 'torch' not in sys.modules, 'torch was imported'"
    )
    for command in (
        ["show", project, "--json"],
        ["verify", project],
        ["export", project, "--what", "table", "--format", "csv", "-o", tmp_path / "t.csv"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, command)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_an_unreadable_experiment_is_an_error_a_person_can_read(tmp_path: Path) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    with project.transaction():
        owner = project.add_experiment("from the future", '[task]\nfamily = "chess"\n', "x")
        stray = project.add_run(owner, name="r", algorithm="maml", task="chess", seed=0)
    with pytest.raises(InputError, match="from the future"):
        runs.of_record(project, project.run(stray))
    assert runs.of_record(project, project.run(run)).config.name == "maml"
    project.close()


def test_a_checkpoint_holds_the_whole_state(tmp_path: Path) -> None:
    import safetensors.torch

    project, (run,) = start(tmp_path / "p.mlwb", "meta_sgd")
    perform(project, run)
    checkpoint = project.checkpoint(run)
    assert checkpoint is not None
    tensors = safetensors.torch.load(checkpoint.tensors)
    assert {"meta.body.1.weight", "meta.rate.body.1.weight"} <= set(tensors)
    assert any(name.startswith("optimiser.") and name.endswith("exp_avg") for name in tensors)
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert checkpoint.state["iteration"] == 12
    project.close()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"device": "cpu", "threads": "many", "chunk": 3},
        {"device": "cpu", "threads": 1, "chunk": 0},
        {"device": "cpu", "threads": 1_000_000, "chunk": 3},
    ],
)
def test_a_record_that_a_stranger_made_up_does_no_harm(environment: dict[str, Any], tmp_path: Path) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    project.update_run(run, environment=environment)
    assert perform(project, run) == "finished"
    assert project.run(run).environment["chunk"] == 4
    project.close()


@pytest.mark.parametrize("tensors", [b"", b"not tensors", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(tensors: bytes, tmp_path: Path) -> None:
    project, (run,) = start(tmp_path / "p.mlwb", "maml")
    with project.transaction():
        project.save_checkpoint(run, 3, {"iteration": 3, "seconds": 1.0, "evaluated": 0}, tensors)
    with pytest.raises(ProjectError, match=f"run {run}: the checkpoint.s") as caught:
        perform(project, run)
    assert "\n" not in str(caught.value)
    assert project.run(run).status == "queued"
    project.close()


@pytest.mark.parametrize(
    ("sample", "problem"), [("all-sinusoid", "regression"), ("all-glyphs", "classification")]
)
def test_the_samples_of_all_algorithms_leave_none_out(sample: str, problem: str) -> None:
    listed = [each.name for each in runs.load_experiment(sample).algorithm]
    gives = runs.load_experiment(sample).task.gives()
    able = [name for name, cls in ALGORITHMS.items() if cls.Config.needs <= gives]
    assert sorted(listed) == able
    assert {problem} == {runs.load_experiment(sample).task.problem.name}


@pytest.mark.parametrize("sample", ["all-sinusoid", "all-glyphs"])
def test_the_samples_of_all_algorithms_test_as_many_inner_steps_as_any_trains_with(sample: str) -> None:
    e = runs.load_experiment(sample)
    trained = [getattr(each, "inner_steps", None) or 0 for one in e.algorithm for each in one.built_of]
    assert max(trained) <= e.evaluation.inner_steps
