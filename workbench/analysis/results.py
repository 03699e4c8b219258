"""Runs and results of a project as plain tables."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.analysis import reports
from workbench.analysis.cells import neutral, neutral_rows
from workbench.analysis.divergence import diverged_at
from workbench.analysis.naming import NONE
from workbench.analysis.summaries import count, numbers
from workbench.engine.intervals import mean_interval
from workbench.project import Project, ProjectError, RunRecord


def entry(record: RunRecord, experiment: str, test: Mapping[str, Any] | None) -> dict[str, Any]:
    """A run as ``workbench show --json`` prints it.

    Parameters
    ----------
    record : the run.
    experiment : the name of its experiment.
    test : what it reached on the meta-test episodes, if it did.
    """
    return {
        "id": record.id,
        "name": record.name,
        "experiment": experiment,
        "experiment_id": record.experiment_id,
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
        "test": test,
    }


def _run_entry(project: Project, record: RunRecord, experiment: str) -> dict[str, Any]:
    """A run of a project, as :func:`entry`, and when its training diverged."""
    result = project.result(record.id, "test", arrays=False)
    shown = entry(record, experiment, result.summary if result else None)
    try:
        validations = project.evaluations(record.id, "validation")
        at = diverged_at(record, validations, lambda: project.series(record.id, "loss"))
    except ProjectError:  # a damaged curve is verify's to tell
        at = None
    return shown | {"diverged_at": at}


def run_entries(project: Project, runs: Iterable[int] | None = None) -> list[dict[str, Any]]:
    """The runs of a project (or those with the given ids), in the order of the queue."""
    wanted = None if runs is None else set(runs)

    def read() -> list[dict[str, Any]]:
        owners = {each.id: each.name for each in project.experiments()}
        return [
            _run_entry(project, each, owners[each.experiment_id])
            for each in project.runs()
            if wanted is None or each.id in wanted
        ]

    return project.of_sound_runs(read)


def final_measure(test: Mapping[str, Any] | None) -> tuple[str, float | None, float | None]:
    """The measure that a test is summed up by, after the last inner step: name, mean, 95% half-width."""
    return measured(test)


DISTINCT = ("distinct_episodes", "distinct_classes", "distinct_examples")
"""What stands behind the episodes of a test; not known of older runs."""

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
        row |= robust_and_kept(entry["test"])
        row |= {name: entry["environment"].get(name) for name in ("device", "threads", "chunk")}
        row["diverged"], row["tasks"] = lost_tasks(entry["test"])
        row["diverged_at"] = entry.get("diverged_at")
        row |= {name: (entry["test"] or {}).get(name) for name in DISTINCT}
        rows.append(row)
    return rows


def robust_and_kept(test: Mapping[str, Any] | None) -> dict[str, float | None]:
    """What a test tells beside its measure: accuracy on attacked queries, and what a stream forgot.

    None where nothing was attacked, or nothing drifts.
    """
    mean, half = reports.entry(test, "robust", "accuracy")
    drift = (test or {}).get("drift")
    drift = drift if isinstance(drift, Mapping) else {}
    return {
        "robust_accuracy": mean,
        "robust_accuracy_ci95": half,
        "forgetting": reports.number(drift.get("forgetting_mean")),
        "backward_transfer": reports.number(drift.get("backward_transfer")),
    }


def measured(
    test: Mapping[str, Any] | None, measure: str = "", step: int | None = None
) -> tuple[str, float | None, float | None]:
    """A measure after an inner step: name, mean over tasks, 95% half-width.

    Parameters
    ----------
    test : a run's test; None where there is none yet.
    measure : ``loss`` or ``accuracy``; empty: accuracy where there is one. Or a key of the report, such as
        ``robust/accuracy``, which is measured after the last step only.
    step : the inner step; None: the last. A closed form adapts once, so it has the same value after
        every step from 1.
    """
    if test is None:
        return "", None, None
    key = reports.parts(measure)
    if key is not None:
        return measure, *reports.entry(test, *key)
    name = measure or ("loss" if test.get("accuracy") is None else "accuracy")
    values, halves, steps = test.get(name), test.get(f"{name}_ci95"), list(test["inner_steps"])
    if step is not None and steps == [1] and step > 1:
        step = 1
    if values is None or halves is None or (step is not None and step not in steps):
        return name, None, None
    index = -1 if step is None else steps.index(step)
    return name, values[index], halves[index]


def lost_tasks(test: Mapping[str, Any] | None, step: int | None = None) -> tuple[int, int]:
    """How many tasks diverged by an inner step (None: the last), and of how many; (0, 0) if not known."""
    lost, steps, tasks = ((test or {}).get(name) for name in ("diverged", "inner_steps", "tasks"))
    if not isinstance(lost, list) or not isinstance(steps, list) or len(lost) != len(steps):
        return 0, 0
    if step is not None and steps == [1] and step > 1:
        step = 1
    if not lost or (step is not None and step not in steps):
        return 0, 0
    known = lost[-1 if step is None else steps.index(step)], tasks
    if not all(isinstance(each, int) and 0 <= each < 1e15 for each in known):
        return 0, 0
    return known[0], known[1]  # type: ignore[return-value]


def status(status: str, diverged_at: int | None) -> str:
    """A run's status for people, with when its training diverged."""
    return status if diverged_at is None else f"{status}, diverged at {diverged_at}"


def share(lost: int, tasks: int) -> str:
    """``2 of 600``."""
    return f"{count(lost)} of {count(tasks)}"


def diverged(lost: int, tasks: int, *, none_left: bool = False) -> str:
    """What is said beside a mean: ``2 of 600 diverged``; where none is left, ``diverged: 40 of 40 tasks``."""
    if not lost:
        return ""
    if none_left:
        return f"diverged: {share(lost, tasks)} tasks"
    return f"{share(lost, tasks)} diverged"


def reached(
    test: Mapping[str, Any] | None,
    form: Callable[[str, float], str] | None = None,
    *,
    interval: bool = True,
) -> str:
    """What a test (or a validation) reached, in words, with what diverged.

    Parameters
    ----------
    form : writes a mean or an interval, given the measure.
    interval : whether its interval is told too.
    """
    measure, mean, half = final_measure(test)
    lost = lost_tasks(test)
    if mean is None:
        return diverged(*lost, none_left=True) or NONE
    first, second = (form, form) if form else (lambda _, x: f"{x:.4g}", lambda _, x: f"{x:.2g}")
    text = f"{measure} {first(measure, mean)}" + (
        f" ± {second(measure, half)}" if interval and half is not None else ""
    )
    return ", ".join(filter(None, [text, diverged(*lost)]))


def without_chance(tests: Sequence[Mapping[str, Any]]) -> bool:
    """Whether seeds change nothing: several tests that agree in every value to a millionth."""
    curves = [[numbers(test, name) for name in ("loss", "loss_median", "accuracy")] for test in tests if test]
    if len(curves) < 2 or not any(np.isfinite(each).any() for each in curves[0]):
        return False
    return all(
        len(a) == len(b) and np.allclose(a, b, rtol=1e-6, atol=0.0, equal_nan=True)
        for other in curves[1:]
        for a, b in zip(curves[0], other, strict=True)
    )


def table_row(
    members: Sequence[Mapping[str, Any]],
    measure: str = "",
    step: int | None = None,
    copies: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What the seeds of one algorithm reached, as a row of a table.

    Two different variances, never one "±": ``ci95_over_seeds`` is Student's t over runs (empty for one),
    ``ci95_over_tasks`` the mean of the runs' own intervals over tasks. ``seeds_measured`` is smaller than
    ``seeds`` where a run has no finite value; where seeds change nothing (``deterministic``) it is 1.
    ``diverged`` of ``tasks`` are summed over those that count. What is named ``robust``, ``forgetting`` or
    ``transfer`` is a mean over seeds too; ``robust_accuracy_ci95``, as all that is named so, is over tasks.

    Parameters
    ----------
    members : runs as :func:`entry` gives them, one for each seed, tested on the same episodes.
    measure, step : see :func:`measured`.
    copies : the runs that repeat one of them.
    """
    first = members[0]
    fixed = without_chance([member["test"] for member in members])
    counted = members[:1] if fixed else members
    finals = [measured(member["test"], measure, step) for member in counted]
    means = [mean for _, mean, _ in finals if mean is not None]
    halves = [half for _, _, half in finals if half is not None]
    over_seeds = mean_interval(np.array(means))
    others = [robust_and_kept(member["test"]) for member in members]
    rates = [each["meta_iterations_per_second"] for each in members]
    lost = [
        lost_tasks(member["test"], step if reports.parts(measure) is None else None) for member in counted
    ]
    return {
        "experiment": first["experiment"],
        "algorithm": first["label"],
        "task": first["task"],
        "measure": finals[0][0],
        "seeds": len(members),
        "seeds_measured": len(means),
        "mean": over_seeds.mean if means else None,
        "ci95_over_seeds": over_seeds.half_width if len(means) > 1 else None,
        "ci95_over_tasks": statistics.fmean(halves) if halves else None,
        "episodes": first["test"]["episodes"],
        "episodes_hash": first["test"]["episodes_hash"],
        "adaptation_steps_median": _median_steps(members),
        "generalisation_gap": _mean([each["test"].get("generalisation_gap") for each in members]),
        "meta_iterations_per_second": _mean(rates),
        **{name: _mean([each[name] for each in others]) for name in others[0]},
        "diverged": sum(each for each, _ in lost),
        "tasks": sum(each for _, each in lost),
        "deterministic": fixed,
        "copies": len(copies),
        "copies_differ": differ(members, copies),
        **{name: first["test"].get(name) for name in DISTINCT},
    }


def differ(members: Sequence[Mapping[str, Any]], copies: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a copy reached something else than the run that it repeats."""
    tests = {member["seed"]: member["test"] for member in members}
    return any(
        not without_chance([tests[copy["seed"]], copy["test"]])
        and final_measure(copy["test"]) != final_measure(tests[copy["seed"]])
        for copy in copies
        if copy["seed"] in tests
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _median_steps(members: Sequence[Mapping[str, Any]]) -> float | None:
    """The median over seeds of their medians over tasks; a seed that never got there counts as infinite."""
    steps = [each["test"].get("adaptation_steps_median") for each in members]
    median = statistics.median(math.inf if value is None else value for value in steps)
    return median if math.isfinite(median) else None


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a header; empty cells where there is nothing, and no text that acts as a formula."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writerow({name: neutral(name) for name in rows[0]})
        writer.writerows(neutral_rows(rows))
    return text.getvalue()


def as_json(value: Any) -> str:
    """JSON as the command line prints it."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
