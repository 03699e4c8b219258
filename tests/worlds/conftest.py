"""A package of environments that misbehave."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.installed import install_strange


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is installed."""
    install_strange(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
