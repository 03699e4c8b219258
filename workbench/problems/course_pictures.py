"""Pictures of values over time: a subject's doses and samples, and what a learner predicts of its course."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.pictures import INK, MUTED, RUNS, Array, Curve, Drawing, Panel
from workbench.problems.courses import BAND, DOSES, SUBJECT, WEIGHT, Course
from workbench.problems.predicted import Arrays, Example, Predicted, step_name
from workbench.words import plural, shown


def answers(
    course: Course, task: Predicted, spread: Array | None, wide: Array | None
) -> tuple[dict[str, object], ...]:
    """What is predicted at each time that is asked for, with its band; and what is true where that is known.

    Parameters
    ----------
    task, spread, wide : as of :func:`picture`.
    """
    time, true = _numbers(course, task.query, own=task.standardised)
    said, band = _said(course, task, spread, wide)
    rows = []
    for number, at in enumerate(np.flatnonzero(_counts(task.query)), 1):
        row: dict[str, object] = {"query": number, course.time: float(time[at])}
        row[f"{course.outcome}_predicted"] = float(said[-1, at])
        if band is not None:
            low, high = band
            row |= {f"{course.outcome}_low": float(low[at]), f"{course.outcome}_high": float(high[at])}
        if true is not None:
            row[f"{course.outcome}_true"] = float(true[at])
        rows.append(row)
    return tuple(rows)


def picture(course: Course, task: Predicted, spread: Array | None, wide: Array | None) -> Drawing:
    """Doses, samples, the predicted median with its band, the threshold, and the area under the curve.

    Parameters
    ----------
    task : in the units of the data where it says so.
    spread : σ of each prediction after the last step, ``[n]``; None: the learner predicts values alone.
    wide : how far the truth may be from it, ``[n]``, where that was measured.
    """
    own = task.standardised
    time, true = _numbers(course, task.query, own=own)
    order = np.argsort(time, kind="stable")
    said, band = _said(course, task, spread, wide)
    curves = [*_known(course, task, own=own), *_asked(course, task, own=own)]
    for at in task.told:
        step, last = task.steps[at], at == task.told[-1]
        name = step_name(step) if len(task.steps) > 1 else "predicted median"
        drawn = Curve(
            name,
            task.colour if step else MUTED,
            time[order],
            said[at][order],
            dashed=int(step == 0),
            shade=task.shade(at),
        )
        if last and band is not None:
            low, high = (each[order] for each in band)
            drawn = replace(drawn, label=f"{name}, 90% band", low=low, high=high)
        curves.append(drawn)
    samples = _samples(course, task, own=own)
    panel = Panel(x_label=course.time_label, y_label=course.label, curves=(*curves, *samples))
    rows = _rows(task, time, said[-1], true, band)
    given = plural(int(_counts(task.support).sum()) - task.withheld, "sample")
    words = f"Learners know {given} of each (dots)." if task.withheld else "Learners know the dots."
    found = _found(course, task, time[order], said[-1][order], true if true is None else true[order])
    return Drawing(panel, "Courses of unseen subjects", found, words, rows, task=_who(course, task))


def example(course: Course, task: Example) -> Drawing:
    """The samples that are known, and what is to be predicted."""
    asked = _asked(course, task, own=False, colour=RUNS[0])
    known = replace(_samples(course, task, own=False)[0], colour=RUNS[1], label="support")
    count = len(known.x)
    words = f"{count} first samples of one subject (dots); its later course is the query"
    curves = (*_known(course, task, own=False), *asked, known)
    return Drawing(
        Panel(x_label=course.time_label, y_label=course.label, curves=curves), "One task", "", words
    )


def _said(
    course: Course, task: Predicted, spread: Array | None, wide: Array | None
) -> tuple[Array, tuple[Array, Array] | None]:
    """What is predicted after each step, ``[steps, n]``, and the ends of the last one's band; in the units of
    the data."""
    own = task.standardised
    said = task.outputs["shown"].astype(np.float64)[..., 0]
    said = said if own else course.offset + course.scale * said
    if wide is None and spread is not None:
        wide = BAND * (spread if own else course.scale * spread)
    if wide is None:
        return said, None
    low, high = said[-1] - wide, said[-1] + wide
    return said, (np.maximum(low, 0) if course.dosed else low, high)


def _numbers(course: Course, part: Arrays, *, own: bool) -> tuple[Array, Array | None]:
    """Times and values ``[n]`` in the units of the data; no values where nobody knows them."""
    time = part["x"].astype(np.float64)[:, course.column]
    value = part["y"].astype(np.float64)[:, 0] if "y" in part else None
    if own:
        return time, value
    time = course.time_offset + course.time_scale * time
    return time, None if value is None else course.offset + course.scale * value


def _counts(part: Arrays) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which examples are some, and do not only fill a set up or lie between."""
    return np.asarray(part.get(WEIGHT, np.ones(len(part["x"]))), np.float64) > 0


def _known(course: Course, task: Example, *, own: bool) -> list[Curve]:
    """The threshold, and when doses were given."""
    ends = np.concatenate([_numbers(course, part, own=own)[0] for part in (task.support, task.query)])
    found = []
    given = task.support[DOSES][0].astype(np.float64) if course.dosed else np.empty((0, 2))
    given = given[given[:, 1] > 0]
    reach = np.concatenate([ends, given[:, 0]])
    if course.threshold is not None:
        at = np.array([reach.min(), reach.max()])
        found.append(Curve("threshold", MUTED, at, np.full(2, course.threshold), dashed=2))
    if len(given):
        told = tuple(f"dose {amount:.4g} {course.dose_unit}".strip() for amount in given[:, 1])
        found.append(
            Curve(
                "dose", MUTED, given[:, 0], np.zeros(len(given)), kind="markers", sign="triangle", points=told
            )
        )
    return found


def _asked(course: Course, task: Example, *, own: bool, colour: str = INK) -> list[Curve]:
    """What is to be predicted: a curve, where it is true values; else samples."""
    time, true = _numbers(course, task.query, own=own)
    if true is None:
        return []
    counts = _counts(task.query)
    time, true = time[counts], true[counts]
    order = np.argsort(time, kind="stable")
    if course.exact:
        return [Curve("true course", colour, time[order], true[order])]
    return [Curve("later samples", colour, time, true, kind="markers", sign="cross")]


def _samples(course: Course, task: Example, *, own: bool) -> list[Curve]:
    """The samples that learners were given, and those that they were not."""
    time, value = _numbers(course, task.support, own=own)
    assert value is not None
    number = np.arange(len(time))
    withheld = task.withheld if isinstance(task, Predicted) else 0
    given = _counts(task.support) & (number < len(number) - withheld)
    rest = _counts(task.support) & ~given
    found = [Curve("samples", INK, time[given], value[given], kind="markers")]
    if rest.any():
        found.append(Curve("later samples", INK, time[rest], value[rest], kind="markers", sign="cross"))
    return found


def _who(course: Course, task: Predicted) -> str:
    """Whose course it is, and what was given."""
    parts = []
    if SUBJECT in task.query and course.subjects:
        parts.append(f"subject {shown(course.subjects[int(task.query[SUBJECT][0])])}")
    if course.dosed:
        given = task.support[DOSES][0].astype(np.float64)
        amounts = given[given[:, 1] > 0, 1]
        one = f"dose {amounts[0]:.3g} {course.dose_unit}".strip() if len(amounts) == 1 else ""
        parts.append(one or plural(len(amounts), "dose"))
    return ", ".join(parts)


def _found(course: Course, task: Predicted, time: Array, said: Array, true: Array | None) -> str:
    """How far off it is, and the area under the curve and the time above the threshold by it."""
    parts = []
    if "rmse" in task.measured:
        parts.append(" ".join(filter(None, [f"RMSE {task.measured['rmse'][-1]:.3g}", course.unit])))

    def told(what: str, of: float, unit: str, right: float) -> None:
        known = "" if true is None else f"(true {right:.3g})"
        parts.append(" ".join(filter(None, [what, f"{of:.3g}", unit, known])))

    other = said if true is None else true
    told("area", _area(time, said), course.area_unit, _area(time, other))
    if course.threshold is not None:
        above = (_above(time, each, course.threshold) for each in (said, other))
        told(f"above {course.threshold:g} for", next(above), course.time_unit, next(above))
    return " · ".join(parts)


def _area(time: Array, values: Array) -> float:
    """The area under a curve, by trapezoids."""
    return float((np.diff(time) * (values[1:] + values[:-1]) / 2).sum())


def _above(time: Array, values: Array, threshold: float) -> float:
    """How long straight lines through the points are above a threshold."""
    upper, lower = np.maximum(values[1:], values[:-1]), np.minimum(values[1:], values[:-1])
    share = np.clip((upper - threshold) / np.maximum(upper - lower, 1e-12), 0, 1)
    return float((np.diff(time) * share).sum())


def _rows(
    task: Predicted, time: Array, said: Array, true: Array | None, band: tuple[Array, Array] | None
) -> tuple[dict[str, object], ...]:
    counts, rows = _counts(task.query), []
    for at in np.argsort(time, kind="stable"):
        row: dict[str, object] = {"time": float(time[at]), "predicted": float(said[at])}
        if band is not None:
            row |= {name: float(each[at]) for name, each in zip(("low", "high"), band, strict=True)}
        if true is not None and counts[at]:
            row["true"] = float(true[at])
        rows.append(row)
    return tuple(rows)
