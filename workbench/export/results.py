"""Runs and results of a project as plain tables."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.engine.measures import mean_interval
from workbench.project import Project, RunRecord


def run_entry(project: Project, record: RunRecord) -> dict[str, Any]:
    """A run as ``workbench show --json`` prints it."""
    owners = {each.id: each.name for each in project.experiments()}
    result = project.result(record.id, "test", arrays=False)
    return {
        "id": record.id,
        "name": record.name,
        "experiment": owners[record.experiment_id],
        "algorithm": record.algorithm,
        "label": record.label,
        "task": record.task,
        "seed": record.seed,
        "status": record.status,
        "failure": record.failure or None,
        "iterations": record.iterations,
        "iterations_planned": record.iterations_planned,
        "seconds": record.seconds,
        "meta_iterations_per_second": record.meta_iterations_per_second,
        "config_hash": record.config_hash,
        "data_hash": record.data_hash,
        "environment": record.environment,
        "notes": record.notes,
        "tags": list(record.tags),
        "test": result.summary if result else None,
    }


def run_entries(project: Project, runs: Iterable[int] | None = None) -> list[dict[str, Any]]:
    """The runs of a project (or those with the given ids), in the order of the queue."""
    wanted = None if runs is None else set(runs)
    return [run_entry(project, each) for each in project.runs() if wanted is None or each.id in wanted]


def final_measure(test: Mapping[str, Any] | None) -> tuple[str, float | None, float | None]:
    """The measure that a test is summed up by, after the last inner step: name, mean, 95% half-width."""
    if test is None:
        return "", None, None
    name = "loss" if test.get("accuracy") is None else "accuracy"
    return name, test[name][-1], test[f"{name}_ci95"][-1]


RUN_COLUMNS = (
    "id", "name", "experiment", "algorithm", "task", "seed", "status", "failure", "iterations", "seconds",
    "meta_iterations_per_second", "config_hash", "data_hash",
)  # fmt: skip


def runs_rows(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each run: what it was, and what it reached."""
    rows = []
    for entry in entries:
        measure, mean, half = final_measure(entry["test"])
        row = {name: entry[name] for name in RUN_COLUMNS}
        row |= {"measure": measure, "test_mean": mean, "test_ci95": half}
        for name in ("episodes", "episodes_hash", "adaptation_steps_median", "generalisation_gap"):
            row[name] = (entry["test"] or {}).get(name)
        row |= {name: entry["environment"].get(name) for name in ("device", "threads", "chunk")}
        rows.append(row)
    return rows


def table_rows(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each algorithm of an experiment: mean over its finished seeds.

    Two different variances, never one "±": ``ci95_over_seeds`` is Student's t over runs (empty for one),
    ``ci95_over_tasks`` the mean of the runs' own intervals over tasks.
    """
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for entry in entries:
        if entry["test"] is not None:
            key = (entry["experiment"], entry["label"], entry["test"]["episodes_hash"])
            groups.setdefault(key, []).append(entry)
    rows = []
    for (experiment, label, episodes_hash), members in groups.items():
        finals = [final_measure(member["test"]) for member in members]
        means = [mean for _, mean, _ in finals if mean is not None]
        halves = [half for _, _, half in finals if half is not None]
        over_seeds = mean_interval(np.array(means))
        rows.append(
            {
                "experiment": experiment,
                "algorithm": label,
                "task": members[0]["task"],
                "measure": finals[0][0],
                "seeds": len(members),
                "mean": over_seeds.mean if means else None,
                "ci95_over_seeds": over_seeds.half_width if len(means) > 1 else None,
                "ci95_over_tasks": statistics.fmean(halves) if halves else None,
                "episodes": members[0]["test"]["episodes"],
                "episodes_hash": episodes_hash,
            }
        )
    return rows


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a header; empty cells where there is nothing."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def as_json(value: Any) -> str:
    """JSON as the command line prints it."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
