"""Real windows on a real project in a folder of the test's own."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, QThread
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.experiments import SINUSOID
from workbench.gui import app, theme
from workbench.gui.window import MainWindow

LOAD = 120_000  # milliseconds: importing PyTorch on a busy machine


class Patient(QtBot):
    """Waits as long as a busy machine takes: until its condition holds, not for a guessed time."""

    def waitUntil(self, callback: Callable[[], object], *, timeout: int = LOAD) -> None:
        super().waitUntil(callback, timeout=max(timeout, LOAD))

    def waitSignal(self, signal: object, *, timeout: int = LOAD, **options: Any) -> Any:
        must_come = options.get("raising") is not False  # otherwise it is what must not be emitted
        return super().waitSignal(signal, timeout=max(timeout, LOAD) if must_come else timeout, **options)

    def waitExposed(self, widget: QWidget, *, timeout: int = LOAD) -> Any:
        return super().waitExposed(widget, timeout=max(timeout, LOAD))


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return Patient(request)


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    app.prepare_application()
    return QApplication


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> None:
    """Settings and untitled projects of this test only."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    app.prepare_application()
    QSettings().clear()
    qapp.setStyle("Fusion")
    theme.apply("light")


@pytest.fixture(autouse=True)
def _collects_in_the_gui_thread() -> Iterator[None]:
    """Garbage is collected in the GUI thread only, as in the program: see workbench/gui/garbage.py."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A small real experiment."""
    path = tmp_path / "small.toml"
    path.write_text(
        SINUSOID + '[[algorithm]]\nkind = "maml"\n[[algorithm]]\nkind = "reptile"\n', encoding="utf-8"
    )
    return path


Open = Callable[..., MainWindow]


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[Open]:
    """Opens the real window, as the program does, and waits until it can run something.

    A thread that is still running once a window was closed fails the test.
    """
    windows: list[MainWindow] = []

    def open_(path: Path | None = None, *, size: tuple[int, int] = (1280, 720)) -> MainWindow:
        window = MainWindow()
        windows.append(window)
        window.resize(*size)
        window.arrange()
        window.begin(path)
        window.show()
        qtbot.waitUntil(lambda: window.run_commands.setup is not None, timeout=LOAD)
        return window

    yield open_
    for window in windows:
        window.go()
        assert not [thread for thread in window.findChildren(QThread) if thread.isRunning()]
        window.deleteLater()
