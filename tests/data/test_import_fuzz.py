"""Data made by chance; ``python -m tests.fuzz imports`` tries more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import imports


@pytest.mark.parametrize("start", range(0, 300, 100))
def test_whatever_is_imported_nothing_is_lost_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: int
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    search = imports.search(tmp_path)
    found = {number: wrong for number in range(start, start + 100) if (wrong := search.example(number))}
    assert not found
