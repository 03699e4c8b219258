"""Projects from strangers, by real commands: each shown, verified, exported, gone on with, and opened in a
window, in processes of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from tests.fuzz import mutations, side_files
from tests.fuzz.projects import EXPORTS, SLOW_EXPORTS, complaint

PROGRAM = (sys.executable, "-c", "from workbench.cli import main; main()")
LONGEST = 30.0
"""Seconds that a command may take with its start, on a busy machine."""

STOPPED = 130
PATIENCE = 8.0
"""Seconds after which what goes on (a run, a window) is asked to stop."""


class Search:
    """The search; every third example is opened in a window, and every third gone on with."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._made = folder / "case", folder / "made"
        self._whole = mutations.base(folder / "base.mlwb")

    def example(self, number: int) -> str:
        for folder in (self._folder, self._made):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        path = self._folder / "P.mlwb"
        done = mutations.mutate(number, self._whole, path)
        what, form = Random(-number).choice((*EXPORTS, *SLOW_EXPORTS))
        commands: list[tuple[str, ...]] = [
            ("show", str(path), *["--json"] * (number % 2)),
            ("verify", str(path)),
            ("export", str(path), "--what", what, "--format", form, "-o", str(self._made / "x")),
        ]
        commands += [[(str(path),)], [("resume", str(path), "--quiet")], []][number % 3]
        for arguments in commands:
            goes_on = len(arguments) == 1 or arguments[0] == "resume"
            before = side_files.state(self._folder)
            wrong = _command(arguments, goes_on)
            after = side_files.state(self._folder)
            wrong = wrong or side_files.changed(path, before, after, writes=goes_on)
            if wrong:
                return f"{' '.join(arguments[0:5])}: {wrong} [{done}]".replace("\n", " ")
        return ""


def _command(arguments: tuple[str, ...], goes_on: bool) -> str:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    ) as process:
        try:
            _, said = process.communicate(timeout=PATIENCE if goes_on else LONGEST)
        except subprocess.TimeoutExpired:
            if not goes_on:
                process.kill()
                return "hangs"
            process.send_signal(signal.SIGTERM)
            try:
                _, said = process.communicate(timeout=LONGEST)
            except subprocess.TimeoutExpired:
                process.kill()
                return "does not stop"
    lines = [each for each in said.decode(errors="replace").splitlines(keepends=True) if "plugin" not in each]
    code = STOPPED if process.returncode == -signal.SIGTERM else process.returncode  # it was asked to
    return complaint(code, "".join(lines))


def search(folder: Path) -> Search:
    return Search(folder)
