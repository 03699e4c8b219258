"""Runs and benchmarks without a window: progress on stderr, results as JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import click
import torch

from workbench import runs
from workbench.engine.events import Evaluated, Event, Failed, Finished, MetaSteps
from workbench.engine.trainer import Trainer
from workbench.paths import write_atomically
from workbench.sections import Complaint, ConfigError

PROGRESS_SECONDS = 0.5


class Progress:
    """One line on stderr that is rewritten on a terminal; elsewhere only what is worth a line."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._live = quiet, sys.stderr.isatty()
        self._last = 0.0
        self._open = False

    def line(self, text: str) -> None:
        """Something to keep on the screen."""
        if not self._quiet:
            print(("\r\x1b[K" if self._open else "") + text, file=sys.stderr, flush=True)
            self._open = False

    def passing(self, text: str) -> None:
        """Something that the next line may replace."""
        if self._quiet or not self._live or time.monotonic() - self._last < PROGRESS_SECONDS:
            return
        self._last, self._open = time.monotonic(), True
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def preparing(self, done: float, what: str) -> None:
        """What a task family tells while it reads or renders."""
        self.passing(f"{what} {done:.0%}")


def run(source: str, overrides: tuple[str, ...], output: Path | None, quiet: bool) -> int:
    """Do every run of an experiment; 0, or 1 if a run failed."""
    progress = Progress(quiet)
    experiment = runs.load_experiment(source, overrides)
    if output is not None and not output.parent.is_dir():
        raise ConfigError([Complaint(str(output), f"there is no folder {output.parent}")], "--json")
    family = runs.open_family(experiment, progress.preparing)
    records = []
    for each in runs.expand(experiment):

        def tell(trainer: Trainer, event: Event, name: str = each.name) -> None:
            _report(progress, name, trainer, event)

        records.append(runs.execute(each, family, tell))
        if output is not None:
            text = json.dumps({"runs": records}, indent=2, ensure_ascii=False, allow_nan=False)
            write_atomically(output, lambda file, text=text: file.write(text.encode()))  # type: ignore[misc]
    return 1 if any(record["status"] == "failed" for record in records) else 0


def _report(progress: Progress, name: str, trainer: Trainer, event: Event) -> None:
    match event:
        case MetaSteps():
            speed = event.iteration / trainer.seconds
            left = (trainer.iterations - event.iteration) / speed
            progress.passing(
                f"{name}: {event.iteration}/{trainer.iterations}  loss {event.losses[-1]:.4g}  "
                f"{speed:.0f} meta-iterations/s  {left:.0f} s left"
            )
        case Evaluated(summary=summary):
            progress.line(f"{name}: {event.iteration}/{trainer.iterations}  validation {_score(summary)}")
        case Finished(summary=summary):
            spread = " ± ".join(_score(summary, suffix) for suffix in ("", "_ci95"))
            progress.line(f"{name}: test {spread} on {summary['episodes']} episodes, {event.seconds:.1f} s")
        case Failed():
            progress.line(f"{name}: failed at {event.message}")


def _score(summary: object, suffix: str = "") -> str:
    assert isinstance(summary, dict)
    name = "loss" if summary["accuracy"] is None else "accuracy"
    value = summary[name + suffix][-1]
    if value is None:
        return "–"
    text = f"{value:.1%}" if name == "accuracy" else f"{value:.4g}"
    return text if suffix else f"{name} {text}"


def bench(source: str, overrides: tuple[str, ...], as_json: bool, seconds: float) -> int:
    """Measure each algorithm's meta-iterations for some seconds."""
    experiment = runs.load_experiment(source, overrides)
    family = runs.open_family(experiment)
    seed = experiment.training.seeds[0]
    results = {}
    for config in experiment.algorithm:
        trainer = Trainer(experiment, config, seed, family)
        if not trainer.iterations:
            continue
        times = trainer.time_steps(seconds)
        results[config.label or config.name] = {
            "meta_iterations_per_second": len(times) / sum(times),
            "milliseconds_median": statistics.median(times) * 1e3,
            "device": str(trainer.device),
            "threads": torch.get_num_threads(),
            "chunk": trainer.plan.chunk,
            "compiled": trainer.record["compiled"],
        }
    if as_json:
        first: dict[str, Any] = next(iter(results.values()), {})
        click.echo(json.dumps({**first, "algorithms": results}, indent=2))
        return 0
    for name, each in results.items():
        click.echo(
            f"{name}: {each['meta_iterations_per_second']:.1f} meta-iterations/s, median "
            f"{each['milliseconds_median']:.2f} ms, {each['device']}, {each['threads']} threads, "
            f"chunks of {each['chunk']} tasks"
        )
    return 0
