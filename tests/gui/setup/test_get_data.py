"""Published data in the window: a list, a download that can be stopped, and the set as the task."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit, QProgressBar, QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from tests.data.server import Server, serving
from tests.gui.conftest import Open
from workbench import runs  # noqa: F401  (the engine is ready)
from workbench.data import registry
from workbench.gui.setup.get_dialog import GetDialog
from workbench.gui.worker import Worker

CONTENT = ("text,label\n" + "".join(f"say {i} again,{i % 15}\n" for i in range(600))).encode()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server, and a list with one set more that is there."""
    with serving() as server:
        server.files["/mine.csv"] = CONTENT
        said = "".join(f'{key} = "my {key} <b>&"\n' for key in ("what", "licence", "citation", "source"))
        said += f'title = "Mine"\nkind = "text"\nhomepage = "http://x"\nbase = ["{server.at}"]\n'
        listing = tmp_path / "listing.toml"
        listing.write_text(f'[mine]\n{said}files = [{{ name = "mine.csv", size = {len(CONTENT)} }}]\n')
        monkeypatch.setenv("WORKBENCH_PUBLISHED", str(listing))
        monkeypatch.setenv("no_proxy", "*")
        yield server


@pytest.fixture
def dialog(server: Server, qtbot: QtBot) -> Iterator[GetDialog]:
    worker = Worker()
    dialog = GetDialog(worker)
    dialog.show()
    qtbot.keyClicks(dialog.filter, "mine")
    yield dialog
    with contextlib.suppress(RuntimeError):  # it may be gone
        dialog.reject()
    worker.close()


def stalls(server: Server, upto: int) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        server.serve(handler, upto=upto)
        server.released.wait(60)

    return answer


def bar(dialog: GetDialog) -> str:
    found = dialog.findChild(QProgressBar, "get_progress")
    assert found is not None
    return found.format() if found.isVisible() else ""


def test_a_set_is_found_got_and_used_by_keyboard(dialog: GetDialog, qtbot: QtBot) -> None:
    seen = [row for row in range(dialog.sets.rowCount()) if not dialog.sets.isRowHidden(row)]
    assert [dialog.sets.item(row, 0).text() for row in seen] == ["Mine"]
    told = dialog.details.text()
    assert "my licence &lt;b&gt;&amp;" in told  # a word is a word
    assert "my citation" in told
    assert "hash not verified" in told
    qtbot.keyClick(dialog.filter, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: registry.registered() == ["mine"] and dialog.use.isEnabled())
    assert dialog.sets.item(seen[0], 4).text() == "✓ imported"
    assert dialog.get.text() == "&Get again"
    with qtbot.waitSignal(dialog.use_asked) as used:
        qtbot.keyClick(dialog.filter, Qt.Key.Key_Return)
    assert used.args == [{"family": "text", "dataset": "mine"}]
    assert not dialog.isVisible()


def test_a_download_is_stopped_within_a_second_and_gone_on_with(
    dialog: GetDialog, server: Server, qtbot: QtBot
) -> None:
    server.marks["/mine.csv"] = '"one"'
    server.tricks["/mine.csv"] = [stalls(server, 4000)]
    qtbot.mouseClick(dialog.get, Qt.MouseButton.LeftButton)
    assert not dialog.get.isEnabled()
    assert dialog.filter.isEnabled()
    qtbot.waitUntil(lambda: "0.0 of" in bar(dialog))
    begun = time.monotonic()
    with qtbot.waitSignal(dialog.worker.busy, check_params_cb=lambda what: what == ""):
        qtbot.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
    assert time.monotonic() - begun < 1
    assert "goes on from there" in dialog.error.text()
    assert not bar(dialog)
    assert registry.registered() == []
    qtbot.mouseClick(dialog.get, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: registry.registered() == ["mine"])
    assert server.asked[-1] == ("/mine.csv", "bytes=4000-")


def test_what_goes_wrong_stays_to_be_read_and_copied(dialog: GetDialog, server: Server, qtbot: QtBot) -> None:
    server.files.clear()
    qtbot.mouseClick(dialog.get, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(dialog.error.text()))
    assert "404" in dialog.error.text()
    assert f"fetch {server.at}/mine.csv by hand" in dialog.error.text()
    assert dialog.error.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    qtbot.mouseClick(dialog.copy_link, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == f"{server.at}/mine.csv"
    server.files["/mine.csv"] = CONTENT
    qtbot.mouseClick(dialog.get, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: registry.registered() == ["mine"])
    assert dialog.error.text() == ""


def test_what_is_made_by_hand_says_how_and_cannot_be_got(dialog: GetDialog, qtbot: QtBot) -> None:
    dialog.filter.setText("mini-imagenet")
    assert "image-net.org" in dialog.details.text()
    assert not dialog.get.isEnabled()
    dialog.filter.setText("nothing has this name")
    assert dialog.chosen is None
    assert not dialog.get.isEnabled()
    assert not dialog.use.isEnabled()


def test_every_control_has_a_name(dialog: GetDialog) -> None:
    for kind in (QLineEdit, QTableWidget, QProgressBar):
        for each in dialog.findChildren(kind):
            assert each.accessibleName(), each
    for each in (*dialog.findChildren(QPushButton), dialog.error, dialog.details):
        assert each.objectName().startswith("get_"), each
    assert isinstance(dialog.error, QLabel)


def test_closing_the_window_ends_a_download_within_a_second(
    open_window: Open, server: Server, qtbot: QtBot
) -> None:
    window = open_window()
    dialog = GetDialog(window.downloads, window)
    dialog.show()
    dialog.filter.setText("mine")
    server.tricks["/mine.csv"] = [stalls(server, 4000)]
    qtbot.mouseClick(dialog.get, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "0.0 of" in bar(dialog))
    begun = time.monotonic()
    window.close()
    assert time.monotonic() - begun < 1
    assert not window.isVisible()
