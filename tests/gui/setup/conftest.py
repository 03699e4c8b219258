"""The Setup panel on the screen, with its draft, its undo stack and a worker."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from workbench import runs  # noqa: F401  (the engine is ready)
from workbench.gui.setup.draft import Draft
from workbench.gui.setup.panel import SetupPanel
from workbench.gui.worker import Worker
from workbench.settings import Path


def at(path: str) -> Path:
    """The place in a draft that is called ``task.shots``."""
    return tuple(path.split("."))


@dataclass
class Stage:
    """What a test acts on, and how."""

    panel: SetupPanel
    draft: Draft
    undo: QUndoStack
    worker: Worker
    qtbot: QtBot

    def widget(self, name: str) -> QWidget:
        found = [each for each in self.panel.findChildren(QWidget, name) if each.isVisibleTo(self.panel)]
        assert len(found) == 1, (name, found)
        return found[0]

    def line(self, path: str) -> QLineEdit:
        field = self.widget(f"field_{path}")
        assert isinstance(field, QLineEdit)
        return field

    def type(self, path: str, text: str) -> QLineEdit:
        """Type over what a field holds."""
        field = self.line(path)
        field.setFocus()
        field.selectAll()
        self.qtbot.keyClicks(field, text)
        if not text:
            self.qtbot.keyClick(field, Qt.Key.Key_Delete)
        return field

    def leave(self, path: str) -> None:
        self.qtbot.keyClick(self.line(path), Qt.Key.Key_Return)

    @property
    def list(self) -> QTreeWidget:
        found = self.widget("algorithm_list")
        assert isinstance(found, QTreeWidget)
        return found

    def item(self, title: str) -> QTreeWidgetItem:
        flags = Qt.MatchFlag.MatchRecursive | Qt.MatchFlag.MatchExactly
        (found,) = self.list.findItems(title, flags)
        return found

    def tick(self, title: str) -> None:
        """With the keyboard."""
        self.list.setCurrentItem(self.item(title))
        self.list.setFocus()
        self.qtbot.keyClick(self.list, Qt.Key.Key_Space)

    def settle(self) -> None:
        """Wait until the data is open and a sample is drawn, or something is wrong."""
        data, picture = self.panel.data, self.panel.findChild(QWidget, "episode_view")

        def settled() -> bool:
            quiet = not any(self.worker.waits_for(key) for key in ("task", "task sample", "task check"))
            shown = picture is not None and getattr(picture, "sample", None) is not None
            return quiet and not data.opening and (shown or bool(data.error) or data.opened is None)

        self.qtbot.waitUntil(settled, timeout=60_000)


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    worker, draft, undo = Worker(), Draft(), QUndoStack()
    panel = SetupPanel(draft, undo, worker)
    qtbot.addWidget(panel)
    panel.resize(320, 720)
    panel.show()
    qtbot.waitExposed(panel)
    panel.engine_ready()
    yield Stage(panel, draft, undo, worker, qtbot)
    worker.close()


@pytest.fixture
def image_zip(tmp_path: FilePath) -> Callable[..., FilePath]:
    """Makes a zip of three groups of classes of small drawings."""

    def make(groups: int = 3, classes: int = 3, each: int = 6) -> FilePath:
        path = tmp_path / "scribbles.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(groups * classes * each):
                group, rest = divmod(number, classes * each)
                page = np.random.default_rng(number).integers(0, 256, (12, 12), np.uint8)
                file = io.BytesIO()
                Image.fromarray(page).save(file, "PNG")
                name = f"script{group}/letter{rest // each}/{rest % each}.png"
                archive.writestr(name, file.getvalue())
        return path

    return make
