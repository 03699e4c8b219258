"""What learners predict, as one grid: learners by tasks, each cell drawn by the problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any

from workbench.analysis.numerals import count
from workbench.engine.predicted import Predictions
from workbench.pictures import Drawing, Figure
from workbench.problems.predicted import step_name
from workbench.words import listed

MOST_NAMED, SIDE_BY_SIDE = 4, 3
"""Learners that a caption names, and that stand in one row where there is one task."""


@dataclass(frozen=True)
class Seen:
    """A learner that is looked at.

    Attributes
    ----------
    name, colour : of its run; the colour is a role.
    iteration : meta-iterations that it was trained for.
    """

    name: str
    colour: str
    iteration: int
    predictions: Predictions


Drawn = dict[tuple[str, str, int, int, int, bool], Drawing | None]
"""Cells that were drawn, by what they are of: a cell that stays is drawn once."""


def last_step(seen: Sequence[Seen]) -> int:
    """The most inner steps that one of the learners has; 0 where none adapts step by step."""
    return max((each.predictions.steps[-1] for each in seen if len(each.predictions.steps) > 1), default=0)


def words_of(each: Seen, step: int) -> str:
    """The step that is shown of a learner, in words."""
    steps = each.predictions.steps
    return step_name(steps[each.predictions.at(step)]) if len(steps) > 1 else "adapted in closed form"


def drawings(seen: Sequence[Seen], step: int, drawn: Drawn | None = None) -> list[list[Drawing | None]]:
    """The cells, learner by learner, after an inner step (of those that have it, else their last before).

    Parameters
    ----------
    drawn : cells from before, which are taken where they serve; replaced by the present ones.
    """
    known: Drawn = {}
    several = len(seen) > 1
    for each in seen:
        found = each.predictions
        for task in range(found.tasks):
            key = (each.name, each.colour, id(found), task, found.at(step), several)
            known[key] = drawn[key] if drawn and key in drawn else _cell(each, task, step, several)
    cells = iter(known.values())
    grid = [[next(cells) for _ in range(each.predictions.tasks)] for each in seen]
    if drawn is not None:
        drawn.clear()
        drawn.update(known)
    return grid


def _cell(each: Seen, task: int, step: int, several: bool) -> Drawing | None:
    found = each.predictions.drawing(task, step, each.colour)
    if found is None:
        return None
    title = f"Task {each.predictions.first + task + 1} · {found.said}"
    return replace(found, panel=replace(found.panel, title=f"{each.name} · {title}" if several else title))


def figure(seen: Sequence[Seen], step: int, drawn: Drawn | None = None) -> Figure | None:
    """Learners by tasks, up to an inner step; None where there is nothing, or nothing that can be drawn."""
    cells: list[Drawing] = []
    table = []
    for each, row in zip(seen, drawings(seen, step, drawn), strict=True):
        place = {"learner": each.name, "inner_step": each.predictions.steps[each.predictions.at(step)]}
        for task, cell in enumerate(row, each.predictions.first + 1):
            if cell is None:
                return None
            cells.append(cell)
            table += [place | {"task": task} | values for values in cell.rows]
    if not cells:
        return None
    tasks, learners = seen[0].predictions.tasks, len(seen)
    columns = ceil(sqrt(len(cells))) if learners == 1 or learners > SIDE_BY_SIDE else learners
    columns = tasks if tasks > 1 and learners > 1 else columns
    what = f"{cells[0].title} on {_range(seen[0].predictions)} by {_named(seen, step)}. {cells[0].words}"
    panels = tuple(cell.panel for cell in cells)
    return Figure("predictions", panels, what.strip(), columns=columns, table=tuple(table))


def listing(seen: Sequence[Seen], step: int) -> list[dict[str, Any]]:
    """The examples that can be read, one a row, with what each learner takes them for; empty if none can."""
    rows: list[dict[str, Any]] = []
    for each, (cell, *_) in zip(seen, drawings(seen, step), strict=True):
        if cell is None or not cell.seen:
            return []
        told = [{"text": row["text"], "true": row["true"], each.name: "support"} for row in cell.seen]
        told += [{"text": row["text"], "true": row["true"], each.name: _taken(row)} for row in cell.rows]
        rows = [old | new for old, new in zip(rows, told, strict=True)] if rows else told
    return sorted(rows, key=lambda row: str(row["true"]))


def _taken(row: dict[str, Any]) -> str:
    return f"{row['predicted'].split('  ')[0]} {'✓' if row['right'] else '✗'} {row['probability']:.0%}"


def _range(predictions: Predictions) -> str:
    first, last = predictions.first + 1, predictions.first + predictions.tasks
    return f"meta-validation task {first}" if first == last else f"meta-validation tasks {first} to {last}"


def _named(seen: Sequence[Seen], step: int) -> str:
    named = [f"{e.name}, after {count(e.iteration)} meta-iterations, {words_of(e, step)}" for e in seen]
    return listed(named, MOST_NAMED, "; ")
