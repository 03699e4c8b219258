"""Files of older versions: those that were released, and with a version made up for the test."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from workbench.config import parse
from workbench.headless import resume
from workbench.project import Project, ProjectError, schema

AddRun = Callable[..., int]
Call = Callable[..., tuple[int, str, str]]
RELEASED = sorted((Path(__file__).parent / "released").glob("*.mlwb"))
"""Projects as released programs left them: finished runs, and run 2 that was stopped half way; beside each is
what that program showed of it as JSON."""


@pytest.fixture
def old(project: Project, add_run: AddRun) -> Path:
    """A closed project of the newest version, the last that this program writes, with one run in it."""
    add_run(project, name="from an older version")
    project.close()
    return project.path


def newer_version(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT")
    connection.execute("UPDATE experiments SET name = 'migrated'")


@pytest.fixture
def newer_program(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, this program writes one version more."""
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, newer_version])


def version(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[60:64], "big")


@pytest.fixture(params=RELEASED, ids=lambda path: path.stem)
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A released project in a folder of its own."""
    return Path(shutil.copy(request.param, tmp_path))


def curves(path: Path) -> list[tuple[object, ...]]:
    """The packed points of a file, as they lie there."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT series_id, first, last, points, data FROM chunks").fetchall()


def kept(project: Project) -> dict[str, object]:
    """Everything that a run has, to the last bit."""
    found: dict[str, object] = {}
    for run in project.runs():
        found[f"{run.id}"] = run
        for name in project.series_names(run.id):
            found[f"{run.id} {name}"] = tuple(each.tobytes() for each in project.series(run.id, name))
        found[f"{run.id} evaluations"] = project.evaluations(run.id, "validation")
        found[f"{run.id} checkpoint"] = project.checkpoint(run.id)
        result = project.result(run.id, "test")
        if result is not None:
            arrays = {name: (each.dtype, each.tobytes()) for name, each in result.arrays.items()}
            found[f"{run.id} result"] = result.summary, arrays
    return found


def test_every_version_before_this_one_was_released_and_is_tried() -> None:
    assert [version(path) for path in RELEASED] == [*range(1, schema.newest())]


def test_a_released_project_keeps_everything_to_the_last_bit(released: Path) -> None:
    before = curves(released)
    with Project.open(released, read_only=True) as project:
        assert project.verify() == []
        as_it_was = kept(project)
    assert len(as_it_was) > 15
    with Project.open(released) as project:
        assert project.verify() == []
        assert kept(project) == as_it_was
    assert version(released) == schema.newest()
    assert curves(released) == before


def test_a_released_experiment_means_what_it_meant(released: Path) -> None:
    """Nothing is filled in but what its file leaves out, which is nothing."""
    with Project.open(released, read_only=True) as project:
        for record in project.experiments():
            experiment = parse(record.toml)
            assert experiment.hash() == record.config_hash
            assert tomllib.loads(experiment.to_toml()) == tomllib.loads(record.toml)


def test_a_released_project_shows_the_same_figures(released: Path, call: Call) -> None:
    told = json.loads(
        next(path for path in RELEASED if path.name == released.name).with_suffix(".json").read_text()
    )
    for _ in range(2):
        code, out, _ = call("show", released, "--json")
        assert code == 0
        assert_within(told, json.loads(out))
        Project.open(released).close()


def assert_within(older: object, newer: object, where: str = "") -> None:
    """Whatever JSON had, it has still."""
    if isinstance(older, dict) and isinstance(newer, dict):
        for name, value in older.items():
            assert_within(value, newer[name], f"{where}.{name}")
    elif isinstance(older, list) and isinstance(newer, list):
        assert len(older) == len(newer), where
        for each, other in zip(older, newer, strict=True):
            assert_within(each, other, where)
    else:
        assert newer == (pytest.approx(older, rel=1e-9) if isinstance(older, float) else older), where


def test_a_released_run_goes_on_as_from_a_new_file(released: Path, tmp_path: Path) -> None:
    """The same checkpoint, in a file that was never of an older version, leads to the same numbers."""
    with Project.open(released, read_only=True) as older, Project.create(tmp_path / "new.mlwb") as new:
        experiments = {each.id: each for each in older.experiments()}
        run = older.run(2)
        own = experiments[run.experiment_id]
        copy = new.add_run(
            new.add_experiment(own.name, own.toml, own.config_hash),
            **{name: getattr(run, name) for name in ("name", "algorithm", "label", "task", "seed", "status")},
            **{name: getattr(run, name) for name in ("iterations", "iterations_planned", "config_hash")},
            data_hash=run.data_hash,
            environment=run.environment,
        )
        state = older.checkpoint(2)
        assert state is not None
        new.save_checkpoint(copy, state.iteration, state.state, state.tensors)
    reached = []
    for path, number in ((released, 2), (tmp_path / "new.mlwb", copy)):
        assert resume(path, None, None, quiet=True) == 0
        with Project.open(path, read_only=True) as project:
            assert project.run(number).status == "finished"
            x, y = project.series(number, "loss")
            result = project.result(number, "test")
            assert result is not None
            reached.append((y[x > state.iteration].tobytes(), result.arrays["loss"].tobytes()))
    assert reached[0] == reached[1]


def test_a_released_project_that_is_only_read_stays_as_it_is(released: Path) -> None:
    before = released.read_bytes()
    with Project.open(released, read_only=True) as project:
        assert len(project.runs()) == 3
        with pytest.raises(ProjectError, match="cannot be changed"):
            project.append_series(1, "loss", [10**6], [1.0])
    released.chmod(0o444)
    with Project.open(released, read_only=True) as project:
        assert np.isfinite(project.series(1, "loss")[1]).all()
    assert released.read_bytes() == before
    assert [file.name for file in released.parent.iterdir()] == [released.name]


def test_a_program_that_is_killed_while_it_migrates_leaves_the_old_project(released: Path) -> None:
    code = (
        "import os, sys\nfrom workbench.project import Project, schema\n"
        "schema.MIGRATIONS.append(lambda connection: os._exit(9))\n"
        "schema.expected = lambda version, known=schema.expected: known(version)\n"
        "Project.open(sys.argv[1])\n"
    )
    before = curves(released)
    assert subprocess.run([sys.executable, "-c", code, released], check=False).returncode == 9
    backup = released.with_name(f"{released.stem}.version1.mlwb")
    assert curves(backup) == before
    with Project.open(released, read_only=True) as project:
        assert len(project.runs()) == 3
        assert project.verify() == []
    with Project.open(released) as project:
        assert project.verify() == []
    assert version(released) == schema.newest()
    assert curves(released) == before


@pytest.mark.usefixtures("newer_program")
def test_an_older_file_is_migrated_and_a_copy_of_it_kept(old: Path) -> None:
    before = version(old)
    with Project.open(old) as project:
        assert [run.name for run in project.runs()] == ["from an older version"]
        assert project.experiments()[0].name == "migrated"
        assert project._rows("SELECT * FROM extra") == []
        assert project.verify() == []
    backup = old.with_name(f"{old.stem}.version{before}.mlwb")
    assert (version(old), version(backup)) == (before + 1, before)
    assert {file.name for file in old.parent.iterdir()} == {old.name, backup.name}
    with Project.open(old):
        pass
    assert len(list(old.parent.iterdir())) == 2


@pytest.mark.usefixtures("newer_program")
def test_a_new_file_is_of_the_newest_version(old: Path) -> None:
    with Project.create(old.with_name("new.mlwb")) as project:
        assert project.verify() == []
        project.close()
        assert version(project.path) == schema.newest()


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        newer_version(connection)
        connection.execute("INSERT INTO nowhere VALUES (1)")

    now = schema.newest()
    monkeypatch.setattr(schema, "expected", {now: schema.expected(now)}.get)
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, broken])
    before = old.read_bytes()
    with pytest.raises(ProjectError):
        Project.open(old)
    assert old.read_bytes() == before


@pytest.mark.usefixtures("newer_program")
def test_backups_of_the_same_name_are_kept_apart(old: Path) -> None:
    before = version(old)
    taken = old.with_name(f"{old.stem}.version{before}.mlwb")
    taken.write_text("an earlier backup")
    with Project.open(old):
        pass
    assert taken.read_text() == "an earlier backup"
    assert version(old.with_name(f"{old.stem}.version{before}-2.mlwb")) == before
