"""The comparison in words: columns, and what is compared and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.analysis import quantities, remarks, reports, results
from workbench.analysis.comparison import Compared, Episodes, marks
from workbench.analysis.numerals import count
from workbench.gui.charts.result_table import Column
from workbench.gui.run_data import RunData
from workbench.measures import Measure
from workbench.project import RunRecord
from workbench.words import listed, plural, tr

MOST_NAMED = 4
FAR = 100.0


PUBLISHED = Column(
    "published_printed",
    "Published",
    "In a paper whose protocol agrees, or nearly; its square in the picture says which, and what differs",
)

EXTRA = (
    Column("lost", "Diverged", "Tasks whose loss is not finite, or over ten times that without adaptation"),
    Column("robust_accuracy", "Robust", "Accuracy on attacked queries, mean over seeds and tasks", ".1%"),
    Column("forgetting", "Forgotten", "Final loss minus the lowest, mean over a stream's segments", "+.3g"),
    Column(
        "backward_transfer",
        "Transfer back",
        "Loss on a segment right after it minus its final loss: positive where later segments helped",
        "+.3g",
    ),
)
"""Columns that are there where some row has a value."""


def columns(measure: Measure, rows: Sequence[Mapping[str, object]] = ()) -> list[Column]:
    """The table's columns, as far as the rows have something to say."""
    form = ".1%" if measure.share else ".4g"
    name = tr(measure.title)
    shifted = Column("shifted", "Shifted", "The same on tasks of the shifted distribution", form)
    known = [each for each in (*EXTRA, shifted) if any(row.get(each.key) is not None for row in rows)]
    if not any(row.get("diverged") for row in rows):
        known = [each for each in known if each.key != "lost"]
    return [
        Column("algorithm", "Algorithm", "The algorithm's label"),
        Column("seeds", "Seeds", "Finished runs with a value: one for each seed"),
        Column(
            "mean",
            name,
            tr("{} after the chosen inner step: mean over seeds of the mean over tasks", name),
            form,
        ),
        Column("ci95_over_seeds", "± seeds", "95% interval of the mean over seeds (Student's t)", form),
        Column("ci95_over_tasks", "± tasks", "95% interval over tasks, mean of the seeds' own", form),
        *[PUBLISHED] * any(row.get(PUBLISHED.key) is not None for row in rows),
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
        *known,
    ]


def row_of(compared: Compared) -> dict[str, object]:
    """What the table shows of an algorithm."""
    row = compared.row
    lost = row.diverged, row.tasks
    return row.cells() | {
        "runs": compared.group.ids,
        "seeds": tr("1, deterministic") if row.deterministic else len(compared.seeds),
        "mean": (results.diverged(*lost, none_left=True) or None) if row.mean is None else row.mean,
        "lost": results.share(*lost) if lost[1] else None,
    }


def off_the_chart(compared: list[Compared], measure: Measure) -> list[Compared]:
    """Algorithms whose losses are so much higher than the others' that these could not be told apart."""
    known = [each for each in compared if each.seeds]
    if not measure.open or len(known) < 2:
        return []
    levels = sorted(float(np.median(each.means)) for each in known)
    middle = abs(levels[(len(levels) - 1) // 2])
    far = FAR if len(known) > 2 else FAR**2  # of two, either may be the rule
    return [each for each in known if float(np.max(each.means)) > far * middle]


def notes(
    data: RunData,
    met: Episodes,
    compared: list[Compared],
    found: list[Episodes],
    unfinished: list[RunRecord],
    measure: str,
    step: int | None,
) -> list[str]:
    """What is compared on which episodes, what it allows to claim, and what is left out.

    Parameters
    ----------
    met, compared : what is shown.
    found : all episodes that finished runs met.
    """
    said = [tr("{} identical meta-test episodes.", met.test["episodes"]), marks(compared)]
    said += met.conditions(measure, step)
    said += [*remarks.episodes(met.test), *remarks.of([each.row for each in compared], in_full=False)]
    single = [each.name for each in compared if len(each.seeds) == 1 and not each.row.deterministic]
    if single:
        said.append(tr("One seed (n = 1) allows no claim over seeds: {}.", listed(single, MOST_NAMED)))
    missing = [each.name for each in compared if not each.seeds and not each.row.diverged]
    if missing:
        what = tr("of this measure") if reports.parts(measure) else tr("after this step")
        said.append(tr("No value {}: {}.", what, listed(missing, MOST_NAMED)))
    shown = met.row(measure)
    beyond = off_the_chart(compared, shown)
    if beyond:
        far = listed(
            [f"{each.name} ({quantities.text(shown, float(np.max(each.means)))})" for each in beyond],
            MOST_NAMED,
        )
        said.append(tr("Off the chart: {}.", far))
    met_by = [run for each in met.entries if (run := data.run(each.run.id)) is not None]
    gone = [
        tr("{} (at {})", run.name, count(at)) for run in met_by if (at := data.diverged_at(run)) is not None
    ]
    gone = list(dict.fromkeys(gone))  # copies are called alike
    if gone:
        said.append(tr("⚠ Diverged in training: {}.", listed(gone, MOST_NAMED)))
    lost = [
        each.name for each in compared if 0 < len(each.seeds) < each.row.seeds and not each.row.deterministic
    ]
    if lost:
        said.append(
            tr("Seeds without a finite value are left out of the mean: {}.", listed(lost, MOST_NAMED))
        )
    others = sum(len(each.entries) for each in found if each is not met)
    if others:
        said.append(tr("Left out: {} that met other episodes.", plural(others, "run")))
    if unfinished:
        said.append(tr("Not finished yet: {}.", listed([each.name for each in unfinished], MOST_NAMED)))
    hidden = len(data.in_view()) - len(data.shown())
    if hidden:
        said.append(tr("Hidden, or not passing the filter: {}.", plural(hidden, "run")))
    return said


def nothing_yet(data: RunData, unfinished: list[RunRecord]) -> str:
    """Why there is nothing to compare."""
    if not data.runs():
        return tr("No runs yet. Set up an experiment on the left and press Run.")
    if not unfinished:
        return tr("Every run is hidden. Tick the runs to compare in the table of runs.")
    names = listed([each.name for each in unfinished], MOST_NAMED)
    return tr(
        "Algorithms are compared here once their runs have been tested on the meta-test "
        "episodes.\nNot finished yet: {}.",
        names,
    )
