"""What the window costs: seconds to the first paint, training speed beside it, lateness of its thread.

python tests/benchmarks/window.py start [--rounds 5]
python tests/benchmarks/window.py speed [--rounds 4] [--experiment sinusoid|omniglot] [--data ZIP]
python tests/benchmarks/window.py late [--rounds 2] [--experiment sinusoid|omniglot] [--data ZIP]

``speed`` trains the same run in turn without a window (as ``workbench run`` does) and in the window with
its four charts side by side, each in a process of its own, and prints the ratio of their speeds. ``late``
trains it in the window beside a 10 ms timer of the GUI thread, and prints how late that was (after the
first second). Needs a display, or QT_QPA_PLATFORM=offscreen.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SINUSOID = """
name = "Sinusoid"
[task]
family = "sinusoid"
[network]
kind = "mlp"
hidden = [40, 40]
[[algorithm]]
kind = "maml"
[training]
iterations = {iterations}
[evaluation]
every = 500
"""
OMNIGLOT = """
name = "Omniglot"
[task]
family = "images"
path = "{data}"
ways = 5
shots = 1
queries = 15
rotations = true
[task.split]
train = ["Balinese", "Early_Aramaic", "Korean"]
validation = ["Greek"]
test = ["Latin"]
[network]
kind = "conv4"
stride = 2
[[algorithm]]
kind = "maml"
[training]
iterations = {iterations}
meta_batch = 32
[evaluation]
every = 25
episodes = 10
validation_episodes = 20
inner_steps = 5
"""
DATA = Path(__file__).parents[3] / "shared" / "data" / "omniglot_images_background_small1.zip"


class Clock:
    """Meta-iterations per second of wall time, from the first report to the last; validations included."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None
        self.last = (0, 0.0)

    def see(self, iteration: int) -> None:
        self.last = (iteration, time.perf_counter())
        self.first = self.first or self.last

    @property
    def rate(self) -> float:
        assert self.first is not None
        return (self.last[0] - self.first[0]) / (self.last[1] - self.first[1])


def alone(toml: Path) -> dict[str, float]:
    """The run without a window."""
    from workbench import runs
    from workbench.config import load
    from workbench.engine.events import MetaSteps
    from workbench.engine.trainer import Trainer
    from workbench.project import Project

    experiment, clock = load(toml), Clock()

    def tell(_: Trainer, notice: runs.Notice) -> None:
        if isinstance(notice, MetaSteps):
            clock.see(notice.iteration)

    with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder) / "p.mlwb") as project:
        family = runs.open_family(experiment)
        (run,) = runs.add(project, experiment, family)
        runs.perform(project, run, family, runs.Control(), tell)
    return {"rate": clock.rate}


def timed(toml: Path) -> dict[str, float]:
    """The run in the window, and the lateness of a 10 ms timer."""
    return beside(toml, 10)


def beside(toml: Path, tick_milliseconds: int = 200) -> dict[str, float]:
    """The run in the window, its four charts side by side, and the lateness of a timer."""
    from PySide6.QtCore import Qt, QTimer

    from workbench.gui import app, theme
    from workbench.gui.garbage import GarbageCollection
    from workbench.gui.run_thread import RunThread
    from workbench.gui.window import MainWindow

    application = app.make_application()
    theme.apply("light")
    garbage = GarbageCollection(application)
    window = MainWindow()
    window.resize(1920, 1080)
    window.arrange()
    window.begin(toml)
    window.show()
    window.layout_.tile_charts()
    clock, late, state = Clock(), [], {"began": 0.0, "last": 0.0, "run": False}
    told = RunThread._tell

    def tell(self: RunThread, run: int, trainer: object, notice: object) -> None:
        from workbench.engine.events import MetaSteps

        if isinstance(notice, MetaSteps):
            clock.see(notice.iteration)
        told(self, run, trainer, notice)  # type: ignore[arg-type]

    RunThread._tell = tell  # type: ignore[method-assign]

    def tick() -> None:
        now = time.perf_counter()
        if not state["run"] and window.actions_["run"].isEnabled() and window._first_experiment is not None:
            if window.panels is not None and window.panels.draft.value(("training", "iterations")) != 10_000:
                window.run_commands.run()
                state["run"], state["began"] = True, now
        elif state["run"] and state["last"] and now - state["began"] > 1.0:
            late.append((now - state["last"]) * 1e3 - tick_milliseconds)
            if late[-1] > 60:
                print("LATE", late[-1], now - state["began"], file=sys.stderr)
        state["last"] = now
        records = window.session.data.runs()
        if records and records[0].status == "finished":
            timer.stop()
            window.go()

    timer = QTimer(window)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(tick_milliseconds)
    application.exec()
    garbage.close()
    late.sort()
    return {
        "rate": clock.rate,
        "median": late[len(late) // 2],
        "p99": late[int(0.99 * len(late))],
        "worst": late[-1],
    }


def first_paint() -> dict[str, float]:
    """Seconds from the start of the process to the first paint, and to the charts and to PyTorch."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    from workbench.gui import app
    from workbench.gui.window import MainWindow

    began, seen = float(os.environ["BENCHMARK_BEGAN"]), {}

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Paint and isinstance(watched, MainWindow):
                seen.setdefault("paint", time.time() - began)
            return False

    furnish, loaded = MainWindow.furnish, MainWindow._engine_loaded

    def after_paint(window: MainWindow) -> None:
        furnish(window)
        seen["charts"] = time.time() - began

    def after_engine(window: MainWindow, device: str) -> None:
        loaded(window, device)
        seen["engine"] = time.time() - began
        QTimer.singleShot(0, window.go)

    init = MainWindow.__init__

    def build(window: MainWindow) -> None:
        init(window)
        watch = Watch(window)
        window.installEventFilter(watch)

    MainWindow.__init__ = build  # type: ignore[method-assign]
    MainWindow.furnish = after_paint  # type: ignore[method-assign]
    MainWindow._engine_loaded = after_engine  # type: ignore[method-assign]
    app.start(None)
    return seen


def _child(*arguments: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"WORKBENCH_DATA": folder, "BENCHMARK_BEGAN": str(time.time())}
        command = [sys.executable, __file__, *arguments]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Print the figures, round by round and their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["start", "speed", "late", "alone", "beside", "timed", "first_paint"])
    parser.add_argument("toml", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--experiment", choices=["sinusoid", "omniglot"], default="sinusoid")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--iterations", type=int)
    options = parser.parse_args()
    if options.what == "first_paint":
        print(json.dumps(first_paint()))
    elif options.what in ("alone", "beside", "timed"):
        print(json.dumps({"alone": alone, "beside": beside, "timed": timed}[options.what](options.toml)))
    elif options.what == "start":
        rounds = [_child("first_paint") for _ in range(options.rounds)]
        for name in rounds[0]:
            values = [each[name] for each in rounds]
            print(f"{name:8} median {statistics.median(values):.2f} s, worst {max(values):.2f} s")
    else:
        _train(options)


def _train(options: argparse.Namespace) -> None:
    text, iterations = (SINUSOID, 8000) if options.experiment == "sinusoid" else (OMNIGLOT, 100)
    text = text.format(iterations=options.iterations or iterations, data=options.data.resolve())
    with tempfile.TemporaryDirectory() as folder:
        toml = Path(folder) / "e.toml"
        toml.write_text(text, encoding="utf-8")
        _child("alone", str(toml))  # measures the plan, which all of them use
        if options.what == "late":
            for _ in range(options.rounds):
                figures = _child("timed", str(toml))
                print(
                    f"10 ms timer late by {figures['median']:.1f} ms (median), {figures['p99']:.1f} (99%), "
                    f"{figures['worst']:.1f} (worst)",
                    flush=True,
                )
            return
        ratios = []
        for number in range(options.rounds):
            order = ("alone", "beside") if number % 2 == 0 else ("beside", "alone")
            rates = {what: _child(what, str(toml))["rate"] for what in order}
            ratios.append(rates["beside"] / rates["alone"])
            print(
                f"without {rates['alone']:8.1f}/s   with {rates['beside']:8.1f}/s   ratio {ratios[-1]:.3f}",
                flush=True,
            )
    print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
