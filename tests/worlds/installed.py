"""What may be installed beside the program: gymnasium, and a package of environments."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

needs_gymnasium = pytest.mark.skipif(
    importlib.util.find_spec("gymnasium") is None,
    reason='gymnasium is not installed: pip install ".[gymnasium]"',
)


def install_strange(folder: Path) -> None:
    """A package whose environments are those of :mod:`tests.worlds.strange`, for whoever has the folder in
    the path."""
    package = folder / "strange-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[gymnasium.envs]\nstrange = tests.worlds.strange:register\n")
