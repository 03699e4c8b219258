"""Problems, one file for each kind of task; a new file is found by itself."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from workbench.measures import Measure, known
from workbench.problems.base import PROBLEMS, Data, Predict, Problem, Supervised
from workbench.problems.classification import Classification
from workbench.problems.regression import Regression

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "PROBLEMS",
    "Data",
    "Predict",
    "Problem",
    "Supervised",
    "measure_of",
    "name_of",
    "problem_of",
    "rows_of",
]


def name_of(summary: Mapping[str, object]) -> str:
    """The name of the problem of an evaluation or a result: what it says itself, or, where it is from before
    there were others, what was measured."""
    first = Regression if summary.get("accuracy") is None else Classification
    return str(summary.get("problem", first.name))


def problem_of(summary: Mapping[str, object]) -> type[Problem] | None:
    """The problem of an evaluation or a result; None for one that this program does not know."""
    return PROBLEMS.get(name_of(summary))


def rows_of(summary: Mapping[str, object]) -> tuple[Measure, ...]:
    """The measures of an evaluation or a result in the words of its problem, the one that sums it up first.

    Of a problem that this program does not know, they are what was measured, under plain names.
    """
    problem = problem_of(summary)
    measured = summary.get("measures")
    names = list(measured) if isinstance(measured, Mapping) else []
    if problem is None:
        return tuple(map(known, names))
    units = summary.get("units")
    own = units if isinstance(units, Mapping) else {}
    return tuple(
        _in_unit(row, str(own[row.name])) if row.name in own else row
        for row in problem.measures
        if row.name in names or not names
    )


@lru_cache(maxsize=256)
def _in_unit(row: Measure, unit: str) -> Measure:
    return replace(row, unit=unit)  # thousands of runs have the same


def measure_of(name: str, summary: Mapping[str, object]) -> Measure:
    """The row of a measure, in the words of the problem that it was measured on."""
    return known(name, rows_of(summary))
