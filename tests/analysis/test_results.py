"""Rows of tables: which runs count as seeds of one algorithm, and what is measured after which step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.analysis import remarks
from workbench.analysis.reached import reached
from workbench.analysis.results import Outcome, Row, runs_rows, table_row
from workbench.analysis.tables import as_csv
from workbench.project import RunRecord, declared


def row_of(entries: list[Any]) -> Row:
    """The row of runs as :func:`entry` gives them."""
    nothing = dict.fromkeys(RunRecord.__dataclass_fields__)
    kept = ("seed", "task", "meta_iterations_per_second")
    members = [
        Outcome(
            RunRecord(**nothing | {"environment": {}} | {name: each[name] for name in kept}),  # type: ignore[arg-type]
            each["experiment"],
            each["test"],
        )
        for each in entries
    ]
    return table_row(entries[0]["label"], members)


def entry(
    seed: int, *losses: float | None, label: str = "MAML", steps: tuple[int, ...] = (0, 1), **more: Any
) -> Any:
    test = {
        "episodes": 9, "episodes_hash": "e", "inner_steps": list(steps), "loss": list(losses),
        "loss_ci95": [0.5] * len(losses), "accuracy": None, "accuracy_ci95": None, "problem": "regression",
        "measures": {"loss": {"mean": list(losses), "ci95": [0.5] * len(losses)}},
        "adaptation_steps_median": 3, "generalisation_gap": 0.5,
    }  # fmt: skip
    return {
        "experiment": "E", "experiment_id": 1, "label": label, "task": "sinusoid", "seed": seed,
        "meta_iterations_per_second": 10.0 + seed, "test": test,
    } | more  # fmt: skip


def test_a_row_sums_up_its_seeds() -> None:
    row = row_of([entry(0, 4.0, 1.0), entry(1, 4.0, 2.0), entry(2, 4.0, None)])
    assert (row.seeds, row.seeds_measured, row.mean, row.ci95_over_tasks) == (3, 2, 1.5, 0.5)
    assert row.ci95_over_seeds == pytest.approx(12.706 * 0.5, rel=1e-3)
    assert (row.beside["adaptation_steps_median"], row.beside["generalisation_gap"]) == (3, 0.5)
    assert row.meta_iterations_per_second == 11


def test_seeds_that_mostly_never_adapt_have_no_median() -> None:
    never = [entry(seed, 4.0, 1.0) for seed in range(3)]
    for each in never[:2]:
        each["test"]["adaptation_steps_median"] = None
    assert row_of(never).beside["adaptation_steps_median"] is None


@pytest.mark.parametrize(("step", "value"), [(None, 1.0), (0, 4.0), (1, 1.0), (7, None)])
def test_a_value_belongs_to_its_step(step: int | None, value: float | None) -> None:
    assert reached(entry(0, 4.0, 1.0)["test"], "loss", step)[1] == value


@pytest.mark.parametrize(("step", "value"), [(None, 1.0), (0, None), (1, 1.0), (7, 1.0)])
def test_a_closed_form_adapts_once(step: int | None, value: float | None) -> None:
    assert reached(entry(0, 1.0, steps=(1,))["test"], "loss", step)[1] == value


def test_what_was_not_measured_has_no_value() -> None:
    assert reached(entry(0, 4.0, 1.0)["test"], "accuracy") == ("accuracy", None, None)
    assert reached(None) == ("", None, None)


def attacked(seed: int, mean: float, drift: object = None) -> Any:
    each = entry(seed, 4.0, 1.0)
    each["test"] |= {"report": {"robust": {"accuracy": {"mean": mean, "ci95": 0.05}}}, "drift": drift}
    return each


def test_what_was_attacked_and_forgotten_has_columns_of_its_own() -> None:
    drift = {"forgetting_mean": 0.5, "backward_transfer": -0.25}
    two = [attacked(0, 0.5, drift), attacked(1, 0.25, drift)]
    rows = [row_of(each).cells() for each in (two, [entry(0, 4.0, 1.0, label="ANIL")])]
    assert [row["robust_accuracy"] for row in rows] == [0.375, None]
    assert [row["robust_accuracy_ci95"] for row in rows] == [pytest.approx(0.05), None]
    assert [(row["forgetting"], row["backward_transfer"]) for row in rows] == [(0.5, -0.25), (None, None)]
    head, _, second = as_csv(rows).splitlines()
    assert "robust_accuracy,robust_accuracy_ci95,forgetting,backward_transfer" in head
    assert ",,,,," in second


def test_everybody_with_a_privilege_is_named_once() -> None:
    many = [f"learner {number}" for number in range(9)]
    found = [*((name, "knows the prior") for name in (*many, *many)), ("random", ""), ("oracle", "sees all")]
    assert (
        remarks.privileged(found)
        == f"With a privilege: {', '.join(many)} (knows the prior); oracle (sees all)."
    )
    assert remarks.privileged([("random", "")]) == ""


def test_a_run_has_them_too() -> None:
    more: dict[str, Any] = dict.fromkeys(
        ("id", "name", "algorithm", "status", "failure", "iterations", "seconds")
    )
    more |= {"config_hash": "c", "data_hash": "d"}
    (row,) = runs_rows([attacked(0, 0.5) | more | {"environment": {}}])
    assert (row["robust_accuracy"], row["robust_accuracy_ci95"], row["forgetting"]) == (0.5, 0.05, None)


def test_a_measure_of_a_report_is_named_by_its_key() -> None:
    assert reached(attacked(0, 0.5)["test"], "robust/accuracy", 0) == ("robust/accuracy", 0.5, 0.05)
    assert reached(entry(0, 4.0, 1.0)["test"], "robust/accuracy") == ("robust/accuracy", None, None)


@pytest.mark.parametrize("report", [None, 3, {"robust": 3}, {"robust": {"accuracy": {"mean": "x"}}}])
def test_a_report_that_is_none_never_comes_here(report: object) -> None:
    test = entry(0, 4.0, 1.0)["test"]
    assert declared.reached(json.dumps(test)) == test | {"tasks": 9}
    for wrong in ({"report": report}, {"drift": "x"}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} .*cannot be"):
            declared.reached(json.dumps(test | wrong))
