"""Times of the project file on this machine: `python tests/benchmarks/project_file.py`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from workbench.project import Project, RunWriter

RUNS, POINTS, MILLION = 200, 100_000, 1_000_000


def milliseconds(call: Callable[[], object], repeats: int = 9) -> str:
    """Median and worst of a few calls, in words."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return f"median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms"


def add_run(project: Project, experiment: int, seed: int) -> int:
    """A run with nothing in it."""
    return project.add_run(experiment, name=f"run {seed}", algorithm="maml", task="sinusoid", seed=seed)


def long_read(folder: Path, rng: np.random.Generator) -> None:
    """A million points, appended as training at 1000 iterations/s would."""
    million_points(folder / "narrow.mlwb", "float32", rng.normal(size=MILLION).astype(np.float32))
    million_points(folder / "wide.mlwb", "float64", rng.normal(size=MILLION))


def million_points(path: Path, kind: str, values: np.ndarray) -> None:
    with Project.create(path) as project:
        run = add_run(project, project.add_experiment("E", "", ""), 0)
        for start in range(0, MILLION, 1000):
            project.append_series(run, "loss", np.arange(start, start + 1000), values[start : start + 1000])
        print(f"1e6 points of {kind}: {path.stat().st_size / 2**20:.1f} MiB")
        print("  read:", milliseconds(lambda: project.series(run, "loss")))


def many_runs(folder: Path, rng: np.random.Generator) -> None:
    """200 runs of 100,000 points in two series each, opened to the runs table."""
    path = folder / "many.mlwb"
    x = np.arange(1, POINTS + 1)
    with Project.create(path) as project:
        experiment = project.add_experiment("E", "", "")
        for seed in range(RUNS):
            with project.transaction():
                run = add_run(project, experiment, seed)
                losses = rng.normal(size=POINTS).astype(np.float32).astype(np.float64)
                project.append_series(run, "loss", x, losses)
                project.append_series(run, "seconds", x, np.cumsum(rng.random(POINTS)))
    print(f"{RUNS} runs × {POINTS} points × 2 series: {path.stat().st_size / 2**20:.0f} MiB")

    def open_and_list(read_only: bool) -> None:
        with Project.open(path, read_only=read_only) as project:
            assert len(project.runs()) == RUNS

    print("  open, list, close:            ", milliseconds(lambda: open_and_list(False)))
    print("  the same, read-only:          ", milliseconds(lambda: open_and_list(True)))
    command = f"from workbench.project import Project; Project.open({str(path)!r}, read_only=True).runs()"
    process = milliseconds(lambda: subprocess.run([sys.executable, "-c", command], check=True), 5)
    print("  in a new process, all imports:", process)
    with Project.open(path) as project:
        ids = [run.id for run in project.runs()]
        every = milliseconds(lambda: [project.series(run, "loss") for run in ids], 3)
        print(f"  all {RUNS} curves:", every)
        start = time.perf_counter()
        assert not project.verify()
        print(f"  verify: {time.perf_counter() - start:.1f} s")


def writing(folder: Path, rng: np.random.Generator) -> None:
    """What a training thread pays: per iteration, per flush, per checkpoint."""
    with Project.create(folder / "writing.mlwb") as project:
        run = add_run(project, project.add_experiment("E", "", ""), 0)
        for rate in (10, 1000, 2000):
            writer, flushes = RunWriter(project, run, interval=1e9), []
            losses = rng.normal(size=100 * rate).astype(np.float32).tolist()
            begin = time.perf_counter()
            for iteration, loss in enumerate(losses, 1):
                writer.points(iteration, {"loss": loss, "seconds": iteration / rate})
                if iteration % rate == 0:
                    writer.update(iterations=iteration, seconds=iteration / rate)
                    start = time.perf_counter()
                    writer.flush()
                    flushes.append(1000 * (time.perf_counter() - start))
            total = time.perf_counter() - begin
            print(
                f"{rate} iterations/s, two series: one second of points costs "
                f"{statistics.median(flushes):.2f} ms to flush (worst: {max(flushes):.1f}), "
                f"all in all {100 * total / (len(losses) / rate):.2f} % of the time"
            )
            project.rewind(run, 0)
        tensors = rng.bytes(4 * 2**20)
        numbers = iter(range(1000))
        saving = milliseconds(lambda: project.save_checkpoint(run, next(numbers), {"seed": 1}, tensors))
        print("checkpoint of 4 MiB:", saving)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for part in (long_read, many_runs, writing):
            part(Path(name), np.random.default_rng(0))
