"""Projects whose runs act: what is stored, shown, exported, and measured on another distribution too."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import finished
from workbench.project import Project

Call = Callable[..., tuple[int, str, str]]
WORLDS = """
name = "worlds"
[task]
family = "driving"
steps = 6
episodes = 3
rollouts = 2
shift = "ice"
[training]
iterations = 4
meta_batch = 4
[evaluation]
episodes = 6
validation_episodes = 4
every = 2
inner_steps = 2
threshold = -0.05
[[algorithm]]
kind = "transfer"
[[algorithm]]
kind = "recurrent"
[[algorithm]]
kind = "rl2"
[[algorithm]]
kind = "oracle"
"""


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acted")
    experiment, project = folder / "worlds.toml", folder / "p.mlwb"
    experiment.write_text(WORLDS)
    finished("run", experiment, "--project", project)
    return project


@pytest.fixture
def tests(acted: Path, call: Call) -> dict[str, dict[str, Any]]:
    """What ``show --json`` says of each run's meta-test, by algorithm."""
    code, out, _ = call("show", acted, "--json")
    assert code == 0
    return {run["algorithm"]: run["test"] for run in json.loads(out)["runs"]}


def test_everybody_acts_in_the_same_episodes_and_is_measured_by_what_was_acted_in(
    tests: dict[str, dict[str, Any]],
) -> None:
    assert len({test["episodes_hash"] for test in tests.values()}) == 1
    assert tests["recurrent"]["inner_steps"] == tests["transfer"]["inner_steps"] == [0, 1, 2]
    assert tests["recurrent"]["episodes_consumed"] == [0, 1, 2]
    assert tests["transfer"]["episodes_consumed"] == [0, 2, 4]
    assert tests["transfer"]["environment_steps"] == [0, 12, 24]


def test_what_is_not_known_of_a_learner_is_null(tests: dict[str, dict[str, Any]]) -> None:
    assert tests["transfer"]["measures"]["total_return"]["mean"] == [None] * 3
    returns, total = (tests["rl2"]["measures"][name]["mean"] for name in ("return", "total_return"))
    np.testing.assert_allclose(np.cumsum(returns), total, rtol=1e-5)


def test_another_distribution_is_measured_on_episodes_of_its_own(
    acted: Path, tests: dict[str, dict[str, Any]]
) -> None:
    shifts = [test["shift"] for test in tests.values()]
    assert {shift["name"] for shift in shifts} == {"ice"}
    assert len({shift["episodes_hash"] for shift in shifts} - {tests["rl2"]["episodes_hash"]}) == 1
    with Project.open(acted, read_only=True) as project:
        for run in project.runs():
            result = project.result(run.id, "test")
            assert result is not None
            arrays = result.arrays
            assert arrays["shifted/return"].shape == arrays["return"].shape == (3, 6)
            told = tests[run.algorithm]["shift"]["measures"]["return"]["mean"]
            np.testing.assert_allclose(arrays["shifted/return"].mean(1), told, rtol=1e-5)
            assert not np.array_equal(arrays["shifted/return"], arrays["return"])


def test_a_threshold_is_a_return_that_is_reached(tests: dict[str, dict[str, Any]]) -> None:
    for test in tests.values():
        assert (test["adaptation_measure"], test["adaptation_threshold"]) == ("return", -0.05)
        assert 0 <= test["adaptation_reached"] <= 1
        median = test["adaptation_environment_steps_median"]
        assert median is None or median in test["environment_steps"]


def test_a_second_distribution_is_compared_in_pairs(acted: Path, call: Call, tmp_path: Path) -> None:
    out = tmp_path / "t.csv"
    done = call("export", acted, "--what", "comparison", "--measure", "shifted/return", "-o", out)
    assert done[0] == 0, done[2]
    assert all(name in out.read_text() for name in ("RL²", "Recurrent", "Transfer", "Oracle"))


PRIVILEGES = (
    "With a privilege: Transfer (uses the gradient of the test world's own simulator); "
    "Oracle (sees the hidden parameters)."
)


@pytest.mark.parametrize(
    ("what", "form"),
    [
        ("table", "md"),
        ("table", "tex"),
        ("comparison", "svg"),
        ("statistics", "md"),
        ("adaptation", "svg"),
        ("report", "html"),
    ],
)
def test_who_knows_more_of_a_test_task_is_named_beside_the_result(
    acted: Path, call: Call, tmp_path: Path, what: str, form: str
) -> None:
    out = tmp_path / f"x.{form}"
    assert call("export", acted, "--what", what, "-o", out)[0] == 0
    told = html.unescape(" ".join(out.read_text(encoding="utf-8").split()))
    assert PRIVILEGES in told


def test_what_a_learner_knows_is_a_value_of_its_row_and_shown(
    acted: Path, call: Call, tmp_path: Path
) -> None:
    out = tmp_path / "t.csv"
    assert call("export", acted, "--what", "table", "-o", out)[0] == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["algorithm"]: row["privilege"] for row in rows} == {
        "Transfer": "uses the gradient of the test world's own simulator",
        "Recurrent": "",
        "RL²": "",
        "Oracle": "sees the hidden parameters",
    }
    shown = " ".join(call("show", acted)[1].split())
    assert PRIVILEGES in shown


@pytest.mark.parametrize(
    ("what", "form"),
    [("learning_curves", "png"), ("adaptation", "pdf"), ("predictions", "gif"), ("report", "html")],
)
def test_it_is_exported(acted: Path, call: Call, tmp_path: Path, what: str, form: str) -> None:
    out = tmp_path / f"x.{form}"
    code, _, said = call("export", acted, "--what", what, "--format", form, "-o", out)
    assert (code, out.stat().st_size > 500) == (0, True), said


def test_it_verifies(acted: Path, call: Call) -> None:
    code, out, said = call("verify", acted)
    assert code == 0, out + said


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("task.steps=0", "task.steps: 0 is out of range"),
        ("task.shift='snow'", "task.shift: 'snow'"),
        (
            "task.drift={segments=2, parameter='colour'}",
            "drift.parameter: 'colour' is not known; allowed: wheelbase",
        ),
        ("algorithm.0.kind='protonet'", "needs classes"),
        ("evaluation.attack='pgd'", "evaluation.attack"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    call: Call, tmp_path: Path, override: str, said: str
) -> None:
    (tmp_path / "e.toml").write_text(WORLDS)
    code, _, complaint = call("run", tmp_path / "e.toml", "--project", tmp_path / "p.mlwb", "--set", override)
    assert code == 2
    assert said in complaint
    assert len(complaint.splitlines()) == 1
