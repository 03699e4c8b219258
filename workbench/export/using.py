"""A learner put to use: what a run makes of a new case, as a table and as a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from workbench.analysis.numerals import count, number
from workbench.analysis.tables import Column, Table, as_json, written
from workbench.engine.predicted import Predictions
from workbench.errors import InputError
from workbench.export.wishes import Style
from workbench.pictures import INK, MUTED, RUNS, Curve, Figure, Panel
from workbench.project import RunRecord
from workbench.words import plural

TABLES, PICTURES = ("csv", "json", "markdown", "latex"), ("png", "svg", "pdf")
FORMS = (*TABLES, *PICTURES)
DIGITS = ".4g"


@dataclass(frozen=True)
class Used:
    """What a run's learner predicts of a case.

    Attributes
    ----------
    run : whose learner it is, and ``iteration`` how long it was trained.
    support, query : how many examples there were of each; no query where only the support set is asked about.
    found : its predictions, of one task.
    notes : what reading did, and in what the case is unlike those of training.
    colour : role of the run.
    """

    run: RunRecord
    iteration: int
    support: int
    query: int
    found: Predictions
    notes: tuple[str, ...]
    colour: str = RUNS[0]

    @property
    def places(self) -> tuple[int, ...]:
        """The steps of adaptation."""
        return self.found.places

    def rows(self, place: int | None = None) -> tuple[dict[str, Any], ...]:
        """A row for each query, after some steps (the last, if none is named)."""
        task = self.found.of_task(0, self.places[-1] if place is None else place, self.colour)
        return self.found.problem.answers(task)

    @cached_property
    def course(self) -> tuple[dict[str, Any], ...]:
        """The inner loop: a row for each step, with the loss on the support set, and every measure on the
        queries where it is known what is right."""
        inner = self.found.inner
        assert inner is not None
        return tuple(
            {"inner_step": step, "support_loss": _finite(inner[at, 0])}
            | {f"query_{name}": _finite(each[at, 0]) for name, each in self.found.measured.items()}
            for at, step in enumerate(self.found.steps)
        )

    def said(self, place: int | None = None) -> str:
        """What was done, in a sentence."""
        found = self.found
        at = len(found.steps) - 1 if place is None else found.at(place)
        sizes = plural(self.support, "support example")
        sizes += f" and {plural(self.query, 'query', 'queries')}" if self.query else ""
        sets = f"{self.run.name}, after {count(self.iteration)} meta-iterations, on {sizes}"
        if len(found.steps) == 1:
            return f"{sets}, adapted in closed form: support loss {_number(self.course[0], 'support_loss')}"
        ends = f"{_number(self.course[0], 'support_loss')} → {_number(self.course[at], 'support_loss')}"
        loss = "standardised support loss" if found.standardised else "support loss"
        return f"{sets}, {found.step_name(found.places[at])}: {loss} {ends}"

    def sure(self, place: int | None = None) -> str:
        """How sure the predictions are, in a sentence; empty where nobody can say: of the last step only."""
        margins = self.found.margins
        if place not in (None, self.places[-1]):
            return ""
        if margins is None or not np.isfinite(margins).all():
            unknown = (
                "How far they may be from the truth is not known: meta-validation has no tasks of that size"
            )
            return unknown if self.found.problem.band else ""
        return self.found.problem.sure(self.found.of_task(0, self.places[-1], self.colour))

    def words(self, place: int | None = None, reading: str = "") -> str:
        """What was done and what came of it, how sure it is, and what nobody should take it for."""
        drawing = self.found.drawing(0, self.places[-1] if place is None else place, self.colour)
        good = drawing.said if drawing else ""
        parts = self.said(place), f"{good[:1].upper()}{good[1:]}", self.sure(place), reading
        said = ". ".join(filter(None, parts))
        caution = self.found.problem.caution
        return f"{said.rstrip('.')}. {caution}" if caution else said

    # --- as files ------------------------------------------------------------------------------------

    def table(self, place: int | None = None) -> Table:
        """The predictions as a table."""
        rows = self.rows(place)
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = tuple(
            Column(name, name.replace("_", " "), _form_of([row.get(name) for row in rows])) for name in names
        )
        return Table("predictions", columns, rows, self.said(place))

    def figure(self, place: int | None = None) -> Figure:
        """The problem's picture, and beside it the inner loop's course."""
        at = self.places[-1] if place is None else place
        drawing = self.found.drawing(0, at, self.colour)
        panels: tuple[Panel, ...] = ()
        words = ""
        if drawing is not None:
            panels, words = (replace(drawing.panel, title=drawing.title),), drawing.words
            panels += () if drawing.truth is None else (replace(drawing.truth, title="Truth"),)
        course = self.course_panel(at)
        panels += () if course is None else (course,)
        if not panels:
            raise InputError(f"{self.run.name}: there is no picture of what it predicts; write a table")
        caption = self.words(at, words)
        return Figure("predictions", panels, caption, columns=len(panels), table=self.rows(at))

    def course_panel(self, place: int) -> Panel | None:
        """Losses by inner step; None where nothing changes step by step."""
        found = self.found
        if len(found.steps) < 2:
            return None
        steps = np.array(found.steps, np.float64)
        known = [Curve("support loss", self.colour, steps, _column(self.course, "support_loss"), kind="both")]
        if "query_loss" in self.course[0]:
            known.append(Curve("query loss", INK, steps, _column(self.course, "query_loss"), kind="both"))
        here = float(found.steps[found.at(place)])
        values = np.concatenate([each.y[np.isfinite(each.y)] for each in known])
        if values.size and here < steps[-1]:
            ends = np.array([values.min(), values.max()])
            known.append(Curve("shown", MUTED, np.full(2, here), ends, dashed=2))
        label = "standardised loss" if found.standardised else "loss"
        return Panel("Inner loop", "inner step", label, curves=tuple(known))

    def as_json(self) -> dict[str, Any]:
        """All of it (JSON types)."""
        found = self.found
        return {
            "run": self.run.id,
            "name": self.run.name,
            "algorithm": self.run.algorithm,
            "meta_iterations": self.iteration,
            "problem": found.problem.name,
            "support": self.support,
            "query": self.query,
            "standardised_loss": found.standardised,
            "course": list(self.course),
            "predictions": list(self.rows()),
            "predictions_by_step": [list(self.rows(place)) for place in self.places],
            "sure": self.sure(),
            "notes": list(self.notes),
            **({"caution": self.found.problem.caution} if self.found.problem.caution else {}),
        }

    def written(self, form: str, place: int | None = None, style: Style | None = None) -> bytes:
        """A file's content.

        Raises
        ------
        InputError
            If there is no picture of it.
        """
        if form == "json":
            return as_json(self.as_json()).encode()
        if form in TABLES:
            return written([self.table(place)], form).encode()
        from workbench.export.drawing import to_bytes

        return to_bytes(self.figure(place), style or Style(width="two"), form)


def _number(row: dict[str, Any], name: str) -> str:
    value = row[name]
    return "no number" if value is None else number(value, 3)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _column(rows: tuple[dict[str, Any], ...], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if row[name] is None else row[name] for row in rows])


def _form_of(values: list[Any]) -> str:
    """How the numbers of a column are written; text is as it is."""
    return DIGITS if any(isinstance(value, float) for value in values) else ""
