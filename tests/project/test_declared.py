"""What a value of a project file may be: each is taken as it was declared, or refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.project.conftest import completed, evaluated, reached
from workbench import toml
from workbench.project import Project, ProjectError, declared

AddRun = Callable[..., int]


def test_a_line_is_visible_and_bounded_whatever_was_stored(project: Project, add_run: AddRun) -> None:
    run = add_run(
        project, name="\x1b[31m\nred", label="x" * 50_000, notes="one\ntwo\x07", tags=["\u202e" * 9]
    )
    record = project.run(run)
    assert record.name == "␛[31m␊red"
    assert len(record.label) <= 200
    assert record.notes == "one\ntwo␇"
    assert record.tags == ("\\u202e" * 9,)


def test_text_that_is_none_hides_no_other_run(project: Project, add_run: AddRun) -> None:
    bad, good = add_run(project), add_run(project)
    with project.transaction():
        project._change("UPDATE runs SET name = CAST(x'eda08041' AS TEXT) WHERE id = ?", (bad,))
    assert [run.name for run in project.runs()] == ["\\xed\\xa0\\x80A", "MAML"]
    assert project.run(good).name == "MAML"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"inner_steps": None}, "inner_steps cannot be None"),
        ({"inner_steps": [1, 1]}, "inner_steps do not rise"),
        ({"inner_steps": []}, "inner_steps do not rise"),
        ({"inner_steps": [0, 10**400]}, "inner_steps cannot be"),
        ({"loss": [1.0]}, "loss has 1 values for 2 inner steps"),
        ({"loss": [1.0, "0.5"]}, "loss cannot be '0.5'"),
        ({"loss": [1.0, 10**400]}, "loss cannot be"),
        ({"accuracy": 0.5}, "accuracy cannot be 0.5"),
        ({"diverged": [0, -1]}, "diverged cannot be -1"),
        ({"episodes": True}, "episodes cannot be True"),
        ({"episodes": 0}, "episodes cannot be 0"),
        ({"report": [3]}, "report cannot be [3]"),
        ({"report": {"robust": {"loss": 3}}}, "report robust loss cannot be 3"),
        ({"drift": {"forgetting": "much"}}, "drift forgetting cannot be 'much'"),
        ({"new": [[[[[[[[[[[[[[1]]]]]]]]]]]]]]}, "new a text is nested too deeply"),
        ({"new": 2**64}, "new a number is too large"),
    ],
)
def test_a_summary_that_cannot_be_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refused:
        declared.reached(json.dumps(reached(1.0, 0.5) | change))
    assert why in str(refused.value)


@pytest.mark.parametrize("name", ["inner_steps", "loss", "episodes", "episodes_hash"])
def test_a_summary_without_what_every_one_has_is_refused(name: str) -> None:
    told = reached(1.0, 0.5)
    del told[name]
    with pytest.raises(ValueError, match=f"{name} is missing"):
        declared.reached(json.dumps(told))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "1e300"])
def test_what_is_no_finite_number_is_none(text: str) -> None:
    told = json.dumps(evaluated(1.0, 0.5, more=[0.25])).replace("0.5", text).replace("0.25", text)
    found = declared.evaluation(told)
    assert found["loss"] == [1.0, None]
    assert found["more"] == [None]


def test_what_a_newer_program_tells_is_kept(project: Project, add_run: AddRun) -> None:
    told = evaluated(1.0, more={"of": [1, "kind"]})
    assert declared.evaluation(json.dumps(told)) == completed(told)


@pytest.mark.parametrize(
    "arrays",
    [
        {"loss": np.zeros((2, 3))},
        {"loss": np.zeros((1, 2))},
        {"loss": np.zeros((2, 2), int)},
        {"loss": np.full((2, 2), 1e200)},
        {"accuracy": np.full((2, 2), 1.5)},
        {"correct": np.zeros((2, 5))},
        {"confidence": np.zeros((3, 5))},
        {"robust/accuracy": np.zeros((2, 1))},
    ],
)
def test_arrays_that_their_summary_does_not_describe_are_refused(
    project: Project, add_run: AddRun, arrays: dict[str, NDArray[Any]]
) -> None:
    run = add_run(project)
    project.save_result(run, "test", reached(1.0, 0.5, episodes=2, accuracy=[0.2, 0.4]), arrays, "h")
    with pytest.raises(ProjectError, match="result on 'test' is damaged: array"):
        project.result(run, "test")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "[" * 50_000, "nested too deeply"),
        ("a = " + "[" * 40 + "]" * 40, "nested too deeply"),
        (".".join("a" * 90) + " = 1", "nested too deeply"),
        (".".join("a" * 20_000) + " = 1", "dots"),
        ("a = " + "9" * 9_000, "not valid TOML"),
        ("a = 1\na = 2", "not valid TOML"),
        ("#" * 400_000, "letters are too many"),
    ],
)
def test_toml_that_nobody_needs_is_refused_at_once(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        toml.read(text)


@pytest.mark.parametrize("text", ["task = 5", "algorithm = 3", "[[algorithm]]\nkind = 1", "training = []"])
def test_an_experiment_that_is_none_is_named_by_verify(project: Project, text: str) -> None:
    project.add_experiment("Mine", text, "")
    (problem,) = project.verify()
    assert problem.startswith("experiment 1, 'Mine': ")


def test_a_project_counts_no_further_than_it_can(project: Project, add_run: AddRun) -> None:
    add_run(project)
    with project.transaction():
        project._change("UPDATE sqlite_sequence SET seq = ?", (2**62,))
    with pytest.raises(ProjectError, match="begin a new project"):
        add_run(project)
    assert project.verify() == []
