"""Every standing scene in the real window: nothing is cut, nothing overlaps, and all of it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Open
from tests.gui.geometry import faults
from tests.gui.scenes import SCENES, Stage

LONGER = 140
"""Percent."""


def found(open_window: Open, qtbot: QtBot, folder: Path, name: str) -> list[str]:
    """What is wrong anywhere in a scene."""
    scene = SCENES[name]
    window = open_window(scene.prepare(folder, thorough=False))
    stage = Stage(window, qtbot.waitUntil)
    return [f"{view}: {fault}" for view in scene.show(stage) for fault in faults(window)]


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_has_room_for_all_that_is_in_it(
    open_window: Open, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    wrong = found(open_window, qtbot, tmp_path, name)
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def _longer_texts(qapp: QApplication) -> Iterator[None]:
    """Set the letters of every text so far apart that it is as long as in a language with longer words."""
    usual = qapp.font()
    longer = QFont(usual)
    longer.setLetterSpacing(QFont.SpacingType.PercentageSpacing, LONGER)
    qapp.setFont(longer)
    yield
    qapp.setFont(usual)


@pytest.mark.usefixtures("_longer_texts")
@pytest.mark.parametrize("name", ["first_run", "stopped", "diverged"])
def test_nothing_is_lost_where_all_texts_are_longer(
    open_window: Open, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    wrong = found(open_window, qtbot, tmp_path, name)
    assert not wrong, "\n".join(wrong)
