"""Frames per second of the learning curves while panned and zoomed, and the cost of a live redraw.

    QT_QPA_PLATFORM=offscreen python tests/benchmarks/charts.py      # or under xvfb-run

A frame is the change of the range and the painting of the whole plot.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from workbench.gui.charts.adaptation import AdaptationChart
from workbench.gui.charts.learning_curves import LearningCurves
from workbench.gui.run_data import RunData
from workbench.project import Project

FRAMES = 60
LABELS = ("MAML", "ANIL", "Reptile", "Transfer")
TOML = 'name = "Bench"\n[task]\nfamily = "sinusoid"\n[training]\nmeta_batch = 25\n'


def curve(points: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return 4 * np.exp(-np.arange(points) / (points / 5)) + 0.3 + random.gamma(2.0, 0.1, points)


def fill(project: Project, runs: int, points: int) -> None:
    steps = list(range(11))
    with project.transaction():
        experiment = project.add_experiment("Bench", TOML, "c0ffee")
        for number in range(runs):
            label, seed = LABELS[number % len(LABELS)], number // len(LABELS)
            run = project.add_run(
                experiment, name=f"{label}, seed {seed}", algorithm=label.lower(), label=label,
                task="sinusoid", seed=seed,
            )  # fmt: skip
            x = np.arange(1, points + 1)
            project.append_series(run, "loss", x, curve(points, number))
            project.append_series(run, "seconds", x, x * (0.001 + 0.0001 * number))
            for iteration in range(0, points + 1, 500):
                loss = [3 * 0.7**step + 0.1 for step in steps]
                project.add_evaluation(run, iteration, "validation", {
                    "inner_steps": steps, "loss": loss, "loss_ci95": [0.1] * 11, "accuracy": None,
                    "accuracy_ci95": None, "tasks": 100, "diverged": [0] * 11,
                })  # fmt: skip


def frames(chart: LearningCurves, change: Callable[[int], object]) -> str:
    times = []
    for number in range(FRAMES):
        start = time.perf_counter()
        change(number)
        QApplication.processEvents()
        times.append((time.perf_counter() - start) * 1e3)
    median, worst = statistics.median(times), sorted(times)[int(0.95 * len(times))]
    return f"{1e3 / median:5.0f} frames/s   (median {median:.1f} ms, 95% {worst:.1f} ms)"


def smoothness(folder: Path, runs: int, points: int) -> None:
    with Project.create(folder / f"{runs}.mlwb") as project:
        fill(project, runs, points)
        data = RunData()
        data.open(project)
        chart = LearningCurves(data)
        chart.resize(760, 620)
        start = time.perf_counter()
        chart.show()
        QApplication.processEvents()
        print(f"{runs} runs × {points} points: opened in {(time.perf_counter() - start) * 1e3:.0f} ms")
        for joined in (False, True):
            chart.bar["joined"].setChecked(joined)
            QApplication.processEvents()
            print("  seeds joined" if joined else "  every run by itself")
            chart.follow()
            width = chart.x_range[1] - chart.x_range[0]
            chart.view.scaleBy((0.5, 1.0))
            step = width / 4 / FRAMES
            print("    pan  ", frames(chart, lambda _, step=step: chart.view.translateBy(x=step)))
            chart.follow()
            print(
                "    zoom ", frames(chart, lambda n: chart.view.scaleBy([0.92 if n < 30 else 1 / 0.92] * 2))
            )
        chart.close()
        data.open(None)


def liveness(folder: Path, runs: int, points: int) -> None:
    with Project.create(folder / f"live{runs}.mlwb") as project:
        fill(project, runs, points)
        data = RunData()
        data.open(project)
        for chart in (LearningCurves(data), AdaptationChart(data)):
            chart.resize(760, 620)
            chart.show()
            QApplication.processEvents()
            redraws, paints = [], []
            run = data.runs()[-1].id
            done = len(data.series(run, "loss")[0])
            data.series(run, "seconds")
            for number in range(40):
                told = {"loss": curve(100, number), "seconds": done * 0.001 + np.arange(100) * 0.001}
                data.extend(run, done, told, [], None)
                done += 100
                start = time.perf_counter()
                data.grew.emit({run})
                middle = time.perf_counter()
                chart.plot.viewport().repaint()
                redraws.append((middle - start) * 1e3)
                paints.append((time.perf_counter() - middle) * 1e3)
            print(
                f"live, {runs} runs × {points}, {chart.title}: redraw {statistics.median(redraws):.1f} ms, "
                f"paint {statistics.median(paints):.1f} ms"
            )
            chart.close()
        data.open(None)


def main() -> None:
    application = QApplication(sys.argv)
    print(f"platform: {application.platformName()}")
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
        smoothness(Path(folder), 20, 100_000)
        smoothness(Path(folder), 4, 15_000)
        liveness(Path(folder), 4, 15_000)
        liveness(Path(folder), 20, 100_000)


if __name__ == "__main__":
    main()
