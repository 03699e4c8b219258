"""Shared fixtures: a cache folder of the test session's own, and the threads of an operation."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True)  # machines are noisy
settings.load_profile("suite")

# set before any test module is imported, so that nothing reaches the user's own cache and settings
_CACHE = tempfile.TemporaryDirectory(prefix="workbench-tests-")
os.environ["WORKBENCH_CACHE"] = str(Path(_CACHE.name) / "cache")
os.environ["WORKBENCH_DATA"] = str(Path(_CACHE.name) / "data")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # real widgets, on no screen


LONGEST = ("test_killed.py", "test_window_lasts.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--threads", type=int, default=1, help="Threads of an operation (see .ci/anywhere).")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first: begun last, they would leave the other processes idle."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_session() -> Iterator[None]:
    yield
    _CACHE.cleanup()


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, or as many as the test asks for."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = getattr(request, "param", 2)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs Linux and root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """A command in this process: its exit code, what it printed, and what it complained."""
    from workbench.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return code if isinstance(code, int) else 0, *capsys.readouterr()

    return run


@pytest.fixture(autouse=True)
def _threads(pytestconfig: pytest.Config) -> None:
    import torch

    torch.set_num_threads(pytestconfig.getoption("threads"))
