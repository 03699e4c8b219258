"""When a training diverged, as far as its curves tell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from workbench.analysis.divergence import diverged_at, ended_well
from workbench.cli import commands
from workbench.problems.regression import Regression
from workbench.project import Project, RunRecord, declared

RUN: dict[str, Any] = {"status": "finished", "failure": "", "iterations": 100}


def run(**changes: Any) -> RunRecord:
    fields = dict.fromkeys(RunRecord.__dataclass_fields__)
    return RunRecord(**fields | RUN | changes)  # type: ignore[arg-type]


def validation(*loss: float | None, diverged: int = 0) -> dict[str, Any]:
    """Ten tasks before adaptation and after each inner step."""
    found = [0, *[diverged] * (len(loss) - 1)]
    steps = list(range(len(loss)))
    return {
        "inner_steps": steps,
        "loss": list(loss),
        "measures": {"loss": {"mean": list(loss), "ci95": [None] * len(loss)}},
        "loss_median": list(loss),
        "diverged": found,
        "tasks": 10,
    }


def at(
    evaluations: dict[int, dict[str, Any]], losses: list[float] | None = None, **changes: Any
) -> int | None:
    values = np.ones(100) if losses is None else np.array(losses, dtype=float)
    return diverged_at(
        run(**changes), list(evaluations.items()), lambda: (np.arange(1, len(values) + 1), values)
    )


FINE, LOST = validation(4.0, 2.0, 1.0), validation(4.0, None, None, diverged=10)
UP = [1.0] * 30 + [1e3 * 2**each for each in range(70)]


def test_a_training_that_stays_in_bounds_has_not_diverged() -> None:
    assert at({0: FINE, 50: FINE, 100: FINE}) is None
    assert at({}, []) is None


def test_it_diverged_where_the_training_loss_leaves_for_good() -> None:
    assert at({0: FINE, 50: LOST, 100: LOST}, UP) == 31


def test_where_only_validations_tell_the_first_of_them_counts() -> None:
    assert at({0: FINE, 50: LOST, 100: LOST}) == 50
    assert at({0: LOST, 50: LOST, 100: LOST}, [1e9] * 100) == 0


def test_what_recovered_has_not_diverged() -> None:
    assert at({0: FINE, 50: LOST, 100: FINE}, [1.0] * 30 + [1e9] * 30 + [1.0] * 40) is None


def test_one_outlier_is_no_divergence() -> None:
    losses = [1.0] * 60
    losses[55] = 1e3
    assert at({0: FINE, 50: FINE}, losses, status="running", iterations=60) is None


def test_weights_that_explode_count_though_no_task_is_worse_than_before_adaptation() -> None:
    assert at({0: FINE, 100: validation(1e20, 1e19, 1e19)}) == 100


def test_more_inner_steps_than_it_was_trained_with_do_not_count() -> None:
    late = FINE | {"loss": [4.0, 1.0, None], "loss_median": [4.0, 1.0, None], "diverged": [0, 0, 10]}
    assert at({0: FINE, 100: late}) is None


@pytest.mark.parametrize(("last", "well"), [(FINE, True), (LOST, False)])
def test_what_ended_well_did_not_diverge_whatever_was_between(last: dict[str, Any], well: bool) -> None:
    assert ended_well(run(), [(0, FINE), (100, last)]) is well
    assert (at({0: FINE, 50: LOST, 100: last}) is None) is well
    assert not ended_well(run(iterations=101), [(0, FINE), (100, last)])
    assert not ended_well(run(), [])


def test_a_failure_for_a_loss_that_is_not_finite_counts() -> None:
    failed = "meta-iteration 31: the loss of 4 of 4 tasks is not finite; lower training.meta_lr (now 1)"
    assert at({0: FINE}, [1.0] * 30, status="failed", failure=failed, iterations=30) == 31
    assert at({0: FINE}, [1.0] * 20 + [1e6] * 10, status="failed", failure=failed, iterations=30) == 21


def test_another_failure_does_not() -> None:
    failed = "meta-iteration 31: out of memory on cuda; lower training.chunk (now 4)"
    assert at({0: FINE}, [1.0] * 30, status="failed", failure=failed, iterations=30) is None


@pytest.mark.parametrize("summary", [{}, {"loss": 3}, {"loss": ["x"]}, {"loss": [1.0], "diverged": "x"}])
def test_a_strangers_validation_never_comes_here(summary: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"missing|cannot be"):
        declared.evaluation(json.dumps(summary))


def test_a_loss_below_zero_has_no_scale_to_diverge_by(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = Regression.row("loss")
    assert loss is not None
    monkeypatch.setattr(Regression, "measures", (replace(loss, signed=True),))
    fell = validation(-0.1, -40.0, -50.0)
    assert at({0: fell, 50: fell, 100: fell}, [-0.1, *[-60.0] * 99]) is None
    assert at({0: fell, 50: fell, 100: validation(-0.1, None, None)}, [-0.1, *[-60.0] * 99]) == 100


def test_show_says_when(tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    with Project.create(path) as project, project.transaction():
        owner = project.add_experiment("E", "", "")
        for losses, each in ((np.ones(100), FINE), (np.array(UP), LOST)):
            made = project.add_run(
                owner, name="R", algorithm="maml", task="sinusoid", seed=0, status="finished", iterations=100
            )
            project.append_series(made, "loss", np.arange(1, 101), losses)
            project.add_evaluation(made, 0, "validation", FINE)
            project.add_evaluation(made, 100, "validation", each)
    shown = json.loads(CliRunner().invoke(commands, ["show", str(path), "--json"]).output)
    assert [each["diverged_at"] for each in shown["runs"]] == [None, 31]
