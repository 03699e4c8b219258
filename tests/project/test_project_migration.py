"""Files of older versions, with a version 2 made up for the test."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.project import Project, ProjectError, schema

AddRun = Callable[..., int]


@pytest.fixture
def old(project: Project, add_run: AddRun) -> Path:
    """A closed project of version 1 with one run in it."""
    add_run(project, name="from version 1")
    project.close()
    return project.path


def version_2(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT")
    connection.execute("UPDATE experiments SET name = 'migrated'")


@pytest.fixture
def newer_program(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, this program writes version 2."""
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, version_2])


def version(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[60:64], "big")


def test_version_1_is_the_first(old: Path) -> None:
    assert schema.newest() == version(old) == 1


@pytest.mark.usefixtures("newer_program")
def test_an_older_file_is_migrated_and_a_copy_of_it_kept(old: Path) -> None:
    with Project.open(old) as project:
        assert [run.name for run in project.runs()] == ["from version 1"]
        assert project.experiments()[0].name == "migrated"
        assert project._rows("SELECT * FROM extra") == []
        assert project.verify() == []
    backup = old.with_name(f"{old.stem}.version1.mlwb")
    assert (version(old), version(backup)) == (2, 1)
    assert {file.name for file in old.parent.iterdir()} == {old.name, backup.name}
    with Project.open(old):
        pass
    assert len(list(old.parent.iterdir())) == 2


@pytest.mark.usefixtures("newer_program")
def test_an_older_file_opened_read_only_is_not_changed(old: Path) -> None:
    before = old.read_bytes()
    with Project.open(old, read_only=True) as project:
        assert project.experiments()[0].name == "migrated"
        with pytest.raises(ProjectError, match="cannot be changed"):
            project.set_setting("x", 1)
    assert old.read_bytes() == before
    assert [file.name for file in old.parent.iterdir()] == [old.name]


@pytest.mark.usefixtures("newer_program")
def test_a_new_file_is_of_the_newest_version(old: Path) -> None:
    with Project.create(old.with_name("new.mlwb")) as project:
        assert project.verify() == []
        project.close()
        assert version(project.path) == 2


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        version_2(connection)
        connection.execute("INSERT INTO nowhere VALUES (1)")

    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, broken])
    monkeypatch.setattr(schema, "expected", {1: schema.expected(1)}.get)
    before = old.read_bytes()
    with pytest.raises(ProjectError):
        Project.open(old)
    assert old.read_bytes() == before


@pytest.mark.usefixtures("newer_program")
def test_backups_of_the_same_name_are_kept_apart(old: Path) -> None:
    taken = old.with_name(f"{old.stem}.version1.mlwb")
    taken.write_text("an earlier backup")
    with Project.open(old):
        pass
    assert taken.read_text() == "an earlier backup"
    assert version(old.with_name(f"{old.stem}.version1-2.mlwb")) == 1
