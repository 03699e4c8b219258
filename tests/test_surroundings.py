"""What a run and a command depend on besides themselves: terminals, disks, other runs' data, consoles."""

from __future__ import annotations

import io
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.experiments import SINUSOID, experiment, family
from tests.processes import CLI
from tests.test_cli import Call, _images, _pictures
from tests.test_runs import contents
from workbench import runs
from workbench.cli import main
from workbench.engine import trainer
from workbench.engine.events import CheckpointDue
from workbench.engine.trainer import Trainer
from workbench.paths import write_atomically
from workbench.project import Project
from workbench.terminal import say_json
from workbench.words import visible

MAML = SINUSOID + '[[algorithm]]\nkind = "maml"\n'
SETTINGS = ("training.iterations=40", "training.checkpoint_every=0.05", "evaluation.every=10")
SETS = [part for each in SETTINGS for part in ("--set", each)]


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("surroundings") / "e.toml"
    path.write_text(MAML, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def undisturbed(toml: Path) -> dict[str, Any]:
    """What the run reaches when nothing happens to it."""
    path = toml.with_name("whole.mlwb")
    processes.finished("run", toml, *SETS, "--project", path)
    return _reached(path)


def _reached(path: Path) -> dict[str, Any]:
    with Project.open(path) as project:
        (run,) = project.runs()
        assert run.status == "finished"
        assert project.verify() == []
        return contents(project, run.id)


# --- standard error ------------------------------------------------------------------------------------


def _closed(command: list[str]) -> int:
    """Standard error is not there at all, as after ``2>&-``."""
    return subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command], check=False).returncode


def _full(command: list[str]) -> int:
    with Path("/dev/full").open("wb") as full:
        return subprocess.run(command, stderr=full, check=False).returncode


def _broken_pipe(command: list[str]) -> int:
    """Somebody listens to the first line, and then no more."""
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        return process.wait()


def _killed_terminal(command: list[str]) -> int:
    """The run's own terminal goes away: it is hung up, and each further letter is an error."""
    ours, theirs = pty.openpty()
    # setsid takes the terminal for the run's own, so that its end is the run's business
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    heard = b""
    while b"validation" not in heard:
        heard += os.read(ours, 1000)
    os.close(ours)
    return process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full, setsid and pseudo-terminals")
@pytest.mark.parametrize("disturbed", [_closed, _full, _broken_pipe, _killed_terminal])
def test_a_lost_terminal_loses_its_lines_and_nothing_else(
    disturbed: Callable[[list[str]], int], toml: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "p.mlwb"
    code = disturbed([*CLI, "run", str(toml), *SETS, "--project", str(path)])
    assert code == 0
    assert _reached(path) == undisturbed


def test_a_listener_that_fails_does_not_fail_the_run(tmp_path: Path) -> None:
    small = experiment("maml")
    told = []

    def listen(work: Trainer, notice: runs.Notice) -> None:
        told.append(notice)
        raise ValueError("nobody at home")

    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = runs.add(project, small, family(small))
        assert runs.perform(project, run, family(small), runs.Control(), listen) == "finished"
        assert project.run(run).failure == ""
    assert len(told) == 1, "who failed once is not told again"


# --- standard output -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(toml: Path, undisturbed: dict[str, Any]) -> Path:
    return toml.with_name("whole.mlwb")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_result_that_cannot_be_written_is_said(finished: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*CLI, "show", str(finished)], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "workbench: standard output: No space left on device\n"


@pytest.mark.parametrize("redirected", ['"$@" | true', '"$@" >&-'])
@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_nobody_who_listens_is_no_error_worth_a_word(redirected: str, finished: Path) -> None:
    command = [*CLI, "show", "--json", str(finished)]
    done = subprocess.run(
        ["sh", "-c", redirected, "sh", *command], stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.stderr == ""


LISTS = (["algorithms"], ["tasks"], ["tasks", "--json"], ["show"], ["show", "--json"])


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437", "shift_jis"])
@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_every_output_works_on_a_console_that_is_not_utf_8(
    encoding: str, arguments: list[str], finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def printed(encoding: str) -> str:
        console = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", console)
        monkeypatch.setattr(
            sys, "argv", ["workbench", *arguments, *([str(finished)] if "show" in arguments else [])]
        )
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
        return console.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]

    text = printed(encoding)
    if "--json" in arguments:
        assert json.loads(text) == json.loads(printed("utf-8"))
    else:
        assert "\\u" not in text


def test_a_process_whose_console_is_not_utf_8_ends_in_peace() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run([*CLI, "tasks"], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_json_on_a_terminal_commands_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b[2J\x9b31m\u202e\x7fé😀"
    say_json(json.dumps({"name": hostile}, ensure_ascii=False))
    out = capsys.readouterr().out
    assert visible(out[:-1]) == out[:-1]
    assert json.loads(out) == {"name": hostile}


# --- other runs, and the disk ----------------------------------------------------------------------------


def test_a_run_whose_data_is_gone_does_not_stop_the_others(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    pictures = _pictures(tmp_path / "pictures")
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(_images(pictures), encoding="utf-8")
    second.write_text(MAML, encoding="utf-8")
    with Project.create(path) as project:
        for each in (first, second):
            wanted = runs.load_experiment(str(each))
            runs.add(project, wanted, runs.open_family(wanted))
    shutil.rmtree(pictures)
    code, _, err = call("resume", path, "--quiet")
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("run 1 cannot go on: ")
    assert str(pictures) in line
    with Project.open(path) as project:
        assert [run.status for run in project.runs()] == ["queued", "finished"]


def test_a_full_disk_says_so_even_to_those_who_asked_for_quiet(small_disk: Path, toml: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(3 << 19))  # leaves room for a start only
    command = ["run", toml, "--set", "training.iterations=1000000", "--quiet"]
    with processes.started(*command, "--project", small_disk / "p.mlwb") as process:
        line = process.said.readline()  # its curves fill the disk
        process.send_signal(signal.SIGTERM)
    assert "waiting at" in line
    assert "the disk is full" in line


def test_the_first_checkpoint_comes_early_and_the_next_by_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def passing() -> float:
        now[0] += 0.1
        return now[0]

    monkeypatch.setattr(trainer.time, "monotonic", passing)
    slow = experiment("maml", "training.checkpoint_every=20", "training.iterations=400")
    work = Trainer(slow, slow.algorithm[0], 0, family(slow), report_seconds=0.0)
    due = [now[0] for event in work.events() if isinstance(event, CheckpointDue)]
    assert due[0] <= 2.0
    assert due[1] - due[0] == pytest.approx(20.0, abs=0.5)


# --- files -------------------------------------------------------------------------------------------------

posix = pytest.mark.skipif(sys.platform == "win32", reason="rights, links and pipes of POSIX")


def _write(path: Path, content: bytes = b"whole") -> None:
    write_atomically(path, lambda file: file.write(content))


@posix
def test_a_new_file_has_the_rights_that_the_user_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        _write(tmp_path / "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@posix
def test_a_file_that_was_there_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"before")
    path.chmod(0o664)
    _write(path)
    assert path.read_bytes() == b"whole"
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_written_through(there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.parent.mkdir()
    if there:
        target.write_bytes(b"before")
    link.symlink_to(Path("folder") / "target")
    _write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"whole"
    assert sorted(tmp_path.rglob("*")) == [target.parent, target, link]


@posix
def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(path.read_bytes()))
    reader.start()
    content = bytes(range(256)) * 1000  # more than a pipe holds
    _write(path, content)
    reader.join()
    assert heard == [content]
    assert stat.S_ISFIFO(path.stat().st_mode)


@posix
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    device = tmp_path / "null"  # never the machine's own: it would be gone if this failed
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device needs root")
    _write(device)
    assert stat.S_ISCHR(device.stat().st_mode)


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".csv")
    _write(path)
    assert path.read_bytes() == b"whole"


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"before")

    def fail(file: Any) -> None:
        file.write(b"half")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_dash_is_standard_output(finished: Path, tmp_path: Path) -> None:
    command = [*CLI, "export", str(finished), "--what", "runs", "--format", "csv", "-o"]
    subprocess.run([*command, "runs.csv"], cwd=tmp_path, check=True, capture_output=True)
    said = subprocess.run([*command, "-"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert said == (tmp_path / "runs.csv").read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == ["runs.csv"]


def test_results_go_to_standard_output_once(
    call: Call, toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sets = ["--set", "training.iterations=2", "--set", "training.seeds=[0, 1]"]
    code, out, _ = call("run", toml, *sets, "--quiet", "--json", "-")
    assert code == 0
    assert [run["seed"] for run in json.loads(out)["runs"]] == [0, 1]
    assert list(tmp_path.iterdir()) == []
