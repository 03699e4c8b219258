"""Measures in words, for axes, heads of columns, captions and readouts: read off their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from workbench.analysis.numerals import percent, value
from workbench.analysis.source import Source
from workbench.measures import LOSS, Measure, known
from workbench.problems import PROBLEMS, Problem, measure_of
from workbench.project import RunRecord
from workbench.project.declared import tables
from workbench.summaries import Summary
from workbench.words import tr


def row_of(name: str, summaries: Iterable[Summary]) -> Measure:
    """The row of a measure, in the words of the problem that it was measured on."""
    return _one(name, dict.fromkeys(measure_of(name, each) for each in summaries))


def row_in(source: Source, runs: Iterable[RunRecord], name: str) -> Measure:
    """The same of the runs of a source, as far as something was measured of them."""
    found: dict[Measure, None] = {}
    for run in runs:
        evaluations = source.evaluations(run.id)
        summary = evaluations[0][1] if evaluations else source.result(run.id)
        if summary is not None:
            row = measure_of(name, summary)
            own = row != known(name) and _on_standardised(source, run)
            found.setdefault(_standardised(row) if own else row)
    return _one(name, found)


def problems(source: Source) -> list[type[Problem]]:
    """The kinds of task of the shown runs; all that there are, where no run tells."""
    names = dict.fromkeys(str(run.environment.get("problem")) for run in source.shown())
    return [PROBLEMS[name] for name in names if name in PROBLEMS] or list(PROBLEMS.values())


def expected(source: Source) -> dict[str, None]:
    """The names of what they measure of every task, in order."""
    return dict.fromkeys(
        row.name for problem in problems(source) for row in problem.always or problem.measures
    )


def usual(source: Source) -> Measure:
    """What adaptation is judged by in the shown runs, where nobody has chosen anything else."""
    rows = {problem.adapted for problem in problems(source)}
    return rows.pop() if len(rows) == 1 else LOSS


def own_row(source: Source, runs: Iterable[RunRecord], name: str) -> Measure:
    """The row of a training measure, which is each algorithm's own, with the problem's words as its unit."""
    row = row_in(source, runs, name)
    return row if row.title == known(name).title else _plain(name, [row])


def _one(name: str, rows: Iterable[Measure]) -> Measure:
    """The row that all agree in, or a plain one, in the words of several problems."""
    different = list(rows)
    return different[0] if len(different) == 1 else _plain(name, different)


def _plain(name: str, rows: Iterable[Measure]) -> Measure:
    row = known(name)
    words = [f"{each.quantity}, {each.unit}" if each.unit else each.quantity for each in rows]
    return row if row.share else replace(row, unit=" or ".join(words))


def _on_standardised(source: Source, run: RunRecord) -> bool:
    """Whether the targets of a run's tasks are standardised: own functions are, unless that is turned off."""
    return run.task == "functions" and _standardises(source.experiment(run).toml)


@lru_cache(maxsize=64)  # live charts ask five times a second
def _standardises(toml: str) -> bool:
    try:
        task = tables(toml).get("task", {})
    except ValueError:
        return True
    return bool(task.get("standardise", True))


def _standardised(row: Measure) -> Measure:
    return row if row.share else replace(row, title=f"{row.title} of standardised values")


def axis(row: Measure, before: str = "", after: str = "", *, percent: bool = True) -> str:
    """Quantity and unit: ``Meta-validation accuracy after 3 inner steps (%)``.

    Parameters
    ----------
    percent : whether a share's unit is said; False where each number beside the axis has a %.
    """
    title = f"{tr(before)} {row.quantity}" if before else tr(row.title)
    unit = ("%" if percent else "") if row.share else tr(row.unit)
    return f"{title}{after}" + (f" ({unit})" if unit else "")


def text(row: Measure, mean: float, half: float | None = None, digits: int = 4) -> str:
    """A value of a measure with its interval, as people read it: ``93.2% ± 1.1%``, ``0.4213 ± 0.02``."""
    if not row.share:
        return value(mean, half, digits)
    return percent(mean) + (f" ± {percent(half)}" if half is not None else "")
