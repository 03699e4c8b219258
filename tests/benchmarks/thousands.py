"""How long a project of thousands of runs takes: show, statistics, the window, and a selection among trials.

python -m tests.benchmarks.thousands [show|statistics|window|select ...] [--runs 1000] [--rounds 2]
    [--project P.mlwb]

Each is done in a process of its own, and told in seconds by the clock and of the processor. ``window`` is
from the call that opens the project until its runs are listed, and until nothing is worked on any more;
``select`` is the longest turn of the window's thread, and all of them, when 40 of 160 trials are selected.
The project is made anew, or kept where ``--project`` says. Needs a display, or QT_QPA_PLATFORM=offscreen.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TRIALS, SELECTED, TURNS = 160, 40, 12

WORKBENCH = "from workbench.cli import main; main()"

SWEEP = """
[sweep]
method = "random"
trials = {trials}
width = {trials}
[sweep.ranges]
"algorithm.0.inner_lr" = {{ low = 0.001, high = 0.1, log = true }}
"algorithm.1.inner_lr" = {{ low = 0.001, high = 0.1, log = true }}
"training.meta_lr" = {{ low = 1e-4, high = 1e-2, log = true }}
"training.meta_batch" = {{ low = 2, high = 6 }}
"""


def command(*arguments: str | Path) -> None:
    """A command in a process of its own."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = [sys.executable, "-c", WORKBENCH, *map(str, arguments)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    print(f"{arguments[0]:10} {took:.2f} s; user {user:.2f} s, system {system:.2f} s", flush=True)


def opened(path: Path, then: Callable[..., None]) -> None:
    """A window that lives, with what is to be done in it."""
    from PySide6.QtWidgets import QApplication

    from tests.gui.scenes.standing import Stage
    from workbench.gui import app, theme
    from workbench.gui.garbage import GarbageCollection
    from workbench.gui.window import MainWindow

    application = app.make_application()
    theme.apply("light")
    garbage = GarbageCollection(application)

    def until(holds: Callable[[], object]) -> None:
        while not holds():
            QApplication.processEvents()
            time.sleep(0.002)

    window = MainWindow()
    window.resize(1280, 720)
    window.arrange()
    window.begin(None)
    window.show()
    until(lambda: window.run_commands.setup is not None)
    stage = Stage(window, until)
    stage.settle()
    then(stage, path)
    garbage.close()
    sys.stdout.flush()
    os._exit(0)


def listed(stage: object, path: Path) -> None:
    """How long opening takes."""
    from tests.gui.scenes.standing import Stage

    assert isinstance(stage, Stage)
    began, cpu = time.perf_counter(), time.thread_time()
    stage.window.files.open_path(path)
    stage.until(stage.window.session.data.in_view)
    seen, seen_cpu = time.perf_counter() - began, time.thread_time() - cpu
    stage.settle()
    took, took_cpu = time.perf_counter() - began, time.thread_time() - cpu
    print(
        f"window     listed after {seen:.2f} s (thread {seen_cpu:.2f}), quiet {took:.2f} s ({took_cpu:.2f})"
    )


def selected(stage: object, path: Path) -> None:
    """How long a selection keeps the window's thread."""
    from PySide6.QtWidgets import QApplication

    from tests.gui.scenes.standing import Stage

    assert isinstance(stage, Stage)
    stage.window.files.open_path(path)
    stage.until(stage.window.session.data.in_view)
    stage.see("tuning_view")
    data = stage.window.session.data
    ids = [run.id for run in data.in_view()][:TRIALS]
    longest, all_of_them = [], []
    for turn in range(TURNS):
        began = time.thread_time()
        data.select(ids[turn :: len(ids) // SELECTED][:SELECTED])
        longest.append(time.thread_time() - began)
        until = time.perf_counter() + 0.7
        while time.perf_counter() < until:
            before = time.thread_time()
            QApplication.processEvents()
            longest[-1] = max(longest[-1], time.thread_time() - before)
            time.sleep(0.002)
        all_of_them.append(time.thread_time() - began)
    print(
        f"select     {SELECTED} of {len(ids)} trials: longest turn {1e3 * statistics.median(longest):.0f} ms "
        f"(median), {1e3 * max(longest):.0f} (worst); all turns {1e3 * statistics.median(all_of_them):.0f} ms"
    )


def sweep(path: Path) -> None:
    """A project with so many short trials."""
    from tests.test_sweeps import done_here, swept

    done_here(path, swept("training.seeds=[0]", text=SWEEP.format(trials=TRIALS // 2)))


def main() -> None:
    """Print what each takes, round by round."""
    from tests.gui.scenes.many import many

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", default=["show", "statistics", "window", "select"])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--project", type=Path)
    options = parser.parse_args()
    if "in_window" in options.what:
        opened(options.project, {"window": listed, "select": selected}[options.what[1]])
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("WORKBENCH_DATA", folder)
        runs, trials = options.project or Path(folder) / "runs.mlwb", Path(folder) / "trials.mlwb"
        if not {"show", "statistics", "window"}.isdisjoint(options.what) and not runs.exists():
            many(runs, options.runs)
        if "select" in options.what:
            sweep(trials)
        for _ in range(options.rounds):
            for what in options.what:
                if what == "show":
                    command("show", runs)
                elif what == "statistics":
                    written = Path(folder) / "statistics.csv"
                    written.unlink(missing_ok=True)
                    command("export", runs, "--what", "statistics", "-o", written)
                else:
                    words = [
                        sys.executable,
                        "-m",
                        "tests.benchmarks.thousands",
                        "in_window",
                        what,
                        "--project",
                    ]
                    subprocess.run([*words, str(trials if what == "select" else runs)], check=True)


if __name__ == "__main__":
    main()
