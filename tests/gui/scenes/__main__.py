"""Pictures of every standing scene, in both themes, two sizes and two scales.

``python -m tests.gui.scenes FOLDER [--only NAME …]``; on no screen with ``QT_QPA_PLATFORM=offscreen``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.gui.scenes.standing import SCENES, Stage

SIZES = {"1280x720": (1280, 720), "1920x1080": (1920, 1080)}
THEMES = "light", "dark"
SCALES = "100", "150"
LONGEST = 120
"""Seconds that a scene may take to come up."""

TURN = 10
"""Milliseconds between two looks."""


def until(holds: Callable[[], object]) -> None:
    """Let the window live until something holds."""
    from PySide6.QtCore import QEventLoop, QTimer

    end = time.monotonic() + LONGEST
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("the scene does not come up")
        loop = QEventLoop()
        QTimer.singleShot(TURN, loop.quit)
        loop.exec()


def take(folder: Path, names: list[str], theme_name: str, scale: str, sizes: list[str]) -> None:
    """Pictures in this process, whose scale is set already."""
    from workbench.gui import app, theme
    from workbench.gui.window import MainWindow

    application = app.make_application()
    theme.apply("dark" if theme_name == "dark" else "light")
    for name in names:
        with tempfile.TemporaryDirectory() as made:
            scene = SCENES[name]
            project = scene.prepare(Path(made), thorough=True)
            window = MainWindow()
            window.resize(*SIZES[sizes[0]])
            window.arrange()
            window.begin(project)
            window.show()
            until(lambda window=window: window.run_commands.setup is not None)  # type: ignore[misc]
            stage = Stage(window, until)
            for view in scene.show(stage):
                for size in sizes:
                    window.resize(*SIZES[size])
                    stage.settle()
                    part = "_".join(filter(None, (name, view)))
                    window.grab().save(str(folder / f"{part}_{size}_{theme_name}_{scale}.png"))
                window.resize(*SIZES[sizes[0]])
                stage.settle()
            window.go()
            window.deleteLater()
            application.processEvents()
        print(name, theme_name, scale, flush=True)


def main() -> int:
    """Take the pictures, in a process for each theme and scale."""
    parser = argparse.ArgumentParser(prog="python -m tests.gui.scenes", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=SCENES, default=list(SCENES), metavar="NAME")
    parser.add_argument("--themes", nargs="+", choices=THEMES, default=list(THEMES))
    parser.add_argument("--scales", nargs="+", choices=SCALES, default=list(SCALES))
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.here:
        take(given.folder, given.only, given.themes[0], given.scales[0], given.sizes)
        return 0
    codes = []
    for scale in given.scales:
        for theme_name in given.themes:
            with tempfile.TemporaryDirectory() as data:
                own = {"WORKBENCH_DATA": data, "QT_SCALE_FACTOR": str(int(scale) / 100)}
                command = [sys.executable, "-m", "tests.gui.scenes", str(given.folder), "--here"]
                command += ["--themes", theme_name, "--scales", scale, "--sizes", *given.sizes]
                command += ["--only", *given.only]
                codes.append(subprocess.run(command, env=os.environ | own, check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
