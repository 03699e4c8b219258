"""Beside a project lies what somebody chose to send along: nothing but the project's own is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import side_files as beside
from workbench.cli import main
from workbench.project import Project

Call = Callable[..., tuple[int, str, str]]
CLI = [sys.executable, "-c", "from workbench.cli import main; main()"]

NEVER = ("link", "hard link", "pipe", "socket", "device", "folder", "hollow giant")
"""Kinds that are never SQLite's, nor a lock."""

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and devices as Unix has them")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A closed project with a finished run in it."""
    path = tmp_path_factory.mktemp("whole") / "P.mlwb"
    with Project.create(path) as project, project.transaction():
        experiment = project.add_experiment("Sinusoid", 'name = "Sinusoid"\n', "c0ffee")
        project.add_run(experiment, name="MAML", algorithm="maml", task="sinusoid", seed=0, status="finished")
    return path.read_bytes()


@pytest.fixture
def mine(tmp_path: Path, whole: bytes) -> Path:
    """That project in a folder of its own."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "P.mlwb"
    path.write_bytes(whole)
    return path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """A command in this process: its exit code, what it printed, and what it complained."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def commands(project: Path, output: Path) -> dict[str, list[object]]:
    """Every command that opens a project, by name."""
    return {
        "show": ["show", project],
        "verify": ["verify", project],
        "export": ["export", project, "--what", "runs", "-o", output / "runs.csv"],
        "resume": ["resume", project],
    }


def assert_refused(answer: tuple[int, str, str], *words: str) -> None:
    code, out, err = answer
    assert (code, out) == (2, ""), err
    assert err.count("\n") == 1
    assert err.startswith("workbench: ")
    for word in words:
        assert word in err


@needs_links
@pytest.mark.parametrize("suffix", beside.SUFFIXES)
@pytest.mark.parametrize("kind", NEVER)
def test_what_cannot_be_the_projects_own_is_refused_in_one_line(
    kind: str, suffix: str, mine: Path, call: Call, tmp_path: Path
) -> None:
    for chance in range(4):
        beside.lay(mine, suffix, kind, Random(chance))
        before = beside.state(mine.parent)
        for command in commands(mine, tmp_path).values():
            assert_refused(call(*command), str(mine), beside.place(mine, suffix).name)
            assert beside.state(mine.parent) == before
        assert not (tmp_path / "runs.csv").exists()


@pytest.mark.parametrize("suffix", beside.SUFFIXES[:3])
def test_a_text_is_no_journal(suffix: str, mine: Path, call: Call, tmp_path: Path) -> None:
    for text in (b"dear diary", b"a", b"\n" * 40_000, bytes(100)):
        beside.place(mine, suffix).write_bytes(text)
        before = beside.state(mine.parent)
        for command in commands(mine, tmp_path).values():
            assert_refused(call(*command), f"{mine.name}{suffix} beside it is not of SQLite")
            assert beside.state(mine.parent) == before


def test_a_text_in_the_locks_place_is_held_and_left_alone(mine: Path, call: Call, tmp_path: Path) -> None:
    lock = beside.place(mine, beside.LOCK)
    lock.write_bytes(b"dear diary")
    before = beside.state(mine.parent)[lock.name]
    for command in commands(mine, tmp_path).values():
        assert call(*command)[0] == 0
        assert beside.state(mine.parent)[lock.name] == before
    with Project.open(mine), Project.open(mine) as again:
        assert not again.read_only
        assert beside.state(mine.parent)[lock.name] == before


@needs_root
@pytest.mark.parametrize("suffix", beside.SUFFIXES[:3])
def test_a_file_of_another_user_is_refused(suffix: str, mine: Path, call: Call, tmp_path: Path) -> None:
    for content in (b"", beside.left_beside(mine, suffix)):
        file = beside.place(mine, suffix)
        file.write_bytes(content)
        os.chown(file, 65534, -1)
        before = beside.state(mine.parent)
        for command in commands(mine, tmp_path).values():
            assert_refused(call(*command), f"{file.name} beside it belongs to another user")
        assert beside.state(mine.parent) == before
    os.chown(mine, 65534, -1)  # its owner's again: what a killed process of that user left
    assert call("show", mine)[0] == 0


@pytest.mark.parametrize("body", ["hot", "header", "nothing"])
@pytest.mark.parametrize("named", ["thesis.txt", "P.mlwb", "missing"])
def test_a_journal_that_names_another_file_is_never_played_back(
    named: str, body: str, mine: Path, call: Call, tmp_path: Path
) -> None:
    victim = mine.with_name("thesis.txt")
    victim.write_text("three years of work")
    start = {"hot": beside.left_beside(mine, "-journal"), "header": beside.MAGIC + bytes(504), "nothing": b""}
    journal = beside.place(mine, "-journal")
    journal.write_bytes(start[body] + beside.with_super(str(mine.with_name(named))))
    before = beside.state(mine.parent)
    for command in commands(mine, tmp_path).values():
        assert_refused(call(*command), "P.mlwb-journal beside it is")
        assert beside.state(mine.parent) == before


def test_as_real_commands_too(mine: Path, tmp_path: Path) -> None:
    victim = mine.with_name("thesis.txt")
    victim.write_text("three years of work")
    journal = beside.left_beside(mine, "-journal") + beside.with_super(str(victim))
    beside.place(mine, "-journal").write_bytes(journal)
    toml = tmp_path / "e.toml"
    toml.write_text('[task]\nfamily = "sinusoid"\n[[algorithm]]\nkind = "maml"\n')
    before = beside.state(mine.parent)
    for arguments in (["show", mine], ["resume", mine], ["run", toml, "--project", mine]):
        command = [*CLI, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert_refused((done.returncode, done.stdout, done.stderr))
        assert beside.state(mine.parent) == before


@needs_links
def test_whatever_lies_beside_a_project_a_command_answers_and_touches_nothing(
    whole: bytes, call: Call, tmp_path: Path
) -> None:
    for number in range(200):
        project = tmp_path / str(number) / "P.mlwb"
        project.parent.mkdir()
        project.write_bytes(whole)
        done = beside.mutate(project.parent, Random(number))
        for name, command in commands(project, tmp_path).items():
            before = beside.state(project.parent)
            code, out, err = call(*command)
            assert code == 0 or (code, out, err.count("\n")) == (2, "", 1), (number, done, name, err)
            wrote = name == "resume" and code == 0
            wrong = beside.changed(project, before, beside.state(project.parent), writes=wrote)
            assert wrong == "", (number, done, name, wrong)
