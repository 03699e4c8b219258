"""Private folders: only the user's own eyes, gone when they end, and cleared after a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from workbench.project.temporaries import clear_left_folders, private_folder

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from workbench.project.temporaries import private_folder
with private_folder() as folder:
    (folder / "unsaved.mlwb").write_bytes(b"x")
    (folder / "deep").mkdir()
    (folder / "deep" / "link").symlink_to("/")
    print(folder, flush=True)
    sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills, links and modes as Unix has them")


@pytest.fixture(autouse=True)
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporaries of the test's own."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def holding() -> tuple[subprocess.Popen[str], Path]:
    """A process that has a private folder, and that folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_private_folder_is_its_owners_alone_and_goes(temp: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == temp
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert list(temp.iterdir()) == []


def test_it_goes_after_an_error_too(temp: Path) -> None:
    with pytest.raises(ZeroDivisionError), private_folder():
        raise ZeroDivisionError
    assert list(temp.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_and_what_a_living_one_has_is_not(temp: Path) -> None:
    (killed, left), (living, used) = holding(), holding()
    with killed, living:
        clear_left_folders()
        assert {left, used} == set(temp.iterdir())
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        clear_left_folders()
        assert list(temp.iterdir()) == [used]
        assert (used / "unsaved.mlwb").exists()
        living.communicate("")
    assert list(temp.iterdir()) == []


def test_every_start_of_the_program_clears(temp: Path) -> None:
    killed, left = holding()
    with killed:
        killed.kill()
    assert left.is_dir()
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "--version"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    assert not left.exists()


def test_what_only_looks_like_a_left_folder_stays(temp: Path) -> None:
    killed, left = holding()
    with killed:
        killed.kill()
    mark = next(each for each in left.iterdir() if each.name.startswith(".in-use"))
    thesis = temp / "thesis"
    thesis.mkdir(mode=0o700)
    (thesis / "text").write_text("three years of work")
    (thesis / mark.name).write_text("")
    (temp / "workbench-link").symlink_to(thesis)  # a link to a folder
    (temp / "workbench-notes").mkdir(mode=0o700)  # without the mark
    (temp / "workbench-open").mkdir(mode=0o755)  # others may look into it
    (temp / "workbench-open" / mark.name).write_text("")
    (temp / "workbench-file").write_text("")
    (temp / "workbench-linked").mkdir(mode=0o700)  # whose mark is a link
    (temp / "workbench-linked" / mark.name).symlink_to(thesis / "text")
    (temp / "workbench-pipe").mkdir(mode=0o700)
    os.mkfifo(temp / "workbench-pipe" / mark.name)
    if os.geteuid() == 0:
        other = temp / "workbench-other"
        other.mkdir(mode=0o700)
        (other / mark.name).write_text("")
        os.chown(other, 65534, -1)
    before = {each for each in temp.rglob("*") if left not in (each, *each.parents)}
    clear_left_folders()
    assert set(temp.rglob("*")) == before
    assert (thesis / "text").read_text() == "three years of work"


def test_links_in_a_left_folder_are_removed_not_followed(temp: Path) -> None:
    killed, left = holding()
    with killed:
        killed.kill()
    thesis = temp / "thesis"
    thesis.mkdir()
    (thesis / "text").write_text("three years of work")
    (left / "link").symlink_to(thesis)
    clear_left_folders()
    assert not left.exists()
    assert (thesis / "text").read_text() == "three years of work"


def test_a_missing_folder_for_temporaries_stops_nobody(temp: Path) -> None:
    temp.rmdir()
    clear_left_folders()
