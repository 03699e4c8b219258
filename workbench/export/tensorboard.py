"""Series as TensorBoard's event files: a folder for each run. Needs the optional package tensorboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from workbench.analysis.reached import measures, reached
from workbench.errors import InputError
from workbench.paths import write_atomically
from workbench.project import Project, RunRecord

Scalar = tuple[int, str, float]
"""Meta-iteration, tag, value."""

Clock = Callable[[int], float]
"""Seconds of training at a meta-iteration."""


def write(project: Project, folder: Path, runs: Sequence[int] | None = None) -> list[Path]:
    """Write the series, validations and test of runs (those with the given ids, or all); the files.

    The same runs give the same bytes: times are those of the runs, names hold no host.

    Raises
    ------
    InputError
        If the package is not installed, or the folder is a file.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError:
        raise InputError(
            "TensorBoard's event files need a package that is not installed: pip install tensorboard"
        ) from None
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; TensorBoard's event files need a folder")
    written = []
    for run in project.runs():
        if runs is not None and run.id not in runs:
            continue
        started = run.started or run.created
        seconds = _clock(project, run)
        path = folder / folder_name(run) / f"events.out.tfevents.{int(started)}.{run.id}.workbench"
        path.parent.mkdir(parents=True, exist_ok=True)

        def fill(file: BinaryIO, run: RunRecord = run, started: float = started, at: Clock = seconds) -> None:
            writer = RecordWriter(file)
            writer.write(Event(wall_time=started, file_version="brain.Event:2").SerializeToString())
            for iteration, tag, value in scalars(project, run):
                summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
                event = Event(wall_time=started + at(iteration), step=iteration, summary=summary)
                writer.write(event.SerializeToString())

        write_atomically(path, fill)
        written.append(path)
    return written


def folder_name(run: RunRecord) -> str:
    """A run's folder: its number and name, without what a path cannot hold."""
    name = re.sub(r"[^\w .,=-]+", "_", run.name)[:80].strip(" .")
    return f"{run.id:03d} {name}".strip()


def scalars(project: Project, run: RunRecord) -> Iterator[Scalar]:
    """Every number of a run that belongs to a meta-iteration, series by series."""
    for name in project.series_names(run.id):
        x, y = project.series(run.id, name)
        for iteration, value in zip(x.tolist(), y.tolist(), strict=True):
            yield iteration, f"train/{name}", value
    evaluations = project.evaluations(run.id, "validation")
    for iteration, summary in evaluations:
        for measure in measures(summary):
            for step, tag in ((0, "before adaptation"), (None, "after adaptation")):
                mean = reached(summary, measure, step).mean
                if mean is not None:
                    yield iteration, f"validation/{measure} {tag}", mean
    test = project.result(run.id, "test", arrays=False)
    if test is not None:
        for measure, values in measures(test.summary).items():
            for step, mean in zip(test.summary["inner_steps"], values["mean"], strict=True):
                if mean is not None:
                    yield step, f"test/{measure} by inner step", mean


def _clock(project: Project, run: RunRecord) -> Clock:
    """Seconds of training at a meta-iteration."""
    x, y = project.series(run.id, "seconds")

    def at(iteration: int) -> float:
        found = int(np.searchsorted(x, iteration, side="right")) - 1
        return float(y[found]) if found >= 0 and np.isfinite(y[found]) else 0.0

    return at
