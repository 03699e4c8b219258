"""Whether learners were given the same to be trained on, and how to give them the same."""

from __future__ import annotations

import pytest

from tests.experiments import SINUSOID
from workbench.analysis.budgets import Budget, said
from workbench.analysis.equal import By, equal, lengths
from workbench.config import parse
from workbench.summaries import CostEntry


def cost(iterations: int, tasks: int = 0, seconds: float = 0.0, operations: float = 0.0) -> CostEntry:
    return CostEntry(
        algorithm="",
        label="",
        runs=1,
        iterations=iterations,
        tasks=tasks,
        seconds={"training": seconds, "total": seconds + 9},
        operations={"training": operations, "total": operations + 9},
        peak_memory=0,
        disk=0,
    )


COSTS = [cost(0), cost(100, 800, 10.0, 1e9), cost(100, 2400, 4.0, 1e9), cost(50, 400, 40.0, 3e9)]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("tasks", [None, 100, 33, 100]),
        ("seconds", [None, 100, 250, 12]),
        ("operations", [None, 100, 100, 17]),
    ],
)
def test_each_is_trained_for_as_long_as_takes_as_much_as_the_first(
    by: By, expected: list[int | None]
) -> None:
    assert lengths(COSTS, by) == expected


def test_lengths_stand_beside_those_algorithms_that_differ_from_the_usual() -> None:
    kinds = "".join(f'[[algorithm]]\nkind = "{each}"\n' for each in ("scratch", "maml", "fomaml", "reptile"))
    before = parse(SINUSOID + kinds, ["training.iterations=100", "algorithm.3.iterations=50"])
    after = equal(before, COSTS, "operations")
    assert [getattr(each, "iterations", None) for each in after.algorithm] == [None, None, None, 17]
    assert parse(after.to_toml()) == after


def test_where_nothing_is_trained_nothing_is_shared_out() -> None:
    assert lengths([cost(0), cost(0)], "seconds") == [None, None]


def test_what_was_equal_and_what_was_not_is_said() -> None:
    one, two = Budget(100, 800, 10.0, 1e9), Budget(100, 801, 30.0, None)
    unequal = "not by training time (up to 3 times)"
    assert said([one, two, Budget(0, 0, 0.0, None)]) == (
        f"Equal budgets by meta-iterations (100), tasks drawn (801); {unequal}."
    )
    assert said([one, Budget(300, 2400, 40.0, 4e9)]) == (
        "No equal budgets: trained learners differ in meta-iterations (up to 3 times), tasks drawn (up to 3 "
        "times), training time (up to 4 times), operations (up to 4 times)."
    )
    assert said([one]) == ""
