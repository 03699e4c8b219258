"""Copies, also while a run writes, and never over an open project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.project import Project, ProjectError, StorageError
from workbench.project.side_files import side_file

AddRun = Callable[..., int]

WRITING = """
import sys
from workbench.project import Project
with Project.open(sys.argv[1]) as project:
    project.update_run(1, status="running")
    iteration = 0
    while True:
        iteration += 1
        with project.transaction():
            project.append_series(1, "loss", [iteration], [iteration])
            project.append_series(1, "seconds", [iteration], [iteration])
            project.update_run(1, iterations=iteration)
        if iteration % 100 == 0:
            print(iteration, flush=True)
"""


def test_a_copy_made_while_a_run_writes_is_consistent(
    project: Project, add_run: AddRun, start: Callable
) -> None:
    run = add_run(project)
    project.close()
    writer = start(WRITING, project.path)
    assert writer.stdout.readline() == "100\n"
    copies = [project.path.with_name(f"copy {n}.mlwb") for n in range(5)]
    with Project.open(project.path) as reader:
        for copy in copies:
            reader.save_copy(copy)
            writer.stdout.readline()
    seen = []
    for copy in copies:
        with Project.open(copy) as project_copy:
            count = project_copy.run(run).iterations
            assert project_copy.series(run, "loss")[0].tolist() == list(range(1, count + 1))
            assert project_copy.series(run, "seconds")[0].tolist() == list(range(1, count + 1))
            assert project_copy.run(run).status == "interrupted"
            assert project_copy.verify() == []
            seen.append(count)
    assert seen == sorted(seen)
    assert seen[0] >= 100


def test_the_writer_copies_its_own_project(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    project.append_series(run, "loss", np.arange(10_000), np.arange(10_000.0))
    copy = project.path.with_name("copy.mlwb")
    project.save_copy(copy)
    project.append_series(run, "loss", [10_000], [0.0])
    assert copy.read_bytes()[18:20] == b"\x01\x01"
    with Project.open(copy, read_only=True) as reader:
        assert len(reader.series(run, "loss")[0]) == 10_000
    assert {file.suffix for file in project.path.parent.glob("copy*")} == {".mlwb"}


def test_a_copy_replaces_a_file_with_the_journal_that_belonged_to_it(
    project: Project, add_run: AddRun
) -> None:
    add_run(project)
    target = project.path.with_name("old.mlwb")
    with Project.create(target) as old:
        add_run(old, name="old")
        journal = side_file(target, "-wal").read_bytes()
    side_file(target, "-wal").write_bytes(journal)  # as if the old one had been killed
    project.save_copy(target)
    with Project.open(target) as copy:
        assert [run.name for run in copy.runs()] == ["MAML"]


def test_an_open_project_is_not_overwritten(project: Project, add_run: AddRun, start: Callable) -> None:
    add_run(project)
    other = project.path.with_name("other.mlwb")
    with Project.create(other) as second:
        add_run(second, name="other")
        for target in (project.path, other):
            with pytest.raises(ProjectError, match="is open"):
                project.save_copy(target)
    with Project.open(other, read_only=True), pytest.raises(ProjectError, match="is open"):
        project.save_copy(other)
    writer = start(WRITING, other)
    writer.stdout.readline()
    with pytest.raises(ProjectError, match="is open in another window"):
        project.save_copy(other)
    writer.stdout.readline()


def test_a_copy_that_fails_leaves_what_was_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    target = project.path.with_name("precious.mlwb")
    target.write_text("precious")

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StorageError, match="disk is full"):
        project.save_copy(target)
    assert target.read_text() == "precious"
    assert not [file for file in project.path.parent.iterdir() if ".part" in file.name]
    with pytest.raises(StorageError, match="No such file"):
        project.save_copy(project.path.parent / "missing" / "copy.mlwb")
