"""Projects from strangers, in this process: shown, verified, exported, gone on with, and opened in a window.

The work is done by a child, so that a crash or a hang of it is a find and not the end of the search.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from tests.fuzz import mutations, side_files
from workbench import cli, runs
from workbench.engine.events import Evaluated, MetaSteps

LIMIT = 10.0
"""Seconds that one command may take."""

EXPORTS = (
    ("table", "csv"), ("table", "markdown"), ("table", "latex"), ("runs", "json"), ("statistics", "json"),
    ("learning_curves", "csv"), ("adaptation", "csv"), ("comparison", "csv"), ("scatter", "csv"),
    ("protocol", "csv"), ("pivot", "markdown"), ("critical_difference", "json"), ("config", "toml"),
    ("script", "python"), ("tensorboard", "tensorboard"),
)  # fmt: skip
SLOW_EXPORTS = (("comparison", "svg"), ("learning_curves", "svg"), ("report", "html"), ("parallel", "svg"))


class Tries:
    """What can be done with a project, each giving in one line what was wrong.

    Parameters
    ----------
    folder : of its own, for the project and what is made of it.
    window : open some in a window too.
    """

    def __init__(self, folder: Path, *, window: bool = True) -> None:
        self._with_window = window
        self.folder, self.made = folder / "case", folder / "made"
        self._whole = (
            mutations.base(folder / "base.mlwb")
            if not (folder / "base.mlwb").exists()
            else (folder / "base.mlwb").read_bytes()
        )
        self._window: Any = None

    def example(self, number: int) -> str:
        """Lay out the project of a number, and do everything with it."""
        for folder in (self.folder, self.made):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        path = self.folder / "P.mlwb"
        done = mutations.mutate(number, self._whole, path)
        rng = Random(-number)
        for what, arguments in self._commands(path, rng):
            if what == "window":
                self._open_window()
            before = side_files.state(self.folder)
            start = time.monotonic()
            wrong = self._window.visit(path) if what == "window" else _command(*arguments)
            if time.monotonic() - start > LIMIT:
                wrong = wrong or f"took {time.monotonic() - start:.0f} s"
            after = side_files.state(self.folder)
            wrong = wrong or side_files.changed(path, before, after, writes=what in ("resume", "window"))
            if wrong:
                return f"{what} {' '.join(arguments[2:5])}: {wrong} [{done}]"
        return ""

    def _commands(self, path: Path, rng: Random) -> Iterator[tuple[str, tuple[str, ...]]]:
        project = str(path)
        yield "show", ("show", project)
        yield "show", ("show", project, "--json")
        yield "verify", ("verify", project)
        chance = rng.random()
        what, form = rng.choice(SLOW_EXPORTS if chance < 0.08 else EXPORTS)
        order = ("--order", "Reptile, ours=Ours") if rng.random() < 0.05 else ()
        yield (
            "export",
            ("export", project, "--what", what, "--format", form, "-o", str(self.made / "x"), *order),
        )
        if 0.08 < chance < 0.2:
            yield "resume", ("resume", project, "--quiet")
        if 0.2 < chance < 0.3 and self._with_window:
            yield "window", ()

    def _open_window(self) -> None:
        from tests.fuzz.window import Window

        self._window = self._window or Window()


def _command(*arguments: str) -> str:
    """Run a command of the program; what was wrong with how it ended."""
    out, complaints = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.object(sys, "argv", ["workbench", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(complaints),
        mock.patch.object(runs, "perform", _a_step),
    ):
        try:
            cli.main()
            code: object = 0
        except SystemExit as ended:
            code = ended.code
        except BaseException as error:
            return told(error)
    said = complaints.buffer.getvalue().decode()  # type: ignore[attr-defined]
    return complaint(code, said)


def complaint(code: object, said: str) -> str:
    """What is wrong with how a command ended, by its exit code and standard error."""
    if code not in (0, 1, 2, 130):
        return f"exit code {code}"
    if code == 2 and said.count("\n") != 1:
        return f"{said.count(chr(10))} lines of complaint"
    if "Traceback" in said or any(letter in said for letter in "\x00\x07\x1b"):
        return f"said {said[:80]!a}"
    if len(said) > 20_000:
        return f"said {len(said)} letters"
    return ""


_perform = runs.perform


def _a_step(
    project: object, run: int, family: object, control: runs.Control, tell: Callable[..., None]
) -> object:
    """A run of which one report is enough."""

    def told(trainer: object, notice: object) -> None:
        tell(trainer, notice)
        if isinstance(notice, MetaSteps | Evaluated):
            control.stop()

    return _perform(project, run, family, control, told)  # type: ignore[arg-type]


def told(error: BaseException) -> str:
    """An exception in one line, with the place that raised it."""
    places = [
        f"{Path(each.filename).name}:{each.lineno}"
        for each in traceback.extract_tb(error.__traceback__)
        if "workbench" in each.filename or "tests" in each.filename
    ]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:120]!a} at {' < '.join(places[:-4:-1])}"


class Search:
    """The search; its child is started when it is needed, and again after it has died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None

    def example(self, number: int) -> str:
        child = self._child
        if child is None or child.poll() is not None:
            child = self._child = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.projects", str(self._folder)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            assert child.stdout is not None
            child.stdout.readline()  # it is ready
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{number}\n")
        child.stdin.flush()
        if not select.select([child.stdout], [], [], 10 * LIMIT)[0]:
            child.kill()
            child.wait()
            return "hangs"
        answer = child.stdout.readline()
        return answer.strip() if answer else f"ended with {child.wait()}"

    def close(self) -> None:
        if self._child is not None:
            with self._child:
                self._child.kill()


def search(folder: Path) -> Search:
    mutations.base(folder / "base.mlwb")
    return Search(folder)


def main() -> None:
    """The child: takes numbers, gives what was wrong."""
    folder = Path(sys.argv[1])
    tempfile.tempdir = str(folder / "temp")
    Path(tempfile.tempdir).mkdir(exist_ok=True)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("error", RuntimeWarning)  # NumPy's, which a person would not understand
    mutations.base(folder / "warm.mlwb")  # PyTorch takes its time with the first of everything
    (folder / "warm.mlwb").unlink()
    tries = Tries(folder)
    print("ready", file=answers)
    for line in sys.stdin:
        print(tries.example(int(line)).replace("\n", " "), file=answers)


if __name__ == "__main__":
    main()
