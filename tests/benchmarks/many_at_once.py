"""Whether the one writer of a project keeps up with many quick runs at once, and the window with it.

python tests/benchmarks/many_at_once.py [--runs 50] [--rate 500] [--seconds 60] [--window]

The runs are done by the host that does those of processes and clusters, and written as they are; only the
workers are invented: they say, twice a second and by the clock, what a run at that rate would have to write.
Afterwards every point is read again and compared. A batch is late where the host takes it later than it was
said. With ``--window`` all of this happens in the window, beside its charts and a 10 ms timer of its thread.
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import runs
from workbench.config import parse
from workbench.engine.events import MetaSteps
from workbench.project import Project
from workbench.runs import Control, Host
from workbench.runs.executor import Executor, Share, Worker
from workbench.runs.remote import Order, Over, Told, Writes

BATCH, TOLD, CHECKPOINT = 0.5, 0.2, 30.0
"""Seconds between two batches of points, two reports of progress, two checkpoints of a run."""

TENSORS = 64 * 1024
"""Bytes of a checkpoint: a small network with its optimiser's state."""

EXPERIMENT = """
name = "Many at once"
[task]
family = "sinusoid"
[[algorithm]]
kind = "maml"
[training]
iterations = {iterations}
seeds = {seeds}
threads = 1
chunk = 25
compile = false
"""


def losses(run: int, iterations: int) -> NDArray[np.float64]:
    """What a run's losses are, now and when they are compared."""
    return np.random.default_rng(run).normal(size=iterations).astype(np.float32).astype(np.float64)


class Invented(Worker):
    """Says what a run would, when it would."""

    def __init__(self, share: Share, rate: int, seconds: float) -> None:
        super().__init__(share, started=True)
        self._rate, self._iterations = rate, int(rate * seconds)
        self._done, self._began, self._told, self._kept = 0, 0.0, 0.0, 0.0
        self.late: list[float] = []

    def send(self, message: object) -> None:
        if isinstance(message, Order):
            number = message.record.id
            self._began = time.monotonic() + BATCH * (number % 50) / 50  # not all in one moment
            self._told = self._kept = self._began
            self._y = losses(number, self._iterations)
            self._done = -1

    def end(self) -> None:
        pass

    def say(self, now: float) -> list[object]:
        """What it has said by now and was not heard."""
        if self.run is None or now < self._began:
            return []
        said: list[object] = []
        if self._done < 0:
            begun = {"status": "running", "started": time.time()}
            said.append(Writes([("rewind", (self.run, 0), {}), ("update_run", (self.run,), begun)]))
            self._done = 0
        while (due := self._began + (self._done + BATCH * self._rate) / self._rate) <= now:
            self.late.append(now - due)
            said.append(Writes(self._batch()))
            if self._done == self._iterations:
                return [*said, Over("finished")]
        if now - self._told >= TOLD:
            self._told = now
            steps = MetaSteps(self._done, {}, np.empty(0))
            said.append(Told(self._done, self._iterations, self._done / self._rate, steps))
        return said

    def _batch(self) -> list[runs.remote.Call]:
        first, self._done = self._done, min(self._iterations, self._done + int(BATCH * self._rate))
        x = np.arange(first + 1, self._done + 1)
        told = {
            "iterations": self._done,
            "seconds": self._done / self._rate,
            "meta_iterations_per_second": float(self._rate),
        }
        calls: list[runs.remote.Call] = [
            ("append_series", (self.run, "loss", x, self._y[first : self._done]), {}),
            ("append_series", (self.run, "seconds", x, x / self._rate), {}),
        ]
        if self._done / self._rate - self._kept >= CHECKPOINT:
            self._kept = self._done / self._rate
            calls.append(("save_checkpoint", (self.run, self._done, {}, bytes(TENSORS)), {}))
        if self._done == self._iterations:
            told |= {"status": "finished", "ended": time.time()}  # type: ignore[dict-item]
        return [*calls, ("update_run", (self.run,), told)]


class Inventing(Executor):
    """A place for so many invented workers; what they say comes out of a pipe as it would."""

    def __init__(self, jobs: int, rate: int, seconds: float) -> None:
        self._jobs, self._rate, self._seconds = jobs, rate, seconds
        self.late: list[float] = []

    @property
    def jobs(self) -> int:
        return self._jobs

    @property
    def processors(self) -> Sequence[int]:
        return [self._jobs]

    def begin(self, share: Share) -> Worker:
        worker = Invented(share, self._rate, self._seconds)
        worker.late = self.late
        return worker

    def hear(self, workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, list[object]]]:
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            said = [
                (each, [pickle.loads(pickle.dumps(one)) for one in each.say(now)])  # noqa: S301 (our own)
                for each in workers
                if isinstance(each, Invented)
            ]
            found = [(each, messages) for each, messages in said if messages]
            if found or now >= until:
                return found
            time.sleep(0.005)


def in_the_window(path: Path, ids: list[int], executor: Inventing) -> None:
    """The runs in the window; how late its timer was."""
    from PySide6.QtCore import Qt, QTimer

    from workbench.gui import app, place, theme
    from workbench.gui.garbage import GarbageCollection
    from workbench.gui.window import MainWindow

    @contextmanager
    def elsewhere(jobs: int, cluster: str = "") -> Iterator[Executor]:
        yield executor

    runs.elsewhere, place.kept = elsewhere, lambda: place.Place(len(ids))  # type: ignore[assignment]
    application = app.make_application()
    theme.apply("light")
    garbage = GarbageCollection(application)
    window = MainWindow()
    window.resize(1920, 1080)
    window.arrange()
    window.begin(path)
    window.show()
    late: list[float] = []
    state = {"last": 0.0, "began": 0.0, "cpu": 0.0}

    def tick() -> None:
        now = time.perf_counter()
        data = window.session.data
        if not state["began"] and window.run_commands.setup is not None and data.runs():
            window.layout_.tile_charts()
            window.session.queue.go()
            state["began"], state["cpu"] = now, time.thread_time()
        elif state["began"] and now - state["began"] > 2:
            late.append((now - state["last"]) * 1e3 - 10)
        state["last"] = now
        if state["began"] and all(each.status == "finished" for each in data.runs()):
            timer.stop()
            window.go()

    timer = QTimer(window)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(10)
    application.exec()
    garbage.close()
    late.sort()
    share = (time.thread_time() - state["cpu"]) / (time.perf_counter() - state["began"])
    print(
        f"10 ms timer of the window late by {late[len(late) // 2]:.1f} ms (median), "
        f"{late[int(0.99 * len(late))]:.1f} (99%), {late[-1]:.1f} (worst); its thread took {share:.0%}"
    )


def main() -> None:
    """Print how late batches were, what it took, and whether every point is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--window", action="store_true")
    options = parser.parse_args()
    iterations = int(options.rate * options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("WORKBENCH_DATA", folder)
        path = Path(folder) / "p.mlwb"
        experiment = parse(EXPERIMENT.format(iterations=iterations, seeds=list(range(options.runs))))
        family = runs.open_family(experiment)
        executor = Inventing(options.runs, options.rate, options.seconds)
        with Project.create(path) as project:
            ids = runs.add(project, experiment, family)
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        if options.window:
            in_the_window(path, ids, executor)
        else:
            with Project.open(path) as project:
                control = Control()
                Host(project, executor, control, lambda *_: None, lambda *_: None).perform(ids)
        took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
        with Project.open(path) as project:
            for run in ids:
                x, y = project.series(run, "loss")
                seconds, _ = project.series(run, "seconds")
                assert np.array_equal(x, np.arange(1, iterations + 1))
                assert np.array_equal(x, seconds)
                assert np.array_equal(y, losses(run, iterations))
                assert project.run(run).status == "finished"
        late = np.sort(executor.late)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        print(
            f"{options.runs} runs × {iterations} iterations × 2 series, all there: {took:.1f} s, "
            f"{user:.1f} s user, {system:.1f} s system; {path.stat().st_size / 2**20:.0f} MiB\n"
            f"{len(late)} batches taken late by {1e3 * np.median(late):.0f} ms (median), "
            f"{1e3 * np.quantile(late, 0.99):.0f} (99%), {1e3 * late[-1]:.0f} (worst)"
        )


if __name__ == "__main__":
    main()
