"""Beside a project lies what somebody chose to send along: nothing but the project's own is touched."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import side_files as beside
from tests.processes import CLI
from workbench.project import Project, ProjectError, schema
from workbench.project import project as project_module
from workbench.project.side_files import hidden_file

Call = Callable[..., tuple[int, str, str]]

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
    for arguments in (["show", mine], ["run", toml, "--project", mine]):
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


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_journal_of_another_project_is_not_taken_in(
    suffix: str, mine: Path, call: Call, tmp_path: Path
) -> None:
    other = tmp_path / "other.mlwb"
    with Project.create(other) as project:
        for name in ("a", "b"):
            project.add_experiment(name, 'name = "Other"\n' * 500, "c0ffee")
    beside.place(mine, suffix).write_bytes(beside.left_beside(other, suffix))
    before = beside.state(mine.parent)
    with pytest.raises(ProjectError, match="beside it is of another"):
        Project.open(mine)
    assert beside.state(mine.parent) == before
    assert_refused(call("resume", mine))
    assert beside.state(mine.parent) == before


def test_a_log_that_holds_all_of_another_project_does_not_replace_this_one(
    mine: Path, call: Call, tmp_path: Path
) -> None:
    other = tmp_path / "other.mlwb"
    with Project.create(other) as project:
        project.add_experiment("other", 'name = "Other"\n', "c0ffee")
    with closing(sqlite3.connect(other)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("VACUUM")  # writes every page
        beside.place(mine, "-wal").write_bytes(beside.place(other, "-wal").read_bytes())
    before = beside.state(mine.parent)
    for command in commands(mine, tmp_path).values():
        assert_refused(call(*command), "is of another project")
        assert beside.state(mine.parent) == before


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_what_a_killed_process_left_is_taken_in_by_a_writer_and_seen_by_a_reader(
    suffix: str, mine: Path, call: Call, tmp_path: Path
) -> None:
    beside.place(mine, suffix).write_bytes(beside.left_beside(mine, suffix))
    before = beside.state(mine.parent)
    reading = commands(mine, tmp_path)
    del reading["resume"]
    for command in reading.values():
        assert call(*command)[0] == 0
        assert beside.state(mine.parent) == before
    assert call("resume", mine)[0] == 0
    assert [file.name for file in mine.parent.iterdir()] == [mine.name]
    with Project.open(mine) as project:
        assert project.verify() == []
        left = project._rows("SELECT 1 FROM settings WHERE key = 'left'")
        assert bool(left) == (suffix == "-wal")  # only that one was committed


@needs_links
def test_a_link_to_a_project_is_followed_once_and_what_lies_beside_the_link_is_not_looked_at(
    mine: Path, call: Call, tmp_path: Path
) -> None:
    link = tmp_path / "shortcut.mlwb"
    link.symlink_to(mine)
    thesis = beside.place(link, "-journal")
    thesis.write_text("three years of work")
    with Project.open(link) as project:
        assert project.path == mine
        project.set_setting("layout", {})
        assert beside.place(mine, "-wal").exists()
    assert call("show", link)[0] == 0
    assert thesis.read_text() == "three years of work"
    beside.place(mine, "-journal").symlink_to(thesis)
    assert_refused(call("show", link), "P.mlwb-journal beside it is a link")


@needs_links
def test_a_project_with_a_second_name_is_only_read(mine: Path, call: Call) -> None:
    other = mine.with_name("Q.mlwb")
    other.hardlink_to(mine)
    before = beside.state(mine.parent)
    assert call("show", mine)[0] == 0
    assert_refused(call("resume", mine), "known under another name")
    assert beside.state(mine.parent) == before
    with Project.open(mine), pytest.raises(ProjectError, match="is open here already, under the name"):
        Project.open(other)  # looking into it would end this process's locks on it


@needs_links
def test_a_project_that_is_a_hollow_giant_or_no_file_is_refused(mine: Path, call: Call) -> None:
    os.truncate(mine, 1 << 40)
    assert_refused(call("show", mine), "claims to hold 1,099,511,627,776 bytes and is all but empty")
    mine.unlink()
    mine.symlink_to("/dev/zero")
    assert_refused(call("show", mine), "/dev/zero: not a file")


@needs_links
@pytest.mark.parametrize("suffix", beside.SUFFIXES)
@pytest.mark.parametrize("kind", [*NEVER, "journal with a super-journal"])
def test_making_or_replacing_a_project_touches_nothing_beside_it(
    kind: str, suffix: str, mine: Path, call: Call
) -> None:
    made, replaced = mine.with_name("new.mlwb"), mine.with_name("old.mlwb")
    replaced.write_bytes(mine.read_bytes())
    with Project.open(mine, read_only=True) as project:
        for chance in range(2):
            for path in (made, replaced):
                beside.lay(path, suffix, kind, Random(chance))
            before = beside.state(mine.parent)
            if (kind, suffix) != ("journal with a super-journal", beside.LOCK):  # no harm there
                with pytest.raises(ProjectError, match="nothing was touched"):
                    Project.create(made)
                with pytest.raises(ProjectError, match="nothing was touched"):
                    project.save_copy(replaced)
            assert beside.state(mine.parent) == before


@needs_links
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder", "hollow giant"])
def test_a_copy_replaces_files_only(kind: str, mine: Path) -> None:
    target = mine.with_name("copy-wal")  # any name: the kinds are laid under those of side files
    beside.lay(mine.with_name("copy"), "-wal", kind, Random(1))
    before = beside.state(mine.parent)
    with Project.open(mine, read_only=True) as project, pytest.raises(ProjectError, match="choose another"):
        project.save_copy(target)
    assert beside.state(mine.parent) == before


@needs_links
def test_the_copy_of_an_older_version_takes_no_name_that_something_has(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = f"P.version{schema.newest()}"
    mine.with_name(f"{backup}.mlwb").symlink_to("nowhere")
    mine.with_name(f"{backup}-2.mlwb-journal").write_text("dear diary")
    before = beside.state(mine.parent)
    steps = [*schema.MIGRATIONS, lambda connection: connection.execute("CREATE TABLE extra (id INTEGER)")]
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    with Project.open(mine):
        pass
    after = beside.state(mine.parent)
    assert after.keys() - before.keys() == {f"{backup}-3.mlwb"}
    assert beside.changed(mine, before, {name: after[name] for name in before}, writes=True) == ""


@pytest.mark.parametrize("letters", ["x" * 242, "é" * 121, "日" * 80], ids=["ascii", "accents", "wide"])
def test_a_project_with_a_long_name_is_made_opened_locked_and_copied(
    letters: str, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mine.with_name(f"{letters}.mlwb")
    with Project.create(path) as project, Project.open(path) as again:
        assert not again.read_only
        assert len(list(mine.parent.glob(".*.lock"))) == 1
        project.save_copy(mine.with_name(f"z{letters[1:]}.mlwb"))
    steps = [*schema.MIGRATIONS, lambda connection: connection.execute("CREATE TABLE extra (id INTEGER)")]
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    with Project.open(path) as project:
        assert not project.read_only
    assert len(list(mine.parent.iterdir())) == 4


def test_a_name_too_long_for_a_journal_is_refused_when_making_and_read_when_there(mine: Path) -> None:
    path = mine.with_name("x" * 245 + ".mlwb")
    with pytest.raises(ProjectError, match="at most 247 bytes"):
        Project.create(path)
    mine.rename(path)
    with Project.open(path) as project:
        assert "longer than 247 bytes" in project.read_only_reason


def test_long_names_that_begin_alike_have_locks_of_their_own(mine: Path) -> None:
    names = [hidden_file(mine.with_name("x" * 240 + end), ".lock").name for end in ("a.mlwb", "b.mlwb")]
    assert len(set(names)) == 2
    assert hidden_file(mine, ".lock").name == ".P.mlwb.lock"


@needs_links
def test_a_lock_file_that_was_exchanged_is_not_removed(mine: Path) -> None:
    lock = beside.place(mine, beside.LOCK)
    with Project.open(mine):
        lock.unlink()
        lock.write_text("dear diary")
    assert lock.read_text() == "dear diary"


@needs_links
def test_what_appears_beside_an_open_project_is_not_taken_in_when_it_closes(mine: Path) -> None:
    with Project.open(mine, read_only=True):
        beside.place(mine, "-wal").write_bytes(b"")
        thesis = mine.with_name("thesis.txt")
        thesis.write_text("three years of work")
        beside.place(mine, "-journal").write_bytes(
            beside.left_beside(mine, "-journal") + beside.with_super(str(thesis))
        )
        before = beside.state(mine.parent)
    assert beside.state(mine.parent) == before


@needs_links
@pytest.mark.parametrize("swapped", ["P.mlwb", "P.mlwb-journal"])
def test_what_is_exchanged_while_it_is_looked_at_is_not_used(
    swapped: str, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thesis = mine.with_name("thesis.txt")
    thesis.write_text("three years of work")
    planted = {
        "P.mlwb": mine.read_bytes(),
        "P.mlwb-journal": beside.left_beside(mine, "-journal") + beside.with_super(str(thesis)),
    }
    states = []

    def look(path: Path, found: object) -> None:
        (mine.parent / "new").write_bytes(planted[swapped])
        (mine.parent / "new").replace(mine.parent / swapped)
        states.append(beside.state(mine.parent))

    monkeypatch.setattr(project_module, "_look", look)
    with pytest.raises(ProjectError, match="in this moment; open it again"):
        Project.open(mine)
    after = beside.state(mine.parent)
    assert after | {".P.mlwb.lock": ()} == states[0] | {".P.mlwb.lock": ()}
