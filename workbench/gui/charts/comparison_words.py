"""The comparison in words: columns, and what is compared and what is left out."""

from __future__ import annotations

from workbench.export.comparison import MEASURES, Compared, Episodes
from workbench.gui.charts.result_table import Column
from workbench.gui.run_data import RunData
from workbench.project import RunRecord

MOST_NAMED = 4


def columns(measure: str) -> list[Column]:
    """The table's columns."""
    form = ".1%" if measure == "accuracy" else ".4g"
    name = MEASURES[measure]
    return [
        Column("algorithm", "Algorithm", "The algorithm's label"),
        Column("seeds", "Seeds", "Finished runs with a value: one for each seed"),
        Column(
            "mean", name, f"{name} after the chosen inner step: mean over seeds of the mean over tasks", form
        ),
        Column("ci95_over_seeds", "± seeds", "95% interval of the mean over seeds (Student's t)", form),
        Column("ci95_over_tasks", "± tasks", "95% interval over tasks, mean of the seeds' own", form),
        Column("episodes", "Episodes", "Meta-test episodes"),
        Column(
            "adaptation_steps_median",
            "Steps to τ",
            "Median inner steps until the query loss is below τ; – where most tasks never get there",
            "g",
        ),
        Column(
            "generalisation_gap",
            "Gap",
            "Generalisation gap: meta-test minus meta-training query loss",
            "+.3g",
        ),
        Column(
            "meta_iterations_per_second",
            "Iter./s",
            "Meta-iterations per second of training, mean over seeds",
            ".1f",
        ),
    ]


def value(number: float, measure: str) -> str:
    """A mean as it is shown."""
    return f"{number:.1%}" if measure == "accuracy" else f"{number:.4g}"


def notes(
    data: RunData,
    met: Episodes,
    compared: list[Compared],
    found: list[Episodes],
    unfinished: list[RunRecord],
) -> list[str]:
    """What is compared on which episodes, what it allows to claim, and what is left out.

    Parameters
    ----------
    met, compared : what is shown.
    found : all episodes that finished runs met.
    """
    said = [
        f"{met.test['episodes']} identical meta-test episodes. Small points: one seed each, whisker "
        "95% over tasks. Diamonds: mean over seeds, whisker 95% over seeds (Student's t)."
    ]
    single = [each.name for each in compared if len(each.seeds) == 1]
    if single:
        said.append(f"One seed (n = 1) allows no claim over seeds: {_listed(single)}.")
    missing = [each.name for each in compared if not each.seeds]
    if missing:
        said.append(f"No value after this step: {_listed(missing)}.")
    lost = [each.name for each in compared if 0 < len(each.seeds) < each.row["seeds"]]
    if lost:
        said.append(f"Seeds without a finite value are left out of the mean: {_listed(lost)}.")
    others = sum(len(each.entries) for each in found if each is not met)
    if others:
        said.append(f"Left out: {others} {_runs(others)} that met other episodes.")
    if unfinished:
        said.append(f"Not finished yet: {_listed([each.name for each in unfinished])}.")
    hidden = len(data.runs()) - len(data.shown())
    if hidden:
        said.append(f"Hidden in the table of runs: {hidden} {_runs(hidden)}.")
    return said


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"


def _listed(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def nothing_yet(data: RunData, unfinished: list[RunRecord]) -> str:
    """Why there is nothing to compare."""
    if not data.runs():
        return "No runs yet. Set up an experiment on the left and press Run."
    if not unfinished:
        return "Every run is hidden. Tick the runs to compare in the table of runs."
    names = _listed([each.name for each in unfinished])
    return (
        "Algorithms are compared here once their runs have been tested on the meta-test episodes.\n"
        f"Not finished yet: {names}."
    )
