"""Runs and results of a project as rows of tables, and in words."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from workbench.analysis import quantities, reports
from workbench.analysis.divergence import diverged_at, ended_well
from workbench.analysis.naming import NONE
from workbench.analysis.numerals import count, number
from workbench.analysis.published import Beside
from workbench.analysis.reached import energy, lost_tasks, over_seeds, reached, without_chance
from workbench.measures import ACCURACY, EPSILON, SHIFTED
from workbench.problems import measure_of
from workbench.project import Project, ProjectError, RunRecord
from workbench.summaries import DomainSummary, RunEntry, Summary, TestSummary


def entry(record: RunRecord, experiment: str, test: TestSummary | None) -> RunEntry:
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


def _run_entry(project: Project, record: RunRecord, experiment: str) -> RunEntry:
    """A run of a project, as :func:`entry`, and when its training diverged."""
    result = project.result(record.id, "test", arrays=False)
    shown = entry(record, experiment, result.summary if result else None)
    at: int | None = None
    with suppress(ProjectError):  # a damaged curve is verify's to tell
        if not ended_well(record, project.evaluations(record.id, "validation", ends=True)):
            validations = project.evaluations(record.id, "validation")
            at = diverged_at(record, validations, lambda: project.series(record.id, "loss"))
    return {**shown, "diverged_at": at}


def run_entries(project: Project, runs: Iterable[int] | None = None) -> list[RunEntry]:
    """The runs of a project (or those with the given ids), in the order of the queue."""
    wanted = None if runs is None else set(runs)

    def read() -> list[RunEntry]:
        owners = {each.id: each.name for each in project.experiments()}
        return [
            _run_entry(project, each, owners[each.experiment_id])
            for each in project.runs()
            if wanted is None or each.id in wanted
        ]

    return project.of_sound_runs(read)


# --- rows ------------------------------------------------------------------------------------------

RUN_COLUMNS = (
    "id", "name", "experiment", "algorithm", "task", "seed", "status", "failure", "iterations", "seconds",
    "meta_iterations_per_second", "config_hash", "data_hash",
)  # fmt: skip


def beside(test: TestSummary | None, measure: str = "", step: int | None = None) -> dict[str, float | None]:
    """What a test (None: there is none yet) tells beside its measure, by the names of columns.

    ``robust_accuracy`` is on attacked queries, its ``ci95`` over tasks; ``forgetting`` and
    ``backward_transfer`` are of a stream; ``shifted`` is the measure on tasks of a shifted distribution;
    what is ``distinct`` stands behind the episodes, and is not known of older runs.
    """
    told = test or TestSummary()
    drift = told.get("drift") or {}
    robust, half = reports.entry(test, "robust", ACCURACY.name)
    _, shifted, around = reached(test, reports.key(SHIFTED, reached(test, measure).measure), step)
    return {
        "adaptation_steps_median": told.get("adaptation_steps_median"),
        "generalisation_gap": told.get("generalisation_gap"),
        "robust_accuracy": robust,
        "robust_accuracy_ci95": half,
        "forgetting": drift.get("forgetting_mean"),
        "backward_transfer": drift.get("backward_transfer"),
        "shifted": shifted,
        "shifted_ci95": around,
        "distinct_episodes": told.get("distinct_episodes"),
        "distinct_classes": told.get("distinct_classes"),
        "distinct_examples": told.get("distinct_examples"),
    }


def trained(tests: Iterable[TestSummary | None]) -> list[str]:
    """The measures of training iterations that some test tells, as they stand at the end of training."""
    return list(dict.fromkeys(name for test in tests for name in (test or {}).get("training", {})))


def runs_rows(entries: Sequence[RunEntry]) -> list[dict[str, object]]:
    """A row for each run: what it was, and what it reached."""
    training = trained(each["test"] for each in entries)
    told_joules = any(energy(each["test"]) is not None for each in entries)
    rows = []
    for entry in entries:
        test, known = entry["test"], dict(entry)
        told = test or TestSummary()
        measure, mean, half = reached(test)
        diverged, tasks = lost_tasks([test])
        environment = entry["environment"]
        rows.append(
            {
                **{name: known[name] for name in RUN_COLUMNS},
                "measure": measure,
                "test_mean": mean,
                "test_ci95": half,
                "episodes": told.get("episodes"),
                "episodes_hash": told.get("episodes_hash"),
                **beside(test),
                **({"joules": energy(test)} if told_joules else {}),
                **{name: environment.get(name) for name in ("device", "threads", "chunk")},
                "diverged": diverged,
                "tasks": tasks,
                "diverged_at": entry.get("diverged_at"),
                **{f"training_{name}": told.get("training", {}).get(name) for name in training},
            }
        )
    return rows


@dataclass(frozen=True)
class Outcome:
    """A run with the name of its experiment and what it reached on the meta-test episodes."""

    run: RunRecord
    experiment: str
    test: TestSummary


@dataclass(frozen=True)
class Row:
    """What the seeds of one algorithm reached.

    Two different variances, never one "±": ``ci95_over_seeds`` is Student's t over runs (None for one),
    ``ci95_over_tasks`` the mean of the runs' own intervals over tasks.

    Attributes
    ----------
    algorithm : tells it from the others.
    seeds, seeds_measured : the latter is smaller where a run has no finite value, and 1 where seeds change
        nothing (``deterministic``).
    diverged : tasks of all ``tasks``, summed over the runs that count.
    copies : runs that repeat one of these; whether one of them reached something else.
    privilege : what it knows or uses of a test task that others do not, in words; mostly empty.
    privacy : how far its training tasks are private, in words; mostly empty.
    weights : which were tested, in words, where these are not the last; mostly empty.
    beside : means over seeds.
    published : what is published of the same protocol, or nearly the same; mostly None.
    """

    experiment: str
    algorithm: str
    task: str
    measure: str
    seeds: int
    seeds_measured: int
    mean: float | None
    ci95_over_seeds: float | None
    ci95_over_tasks: float | None
    episodes: int
    episodes_hash: str
    meta_iterations_per_second: float | None
    diverged: int
    tasks: int
    deterministic: bool
    copies: int
    copies_differ: bool
    privilege: str
    privacy: str
    weights: str
    beside: dict[str, float | None]
    published: Beside | None = None

    def cells(self) -> dict[str, object]:
        """Every value by the name of its column."""
        seldom = {name for name in ("privacy", "weights") if not getattr(self, name)}
        left_out = {"beside", "published"} | seldom
        told = {name: value for name, value in vars(self).items() if name not in left_out} | self.beside
        return told | (self.published.cells() if self.published else {})


def table_row(
    algorithm: str,
    members: Sequence[Outcome],
    measure: str = "",
    step: int | None = None,
    copies: Sequence[Outcome] = (),
) -> Row:
    """The row of one algorithm.

    Parameters
    ----------
    members : one run for each seed, tested on the same episodes.
    measure, step : see :func:`workbench.analysis.reached.reached`.
    copies : the runs that repeat one of them.
    """
    first = members[0]
    tests = [member.test for member in members]
    fixed = without_chance(tests)
    counted = tests[:1] if fixed else tests
    mean = over_seeds(tests, measure, step)
    finals = [reached(test, measure, step) for test in counted]
    return Row(
        first.experiment,
        algorithm,
        first.run.task,
        mean.measure,
        len(members),
        mean.seeds,
        mean.mean,
        mean.half,
        _mean([each.half for each in finals if each.mean is not None]),
        tests[0]["episodes"],
        tests[0]["episodes_hash"],
        _mean([each.run.meta_iterations_per_second for each in members]),
        *lost_tasks(counted, None if reports.last_only(measure) else step),
        fixed,
        len(copies),
        _differ(members, copies),
        privilege(first.run.environment),
        privacy(first.run.environment),
        weights(first.test),
        _over_seeds([beside(test, measure, step) for test in tests]),
    )


def _over_seeds(told: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """Means over seeds. Of the steps, the median: a seed that never got there counts as infinite."""
    means = {name: _mean([each[name] for each in told]) for name in told[0]}
    steps = [each["adaptation_steps_median"] for each in told]
    median = statistics.median(math.inf if each is None else each for each in steps)
    means["adaptation_steps_median"] = median if math.isfinite(median) else None
    return means | {name: value for name, value in told[0].items() if name.startswith("distinct")}


def _differ(members: Sequence[Outcome], copies: Sequence[Outcome]) -> bool:
    """Whether a copy reached something else than the run that it repeats."""
    tests = {member.run.seed: member.test for member in members}
    return any(
        not without_chance([tests[copy.run.seed], copy.test])
        and reached(copy.test) != reached(tests[copy.run.seed])
        for copy in copies
        if copy.run.seed in tests
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def privilege(environment: Mapping[str, object]) -> str:
    """What a run's learner knew or used of test tasks that others did not, in words; empty: nothing, or not
    told."""
    return str(environment.get("privilege") or "")


def privacy(environment: Mapping[str, object]) -> str:
    """How far a run's training tasks are private, in words; empty: no measures were taken, or it is not told.
    ε is that of the whole training, more than which no part of it spends."""
    told = environment.get("privacy")
    if not isinstance(told, Mapping):
        return ""
    spent, delta = epsilon(environment), told.get("delta")
    if not (math.isfinite(spent) and isinstance(delta, float)):
        return "ε = ∞, nothing is protected"
    return f"ε = {number(spent)} at δ = {number(delta)}, the unit protected is a task"


def epsilon(environment: Mapping[str, object]) -> float:
    """What a run's whole training spends; infinite where nothing is protected, or it is not told."""
    told = environment.get("privacy")
    found = told.get(EPSILON.name) if isinstance(told, Mapping) else None
    return found if isinstance(found, float) else math.inf


# --- in words --------------------------------------------------------------------------------------


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
    return f"diverged: {share(lost, tasks)} tasks" if none_left else f"{share(lost, tasks)} diverged"


def told(summary: Summary | None, *, interval: bool = True) -> str:
    """What a test (or a validation) reached, in words, with what diverged.

    Parameters
    ----------
    interval : whether its interval is told too.
    """
    lost = lost_tasks([summary])
    measure, mean, half = reached(summary)
    if summary is None or mean is None:
        return diverged(*lost, none_left=True) or NONE
    text = quantities.text(measure_of(measure, summary), mean, half if interval else None)
    return ", ".join(filter(None, [f"{measure} {text}", diverged(*lost)]))


def told_shifted(test: TestSummary | None) -> str:
    """What a test reached on tasks of the shifted distribution, in words."""
    found = beside(test)
    if test is None or found["shifted"] is None:
        return NONE
    row = measure_of(reached(test).measure, test)
    return quantities.text(row, found["shifted"], found["shifted_ci95"])


def weights(test: TestSummary | None) -> str:
    """Which weights a test is of, in words, where these are not the last; else empty."""
    known = (test or {}).get("weights")
    return "the best validation's" if known and known["tested"] == "best" else ""


def told_weights(test: TestSummary | None) -> str:
    """Which weights a test is of, and what the others reach, in words; empty where they are not known."""
    known = (test or {}).get("weights")
    if test is None or not known:
        return ""
    best, last = f"best validation, at {count(known['best_at'])}", f"last, at {count(known['last_at'])}"
    tested, others = (best, last) if known["tested"] == "best" else (last, best)
    measure = reached(test).measure
    of_others = (known["others"] or {}).get(measure)
    if of_others is None or of_others["mean"][-1] is None:
        return f"{tested} (the others are the same)" if known["others"] is None else tested
    text = quantities.text(measure_of(measure, test), of_others["mean"][-1], of_others["ci95"][-1])
    return f"{tested}; {others}: {measure} {text}"


def in_domains(test: TestSummary | None) -> list[str]:
    """What a test reached in each other domain, in words: ``digits: accuracy 72.0% ± 3.8%, drop …``."""
    return [
        f"{name}: {told(each)}{_dropped(each)} ({each['episodes']} episodes)"
        for name, each in (test or {}).get("domains", {}).items()
    ]


def _dropped(summary: DomainSummary) -> str:
    """How much worse that is than at home."""
    measure = reached(summary).measure
    drop = summary.get("drop", {}).get(measure)
    if drop is None or drop["mean"] is None:
        return ""
    return f", drop {quantities.text(measure_of(measure, summary), drop['mean'], drop['ci95'])}"
