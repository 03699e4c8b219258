"""Problems, one file for each kind of task; a new file is found by itself."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from workbench.measures import Measure, known
from workbench.problems.base import PROBLEMS, Data, Predict, Problem, Supervised

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["PROBLEMS", "Data", "Predict", "Problem", "Supervised", "measure_of", "problem_of"]


def problem_of(summary: Mapping[str, Any]) -> type[Problem] | None:
    """The problem of an evaluation or a result: what it says itself, or, where it is from before there were
    others, what was measured. None for one that this program does not know."""
    name = summary.get("problem")
    if name is None:
        name = "regression" if summary.get("accuracy") is None else "classification"
    return PROBLEMS.get(name)


def measure_of(name: str, summary: Mapping[str, Any]) -> Measure:
    """The row of a measure, in the words of the problem that it was measured on."""
    problem = problem_of(summary)
    return known(name, problem.measures if problem else ())
