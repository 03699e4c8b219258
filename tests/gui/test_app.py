"""The program where the window cannot start: one line that says what to do, and no core dump."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import CLI

WITHOUT = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    """What the window's process says, in an environment without a display of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in WITHOUT}
    return subprocess.run(CLI, env=kept | environment, capture_output=True, text=True, check=False)


@only_linux
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "there is no display"),
        ({"DISPLAY": ":4711"}, "the display cannot be reached"),
        ({"QT_QPA_PLATFORM": "nonsense"}, "Qt cannot start"),
    ],
)
def test_without_a_display_one_line_says_so(environment: dict[str, str], said: str) -> None:
    done = started(**environment)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert said in line
    assert "workbench run" in line


def test_a_missing_library_is_named_with_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "PySide6").mkdir()
    (tmp_path / "PySide6" / "__init__.py").touch()
    (tmp_path / "PySide6" / "QtCore.py").write_text(
        "raise ImportError('libEGL.so.1: cannot open shared object file')", encoding="utf-8"
    )
    done = started(PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]), DISPLAY=":4711")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "libEGL.so.1" in line
    if sys.platform == "linux":
        assert "apt install libegl1" in line


def test_a_name_that_is_no_command_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([*CLI, "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No such command" in done.stderr
