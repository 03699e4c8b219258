"""Equal budgets: each algorithm is trained for as long as takes as much as the first one's training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from workbench.config import Experiment, Trains
from workbench.summaries import CostEntry

By = Literal["tasks", "seconds", "operations"]
BUDGETS: tuple[By, ...] = get_args(By)
"""What can be shared out equally; meta-iterations are equal by themselves."""

TITLES: dict[By, str] = {"tasks": "tasks drawn", "seconds": "training time", "operations": "operations"}


def lengths(costs: Sequence[CostEntry], by: By) -> list[int | None]:
    """Meta-iterations of each algorithm with which all take as much as the first that is trained does as it
    is set up; None of what is not trained.

    Parameters
    ----------
    costs : what runs of each take, as measured; see :func:`workbench.runs.costing.costs`.
    by : what there is to be as much of.
    """
    of_one = [_training(cost, by) / cost["iterations"] if cost["iterations"] else None for cost in costs]
    first = next((index for index, each in enumerate(of_one) if each), None)
    if first is None:
        return [None] * len(costs)
    budget = _training(costs[first], by)
    return [max(1, round(budget / each)) if each else None for each in of_one]


def equal(experiment: Experiment, costs: Sequence[CostEntry], by: By) -> Experiment:
    """The experiment with these lengths, written beside each algorithm where they are not the usual one."""
    usual = experiment.training.iterations
    found = [
        each.model_copy(update={"iterations": None if length == usual else length})
        if length is not None and isinstance(each, Trains)
        else each
        for each, length in zip(experiment.algorithm, lengths(costs, by), strict=True)
    ]
    return experiment.model_copy(update={"algorithm": tuple(found)})


def _training(cost: CostEntry, by: By) -> float:
    return float(cost["tasks"]) if by == "tasks" else float(cost[by]["training"])
