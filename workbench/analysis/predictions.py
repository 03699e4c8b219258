"""What learners predict, as one grid: learners by tasks, each cell drawn by the problem."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any

import numpy as np

from workbench.analysis import remarks
from workbench.analysis.numerals import count
from workbench.data.found import BETWEEN
from workbench.engine.predicted import Predictions
from workbench.pictures import Drawing, Figure, Head, Panel
from workbench.project import RunRecord
from workbench.words import listed

MOST_NAMED, SIDE_BY_SIDE, MOST_LEARNERS = 4, 3, 8
"""Learners that a caption names, that stand in one row where there is one task, and that are drawn."""

MOST_FRAMES = 100
LIVE = ("running",)
NOTHING = np.empty(0)
TRUTH = Head("Truth")
SEED = re.compile(r", seed \d+$")


@dataclass(frozen=True)
class Seen:
    """A learner that is looked at.

    Attributes
    ----------
    name, colour : of its run; the colour is a role.
    iteration : meta-iterations that it was trained for; None of who is not trained at all.
    privilege : what it knows or uses of a test task that others do not, in words; mostly empty.
    privacy : how far its training tasks are private, in words; mostly empty.
    run : the run's id; 0 where it does not matter.
    """

    name: str
    colour: str
    iteration: int | None
    predictions: Predictions
    privilege: str = ""
    privacy: str = ""
    run: int = 0


Drawn = dict[tuple[str, str, int, int, int, int, bool], Drawing | None]
"""Cells that were drawn, by what they are of: a cell that stays is drawn once."""


def places(seen: Sequence[Seen]) -> tuple[int, ...]:
    """The experience at which one of the learners stands that adapts step by step, in order; 0 at least."""
    known = {place for each in seen if len(each.predictions.steps) > 1 for place in each.predictions.places}
    return tuple(sorted(known | {0}))


def trained(each: Seen) -> str:
    """How long it was trained, in words that follow its name."""
    if each.iteration is None:
        return "not trained"
    return f"after {count(each.iteration)} meta-iteration{'' if each.iteration == 1 else 's'}"


def words_of(each: Seen, place: int) -> str:
    """The step that is shown of a learner, in words."""
    found = each.predictions
    return found.step_name(place) if len(found.steps) > 1 or found.trial else "adapted in closed form"


def drawings(seen: Sequence[Seen], place: int, drawn: Drawn | None = None) -> list[list[Drawing | None]]:
    """The cells, learner by learner, after some experience (at the last step that has no more).

    Parameters
    ----------
    drawn : cells from before, which are taken where they serve; replaced by the present ones.
    """
    known: Drawn = {}
    several = len(seen) > 1
    for each in seen:
        found = each.predictions
        for task in range(found.tasks):
            at = found.at(place), found.looked_at(place)
            key = (each.name, each.colour, id(found), task, *at, several)
            known[key] = drawn[key] if drawn and key in drawn else _cell(each, task, place, several)
    cells = iter(known.values())
    grid = [[next(cells) for _ in range(each.predictions.tasks)] for each in seen]
    if drawn is not None:
        drawn.clear()
        drawn.update(known)
    return grid


def _cell(each: Seen, task: int, place: int, several: bool) -> Drawing | None:
    found = each.predictions.drawing(task, place, each.colour)
    if found is None:
        return None
    number = f"Task {each.predictions.first + task + 1}"
    parts = [
        each.name if several else "",
        number if each.predictions.tasks > 1 or not several else "",
        found.said,
    ]
    # the heads of the grid say which learner and which task, where it has any
    title = found.said if found.task else " · ".join(filter(None, parts))
    return replace(found, panel=replace(found.panel, title=title, runs=(each.run,) if each.run else ()))


def figure(
    seen: Sequence[Seen], place: int, drawn: Drawn | None = None, *, counts: bool = False
) -> Figure | None:
    """Learners by tasks, up to some experience; None where there is nothing, or nothing that can be drawn.

    Parameters
    ----------
    counts : true against predicted classes, where there are classes, in the place of examples.
    """
    grid = drawings(seen, place, drawn)
    cells: list[Drawing] = []
    table = []
    for each, row in zip(seen, grid, strict=True):
        found = each.predictions
        where = {"learner": each.name, "inner_step": found.steps[found.at(place)]}
        for task, cell in enumerate(row, found.first + 1):
            if cell is None:
                return None
            cells.append(cell)
            table += [where | {"task": task} | values for values in cell.rows]
    if not cells:
        return None
    tasks, learners = seen[0].predictions.tasks, len(seen)
    truths = [cell.truth for cell in cells[:tasks] if cell.truth is not None]
    what = f"{cells[0].title} on {_range(seen[0].predictions)} by {_named(seen, place)}."
    privileged = remarks.privileged((each.name, each.privilege) for each in seen)
    private = remarks.private((each.name, each.privacy) for each in seen)
    what = " ".join(
        filter(None, [what, cells[0].words, privileged, private, seen[0].predictions.problem.caution])
    )
    panels = tuple(
        replace(cell.counts, title=cell.panel.title, runs=cell.panel.runs)
        if counts and cell.counts is not None
        else cell.panel
        for cell in cells
    )
    told = all(cell.task for cell in cells)
    if told and learners == 1 and not truths and tasks > MOST_NAMED:  # a sheet of many tasks
        told, columns = False, MOST_NAMED
        panels = tuple(
            replace(panel, title=f"Task {number} · {cell.task} · {cell.said.split(' · ')[0]}")
            for number, (panel, cell) in enumerate(
                zip(_alike(panels, 1), cells, strict=True), seen[0].predictions.first + 1
            )
        )
    elif told:
        # what stands in one row has one scale
        alike = 1 if learners == 1 and not truths else tasks
        panels, learners = _alike((*truths, *panels), alike), learners + bool(truths)
        panels = tuple(panels[learner * tasks + task] for task in range(tasks) for learner in range(learners))
        columns = tasks if learners == 1 else learners
    else:
        columns = ceil(sqrt(len(cells))) if learners == 1 or learners > SIDE_BY_SIDE else learners
        columns = tasks if tasks > 1 and learners > 1 else columns
    above, beside = _heads(seen, place, cells[:tasks], known=bool(truths)) if told else ((), ())
    return Figure(
        "predictions",
        panels,
        what,
        columns=columns,
        table=tuple(table),
        column_heads=above,
        row_heads=beside,
    )


def _alike(panels: Sequence[Panel], tasks: int) -> tuple[Panel, ...]:
    """Panels of one task, in the range of all of them where they ask for none."""
    ranges = []
    for task in range(tasks):
        drawn = [each for panel in panels[task::tasks] for each in panel.curves]
        ends = [part for each in drawn for part in (each.y, each.low, each.high) if part is not None]
        known = np.concatenate([np.zeros(1), *ends])
        known = known[np.isfinite(known)]
        room = 0.05 * float(known.max() - known.min()) or 0.5
        ranges.append((float(known.min()) - room, float(known.max()) + room))
    return tuple(
        panel if panel.y_range or panel.y_names else replace(panel, y_range=ranges[at % tasks])
        for at, panel in enumerate(panels)
    )


def _heads(
    seen: Sequence[Seen], place: int, cells: Sequence[Drawing], *, known: bool
) -> tuple[tuple[Head, ...], tuple[Head, ...]]:
    """Above the columns the learners, beside the rows the tasks; a single learner's tasks above.

    Parameters
    ----------
    known : what is right has a column of its own, the first.
    """
    first = seen[0].predictions.first + 1
    tasks = tuple(Head(f"Task {number}", cell.task) for number, cell in enumerate(cells, first))
    if len(seen) == 1 and not known:
        return tasks, ()
    names = without_a_common_seed([each.name for each in seen])
    heads = (Head(name, words_of(each, place), each.colour) for name, each in zip(names, seen, strict=True))
    return (*([TRUTH] if known else []), *heads), tasks


def without_a_common_seed(names: Sequence[str]) -> list[str]:
    """Names without the seed that all of them have; the caption has it."""
    seeds = [SEED.search(name) for name in names]
    if len(names) < 2 or None in seeds or len({seed[0] for seed in seeds if seed}) > 1:
        return list(names)
    return [SEED.sub("", name) for name in names]


def listing(seen: Sequence[Seen], place: int) -> list[dict[str, Any]]:
    """The examples that can be read, one a row, with what each learner takes them for; empty if none can.

    Of a pair of texts the second stands under a key of its own.
    """
    rows: list[dict[str, Any]] = []
    for each, (cell, *_) in zip(seen, drawings(seen, place), strict=True):
        if cell is None or not cell.seen:
            return []
        told = [_read(row) | {each.name: "support"} for row in cell.seen]
        told += [_read(row) | {each.name: _taken(row)} for row in cell.rows]
        rows = [old | new for old, new in zip(rows, told, strict=True)] if rows else told
    return sorted(rows, key=lambda row: str(row["true"]))


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    first, _, second = row["text"].partition(BETWEEN)
    return {"text": first, **({"second": second} if second else {}), "true": row["true"]}


def _taken(row: dict[str, Any]) -> str:
    return f"{row['predicted'].split('  ')[0]} {'✓' if row['right'] else '✗'} {row['probability']:.0%}"


def film(seen: Sequence[Seen]) -> list[Figure]:
    """The same place after place in adaptation: of very many, some at equal distances.

    All have the same legend in the same order, so that nothing jumps.
    """
    known = places(seen)
    shown = np.unique(np.linspace(0, len(known) - 1, min(MOST_FRAMES, len(known))).round().astype(int))
    drawn = [figure(seen, known[at]) for at in shown]
    figures = [each for each in drawn if each is not None]
    named = {
        (curve.label, curve.colour): replace(curve, x=NOTHING, y=NOTHING, low=None, high=None, points=())
        for each in figures
        for panel in each.panels
        for curve in panel.curves
        if curve.label
    }
    films = []
    for each in figures:
        first, *rest = each.panels
        films.append(replace(each, panels=(replace(first, curves=(*named.values(), *first.curves)), *rest)))
    return films


def one_of(runs: Sequence[RunRecord], picked: RunRecord | None = None) -> RunRecord:
    """The run of an algorithm that is looked at: the picked one, else one that runs, else one that ended."""
    if picked is not None and picked.id in {run.id for run in runs}:
        return picked
    wanted = (*LIVE, "finished", "stopped")
    return min(runs, key=lambda run: wanted.index(run.status) if run.status in wanted else len(wanted))


def _range(predictions: Predictions) -> str:
    first, last = predictions.first + 1, predictions.first + predictions.tasks
    named = f"{predictions.split} task"
    return f"{named} {first}" if first == last else f"{named}s {first} to {last}"


def _named(seen: Sequence[Seen], place: int) -> str:
    named = [f"{each.name}, {trained(each)}, {words_of(each, place)}" for each in seen]
    return listed(named, MOST_NAMED, "; ")
