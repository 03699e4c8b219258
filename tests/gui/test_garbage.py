"""Garbage is looked for in the GUI thread, and seldom where that takes long."""

from __future__ import annotations

import gc
import time

import pytest
from pytestqt.qtbot import QtBot

from workbench.gui.garbage import PAUSE, GarbageCollection


def test_everything_is_looked_at_again_after_many_times_what_that_took(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, looked = 1000.0, []

    def collect(generation: int = 2) -> int:
        nonlocal now
        if generation == 2:
            looked.append(now)
            now += 0.25
        return 0

    garbage = GarbageCollection()
    try:
        monkeypatch.setattr(time, "monotonic", lambda: now)
        monkeypatch.setattr(gc, "collect", collect)
        monkeypatch.setattr(gc, "get_count", lambda: (1000, 100, 100))
        for _ in range(40):
            garbage._collect()
            now += 1
    finally:
        monkeypatch.undo()
        garbage.close()
    assert looked == [1000.0, 1000.25 + PAUSE * 0.25]
    assert gc.isenabled()
