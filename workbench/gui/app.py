"""Starts the window, or says in one line why it cannot start."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import terminal
from workbench.errors import InputError

if TYPE_CHECKING:
    from PySide6.QtCore import QMessageLogContext, QSettings, QtMsgType
    from PySide6.QtWidgets import QApplication

    from workbench.gui.theme import Scheme

PACKAGES = (
    "libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 "
    "libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0"
)
WITHOUT = "'workbench run EXPERIMENT.toml' works without a window"


class WindowError(InputError):
    """The window cannot be shown; the message is one line."""


def start(path: Path | None) -> int:
    """Show the window until it is closed.

    Parameters
    ----------
    path : a project to open; None begins an untitled one.

    Returns
    -------
    The exit code.

    Raises
    ------
    WindowError
        If a system library is missing, or there is no display.
    """
    if sys.platform == "win32":
        import torch  # noqa: F401 (after Qt it cannot be imported there)
    try:
        from PySide6.QtCore import QSettings, Qt, QTimer, qInstallMessageHandler

        from workbench.gui import theme
        from workbench.gui.garbage import GarbageCollection
        from workbench.gui.window import MainWindow
    except ImportError as error:
        raise WindowError(f"the window needs a library: {error}; {_advice()}; {WITHOUT}") from None
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise WindowError(f"there is no display to show the window on; {WITHOUT}")
    messages = _Messages()
    qInstallMessageHandler(messages)
    application = make_application()
    messages.started = True
    theme.apply(_scheme(QSettings()))
    garbage = GarbageCollection(application)
    window = MainWindow()
    geometry = QSettings().value("geometry")
    if geometry is None or not window.restoreGeometry(geometry):
        window.resize(1280, 720)
    window.arrange()
    window.begin(path)
    window.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose)
    window.show()
    # Ctrl-C in the terminal and a polite kill, heeded between Qt's events: not in the middle of a drawing
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: QTimer.singleShot(0, window.go))
    for number in terminal.HANGS_UP:
        signal.signal(number, signal.SIG_IGN)
    heartbeat = QTimer(window)
    heartbeat.timeout.connect(window.beat)
    heartbeat.start(300)
    code = application.exec()
    garbage.close()
    return code


def make_application() -> QApplication:
    """The application, in our style."""
    from PySide6.QtCore import QLocale, QTranslator
    from PySide6.QtWidgets import QApplication

    from workbench.paths import resource

    prepare_application()
    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    translator = QTranslator(application)
    if translator.load(str(resource(f"workbench_{QLocale().name()[:2]}.qm"))):
        application.installTranslator(translator)
    return application


def prepare_application() -> None:
    """Names and places that must be set before the application is made."""
    from PySide6.QtCore import QCoreApplication, QSettings

    from workbench import words
    from workbench.paths import data_folder

    words.speak(lambda text, number: QCoreApplication.translate("workbench", text, None, number))
    QCoreApplication.setOrganizationName("metalearning-workbench")
    QCoreApplication.setApplicationName("workbench")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(data_folder()))


def _scheme(settings: QSettings) -> Scheme:
    match settings.value("theme"):
        case "light":
            return "light"
        case "dark":
            return "dark"
    return "system"


def _advice() -> str:
    if sys.platform == "linux":
        return f"on Debian or Ubuntu: apt install {PACKAGES}"
    return "reinstall PySide6-Essentials"


class _Messages:
    """Turns Qt's last words into one line of ours: it would abort with a core dump."""

    def __init__(self) -> None:
        self.started = False
        self._before: list[str] = []

    def __call__(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        from PySide6.QtCore import QtMsgType

        if kind == QtMsgType.QtFatalMsg:
            if not self.started:
                why = " ".join(" ".join([*self._before, text]).split())
                known = "could not connect to display" in why
                reason = "the display cannot be reached" if known else f"Qt cannot start: {why[:200]}"
                advice = "" if known else f"; {_advice()}"
                terminal.tell(f"workbench: {reason}{advice}; {WITHOUT}")
                os._exit(2)
            terminal.tell(f"workbench: {text}")
        elif kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg):
            if self.started:
                terminal.tell(f"Qt: {text}")
            else:
                self._before.append(text)
