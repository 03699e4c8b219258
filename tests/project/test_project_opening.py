"""Opening: what is accepted, what is refused, and that refusing changes nothing."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.project import Project, ProjectError, schema
from workbench.project import file as project_file
from workbench.project.locking import WriterLock
from workbench.project.side_files import side_file

Snapshot = Callable[[], dict[str, bytes]]
AddRun = Callable[..., int]
ROOT = Path(__file__).parents[2]


def alter(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def assert_refused(path: Path, snapshot: Snapshot, *words: str) -> None:
    before = snapshot()
    for read_only in (False, True):
        with pytest.raises(ProjectError) as caught:
            Project.open(path, read_only=read_only)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
        for word in words:
            assert word in str(caught.value)
        assert snapshot() == before


def test_a_closed_project_is_a_single_file(path: Path, add_run: AddRun) -> None:
    with Project.create(path) as project:
        add_run(project)
        assert len(list(path.parent.iterdir())) > 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes()[18:20] == b"\x01\x01"  # readable where no file can be created beside it


def test_a_project_survives_closing(path: Path, add_run: AddRun) -> None:
    with Project.create(path) as project:
        run = add_run(project, name="Über ∇")
    with Project.open(str(path)) as project:
        assert not project.read_only
        assert project.run(run).name == "Über ∇"
        assert project.experiments()[0].name == "Sinusoid"
        assert project.verify() == []


def test_closing_twice_is_harmless(project: Project) -> None:
    project.close()
    project.close()


def test_create_refuses_a_name_that_is_taken(path: Path, snapshot: Snapshot) -> None:
    path.write_text("mine")
    before = snapshot()
    with pytest.raises(ProjectError, match="exists already"):
        Project.create(path)
    assert snapshot() == before


def test_create_says_what_is_wrong_with_a_folder(path: Path) -> None:
    with pytest.raises(ProjectError, match="No such file"):
        Project.create(path.parent / "missing" / "P.mlwb")


def test_create_ignores_the_journal_of_a_project_that_was_deleted(path: Path, add_run: AddRun) -> None:
    with Project.create(path) as project:
        add_run(project)
        left = side_file(path, "-wal").read_bytes()
    path.unlink()
    side_file(path, "-wal").write_bytes(left)
    with Project.create(path) as project:
        assert project.runs() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"SQLite format 3\0", b"PK\x03\x04" * 1000, bytes(5000), "naïve text\n".encode() * 20],
)
def test_a_foreign_file_is_refused_and_left_as_it_was(path: Path, content: bytes, snapshot: Snapshot) -> None:
    path.write_bytes(content)
    assert_refused(path, snapshot)


def test_another_programs_database_is_refused(path: Path, snapshot: Snapshot) -> None:
    alter(path, "CREATE TABLE runs (id INTEGER PRIMARY KEY)", "PRAGMA journal_mode=WAL")
    assert_refused(path, snapshot, "not a project")


def test_another_database_with_our_application_id_is_refused(path: Path, snapshot: Snapshot) -> None:
    alter(path, f"PRAGMA application_id={schema.APPLICATION_ID}", "CREATE TABLE runs (id INTEGER)")
    assert_refused(path, snapshot, "not a project")
    alter(path, "PRAGMA user_version=1")
    assert_refused(path, snapshot, "its tables are not those of a project")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER UPDATE ON runs BEGIN DELETE FROM runs; END",
        "CREATE VIEW v AS SELECT load_extension('evil')",
        "CREATE TABLE more (x)",
        "DROP TABLE settings",
        "ALTER TABLE runs ADD COLUMN more TEXT",
        "CREATE INDEX i ON runs(abs(seed))",
    ],
)
def test_altered_tables_are_refused(project: Project, snapshot: Snapshot, statement: str) -> None:
    project.close()
    alter(project.path, statement)
    assert_refused(project.path, snapshot, "its tables are not those of a project")


def test_a_newer_version_is_refused_in_plain_words(project: Project, snapshot: Snapshot) -> None:
    project.close()
    alter(project.path, f"PRAGMA user_version={schema.newest() + 1}")
    assert_refused(project.path, snapshot, "newer version", "update the workbench")


def test_a_file_that_is_cut_off_is_refused(project: Project, add_run: AddRun, snapshot: Snapshot) -> None:
    run = add_run(project)
    project.append_series(run, "loss", np.arange(10_000), np.random.default_rng(0).normal(size=10_000))
    project.close()
    with project.path.open("rb+") as file:
        file.truncate(project.path.stat().st_size - 1)
    assert_refused(project.path, snapshot, "cut off")


def test_damage_that_sqlite_cannot_put_into_words_is_refused(project: Project, snapshot: Snapshot) -> None:
    project.close()
    project.path.write_bytes(project.path.read_bytes().replace(b"runs_of", b"runs\xf3of"))
    assert_refused(project.path, snapshot, "damaged")


def test_missing_files_folders_and_odd_paths_are_refused(path: Path) -> None:
    for wrong, words in ((path, "no such file"), (path.parent, "not a file"), ("a\0b", "path")):
        with pytest.raises(ProjectError, match=words):
            Project.open(wrong)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_without_waiting(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(ProjectError, match="not a file"):
        Project.open(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("environment = '['", "environment Expecting value"),
        (f"environment = '{'[' * 90_000}'", "nested too deeply"),
        ("experiment_id = 99", "its experiment 99 is not there"),
        ("iterations = -1", "iterations cannot be -1"),
        ("colour = 'red\">'", "colour cannot be"),
        ("status = 'asleep'", "status cannot be 'asleep'"),
    ],
)
def test_a_damaged_run_hides_no_other(project: Project, add_run: AddRun, change: str, why: str) -> None:
    add_run(project)
    good = add_run(project)
    project.close()
    alter(project.path, f"UPDATE runs SET {change} WHERE id = 1")
    with Project.open(project.path, read_only=True) as reader:
        assert [run.id for run in reader.runs()] == [good]
        (left_out,) = reader.damaged()
        assert left_out.id == 1
        assert why in left_out.why
        with pytest.raises(ProjectError, match="run 1 is damaged"):
            reader.run(1)
        assert any(line.startswith("run 1 is damaged") for line in reader.verify())


def test_a_read_only_project_refuses_changes_and_is_not_changed(
    project: Project, add_run: AddRun, snapshot: Snapshot
) -> None:
    run = add_run(project, status="running")
    project.close()
    before = snapshot()
    with Project.open(project.path, read_only=True) as reader:
        assert reader.read_only
        assert reader.read_only_reason == "it was opened read-only"
        assert reader.run(run).status == "interrupted"  # its process is gone
        with pytest.raises(ProjectError, match="cannot be changed here"):
            reader.update_run(run, notes="no")
        assert snapshot() == before
    assert snapshot() == before


def test_a_write_protected_file_opens_read_only(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.close()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # file modes do not stop root
    with Project.open(project.path) as reader:
        assert reader.read_only_reason == "the file is write-protected"


def test_a_folder_that_cannot_be_written_opens_read_only(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.close()

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(WriterLock, "acquire", refuse)
    with Project.open(project.path) as reader:
        assert reader.read_only_reason == "its folder cannot be written or locked: Read-only file system"


SECOND = """
import sys
from workbench.project import Project
with Project.open(sys.argv[1]) as project:
    print(project.read_only_reason or "may write", flush=True)
    for line in sys.stdin:
        project.update_run(1, status="running", notes=line.strip())
        print("done", flush=True)
print("closed", flush=True)
"""


def test_a_second_process_gets_read_only(project: Project, add_run: AddRun, start: Callable) -> None:
    run = add_run(project)
    second = start(SECOND, project.path)
    answer = second.stdout.readline()
    assert "open for writing" in answer
    assert f"process {os.getpid()}" in answer
    assert not project.read_only
    project.update_run(run, notes="still the writer")
    second.stdin.close()
    assert second.stdout.readline() == "closed\n"
    project.close()
    assert [file.name for file in project.path.parent.iterdir()] == [project.path.name]


def test_a_reader_sees_what_another_process_writes(
    project: Project, add_run: AddRun, start: Callable
) -> None:
    run = add_run(project)
    project.close()
    second = start(SECOND, project.path)
    assert second.stdout.readline() == "may write\n"
    with Project.open(project.path) as reader:
        assert f"process {second.pid}" in reader.read_only_reason
        second.stdin.write("hello\n")
        second.stdin.flush()
        assert second.stdout.readline() == "done\n"
        assert reader.run(run).notes == "hello"
        assert reader.run(run).status == "running"  # its process is alive
    second.stdin.close()
    assert second.stdout.readline() == "closed\n"
    with Project.open(project.path) as writer:
        assert not writer.read_only


READER = """
import sys
from workbench.project import Project
with Project.open(sys.argv[1]) as project:
    for line in sys.stdin:
        print(project.run(1).notes, flush=True)
print("closed", flush=True)
"""


def test_a_reader_that_outlives_the_writer_leaves_a_single_file(
    project: Project, add_run: AddRun, start: Callable, tmp_path: Path
) -> None:
    run = add_run(project)
    reader = start(READER, project.path)

    def ask() -> str:
        reader.stdin.write("?\n")
        reader.stdin.flush()
        return reader.stdout.readline()

    assert ask() == "\n"
    project.update_run(run, notes="last words")
    project.close()
    alone = tmp_path / "alone.mlwb"
    alone.write_bytes(project.path.read_bytes())  # the file itself has it all, whatever is beside it
    with Project.open(alone) as copy:
        assert copy.run(run).notes == "last words"
    assert ask() == "last words\n"
    reader.stdin.close()
    assert reader.stdout.readline() == "closed\n"
    assert [file.name for file in project.path.parent.iterdir()] == [project.path.name]


def test_a_lock_file_left_behind_locks_nothing(project: Project) -> None:
    project.close()
    lock = project.path.with_name(f".{project.path.name}.lock")
    lock.write_text("process 1 on elsewhere")
    with Project.open(project.path) as again:
        assert not again.read_only
    assert not lock.exists()


def test_each_thread_of_the_writer_may_open_and_write(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with Project.open(project.path) as mine:
                assert not mine.read_only
                for iteration in range(50):
                    mine.append_series(run, name, [iteration], [iteration])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(f"series {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [len(project.series(run, name)[0]) for name in project.series_names(run)] == [50, 50, 50]


def test_a_reader_in_the_process_sees_every_commit_and_outlives_the_writer(
    project: Project, add_run: AddRun
) -> None:
    run = add_run(project, status="running")
    with project.reader() as reader:
        assert reader.read_only
        project.append_series(run, "loss", [1], [0.5])
        assert reader.series(run, "loss")[1].tolist() == [0.5]
        assert reader.run(run).status == "running"
        project.close()
        assert reader.series(run, "loss")[1].tolist() == [0.5]
    assert [file.name for file in project.path.parent.iterdir()] == [project.path.name]


def test_opening_again_in_the_process_keeps_other_processes_out(
    project: Project, add_run: AddRun, start: Callable
) -> None:
    add_run(project)
    with Project.open(project.path):
        pass
    second = start(SECOND, project.path)
    assert "open for writing" in second.stdout.readline()


def test_a_folder_on_the_network_uses_the_rollback_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch, add_run: AddRun
) -> None:
    monkeypatch.setattr(project_file, "on_network", lambda path: True)
    with Project.create(path) as project:
        run = add_run(project)
        assert not side_file(path, "-wal").exists()
        with project.reader() as reader:
            project.append_series(run, "loss", [1, 2], [3.0, 4.0])
            assert len(reader.series(run, "loss")[0]) == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's list of mounts")
def test_network_shares_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = "/dev/a / ext4 rw 0 0\nserver:/x /mnt/my\\040share nfs4 rw 0 0\n//s/y /mnt/smb cifs rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: mounts)
    assert project_file.on_network(Path("/mnt/my share/P.mlwb"))
    assert project_file.on_network(Path("/mnt/smb/deep/P.mlwb"))
    assert not project_file.on_network(Path("/mnt/smbx/P.mlwb"))


def test_the_project_file_needs_no_torch(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    project.save_checkpoint(run, 1, {}, b"")
    project.close()
    code = (
        "import sys; from workbench.project import Project\n"
        "with Project.open(sys.argv[1]) as project: project.runs(); project.checkpoint(1); project.verify()\n"
        "assert not {'torch', 'pydantic', 'safetensors', 'PySide6'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(project.path)], check=True, cwd=ROOT, timeout=60)
